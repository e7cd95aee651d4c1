"""Files whose dimensions have names: NetCDF, Zarr, xarray; what CF conventions and our own layout say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .. import missing
from ..errors import DataError
from ..field import CHANNEL, POINT, SINGLE, TIME, TRAJECTORY, Field
from ..store import Store, Variable
from .assemble import assemble
from .request import Request
from .roles import AXES, role_of


def recognise(store: Store, request: Request) -> Field | None:
    """Return the field of a file whose variables name their dimensions; None where they do not.

    Dimensions are trajectory, time[, channel] and point, with positions x[, y, z], x1, x2, .. or lon, lat on (point) or
    (trajectory, point); or the axes of a grid, with a coordinate named like each.
    """
    if not any(v.dims is not None and len(v.dims) for v in store.variables.values()):
        return None
    chosen = _chosen(store, request)
    first = chosen[0]
    dims = request.dims or first.dims or ()
    roles = (
        tuple(_role(name, length, store) for name, length in zip(dims, first.shape, strict=True))
        if len(dims) == len(first.shape)
        else ()
    )
    if not roles:
        raise DataError(f"{store.source}: {first.name} has shape {first.shape}; --dims names {len(dims)} axes")
    known = dict(zip(first.dims or dims, roles, strict=True))
    parts = []
    for part in chosen:
        own = tuple(known.get(d, d) for d in part.dims or dims)
        parts.append((part, own, _channel_names(store, part, own)))
    coordinates, sensors, roles = _coordinates(store, known, roles, first, request)
    if sensors:
        space = [role for role in parts[0][1] if role not in (TRAJECTORY, TIME, CHANNEL, SINGLE)]
        parts = [(p, tuple(POINT if r in space else r for r in own), labels) for p, own, labels in parts]
    field = assemble(
        store, _layout(store), parts, coordinates, request, names={role: d for d, role in known.items() if d != role},
        sensor_axes=sensors,
    )  # fmt: skip
    return _with_parameters(store, _with_units(store, _with_labels(store, field, known)))


def _layout(store: Store) -> str:
    conventions = str(store.attributes.get("Conventions", ""))
    return f"{store.format}, {conventions}" if conventions else store.format


def _role(name: str, length: int, store: Store) -> str:
    role = role_of(name, store)
    return SINGLE if length == 1 and role not in (TRAJECTORY, TIME, CHANNEL, POINT) else role  # no axis of one point


def _chosen(store: Store, request: Request) -> list[Variable]:
    """Return the variables asked for; else u, else the only one that changes in time and along space."""
    if request.variables:
        return store.asked(request.variables)
    if "u" in store:
        return [store["u"]]
    if "u" in store.unreadable:
        raise DataError(f"{store.source}: u cannot be read ({store.unreadable['u']})")
    candidates = [
        v for name, v in store.variables.items() if v.numeric and name not in (v.dims or ()) and _is_field(v, store)
    ]
    if len(candidates) == 1:
        return candidates
    if not candidates:
        raise DataError(
            f"{store.source}: no variable u, and none that changes in time and along an axis of space; it has {store.listed()};"
            " --variable says which it is, --dims what its axes are"
        )
    names = ", ".join(v.name for v in candidates)
    raise DataError(
        f"{store.source}: no variable u; several could be the field: {names}; --variable says which, several names"
        " make channels"
    )


def _is_field(variable: Variable, store: Store) -> bool:
    if variable.dims is None:
        return False
    roles = [role_of(d, store) for d in variable.dims]
    named = variable.name in {name for names in AXES for name in names}
    return not named and TIME in roles and any(role not in (TRAJECTORY, TIME, CHANNEL) for role in roles)


def _channel_names(store: Store, part: Variable, roles: tuple[str, ...]) -> list[str] | None:
    if CHANNEL not in roles or part.dims is None:
        return None
    name = part.dims[roles.index(CHANNEL)] if len(part.dims) == len(roles) else CHANNEL
    if name in store and len(store[name].shape) == 1:
        return [value.decode() if isinstance(value, bytes) else str(value) for value in store[name].read().tolist()]
    return None


def _coordinates(
    store: Store, known: dict[str, str], roles: tuple[str, ...], first: Variable, request: Request
) -> tuple[dict[str, Variable | np.ndarray], tuple[str, ...], tuple[str, ...]]:
    """Return the coordinates by role, and the axes of scattered sensors if that is what they are."""
    found: dict[str, Variable | np.ndarray] = {}
    for dim, role in known.items():
        if role in (CHANNEL, SINGLE, TRAJECTORY):
            continue
        if dim in store and store[dim].shape:
            found[role] = store[dim]
        elif role == TIME:
            other = [v for v in store.variables.values() if v.dims and role_of(v.name) == TIME and dim in v.dims]
            if other:
                found[role] = other[0]
    space = [dim for dim, role in known.items() if role not in (TRAJECTORY, TIME, CHANNEL, SINGLE)]
    on_points = space == [d for d in space if known[d] == POINT] or (len(space) == 1 and space[0] not in store)
    if not on_points or len(space) != 1:
        return found, (), roles
    said = {axis: store[name] for axis, name in request.coordinates.items() if axis != TIME and name in store}
    if said:
        return found | said, tuple(said), roles
    for names in AXES:
        own = [name for name in names if name in store and space[0] in (store[name].dims or ())]
        if own:
            return found | {name: store[name] for name in own}, tuple(own), roles
    listed = str(first.attributes.get("coordinates", "")).split()  # CF conventions, 5
    own = [name for name in listed if name in store and space[0] in (store[name].dims or ()) and store[name].numeric]
    if own:
        return found | {name: store[name] for name in own}, tuple(own), roles
    return found, (), roles


def _with_units(store: Store, field: Field) -> Field:
    """Add the units of channels that one array holds together."""
    if "channel_units" not in store or store["channel_units"].shape != (len(field.channels),):
        return field
    words = (w.decode() if isinstance(w, bytes) else str(w) for w in store["channel_units"].read().tolist())
    return replace(field, units={**field.units, **{n: w for n, w in zip(field.channels, words, strict=True) if w}})


def _with_labels(store: Store, field: Field, known: dict[str, str]) -> Field:
    name = next((dim for dim, role in known.items() if role == TRAJECTORY), None)
    if name is None or name not in store or store[name].shape != (len(field.trajectories),):
        return field
    return replace(field, labels=store[name].read())


def _with_parameters(store: Store, field: Field) -> Field:
    """Add what the variable `parameters` (trajectory, parameter) holds: what the equation depends on besides the field."""
    if "parameters" not in store:
        return field
    given = store["parameters"]
    dims = given.dims or ()
    if dims != ("trajectory", "parameter") or np.dtype(given.array.dtype).kind not in "fiu":
        raise DataError(
            f"{store.source}: parameters have dimensions {dims}; numbers (trajectory, parameter) are expected"
        )
    values = missing.decode(given.read(), given.attributes, store.format.startswith("NetCDF"))
    if not np.isfinite(values).all():
        raise DataError(f"{store.source}: parameters hold NaN or infinity; finite numbers are expected")
    names: tuple[str, ...] = tuple(f"parameter{i}" for i in range(values.shape[1]))
    if "parameter" in store and store["parameter"].shape == (values.shape[1],):
        names = tuple(v.decode() if isinstance(v, bytes) else str(v) for v in store["parameter"].read().tolist())
    return replace(field, parameters=values, parameter_names=names)
