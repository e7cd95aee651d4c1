"""Values that were not observed: what files mark them by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

# What the NetCDF library fills variables with that nobody wrote to (netcdf.h, NC_FILL_*).
DEFAULT_FILL = {
    "f4": 9.969209968386869e36, "f8": 9.969209968386869e36, "i2": -32767, "i4": -2147483647, "i8": -9223372036854775806,
    "u2": 65535, "u4": 4294967295, "u8": 18446744073709551614,
}  # fmt: skip
_MARKS = (
    "_FillValue",
    "missing_value",
    "valid_min",
    "valid_max",
    "valid_range",
    "scale_factor",
    "add_offset",
    "_Unsigned",
)


def plain(attributes: Mapping[str, Any], netcdf: bool) -> bool:
    """Whether stored numbers are the values as they are, so that nothing has to be looked at."""
    return not netcdf and not any(name in attributes for name in _MARKS)


def decode(raw: np.ndarray, attributes: Mapping[str, Any], netcdf: bool) -> np.ndarray:
    """Return values as float64 (or complex128) with NaN where nothing was observed.

    Marked are _FillValue, missing_value, what lies outside valid_range, valid_min and valid_max, NetCDF's own fill where
    a variable has no _FillValue, masked entries, and infinity. Marks are compared with the numbers as they are stored,
    before scale_factor and add_offset (CF conventions 2.5 and 8.1).
    """
    masked = np.ma.getmaskarray(raw) if isinstance(raw, np.ma.MaskedArray) else None
    stored = np.asarray(raw)
    if str(attributes.get("_Unsigned", "")).lower() == "true" and stored.dtype.kind == "i":
        stored = stored.view(stored.dtype.str.replace("i", "u"))
    absent = np.zeros(stored.shape, dtype=bool) if masked is None else masked.copy()
    for mark in _marks(stored.dtype, attributes, netcdf):
        absent |= stored == mark
    low, high = _valid(attributes)
    if stored.dtype.kind != "c":
        if low is not None:
            absent |= stored < low
        if high is not None:
            absent |= stored > high
    values = stored.astype(np.complex128 if stored.dtype.kind == "c" else np.float64)
    scale, offset = attributes.get("scale_factor"), attributes.get("add_offset")
    if scale is not None:
        values *= float(scale)
    if offset is not None:
        values += float(offset)
    absent |= ~np.isfinite(values)
    values[absent] = np.nan
    return values


def _marks(dtype: np.dtype, attributes: Mapping[str, Any], netcdf: bool) -> list[Any]:
    marks: list[Any] = []
    for name in ("_FillValue", "missing_value"):
        if name in attributes:
            listed = np.atleast_1d(np.asarray(attributes[name]))
            if listed.dtype.kind in "fiuc":
                # As the type of the variable has it: 1e20 as a double is not 1e20 in single precision.
                marks += [value.astype(dtype) for value in listed if np.isfinite(value) or dtype.kind in "fc"]
    if netcdf and "_FillValue" not in attributes and dtype.str[1:] in DEFAULT_FILL:
        marks.append(np.asarray(DEFAULT_FILL[dtype.str[1:]]).astype(dtype))
    return marks


def _valid(attributes: Mapping[str, Any]) -> tuple[float | None, float | None]:
    low, high = attributes.get("valid_min"), attributes.get("valid_max")
    both = attributes.get("valid_range")
    if both is not None and np.size(both) == 2:
        low, high = np.asarray(both).reshape(-1)
    return (None if low is None else float(low)), (None if high is None else float(high))
