"""Spectral expansions on bounded and unbounded domains: fast transforms for PyTorch, and learning equations with them."""

from . import ops as _ops  # registers torch.ops.specfast
from ._version import __version__
from .families import Chebyshev, Hermite, Laguerre, Legendre
from .index_sets import HyperbolicCross, TensorProduct, TotalDegree
from .quadrature import gauss, leja

__all__ = [
    "Chebyshev",
    "Hermite",
    "HyperbolicCross",
    "Laguerre",
    "Legendre",
    "TensorProduct",
    "TotalDegree",
    "__version__",
    "gauss",
    "leja",
]
