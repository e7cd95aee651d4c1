"""Layers: the spectral neural ODE."""

from .ode import SpectralODE, StiffError

__all__ = ["SpectralODE", "StiffError"]
