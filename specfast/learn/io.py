"""Observations of fields, read from NetCDF: what was measured, where and when."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..support.files import written_whole
from . import memmap


class DataError(ValueError):
    """The observations cannot be used; the message says what is wrong and what is expected.

    Examples
    --------
    >>> import specfast as sf
    >>> try:
    ...     sf.learn.read("nothing.nc")
    ... except sf.learn.DataError as error:
    ...     print(error)
    nothing.nc: no such file
    """


# Names of coordinates of scattered sensors, in the order of the axes.
COORDINATES = (("x", "y", "z"), tuple(f"x{i}" for i in range(1, 65)))


@dataclass(frozen=True)
class Observations:
    """A field at sensors: R trajectories, T times, C channels, M points.

    Attributes
    ----------
    values : Tensor (R, T, C, M)
        float64; NaN where nothing was observed.
    points : Tensor (R, M), or (R, M, D) for D > 1 axes
        Positions of the sensors; (1, ...) where all trajectories share them.
    times : Tensor (R, T)
        Increasing along T.
    channels : tuple of str
        Their names.
    axes : tuple of str
        Names of the space axes.
    parameters : Tensor (R, P), optional
        Numbers on which the equation depends, one set a trajectory.

    Examples
    --------
    >>> import torch, specfast as sf
    >>> x, t = torch.linspace(-4, 4, 30), torch.linspace(0, 1, 5)
    >>> u = torch.exp(-(x**2) / (2 + t[:, None])).expand(8, -1, -1)
    >>> data = sf.learn.Observations(u[:, :, None].double(), x[None].double(), t.expand(8, -1).double(), ("u",))
    >>> len(data), data.dim, data.gaps
    (8, 1, False)
    """

    values: Tensor
    points: Tensor
    times: Tensor
    channels: tuple[str, ...]
    axes: tuple[str, ...] = ("x",)
    parameters: Tensor | None = None

    def __len__(self) -> int:
        return self.values.shape[0]

    @property
    def dim(self) -> int:
        """Number of space axes D."""
        return len(self.axes)

    def select(self, which: Tensor) -> Observations:
        """Return some of the trajectories, by their numbers or by a mask.

        Parameters
        ----------
        which : Tensor of integers, or of bool (R,)
            Their numbers, or a mask.

        Returns
        -------
        Observations

        Examples
        --------
        >>> import torch, specfast as sf
        >>> data = sf.learn.Observations(torch.ones(3, 2, 1, 4), torch.rand(1, 4), torch.rand(3, 2), ("u",))
        >>> len(data.select(torch.tensor([0, 2])))
        2
        """
        which = which.nonzero()[:, 0] if which.dtype == torch.bool else which
        points = self.points if len(self.points) == 1 else memmap.copy(self.points, which)
        parameters = None if self.parameters is None else self.parameters[which]
        values = memmap.copy(self.values, which)
        return replace(self, values=values, points=points, times=self.times[which], parameters=parameters)

    def blocks(self) -> Iterator[tuple[slice, Observations]]:
        """Yield views of a few trajectories after each other, and which they are, so that what is made of them fits in memory.

        Returns
        -------
        iterator of (slice, Observations)
        """
        for part in memmap.blocks(len(self), math.prod(self.values.shape[1:])):
            points = self.points if len(self.points) == 1 else self.points[part]
            parameters = None if self.parameters is None else self.parameters[part]
            yield (
                part,
                replace(self, values=self.values[part], points=points, times=self.times[part], parameters=parameters),
            )

    @property
    def parameter_count(self) -> int:
        """How many parameters a trajectory has."""
        return 0 if self.parameters is None else self.parameters.shape[1]

    def points_of(self, row: int) -> Tensor:
        """Return the points (M,) or (M, D) of one trajectory.

        Parameters
        ----------
        row : int
            The number of the trajectory.

        Returns
        -------
        Tensor (M,) or (M, D)
        """
        return self.points[0 if len(self.points) == 1 else row]

    def coordinate(self, axis: int) -> Tensor:
        """Return the positions along one axis, (R, M) or (1, M).

        Parameters
        ----------
        axis : int
            The number of the axis.

        Returns
        -------
        Tensor (R, M) or (1, M)
        """
        return self.points if self.dim == 1 else self.points[..., axis]

    @cached_property
    def first(self) -> Tensor:
        """The first observed snapshot of each trajectory, (R,)."""
        return self.observed.double().argmax(1)

    @cached_property
    def observed(self) -> Tensor:
        """Which snapshots (R, T) hold at least one observation."""
        seen = [(~some.values.isnan()).any(-1).any(-1) for _, some in self.blocks()]
        return torch.cat(seen) if seen else torch.zeros(self.values.shape[:2], dtype=torch.bool)

    @cached_property
    def gaps(self) -> bool:
        """Whether anything was not observed."""
        return any(bool(some.values.isnan().any()) for _, some in self.blocks())

    @cached_property
    def largest(self) -> float:
        """The largest absolute value; 0 where there is none."""
        return max((float(some.values.abs().nan_to_num().max()) for _, some in self.blocks()), default=0.0)


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


def make(
    values: np.ndarray | Tensor, points: np.ndarray, times: np.ndarray, channels: tuple[str, ...],
    axes: tuple[str, ...] = ("x",), source: str = "data",
) -> Observations:  # fmt: skip
    """Return observations from arrays (R, T, C, M), points ([R,] M[, D]), times ([R,] T).

    Raises
    ------
    DataError
        If times do not increase, positions are not finite, or a trajectory is never observed.
    """
    count, one = values.shape[0], len(axes) == 1
    points = points[None] if points.ndim == (1 if one else 2) else points
    if not np.isfinite(times).all():
        raise DataError(f"{source}: time holds values that are not finite")
    if not np.isfinite(points).all():
        raise DataError(f"{source}: the positions hold values that are not finite")
    if (np.diff(times, axis=-1) <= 0).any():
        raise DataError(f"{source}: time does not increase strictly")
    observations = Observations(
        values if isinstance(values, Tensor) else memmap.copy(torch.as_tensor(values)),
        torch.tensor(points, dtype=torch.float64),
        torch.as_tensor(np.broadcast_to(times, (count, values.shape[1])).copy(), dtype=torch.float64),
        channels,
        axes,
    )
    if any(bool(some.values.isinf().any()) for _, some in observations.blocks()):
        raise DataError(f"{source}: u holds infinite values; NaN marks what was not observed")
    never = (~observations.observed.any(1)).nonzero()[:, 0].tolist()
    if never or count == 0:
        listed = ", ".join(map(str, never[:5])) + (", ..." if len(never) > 5 else "")
        raise DataError(f"{source}: trajectories never observed: {listed or 'there is none at all'}")
    if observations.largest == 0 and count > 0:
        raise DataError(f"{source}: u is zero wherever it was observed; there is nothing to learn or to compare with")
    return observations


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
