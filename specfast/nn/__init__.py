"""Layers: transforms, sums of maps along the axes, spectral convolution and operators, polynomial Kolmogorov-Arnold layers, the spectral neural ODE."""

from .convolution import SpectralConv
from .kan import PolynomialKAN
from .kronecker_sum import KroneckerSumLinear
from .ode import SpectralODE, StiffError
from .operator import SpectralOperator
from .transforms import Analysis, ScaledLayer, Synthesis

__all__ = [
    "Analysis",
    "KroneckerSumLinear",
    "PolynomialKAN",
    "ScaledLayer",
    "SpectralConv",
    "SpectralODE",
    "SpectralOperator",
    "StiffError",
    "Synthesis",
]
