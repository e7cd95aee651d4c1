"""PDEBench (Takamoto et al., arXiv 2210.07182): one array of all trajectories, or a numbered group for each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import DataError
from ..field import CHANNEL, SINGLE, TIME, TRAJECTORY, Field
from ..store import Stacked, Store, Variable
from .assemble import assemble
from .request import Request

_FLUID = ("density", "pressure", "Vx", "Vy", "Vz")
_AXES = ("x", "y", "z")


def recognise(store: Store, request: Request) -> Field | None:
    """Return the field of a PDEBench file; None for any other."""
    groups = sorted(
        (name[: -len("/data")] for name in store.variables if name.endswith("/data") and name[:-5].isdigit()), key=int
    )
    if groups:
        return _grouped(store, groups, request)
    if "x-coordinate" not in store:
        return None
    fluid = [name for name in _FLUID if name in store]
    names = list(request.variables) or (["tensor"] if "tensor" in store else fluid)
    if not names:
        return None
    if "t-coordinate" not in store and "time" not in request.coordinates:
        raise DataError(f"{store.source}: PDEBench without t-coordinate: nothing changes in time that could be learned")
    axes = [axis for axis in _AXES if f"{axis}-coordinate" in store]
    parts = []
    for name in names:
        if name not in store:
            raise DataError(f"{store.source}: no variable {name}; it has {store.listed()}")
        parts.append((store[name], _roles(store, store[name], axes), ["u"] if name == "tensor" else None))
    coordinates = {axis: store[f"{axis}-coordinate"] for axis in axes}
    if "t-coordinate" in store:
        coordinates[TIME] = store["t-coordinate"]
    numbers = [
        f"{name} = {float(value):g}"
        for name, value in store.attributes.items()
        if isinstance(value, (int, float, np.number))
    ]
    return assemble(
        store, "PDEBench", parts, dict(coordinates), request, notes=[f"in its attributes: {', '.join(numbers)}"] if numbers else [],
        names={axis: f"{axis}-coordinate" for axis in axes} | {TIME: "t-coordinate"},
    )  # fmt: skip


def _roles(store: Store, variable: Variable, axes: list[str]) -> tuple[str, ...]:
    """Return (trajectory, time, x[, y, z]), after axes of length 1 that older files have in front."""
    own = (TRAJECTORY, TIME, *axes)
    surplus = len(variable.shape) - len(own)
    if surplus == 1 and variable.shape[0] == 1:
        return (SINGLE, *own)
    if surplus == 1 and variable.shape[-1] <= 8:
        return (*own, CHANNEL)
    if surplus:
        raise DataError(f"{store.source}: {variable.name} has shape {variable.shape}; axes {own} are expected")
    return own


def _grouped(store: Store, groups: list[str], request: Request) -> Field:
    """Return the field of numbered groups with data (time, x[, y], channel), grid/t, grid/x[, grid/y]."""
    arrays = [store[f"{group}/data"] for group in groups]
    first = arrays[0]
    odd = [part.name for part in arrays if part.shape != first.shape]
    if odd:
        raise DataError(f"{store.source}: {odd[0]} has not the shape of {first.name}, {first.shape}")
    axes = [axis for axis in _AXES if f"{groups[0]}/grid/{axis}" in store]
    if not axes or len(first.shape) not in (len(axes) + 1, len(axes) + 2):
        raise DataError(
            f"{store.source}: {first.name} has shape {first.shape}, its grid the axes {axes}; (time, axes, channel) is expected"
        )
    channels = (CHANNEL,) if len(first.shape) == len(axes) + 2 else ()
    count = first.shape[-1] if channels else 1
    names = ["u", "v"] if count == 2 else ["u"] if count == 1 else [f"u{i}" for i in range(count)]
    variable = Variable("data", Stacked([part.array for part in arrays]), None, first.attributes)
    coordinates: dict[str, Variable | np.ndarray] = {}
    for role, name in ((TIME, "t"), *((axis, axis) for axis in axes)):
        if f"{groups[0]}/grid/{name}" in store:
            own = np.stack([store[f"{group}/grid/{name}"].vector() for group in groups])
            coordinates[role] = own if (own != own[:1]).any() else own[0]
    field = assemble(
        store,
        "PDEBench, a group a trajectory",
        [(variable, (TRAJECTORY, TIME, *axes, *channels), names)],
        coordinates,
        request,
    )
    return replace(field, labels=np.array(groups))
