"""Observations of fields, read from NetCDF: what was measured, where and when."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..support.files import written_whole
from . import memmap
from .observations import DataError, Observations, make

COORDINATES = (("x", "y", "z"), tuple(f"x{i}" for i in range(1, 65)))


def read(path: str | Path) -> Observations:
    """Read a NetCDF-4 file, or a Zarr folder where zarr is installed, with a variable ``u``.

    It is read a few trajectories at once. Values that would take more than an eighth of memory are kept, as float64, in
    nameless files in the temporary folder (TMPDIR), and what is made of them is made a few trajectories at once.

    Its dimensions are (trajectory, time[, channel], point) with coordinates x[, y, z] or x1, x2, .. on (point) or
    (trajectory, point), or (trajectory, time[, channel], axes ...) on a product grid with a coordinate named like each axis.
    A variable ``parameters`` (trajectory, parameter) holds what the equation depends on besides the field.

    Parameters
    ----------
    path : str or Path
        Of the file, or the folder.

    Returns
    -------
    Observations

    Raises
    ------
    DataError
        If the file is missing, is not NetCDF, or does not have this form.

    Examples
    --------
    >>> import specfast as sf
    >>> data = sf.learn.read("examples/data/diffusion.nc")  # doctest: +SKIP
    >>> data.values.shape, data.channels  # doctest: +SKIP
    """
    import xarray

    path = Path(path)
    if not path.exists():
        raise DataError(f"{path}: no such file")
    kind, engine = ("Zarr folder", "zarr") if path.is_dir() else ("NetCDF-4 file", "h5netcdf")
    if engine == "zarr" and importlib.util.find_spec("zarr") is None:
        raise DataError(f"{path}: a folder; Zarr is read where zarr is installed (pip install zarr)")
    try:
        dataset = xarray.open_dataset(path, engine=engine)
    except Exception as error:
        raise DataError(f"{path}: not a {kind} that can be read ({type(error).__name__})") from error
    with dataset:
        return _from_dataset(dataset, str(path))


def _from_dataset(dataset: Any, source: str) -> Observations:
    if "u" not in dataset:
        raise DataError(f"{source}: no variable u; it has {', '.join(map(str, dataset.variables)) or 'none'}")
    u = dataset["u"]
    dims = tuple(map(str, u.dims))
    channel = ("channel",) if dims[2:3] == ("channel",) else ()
    space_dims = dims[2 + len(channel) :]
    if dims[:2] != ("trajectory", "time") or not space_dims or ("point" in space_dims and space_dims != ("point",)):
        raise DataError(
            f"{source}: u has dimensions {dims}; (trajectory, time[, channel], point) or"
            " (trajectory, time[, channel], axes of a grid) are expected"
        )
    names = space_dims if space_dims != ("point",) else _sensor_axes(dataset, source)
    for name in ("time", *names):
        if name not in dataset:
            meaning = "the times" if name == "time" else f"the positions along the grid's axis {name}"
            hint = "" if name == "time" else "; scattered sensors are on a dimension point"
            raise DataError(f"{source}: no variable {name}, which holds {meaning}{hint}")
        if dataset[name].dtype.kind not in "fiu":
            raise DataError(f"{source}: {name} has type {dataset[name].dtype}; numbers are expected")
    if u.dtype.kind not in "fiu":
        raise DataError(
            f"{source}: u has type {u.dtype}; real numbers are expected (complex fields as channels re, im)"
        )
    values = _values(u, channels=bool(channel))
    times = _coordinate(dataset, "time", "time", source)
    columns = [_coordinate(dataset, name, "point" if space_dims == ("point",) else name, source) for name in names]
    if space_dims != ("point",) and len(names) > 1:
        columns = _mesh(columns, names, source)
    points = columns[0] if len(names) == 1 else np.stack(np.broadcast_arrays(*columns), -1)
    labels = tuple(map(str, dataset["channel"].values)) if channel and "channel" in dataset.coords else ()
    labels = labels or tuple(f"u{i}" if channel else "u" for i in range(values.shape[2]))
    return replace(make(values, points, times, labels, names, source), parameters=_parameters(dataset, source))


def _values(u: Any, channels: bool) -> Tensor:
    """Return a variable as (R, T, C, M), read a few trajectories at once."""
    count, times = u.shape[:2]
    shape = (count, times, u.shape[2] if channels else 1, math.prod(u.shape[2 + channels :]))
    values = memmap.empty(shape)
    for part in memmap.blocks(count, math.prod(shape[1:])):
        read = np.asarray(u[part].values, dtype=np.float64)
        values[part] = torch.from_numpy(read).reshape(-1, *shape[1:])
    return values


def _parameters(dataset: Any, source: str) -> Tensor | None:
    if "parameters" not in dataset:
        return None
    dims = tuple(map(str, dataset["parameters"].dims))
    if dims != ("trajectory", "parameter") or dataset["parameters"].dtype.kind not in "fiu":
        raise DataError(f"{source}: parameters have dimensions {dims}; numbers (trajectory, parameter) are expected")
    values = np.asarray(dataset["parameters"].values, dtype=np.float64)
    if not np.isfinite(values).all():
        raise DataError(f"{source}: parameters hold NaN or infinity; finite numbers are expected")
    return torch.from_numpy(values)


def _sensor_axes(dataset: Any, source: str) -> tuple[str, ...]:
    """Return the names of the coordinates of scattered sensors that the file has."""
    for names in COORDINATES:
        if names[0] in dataset:
            count = next((i for i, name in enumerate(names) if name not in dataset), len(names))
            return names[:count]
    raise DataError(f"{source}: no variable x, which holds the positions (x[, y, z], or x1, x2, ..)")


def _coordinate(dataset: Any, name: str, axis: str, source: str) -> np.ndarray:
    """Return a coordinate as (R or 1, length)."""
    array = np.asarray(dataset[name].values, dtype=np.float64)
    dims = tuple(map(str, dataset[name].dims))
    if dims not in ((axis,), ("trajectory", axis)):
        raise DataError(f"{source}: {name} has dimensions {dims}; ({axis}) or (trajectory, {axis}) is expected")
    return np.atleast_2d(array)


def _mesh(columns: list[np.ndarray], names: tuple[str, ...], source: str) -> list[np.ndarray]:
    """Return the coordinates of all points of a product grid, (1, M) an axis."""
    for name, column in zip(names, columns, strict=True):
        if len(column) != 1:
            raise DataError(f"{source}: {name} differs between trajectories; one grid for all is expected")
    return [grid.reshape(1, -1) for grid in np.meshgrid(*(c[0] for c in columns), indexing="ij")]


def write_predictions(path: Path, predicted: Tensor, data: Observations, spread: Tensor | None = None) -> None:
    """Write the field (R, T, C, M) at the sensors and times of the data, whole or not at all.

    Variable u (trajectory, time[, channel], point) with coordinates x[, y, z] or x1, x2, .. on ([trajectory,] point) and
    time on (trajectory, time), and u_spread, the standard deviation within an ensemble. NaN before a trajectory's first observed snapshot and where the integration failed.
    """
    import xarray

    channels = len(data.channels) > 1
    names = next(names for names in COORDINATES if len(names) >= data.dim)[: data.dim]
    own = ("trajectory", "point") if len(data.points) > 1 else ("point",)
    coordinates = {}
    for axis, name in enumerate(names):
        column = data.coordinate(axis).numpy()
        coordinates[name] = (own, column if len(own) == 2 else column[0])
    dims = ("trajectory", "time", "channel", "point") if channels else ("trajectory", "time", "point")
    variables = {"time": (("trajectory", "time"), data.times.numpy())}
    for name, values in (("u", predicted), ("u_spread", spread)):
        if values is not None:
            variables[name] = (dims, values.numpy() if channels else values[:, :, 0].numpy())  # type: ignore[assignment]
    dataset = xarray.Dataset(variables, coords=coordinates)
    if channels:
        dataset = dataset.assign_coords(channel=np.array(data.channels, dtype=str))
    with written_whole(path) as temporary:
        dataset.to_netcdf(temporary, engine="h5netcdf")
