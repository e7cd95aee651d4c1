"""Layers: transforms, sums of maps along the axes, spectral convolution and operators, polynomial Kolmogorov-Arnold layers, the spectral neural ODE."""

from .along_axes import AlongAxes
from .convolution import SpectralConv
from .kan import PolynomialKAN
from .ode import SpectralODE, StiffError
from .operator import SpectralOperator
from .transforms import Analysis, BasisLayer, Synthesis

__all__ = [
    "AlongAxes",
    "Analysis",
    "BasisLayer",
    "PolynomialKAN",
    "SpectralConv",
    "SpectralODE",
    "SpectralOperator",
    "StiffError",
    "Synthesis",
]
