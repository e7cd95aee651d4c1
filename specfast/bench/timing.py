"""Timing in turns: ours, the baselines and the peak one after the other, so that a slow spell of the machine meets all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

import torch

from .hardware import peak, with_peak_memory
from .work import CannotError, Timed, Unlike, Work, relative_error

OURS, PEAK = "specfast", "peak"
WRONG = 1e-3  # a baseline whose result is farther off is not compared
PATIENCE = 3.0  # seconds that a baseline gets in all; then it leaves the turns, after three of them at least
SLOW = 1.0  # a baseline whose call takes longer is timed once


class WrongError(ArithmeticError):
    """A kernel's result is wrong; its speed says nothing."""


def _once(function: Timed, repeats: int) -> float:
    started = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - started) / repeats


def _baselines(work: Work, wanted: Iterable[str], expected: Any) -> tuple[dict[str, Timed], dict[str, str]]:
    """Return the baselines that do the work rightly, and why the others are not compared."""
    able: dict[str, Timed] = {}
    notes: dict[str, str] = {}
    for name in wanted:
        if name not in work.baselines:
            continue
        try:
            function = work.baselines[name]()
            result = function()
            error = 0.0 if isinstance(function, Unlike) else relative_error(result, expected)
        except CannotError as reason:
            if str(reason):
                notes[name] = str(reason)
            continue
        except Exception as failure:  # another library's, whatever it is: the row goes on without it
            notes[name] = f"fails: {type(failure).__name__}"
            continue
        if error == float("inf"):
            notes[name] = "overflows"
        elif error > max(WRONG, work.tolerance):
            notes[name] = f"wrong by {error:.0e}"
        else:
            able[name] = function
    return able, notes


def measure(
    works: Iterable[Work], baselines: Iterable[str] = (), *, rounds: int = 15, budget: float = 0.025,
    report: Callable[[dict[str, Any]], None] = lambda row: None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return a row for every piece of work.

    Seconds are the median over the turns, the spread is the range of the middle half over it; shares and ratios are formed within a turn.

    Raises
    ------
    WrongError
        If a result of ours is not what it should be, once all others have been measured.
    """
    rows, wrong, baselines = [], [], list(baselines)
    for work in works:
        try:
            rows.append(_row(work, baselines, rounds, budget))
        except WrongError as error:
            wrong.append(str(error))
        else:
            report(rows[-1])
    if wrong:
        raise WrongError("; ".join(wrong))
    return rows


def _row(work: Work, baselines: list[str], rounds: int, budget: float) -> dict[str, Any]:
    own, (loop, run_fma) = work.make(), peak(work.dtype)
    result, memory = with_peak_memory(own)
    error = work.error(result)
    if not error <= work.tolerance:
        raise WrongError(f"{work.name}: the error is {error:.1e}, at most {work.tolerance:.0e} is expected")
    able, notes = _baselines(work, baselines, result)
    timed: dict[str, Timed] = {OURS: own, PEAK: loop, **able}
    samples = _turns(timed, rounds, budget)

    def ratio(name: str) -> float:
        return statistics.median(a / b for a, b in zip(samples[name], samples[OURS], strict=False))

    seconds, rate = statistics.median(samples[OURS]), run_fma / statistics.median(samples[PEAK])
    return {
        "suite": work.suite,
        "case": work.name,
        "dtype": str(work.dtype)[6:],
        "threads": torch.get_num_threads(),
        "seconds": seconds,
        "spread": _middle_half(samples[OURS]) / seconds,
        "terms_per_second": work.terms / seconds,
        "bytes_per_second": work.bytes / seconds,
        "turns": rounds,
        "intensity": None if work.operations is None else work.operations / work.bytes,
        "operations_per_second": None if work.operations is None else work.operations / seconds,
        "share_of_peak": None if work.operations is None else ratio(PEAK) * work.operations / run_fma,
        "fma_per_second": rate,
        "error": error,
        "peak_memory": memory,
        "ratio": {name: ratio(name) for name in able},
        "notes": notes,
    }


def _turns(timed: dict[str, Timed], rounds: int, budget: float) -> dict[str, list[float]]:
    """Return the seconds of a call in each turn that each took part in."""
    first = {name: _once(function, 1) for name, function in timed.items()}
    repeats = {name: max(1, min(1000, int(budget / max(first[name], 1e-7)))) for name in timed}
    once = {name for name in timed if first[name] > SLOW and name not in (OURS, PEAK)}
    samples = {name: [first[name]] if name in once else [] for name in timed}
    spent = dict.fromkeys(timed, 0.0)
    for turn in range(rounds):
        for name in list(timed) if turn % 2 else list(reversed(timed)):
            if name not in once and (name in (OURS, PEAK) or turn < 3 or spent[name] < PATIENCE):
                samples[name].append(_once(timed[name], repeats[name]))
                spent[name] += samples[name][-1] * repeats[name]
    return samples


def _middle_half(values: list[float]) -> float:
    """Return the distance of the quartiles."""
    if len(values) < 4:
        return max(values) - min(values)
    low, _, high = statistics.quantiles(values, n=4)
    return high - low


def table(rows: list[dict[str, Any]], copied: float = float("nan")) -> str:
    """Return the rows as a Markdown table; ratios are a baseline's time over ours, `copied` the bytes a second of a copy."""
    names = list(dict.fromkeys(name for row in rows for name in (*row["ratio"], *row["notes"])))
    headings = ["case", "time", "spread", "G terms/s", "GB/s", "of peak", "of copy", "memory", "error", *names]
    lines = ["| " + " | ".join(headings) + " |", "|---" * len(headings) + "|"]
    for row in rows:
        cells = [row["case"], readable(row["seconds"]), f"{100 * row['spread']:.0f} %"]
        cells += [f"{row['terms_per_second'] / 1e9:.2f}", f"{row['bytes_per_second'] / 1e9:.2f}"]
        share, memory = row["share_of_peak"], row["peak_memory"]
        cells += ["" if share is None else f"{100 * share:.0f} %"]
        cells += ["" if copied != copied else f"{100 * row['bytes_per_second'] / copied:.0f} %"]
        cells += ["" if memory is None else f"{memory / 1e6:.1f} MB", f"{row['error']:.0e}"]
        cells += [
            f"{row['ratio'][name]:.1f}x" if name in row["ratio"] else row["notes"].get(name, "") for name in names
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def readable(seconds: float) -> str:
    """Return a time with a unit that suits it."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
