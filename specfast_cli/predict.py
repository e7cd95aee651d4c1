"""specfast predict: forecasts of a run as a file like the data."""

from __future__ import annotations

import argparse
from pathlib import Path

from .common import say
from .convert import check_new
from .data_options import add_data_options, read_data
from .interrupts import written


def _grid_of_times(text: str) -> list[float]:
    """Return the numbers a, a + step, .. up to b of "a:b:step", or those of "a,b,c"."""
    try:
        if ":" in text:
            begin, end, step = map(float, text.split(":"))
            if not (step > 0 and begin <= end and (end - begin) / step < 1e7):
                raise ValueError
            return [begin + step * i for i in range(int((end - begin) / step * (1 + 1e-12) + 1e-9) + 1)]
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: A:B:STEP or T1,T2,.. is expected, such as 0:10:0.1") from None


def add_options(own: argparse.ArgumentParser) -> None:
    """Add the options of `predict`."""
    own.add_argument("run", type=Path)
    own.add_argument("data", help="observations: the first snapshots, and the times and points to predict at")
    own.add_argument("--out", required=True, type=Path, metavar="F", help="file to write: .nc, .npz or .csv")
    own.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    own.add_argument(
        "--times", type=_grid_of_times, metavar="A:B:STEP", help="at these times (default: those of the data)"
    )
    own.add_argument("--at", type=Path, metavar="FILE", help="at the positions in a file (default: those of the data)")
    add_data_options(own, select=False)


def check(options: argparse.Namespace) -> None:
    """Refuse what can be refused before PyTorch is imported."""
    check_new(options)


def run(options: argparse.Namespace) -> None:
    """Forecast and write."""
    from specfast import learn
    from specfast.data import read_positions, write

    ensemble, data = learn.load_ensemble(options.run), read_data(options, options.run)
    at = None if options.at is None else read_positions(options.at, data.axes)
    predicted = learn.forecast(ensemble, data, times=options.times, at=at)
    write(predicted, options.out)
    written.say(f"interrupted; {options.out} is written")
    if "extrapolation" in predicted.attrs:
        say(f"beyond what was seen: {predicted.attrs['extrapolation']}")
    sizes = ", ".join(f"{n} {name}" for name, n in predicted.sizes.items())
    print(f"predictions  {options.out}: {sizes}")
    failed = learn.failed_forecasts(predicted, data)
    if failed:
        print(f"failed       {failed} of {len(data)} trajectories (NaN)")
