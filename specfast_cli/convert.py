"""specfast convert: a file of any format that is read as NetCDF-4."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from .common import check_writable
from .data_options import add_data_options, read_data
from .interrupts import written

NEEDS = "specfast.data"


def add_options(own: argparse.ArgumentParser) -> None:
    """Add the options of `convert`."""
    own.add_argument("data", help="NetCDF, HDF5, Zarr, MATLAB, NumPy, CSV or Parquet")
    own.add_argument("--out", required=True, type=Path, metavar="F", help="file to write: .nc, .npz or .csv")
    own.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    add_data_options(own)


def check(options: argparse.Namespace) -> None:
    """Refuse what can be refused before PyTorch is imported."""
    check_new(options)


def run(options: argparse.Namespace) -> None:
    """Read and write."""
    from specfast.data import Origin, to_dataset, write

    data = read_data(options)
    plain = replace(data, origin=Origin(calendar=data.origin.calendar, attributes=data.origin.attributes))
    write(to_dataset(plain), options.out)
    written.say(f"interrupted; {options.out} is written")
    print(
        f"written      {options.out}: {len(data)} trajectories, {data.times.shape[1]} times, {', '.join(data.channels)}"
    )


def check_new(options: argparse.Namespace) -> None:
    """Refuse to write over a file, or into a folder that cannot be written to."""
    if options.out.exists() and not options.overwrite:
        raise ValueError(f"--out {options.out}: a file is there already; --overwrite replaces it")
    check_writable(options.out.absolute().parent)
