"""The figures of a report: fields, errors over time, decay of the coefficients, loss.

They are drawn without pyplot, so that whoever imports this keeps the backend and the style of their own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..data import Observations
from . import field_figures
from .components import components, labelled, units
from .encode import encode
from .encoder import Encoded
from .ensemble import Ensemble
from .error_measures import compare, together
from .panels import TRAJECTORIES, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 20  # of time, where trajectories have times of their own


@dataclass(frozen=True)
class Shown:
    """What the figures are drawn from.

    Attributes
    ----------
    ensemble, data : the run, and the observations that it is compared with
    predicted : Tensor (R, T, C, M)
        The mean prediction at the sensors.
    """

    ensemble: Ensemble
    data: Observations
    predicted: Tensor

    @cached_property
    def encoded(self) -> Encoded:
        """The states (R, T) of the observed snapshots, by the first run."""
        return encode(self.ensemble.models[0].encoder, self.data)


Draw = Callable[[Shown], Any]


def choose(shown: Shown) -> list[tuple[str, str, str, Draw]]:
    """Return file name, title, note and drawing function of every figure."""
    encoder, left_out = shown.ensemble.models[0].encoder, components(shown.data)[1]
    missing = f" Not shown: {', '.join(left_out)}." if left_out else ""
    missing += " Phases where the modulus is above 1 % of the largest." if _complex(shown.data) else ""
    each = "Each column is one trajectory, at observed times of its own; colour is time."
    lines = (
        each + " The first time is given." + (" Bands are two standard deviations." if len(shown.ensemble) > 1 else "")
    )
    fields: tuple[str, str, str, Draw] = {
        1: ("fields", "Observed (dots) and predicted (lines)", lines + missing, _lines),
        2: (
            "fields",
            "Observed and predicted fields",
            "One trajectory over time; dots are the points." + missing,
            _maps,
        ),
    }.get(encoder.space.dim, ("fields", "Observed against predicted values", each + missing, _agreement))
    over = "" if _shared(shown.data) else " Trajectories have times of their own: each dot is an interval of time."
    moving: list[tuple[str, str, str, Draw]] = [
        (
            "scale_shift",
            "Scale and shift over time",
            "Dots: of each snapshot by itself; lines: predicted.",
            scale_shifts,
        )
    ]
    training: list[tuple[str, str, str, Draw]] = [
        ("loss", "Training", "Loss of a batch, and error on what was kept from training, where anything was.", loss)
    ]
    return [
        fields,
        (
            "error", "Error over time",
            "Relative L2 over all trajectories: of the prediction, whose start is given, and of what the basis leaves of the"
            f" observed snapshots themselves.{over}", error,
        ),
        *(moving if encoder.moving else []),
        ("coefficients", "Decay of the coefficients", "Root mean square over observed snapshots.", coefficients),
        *(training if shown.ensemble.models[0].history else []),
    ]  # fmt: skip


def _complex(data: Observations) -> bool:
    return any(component.phase for component in components(data)[0])


def _lines(shown: Shown) -> Figure:
    return field_figures.lines(shown.ensemble, shown.data)


def _maps(shown: Shown) -> Figure:
    return field_figures.maps(shown.data, shown.predicted)


def _agreement(shown: Shown) -> Figure:
    return field_figures.agreement(shown.data, shown.predicted)


def _shared(data: Observations) -> bool:
    return bool((data.times == data.times[:1]).all())


def over_time(data: Observations, squares: Tensor, power: Tensor, counted: Tensor) -> tuple[list[float], list[float]]:
    """Return times and relative errors of squares and powers (R, T), per time or, where times differ, per interval of time.

    Parameters
    ----------
    data : Observations
        Whose times count.
    squares, power : Tensor (R, T)
        Summed squares of error and field.
    counted : Tensor (R, T)
        Which snapshots these were found for.
    """
    if not counted.any():
        return [], []
    if _shared(data):
        place, count = torch.arange(data.times.shape[1]).expand_as(data.times), data.times.shape[1]
    else:
        seen = data.times[counted]
        low, high, count = float(seen.min()), float(seen.max()), min(BINS, data.times.shape[1])
        part = (data.times - low) / max(high - low, 1e-300)
        place = (part * count).long().clamp(0, count - 1)
    wrong, size, when, number = (
        torch.zeros(count, dtype=torch.float64).index_add_(0, place[counted], values[counted].double())
        for values in (squares, power, data.times, torch.ones_like(squares))
    )
    some = number > 0
    error = (wrong / size.clamp_min(1e-300)).sqrt()
    return (when / number.clamp_min(1))[some].tolist(), error[some].tolist()


def _left_by_basis(shown: Shown) -> tuple[Tensor, Tensor]:
    """Return the squares (R, T) of what the encoding leaves of the observed values, and of these."""
    encoder, size, parts = shown.ensemble.models[0].encoder, shown.data.largest, []
    for rows, some in shown.data.blocks():
        state = shown.encoded.at(rows, slice(None))
        field = encoder.synthesize(state.coef, some.points, state.scale_shift)
        values = some.values / size
        parts.append(
            ((field / size - values).nan_to_num().square().sum((2, 3)), values.nan_to_num().square().sum((2, 3)))
        )
    return torch.cat([wrong for wrong, _ in parts]), torch.cat([power for _, power in parts])


def error(shown: Shown) -> Figure:
    """Draw the error of the prediction over time, and beside it what the basis leaves."""
    data = shown.data
    figure, grid = panels(1, 1, 6, 3.2)
    axis = grid[0][0]
    found = together(compare(shown.predicted[rows], some, data.largest) for rows, some in data.blocks())
    curves = {
        "prediction": over_time(data, found.squares, found.power, found.counted),
        "what the basis leaves": over_time(data, *_left_by_basis(shown), data.observed),
    }
    for (label, (times, errors)), style in zip(curves.items(), ("o-", "s--"), strict=True):
        axis.plot(times, [100 * e for e in errors], style, ms=4, label=label)
    trained = shown.ensemble.models[0].metrics.get("last_time")
    if trained is not None:
        axis.axvline(trained, ls=":", lw=0.8, color="grey", label="end of the training data")
    axis.set(xlabel=labelled("time", units(data).get("time")), ylabel="relative L2 error (%)", ylim=(0, None))
    axis.legend(fontsize=8)
    return figure


def scale_shifts(shown: Shown) -> Figure:
    """Draw beta and x0 of the snapshots and of the prediction over time."""
    model, count = shown.ensemble.models[0], min(TRAJECTORIES, len(shown.data))
    some, known = shown.data.select(torch.arange(count)), units(shown.data)
    states = shown.encoded.at(slice(0, count), slice(None))
    assert states.scale_shift is not None
    log_scale, shift = model.encoder.to_data_units(states.scale_shift)
    scales, shifts = model.encoder.moving_axes
    rows = [("beta", axis, 0, log_scale.exp()) for axis in scales] + [("x0", axis, 1, shift) for axis in shifts]
    figure, grid = panels(len(rows), 1, 6, 2.6)
    for row in range(count):
        part, start = some.select(torch.tensor([row])), int(some.first[row])
        integrated: Any = None  # where the solver gave up, the dots stand alone
        with contextlib.suppress(ArithmeticError, RuntimeError):
            integrated = model.rollout_state(
                part.values[:, start], part.points, part.times[:, start:], part.parameters
            )[1:]
        for (name, axis, which, own), (drawn, *_) in zip(rows, grid, strict=True):
            seen = some.observed[row]
            drawn.plot(some.times[row, seen], own[row, seen, axis], ".", color=f"C{row}", label=f"trajectory {row}")
            if integrated is not None:
                drawn.plot(some.times[row, start:], integrated[which][0, :, axis], "-", color=f"C{row}")
            unit = known.get(some.axes[axis])
            drawn.set_ylabel(
                labelled(f"{name} along {some.axes[axis]}", unit and (f"1/{unit}" if which == 0 else unit))
            )
    for drawn, *_ in grid:
        drawn.set_xlabel(labelled("time", known.get("time")))
        drawn.legend(fontsize=8)
    return figure


def coefficients(shown: Shown) -> Figure:
    """Draw the size of the coefficients by degree."""
    model, data = shown.ensemble.models[0], shown.data
    size = shown.encoded.coef[data.observed].square().mean(0).sqrt().clamp_min(1e-16)
    total = torch.from_numpy(model.encoder.space.indices.sum(1).astype(float))
    figure, grid = panels(1, 1, 6, 3.2)
    axis, style = grid[0][0], "o-" if data.dim == 1 else "."
    for channel, name in enumerate(data.channels):
        axis.semilogy(total, size[channel], style, ms=3, label=name)
    axis.set(xlabel="degree n" if data.dim == 1 else "total degree |n|", ylabel="|c_n| (rms, data of size 1)")
    axis.legend(fontsize=8)
    return figure


def loss(shown: Shown) -> Figure:
    """Draw the loss and the error of validation by step."""
    figure, grid = panels(1, 1, 6, 3.2)
    axis = grid[0][0]
    for key, label in (("loss", "loss"), ("validation", "validation relative L2")):
        points = [(h["step"], h[key]) for h in shown.ensemble.models[0].history if key in h]
        if not points:  # nothing was kept apart
            continue
        axis.semilogy([s for s, _ in points], [v for _, v in points], ".-", label=label)
    axis.set(xlabel="step")
    axis.legend(fontsize=8)
    return figure
