"""specfast inspect: what would be learned from a file."""

from __future__ import annotations

import argparse
import shlex

from .data_options import add_data_options, given, open_data

NEEDS = "specfast.data"


def add_options(own: argparse.ArgumentParser) -> None:
    """Add the options of `inspect`."""
    own.add_argument("data", help="NetCDF, HDF5, Zarr, MATLAB, NumPy, CSV or Parquet")
    add_data_options(own)


def run(options: argparse.Namespace) -> None:
    """Print what was recognised, and how to learn from it."""
    from specfast.data import suggestions, summary

    field = open_data(options)
    for name, text in summary(field):
        print(f"{name:12} {text}")
    said = " ".join(_said(options))
    found = suggestions(field)
    for own in found:
        print(f"{'basis':12} {own.basis}: {own.reason}")
    print(f"{'learn':12} specfast learn {options.data}{' ' * bool(said)}{said} --out RUN")


def _said(options: argparse.Namespace) -> list[str]:
    """Return the options on the file as they were given."""
    words = []
    for name, value in given(options).items():
        if not value:
            continue
        words.append({"coordinates": "--coordinate"}.get(name, f"--{name}"))
        if name == "coordinates":
            words += [f"{axis}={what}" for axis, what in value.items()]
        elif name == "dims":
            words.append(",".join(value))
        elif name in ("times", "trajectories"):
            words.append(":".join("" if part is None else f"{part:g}" for part in value))
        else:
            words += [value] if isinstance(value, str) else value
    return [shlex.quote(word) for word in words]
