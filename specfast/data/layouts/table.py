"""Long tables, a row an observation: trajectory, time, x[, y, z], and the values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .. import times as clocks
from ..errors import DataError
from ..field import CHANNEL, POINT, TIME, TRAJECTORY, Component, Field
from ..store import Store, Variable
from .request import Request
from .roles import AXES, role_of


def recognise(store: Store, request: Request) -> Field | None:
    """Return the field of a table; None for anything else.

    Every trajectory has its own times and positions, all those that occur in it; what has no row was not observed.
    """
    if not store.attributes.get("table"):
        return None
    trajectory, time, axes = _columns(store, request)
    given = list(request.variables) or [
        name
        for name, v in store.variables.items()
        if name not in (trajectory, time, *axes)
        and v.numeric
        and not _numbers_rows(name, v)
        and (role_of(name) != TIME or name == "T")
    ]
    if not given:
        raise DataError(f"{store.source}: no column of values; it has {', '.join(store.variables)}")
    for name in given:
        if name not in store or not store[name].numeric:
            raise DataError(f"{store.source}: no column {name} of numbers; it has {', '.join(store.variables)}")
    rows = len(store[time].read())
    if rows == 0:
        raise DataError(f"{store.source}: the table has no rows")
    names = np.zeros(rows, dtype=int) if trajectory is None else store[trajectory].read()
    clock = clocks.decode(store[time].read(), store[time].attributes, time, store.source)
    columns = [np.asarray(store[name].read(), dtype=np.float64) for name in axes]
    for name, column in zip((time, *axes), (clock.numbers, *columns), strict=True):
        if not np.isfinite(column).all():
            raise DataError(f"{store.source}: {name} is missing in row {int((~np.isfinite(column)).argmax()) + 1}")
    if trajectory is not None and _absent(names).any():
        raise DataError(f"{store.source}: {trajectory} is missing in row {int(_absent(names).argmax()) + 1}")
    labels, row = np.unique(names, return_inverse=True)
    values = np.stack([np.asarray(store[name].read(), dtype=np.float64) for name in given], 1)
    whose = (
        "" if trajectory is not None else "; --coordinate trajectory=NAME says which column tells trajectories apart"
    )
    u, at_times, positions = _arranged(store, row, len(labels), clock.numbers, columns, values, whose)
    one = len(given) == 1
    variable = Variable(given[0] if one else "u", u[:, :, 0] if one else u, None)
    field = Field(
        store.source, f"{store.format} table", (Component(variable, (TRAJECTORY, TIME, *((CHANNEL,) * (not one)), POINT), tuple(given)),),
        tuple(axes), positions, True, at_times, time_units=clock.units, calendar=clock.calendar,
        labels=None if trajectory is None else labels, names={TIME: time}, notes=_left_out(store, trajectory),
    )  # fmt: skip
    return _as_grid(field, variable)


def _columns(store: Store, request: Request) -> tuple[str | None, str, list[str]]:
    """Return the columns of trajectories (None: there is one), of times, and of positions."""
    said = request.coordinates
    for axis, name in said.items():
        if name not in store:
            raise DataError(
                f"{store.source}: --coordinate {axis}={name}: a column ({', '.join(store.variables)}) is expected"
            )
    names = [name for name in store.variables if name not in request.variables]
    trajectory = said.get(TRAJECTORY) or _named(names, TRAJECTORY)
    dates = (name for name in names if store[name].array.dtype.kind == "M")
    time = said.get(TIME) or _named(names, TIME) or next(dates, None)
    if time is None or time not in store:
        raise DataError(
            f"{store.source}: no column of times (time, t); it has {', '.join(names)}; --coordinate time=NAME says it"
        )
    lower = {name.lower(): name for name in names}
    for wanted in AXES:
        found = [said.get(axis) or lower.get(axis) for axis in wanted if axis in said or axis in lower]
        if found:
            return trajectory, time, [str(name) for name in found]
    raise DataError(
        f"{store.source}: no column of positions (x[, y, z]); it has {', '.join(names)}; --coordinate x=NAME says it"
    )


def _left_out(store: Store, trajectory: str | None) -> tuple[str, ...]:
    """Return a remark on columns of text that are not used."""
    texts = [name for name, v in store.variables.items() if v.array.dtype.kind in "OUS" and name != trajectory]
    return (f"columns of text are left out: {', '.join(texts)}",) if texts else ()


def _numbers_rows(name: str, column: Variable) -> bool:
    """Whether a column called index, or not at all, counts the rows."""
    if name.lower() not in ("index", "row", ""):
        return False
    values = column.read()
    return bool(len(values)) and bool((np.diff(values) == 1).all())


def _absent(names: np.ndarray) -> np.ndarray:
    return np.isnan(names) if names.dtype.kind == "f" else names == ""


def _named(names: list[str], role: str) -> str | None:
    """Return the column that is called as this role is: spelled so, before others; a capital T alone is a temperature."""
    known = [name for name in names if role_of(name) == role and name != "T"]
    return (
        next((name for name in known if name == role), None)
        or next((name for name in known if name == name.lower()), None)
        or next(iter(known), None)
    )


def _arranged(
    store: Store, row: np.ndarray, count: int, clock: np.ndarray, columns: list[np.ndarray], values: np.ndarray, whose: str
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...]]:  # fmt: skip
    """Return values (R, T, C, M), times (R or 1, T) and positions (R or 1, M) of each axis."""
    step, sensor = np.empty(len(row), dtype=int), np.empty(len(row), dtype=int)
    all_times, all_places = [], []
    for own in range(count):
        mine = (row == own).nonzero()[0]
        found, step[mine] = np.unique(clock[mine], return_inverse=True)
        places, index = np.unique(np.stack([column[mine] for column in columns], 1), axis=0, return_inverse=True)
        sensor[mine] = index.reshape(-1)
        all_times.append(found)
        all_places.append(places)
    length, size = max(map(len, all_times)), max(map(len, all_places))
    key = np.ravel_multi_index((row, step, sensor), (count, length, size))
    order = np.sort(key)
    if (order[1:] == order[:-1]).any():
        twice = order[:-1][order[1:] == order[:-1]][0]
        first, second = (key == twice).nonzero()[0][:2]
        raise DataError(
            f"{store.source}: rows {first + 1} and {second + 1} are of the same trajectory, time and position{whose}"
        )
    u = np.full((count, length, values.shape[1], size), np.nan)
    u[row, step, :, sensor] = values
    times = np.stack([_padded(found, length) for found in all_times])
    # Sensors that a trajectory has fewer of stand at its last place, never observed.
    places = np.stack([np.concatenate([p, np.repeat(p[-1:], size - len(p), 0)]) for p in all_places])
    times, places = (part if (part != part[:1]).any() else part[:1] for part in (times, places))
    return u, times, tuple(places[..., axis] for axis in range(places.shape[-1]))


def _padded(times: np.ndarray, length: int) -> np.ndarray:
    """Return times that go on evenly, where a trajectory has fewer of them: nothing was observed there."""
    step = times[-1] - times[-2] if len(times) > 1 else 1.0
    return np.concatenate([times, times[-1] + step * np.arange(1, length - len(times) + 1)])


def _as_grid(field: Field, variable: Variable) -> Field:
    """Return the field on a product grid where the positions are one, shared by all."""
    if len(field.positions[0]) > 1:
        return field
    ticks = [np.unique(column[0]) for column in field.positions]
    if np.prod([len(t) for t in ticks]) != field.positions[0].shape[1]:
        return field
    shape = variable.shape
    array = np.asarray(variable.array).reshape(*shape[:-1], *[len(t) for t in ticks])
    part = field.components[0]
    component = replace(part, variable=Variable(variable.name, array), roles=(*part.roles[:-1], *field.axes))
    return replace(field, components=(component,), positions=tuple(ticks), scattered=False)
