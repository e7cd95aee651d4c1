"""Observations of many trajectories: what the learner learns from, checked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import memmap
from .errors import DataError
from .field import SINGLE, Field
from .memory import field_of_arrays
from .read import left_in_file, positions_of, read_values


@dataclass(frozen=True)
class Origin:
    """How the file or arrays had it, which predictions give back.

    Attributes
    ----------
    layout : str
        Such as "PDEBench".
    dims : tuple of str
        The axes of the field in the file's order: trajectory, time, channel, point, names of space axes.
    names : mapping
        What the file calls them, where it is something else.
    variables : tuple of (str, tuple of str)
        The arrays that held the channels, and which each.
    attributes : mapping
        Of variables and coordinates by their names here; of the file under "".
    calendar : str
        Of the dates that times count.
    notes : tuple of str
        What had to be decided on the way.

    Examples
    --------
    >>> import numpy as np, specfast as sf
    >>> x, t = np.linspace(-5, 5, 40), np.linspace(0, 1, 6)
    >>> sf.data.read(np.exp(-(x**2) / (1 + t[:, None])), x=x, t=t).origin.dims
    ('time', 'x')
    """

    layout: str = "arrays"
    dims: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    variables: tuple[tuple[str, tuple[str, ...]], ...] = ()
    attributes: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    calendar: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Observations:
    """A field at sensors: R trajectories, T times, C channels, M points.

    Attributes
    ----------
    values : Tensor (R, T, C, M)
        float64, or as the file has them where they are too many for memory; NaN where nothing was observed.
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
    parameter_names : tuple of str
        Their names.
    grid : tuple of Tensor, optional
        Coordinates of the axes where the points are those of a product grid, the last axis fastest.
    units : mapping
        Of channels, axes and "time", where they are known.
    labels : ndarray (R,), optional
        What the file calls the trajectories.
    periodic : tuple of str
        Axes that are rings.
    origin : Origin
        How the file or arrays had it.

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
    parameter_names: tuple[str, ...] = ()
    grid: tuple[Tensor, ...] | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    labels: np.ndarray | None = None
    periodic: tuple[str, ...] = ()
    origin: Origin = field(default_factory=Origin)

    def __len__(self) -> int:
        return self.values.shape[0]

    @staticmethod
    def from_arrays(u: Any, x: Any, t: Any, **rest: Any) -> Observations:
        """Return observations of arrays of NumPy or torch.

        Parameters
        ----------
        u : array ([R,] T[, C], ...)
            Real or complex; NaN or masked where nothing was observed.
        x : array, sequence of arrays or mapping
            Positions: of a grid one array an axis, of scattered sensors (M[, D]) or (R, M[, D]).
        t : array (T,) or (R, T)
            Numbers, or dates.
        **rest
            channels, parameters, parameter_names, units, periodic; see `data.open`.

        Returns
        -------
        Observations

        Raises
        ------
        DataError
            On shapes that do not fit.

        Examples
        --------
        >>> import numpy as np, specfast as sf
        >>> x, t = np.linspace(-5, 5, 40), np.linspace(0, 1, 6)
        >>> sf.data.Observations.from_arrays(np.exp(-(x**2) / (1 + t[:, None])), x, t).values.shape
        torch.Size([1, 6, 1, 40])
        """
        return observations(field_of_arrays(u, x, t, **rest))

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
        labels = (
            self.labels
            if self.labels is None
            else self.labels[which.numpy()]
            if len(self.labels) == len(self)
            else None
        )
        return replace(
            self, values=memmap.copy(self.values, which), points=points, times=self.times[which], parameters=parameters,
            labels=labels,
        )  # fmt: skip

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
                replace(
                    self, values=self.values[part].double(), points=points, times=self.times[part],
                    parameters=parameters, labels=None,
                ),
            )  # fmt: skip

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
    def _survey(self) -> tuple[Tensor, bool, float, bool]:
        return self._look()

    def _look(self, drop: bool = False) -> tuple[Tensor, bool, float, bool]:
        """Return what one pass over all values finds: snapshots that hold something, gaps, the largest value, infinities.

        `drop`: values that lie in a file leave memory again; nobody may have written to them.
        """
        seen = torch.ones(self.values.shape[:2], dtype=torch.bool)
        gaps, largest, infinite = False, 0.0, False
        for part in memmap.blocks(len(self), math.prod(self.values.shape[1:])):
            values = self.values[part]
            low, high = map(float, values.aminmax()) if values.numel() else (0.0, 0.0)
            if math.isnan(low):  # NaN wins over all numbers: looked at more closely
                absent = values.isnan()
                seen[part], gaps = (~absent).any(-1).any(-1), True
                low, high = map(float, values.masked_fill(absent, 0.0).aminmax())
            largest = max(largest, -low, high)
            infinite |= math.isinf(largest)
            if drop:
                memmap.drop_pages(values)
        return seen, gaps, largest, infinite

    @property
    def observed(self) -> Tensor:
        """Which snapshots (R, T) hold at least one observation."""
        return self._survey[0]

    @property
    def gaps(self) -> bool:
        """Whether anything was not observed."""
        return self._survey[1]

    @property
    def largest(self) -> float:
        """The largest absolute value; 0 where there is none."""
        return self._survey[2]


def _check_times(times: np.ndarray, source: str) -> None:
    """Refuse times ([R,] T) that do not increase, naming the first two."""
    wrong = np.argwhere(np.diff(times, axis=-1) <= 0)
    if not len(wrong):
        return
    *row, place = (int(number) for number in wrong[0])
    first, second = (float(times[(*row, place + k)]) for k in (0, 1))
    whose = f" of trajectory {row[0]}" if row else ""
    equal = "; of two observations at one time their mean is expected" if first == second else ""
    raise DataError(
        f"{source}: time does not increase strictly: times {place} and {place + 1}{whose} are {first!r} and {second!r}{equal}"
    )


def make(
    values: np.ndarray | Tensor, points: np.ndarray, times: np.ndarray, channels: tuple[str, ...],
    axes: tuple[str, ...] = ("x",), source: str = "data", **rest: Any,
) -> Observations:  # fmt: skip
    """Return observations from arrays (R, T, C, M), points ([R,] M[, D]), times ([R,] T); `rest` are other attributes of them.

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
        wrong = ~np.isfinite(points).reshape(-1, len(axes)).all(0)
        raise DataError(f"{source}: the positions along {axes[int(wrong.argmax())]} hold values that are not finite")
    _check_times(times, source)
    observations = Observations(
        values if isinstance(values, Tensor) else memmap.copy(torch.as_tensor(values)),
        torch.tensor(points, dtype=torch.float64),
        torch.as_tensor(np.broadcast_to(times, (count, values.shape[1])).copy(), dtype=torch.float64),
        channels,
        axes,
        **rest,
    )
    survey = observations._look(drop=True)
    seen, _, largest, infinite = survey
    if 8 * observations.values.numel() > memmap.LARGEST:  # too much to be looked at again; less may still be changed
        vars(observations)["_survey"] = survey
    if infinite:
        raise DataError(f"{source}: u holds infinite values; NaN marks what was not observed")
    never = (~seen.any(1)).nonzero()[:, 0].tolist()
    if never or count == 0:
        listed = ", ".join(map(str, never[:5])) + (", ..." if len(never) > 5 else "")
        raise DataError(f"{source}: trajectories never observed: {listed or 'there is none at all'}")
    if largest == 0:
        raise DataError(f"{source}: u is zero wherever it was observed; there is nothing to learn or to compare with")
    return observations


def observations(described: Field) -> Observations:
    """Return the field as observations.

    Raises
    ------
    DataError
        If times do not increase, positions are not finite, or a trajectory is never observed.
    """
    rest: dict[str, Any] = {
        "parameters": None if described.parameters is None else torch.from_numpy(described.parameters.astype(np.float64)),
        "parameter_names": described.parameter_names,
        "units": _units(described),
        "labels": described.labels,
        "periodic": described.periodic,
        "origin": _origin(described),
        "grid": None if described.scattered else tuple(torch.tensor(p, dtype=torch.float64) for p in described.positions),
    }  # fmt: skip
    given = described.channels, described.axes, described.source
    points = positions_of(described)
    left = left_in_file(described)
    if left is not None:
        try:
            return make(left, points, described.times, *given, **rest)
        except DataError:
            pass  # infinite values, say, which reading marks as not observed
    return make(read_values(described), points, described.times, *given, **rest)


def _units(described: Field) -> dict[str, str]:
    known = {**described.units, **({"time": described.time_units} if described.time_units else {})}
    return {name: unit for name, unit in known.items() if unit}


def _origin(described: Field) -> Origin:
    first = described.components[0]
    dims = tuple(role for role in first.roles if role != SINGLE)
    variables = tuple((part.variable.name, part.labels) for part in described.components)
    return Origin(
        described.layout, dims, dict(described.names), variables, dict(described.attributes), described.calendar,
        described.notes,
    )  # fmt: skip
