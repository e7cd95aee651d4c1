"""The figures of a report: fields, errors over time, decay of the coefficients, loss."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..data import Observations
from .encode import encode
from .ensemble import Ensemble
from .model import Model
from .moving_basis import locate


def choose(model: Model) -> list[tuple[str, str, str, Any]]:
    """Return file name, title, note and drawing function of every figure."""
    each = "Each panel is one trajectory; colour is time."
    fields = {
        1: ("fields", "Observed (dots) and predicted (lines)", each, _lines),
        2: ("fields", "Observed and predicted fields", "One trajectory over time; dots are the points.", _maps),
    }.get(model.encoder.space.dim, ("fields", "Observed against predicted values", each, _agreement))
    moving = [
        (
            "scale_shift",
            "Scale and shift over time",
            "Dots: of each snapshot by itself; lines: predicted.",
            _scale_shifts,
        )
    ]
    return [
        fields,
        (
            "error",
            "Error over time",
            "Relative L2 error over all trajectories; the start is given. Dashed: the end of the training data.",
            _error,
        ),
        *(moving if model.encoder.moving else []),
        ("coefficients", "Decay of the coefficients", "Root mean square over trajectories and times.", _coefficients),
        ("loss", "Training", "Loss of a batch, and error on trajectories kept aside for validation.", _loss),
    ]


def _times(data: Observations, count: int) -> list[int]:
    last = data.values.shape[1] - 1
    return sorted({round(i * last / max(1, count - 1)) for i in range(count)})


def _lines(plt: Any, ensemble: Ensemble, data: Observations, predicted: Tensor, metrics: dict[str, Any]) -> Any:
    count = min(3, len(data))
    figure, axes = plt.subplots(1, count, figsize=(4.2 * count, 3.4), squeeze=False, sharey=True, layout="constrained")
    colours, last = plt.get_cmap("viridis"), max(1, data.values.shape[1] - 1)
    for row, axis in enumerate(axes[0]):
        x = data.points_of(row)
        fine = torch.linspace(float(x.min()), float(x.max()), 400, dtype=x.dtype)
        mean, spread = ensemble.predict_dataset(data.select(torch.tensor([row])), at=fine)
        curves, width = mean[0], 2 * spread[0].nan_to_num()
        for t in _times(data, 4):
            colour = colours(0.9 * t / last)
            axis.plot(x, data.values[row, t, 0], ".", ms=3, color=colour)
            axis.plot(fine, curves[t, 0], "-", lw=1.2, color=colour, label=f"t = {data.times[row, t]:.3g}")
            if len(ensemble) > 1:
                low, high = curves[t, 0] - width[t, 0], curves[t, 0] + width[t, 0]
                axis.fill_between(fine, low, high, color=colour, alpha=0.25, lw=0)
        axis.set(xlabel=data.axes[0], title=f"trajectory {row}")
    axes[0, 0].set_ylabel(data.channels[0])
    axes[0, 0].legend(fontsize=8)
    return figure


def _maps(plt: Any, ensemble: Ensemble, data: Observations, predicted: Tensor, metrics: dict[str, Any]) -> Any:
    observed = data.observed[0].nonzero()[:, 0].tolist()
    shown = [observed[i] for i in sorted({0, len(observed) // 2, len(observed) - 1})]
    figure, axes = plt.subplots(
        2, len(shown), figsize=(3.6 * len(shown), 6), squeeze=False, sharex=True, sharey=True, layout="constrained"
    )
    x, y = data.points_of(0).T
    truth = data.values[0, shown, 0]
    low, high = float(np.nanmin(truth)), float(np.nanmax(truth))
    span = (low, high if high > low else low + 1)
    for column, t in enumerate(shown):
        for axis, label, field in zip(
            axes[:, column], ("observed", "predicted"), (data.values, predicted), strict=True
        ):
            drawn = _map(axis, x, y, field[0, t, 0], span)
            axis.set(title=f"{label}, t = {data.times[0, t]:.3g}")
    for axis in axes[-1]:
        axis.set_xlabel(data.axes[0])
    for axis in axes[:, 0]:
        axis.set_ylabel(data.axes[1])
    figure.colorbar(drawn, ax=axes, label=data.channels[0])
    return figure


def _map(axis: Any, x: Tensor, y: Tensor, u: Tensor, span: tuple[float, float]) -> Any:
    """Draw filled contours; plain dots where the points span no area."""
    seen = u.isfinite()
    x, y, u = x[seen], y[seen], u[seen]
    centred = torch.stack([x - x.mean(), y - y.mean()]) if len(x) else torch.zeros(2, 1)
    sizes = torch.linalg.svdvals(centred / centred.abs().amax(1, keepdim=True).clamp_min(1e-300))
    if len(x) < 4 or sizes[-1] < 1e-6 * sizes[0]:
        return axis.scatter(x, y, c=u, vmin=span[0], vmax=span[1], s=12)
    drawn = axis.tricontourf(x, y, u, levels=np.linspace(*span, 21), extend="both")
    axis.plot(x, y, ",", color="white", alpha=0.5)
    return drawn


def _agreement(plt: Any, ensemble: Ensemble, data: Observations, predicted: Tensor, metrics: dict[str, Any]) -> Any:
    count = min(3, len(data))
    figure, axes = plt.subplots(1, count, figsize=(4.2 * count, 3.8), squeeze=False, layout="constrained")
    colours, last = plt.get_cmap("viridis"), max(1, data.values.shape[1] - 1)
    for row, axis in enumerate(axes[0]):
        for t in _times(data, 4):
            axis.plot(
                data.values[row, t, 0], predicted[row, t, 0], ".", ms=3, color=colours(0.9 * t / last),
                label=f"t = {data.times[row, t]:.3g}",
            )  # fmt: skip
        axis.axline((0, 0), slope=1, lw=0.8, color="grey")
        axis.set(xlabel=f"observed {data.channels[0]}", title=f"trajectory {row}")
    axes[0, 0].set_ylabel(f"predicted {data.channels[0]}")
    axes[0, 0].legend(fontsize=8)
    return figure


def _error(plt: Any, ensemble: Ensemble, data: Observations, predicted: Tensor, metrics: dict[str, Any]) -> Any:
    figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
    pairs = [(float(t), 100 * e) for t, e in zip(data.times[0], metrics["per_time"], strict=True) if e is not None]
    axis.plot([t for t, _ in pairs], [e for _, e in pairs], "o-")
    trained = ensemble.models[0].metrics.get("last_time")
    if trained is not None:
        axis.axvline(trained, ls="--", lw=0.8, color="grey")
    axis.set(xlabel="time", ylabel="relative L2 error (%)", ylim=(0, None))
    return figure


def _scale_shifts(plt: Any, ensemble: Ensemble, data: Observations, predicted: Tensor, metrics: dict[str, Any]) -> Any:
    model, count = ensemble.models[0], min(3, len(data))
    shown = data.select(torch.arange(count))
    first = shown.first
    log_scale, shift = model.encoder.to_data_units(locate(model.encoder, shown))
    scale = log_scale.exp()
    scales, shifts = model.encoder.moving_axes
    rows = [("beta", axis, 0, scale) for axis in scales] + [("x0", axis, 1, shift) for axis in shifts]
    figure, axes = plt.subplots(
        len(rows), 1, figsize=(6, 2.6 * len(rows)), squeeze=False, sharex=True, layout="constrained"
    )
    for row in range(count):
        part, start = shown.select(torch.tensor([row])), int(first[row])
        parameters = part.parameters
        integrated: Any = None  # where the solver gave up, the dots stand alone
        with contextlib.suppress(ArithmeticError, RuntimeError):
            integrated = model.rollout_state(part.values[:, start], part.points, part.times[:, start:], parameters)[1:]
        for (name, axis, which, own), drawn in zip(rows, axes[:, 0], strict=True):
            seen = shown.observed[row]
            drawn.plot(shown.times[row, seen], own[row, seen, axis], ".", color=f"C{row}")
            if integrated is not None:
                drawn.plot(shown.times[row, start:], integrated[which][0, :, axis], "-", color=f"C{row}")
            drawn.set_ylabel(f"{name} ({data.axes[axis]})")
    axes[-1, 0].set_xlabel("time")
    return figure


def _coefficients(plt: Any, ensemble: Ensemble, data: Observations, predicted: Tensor, metrics: dict[str, Any]) -> Any:
    model = ensemble.models[0]
    size = encode(model.encoder, data).coef.square().mean((0, 1)).sqrt().clamp_min(1e-16)
    total = torch.from_numpy(model.encoder.space.indices.sum(1).astype(float))
    figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
    style = "o-" if data.dim == 1 else "."
    for channel, name in enumerate(data.channels):
        axis.semilogy(total, size[channel], style, ms=3, label=name)
    axis.set(xlabel="degree n" if data.dim == 1 else "total degree |n|", ylabel="|c_n| (rms, data of size 1)")
    axis.legend()
    return figure


def _loss(plt: Any, ensemble: Ensemble, data: Observations, predicted: Tensor, metrics: dict[str, Any]) -> Any:
    figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
    for key, label in (("loss", "loss"), ("validation", "validation relative L2")):
        points = [(h["step"], h[key]) for h in ensemble.models[0].history if key in h]
        axis.semilogy([s for s, _ in points], [v for _, v in points], ".-", label=label)
    axis.set(xlabel="step")
    axis.legend()
    return figure
