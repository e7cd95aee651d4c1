"""Index sets: which products of one-dimensional functions belong to a space."""

from .partition import Part
from .sets import (
    ALL,
    HyperbolicCross,
    IndexSet,
    Indices,
    TensorProduct,
    TotalDegree,
    index_set_from_dict,
    load_index_set,
)

__all__ = [
    "ALL",
    "HyperbolicCross",
    "IndexSet",
    "Indices",
    "Part",
    "TensorProduct",
    "TotalDegree",
    "index_set_from_dict",
    "load_index_set",
]
