"""Ours beside grid methods on an interval: trained on the first half of the times at several noise levels, judged over all."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import torch

from .. import learn
from ..learn import Observations
from . import baselines
from .exact_solutions import noisy, until
from .pages import Figure, Page, Settings, Table, percent, spread

NOISE = (0.0, 0.01, 0.05)
OURS = "specfast"


@dataclass(frozen=True)
class Problem:
    """Observations to learn from and unseen ones, without noise, over twice the time that is learned from."""

    title: str
    what: str
    data: Observations
    tested: Observations
    steps: int
    name: str
    local: int | None = None  # what is known of the equation: it is local, and sees derivatives up to this order

    @property
    def box(self) -> tuple[float, float]:
        """The interval of the grids: (-1, 1) if that holds the points, otherwise from the first to the last."""
        low, high = float(self.data.points.min()), float(self.data.points.max())
        return (-1.0, 1.0) if -1 <= low and high <= 1 else (low, high)

    @property
    def ours(self) -> dict[str, int | None]:
        """Our ways to learn it, and what `fit` is told of its locality."""
        return {OURS: None} | ({} if self.local is None else {f"{OURS}, --local {self.local}": self.local})

    @property
    def trained(self) -> int:
        """How many times are learned from."""
        return (self.data.values.shape[1] + 1) // 2


def given(settings: Settings, made: tuple[Observations, Observations, str]) -> tuple[Observations, Observations, str]:
    """Return what is learned from, what is judged, and what it is: of the files given, or what was made here."""
    if settings.train is None:
        return made
    data = learn.read(str(settings.train))
    if settings.test is not None:
        return data, learn.read(str(settings.test)), settings.train.name
    rows = torch.arange(len(data))
    return data.select(rows[rows % 5 > 0]), data.select(rows[rows % 5 == 0]), settings.train.name


def _inside_and_beyond(figures: dict[str, Any], problem: Problem) -> tuple[float, float]:
    """Return the relative errors within the training window and behind it, from those of each time."""
    power = problem.tested.values.square().sum((0, 2, 3)).tolist()

    def window(first: int, last: int) -> float:
        wrong = sum((figures["per_time"][t] ** 2) * power[t] for t in range(first, last))
        return float((wrong / sum(power[first:last])) ** 0.5)

    return window(1, problem.trained), window(problem.trained, len(power))


def _ours(problem: Problem, data: Observations, local: int | None, seed: int) -> tuple[dict[str, Any], list[Any]]:
    started = time.perf_counter()
    model = learn.fit(data, "chebyshev", local=local, steps=problem.steps, seed=seed, progress=False)
    seconds, begun = time.perf_counter() - started, time.perf_counter()
    figures = model.evaluate(problem.tested)
    each = 1e3 * (time.perf_counter() - begun) / len(problem.tested)
    count = sum(p.numel() for p in model.dynamics.parameters())
    return figures, [count, f"degree {model.encoder.space.size - 1}", seconds, each]


def _baseline(
    name: str, problem: Problem, data: Observations, seconds: float, seed: int, points: int
) -> tuple[dict[str, Any], list[Any]] | None:
    model = baselines.train(name, data, (*problem.box, points), seconds, seed)
    if model is None:
        return None
    begun = time.perf_counter()
    figures = model.error(problem.tested)
    each = 1e3 * (time.perf_counter() - begun) / len(problem.tested)
    return figures, [model.parameters, f"{points} points", seconds, each]


def page(problem: Problem, settings: Settings) -> Page:
    """Train all at three noise levels and return the page."""
    baselines.check(problem.data)
    points = settings.of(32, 128)
    rows: list[list[Any]] = []
    found: dict[tuple[str, float], list[tuple[float, float]]] = {}
    curves: dict[str, list[float]] = {}
    for level in settings.of(NOISE[:1], NOISE):
        allowed = settings.of(2.0, 0.0)
        for name in (*problem.ours, *baselines.BASELINES):
            rest: list[Any] = []
            for seed in range(settings.seeds):
                data = until(noisy(problem.data, level, seed), problem.trained)
                if name in problem.ours:
                    figures, rest = _ours(problem, data, problem.ours[name], seed)
                    allowed = allowed if settings.quick else max(allowed, rest[2])
                else:
                    own = _baseline(name, problem, data, allowed, seed, points)
                    if own is None:
                        break
                    figures, rest = own
                found.setdefault((name, level), []).append(_inside_and_beyond(figures, problem))
                if level == 0 and seed == 0:
                    curves[name] = figures["per_time"]
            if (name, level) not in found:
                rows.append([name, percent(level), "", "", "not installed", "", "", ""])
                continue
            inside, beyond = zip(*found[name, level], strict=True)
            start = [name, percent(level), rest[0], rest[1], f"{rest[2]:.0f} s"]
            rows.append([*start, spread(inside), spread(beyond), f"{rest[3]:.1f} ms"])
    headings = [
        "model", "noise", "parameters", "basis or grid", "training", f"error, times 2 to {problem.trained}",
        "beyond, to twice the window", "a trajectory",
    ]  # fmt: skip
    data, tested = problem.data, problem.tested
    text = (
        f"{len(data)} trajectories of {problem.what}, {data.values.shape[3]} points, the first {problem.trained} of {data.values.shape[1]} times; "
        f"{len(tested)} unseen ones, without noise of ours, over all times. Baselines get as many seconds as ours took (the longer of ours), a third of them for the choice of"
        f" their learning rate, and see fields on {points} uniform points by cubic splines; their best state by a tenth of the trajectories is kept, as ours is; seeds: {settings.seeds}."
    )
    figures_of = {f"{name}, {level}": pairs for (name, level), pairs in found.items()}
    caption = "Relative error over time, no noise; the line: where the training ended"
    figure = Figure(problem.name, _figure(curves, problem), caption)
    return Page(problem.title, [text, Table(headings, rows), figure], figures_of)


def _figure(curves: dict[str, list[float]], problem: Problem) -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained")
    times = problem.tested.times[0].tolist()
    for name, errors in curves.items():
        axis.semilogy(times[1:], errors[1:], ".-", label=name)
    axis.axvline(times[problem.trained - 1], color="0.6", lw=0.8)
    axis.set_xlabel("t")
    axis.set_ylabel("relative L2 error")
    axis.legend(fontsize=8)
    return figure
