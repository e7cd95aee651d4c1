"""Layers on top of Space."""

from .ode import SpectralODE

__all__ = ["SpectralODE"]
