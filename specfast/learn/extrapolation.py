"""Where a forecast goes beyond what a model has seen, said in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..data import Observations
from ..data.times import factor
from .model import Model

SLACK = 1.05  # times what was seen
GROWN = 2.0  # times the largest snapshot, that a forecast reaches before it is remarked on


def coverage(data: Observations) -> dict[str, Any]:
    """Return what training data cover: times, durations, sizes of snapshots, positions, parameters."""
    observed, first = data.observed, data.first
    last = observed.shape[1] - 1 - observed.flip(1).double().argmax(1)
    rows = torch.arange(len(data))
    begin, end = data.times[rows, first], data.times[rows, last]
    sizes = _sizes(data)
    found: dict[str, Any] = {
        "first_time": float(begin.min()), "last_time": float(end.max()), "duration": float((end - begin).max()),
        "sizes": [float(sizes.min()), float(sizes.max())], "largest": data.largest,
        "positions": [[float(data.coordinate(d).min()), float(data.coordinate(d).max())] for d in range(data.dim)],
    }  # fmt: skip
    if data.parameters is not None:
        found["parameters"] = torch.stack([data.parameters.amin(0), data.parameters.amax(0)], 1).tolist()
    return found


def _sizes(data: Observations) -> Tensor:
    """Return the root mean square (R,) of the first observed snapshot of each trajectory."""
    rows = torch.arange(len(data))
    parts = []
    for part, some in data.blocks():
        own = some.values[torch.arange(len(some)), data.first[rows[part]]] / data.largest
        parts.append(data.largest * own.square().flatten(1).nanmean(1).sqrt())
    return torch.cat(parts)


def beyond(model: Model, data: Observations, times: Tensor, points: Tensor) -> list[str]:
    """Return a line for everything in which a forecast goes beyond the training data.

    Parameters
    ----------
    model : Model
        Its metrics say what it has seen.
    data : Observations
        From whose first snapshots it forecasts.
    times : Tensor (R, T)
        At which.
    points : Tensor (R or 1, M[, D])
        Where.

    Returns
    -------
    list of str
        Empty where it does not.

    Examples
    --------
    >>> import specfast as sf
    >>> model, data = sf.learn.load("RUN"), sf.data.read("data.nc")  # doctest: +SKIP
    >>> sf.learn.beyond(model, data, data.times, data.points)  # doctest: +SKIP
    ['the forecast goes 2 s beyond the start, training trajectories 1']
    """
    known = model.metrics.get("seen")
    if known is None:
        return []
    rate = factor(data.units.get("time", ""), model.signature.units.get("time", "")) or 1.0
    units = (model.signature.units or data.units).get("time", "").partition(" since ")[0]
    unit = f" {units}" if units else ""
    begin = data.times[torch.arange(len(data)), data.first]
    lines = []
    duration, last = rate * float((times[:, -1] - begin).max()), rate * float(times.max())
    if model.config.time_dependent and last > known["last_time"] * (1 + 1e-9):
        lines.append(f"times go to {last:g}{unit}, training data to {known['last_time']:g}")
    elif duration > known["duration"] * (1 + 1e-9):
        lines.append(
            f"the forecast goes {duration:g}{unit} beyond the start, training trajectories {known['duration']:g}"
        )
    sizes, (least, most) = _sizes(data), known["sizes"]
    if float(sizes.max()) > SLACK * most or float(sizes.min()) * SLACK < least:
        lines.append(
            f"initial fields have a root mean square of {float(sizes.min()):.3g} to {float(sizes.max()):.3g},"
            f" those of training {least:.3g} to {most:.3g}"
        )
    columns = [points] if data.dim == 1 else list(points.unbind(-1))
    lines += _outside(
        [f"points along {axis}" for axis in data.axes], columns, known["positions"], "sensors of training"
    )
    if data.parameters is not None and "parameters" in known:
        names = data.parameter_names or [f"parameter{i}" for i in range(data.parameter_count)]
        lines += _outside(names, list(data.parameters.T), known["parameters"], "those of training")
    return lines


def grown(model: Model, predicted: Tensor) -> list[str]:
    """Return a line where a forecast (R, T, C, M) becomes larger than all that was seen, or vanishes altogether."""
    known = model.metrics.get("seen")
    if known is None:
        return []
    reached = predicted.abs().nan_to_num().amax((0, 2, 3))
    lines = []
    if float(reached.max()) > GROWN * known["largest"]:
        lines.append(
            f"the forecast reaches {float(reached.max()):.3g}, the largest value of training is {known['largest']:.3g}"
        )
    if bool((predicted == 0).flatten(2).all(-1).any()):
        lines.append("the forecast is exactly 0 at some times: the basis has moved away from the points")
    return lines


def _outside(names: Sequence[str], columns: Sequence[Tensor], known: Sequence[Sequence[float]], what: str) -> list[str]:
    lines = []
    for name, column, (low, high) in zip(names, columns, known, strict=True):
        slack = 1e-6 * (high - low)
        if float(column.min()) < low - slack or float(column.max()) > high + slack:
            lines.append(
                f"{name} lie in [{float(column.min()):g}, {float(column.max()):g}], {what} in [{low:g}, {high:g}]"
            )
    return lines
