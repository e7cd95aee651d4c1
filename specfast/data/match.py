"""Data brought to the names, the order and the units of others: matched by name, or refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from . import memmap
from .errors import DataError
from .observations import Observations
from .times import factor


@dataclass(frozen=True)
class Signature:
    """What data are of: names of channels, axes and parameters in their order, and units where they are known."""

    channels: tuple[str, ...]
    axes: tuple[str, ...]
    parameters: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def of(data: Observations) -> Signature:
        """Return that of observations."""
        count = data.parameter_count
        named = len(data.parameter_names) == count
        names = data.parameter_names if named else tuple(f"parameter{i}" for i in range(count))
        return Signature(data.channels, data.axes, names, dict(data.units))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {
            "channels": list(self.channels), "axes": list(self.axes), "parameters": list(self.parameters),
            "units": dict(self.units),
        }  # fmt: skip

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Signature:
        """Return what `to_dict` described."""
        return Signature(
            tuple(values["channels"]), tuple(values["axes"]), tuple(values["parameters"]), dict(values["units"])
        )


def matched(data: Observations, wanted: Signature) -> Observations:
    """Return the data with channels, axes and parameters in the order of others, and times in their unit.

    Raises
    ------
    DataError
        Where names differ, or units that are known on both sides do and are not those of time.
    """
    own = Signature.of(data)
    channels = _order("channels", own.channels, wanted.channels, "--variable")
    axes = _order("space axes", own.axes, wanted.axes, "--dims")
    parameters = _order("parameters", own.parameters, wanted.parameters, "")
    _check_units(own, wanted)
    if channels != list(range(len(channels))):
        data = replace(data, values=_reordered(data.values, channels), channels=wanted.channels)
    if axes != list(range(len(axes))):
        data = _with_axes(data, axes)
    if parameters != list(range(len(parameters))) and data.parameters is not None:
        data = replace(data, parameters=data.parameters[:, parameters], parameter_names=wanted.parameters)
    return _in_unit_of_time(data, own.units.get("time", ""), wanted.units.get("time", ""))


def _order(what: str, own: Sequence[str], wanted: Sequence[str], option: str) -> list[int]:
    """Return the places of the names wanted among those given."""
    if sorted(own) != sorted(wanted) or len(set(own)) != len(own):
        known = f"the model was trained with {', '.join(wanted) or 'none'}"
        hint = f"; {option} says what this file's are" if option else ""
        raise DataError(f"data have {what} {', '.join(own) or 'none'}; {known}{hint}")
    return [list(own).index(name) for name in wanted]


def _check_units(own: Signature, wanted: Signature) -> None:
    for name in (*wanted.channels, *wanted.axes):
        given, expected = own.units.get(name), wanted.units.get(name)
        if given is not None and expected is not None and given != expected:
            raise DataError(f"{name} is in {given!r}; the model was trained with {expected!r}")


def _reordered(values: torch.Tensor, order: list[int]) -> torch.Tensor:
    result = memmap.empty(values.shape)
    for part in memmap.blocks(len(values), values[0].numel()):
        result[part] = values[part][:, :, order].double()
    return result


def _with_axes(data: Observations, order: list[int]) -> Observations:
    """Return the data with the space axes in another order; a grid's points stay where they are, its last axis is no longer fastest."""
    names = tuple(data.axes[axis] for axis in order)
    points = data.points[..., order]
    if data.grid is None:
        return replace(data, points=points, axes=names)
    lengths = [len(column) for column in data.grid]
    places = torch.arange(points.shape[-2]).reshape(lengths).permute(order).reshape(-1)
    result = memmap.empty(data.values.shape)
    for part in memmap.blocks(len(data), data.values[0].numel()):
        result[part] = data.values[part][..., places].double()
    grid = tuple(data.grid[axis] for axis in order)
    return replace(data, values=result, points=points[:, places], axes=names, grid=grid)


def _in_unit_of_time(data: Observations, given: str, wanted: str) -> Observations:
    if not given or not wanted or given == wanted:
        return data
    times = factor(given, wanted)
    if times is None:
        raise DataError(f"time is in {given!r}; the model was trained with {wanted!r}")
    if times == 1.0:
        return data
    return replace(data, times=data.times * times, units={**data.units, "time": _renamed(given, wanted)})


def reference_of(units: str) -> str:
    """Return what times count from: "2000-01-01" of "days since 2000-01-01"; "" where nothing is said."""
    return units.partition(" since ")[2].strip()


def _renamed(given: str, wanted: str) -> str:
    """Return the unit of times that were turned into another unit: dates still count from where they did."""
    begin = given.partition(" since ")[2]
    word = wanted.partition(" since ")[0].strip()
    return f"{word} since {begin}" if begin else word
