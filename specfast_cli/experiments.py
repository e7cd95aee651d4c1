"""specfast experiments: studies of the method beside its baselines."""

from __future__ import annotations

import argparse
from pathlib import Path

from .common import check_writable
from .interrupts import written

NEEDS = "specfast.experiments"


def add_options(own: argparse.ArgumentParser) -> None:
    """Add the options of `experiments`."""
    from specfast.experiments import STUDIES

    own.formatter_class = argparse.RawDescriptionHelpFormatter
    own.epilog = "studies:\n" + "\n".join(f"  {name:14}{what}" for name, what in STUDIES.items())
    own.add_argument("names", nargs="*", metavar="NAME", help="which (default: all)")
    own.add_argument(
        "--out", type=Path, default=Path("results"), metavar="FOLDER", help="where pages and figures are written"
    )
    own.add_argument("--seeds", type=int, default=1, help="how often every model is trained")
    own.add_argument("--quick", action="store_true", help="small: shows that it runs, not how good it is")
    own.add_argument(
        "--train", type=Path, metavar="F", help="observations to learn from, where a study can be given some"
    )
    own.add_argument("--test", type=Path, metavar="F", help="observations to judge by")


def run(options: argparse.Namespace) -> None:
    """Do what the options say."""
    from specfast.experiments import STUDIES, Settings, run

    names = options.names or list(STUDIES)
    if unknown := [name for name in names if name not in STUDIES]:
        raise ValueError(f"experiments: {unknown[0]!r} is none; {', '.join(STUDIES)} are expected")
    if options.seeds < 1:
        raise ValueError(f"--seeds {options.seeds}: at least 1 is expected")
    if (options.train or options.test) and len(names) != 1:
        raise ValueError("--train and --test go with one study; name it")
    check_writable(options.out)
    settings = Settings(options.quick, options.seeds, options.train, options.test)
    for count, name in enumerate(names):
        page = run(name, settings)
        print(f"# {page.title}\n\n{page.text()}\n")
        before = f"{options.out} holds the pages of {', '.join(names[:count])}; " if count else ""
        written.say(f"interrupted; {before}the page of {name} is not complete")
        print(f"page         {page.write(options.out, name, settings)}\n", flush=True)
        written.say(f"interrupted; {options.out} holds the pages of {', '.join(names[: count + 1])}")
