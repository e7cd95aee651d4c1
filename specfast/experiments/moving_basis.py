"""Unbounded domain: heat and drift on the line, where the best scale and shift are known."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from .. import learn
from .exact_solutions import moving_gaussians
from .pages import Figure, Page, Settings, Table, percent, spread

DRIFTS = (0.0, 1.0, 5.0)
NOISE = 1e-3
EXACT = "exact, given"


def _scale_shifts(
    model: learn.Model, tested: learn.Observations, b: Tensor, drift: float
) -> tuple[float, float, Tensor]:
    """Return the largest errors of beta (relative) and of beta x0 on unseen trajectories, and beta of each over time."""
    _, scale, shift = model.rollout_state(tested.values[:, 0], tested.points, tested.times[0])
    exact = (2 / (tested.times + b[:, None])).sqrt()
    ratio = float(
        (scale[..., 0] / exact).median()
    )  # the basis may be wider than the field by a factor, the same at all times
    off = (scale[..., 0] / (ratio * exact) - 1).abs().max()
    away = (exact * (shift[..., 0] - drift * tested.times)).abs().max()
    return float(off), float(away), scale[..., 0] / ratio


def _operator_error(model: learn.Model, drift: float, seed: int) -> float:
    """Return |F_learned[u] - F[u]| / |F[u]| on unseen Gaussians at the first time, on 400 points."""
    generator = torch.Generator().manual_seed(seed)
    width = 1.2 + 1.6 * torch.rand(20, 1, generator=generator, dtype=torch.float64)
    x = torch.linspace(-5, 5, 400, dtype=torch.float64).expand(20, -1)
    u = width**-0.5 * torch.exp(-(x**2) / width)
    slope, bend = -2 * x / width * u, (4 * x**2 / width**2 - 2 / width) * u
    exact, found = -drift * slope + bend / 4, model.rhs(u.unsqueeze(1), x)[:, 0]
    return float((found - exact).norm() / exact.norm())


def _error_in_known_scale_shifts(model: learn.Model, tested: learn.Observations, b: Tensor, drift: float) -> float:
    """Return the error at the sensors of a run that was trained on fields seen in their exact scales and shifts."""
    beta, x0 = (2 / (tested.times + b[:, None])).sqrt(), drift * tested.times
    z = beta.unsqueeze(-1) * (tested.points[:, None] - x0.unsqueeze(-1))  # (R, T, M)
    start = tested.values[:, 0] / beta[:, :1, None].sqrt()
    coef, scale, shift = model.rollout_state(start, z[:, 0], tested.times[0], b[:, None])
    found = model.encoder.space.synthesize(coef[:, :, 0], z, scale=scale[..., 0], shift=shift[..., 0])
    wrong = beta.sqrt().unsqueeze(-1) * found - tested.values[:, :, 0]
    return float(wrong[:, 1:].norm() / tested.values[:, 1:].norm())


def study(settings: Settings) -> Page:
    """Train with a moving basis, a fixed one and one that is known, of the same degree; judge on unseen trajectories."""
    times = torch.linspace(0, 2, settings.of(6, 21), dtype=torch.float64)
    count, unseen, steps = settings.of(6, 60), settings.of(3, 30), settings.of(15, 600)
    rows: list[list[Any]] = []
    figures: dict[str, Any] = {}
    lines: list[tuple[str, Tensor, Tensor]] = []
    for drift in settings.of(DRIFTS[1:2], DRIFTS):
        sensors = 64 + 16 * round(drift)
        tested, b = moving_gaussians(unseen, times, sensors, drift, 99)
        degree = None
        for name, fixed in (("moving", False), ("fixed", True), (EXACT, True)):
            found, exact = [], name == EXACT
            for seed in range(settings.seeds):
                data, own = moving_gaussians(count, times, sensors, drift, seed, NOISE, in_scale_shifts=exact)
                if exact:  # the rate of the coefficients depends on beta, which follows from b and t
                    data = replace(data, parameters=own[:, None])
                started = time.perf_counter()
                model = learn.fit(
                    data,
                    "hermite",
                    degree=degree,
                    fixed=fixed,
                    time_dependent=exact,
                    steps=steps,
                    seed=seed,
                    progress=False,
                )
                seconds = time.perf_counter() - started
                found.append(
                    _error_in_known_scale_shifts(model, tested, b, drift)
                    if exact
                    else model.evaluate(tested)["relative_l2"]
                )
            degree = model.encoder.space.size - 1
            off, away, beta = (math.nan, math.nan, None) if fixed else _scale_shifts(model, tested, b, drift)
            if beta is not None:
                one = len(lines)  # another field for every equation
                lines.append((f"drift {drift:g}", beta[one], (2 / (times + b[one])).sqrt()))
            figures[f"{name}, {drift:g}"] = found
            rows.append(
                [
                    f"u_t = -{drift:g} u_x + u_xx/4" if drift else "u_t = u_xx/4",
                    name,
                    degree,
                    f"{seconds:.0f} s",
                    spread(found),
                    "" if fixed else percent(off),
                    "" if fixed else percent(away),
                    "" if exact else percent(_operator_error(model, drift, 7)),
                ]
            )
    headings = ["equation", "basis", "degree", "training", "error", "beta off by", "beta x0 off by", "learned F off by"]
    text = (
        f"{count} Gaussians of widths of their own at scattered sensors, {len(times)} times, {percent(NOISE)} noise; {unseen} unseen ones without"
        f" noise; {steps} optimiser steps, seeds: {settings.seeds}. The fixed basis has the degree which the other one chose; so has the one of the"
        " last kind, whose scale and shift are not learned but the exact ones of every field. Scale and shift are compared with sqrt(2/(t + b)) and the drift times t, at their worst over all unseen trajectories and times, but for a factor of beta"
        " common to all of these: a basis may be wider than the field."
    )
    figure = Figure(
        "moving_basis", _figure(lines, times), "Scale over time of an unseen field: learned (dots) and exact (lines)"
    )
    return Page("A moving basis", [text, Table(headings, rows), figure], figures)


def _figure(lines: list[tuple[str, Tensor, Tensor]], times: Tensor) -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for place, (name, found, exact) in enumerate(lines):
        axis.plot(times, exact, "-", color=f"C{place}", lw=1)
        axis.plot(times, found, "o", color=f"C{place}", ms=3, label=name)
    axis.set_xlabel("t")
    axis.set_ylabel("beta")
    axis.legend(fontsize=8)
    return figure
