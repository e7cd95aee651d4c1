"""Arrays whose axes are known, and their coordinates, as one field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import missing, times
from ..errors import DataError
from ..field import CHANNEL, POINT, SINGLE, TIME, TRAJECTORY, Component, Field, labels_of
from ..store import Store, Variable
from .request import Request
from .roles import role_of

_RESERVED = (TRAJECTORY, TIME, CHANNEL, POINT, SINGLE)


def assemble(
    store: Store, layout: str, parts: Sequence[tuple[Variable, tuple[str, ...], Sequence[str] | None]],
    coordinates: Mapping[str, Variable | np.ndarray], request: Request, *, names: Mapping[str, str] | None = None,
    sensor_axes: tuple[str, ...] = (), **rest: Any,
) -> Field:  # fmt: skip
    """Return the field of arrays with roles and channel names, and coordinates by role.

    `sensor_axes` are the axes of scattered sensors, whose positions are among the coordinates.

    Raises
    ------
    DataError
        Where arrays do not fit each other, or something is missing; says by which option it can be said.
    """
    first, roles, _ = parts[0]
    axes = sensor_axes or tuple(role for role in roles if role not in _RESERVED)
    _check(store, parts, axes, bool(sensor_axes))
    given = dict(coordinates) | _said(store, request, axes, first, roles, coordinates)
    notes = list(rest.pop("notes", ()))
    if TIME not in given:
        raise DataError(
            f"{store.source}: no variable time, which holds the times; --coordinate time=NAME or time=FIRST:LAST says them"
        )
    clock = _clock(store, given[TIME], first, roles, notes)
    positions, scattered = _positions(store, given, axes, first, roles, bool(sensor_axes))
    if scattered:  # also the nodes of one axis that differ from trajectory to trajectory
        parts = [(part, tuple(POINT if role in axes else role for role in own), labels) for part, own, labels in parts]
    components = tuple(
        Component(part, own, labels_of(part.name.rpartition("/")[2], _count(part, own), labels, np.dtype(part.array.dtype).kind == "c"))
        for part, own, labels in parts
    )  # fmt: skip
    labels = [label for component in components for label in component.labels]
    if len(set(labels)) < len(labels):
        raise DataError(f"{store.source}: channels {', '.join(labels)}: each wants a name of its own")
    units = {
        name: str(v.attributes["units"])
        for name, v in given.items()
        if isinstance(v, Variable) and "units" in v.attributes and name != TIME
    }
    for component in components:
        if "units" in component.variable.attributes:
            units |= dict.fromkeys(component.labels, str(component.variable.attributes["units"]))
    attributes: dict[str, Mapping[str, object]] = {"": dict(store.attributes)}
    for component in components:
        attributes[component.variable.name] = dict(component.variable.attributes)
    for name, part in given.items():
        if isinstance(part, Variable):
            attributes[name] = dict(part.attributes)
    return Field(
        store.source, layout, components, axes, positions, scattered, clock.numbers, store.format.startswith("NetCDF"),
        clock.units, clock.calendar, units, names=dict(names or {}), attributes=attributes, notes=tuple(notes), **rest,
    )  # fmt: skip


def _count(part: Variable, roles: tuple[str, ...]) -> int:
    return part.shape[roles.index(CHANNEL)] if CHANNEL in roles else 1


def _check(
    store: Store, parts: Sequence[tuple[Variable, tuple[str, ...], Any]], axes: tuple[str, ...], sensors: bool
) -> None:
    first, roles, _ = parts[0]
    for part, own, _ in parts:
        if not part.numeric:
            raise DataError(f"{store.source}: {part.name} has type {part.array.dtype}; numbers are expected")
        if len(own) != len(part.shape):
            raise DataError(f"{store.source}: {part.name} has shape {part.shape}; {len(own)} axes, {own}, are expected")
        if len(set(own) - {SINGLE}) != len([role for role in own if role != SINGLE]):
            raise DataError(
                f"{store.source}: {part.name} has dimensions {own}, one of them twice; --dims says what they are"
            )
        lengths, wanted = (
            {role: n for role, n in zip(r, v.shape, strict=True) if role not in (SINGLE, CHANNEL)}
            for v, r in ((part, own), (first, roles))
        )
        if lengths != wanted:
            raise DataError(
                f"{store.source}: {part.name} has axes {lengths}, {first.name} {wanted}; the same are expected"
            )
    if TIME not in roles:
        raise DataError(
            f"{store.source}: {first.name} has dimensions {roles}, without time; nothing changes that could be learned; --dims says what they are, if one is"
        )
    if not axes and POINT not in roles:
        raise DataError(
            f"{store.source}: {first.name} has dimensions {roles}, without a space axis; --dims says what they are"
        )
    if not sensors and POINT in roles and axes:
        raise DataError(
            f"{store.source}: {first.name} has dimensions {first.dims or roles}, sensors beside {', '.join(axes)};"
            " (trajectory, time[, channel], point) or the axes of a grid are expected; --dims says what they are"
        )
    if not sensors and POINT in roles:
        raise DataError(
            f"{store.source}: no variable x, which holds the positions (x[, y, z], or x1, x2, ..); --coordinate x=NAME says it"
        )


def _said(
    store: Store,
    request: Request,
    axes: tuple[str, ...],
    first: Variable,
    roles: tuple[str, ...],
    known: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the coordinates that the user names."""
    found: dict[str, Any] = {}
    for axis, text in request.coordinates.items():
        if axis not in (TIME, *axes):
            raise DataError(f"--coordinate {axis}={text}: {', '.join((TIME, *axes))} are the axes of {first.name}")
        if text in store:
            if axis not in known:  # else it is among the coordinates already
                found[axis] = store[text]
            continue
        try:
            begin, end = map(float, text.split(":"))
        except ValueError:
            raise DataError(
                f"--coordinate {axis}={text}: a variable ({store.listed()}) or FIRST:LAST is expected"
            ) from None
        found[axis] = np.linspace(begin, end, first.shape[roles.index(axis if axis in roles else POINT)])
    return found


def _clock(
    store: Store, given: Variable | np.ndarray, first: Variable, roles: tuple[str, ...], notes: list[str]
) -> times.Times:
    """Return the times (R or 1, T)."""
    name = given.name if isinstance(given, Variable) else "time"
    raw = given.read() if isinstance(given, Variable) else given
    found = times.decode(raw, given.attributes if isinstance(given, Variable) else {}, name, store.source)
    if found.note:
        notes.append(found.note)
    count = first.shape[roles.index(TRAJECTORY)] if TRAJECTORY in roles else 1
    wanted, numbers = first.shape[roles.index(TIME)], found.numbers
    if _turned(given):
        numbers = numbers.T
    if numbers.ndim != 2 or numbers.shape[1] != wanted or numbers.shape[0] not in (1, count):
        if numbers.ndim == 2 and numbers.shape == (wanted, count) and count > 1:
            numbers = numbers.T  # (time, trajectory)
        else:
            numbers = numbers.reshape(1, -1)
    if numbers.shape[1] == wanted + 1:
        notes.append(f"{name} has {wanted + 1} entries for {wanted} times; the last is left out")
        numbers = numbers[:, :wanted]
    if numbers.shape[1] != wanted:
        raise DataError(f"{store.source}: {name} has {numbers.shape[1]} entries, {first.name} {wanted} times")
    return times.Times(numbers, found.units, found.calendar)


def _positions(
    store: Store, given: Mapping[str, Any], axes: tuple[str, ...], first: Variable, roles: tuple[str, ...], sensors: bool
) -> tuple[tuple[np.ndarray, ...], bool]:  # fmt: skip
    """Return the positions of every axis, and whether they are of scattered sensors."""
    count = first.shape[roles.index(TRAJECTORY)] if TRAJECTORY in roles else 1
    positions = []
    for axis in axes:
        if axis not in given:
            raise DataError(
                f"{store.source}: no variable {axis}, which holds the positions along the grid's axis {axis};"
                f" --coordinate {axis}=NAME or {axis}=FIRST:LAST says them, --dims what the axes are"
            )
        wanted = first.shape[roles.index(POINT if sensors else axis)]
        positions.append(_column(store, axis, given[axis], wanted, count))
    if sensors:
        return tuple(positions), True
    own = [len(column) > 1 for column in positions]
    if any(own) and len(axes) > 1:
        raise DataError(
            f"{store.source}: {axes[own.index(True)]} differs between trajectories; one grid for all is expected"
        )
    return (tuple(positions), True) if any(own) else (tuple(column[0] for column in positions), False)


def _turned(given: Variable | np.ndarray) -> bool:
    """Whether a coordinate's second dimension is that of trajectories."""
    dims = given.dims if isinstance(given, Variable) else None
    return dims is not None and len(dims) == 2 and role_of(dims[1]) == TRAJECTORY != role_of(dims[0])


def _column(store: Store, axis: str, given: Variable | np.ndarray, wanted: int, count: int) -> np.ndarray:
    """Return a coordinate as (R or 1, length)."""
    name = given.name if isinstance(given, Variable) else axis
    raw = given.read() if isinstance(given, Variable) else np.asarray(given)
    if raw.dtype.kind not in "fiu":
        raise DataError(f"{store.source}: {name} has type {raw.dtype}; numbers are expected")
    attributes = given.attributes if isinstance(given, Variable) else {}
    array = missing.decode(raw, attributes, store.format.startswith("NetCDF"))
    if array.size == wanted and sum(n > 1 for n in array.shape) <= 1:
        return array.reshape(1, -1)
    named = given.dims if isinstance(given, Variable) and given.dims and array.ndim == 2 else None
    if named and TIME in (role_of(named[0], store), role_of(named[1], store)):
        raise DataError(f"{store.source}: {name} has dimensions {named}; positions that change in time are not read")
    array = array.T if _turned(given) else array
    if array.ndim == 2 and array.shape == (count, wanted):
        return array if (array != array[:1]).any() else array[:1]
    raise DataError(
        f"{store.source}: {name} has shape {array.shape}; ({wanted},) or (trajectory, {wanted}) is expected"
    )
