"""Values that were not observed: what files mark them by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .errors import DataError

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
    low, high, unpacked = _valid(stored.dtype, attributes)
    if stored.dtype.kind != "c" and not unpacked:
        absent |= _outside(stored, low, high)
    values = stored.astype(np.complex128 if stored.dtype.kind == "c" else np.float64)
    scale, offset = attributes.get("scale_factor"), attributes.get("add_offset")
    if scale is not None:
        values *= _number("scale_factor", scale)
    if offset is not None:
        values += _number("add_offset", offset)
    if unpacked and stored.dtype.kind != "c":
        absent |= _outside(values, low, high)
    absent |= ~np.isfinite(values)
    values[absent] = np.nan
    return values


def _marks(dtype: np.dtype, attributes: Mapping[str, Any], netcdf: bool) -> list[Any]:
    marks: list[Any] = []
    for name in ("_FillValue", "missing_value"):
        for value in np.atleast_1d(np.asarray(attributes.get(name, []))):
            try:
                number = complex(value) if dtype.kind == "c" else float(value)  # some write "-999"
            except (TypeError, ValueError):
                continue
            if dtype.kind in "fc":
                # As the type of the variable has it: 1e20 as a double is not 1e20 in single precision.
                with np.errstate(over="ignore"):
                    marks.append(np.asarray(number).astype(dtype))
            elif dtype.kind in "iu" and np.isfinite(number) and number == int(number.real):
                limits = np.iinfo(dtype)
                if limits.min <= int(value) <= limits.max:  # another cannot be stored, and marks nothing
                    marks.append(np.asarray(int(value)).astype(dtype))
    if netcdf and "_FillValue" not in attributes and dtype.str[1:] in DEFAULT_FILL:
        marks.append(np.asarray(DEFAULT_FILL[dtype.str[1:]]).astype(dtype))
    return marks


def _outside(values: np.ndarray, low: float | None, high: float | None) -> np.ndarray:
    outside = np.zeros(values.shape, dtype=bool)
    if low is not None:
        outside |= values < low
    if high is not None:
        outside |= values > high
    return outside


def _valid(dtype: np.dtype, attributes: Mapping[str, Any]) -> tuple[float | None, float | None, bool]:
    """Return the ends of what is valid, and whether they are those of unpacked values: of packed whole numbers where they are not whole."""
    low, high = attributes.get("valid_min"), attributes.get("valid_max")
    both = attributes.get("valid_range")
    if both is not None and np.size(both) == 2:
        low, high = np.asarray(both).reshape(-1)
    given = [np.asarray(end) for end in (low, high) if end is not None]
    if str(attributes.get("_Unsigned", "")).lower() == "true" and dtype.kind == "u":
        low, high = (None if end is None else np.asarray(end).astype(dtype) for end in (low, high))
    unpacked = dtype.kind in "iu" and "scale_factor" in attributes and any(end.dtype.kind == "f" for end in given)
    ends = [None if end is None else _number("valid_range", end) for end in (low, high)]
    return ends[0], ends[1], unpacked


def _number(name: str, value: Any) -> float:
    try:
        (number,) = np.asarray(value, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise DataError(f"the attribute {name} = {value}: one number is expected") from None
    return float(number)
