"""Timing: medians of interleaved repeats, beside the bound of the machine measured in the same run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

import torch

from .. import ops
from .cases import Case
from .peers import PEERS, Timed

# Operations of the multiply-add pipe a term: the recurrence's two.
OPERATIONS = 2


def bound(dtype: torch.dtype, seconds: float = 1e-3) -> tuple[Timed, int]:
    """Return a loop of independent multiply-adds on all of PyTorch's threads, and how many a call of it does."""
    from ..kernels import cpu

    started = time.perf_counter()
    cpu.multiply_adds(100_000, dtype)
    rounds = max(1000, int(100_000 * seconds / (time.perf_counter() - started)))
    return lambda: cpu.multiply_adds(rounds, dtype), cpu.multiply_adds(rounds, dtype)


def ours(case: Case) -> Timed:
    """Return our operation for a case."""
    coef, z, values = case.data()
    size, name = case.shape[2], case.family.name
    if case.operation == "synthesize":
        return lambda: ops.synthesize(coef, z, name, 0)
    if case.operation == "adjoint":
        return lambda: ops.adjoint(values, z, size, name, 0)
    coef, z = coef.requires_grad_(), z.requires_grad_()
    return lambda: torch.autograd.grad(ops.synthesize(coef, z, name, 0), (coef, z), values)


def _repeats(function: Timed, budget: float) -> int:
    started = time.perf_counter()
    function()
    return max(1, min(1000, int(budget / max(time.perf_counter() - started, 1e-7))))


def _time(function: Timed, repeats: int) -> float:
    started = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - started) / repeats


def measure(
    cases: Iterable[Case], peers: Iterable[str] = (), *, rounds: int = 15, budget: float = 0.025,
    report: Callable[[dict[str, Any]], None] = lambda row: None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return a row for every case: median time, spread, terms a second, share of the bound, and ratios to the peers.

    Ours, the peers and the bound take turns, forwards and backwards, each for as long, so that a slow spell of the machine
    meets all alike; every figure is the median over the turns, ratios and shares being formed within a turn.
    """
    rows = []
    for case in cases:
        loop, multiply_adds = bound(case.dtype)
        timed: dict[str, Timed] = {"specfast": ours(case), "bound": loop}
        for name in peers:
            peer = PEERS[name](case)
            if peer is not None:
                timed[name] = peer
        repeats = {}
        for name, function in timed.items():
            function()  # compiles, fills caches
            repeats[name] = _repeats(function, budget)
        samples: dict[str, list[float]] = {name: [] for name in timed}
        for turn in range(rounds):
            for name in list(timed) if turn % 2 else list(reversed(timed)):
                samples[name].append(_time(timed[name], repeats[name]))
        own = statistics.median(samples["specfast"])

        def ratio(name: str, samples: dict[str, list[float]] = samples) -> float:
            return statistics.median(a / b for a, b in zip(samples[name], samples["specfast"], strict=True))

        rate = multiply_adds / statistics.median(samples["bound"])
        rows.append(
            {
                "case": case.name,
                "seconds": own,
                "spread": (max(samples["specfast"]) - min(samples["specfast"])) / own,
                "terms_per_second": case.terms / own,
                "share_of_bound": ratio("bound") * case.terms * OPERATIONS / multiply_adds,
                "multiply_adds_per_second": rate,
                "ratio": {name: ratio(name) for name in timed if name not in ("specfast", "bound")},
                "threads": torch.get_num_threads(),
            }
        )
        report(rows[-1])
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table; ratios are a peer's time over ours."""
    names = list(dict.fromkeys(name for row in rows for name in row["ratio"]))
    lines = ["| case | time | G terms/s | of bound | " + "".join(f"{name} | " for name in names)]
    lines.append("|---|---|---|---|" + "---|" * len(names))
    for row in rows:
        cells = [row["case"], f"{1e6 * row['seconds']:.0f} us", f"{row['terms_per_second'] / 1e9:.2f}"]
        cells += [f"{100 * row['share_of_bound']:.0f} %"]
        cells += [f"{row['ratio'][name]:.1f}x" if name in row["ratio"] else "" for name in names]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
