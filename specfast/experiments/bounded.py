"""Bounded domain: viscous Burgers on (-1, 1), inside the training window and to twice its length, beside grid methods."""

from __future__ import annotations

import time
from typing import Any

import torch

from .. import learn
from ..learn import Observations
from . import rivals
from .fields import burgers, chebyshev_points, noisy, until
from .pages import Page, Picture, Settings, Table, percent, spread

NOISE = (0.0, 0.01, 0.05)
TRAINED = 6  # of 11 times


def _window(figures: dict[str, Any], power: list[float], first: int, last: int) -> float:
    """Return the relative error over some times, from those of each time and the field's size at it."""
    wrong = sum((figures["per_time"][t] ** 2) * power[t] for t in range(first, last))
    return float((wrong / sum(power[first:last])) ** 0.5)


def _inside_and_beyond(figures: dict[str, Any], tested: Observations) -> tuple[float, float]:
    power = tested.values.square().sum((0, 2, 3)).tolist()
    return _window(figures, power, 1, TRAINED), _window(figures, power, TRAINED, len(power))


def _ours(data: Observations, tested: Observations, steps: int, seed: int) -> tuple[dict[str, Any], list[Any], Any]:
    started = time.perf_counter()
    run = learn.fit(data, "chebyshev", steps=steps, seed=seed, progress=False)
    seconds, begun = time.perf_counter() - started, time.perf_counter()
    figures = run.evaluate(tested)
    each = 1e3 * (time.perf_counter() - begun) / len(tested)
    count = sum(p.numel() for p in run.dynamics.parameters())
    return figures, [count, seconds, each], run


def _rival(
    name: str, data: Observations, tested: Observations, seconds: float, seed: int, points: int
) -> tuple[dict[str, Any], list[Any]] | None:
    model = rivals.train(name, data, (-1.0, 1.0, points), seconds, seed)
    if model is None:
        return None
    begun = time.perf_counter()
    figures = model.error(tested)
    return figures, [model.parameters, seconds, 1e3 * (time.perf_counter() - begun) / len(tested)]


def study(settings: Settings) -> Page:
    """Train all on the first half of the times at three noise levels; judge on unseen trajectories without noise over all times."""
    if settings.train is None:
        times, points = torch.linspace(0, 1, 11, dtype=torch.float64), chebyshev_points(settings.of(24, 96))
        data, tested = burgers(settings.of(6, 80), times, points, 0), burgers(settings.of(3, 20), times, points, 1)
        what = "the closed form of Cole and Hopf, made here"
    else:
        data = learn.read(str(settings.train))
        tested = learn.read(str(settings.test)) if settings.test else data.select(torch.arange(0, len(data), 5))
        if settings.test is None:
            data = data.select(torch.tensor([i for i in range(len(data)) if i % 5]))
        what = settings.train.name
    steps, points_of_grid = settings.of(20, 2400), settings.of(32, 128)
    rows: list[list[Any]] = []
    found: dict[tuple[str, float], list[tuple[float, float]]] = {}
    curves: dict[str, list[float]] = {}
    for level in settings.of(NOISE[:1], NOISE):
        for name in ("specfast", *rivals.RIVALS):
            rest: list[Any] = []
            for seed in range(settings.seeds):
                given = until(noisy(data, level, seed), TRAINED)
                if name == "specfast":
                    figures, rest, _ = _ours(given, tested, steps, seed)
                    allowed = rest[1]
                else:
                    own = _rival(name, given, tested, settings.of(2.0, allowed), seed, points_of_grid)
                    if own is None:
                        break
                    figures, rest = own
                found.setdefault((name, level), []).append(_inside_and_beyond(figures, tested))
                if level == 0 and seed == 0:
                    curves[name] = figures["per_time"]
            if (name, level) not in found:
                rows.append([name, percent(level), "", "", "not installed", "", ""])
                continue
            inside, beyond = zip(*found[name, level], strict=True)
            rows.append(
                [name, percent(level), rest[0], f"{rest[1]:.0f} s", spread(inside), spread(beyond), f"{rest[2]:.1f} ms"]
            )
    headings = [
        "model",
        "noise",
        "parameters",
        "training",
        f"error, times 2 to {TRAINED}",
        "beyond, to twice the window",
        "a trajectory",
    ]
    text = (
        f"{len(data)} trajectories of {what}, {data.values.shape[3]} points, the first {TRAINED} of {data.values.shape[1]} times; "
        f"{len(tested)} unseen ones, without noise, over all times. Rivals get as many seconds as ours took, a third of them for the choice of"
        f" their learning rate, and see fields on {points_of_grid} uniform points by cubic splines; seeds: {settings.seeds}."
    )
    figures_of = {f"{name}, {level}": pairs for (name, level), pairs in found.items()}
    picture = Picture(
        "bounded", _picture(curves, tested), "Relative error over time, no noise; the line: where the training ended"
    )
    return Page("Burgers on an interval", [text, Table(headings, rows), picture], figures_of)


def _picture(curves: dict[str, list[float]], tested: Observations) -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained")
    times = tested.times[0].tolist()
    for name, errors in curves.items():
        axis.semilogy(times[1:], errors[1:], ".-", label=name)
    axis.axvline(times[TRAINED - 1], color="0.6", lw=0.8)
    axis.set_xlabel("t")
    axis.set_ylabel("relative L2 error")
    axis.legend(fontsize=8)
    return figure
