"""How cost grows: with degree, points, channels, coefficients, dimension and threads; and who is fastest where."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..families import Hermite
from .baselines import ONE_AXIS
from .cases import Case
from .cross import CrossCase
from .hardware import threads
from .suites import transform
from .work import CannotError, Timed


@dataclass(frozen=True)
class Sweep:
    """One quantity varied: seconds by its value; `exponent` is that of the upper half, by least squares of the logarithms."""

    name: str
    quantity: str
    values: tuple[float, ...]
    seconds: tuple[float, ...]

    @property
    def exponent(self) -> float:
        """The slope of log seconds over log value, of the upper half of the values."""
        half = max(2, (len(self.values) + 1) // 2)
        x, y = ([math.log(v) for v in part[-half:]] for part in (self.values, self.seconds))
        return statistics.linear_regression(x, y).slope


def _median(function: Timed, budget: float) -> float:
    function()
    times: list[float] = []
    end = time.perf_counter() + budget
    while len(times) < 3 or (time.perf_counter() < end and len(times) < 200):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _sweep(
    name: str, quantity: str, values: Sequence[int], make: Callable[[int], Timed], budget: float, number: Callable[[int], float] = float
) -> Sweep:  # fmt: skip
    seconds = tuple(_median(make(value), budget) for value in values)
    return Sweep(name, quantity, tuple(number(value) for value in values), seconds)


def sweeps(quick: bool) -> list[Sweep]:
    """Return all sweeps."""
    budget = 0.01 if quick else 0.3

    def line(rows: int, points: int, size: int, channels: int = 1) -> Timed:
        return transform.ours(Case("synthesize", Hermite(), (rows, points, size), channels=channels))  # type: ignore[no-any-return]

    def cross(dim: int, degree: int, points: int, channels: int = 1) -> Timed:
        return CrossCase("synthesize", dim, degree, points, channels).ours()  # type: ignore[no-any-return]

    def doubled(low: int, high: int) -> list[int]:
        return [low << k for k in range(int(math.log2((high if not quick else 4 * low) / low)) + 1)]

    found = [
        _sweep("one axis", "functions", doubled(16, 4096), lambda n: line(64, 256, n), budget),
        _sweep("one axis", "points", doubled(64, 65536), lambda m: line(16, m, 64), budget),
        _sweep("one axis", "rows", doubled(4, 4096), lambda b: line(b, 64, 64), budget),
        _sweep("one axis", "channels", doubled(1, 64), lambda c: line(16, 256, 128, c), budget),
        _sweep("cross on six axes", "coefficients K", doubled(4, 32), lambda n: cross(6, n, 1024), budget,
               lambda n: float(CrossCase("synthesize", 6, n).size)),
        _sweep("cross on six axes", "points", doubled(64, 8192), lambda m: cross(6, 8, m), budget),
        _sweep("cross on six axes", "channels", doubled(1, 32), lambda c: cross(6, 8, 1024, c), budget),
    ]  # fmt: skip
    dims = (2, 4) if quick else (2, 3, 4, 5, 6, 8, 10, 12)
    by_size = [(dim, CrossCase("synthesize", dim, _degree(dim)).size) for dim in dims]
    seconds = tuple(_median(cross(dim, _degree(dim), 1024), budget) / size for dim, size in by_size)
    found.append(Sweep("cross, time an index", "axes D", tuple(float(dim) for dim in dims), seconds))
    return found + _threads(quick, budget)


def _degree(dim: int) -> int:
    """Return the degree whose regular cross has some 5,000 coefficients."""
    degree = 1
    while CrossCase("synthesize", dim, degree + 1).size <= 5000:
        degree += 1
    return degree


def _threads(quick: bool, budget: float) -> list[Sweep]:
    counts, most = [1], torch.get_num_threads()
    while counts[-1] * 2 <= most:
        counts.append(2 * counts[-1])
    if len(counts) < 2:
        return []
    shape = (16, 64, 32) if quick else (256, 256, 128)
    seconds = []
    for count in counts:
        with threads(count):
            seconds.append(_median(transform.ours(Case("synthesize", Hermite(), shape)), budget))
    return [Sweep("one axis", "threads", tuple(float(count) for count in counts), tuple(seconds))]


@dataclass(frozen=True)
class Map:
    """Who is fastest, by number of functions and of points: names and times over ours."""

    functions: tuple[int, ...]
    points: tuple[int, ...]
    fastest: tuple[tuple[str, ...], ...]
    ratio: tuple[tuple[float, ...], ...]


def crossover(quick: bool) -> Map:
    """Return where which way is the fastest: ours, eager PyTorch, a table that is there already and a matrix product; 64 rows."""
    functions = (8, 32) if quick else (4, 8, 16, 32, 64, 128, 256, 1024)
    points = (16, 64) if quick else (1, 4, 16, 64, 256, 1024)
    names, ratios = [], []
    for size in functions:
        row_names, row_ratios = [], []
        for count in points:
            case = Case("synthesize", Hermite(), (64, count, size))
            times: dict[str, float] = {"specfast": _median(transform.ours(case), 0.005 if quick else 0.05)}
            for name in ("eager", "bmm"):
                try:
                    times[name] = _median(ONE_AXIS[name](case), 0.005 if quick else 0.05)
                except CannotError:
                    continue
            best = min(times, key=times.__getitem__)
            other = min(value for name, value in times.items() if name != "specfast")
            row_names.append(best)
            row_ratios.append(other / times["specfast"])
        names.append(tuple(row_names))
        ratios.append(tuple(row_ratios))
    return Map(functions, points, tuple(names), tuple(ratios))


def table(found: Sequence[Sweep]) -> str:
    """Return the sweeps as a Markdown table."""
    from .timing import readable

    lines = ["| what | against | from | to | exponent of the upper half |", "|---|---|---|---|---|"]
    for sweep in found:
        ends = [f"{sweep.values[k]:g}: {readable(sweep.seconds[k])}" for k in (0, -1)]
        lines.append(f"| {sweep.name} | {sweep.quantity} | {ends[0]} | {ends[1]} | {sweep.exponent:.2f} |")
    return "\n".join(lines)


def to_json(found: Sequence[Sweep]) -> list[dict[str, Any]]:
    """Return plain values."""
    return [
        {"name": s.name, "quantity": s.quantity, "values": s.values, "seconds": s.seconds, "exponent": s.exponent}
        for s in found
    ]
