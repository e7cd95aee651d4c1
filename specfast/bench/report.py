"""A whole run of `specfast bench`: what it measures, as text, as JSON, and as a page with figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..support.files import written_whole
from ..support.text import page
from . import figures, hardware, scaling
from .suites import SUITES, works
from .timing import WrongError, measure, table

SCALING = "scaling"
FORMAT = 1
ADVICE = (
    "**Reading it.** The peak is this machine's FMA rate, measured in turns with every row by a loop in registers, over the operations that a"
    " case needs at least: one a term for every row of points (the recurrence) and one for every row of coefficients (the sum); one an index in a"
    " cross. A case may be held up by memory instead: then `of copy`, the bytes that have to be moved over those that a copy of a large array moves in"
    " the time, is the larger one (above 100 % where all stays in a cache). Memory is by how much the process was larger while the first call ran. Times are medians over turns, the spread is the range of the middle half. The baselines' columns are their time over ours; words say why there is none; FNO's layer computes something else with as many numbers. The error"
    " is relative to the largest value of a slower, independent computation. Cases of a few microseconds measure the call from Python. Compare shares and"
    " ratios between machines, never times; of two runs on one machine `--compare` says what is more than noise."
)


def run(
    names: Sequence[str], *, quick: bool = False, baselines: Sequence[str] = (), keep: Path | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:  # fmt: skip
    """Measure the machine and some suites (default: all, and how cost grows); after every row what there is goes to the file `keep`.

    What was wrong is told in "wrong", and in no row.

    Raises
    ------
    ValueError
        If there is no such suite.
    """
    known = (*SUITES, SCALING)
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"bench: {unknown[0]!r} is none; {', '.join(known)} are expected")
    wanted = names or known
    rows: list[dict[str, Any]] = []
    found: dict[str, Any] = {"format": FORMAT, "quick": quick, "machine": hardware.machine()}
    turns = {"rounds": 5, "budget": 0.003} if quick else {}
    found["rows"], found["wrong"] = rows, []
    for name in (name for name in SUITES if name in wanted):

        def one(row: dict[str, Any]) -> None:
            rows.append(row)
            if keep is not None:
                save(found, keep)
            report(row["case"])

        try:
            measure(works(name, quick), baselines, report=one, **turns)  # type: ignore[arg-type]
        except WrongError as error:
            found["wrong"].append(str(error))
    if SCALING in wanted:
        report("how cost grows")
        found["sweeps"] = scaling.to_json(sweeps := scaling.sweeps(quick))
        found["_sweeps"], found["_crossover"] = sweeps, scaling.crossover(quick)
    return found


def text(found: dict[str, Any]) -> str:
    """Return the tables, a suite each."""
    machine = found["machine"]
    blocks, copied = [hardware.described(machine)], 1e9 * machine["rates"][str(machine["threads"])]["copy"]
    for suite, what in SUITES.items():
        rows = [row for row in found["rows"] if row["suite"] == suite]
        if rows:
            blocks.append(f"## {suite}: {what}\n\n{table(rows, copied)}")
    blocks += [f"**Wrong:** {what}" for what in found["wrong"]]
    if "_sweeps" in found:
        blocks.append(f"## {SCALING}: how cost grows\n\n{scaling.table(found['_sweeps'])}")
    return "\n\n".join(blocks)


def save(found: dict[str, Any], path: Path) -> None:
    """Write the numbers as JSON, whole or not at all."""
    plain = {name: value for name, value in found.items() if not name.startswith("_")}
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(plain, indent=1) + "\n")


def write(found: dict[str, Any], folder: Path, command: str) -> Path:
    """Write the page bench.md with its figures; return where it is."""
    drawn: dict[str, Any] = {}
    captions = {
        "bench_roofline": "Operations a second under the roof of this machine: copy bandwidth at the left, FMA rate at the right",
        "bench_shares": "Share of the peak, case by case: FMAs, or (hatched) memory where that is the larger share",
        "bench_scaling": "How cost grows, with the exponents of the upper half of each line",
        "bench_crossover": "The fastest way by shape, and the best other way's time over ours",
    }
    if found["rows"]:
        drawn["bench_roofline"] = figures.roofline(found["rows"], found["machine"])
        drawn["bench_shares"] = figures.shares(found["rows"], found["machine"])
    if "_sweeps" in found:
        drawn["bench_scaling"] = figures.scaling(found["_sweeps"])
        drawn["bench_crossover"] = figures.crossover(found["_crossover"])
    figures.write(folder, drawn)
    shown = [f"![{captions[name]}]({name}.png)\n\n*{captions[name]}*" for name in drawn]
    blocks = ["# The kernels beside the peak and the baselines", ADVICE, text(found), *shown, f"*Made by `{command}`.*"]
    path = folder / "bench.md"
    path.write_text(page(blocks))
    return path
