"""Hyperbolic crosses: wave packets of i psi_t = -Laplace psi on two to four axes, by gamma, and on six axes with 100,000 coefficients."""

from __future__ import annotations

import math
import time
from typing import Any, Literal

import torch

from .. import learn
from ..index_sets import HyperbolicCross
from . import six_axes
from .exact_solutions import packets
from .measures import encoding_error, peak_memory
from .pages import Figure, Page, Settings, Table, percent, plain_ticks, spread

Gamma = float | Literal["auto"]
# axes, degree, gammas, trajectories, sensors, optimiser steps
CASES: tuple[tuple[int, int, tuple[Gamma, ...], int, int, int], ...] = (
    (2, 12, (-math.inf, -1.0, 0.0, 0.5, "auto"), 60, 600, 400),
    (3, 10, (-1.0, "auto"), 240, 900, 400),
    (4, 8, (-1.0, "auto"), 240, 1600, 200),
)
QUICK: tuple[tuple[int, int, tuple[Gamma, ...], int, int, int], ...] = ((2, 5, (0.0, "auto"), 6, 120, 10),)


def study(settings: Settings) -> Page:
    """Learn packets in crosses of every shape and dimension; judge on packets of other wave numbers."""
    times = torch.linspace(0, 1, settings.of(4, 9), dtype=torch.float64)
    rows: list[list[Any]] = []
    found: dict[tuple[int, Gamma], tuple[int, float, float]] = {}
    for dim, degree, gammas, count, sensors, steps in settings.of(QUICK, CASES):
        data, _ = packets(count, dim, times, sensors, 0)
        tested, _ = packets(settings.of(2, 10), dim, times, sensors, 1)
        for gamma in gammas:
            errors = []
            for seed in range(settings.seeds):
                # "auto" chooses among sets that are not larger than the one of gamma = -1
                model = learn.fit(
                    data,
                    "hermite",
                    degree=degree,
                    gamma=gamma,
                    fixed=True,
                    steps=steps,
                    batch=16,
                    seed=seed,
                    progress=False,
                )
                errors.append(model.evaluate(tested)["relative_l2"])
            space = model.encoder.space
            assert isinstance(space.index_set, HyperbolicCross)
            name = f"{gamma:g}" if gamma != "auto" else f"automatic: {space.index_set.gamma:g}"
            floor, seconds = encoding_error(model, tested), model.metrics["training"]["seconds"]
            found[dim, gamma] = space.size, floor, sorted(errors)[len(errors) // 2]
            rows.append(
                [
                    dim,
                    name,
                    space.index_set.degree,
                    space.size,
                    percent(floor),
                    spread(errors),
                    f"{1e3 * seconds / steps:.0f} ms",
                    f"{peak_memory():.1f} GB",
                ]
            )
    headings = ["axes", "gamma", "degree", "K", "best fit", "error", "a step", "memory"]
    caption = "The best fit is what least squares at the sensors leave of the unseen fields; memory is the largest the process has had so far."
    text = (
        f"Products of packets (1 + it)^(-1/2) exp(i k (x - k t) - (x - 2 k t)^2 / (4 (1 + it))), k of every axis and trajectory uniform on (0.5, 1),"
        f" {len(times)} times to 1, scattered sensors ({settings.of('120', '600 on two axes, 900 on three, 1,600 on four')}), {settings.of('6', '60 trajectories on two, 240 on three and four')},"
        f" {settings.of(2, 10)} unseen. The state holds real and imaginary parts, 2 K numbers; one scale and shift for all. Seeds: {settings.seeds}."
    )
    started = time.perf_counter()
    six = six_axes.table(settings)
    minutes = (time.perf_counter() - started) / 60
    figure = Figure("packets", _figure(found), "Error, and best fit (open), against the number of coefficients")
    figures = {f"{dim}, {gamma}": [own[2]] for (dim, gamma), own in found.items()}
    after = f"Six axes, {minutes:.0f} minutes in all:"
    return Page("Hyperbolic crosses: wave packets", [text, Table(headings, rows, caption), figure, after, six], figures)


def _figure(found: dict[tuple[int, Gamma], tuple[int, float, float]]) -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for place, dim in enumerate(dict.fromkeys(dim for dim, _ in found)):
        for (own, gamma), (size, floor, error) in found.items():
            if own == dim:
                axis.loglog(size, error, "o", color=f"C{place}")
                axis.loglog(size, floor, "o", color=f"C{place}", mfc="none")
                below = -10 if gamma == "auto" else 3
                axis.annotate(f"{gamma}", (size, error), xytext=(4, below), textcoords="offset points", fontsize=7)
        axis.plot([], [], "o", color=f"C{place}", label=f"{dim} axes")
    sizes = sorted(size for size, _, _ in found.values())
    plain_ticks(axis.xaxis, [size for k, size in enumerate(sizes) if k == 0 or size > 1.3 * sizes[k - 1]])
    axis.set_xlabel("coefficients K")
    axis.set_ylabel("relative L2 error")
    axis.legend(fontsize=8)
    return figure
