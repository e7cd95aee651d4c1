"""Which basis: problems on the line, on a half-line and on an interval, each learned in all four families."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import torch

from .. import learn
from ..learn import DataError, Observations
from .exact_solutions import burgers, chebyshev_points, feller, moving_gaussians
from .measures import described, encoding_error
from .pages import Figure, Page, Settings, Table, percent, spread

FAMILIES = ("hermite", "laguerre", "chebyshev", "legendre")


@dataclass(frozen=True)
class _Problem:
    """Observations to learn from and to be judged by, where the half-line for Laguerre functions begins, and optimiser steps."""

    name: str
    data: Observations
    tested: Observations
    end: float
    steps: int


def _problems(settings: Settings) -> list[_Problem]:
    def times(last: float) -> torch.Tensor:
        return torch.linspace(0, last, settings.of(5, 21), dtype=torch.float64)

    many, few, steps = settings.of(6, 60), settings.of(3, 20), settings.of(15, 800)
    line = [moving_gaussians(n, times(2), settings.of(40, 80), 1.0, seed, 0.0)[0] for n, seed in ((many, 0), (few, 1))]
    half = [feller(n, times(2), settings.of(40, 80), seed) for n, seed in ((many, 0), (few, 1))]
    points = chebyshev_points(settings.of(24, 80))
    interval = [burgers(n, times(1), points, seed) for n, seed in ((many, 0), (few, 1))]
    start = float(min(own.points.min() for own in line)) - 0.1
    return [
        _Problem("line: u_t = -u_x + u_xx/4", line[0], line[1], start, steps),
        _Problem("half-line: u_t = (x u_x)_x", half[0], half[1], 0.0, steps),
        _Problem("interval: u_t = -u u_x + u_xx/10", interval[0], interval[1], -1.0, steps),
    ]


def _fit(problem: _Problem, family: str, seed: int) -> learn.Model:
    domain = [(problem.end, float("inf"))] if family == "laguerre" else None
    return learn.fit(
        problem.data, family, domain=domain, extent=problem.tested, steps=problem.steps, seed=seed, progress=False
    )


def study(settings: Settings) -> Page:
    """Learn every problem in every family, all options at their defaults."""
    rows: list[list[Any]] = []
    found: dict[tuple[str, str], list[float]] = {}
    for problem in settings.of(_problems(settings)[1:2], _problems(settings)):
        for family in FAMILIES:
            errors, failure, started = [], "", time.perf_counter()
            for seed in range(settings.seeds):
                try:
                    model = _fit(problem, family, seed)
                except (DataError, ArithmeticError) as error:
                    failure = str(error)
                    break
                errors.append(model.evaluate(problem.tested)["relative_l2"])
            seconds = (time.perf_counter() - started) / settings.seeds
            if failure:
                rows.append([problem.name, family, failure, "", "", ""])
                continue
            found[problem.name, family] = errors
            best = percent(encoding_error(model, problem.tested))
            rows.append([problem.name, family, described(model), f"{seconds:.0f} s", best, spread(errors)])
    headings = ["problem", "family", "basis", "training", "best fit", "error"]
    text = (
        "Gaussians that drift and spread; two exponentials a exp(-x / (t + b)) / (t + b) that spread on the half-line; Burgers on (-1, 1). No noise,"
        f" 80 points a trajectory, all options at their defaults but the number of steps, {settings.of(15, 800)}. The best fit is what least"
        f" squares leave of the unseen fields themselves; seeds: {settings.seeds}."
    )
    figure = Figure("bases", _figure(found), "Error of the prediction by problem and family")
    figures = {f"{problem}, {family}": errors for (problem, family), errors in found.items()}
    return Page("Which basis", [text, Table(headings, rows), figure], figures)


def _median(errors: list[float]) -> float:
    return sorted(errors)[len(errors) // 2]


def _figure(found: dict[tuple[str, str], list[float]]) -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained")
    problems = list(dict.fromkeys(problem for problem, _ in found))
    for place, family in enumerate(FAMILIES):
        heights = [_median(found.get((problem, family), [math.nan])) for problem in problems]
        axis.bar([k + 0.2 * (place - 1.5) for k in range(len(problems))], heights, 0.2, label=family)
    axis.set_yscale("log")
    axis.set_xticks(range(len(problems)), [problem.partition(":")[0] for problem in problems])
    axis.set_ylabel("relative L2 error")
    axis.legend(fontsize=8)
    return figure
