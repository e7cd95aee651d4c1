"""Observations of fields, as people have them: files and arrays read, predictions written."""

from ..support.extras import require

require(["scipy", "xarray", "h5netcdf"], "specfast.data")

from .netcdf import read
from .observations import DataError, Observations

__all__ = ["DataError", "Observations", "read"]
