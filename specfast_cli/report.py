"""specfast report: figures and an HTML page of a run."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from .common import check_writable
from .data_options import add_data_options, open_given, read_data
from .judged import judged

if TYPE_CHECKING:
    from specfast.learn import Observations


def add_options(own: argparse.ArgumentParser) -> None:
    """Add the options of `report`."""
    own.add_argument("run", type=Path)
    own.add_argument("--data", help="observations to show; those it was trained with if left out")
    add_data_options(own)


def check(options: argparse.Namespace) -> None:
    """Refuse what can be refused before PyTorch is imported."""
    check_writable(options.run, "report")
    if options.data is not None and not Path(options.data).exists():
        raise FileNotFoundError(f"--data {options.data}: no such file")


def _data_of_run(folder: Path) -> tuple[Observations, int]:
    """Return what was kept aside when a run was trained and how many trajectories these are; all, and 0, where none were."""
    import torch

    from specfast import learn

    try:
        source = json.loads((folder / "data.json").read_text())
        path, held_out = str(source["path"]), [int(i) for i in source["held_out"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise learn.DataError(f"{folder}: data.json cannot be read; name the data with --data") from error
    data = learn.read(open_given(path, source.get("options", {})))
    if held_out and max(held_out) >= len(data):
        raise learn.DataError(f"{path}: fewer trajectories than when the model was trained; name the data with --data")
    return (data.select(torch.tensor(held_out)) if held_out else data), len(held_out)


def run(options: argparse.Namespace) -> None:
    """Do what the options say."""
    from specfast import learn
    from specfast.learn.report import write_report

    ensemble = learn.load_ensemble(options.run)
    if options.data:
        data = by = read_data(options, options.run)
        what = f"{len(data)} trajector{'y' if len(data) == 1 else 'ies'} of {Path(options.data).name}"
    else:
        data, held = _data_of_run(options.run)
        name, by, what = judged(ensemble, data, held)
        data = data if name == "held_out_times" else by
    print(f"report       {write_report(ensemble, data, options.run, by, what)}")
