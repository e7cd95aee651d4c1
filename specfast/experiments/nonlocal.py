"""A nonlocal equation on the line from few and from many trajectories, beside methods that cut the line to a box."""

from __future__ import annotations

import time
from typing import Any

import torch

from .. import learn
from ..learn import Observations
from . import baselines
from .exact_solutions import jump_solution, jump_starts, jumps
from .pages import Figure, Page, Settings, Table, percent, spread

COUNTS = (2, 5, 20, 100)
OURS = "specfast, translation_invariant"
NOISE = 1e-3


def _given(settings: Settings) -> tuple[Observations, Observations, str]:
    """Return what may be learned from, what is judged, and what it is."""
    if settings.train is None:
        times = torch.linspace(0, 2, settings.of(5, 21), dtype=torch.float64)
        sensors = settings.of(40, 96)
        data, tested = (
            jumps(settings.of(4, 100), times, sensors, 0, NOISE)[0],
            jumps(settings.of(3, 40), times, sensors, 50)[0],
        )
        return (
            data,
            tested,
            f"u_t = (3/2)(J * u - u), made here, {percent(NOISE)} noise to learn from, none to be judged by",
        )
    data = learn.read(str(settings.train))
    if settings.test is not None:
        return data, learn.read(str(settings.test)), settings.train.name
    held = min(40, len(data) // 5)
    if held == 0:
        raise learn.DataError(
            f"--train: {len(data)} trajectories; 5 or more, or a file to judge by, --test, are expected"
        )
    rows = torch.arange(len(data))
    return (
        data.select(rows[:-held]),
        data.select(rows[-held:]),
        f"{settings.train.name}, its last {held} trajectories to be judged by",
    )


def _operator_error(model: learn.Model) -> float:
    """Return |F_learned[u] - F[u]| / |F[u]| on unseen densities of `jumps`: F[u] is the rate of its solution at 0."""
    generator = torch.Generator().manual_seed(5)
    starts = jump_starts(20, generator)
    x = torch.linspace(-6, 6, 300, dtype=torch.float64).expand(20, -1)
    h = 1e-5
    u = jump_solution(x, starts, torch.tensor([0.0, h], dtype=torch.float64))
    exact = (u[:, 1] - u[:, 0]) / h
    found = model.rhs(u[:, :1], x)[:, 0]
    return float((found - exact).norm() / exact.norm())


def study(settings: Settings) -> Page:
    """Train all from 2, 5, 20 and 100 trajectories; judge on the same unseen ones."""
    data, tested, what = _given(settings)
    baselines.check(data)
    low, high = float(data.points.min()), float(data.points.max())
    steps, points = settings.of(15, 1200), settings.of(32, 128)
    rows: list[list[Any]] = []
    found: dict[tuple[str, int], list[float]] = {}
    for count in settings.of((4,), [n for n in COUNTS if n <= len(data)]):
        given, allowed = data.select(torch.arange(count)), settings.of(1.0, 0.0)
        for name in ("specfast", OURS, *baselines.BASELINES):
            rest: list[Any] = []
            for seed in range(settings.seeds):
                if name in ("specfast", OURS):
                    started = time.perf_counter()
                    model = learn.fit(
                        given, "hermite", steps=steps, seed=seed, translation_invariant=name == OURS, progress=False
                    )
                    allowed = allowed if settings.quick else max(allowed, time.perf_counter() - started)
                    error = model.evaluate(tested)["relative_l2"]
                    own = sum(p.numel() for p in model.dynamics.parameters())
                    rest = [own, f"{time.perf_counter() - started:.0f} s", f"degree {model.encoder.space.size - 1}"]
                    rest += [percent(_operator_error(model)) if settings.train is None else ""]
                else:
                    baseline = baselines.train(name, given, (low, high, points), allowed, seed)
                    if baseline is None:
                        break
                    error = baseline.error(tested)["relative_l2"]
                    rest = [baseline.parameters, f"{allowed:.0f} s", f"{points} points on {low:.3g} to {high:.3g}", ""]
                found.setdefault((name, count), []).append(error)
            errors = found.get((name, count))
            rows.append([count, name, *(rest or ["", "", "", ""]), spread(errors) if errors else "not installed"])
    headings = ["trajectories", "model", "parameters", "training", "basis or grid", "learned F off by", "error"]
    text = (
        f"{what}; {data.values.shape[3]} scattered sensors a trajectory, {data.values.shape[1]} times, {len(tested)} unseen trajectories."
        f" Baselines get as many seconds as the longer of ours took, a third of them for the choice of their learning rate; seeds: {settings.seeds}."
    )
    figures = {f"{name}, {count}": own for (name, count), own in found.items()}
    figure = Figure(
        "nonlocal", _figure(found), "Relative error on unseen trajectories against how many were learned from"
    )
    return Page("A nonlocal equation on the line", [text, Table(headings, rows), figure], figures)


def _figure(found: dict[tuple[str, int], list[float]]) -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for name in dict.fromkeys(name for name, _ in found):
        counts = sorted(count for other, count in found if other == name)
        axis.loglog(counts, [sorted(found[name, n])[len(found[name, n]) // 2] for n in counts], ".-", label=name)
    axis.set_xlabel("trajectories")
    axis.set_ylabel("relative L2 error")
    axis.legend(fontsize=8)
    return figure
