"""The Well (Ohana et al., arXiv 2412.00568): fields by rank, axes that vanish where a flag says that nothing varies along them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import DataError
from ..field import CHANNEL, TIME, TRAJECTORY, Field
from ..store import LazyArray, Store, Variable
from .assemble import assemble
from .request import Request

_RANKS = ("t0_fields", "t1_fields", "t2_fields")


class Flattened:
    """An array with its last axes as one: the components of a tensor."""

    def __init__(self, array: LazyArray, axes: int):
        self.array, self.axes, self.dtype = array, axes, array.dtype
        shape = tuple(map(int, array.shape))
        self.shape = (*shape[: len(shape) - axes], int(np.prod(shape[len(shape) - axes :])))

    def __getitem__(self, index: Any) -> np.ndarray:
        index = index if isinstance(index, tuple) else (index,)
        read = np.asarray(self.array[index[: len(self.shape) - 1]])
        return read.reshape(*read.shape[: read.ndim - self.axes], -1)


def recognise(store: Store, request: Request) -> Field | None:
    """Return the field of a file of The Well; None for any other."""
    if "dimensions/time" not in store or not any(name.startswith(_RANKS) for name in store.variables):
        return None
    axes = _axes(store)
    parts, notes, wanted = [], [], set(request.variables)
    for rank, group in enumerate(_RANKS):
        for name, variable in store.variables.items():
            short = name.rpartition("/")[2]
            if not name.startswith(group + "/") or (wanted and not wanted & {name, short}):
                continue
            if not _flag(variable, "time_varying"):
                notes.append(f"{short} does not change in time and is left out")
                continue
            part = _part(store, variable, rank, axes)
            if len(part[1]) - (CHANNEL in part[1]) == 2 + len(axes):
                parts.append(part)
            else:
                notes.append(f"{short} does not vary along all axes and is left out")
    if not parts:
        raise DataError(
            f"{store.source}: The Well without a field that changes in time{': ' if notes else ''}{'; '.join(notes)}"
        )
    coordinates: dict[str, Variable | np.ndarray] = {axis: store[f"dimensions/{axis}"] for axis in axes}
    coordinates[TIME] = store["dimensions/time"]
    field = assemble(store, "The Well", parts, coordinates, request, notes=notes, periodic=_periodic(store, axes))
    return _with_scalars(store, field)


def _axes(store: Store) -> list[str]:
    given = store.attributes.get("dimensions/spatial_dims")
    listed = [given] if isinstance(given, str) else list(given) if given is not None else []
    there = [name.rpartition("/")[2] for name in store.variables if name.startswith("dimensions/")]
    return [axis for axis in listed or ("x", "y", "z") if axis in there]  # the arrays are believed


def _flag(variable: Variable, name: str) -> bool:
    return bool(np.all(variable.attributes.get(name, True)))


def _part(store: Store, variable: Variable, rank: int, axes: list[str]) -> tuple[Variable, tuple[str, ...], list[str]]:
    """Return an array, the axes that it has by its flags, and the names of its components."""
    varying = np.atleast_1d(np.asarray(variable.attributes.get("dim_varying", [True] * len(axes)), dtype=bool))
    if len(varying) != len(axes):
        varying = np.ones(len(axes), dtype=bool)
    roles = [TRAJECTORY] * _flag(variable, "sample_varying") + [TIME]
    roles += [axis for axis, varies in zip(axes, varying, strict=True) if varies]
    short = variable.name.rpartition("/")[2]
    squared = len(axes) ** 2
    flat = rank == 2 and variable.shape[-1] == squared and len(variable.shape) in (len(roles) + 1, len(axes) + 3)
    trailing = 1 if flat else rank  # the D^2 components of a tensor may be one axis
    if len(variable.shape) != len(roles) + trailing:
        full = [TRAJECTORY, TIME, *axes]
        if len(variable.shape) != len(full) + trailing:
            raise DataError(
                f"{store.source}: {variable.name} has shape {variable.shape}; by its flags {len(roles) + trailing} axes are expected"
            )
        roles = full  # kept with length 1 where a flag is false
    if rank == 0:
        return variable, tuple(roles), [short]
    count = len(axes) if flat else variable.shape[-1]
    one = list(axes) if count == len(axes) else [str(i) for i in range(count)]
    names = one if rank == 1 else [a + b for a in one for b in one]
    if rank == 2 and not flat:
        variable = replace(variable, array=Flattened(variable.array, 2))
    return variable, (*roles, CHANNEL), [f"{short}_{name}" for name in names]


def _periodic(store: Store, axes: list[str]) -> tuple[str, ...]:
    """Return the axes whose boundary condition is periodic."""
    found = set()
    for key, value in store.attributes.items():
        if key.startswith("boundary_conditions/") and key.endswith("/bc_type") and str(value).upper() == "PERIODIC":
            of = store.attributes.get(key.replace("bc_type", "associated_dims"), [])
            found |= {of} if isinstance(of, str) else set(of)
    return tuple(axis for axis in axes if axis in found)


def _with_scalars(store: Store, field: Field) -> Field:
    """Add the scalars that differ between trajectories as parameters; the others are remarked on."""
    names, columns, notes = [], [], list(field.notes)
    for name, variable in store.variables.items():
        if not name.startswith("scalars/") or not variable.numeric:
            continue
        short = name.rpartition("/")[2]
        values = variable.vector()
        if len(variable.shape) == 1 and len(values) == len(field.trajectories) and (values != values[0]).any():
            names.append(short)
            columns.append(values)
        elif len(variable.shape) <= 1 and len(values):
            notes.append(f"{short} = {values[0]:g} in all trajectories")
        else:
            notes.append(f"{short} changes in time and is left out")
    parameters = np.stack(columns, 1) if columns else None
    return replace(field, parameters=parameters, parameter_names=tuple(names), notes=tuple(notes))
