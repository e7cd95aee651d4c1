"""Times as numbers with a unit: dates, differences, and numbers that a file says the unit of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import missing
from .errors import DataError

# In seconds. Months and years have no fixed length and are converted to nothing.
SECONDS = {
    "nanosecond": 1e-9, "microsecond": 1e-6, "millisecond": 1e-3, "second": 1.0, "minute": 60.0, "hour": 3600.0,
    "day": 86400.0, "week": 604800.0,
}  # fmt: skip
_SHORT = {
    "s": "second", "sec": "second", "secs": "second", "ms": "millisecond", "us": "microsecond", "ns": "nanosecond",
    "min": "minute", "mins": "minute", "h": "hour", "hr": "hour", "hrs": "hour", "d": "day",
}  # fmt: skip
_SINCE = re.compile(r"^\s*(\S+)\s+since\s+(.+?)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Times:
    """Numbers, what they count ("", "s", "days since 2000-01-01"), the calendar of dates, and a remark if there is one."""

    numbers: np.ndarray
    units: str = ""
    calendar: str = ""
    note: str = ""


def unit_of(units: str) -> str:
    """Return the name of a unit of time without "since ..": "second" of "s", "day" of "days since 2000-01-01"."""
    found = _SINCE.match(units)
    word = (found.group(1) if found else units).strip()
    if word in _SHORT:  # as it is spelled: Ms is not ms
        return _SHORT[word]
    lower = word.lower().removesuffix("s")
    return lower if lower in SECONDS else word


def factor(given: str, wanted: str) -> float | None:
    """Return what numbers in one unit are multiplied by to be in another; None where nothing is known of them."""
    one, other = unit_of(given), unit_of(wanted)
    if one == other:
        return 1.0
    if one in SECONDS and other in SECONDS:
        return SECONDS[one] / SECONDS[other]
    return None


def decode(array: np.ndarray, attributes: Mapping[str, Any], name: str, source: str) -> Times:
    """Return times of any type as numbers.

    Raises
    ------
    DataError
        If they are neither numbers nor dates.
    """
    kind = array.dtype.kind
    if kind == "M":
        return _dates(array, name, source)
    if kind == "m":
        if np.isnat(array).any():
            raise DataError(f"{source}: {name} holds differences that are missing (NaT)")
        if np.datetime_data(array.dtype)[0] in ("Y", "M"):
            raise DataError(f"{source}: {name} is in months or years, which have no fixed length; days are expected")
        seconds = array / np.timedelta64(1, "s")
        unit = _suitable(seconds)
        return Times(seconds / SECONDS[unit], unit + "s")
    if kind == "O" and array.size and hasattr(array.reshape(-1)[0], "calendar"):
        return _calendar_dates(array)
    if kind not in "fiu":
        raise DataError(f"{source}: {name} has type {array.dtype}; numbers or dates are expected")
    units, calendar = str(attributes.get("units", "")), str(attributes.get("calendar", ""))
    numbers, note = missing.decode(array, attributes, netcdf=False), ""
    if "since" in units and not _decodable(units):
        note = f"{name}: units {units!r} cannot be decoded; its numbers are taken as they are"
    return Times(numbers, units, calendar, note)


def _decodable(units: str) -> bool:
    found = _SINCE.match(units)
    if found is None or unit_of(units) not in (*SECONDS, "month", "year", "months", "years"):
        return False
    return re.match(r"^-?\d{1,6}-\d{1,2}-\d{1,2}", found.group(2)) is not None


def _suitable(seconds: np.ndarray) -> str:
    """Return the largest unit in which the whole span is at least four."""
    finite = seconds[np.isfinite(seconds)]
    span = float(finite.max() - finite.min()) if finite.size else 0.0
    return next((unit for unit in ("day", "hour", "minute", "second") if span >= 4 * SECONDS[unit]), "second")


def _dates(array: np.ndarray, name: str, source: str) -> Times:
    if np.isnat(array).any():
        raise DataError(f"{source}: {name} holds dates that are missing (NaT)")
    if np.datetime_data(array.dtype)[0] in ("Y", "M", "W"):
        array = array.astype("datetime64[D]")  # the first of each
    start = array.reshape(-1).min() if array.size else np.datetime64(0, "s")
    seconds = (array - start) / np.timedelta64(1, "s")
    unit = _suitable(seconds)
    begins = np.datetime_as_string(start.astype("datetime64[us]"), unit="auto").replace("T", " ")
    return Times(seconds / SECONDS[unit], f"{unit}s since {begins}", "proleptic_gregorian")


def _calendar_dates(array: np.ndarray) -> Times:
    import cftime

    flat = array.reshape(-1)
    start, calendar = min(flat), flat[0].calendar
    seconds = np.array([(date - start).total_seconds() for date in flat]).reshape(array.shape)
    unit = _suitable(seconds)
    units = f"{unit}s since {start.isoformat(sep=' ')}"
    return Times(np.asarray(cftime.date2num(array, units, calendar), dtype=np.float64), units, calendar)
