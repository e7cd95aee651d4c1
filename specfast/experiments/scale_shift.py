"""Noise and lambda: what the weight of the scales and shifts does to the field, to beta and to x0, and what the automatic weight is worth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from .. import learn
from ..learn import Observations
from .exact_solutions import moving_gaussians, noisy
from .pages import Figure, Page, Settings, Table, percent, spread

DRIFT = 1.0
NOISE = (0.0, 0.001, 0.01, 0.05, 0.1)
WEIGHTS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2)


def _scale_shift_errors(model: learn.Model, tested: Observations, b: Tensor) -> tuple[float, float]:
    """Return the root mean squares of beta / exact beta - 1 and of exact beta (x0 - exact x0)."""
    _, scale, shift = model.rollout_state(tested.values[:, 0], tested.points, tested.times[0])
    exact = (2 / (tested.times + b[:, None])).sqrt()
    ratio = (scale[..., 0] / exact).median()  # the basis may be wider than the field by a factor, the same at all times
    off, away = scale[..., 0] / (ratio * exact) - 1, exact * (shift[..., 0] - DRIFT * tested.times)
    return float(off.square().mean().sqrt()), float(away.square().mean().sqrt())


def _tested(settings: Settings, times: Tensor, level: float) -> tuple[Observations, Tensor]:
    """Return unseen trajectories whose first snapshot, from which the prediction starts, is as noisy as those learned from."""
    clean, b = moving_gaussians(settings.of(3, 30), times, 80, DRIFT, 99)
    values = clean.values.clone()
    values[:, 0] = noisy(clean, level, 100).values[:, 0]
    return replace(clean, values=values), b


def study(settings: Settings) -> Page:
    """Train at every noise level with every weight and with the automatic one."""
    times = torch.linspace(0, 2, settings.of(6, 21), dtype=torch.float64)
    count, steps = settings.of(6, 60), settings.of(15, 400)
    rows: list[list[Any]] = []
    table: dict[float, dict[float | None, list[tuple[float, float, float]]]] = {}
    automatic: dict[float, float] = {}
    for level in settings.of(NOISE[2:3], NOISE):
        tested, b = _tested(settings, times, level)
        own: dict[float | None, list[tuple[float, float, float]]] = {}
        for weight in settings.of((1.0, None), (*WEIGHTS, None)):
            for seed in range(settings.seeds):
                data, _ = moving_gaussians(count, times, 80, DRIFT, seed, level)
                model = learn.fit(
                    data,
                    "hermite",
                    degree=4,
                    fixed=False,
                    scale_shift_penalty=weight,
                    steps=steps,
                    seed=seed,
                    progress=False,
                )
                errors = model.evaluate(tested)["relative_l2"], *_scale_shift_errors(model, tested, b)
                own.setdefault(weight, []).append(errors)
                if weight is None:
                    automatic[level] = model.metrics["scale_shift_penalty"]
        best = min(_middle(found, 0) for weight, found in own.items() if weight is not None)
        for weight, found in own.items():
            name = f"automatic: {automatic[level]:.2g}" if weight is None else f"{weight:g}"
            columns = [spread([one[k] for one in found]) for k in range(3)]
            rows.append([percent(level), name, *columns, f"{_middle(found, 0) / best:.2f}"])
        table[level] = own
    headings = ["noise", "lambda", "error", "beta off by", "beta x0 off by", "error over that of the best fixed lambda"]
    text = (
        f"u_t = -u_x + u_xx/4, {count} Gaussians of widths of their own, 80 scattered sensors, {len(times)} times, degree 4; noise"
        " relative to the root mean square of the field. Predictions of unseen fields start from a first snapshot with the same noise and are compared"
        f" with the field without it. Root mean squares over all unseen trajectories and times, but for a factor of beta common to all of these; the range of the"
        f" automatic lambda, 1e-3 to 0.1, was chosen by this study; {steps} steps, seeds: {settings.seeds}."
    )
    figure = Figure("scale_shift", _figure(table, automatic), "Error against lambda; crosses: the automatic choice")
    figures = {
        f"{level}, {weight}": [one[0] for one in found] for level, own in table.items() for weight, found in own.items()
    }
    return Page("Noise, and the weight of the scales and shifts", [text, Table(headings, rows), figure], figures)


def _middle(found: list[tuple[float, float, float]], column: int) -> float:
    return sorted(one[column] for one in found)[len(found) // 2]


def _figure(table: dict[float, Any], automatic: dict[float, float]) -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained", sharex=True)
    for column, (axis, name) in enumerate(zip(axes, ("error of the field", "beta off by"), strict=True)):
        for place, (level, own) in enumerate(table.items()):
            weights = [weight for weight in own if weight is not None]
            axis.loglog(
                weights, [_middle(own[w], column) for w in weights], ".-", color=f"C{place}", label=f"{100 * level:g} %"
            )
            axis.loglog([automatic[level]], [_middle(own[None], column)], "x", color=f"C{place}", ms=8)
        axis.set_xlabel("lambda")
        axis.set_ylabel(f"{name} (relative)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", fontsize=8, title="noise")
    return figure
