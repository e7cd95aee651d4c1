"""Anything that holds a field that changes in time, opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import DataError
from .field import Field
from .formats import open_path
from .layouts import Request, recognise
from .memory import Positions, field_of_arrays, is_xarray, store_of_xarray
from .observations import Observations, observations

# A path, a Dataset or a DataArray of xarray, an array, a Field or Observations: told apart when it is opened.
Source = Any


def open(
    source: Any,
    *,
    x: Positions = None,
    t: Any = None,
    variable: str | Sequence[str] = (),
    dims: Sequence[str] = (),
    coordinates: Mapping[str, str] | None = None,
    group: str = "",
    trajectories: slice | None = None,
    times: tuple[float | None, float | None] | None = None,
    channels: Sequence[str] | None = None,
    parameters: Any = None,
    parameter_names: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
    periodic: Sequence[str] = (),
) -> Field:
    """Return the field in a file, a Dataset or arrays: described, and not yet read.

    Parameters
    ----------
    source : path, xarray.Dataset, xarray.DataArray or array
        A file of NetCDF-3 or -4, HDF5, Zarr, MATLAB, NumPy, CSV or Parquet, recognised by what it holds; or u itself,
        ([trajectory,] time[, channel], positions), of NumPy or torch, real or complex, NaN or masked where nothing was
        observed.
    x : array, sequence of arrays or mapping
        With u: positions (n,), one array an axis of a grid, (M, D) or (R, M[, D]) of scattered sensors, or by names.
    t : array
        With u: times (T,) or (R, T); numbers, dates or differences of dates.
    variable : str or sequence of str
        Which arrays of a file are the field, one a channel; default: u, or the only one that can be.
    dims : sequence of str
        What the axes of the field are, where it cannot be told: trajectory, time, channel, point, x ...
    coordinates : mapping
        For an axis the variable with its coordinates, or "a:b" for evenly spaced ones.
    group : str
        Which group of a file with several, such as "valid".
    trajectories : slice, optional
        Which of them.
    times : (float or None, float or None), optional
        The first and the last.
    channels, parameters, parameter_names, units, periodic
        With u: names of channels, numbers (R, P) that the equation depends on and their names, units by name, and which
        axes are rings.

    Returns
    -------
    Field
        `data.read` makes Observations of it.

    Raises
    ------
    DataError
        If there is no such file, or it cannot be told what it holds; says what is missing and what says it.

    Examples
    --------
    >>> import numpy as np, specfast as sf
    >>> x, t = np.linspace(-5, 5, 40), np.linspace(0, 1, 6)
    >>> field = sf.data.open(np.exp(-(x**2) / (1 + t[:, None])), x=x, t=t)
    >>> field.shape, field.axes
    ((1, 6, 1, 40), ('x',))
    """
    if isinstance(source, Field):
        field = source
    elif isinstance(source, (str, Path)) or is_xarray(source):
        if x is not None or t is not None:
            raise DataError("x and t go with arrays; coordinates={'x': NAME} says them of a file or a Dataset")
        names = (variable,) if isinstance(variable, str) else tuple(variable)
        request = Request(names, tuple(dims), dict(coordinates or {}), group)
        field = recognise(store_of_xarray(source) if is_xarray(source) else open_path(Path(source)), request)
    else:
        missing = [name for name, value in (("x", x), ("t", t)) if value is None]
        if missing:
            raise DataError(f"{' and '.join(missing)}: positions x= and times t= go with an array")
        field = field_of_arrays(source, x, t, channels, parameters, parameter_names, units, periodic)
    return field.select(trajectories, times) if trajectories is not None or times is not None else field


def read(source: Any, **options: Any) -> Observations:
    """Read a file, a Dataset or arrays: what `learn.fit` learns from.

    It is read a part at a time. Values that would take more than an eighth of memory are left in the file where they
    lie in one piece, and are otherwise kept in nameless files in the temporary folder (TMPDIR).

    Parameters
    ----------
    source : path, xarray.Dataset, xarray.DataArray, array, Field or Observations
        See `open`.
    **options
        Those of `open`.

    Returns
    -------
    Observations

    Raises
    ------
    DataError
        As `open`, and where times do not increase, positions are missing, or a trajectory is never observed.

    Examples
    --------
    >>> import specfast as sf
    >>> data = sf.data.read("examples/data/diffusion.nc")  # doctest: +SKIP
    >>> data.values.shape, data.channels  # doctest: +SKIP
    """
    if isinstance(source, Observations):
        if options:
            raise DataError(f"{', '.join(options)}: these are read already; a file or arrays are expected")
        return source
    return observations(open(source, **options))
