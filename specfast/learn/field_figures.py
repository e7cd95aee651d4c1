"""Fields of a report: along a line, on a plane, and value against value where there are more axes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..data import Observations
from .components import Component, components, labelled, unbroken, units
from .ensemble import Ensemble
from .panels import TRAJECTORIES, observed_times, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TIMES = 4  # in a panel


def _coloured(data: Observations, row: int) -> Iterator[tuple[int, Any, str]]:
    """Yield the times that are shown of a trajectory, with colour and label."""
    import matplotlib

    colours, chosen = matplotlib.colormaps["viridis"], observed_times(data, row, TIMES)
    unit = units(data).get("time")
    begin = float(data.times[row, chosen[0]])
    span = max(float(data.times[row, chosen[-1]]) - begin, 1e-300)
    for t in chosen:
        time = float(data.times[row, t])
        yield t, colours(0.9 * (time - begin) / span), f"t = {time:.3g}" + (f" {unit}" if unit else "")


def _note_left_out(figure: Figure, left_out: list[str]) -> None:
    if left_out:
        figure.suptitle(f"not shown: {', '.join(left_out)}", fontsize=9)


def lines(ensemble: Ensemble, data: Observations) -> Figure:
    """Draw observed dots and predicted lines: a column a trajectory, a row a component."""
    count, (drawn, left_out) = min(TRAJECTORIES, len(data)), components(data)
    figure, grid = panels(len(drawn), count, 4.2, 3.4, sharey="row")
    for row in range(count):
        x = data.points_of(row)
        fine = torch.linspace(float(x.min()), float(x.max()), 400, dtype=x.dtype)
        mean, spread = ensemble.predict_dataset(data.select(torch.tensor([row])), at=fine)
        for component, axes in zip(drawn, grid, strict=True):
            axis, observed = axes[row], component.of(data.values[row])
            curves, width = component.of(mean[0]), component.width(spread[0])
            for t, colour, label in _coloured(data, row):
                curve = unbroken(curves[t]) if component.phase else curves[t]
                axis.plot(x, observed[t], ".", ms=3, color=colour)
                axis.plot(fine, curve, "-", lw=1.2, color=colour, label=label)
                if len(ensemble) > 1 and width is not None:
                    band = 2 * width[t].nan_to_num()
                    axis.fill_between(fine, curve - band, curve + band, color=colour, alpha=0.25, lw=0)
            axis.legend(fontsize=7)
            axis.set_xlabel(labelled(data.axes[0], units(data).get(data.axes[0])))
        grid[0][row].set_title(f"trajectory {row}")
    for component, axes in zip(drawn, grid, strict=True):
        axes[0].set_ylabel(component.label)
    _note_left_out(figure, left_out)
    return figure


def maps(data: Observations, predicted: Tensor) -> Figure:
    """Draw observed and predicted fields of the first trajectory: a column a time, two rows a component."""
    shown, (drawn, left_out), known = observed_times(data, 0, 3), components(data), units(data)
    figure, grid = panels(2 * len(drawn), len(shown), 3.6, 3, sharex=True, sharey=True)
    x, y = data.points_of(0).T
    for number, component in enumerate(drawn):
        own = grid[2 * number : 2 * number + 2]
        observed = component.of(data.values[0, shown])
        span = (-math.pi, math.pi) if component.phase else _span(observed)
        colour_of: Any = None
        for axes, what, field in zip(
            own, ("observed", "predicted"), (observed, component.of(predicted[0, shown])), strict=True
        ):
            for axis, t, values in zip(axes, shown, field, strict=True):
                colour_of = _map(axis, x, y, values, span, component.phase)
                axis.set_title(f"{what}, t = {float(data.times[0, t]):.3g}", fontsize=9)
        figure.colorbar(colour_of, ax=[axis for axes in own for axis in axes], label=component.label)
    for axis in grid[-1]:
        axis.set_xlabel(labelled(data.axes[0], known.get(data.axes[0])))
    for axes in grid:
        axes[0].set_ylabel(labelled(data.axes[1], known.get(data.axes[1])))
    _note_left_out(figure, left_out)
    return figure


def _span(values: Tensor) -> tuple[float, float]:
    seen = values[values.isfinite()]
    if not len(seen):
        return 0.0, 1.0
    low, high = float(seen.min()), float(seen.max())
    return low, high if high > low else low + 1


def _map(axis: Any, x: Tensor, y: Tensor, u: Tensor, span: tuple[float, float], phase: bool) -> Any:
    """Draw filled contours; plain dots where the points span no area, and of a phase, which leaps."""
    seen = u.isfinite()
    x, y, u = x[seen], y[seen], u[seen]
    colours = "twilight" if phase else "viridis"
    if phase or not _span_an_area(x, y):
        return axis.scatter(x, y, c=u, vmin=span[0], vmax=span[1], s=12, cmap=colours)
    drawn = axis.tricontourf(x, y, u, levels=np.linspace(*span, 21), extend="both", cmap=colours)
    axis.plot(x, y, ",", color="white", alpha=0.5)
    return drawn


def _span_an_area(x: Tensor, y: Tensor) -> bool:
    if len(x) < 4:
        return False
    centred = torch.stack([x - x.mean(), y - y.mean()])
    sizes = torch.linalg.svdvals(centred / centred.abs().amax(1, keepdim=True).clamp_min(1e-300))
    return bool(sizes[-1] >= 1e-6 * sizes[0])


def agreement(data: Observations, predicted: Tensor) -> Figure:
    """Draw predicted against observed values: a column a trajectory, a row a component."""
    count, (drawn, left_out) = min(TRAJECTORIES, len(data)), components(data)
    figure, grid = panels(len(drawn), count, 4.2, 3.8)
    for component, axes in zip(drawn, grid, strict=True):
        for row, axis in enumerate(axes):
            _agreement_of(axis, component, data, predicted, row)
        axes[0].set_ylabel(f"predicted {component.label}")
    for row, axis in enumerate(grid[0]):
        axis.set_title(f"trajectory {row}")
    _note_left_out(figure, left_out)
    return figure


def _agreement_of(axis: Any, component: Component, data: Observations, predicted: Tensor, row: int) -> None:
    observed, found = component.of(data.values[row]), component.of(predicted[row])
    for t, colour, label in _coloured(data, row):
        axis.plot(observed[t], found[t], ".", ms=3, color=colour, label=label)
    axis.axline((0, 0), slope=1, lw=0.8, color="grey")
    axis.set_xlabel(f"observed {component.label}")
    axis.legend(fontsize=7)
