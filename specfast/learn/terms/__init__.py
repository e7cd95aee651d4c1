"""Equations as sums of terms: found by regression on integrals, chosen by forecasts, refined by shooting, written as text."""
