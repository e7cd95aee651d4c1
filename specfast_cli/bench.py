"""specfast bench: speed and accuracy of the kernels on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path

from .common import check_writable, say
from .interrupts import NOTHING, stamp, written

NEEDS = "specfast.bench"


def add_options(own: argparse.ArgumentParser) -> None:
    """Add the options of `bench`."""
    from specfast.bench.baselines import NAMES
    from specfast.bench.suites import SUITES

    own.formatter_class = argparse.RawDescriptionHelpFormatter
    own.epilog = "suites:\n" + "\n".join(f"  {name:14}{what}" for name, what in SUITES.items())
    own.epilog += "\n  scaling       how cost grows, and who is fastest where"
    own.add_argument("suites", nargs="*", metavar="SUITE", help="which (default: all)")
    own.add_argument("--quick", action="store_true", help="small cases: a minute in all")
    own.add_argument(
        "--baselines",
        nargs="*",
        metavar="BASELINES",
        help=f"time what one would use instead, where installed: {', '.join(NAMES)}",
    )
    own.add_argument("--threads", type=int, metavar="N", help="how many threads (default: PyTorch's)")
    own.add_argument("--json", type=Path, metavar="F", help="write the numbers")
    own.add_argument(
        "--compare", type=Path, metavar="F", help="an earlier --json: print ratios, fail where it has become slower"
    )
    own.add_argument("--plot", type=Path, metavar="FOLDER", help="write a page with figures")


def run(options: argparse.Namespace) -> None:
    """Do what the options say."""
    import torch

    from specfast.bench import WrongError, compare, report
    from specfast.bench.baselines import NAMES

    baselines = () if options.baselines is None else options.baselines or NAMES
    if unknown := [name for name in baselines if name not in NAMES]:
        raise ValueError(f"--baselines {unknown[0]}: {', '.join(NAMES)} are expected")
    if options.threads is not None and options.threads < 1:
        raise ValueError(f"--threads {options.threads}: at least 1 is expected")
    before = compare.read(options.compare) if options.compare else None
    if options.json is not None:
        if options.json.is_dir():
            raise OSError(f"--json {options.json}: a folder; a file is expected")
        check_writable(options.json.absolute().parent, "--json")
    if options.plot is not None:
        check_writable(options.plot, "--plot")
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    if options.json is not None:
        there, kept = stamp(options.json), f"interrupted; {options.json} holds what was measured so far"
        written.say(lambda: NOTHING if stamp(options.json) == there else kept)
    found = report.run(options.suites, quick=options.quick, baselines=baselines, keep=options.json, report=say)
    print(report.text(found))
    if options.json:
        report.save(found, options.json)
    if options.plot:
        numbers = f"{options.json} holds the numbers, " if options.json else ""
        written.say(f"interrupted; {numbers}the page in {options.plot} is not complete")
        command = " ".join(["specfast", "bench", *options.suites] + ["--quick"] * options.quick)
        command += " --baselines " * bool(baselines) + " ".join(options.baselines or [])
        command += f" --threads {options.threads}" if options.threads else ""
        print(f"\npage         {report.write(found, options.plot, command)}")
    if before is not None:
        changes = compare.changes(before, found)
        print(f"\n{compare.table(changes)}")
    if found["wrong"]:
        raise WrongError("; ".join(found["wrong"]))
    if before is not None and any(change.regressed for change in changes):
        raise SystemExit(1)
