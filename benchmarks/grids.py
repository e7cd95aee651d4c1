"""Transforms on grids of Gauss nodes: python benchmarks/grids.py [--ways] [--threads 1]

Without --ways: whole transforms at 256 x 256 and at 4,096 nodes, what products with whole tables (where these are small enough to be
kept, otherwise the kernels) take over ours, and what the transforms of a Fourier layer of as many numbers take over ours.

With --ways: every way to do the sums along one axis, by size, and what the one that is chosen takes over the fastest.

All that stands in a line is timed in turns, forwards and backwards. On one thread medians of its processor time are shown, to which
other programs add little, and on several the least time on the clock.
"""

import argparse
import contextlib
import itertools
import statistics
import time
from functools import partial

import torch

import specfast as sf
from specfast.ops import grid_lines
from specfast.ops.grid_lines import Axis, Lines

FAMILIES = {
    "Fourier": sf.Fourier(),
    "Chebyshev": sf.Chebyshev(),
    "rational": sf.Rational(),
    "rational, half-line": sf.RationalHalfLine(),
    "Legendre": sf.Legendre(),
    "Hermite": sf.Hermite(),
}
DTYPES = (torch.float32, torch.float64)


def times(functions, seconds=0.03, turns=6):
    """Return the median time of each function, in turns, forwards and backwards."""
    one = torch.get_num_threads() == 1
    clock, typical = (time.thread_time, statistics.median) if one else (time.perf_counter, min)
    calls = {}
    for name, function in functions.items():
        function()
        start = time.perf_counter()
        function()
        calls[name] = max(1, int(seconds / (time.perf_counter() - start)))
    taken = {name: [] for name in functions}
    for turn in range(turns):
        for name in list(functions)[:: 1 if turn % 2 else -1]:
            start = clock()
            for _ in range(calls[name]):
                functions[name]()
            taken[name].append((clock() - start) / calls[name])
    return {name: typical(own) for name, own in taken.items()}


@contextlib.contextmanager
def forced(way):
    """Let all sums along axes be done in this way."""
    chosen = grid_lines.way_of
    grid_lines.way_of = lambda axis, *rest: way(axis, *rest)
    try:
        yield
    finally:
        grid_lines.way_of = chosen


def before(axis, *rest):
    """Return the way in which all was done once: a whole table, or none."""
    return "dense" if axis.nodes * axis.size <= grid_lines._LARGEST_TABLE else "afresh"


def in_the_way(way, function):
    """Return the function in this way."""

    def run():
        with forced(way):
            return function()

    return run


def fourier(values, modes):
    """Return what a Fourier layer does around its product: to as many modes, and back."""
    axes = list(range(2, values.dim()))
    sizes = values.shape[2:]
    transform, inverse = (torch.fft.rfft, torch.fft.irfft) if len(axes) == 1 else (torch.fft.rfft2, torch.fft.irfft2)
    half = modes // 2

    def there():
        spectrum = transform(values)
        if len(axes) == 1:
            return (spectrum[..., :half].contiguous(),)
        return spectrum[..., :half, :half].contiguous(), spectrum[..., -half:, :half].contiguous()

    kept = there()

    def back():
        if len(axes) == 1:
            spectrum = kept[0].new_zeros(*values.shape[:2], sizes[0] // 2 + 1)
            spectrum[..., :half] = kept[0]
            return inverse(spectrum, n=sizes[0])
        spectrum = kept[0].new_zeros(*values.shape[:2], sizes[0], sizes[1] // 2 + 1)
        spectrum[..., :half, :half], spectrum[..., -half:, :half] = kept
        return inverse(spectrum, s=sizes)

    return there, back


def whole():
    """Print the table of whole transforms."""
    print(
        "| grid | functions an axis | dtype | family | to coefficients | before | Fourier | to values | before | Fourier |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    cases = [((4, 8), (256, 256), 64), ((4, 8), (256, 256), 256), ((1, 64), (4096,), 1024), ((1, 64), (4096,), 4096)]
    for (lead, sizes, count), dtype in itertools.product(cases, DTYPES):
        values = torch.randn(*lead, *sizes, dtype=dtype)
        to_modes, from_modes = fourier(values, count)
        for name, family in FAMILIES.items():
            # As many functions, or one less where they come in pairs.
            degree = (count - family.paired) // 2 if family.paired else count - 1
            space = sf.Space([family] * len(sizes), sf.TensorProduct(degree))
            coef = space.project_grid(values)

            def project(space=space, values=values):
                return space.project_grid(values)

            def synthesize(space=space, coef=coef, sizes=sizes):
                return space.synthesize_grid(coef, sizes)

            cells = []
            for own, other in ((project, to_modes), (synthesize, from_modes)):
                found = times({"ours": own, "before": in_the_way(before, own), "Fourier": other})
                cells.append(f"{1e3 * found['ours']:.3g} ms")
                cells += [f"{found[key] / found['ours']:.2f}" for key in ("before", "Fourier")]
            shape = " x ".join(map(str, sizes))
            print(f"| {shape} | {count:,} | {str(dtype)[6:]} | {name} | {' | '.join(cells)} |", flush=True)


def _cost(axis, lines, way):
    return grid_lines.cost_of(way, axis, lines)


def ways():
    """Print the time of every way along one axis, and how much the chosen one misses the fastest."""
    print(
        "nodes functions rows rest dtype family: ms to values, ms to coefficients a way; the chosen one over the fastest"
    )
    worst = 1.0
    shapes = [(rows, rest) for rows, rest in ((8, 1), (64, 1), (1024, 1), (4, 256))]
    sizes = 64, 128, 192, 256, 257, 384, 512, 1024
    for nodes, (rows, rest), dtype, share in itertools.product(sizes, shapes, DTYPES, (1, 2)):
        if nodes * rows * rest > 1 << 20:
            continue
        length = nodes // share
        axis = Axis(sf.Chebyshev(), nodes, length, 0, False)
        series = torch.randn(rows, 1, length, rest, dtype=dtype)
        values = torch.randn(rows, 1, nodes, rest, dtype=dtype)
        lines = Lines(rows * rest, length, rest > 1, dtype, series.device, torch.get_num_threads())
        chosen = grid_lines.way_of(axis, lines)
        several = ("dense", "folded", "fast")
        line = f"{nodes:5} {length:5} {rows:5} {rest:4} {str(dtype)[6:]}:"
        for function in (partial(axis.forward, series), partial(axis.transposed, values, length)):
            found = times({way: in_the_way(lambda *_, way=way: way, function) for way in several}, 0.02, 4)
            # A family without a transform of its own chooses among the first two.
            plain = min(("dense", "folded"), key=partial(_cost, axis, lines))
            misses = found[chosen] / min(found.values()), found[plain] / min(found["dense"], found["folded"])
            worst = max(worst, *misses)
            line += " ".join(f" {way} {1e3 * found[way]:.3f}" for way in several)
            line += f"; {chosen} {misses[0]:.2f}, {plain} {misses[1]:.2f}" + " |"
        print(line, flush=True)
    print(f"the worst choice takes {worst:.2f} times the fastest")


def main():
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--ways", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    ways() if options.ways else whole()


if __name__ == "__main__":
    main()
