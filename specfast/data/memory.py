"""Arrays and xarray objects in memory as stores and fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from .errors import DataError
from .field import CHANNEL, POINT, TIME, TRAJECTORY, Field
from .layouts import Request
from .layouts.assemble import assemble
from .layouts.roles import AXES
from .store import Store, Variable

Positions = Any  # an array, a sequence of arrays (one an axis), or a mapping of axis to array


class _OfXarray:
    """An xarray variable that is read, or computed where it is lazy, when it is sliced."""

    def __init__(self, variable: Any):
        self.variable, self.shape, self.dtype = variable, tuple(variable.shape), variable.dtype

    def __getitem__(self, index: Any) -> np.ndarray:
        return np.asarray(self.variable[index].values)


def is_xarray(source: object) -> bool:
    """Whether something is a Dataset or a DataArray, without importing xarray."""
    return type(source).__module__.partition(".")[0] == "xarray" and hasattr(source, "dims")


def store_of_xarray(source: Any) -> Store:
    """Return what a Dataset or a DataArray holds; an unnamed DataArray is u."""
    dataset = source
    if not hasattr(source, "data_vars"):
        dataset = source.to_dataset(name=source.name or "u")
    variables = {
        str(name): Variable(str(name), _OfXarray(part.variable), tuple(map(str, part.dims)), dict(part.attrs))
        for name, part in dataset.variables.items()
        for part in [dataset[name]]
    }
    return Store("data", "xarray", variables, dict(dataset.attrs))


def to_numpy(value: Any) -> np.ndarray:
    """Return any array as NumPy has it; masked arrays as they are."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().resolve_conj().resolve_neg().numpy()
    return np.ma.asanyarray(value) if isinstance(value, np.ma.MaskedArray) else np.asarray(value)


def field_of_arrays(
    u: Any, x: Positions, t: Any, channels: Sequence[str] | None = None, parameters: Any = None,
    parameter_names: Sequence[str] | None = None, units: Mapping[str, str] | None = None, periodic: Sequence[str] = (),
) -> Field:  # fmt: skip
    """Return the field of arrays; see `open`.

    Raises
    ------
    DataError
        On shapes that do not fit.
    """
    values, clock = to_numpy(u), to_numpy(t)
    if values.dtype.kind not in "fiuc":
        raise DataError(f"u has type {values.dtype}; numbers are expected")
    coordinates, sensors, inner = _positions(values, x)
    lead = values.ndim - inner
    if lead not in (1, 2, 3):
        raise DataError(
            f"u has shape {values.shape} and {inner} axes of positions; ([trajectory,] time[, channel], axes) is expected"
        )
    axes = tuple(coordinates)
    roles = ((TIME,), (TRAJECTORY, TIME), (TRAJECTORY, TIME, CHANNEL))[lead - 1] + ((POINT,) if sensors else axes)
    count = values.shape[2] if lead == 3 else 1
    if channels is not None and len(channels) != count:
        raise DataError(f"channels={list(channels)}: u has {count}")
    store = Store("data", "arrays", {})
    own = {**{axis: Variable(axis, array) for axis, array in coordinates.items()}, TIME: Variable("t", clock)}
    rest: dict[str, Any] = {"periodic": tuple(periodic)}
    if parameters is not None:
        numbers = np.ma.filled(np.ma.asanyarray(to_numpy(parameters)).astype(np.float64), np.nan)
        wanted = values.shape[0] if lead > 1 else 1
        if numbers.ndim != 2 or len(numbers) != wanted or not np.isfinite(numbers).all():
            raise DataError(f"parameters have shape {numbers.shape}; finite numbers ({wanted}, P) are expected")
        if parameter_names is not None and len(parameter_names) != numbers.shape[1]:
            raise DataError(f"parameter_names={list(parameter_names)}: {numbers.shape[1]} are expected")
        names = parameter_names or [f"parameter{i}" for i in range(numbers.shape[1])]
        rest |= {"parameters": numbers, "parameter_names": tuple(names)}
    field = assemble(
        store,
        "arrays",
        [(Variable("u", values), roles, channels)],
        own,
        Request(),
        sensor_axes=axes if sensors else (),
        **rest,
    )
    object.__setattr__(field, "units", {**field.units, **(units or {})})
    return field


def _positions(values: np.ndarray, x: Positions) -> tuple[dict[str, np.ndarray], bool, int]:
    """Return coordinates by axis, whether they are of scattered sensors, and how many axes of u they are along."""
    if isinstance(x, Mapping):
        return {str(axis): to_numpy(array) for axis, array in x.items()}, False, len(x)
    if isinstance(x, (list, tuple)) and len(x) and np.ndim(to_numpy(x[0])) == 1 and len(x) <= values.ndim:
        names = next(names for names in AXES if len(names) >= len(x))
        return dict(zip(names, map(to_numpy, x), strict=False)), False, len(x)
    array, size = to_numpy(x), values.shape[-1]
    if array.shape == (size,):
        return {"x": array}, False, 1
    per_trajectory = values.ndim > 2 and array.ndim == 2 and array.shape == (values.shape[0], size)
    several = array.ndim in (2, 3) and array.shape[-2] == size
    if per_trajectory and several:
        raise DataError(
            f"x has shape {array.shape}: (trajectory, point) or (point, axis)? A mapping of axes says which"
        )
    if per_trajectory:
        return {"x": array}, True, 1
    if several:
        names = next((names for names in AXES if len(names) >= array.shape[-1]), ())
        return {name: array[..., d] for d, name in enumerate(names[: array.shape[-1]])}, True, 1
    raise DataError(
        f"x has shape {array.shape} and u {values.shape}; ({size},), one array an axis of a grid, (point, axis) or"
        " (trajectory, point[, axis]) is expected"
    )
