"""What does a product of two fields cost? Time against the number of coefficients, on one axis and on crosses.

python benchmarks/products.py [--quick] [--whole NODES] [--axes D ..] [--out FOLDER]

Products of Legendre and Hermite fields with random coefficients, one thread: by `Space.multiply`, on the whole tensor grid, and
by the sum over all triples of functions, a matrix of K^3 numbers, where that fits. Prints tables, and writes products.png.
"""

import argparse
import math
import statistics
import time
from pathlib import Path

import torch

import specfast as sf
from specfast.space.boxes import boxes_for_products, whole_grid

LARGEST, LARGEST_SUM = 2e7, 500  # nodes, and K


def seconds(call, repeats):
    """Return the median of the times of a call."""
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def triples(space):
    """Return the integrals of all triples of functions, (K, K, K)."""
    product = torch.ones((space.size,) * 3, dtype=torch.float64)
    for axis, family in enumerate(space.families):
        line = sf.Space(family.with_degree(space.degrees[axis]))
        unit = torch.eye(line.size, dtype=torch.float64)
        own = torch.from_numpy(space.indices[:, axis].astype("int64"))
        product *= line.multiply(unit[:, None], unit)[own][:, own][:, :, own]
    return product


def measured(space, repeats, largest_whole):
    """Return a row of the table: K, boxes, nodes, times and how far the ways differ."""
    c, d = torch.randn(2, space.size, dtype=torch.float64)
    chosen = boxes_for_products(space.key, 1e-13)
    row = {"size": space.size, "boxes": len(chosen)}
    row["nodes"] = sum(math.prod(3 * (n + 1) // 2 + 1 for n in box.degrees) for box in chosen)
    row["multiply"] = seconds(lambda: space.multiply(c, d), repeats)
    if math.prod(1.5 * n + 2 for n in space.degrees) < largest_whole:
        row["whole grid"] = seconds(lambda: space._products(c, d, whole_grid(space.key)), repeats)
        whole = space._products(c, d, whole_grid(space.key))
        row["differ"] = float((space._products(c, d, chosen) - whole).norm() / whole.norm())
    if space.size <= LARGEST_SUM:
        every = triples(space)
        row["sum"] = seconds(lambda: torch.einsum("j,k,jkn->n", c, d, every), repeats)
    return row


def main():
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small spaces alone")
    parser.add_argument("--whole", type=float, default=7e6, help="nodes of the largest tensor grid that is measured")
    parser.add_argument("--axes", type=int, nargs="+", default=[1, 2, 3, 4, 6], help="numbers of axes")
    parser.add_argument("--out", default=".", help="folder of the figure")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    lines = [16, 64, 256] if options.quick else [16, 64, 256, 500, 1000, 2000, 4000]
    crosses = {
        2: [16, 64] if options.quick else [16, 32, 64, 128, 256, 512, 1024, 2048],
        3: [8, 16] if options.quick else [8, 16, 32, 64, 128, 256],
        4: [4, 8] if options.quick else [4, 6, 8, 12, 16, 24, 32, 48, 64, 96],
        6: [2, 3] if options.quick else [3, 4, 6, 8],
    }
    found = {}
    print("family    axes degree      K boxes      nodes  multiply  whole grid       sum   differ")
    for family in (sf.Legendre(), sf.Hermite()):
        cases = [(1, degree, sf.TensorProduct(degree)) for degree in lines if 1 in options.axes]
        cases += [
            (dim, degree, sf.HyperbolicCross(degree))
            for dim in crosses
            if dim in options.axes
            for degree in crosses[dim]
        ]
        for dim, degree, index_set in cases:
            space = sf.Space([family] * dim, index_set)
            nodes = sum(math.prod(1.5 * n + 2 for n in box.degrees) for box in boxes_for_products(space.key, 1e-13))
            if nodes > LARGEST:
                continue
            row = measured(space, 3 if nodes > 1e6 else 7, options.whole)
            found.setdefault((family.name, dim), []).append(row)
            times = [
                f"{1e3 * row[key]:8.2f}ms" if key in row else " " * 10 for key in ("multiply", "whole grid", "sum")
            ]
            print(
                f"{family.name:9s}{dim:5d}{degree:7d}{row['size']:7d}{row['boxes']:6d}{row['nodes']:11d}",
                *times,
                end=" ",
            )
            print(f"{row['differ']:.0e}" if "differ" in row else "", flush=True)
    if {2, 4} <= set(options.axes):
        draw(found, Path(options.out) / "products.png")


def draw(found, path):
    """Draw time against K, a panel a number of axes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
    for panel, dim in zip(panels, (2, 4), strict=True):
        for name, colour in (("legendre", "C0"), ("hermite", "C1")):
            for way, style in (("multiply", "o-"), ("whole grid", "^:"), ("sum", "s--")):
                if way == "sum" and name == "hermite":
                    continue
                rows = [row for row in found[name, dim] if way in row]
                label = f"{way}, {name.capitalize()}" if way != "sum" else "sum over all triples"
                panel.loglog(
                    [r["size"] for r in rows],
                    [r[way] for r in rows],
                    style,
                    color=colour if way != "sum" else "C2",
                    label=label,
                    ms=4,
                )
        panel.set(title=f"regular crosses, {dim} axes", xlabel="coefficients K")
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("seconds a product")
    panels[0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
