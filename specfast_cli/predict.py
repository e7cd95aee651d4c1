"""specfast predict: predictions of a run as a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from .common import check_writable


def add_options(own: argparse.ArgumentParser) -> None:
    """Add the options of `predict`."""
    own.add_argument("run", type=Path)
    own.add_argument("data", help="observations: the first snapshots, and the times and points to predict at")
    own.add_argument("--out", required=True, type=Path, metavar="F", help="file to write")
    own.add_argument("--overwrite", action="store_true", help="replace a file that is there")


def run(options: argparse.Namespace) -> None:
    """Do what the options say."""
    from specfast import learn
    from specfast.data.netcdf import write_predictions

    if options.out.exists() and not options.overwrite:
        raise learn.DataError(f"--out {options.out}: a file is there already; --overwrite replaces it")
    check_writable(options.out.absolute().parent)
    ensemble, data = learn.load_ensemble(options.run), learn.read(options.data)
    ensemble.models[0].check(data)
    predicted, spread = ensemble.predict_dataset(data)
    options.out.absolute().parent.mkdir(parents=True, exist_ok=True)
    write_predictions(options.out, predicted, data, spread if len(ensemble) > 1 else None)
    failed = int((~predicted[:, -1].isfinite()).flatten(1).any(1).sum())
    print(
        f"predictions  {options.out}, {len(data)} trajectories" + (f", {failed} of them failed (NaN)" if failed else "")
    )
