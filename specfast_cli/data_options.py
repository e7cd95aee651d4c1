"""The options that say of a file what it does not say itself, and reading it with them."""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from specfast.data import Field, Observations


def number_pair(text: str) -> tuple[float | None, float | None]:
    """Return a, b of "a:b", of which one may be left out."""
    try:
        low, high = (float(part) if part.strip() else None for part in text.split(":"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: A:B is expected, one of them may be left out") from None
    if low is not None and high is not None and not low <= high:
        raise argparse.ArgumentTypeError(f"{text!r}: A:B with A at most B is expected")
    return low, high


def _rows(text: str) -> slice:
    try:
        parts = [int(part) if part.strip() else None for part in text.split(":")]
    except ValueError:
        parts = []
    if len(parts) not in (2, 3):
        raise argparse.ArgumentTypeError(f"{text!r}: A:B or A:B:STEP of whole numbers is expected")
    return slice(*parts)


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _coordinate(text: str) -> tuple[str, str]:
    axis, equals, value = text.partition("=")
    if not equals or not axis or not value:
        raise argparse.ArgumentTypeError(
            f"{text!r}: AXIS=NAME or AXIS=FIRST:LAST is expected, such as time=tt or x=-1:1"
        )
    return axis, value


def add_data_options(own: argparse.ArgumentParser, select: bool = True) -> None:
    """Add them; with `select` also which trajectories and times."""
    group = own.add_argument_group("what the file does not say itself")
    group.add_argument(
        "--variable", nargs="+", default=[], metavar="NAME", help="the field; several are channels (default: u)"
    )
    group.add_argument(
        "--dims",
        type=_names,
        default=(),
        metavar="A,B,..",
        help="what its axes are: trajectory, time, channel, point, x ..",
    )
    group.add_argument(
        "--coordinate", type=_coordinate, nargs="+", default=[], metavar="AXIS=NAME",
        help="the variable with an axis' coordinates, or AXIS=FIRST:LAST for evenly spaced ones",
    )  # fmt: skip
    group.add_argument("--group", default="", help="which group of a file with several, such as valid")
    group.add_argument("--trajectories", type=_rows, metavar="A:B", help="only these, counted from 0, B not among them")
    if select:
        group.add_argument("--times", type=number_pair, metavar="A:B", help="only times from A to B")


def given(options: argparse.Namespace) -> dict[str, Any]:
    """Return what the options say as plain values, which JSON can hold."""
    rows: slice | None = options.trajectories
    times = getattr(options, "times", None)
    return {
        "variable": options.variable, "dims": list(options.dims), "coordinates": dict(options.coordinate),
        "group": options.group, "trajectories": None if rows is None else [rows.start, rows.stop, rows.step],
        "times": list(times) if isinstance(times, tuple) else None,
    }  # fmt: skip


def open_given(path: Any, said: Mapping[str, Any]) -> Field:
    """Return the field of a file, with what `given` gave."""
    from specfast import data

    rows, times = said.get("trajectories"), said.get("times")
    return data.open(
        path, variable=said.get("variable", ()), dims=said.get("dims", ()), coordinates=said.get("coordinates"),
        group=said.get("group", ""), trajectories=None if rows is None else slice(*rows),
        times=None if times is None else tuple(times),
    )  # fmt: skip


def open_data(options: argparse.Namespace) -> Field:
    """Return the field of the file that the options name."""
    return open_given(options.data, given(options))


def read_data(options: argparse.Namespace, run: Path | None = None) -> Observations:
    """Read the file that the options name; where they say nothing of it, as the data of a run were read if it is so laid out."""
    from specfast import data

    said = given(options)
    of_run = {} if run is None or any(said[name] for name in _LAYOUT) else _said_of_run(run)
    if of_run:
        with contextlib.suppress(data.DataError):
            return data.read(open_given(options.data, said | of_run))
    return data.read(open_given(options.data, said))


_LAYOUT = ("variable", "dims", "coordinates", "group")


def _said_of_run(run: Path) -> dict[str, Any]:
    try:
        options = json.loads((run / "data.json").read_text())["options"]
        return {name: options[name] for name in _LAYOUT if options[name]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
