"""The families of functions, one a file. A file that is added here is found by itself."""

import importlib
import pkgutil

from .base import MAX_DEGREE, MAX_SINGLE, Family, check_degree
from .hermite import Hermite
from .laguerre import Laguerre
from .registry import FAMILIES, check_family, family_by_name, family_from_dict, names_of_families
from .tables import DifferentiationTables, EndTables, RecurrenceTables

from .chebyshev import Chebyshev  # isort: skip
from .fourier import Fourier
from .legendre import Legendre
from .rational import Rational
from .rational_half_line import RationalHalfLine
from .two_half_lines import TwoHalfLines

__all__ = [
    "FAMILIES",
    "MAX_DEGREE",
    "MAX_SINGLE",
    "Chebyshev",
    "DifferentiationTables",
    "EndTables",
    "Family",
    "Fourier",
    "Hermite",
    "Laguerre",
    "Legendre",
    "Rational",
    "RationalHalfLine",
    "RecurrenceTables",
    "TwoHalfLines",
    "check_degree",
    "check_family",
    "family_by_name",
    "family_from_dict",
    "names_of_families",
]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f".{_module.name}", __name__)
