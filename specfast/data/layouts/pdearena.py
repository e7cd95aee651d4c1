"""PDEArena (Gupta and Brandstetter, arXiv 2209.15616), and the files of LPSDA: a group a split."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from ..errors import DataError
from ..field import TIME, TRAJECTORY, Field
from ..store import Store, Variable
from .assemble import assemble
from .request import Request

SPLITS = ("train", "valid", "test")
_ONE_AXIS = re.compile(r"^(train|valid|test)/pde_(\d+)-(\d+)$")
_FIELDS = ("u", "v", "vx", "vy", "vz", "pres", "div", "vor")


def recognise(store: Store, request: Request) -> Field | None:
    """Return the field of a PDEArena file; None for any other."""
    splits = [split for split in SPLITS if any(name.startswith(split + "/") for name in store.variables)]
    if not splits:
        return None
    split = request.group or splits[0]
    if split not in splits:
        raise DataError(f"{store.source}: --group {split}: one of {', '.join(splits)} is expected")
    inside = {name.partition("/")[2]: v for name, v in store.variables.items() if name.startswith(split + "/")}
    notes = [f"group {split} of {', '.join(splits)}; --group takes another"] if len(splits) > 1 else []
    unknown = [name for name in request.variables if name not in inside]
    if unknown:
        raise DataError(f"{store.source}: no variable {unknown[0]} in group {split}; it has {', '.join(inside)}")
    one_axis = [name for name in inside if _ONE_AXIS.match(f"{split}/{name}")]
    if one_axis:
        return _one_axis(store, inside, one_axis, request, notes)
    wanted = [name for name in request.variables or _FIELDS if name in inside and len(inside[name].shape) >= 3]
    if not wanted:
        return None
    rank = len(inside[wanted[0]].shape) - 2
    axes = ("x", "y", "z")[:rank]
    parts = [(inside[name], (TRAJECTORY, TIME, *axes), [name]) for name in wanted]
    count = inside[wanted[0]].shape[0]
    coordinates = {
        role: _coordinate(store, inside, name, inside[wanted[0]].shape[place], count)
        for role, name, place in ((TIME, "t", 1), *((axis, axis, 2 + i) for i, axis in enumerate(axes)))
    }
    field = assemble(
        store, "PDEArena", parts, {k: v for k, v in coordinates.items() if v is not None}, request, notes=notes
    )
    return _with_parameters(field, inside)


def _one_axis(store: Store, inside: dict[str, Variable], names: list[str], request: Request, notes: list[str]) -> Field:
    chosen = [name for name in request.variables or names[:1] if name in inside]
    if not chosen:
        raise DataError(f"{store.source}: --variable {request.variables[0]}: one of {', '.join(names)} is expected")
    if len(chosen) > 1:
        raise DataError(f"{store.source}: --variable {' '.join(chosen)}: one of {', '.join(names)} is expected")
    if len(names) > 1 and not request.variables:
        notes.append(f"{chosen[0]} of {', '.join(names)}; --variable takes another")
    variable = inside[chosen[0]]
    if len(variable.shape) != 3:
        raise DataError(
            f"{store.source}: {variable.name} has shape {variable.shape}; (trajectory, time, x) is expected"
        )
    count, times, length = variable.shape
    coordinates = {
        role: _coordinate(store, inside, name, size, count)
        if _coordinate(store, inside, name, size, count) is not None
        else _of_attributes(variable, name, size)
        for role, name, size in ((TIME, "t", times), ("x", "x", length))
    }
    field = assemble(
        store, "PDEArena, one axis", [(variable, (TRAJECTORY, TIME, "x"), ["u"])],
        {k: v for k, v in coordinates.items() if v is not None}, request, notes=notes, periodic=("x",),
    )  # fmt: skip
    return _with_parameters(field, inside)


def _of_attributes(variable: Variable, name: str, length: int) -> np.ndarray | None:
    """Return a coordinate from the attributes of the array, where files of LPSDA have it: x, t, or their steps dx, dt."""
    given = variable.attributes.get(name)
    if given is not None and np.size(given) == length:
        return np.asarray(given, dtype=np.float64).reshape(-1)
    step = variable.attributes.get(f"d{name}")
    if step is not None and np.size(step) == 1:
        begin = variable.attributes.get(f"{name}min", 0.0)
        return float(np.asarray(begin).reshape(-1)[0]) + float(np.asarray(step).reshape(-1)[0]) * np.arange(length)
    return None


def _coordinate(store: Store, inside: dict[str, Variable], name: str, length: int, count: int) -> np.ndarray | None:
    """Return a coordinate, one for all trajectories or one each: from its array, else from its step."""
    for own in (name, f"{name}_coords"):
        if own in inside and inside[own].shape and inside[own].shape[-1] == length:
            array = inside[own].read().astype(np.float64)
            return _shared(array)
    for step in (f"d{name}", f"dt_{name}"):
        if step in inside:
            steps = np.atleast_1d(inside[step].read().astype(np.float64)).reshape(-1)
            if len(steps) in (1, count):
                return _shared(steps[:, None] * np.arange(length))
    return None


def _shared(array: np.ndarray) -> np.ndarray:
    """Return one row where all are the same."""
    if array.ndim == 2 and (array == array[:1]).all():
        return np.asarray(array[0])
    return array


def _with_parameters(field: Field, inside: dict[str, Variable]) -> Field:
    """Add numbers that differ between trajectories, such as the buoyancy."""
    names, columns = [], []
    for name, variable in inside.items():
        if name in ("t", "x", "y", "z", "dt", "dx", "dy", "dz") or variable.shape not in ((len(field.trajectories),),):
            continue
        values = variable.vector()
        if variable.numeric and (values != values[0]).any():
            names.append(name)
            columns.append(values)
    return replace(field, parameters=np.stack(columns, 1) if columns else None, parameter_names=tuple(names))
