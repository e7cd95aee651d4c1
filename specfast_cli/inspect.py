"""specfast inspect: what would be learned from a file."""

from __future__ import annotations

import argparse

from .data_options import add_data_options, open_data

NEEDS = "specfast.data"


def add_options(own: argparse.ArgumentParser) -> None:
    """Add the options of `inspect`."""
    own.add_argument("data", help="NetCDF, HDF5, Zarr, MATLAB, NumPy, CSV or Parquet")
    add_data_options(own)


def run(options: argparse.Namespace) -> None:
    """Print what was recognised, and how to learn from it."""
    from specfast.data import suggested_basis, summary

    field = open_data(options)
    for name, text in summary(field):
        print(f"{name:13}{text}")
    print(f"{'learn':13}specfast learn {options.data} --basis {suggested_basis(field)} --out RUN")
