"""Index sets: which products of one-dimensional functions belong to a space."""

from .base import IndexSet, Indices
from .counting import ALL
from .functions import FunctionsOf, functions_of
from .partition import Part
from .registry import index_set_from_dict, load_index_set
from .sets import HyperbolicCross, TensorProduct, TotalDegree

__all__ = [
    "ALL",
    "FunctionsOf",
    "HyperbolicCross",
    "IndexSet",
    "Indices",
    "Part",
    "TensorProduct",
    "TotalDegree",
    "functions_of",
    "index_set_from_dict",
    "load_index_set",
]
