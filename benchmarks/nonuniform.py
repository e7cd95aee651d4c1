"""Sums at scattered points: the recurrence against a nonuniform FFT, and which of them the rule takes.

    python benchmarks/nonuniform.py [--threads 1] [--largest 16000] [--channels 1 8 64]

As many points as wave numbers N; a cell is the time of the recurrence over that of the nonuniform FFT, median of repeats in turns,
and * where the rule takes the nonuniform FFT. A direct sum of more than --terms terms is timed at a share of the points, since its time
is a multiple of their number.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from specfast.families import family_by_name
from specfast.kernels import cpu, nonuniform


def in_turns(first: Callable[[], object], second: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Return the median seconds of both, run in turns."""
    taken: tuple[list[float], list[float]] = [], []
    for turn in range(repeats):
        for which in (0, 1) if turn % 2 else (1, 0):
            started = time.perf_counter()
            (first, second)[which]()
            taken[which].append(time.perf_counter() - started)
    return statistics.median(taken[0]), statistics.median(taken[1])


def direct(call: Callable[[], object]) -> object:
    """Run a sum by the recurrence."""
    found, nonuniform._FOUND = nonuniform._FOUND, False
    try:
        return call()
    finally:
        nonuniform._FOUND = found


def row(name: str, channels: int, degree: int, dtype: torch.dtype, terms: float) -> str:
    """Return a line of the table: sums, and their transpose."""
    size = family_by_name(name).function_count(degree)
    z, coef = 2 * torch.rand(degree, dtype=dtype) - 1, torch.randn(channels, size, dtype=dtype)
    values = torch.randn(channels, degree, dtype=dtype)
    repeats = max(3, min(15, int(2e9 / (channels * size * degree))))
    some = min(degree, max(256, int(terms / (channels * size))))
    near, part = z[:some], values[:, :some].contiguous()
    cells = []
    for own, other, fast in (
        (lambda: cpu.synthesize(coef, near, name, 0), coef, lambda: nonuniform.synthesize(coef, z, name)),
        (lambda: cpu.adjoint(part, near, size, name, 0), values, lambda: nonuniform.adjoint(values, z, size, name)),
    ):
        sums, transform = in_turns(lambda own=own: direct(own), fast, repeats)
        sums *= degree / some
        chosen = "*" if nonuniform.pays(other, z, size, name) else " "
        cells.append(f"{1e3 * sums:9.2f} {1e3 * transform:9.2f} {sums / transform:7.2f}{chosen}")
    return f"{name:10} {channels:3} {degree:8} {str(dtype)[6:]:8}" + " ".join(cells)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--largest", type=int, default=16_000)
    parser.add_argument("--channels", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--terms", type=float, default=2e10, help="of the largest direct sum that is timed as a whole")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print("family    rows        N type       sum: ms, FFT ms, ratio         transpose: ms, FFT ms, ratio")
    for channels in options.channels:
        for name in ("chebyshev", "fourier", "rational"):
            degree = 1000
            while degree <= options.largest:
                print(row(name, channels, degree, torch.float64, options.terms), flush=True)
                degree = degree * 3 // 2 if degree < 10_000 else degree * 4
    print(row("chebyshev", 1, 6000, torch.float32, options.terms))


if __name__ == "__main__":
    main()
