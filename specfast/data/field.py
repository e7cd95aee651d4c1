"""A field in a file whose axes are known: what would be learned from, not yet read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from . import missing
from .complex_channels import ENDINGS
from .errors import DataError
from .store import Variable

TRAJECTORY, TIME, CHANNEL, POINT, SINGLE = "trajectory", "time", "channel", "point", ""


@dataclass(frozen=True)
class Component:
    """An array of the file and what its axes are.

    Attributes
    ----------
    variable : Variable
        The array.
    roles : tuple of str
        Of each of its axes: trajectory, time, channel, point, the name of a space axis, or "" for one of length 1.
    labels : tuple of str
        Names of the channels that it holds; a complex one has two, ".real" and ".imag".
    """

    variable: Variable
    roles: tuple[str, ...]
    labels: tuple[str, ...]

    @property
    def complex(self) -> bool:
        """Whether its numbers are complex."""
        return np.dtype(self.variable.array.dtype).kind == "c"


@dataclass(frozen=True)
class Field:
    """A field that changes in time, described; `read` makes Observations of it.

    Attributes
    ----------
    source, layout : str
        The file, and how it is laid out.
    components : tuple of Component
        The arrays that hold it.
    axes : tuple of str
        Names of the space axes.
    positions : tuple of ndarray
        Of each axis: of a grid (n,), of scattered sensors (R or 1, M).
    scattered : bool
        Whether they are sensors, not a grid.
    times : ndarray (R or 1, T)
        Numbers.
    netcdf : bool
        Whether numbers that nobody wrote are NetCDF's own fill.
    time_units, calendar : str
        What times count, such as "days since 2000-01-01", and the calendar of dates.
    units : mapping
        Of channels and axes, where they are known.
    parameters, parameter_names : ndarray (R, P), optional, and tuple of str
        Numbers that the equation depends on.
    names, attributes : mapping
        What the file calls axes that have another name here; attributes of variables and coordinates, of the file under "".
    labels : ndarray (R,), optional
        What the file calls the trajectories.
    periodic : tuple of str
        Axes that are rings.
    notes : tuple of str
        What had to be decided.
    window : (float, float), optional
        Where trajectories have their own times: those outside of it count as not observed.
    trajectories, steps : range
        Which trajectories and times of the file.

    Examples
    --------
    >>> import numpy as np, specfast as sf
    >>> x, t = np.linspace(-5, 5, 40), np.linspace(0, 1, 6)
    >>> field = sf.data.open(np.exp(-(x**2) / (1 + t[:, None])), x=x, t=t)
    >>> field.select(times=(0.2, 0.8)).shape
    (1, 4, 1, 40)
    """

    source: str
    layout: str
    components: tuple[Component, ...]
    axes: tuple[str, ...]
    positions: tuple[np.ndarray, ...]
    scattered: bool
    times: np.ndarray
    netcdf: bool = False
    time_units: str = ""
    calendar: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    parameters: np.ndarray | None = None
    parameter_names: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    labels: np.ndarray | None = None
    periodic: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    window: tuple[float, float] | None = None
    trajectories: range = range(0)
    steps: range = range(0)

    def __post_init__(self) -> None:
        if not self.trajectories:
            object.__setattr__(self, "trajectories", range(self._length(TRAJECTORY)))
        if not self.steps:
            object.__setattr__(self, "steps", range(self._length(TIME)))

    def _length(self, role: str) -> int:
        first = self.components[0]
        return first.variable.shape[first.roles.index(role)] if role in first.roles else 1

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of all channels."""
        return tuple(label for part in self.components for label in part.labels)

    @property
    def sensors(self) -> int:
        """How many positions a snapshot has."""
        return self.positions[0].shape[-1] if self.scattered else math.prod(len(p) for p in self.positions)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Trajectories, times, channels, sensors."""
        return len(self.trajectories), len(self.steps), len(self.channels), self.sensors

    def select(
        self, trajectories: slice | None = None, times: tuple[float | None, float | None] | None = None
    ) -> Field:
        """Return some of the trajectories, and the times from one to another, both included.

        Parameters
        ----------
        trajectories : slice, optional
            Which of them.
        times : (float or None, float or None), optional
            The first and the last.

        Returns
        -------
        Field

        Raises
        ------
        DataError
            If nothing is left.
        """
        if trajectories is not None and not isinstance(trajectories, slice):
            raise DataError(f"trajectories={trajectories!r}: a slice is expected")
        if trajectories is not None and (trajectories.step or 1) < 1:
            raise DataError(
                f"{self.source}: trajectories {trajectories.start}:{trajectories.stop}:{trajectories.step}: a step of 1 or more is expected"
            )
        chosen = self.trajectories if trajectories is None else self.trajectories[trajectories]
        if not chosen:
            raise DataError(
                f"{self.source}: none of {len(self.trajectories)} trajectories is chosen by {_written(trajectories)}"
            )
        steps = self.steps
        if times is not None:
            low, high = (-np.inf if times[0] is None else times[0]), (np.inf if times[1] is None else times[1])
            within = (self.times >= low) & (self.times <= high)
            inside = np.flatnonzero(within.any(0))
            if not len(inside):
                raise DataError(
                    f"{self.source}: no time lies in {low:g} to {high:g}; they are {self.times.min():g} to {self.times.max():g}"
                )
            steps = steps[int(inside[0]) : int(inside[-1]) + 1]
        kept = slice(steps.start - self.steps.start, steps.stop - self.steps.start)
        rows = slice(None) if trajectories is None else trajectories
        times_of, parameters, positions = self.times, self.parameters, self.positions
        times_of = times_of if len(times_of) == 1 else times_of[rows]
        parameters = None if parameters is None else parameters[rows]
        if self.scattered:
            positions = tuple(p if len(p) == 1 else p[rows] for p in positions)
        labels = None if self.labels is None else self.labels[rows]
        window = self.window
        if times is not None and not within[:, kept].all():
            window = (low, high)
        return replace(
            self, window=window, trajectories=chosen, steps=steps, times=times_of[:, kept], parameters=parameters, positions=positions,
            labels=labels,
        )  # fmt: skip

    def blocks(self, numbers: int) -> Iterator[tuple[slice, slice]]:
        """Yield which trajectories and times to read at once, so that no more than this many numbers are in memory.

        Parameters
        ----------
        numbers : int
            How many.

        Returns
        -------
        iterator of (slice, slice)
        """
        count, times, channels, sensors = self.shape
        if times * channels * sensors <= numbers:
            step = max(1, numbers // max(1, times * channels * sensors))
            for begin in range(0, count, step):
                yield slice(begin, min(begin + step, count)), slice(0, times)
            return
        step = max(1, numbers // max(1, channels * sensors))
        for row in range(count):
            for begin in range(0, times, step):
                yield slice(row, row + 1), slice(begin, min(begin + step, times))

    def read_block(self, rows: slice, times: slice) -> np.ndarray:
        """Return values as float64, NaN where nothing was observed.

        Parameters
        ----------
        rows, times : slice
            Of those chosen.

        Returns
        -------
        ndarray (r, t, C, M)
        """
        chosen, steps = self.trajectories[rows], self.steps[times]
        parts = [self._read_component(part, chosen, steps) for part in self.components]
        values = parts[0] if len(parts) == 1 else np.concatenate(parts, 2)
        if self.window is not None:
            at = self.times[rows if len(self.times) > 1 else slice(None), times]
            outside = (at < self.window[0]) | (at > self.window[1])
            values[np.broadcast_to(outside, values.shape[:2])] = np.nan
        return values

    def _read_component(self, part: Component, rows: range, steps: range) -> np.ndarray:
        ranges = {TRAJECTORY: rows, TIME: steps}
        index = tuple(
            0 if role == SINGLE else _slice(ranges[role]) if role in ranges else slice(None) for role in part.roles
        )
        raw = part.variable.array[index]
        values = missing.decode(np.ma.asanyarray(raw), part.variable.attributes, self.netcdf)
        kept = [role for role in part.roles if role != SINGLE]
        inner = (POINT,) if self.scattered else self.axes
        order = [role for role in (TRAJECTORY, TIME, CHANNEL, *inner) if role in kept]
        values = values.transpose([kept.index(role) for role in order])
        values = values.reshape(len(rows), len(steps), -1, self.sensors)
        if part.complex:
            values = np.stack([values.real, values.imag], 3).reshape(len(rows), len(steps), -1, self.sensors)
        return values


def _written(of: slice | None) -> str:
    return "" if of is None else f"{'' if of.start is None else of.start}:{'' if of.stop is None else of.stop}"


def _slice(of: range) -> slice:
    return slice(of.start, of.stop, of.step)


def labels_of(name: str, count: int, given: Sequence[str] | None, complex_numbers: bool) -> tuple[str, ...]:
    """Return the names of the channels of an array: those given, or its own name, numbered where there are several."""
    names = list(given) if given is not None else [name] if count == 1 else [f"{name}{i}" for i in range(count)]
    if complex_numbers:
        return tuple(one + ending for one in names for ending in ENDINGS)
    return tuple(names)
