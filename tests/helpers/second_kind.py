"""A family as a user would add it: one file, known to everything else by its tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from specfast.families.interval import IntervalFamily
from specfast.families.tables import DifferentiationTables, EndTables


@dataclass(frozen=True, init=False, repr=False)
class SecondKind(IntervalFamily):
    r"""Chebyshev polynomials of the second kind, sqrt(2/pi) U_n, orthonormal under sqrt(1 - z^2) dz."""

    power: ClassVar[float] = 0.0
    orthonormal: ClassVar[bool] = False

    def plain_recurrence(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """U_{n+1} = 2 z U_n - U_{n-1}."""
        return np.full(count, 2.0), np.zeros(count), np.ones(count), math.sqrt(2 / math.pi)

    def end_tables(self, count: int) -> EndTables:
        """U_n(1) = n + 1."""
        n = np.arange(count, dtype=float)
        return EndTables(n / (n + 2), 2 * (n + 1) / (n + 2), math.sqrt(2 / math.pi) * (n + 1))

    def differentiation_tables(self, count: int) -> DifferentiationTables:
        """U_n' = sum over k = n-1, n-3, .. of 2 (k + 1) U_k."""
        n, zero = np.arange(count, dtype=float), np.zeros(count)
        return DifferentiationTables(zero, (n + 1) / (n + 3), zero, zero, 2 * (n + 1))

    def gauss_rule(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """cos(k pi / (n + 1)) with weights pi / (n + 1) sin^2."""
        angle = np.arange(n, 0, -1) * math.pi / (n + 1)
        return np.cos(angle), math.pi / (n + 1) * np.sin(angle) ** 2
