"""Figures of a run: the roofline, the shares of the peak, how cost grows, and who is fastest where."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .scaling import Map, Sweep

MARKS = {"recurrence": "s", "transform": "o", "cross": "^", "layer": "D", "learn": "*"}


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def roofline(rows: Sequence[dict[str, Any]], machine: dict[str, Any]) -> Any:
    """Return operations a second against operations a byte, under the machine's roof."""
    figure, axes = _pyplot().subplots(1, 2, figsize=(9, 3.8), layout="constrained", sharey=True)
    rates = machine["rates"][str(machine["threads"])]
    for axis, dtype in zip(axes, ("float64", "float32"), strict=True):
        own = [row for row in rows if row["dtype"] == dtype and row["intensity"] is not None]
        span = [row["intensity"] for row in own] + [0.1, 1000]
        low, high = min(span) / 2, max(span) * 2
        knee = rates[dtype] / rates["copy"]
        axis.loglog([low, knee, high], [low * rates["copy"], rates[dtype], rates[dtype]], "k-", lw=1)
        for suite, mark in MARKS.items():
            some = [row for row in own if row["suite"] == suite]
            if some:
                x, y = ([row[name] for row in some] for name in ("intensity", "operations_per_second"))
                axis.loglog(x, [value / 1e9 for value in y], mark, ms=5, alpha=0.7, label=suite)
        axis.set_xlabel("operations a byte that has to be moved")
        axis.set_title(dtype, fontsize=10)
    axes[0].set_ylabel("G operations a second")
    for axis in axes:
        if axis.get_legend_handles_labels()[0]:
            axis.legend(fontsize=8)
    return figure


def shares(rows: Sequence[dict[str, Any]], machine: dict[str, Any]) -> Any:
    """Return every case's share of its bound as a bar, hatched where that is memory."""
    rows = [row for row in rows if row["share_of_peak"] is not None]
    copied = 1e9 * machine["rates"][str(machine["threads"])]["copy"]
    figure, axis = _pyplot().subplots(figsize=(8, 1 + 0.18 * len(rows)), layout="constrained")
    suites = list(MARKS)
    for place, row in enumerate(reversed(rows)):
        memory = row["bytes_per_second"] / copied
        axis.barh(
            place, 100 * max(row["share_of_peak"], memory), color=f"C{suites.index(row['suite'])}", height=0.8,
            hatch="////" if memory > row["share_of_peak"] else None, edgecolor="white", lw=0,
        )  # fmt: skip
    axis.set_yticks(range(len(rows)), [row["case"] for row in reversed(rows)], fontsize=6)
    axis.axvline(100, color="k", lw=0.8)
    axis.set_ylim(-0.6, len(rows) - 0.4)
    axis.set_xlabel("% of the peak: FMAs, or (hatched) memory")
    return figure


def scaling(found: Sequence[Sweep]) -> Any:
    """Return the sweeps, a panel each, with their exponents."""
    columns = 3
    lines = -(-len(found) // columns)
    figure, axes = _pyplot().subplots(lines, columns, figsize=(9, 2.6 * lines), layout="constrained", squeeze=False)
    for axis, sweep in zip(axes.flat, found, strict=False):
        axis.loglog(sweep.values, [1e6 * s for s in sweep.seconds], ".-")
        axis.set_xlabel(sweep.quantity)
        axis.set_ylabel("microseconds")
        _plain_ticks(axis.xaxis, sweep.values)
        _plain_ticks(axis.yaxis, [1e6 * s for s in sweep.seconds])
        axis.set_title(f"{sweep.name}: exponent {sweep.exponent:.2f}", fontsize=9)
    for axis in axes.flat[len(found) :]:
        axis.set_visible(False)
    return figure


def _plain_ticks(axis: Any, values: Sequence[float]) -> None:
    """Label the least and the largest value of a logarithmic axis, and the middle one where there is room, as numbers."""
    from matplotlib.ticker import NullFormatter

    least, middle, most = min(values), sorted(values)[len(values) // 2], max(values)
    room = 0.3 * math.log(most / least)
    shown = [least, most] if min(math.log(middle / least), math.log(most / middle)) < room else [least, middle, most]
    axis.set_ticks(shown, [f"{value:,.0f}" if value >= 100 else f"{value:.3g}" for value in shown])
    axis.set_minor_formatter(NullFormatter())


def crossover(found: Map) -> Any:
    """Return the best other way's time over ours, by functions and points, with the name of the fastest."""
    figure, axis = _pyplot().subplots(figsize=(7, 4), layout="constrained")
    from matplotlib.colors import LogNorm

    low = min(0.5, *(value for row in found.ratio for value in row))
    high = max(2.0, *(value for row in found.ratio for value in row))
    image = axis.imshow(found.ratio, norm=LogNorm(low, high), cmap="RdYlGn", aspect="auto", origin="lower", alpha=0.6)
    for i, names in enumerate(found.fastest):
        for j, name in enumerate(names):
            axis.text(j, i, f"{name}\n{found.ratio[i][j]:.1f}x", ha="center", va="center", fontsize=6)
    axis.set_xticks(range(len(found.points)), [str(n) for n in found.points])
    axis.set_yticks(range(len(found.functions)), [str(n) for n in found.functions])
    axis.set_xlabel("points a row (64 rows)")
    axis.set_ylabel("functions")
    figure.colorbar(image, label="time of the best other way over ours")
    return figure


def write(folder: Path, figures: dict[str, Any]) -> list[Path]:
    """Write the figures as PNG; return where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, figure in figures.items():
        paths.append(folder / f"{name}.png")
        figure.savefig(paths[-1], dpi=110)
        _pyplot().close(figure)
    return paths
