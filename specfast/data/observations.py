"""Observations of many trajectories: what the learner learns from, checked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

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
    _check_times(times, source)
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
