"""Observations of fields, as people have them: files and arrays read, predictions written."""

from ..support.extras import require

require(["scipy", "xarray", "h5netcdf"], "specfast.data")

from .errors import DataError
from .field import Field
from .observations import Observations, Origin
from .opening import open, read
from .positions import read_positions
from .suggestion import Suggestion, ring_of, suggested_basis, suggestions
from .summary import summary
from .write import to_dataset, write

__all__ = [
    "DataError",
    "Field",
    "Observations",
    "Origin",
    "Suggestion",
    "open",
    "read",
    "read_positions",
    "ring_of",
    "suggested_basis",
    "suggestions",
    "summary",
    "to_dataset",
    "write",
]
