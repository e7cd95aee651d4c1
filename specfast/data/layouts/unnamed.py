"""Arrays without named dimensions, from MATLAB, NumPy and plain HDF5: what an axis is follows from its length."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import DataError
from ..field import CHANNEL, POINT, SINGLE, TIME, TRAJECTORY, Field
from ..store import Store, Variable
from .assemble import assemble
from .request import Request
from .roles import SPATIAL, role_of

LARGEST_MESH = 1 << 22  # numbers that are looked at for whether they repeat a coordinate
# What fields are called, the usual first.
FIELDS = ("u", "usol", "uu", "sol", "solution", "data", "field", "values", "tensor", "w", "v", "output")


def recognise(store: Store, request: Request) -> Field:
    """Return the field of a file of bare arrays.

    Raises
    ------
    DataError
        Where it is not clear which array is the field, or what its axes are; says by which option it can be said.
    """
    store = _of_group(store, request.group)
    chosen = _chosen(store, request, {part.name for part in _coordinates(store, request, "").values()})
    coordinates = _coordinates(store, request, chosen[0].name.rpartition("/")[0])
    first = chosen[0]
    roles = request.dims or _by_length(store, first, {axis: part.vector().size for axis, part in coordinates.items()})
    if len(roles) != len(first.shape):
        raise DataError(
            f"--dims {','.join(roles)}: {first.name} has shape {first.shape}; a name for each axis is expected"
        )
    roles = tuple(_standard(role) for role in roles)
    used = {axis: part for axis, part in coordinates.items() if axis in roles or POINT in roles}
    sensors = tuple(axis for axis in used if axis != TIME) if POINT in roles else ()
    notes = [] if request.dims else [f"the axes of {first.name} {first.shape} are {_text(roles)}, by their lengths"]
    return assemble(
        store, f"{store.format} arrays", [(part, roles, _names_of_channels(store, part, roles)) for part in chosen], dict(used), request,
        names={axis: part.name for axis, part in used.items() if part.name != axis}, sensor_axes=sensors, notes=notes,
    )  # fmt: skip


def _text(roles: tuple[str, ...]) -> str:
    return "(" + ", ".join(role or "1" for role in roles) + ")"


def _standard(name: str) -> str:
    role = role_of(name)
    return SPATIAL.get(name.lower(), role) if role == name else role


def _of_group(store: Store, group: str) -> Store:
    """Return what one group of a file holds; all of it for ""."""
    if not group:
        return store
    inside = {name: v for name, v in store.variables.items() if name.startswith(group.strip("/") + "/")}
    if not inside:
        groups = sorted({name.rpartition("/")[0] for name in store.variables if "/" in name})
        raise DataError(f"{store.source}: --group {group}: one of {', '.join(groups) or 'none'} is expected")
    return replace(store, variables=inside)


def _coordinates(store: Store, request: Request, group: str) -> dict[str, Variable]:
    """Return the variables that hold coordinates, by role, from their names; those that the user names take their place.

    Those in the group of the field come first, then those beside it.
    """
    found: dict[str, Variable] = {}
    in_order = sorted(
        store.variables.items(), key=lambda item: (item[0].rpartition("/")[0] != group, item[0] != item[0].lower())
    )
    for name, variable in in_order:
        if name.rpartition("/")[0] not in (group, "") and group:
            continue
        lower = name.lower().rpartition("/")[2]
        lower = lower[0] if lower in ("xx", "yy", "zz", "xs", "ys", "ts") else lower
        role = TIME if role_of(lower) == TIME else SPATIAL.get(lower, "")
        if not role or not variable.numeric:
            continue
        one = variable if sum(n > 1 for n in variable.shape) <= 1 else _of_mesh(variable)
        if one is not None and one.vector().size > 1:
            found.setdefault(role, one)
    for axis, name in request.coordinates.items():
        if name in store:
            several = store[name].numeric and sum(n > 1 for n in store[name].shape) > 1
            found[axis] = (_of_mesh(store[name]) if several else None) or store[name]
    return found


def _of_mesh(variable: Variable) -> Variable | None:
    """Return the coordinate that a mesh repeats along its other axes; None for anything else."""
    if len(variable.shape) > 3 or variable.array.dtype.kind == "c" or np.prod(variable.shape) > LARGEST_MESH:
        return None
    array = variable.read()
    varying = [axis for axis in range(array.ndim) if array.shape[axis] > 1 and (np.diff(array, axis=axis) != 0).any()]
    if (
        len(varying) != 1
        or (np.diff(np.moveaxis(array, varying[0], 0).reshape(array.shape[varying[0]], -1)[:, 0]) == 0).any()
    ):
        return None
    return Variable(variable.name, np.moveaxis(array, varying[0], 0).reshape(array.shape[varying[0]], -1)[:, 0])


def _names_of_channels(store: Store, part: Variable, roles: tuple[str, ...]) -> list[str] | None:
    """Return the words of an array that has as many as there are channels, if there is one."""
    if CHANNEL not in roles:
        return None
    count = part.shape[roles.index(CHANNEL)]
    words = [v for v in store.variables.values() if v.shape == (count,) and np.dtype(v.array.dtype).kind in "US"]
    return (
        [str(word.decode() if isinstance(word, bytes) else word) for word in words[0].read()]
        if len(words) == 1
        else None
    )


def _chosen(store: Store, request: Request, taken: set[str]) -> list[Variable]:
    if request.variables:
        return store.asked(request.variables)
    several = [
        v for name, v in store.variables.items() if v.numeric and name not in taken and sum(n > 1 for n in v.shape) > 1
    ]
    for name in FIELDS:
        called = [variable for variable in several if variable.name.lower().rpartition("/")[2] == name]
        if len(called) > 1:
            listed = ", ".join(variable.name for variable in called)
            raise DataError(
                f"{store.source}: several arrays could be the field: {listed}; --variable or --group says which"
            )
        if called:
            return called
    if len(several) == 1:
        return several
    if not several:
        raise DataError(f"{store.source}: no array with two axes or more; it has {store.listed()}")
    names = ", ".join(f"{v.name} {v.shape}" for v in several)
    raise DataError(f"{store.source}: several arrays could be the field: {names}; --variable says which")


def _by_length(store: Store, field: Variable, lengths: dict[str, int]) -> tuple[str, ...]:
    """Return the roles of a field's axes by the lengths of the coordinates."""
    roles: list[str | None] = [SINGLE if n == 1 else None for n in field.shape]
    hint = f"; --dims says what the axes of {field.name} {field.shape} are, such as --dims x,time or --dims trajectory,time,x"
    if TIME not in lengths and not lengths:
        raise DataError(f"{store.source}: no times and no positions (t, x); it has {store.listed()}{hint}")
    for axis, count in lengths.items():
        open_axes = [i for i, role in enumerate(roles) if role is None]
        exact = [i for i in open_axes if field.shape[i] == count]
        # Times may have an entry too many, where a file holds the ends of intervals.
        near = [i for i in open_axes if axis == TIME and field.shape[i] == count - 1]
        others = [other for other, n in lengths.items() if n == count and other != axis]
        matching = exact or near
        if len(matching) > 1 or (matching and others and len([i for i in open_axes if field.shape[i] == count]) > 1):
            raise DataError(
                f"{store.source}: more than one axis of {field.name} {field.shape} is as long as {axis} ({count}){hint}"
            )
        if matching:
            roles[matching[0]] = axis
    left = [i for i, role in enumerate(roles) if role is None]
    if TIME not in roles or len(left) > 1:
        raise DataError(f"{store.source}: which axis is which cannot be told: {_listed(lengths)}{hint}")
    if left:
        if not any(role in SPATIAL.values() for role in roles):
            raise DataError(f"{store.source}: no positions fit {field.name} {field.shape} ({_listed(lengths)}){hint}")
        if left[0] not in (0, len(roles) - 1):
            raise DataError(f"{store.source}: which axis is which cannot be told: {_listed(lengths)}{hint}")
        roles[left[0]] = TRAJECTORY
    return tuple(role or SINGLE for role in roles)


def _listed(lengths: dict[str, int]) -> str:
    return ", ".join(f"{axis} has {count}" for axis, count in lengths.items()) or "there are no coordinates"
