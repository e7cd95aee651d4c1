"""Spectral expansions on bounded and unbounded domains: fast transforms for PyTorch, and learning equations with them."""

from .support.start import end_if_interrupted

end_if_interrupted()  # before what takes a second or two

# isort: split
from types import ModuleType
from typing import TYPE_CHECKING

from . import nn, ops
from ._version import __version__
from .families import Chebyshev, Fourier, Hermite, Laguerre, Legendre, Rational, RationalHalfLine, TwoHalfLines
from .index_sets import HyperbolicCross, Indices, TensorProduct, TotalDegree, load_index_set
from .kernels.affine_map import debug_checks
from .quadrature import gauss, leja
from .space import Space

if TYPE_CHECKING:
    from . import adapt, data, distributed, learn

__all__ = [
    "Chebyshev",
    "Fourier",
    "Hermite",
    "HyperbolicCross",
    "Indices",
    "Laguerre",
    "Legendre",
    "Rational",
    "RationalHalfLine",
    "Space",
    "TensorProduct",
    "TotalDegree",
    "TwoHalfLines",
    "__version__",
    "adapt",
    "data",
    "debug_checks",
    "distributed",
    "gauss",
    "learn",
    "leja",
    "load_index_set",
    "nn",
    "ops",
]


def __getattr__(name: str) -> ModuleType:
    # These need libraries that take time to import; those who only transform do not pay for them.
    if name in ("adapt", "data", "distributed", "learn"):
        import importlib

        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
