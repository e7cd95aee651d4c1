"""Two runs compared: ratios with their noise, and what is a real regression."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEAST = 0.10  # a smaller loss is never called one
NOISE = 3.0  # nor one below so many times the noise


@dataclass(frozen=True)
class Change:
    """A case in both runs: new time over old, in itself and in units of the machine's rate, and the noise of the ratio."""

    case: str
    time: float
    against_bound: float
    noise: float

    @property
    def regressed(self) -> bool:
        """Whether it is slower, by itself and against the machine, by more than a tenth and than three times the noise of the medians."""
        return min(self.time, self.against_bound) > 1 + max(LEAST, NOISE * self.noise)


def read(path: Path) -> dict[str, Any]:
    """Return a run.

    Raises
    ------
    ValueError
        If the file is not one of `specfast bench --json`.
    """
    try:
        found = json.loads(path.read_text())
        rows = found["rows"]
        assert all({"case", "threads", "seconds", "spread", "turns", "fma_per_second"} <= set(row) for row in rows)
    except (KeyError, TypeError, AssertionError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a file of specfast bench --json ({type(error).__name__})") from None
    return found  # type: ignore[no-any-return]


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """Return what the runs have in common, by case and number of threads.

    Raises
    ------
    ValueError
        If that is nothing.
    """
    before = {(row["case"], row["threads"]): row for row in old["rows"]}
    found = []
    for row in new["rows"]:
        other = before.get((row["case"], row["threads"]))
        if other is not None:
            found.append(
                Change(
                    row["case"],
                    row["seconds"] / other["seconds"],
                    _rate(other) / _rate(row),
                    math.hypot(*(one["spread"] / math.sqrt(one["turns"]) for one in (row, other))),
                )
            )
    if not found:
        raise ValueError(
            "--compare: the two runs have no case (and number of threads) in common; the same suites are expected"
        )
    return found


def _rate(row: dict[str, Any]) -> float:
    """Return how fast a case was in units of the machine's FMA rate in the same turns."""
    return 1.0 / (row["seconds"] * row["fma_per_second"])


def table(found: list[Change]) -> str:
    """Return the changes as a Markdown table, the worst first."""
    lines = ["| case | time, new over old | against the peak | noise | |", "|---|---|---|---|---|"]
    for change in sorted(found, key=lambda one: -min(one.time, one.against_bound)):
        verdict = "slower" if change.regressed else ""
        lines.append(
            f"| {change.case} | {change.time:.2f} | {change.against_bound:.2f} | {100 * change.noise:.0f} % | {verdict} |"
        )
    return "\n".join(lines)
