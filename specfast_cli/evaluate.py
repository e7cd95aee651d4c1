"""specfast evaluate: errors of a run on observations."""

from __future__ import annotations

import argparse
from pathlib import Path

from .common import check_writable, print_spread, say
from .data_options import add_data_options, read_data
from .interrupts import written


def add_options(own: argparse.ArgumentParser) -> None:
    """Add the options of `evaluate`."""
    own.add_argument("run", type=Path)
    own.add_argument("data")
    own.add_argument("--json", type=Path, metavar="F", help="write all figures to F")
    add_data_options(own)


def check(options: argparse.Namespace) -> None:
    """Refuse what can be refused before PyTorch is imported."""
    if options.json is not None:
        if options.json.is_dir():
            raise OSError(f"--json {options.json}: a folder; a file is expected")
        check_writable(options.json.absolute().parent, "--json")


def run(options: argparse.Namespace) -> None:
    """Do what the options say."""
    from specfast import learn
    from specfast.learn.model import write_json

    ensemble = learn.load_ensemble(options.run)
    data = read_data(options, options.run)
    figures = ensemble.evaluate(data)
    for line in learn.beyond(ensemble.models[0], data, data.times, data.points):
        say(f"beyond what was seen: {line}")
    if options.json:
        options.json.absolute().parent.mkdir(parents=True, exist_ok=True)
        equations = [model.metrics["equation"] for model in ensemble.models if "equation" in model.metrics]
        write_json(options.json, figures | ({"equation": equations[0]} if equations else {}))
        written.say(f"interrupted; {options.json} is written")
    print(
        f"relative_l2  {figures['relative_l2']:.5f} on {figures['trajectories']} trajector{'y' if figures['trajectories'] == 1 else 'ies'}"
    )
    print(f"persistence  {learn.persistence(data):.5f} is the error of a forecast that nothing changes")
    print(f"median       {figures['median_trajectory']:.5f}")
    print_spread(ensemble, figures)
    if figures["failed"]:
        print(f"failed       {figures['failed']} (counted as error 1)")
