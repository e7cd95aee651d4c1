"""Which index set? Error against the number of coefficients, for crosses of nine shapes and for sets grown from the data.

python examples/index_sets.py [--quick] [--out FOLDER]

Fields in 2, 3, 4 and 6 dimensions: an isotropic Gaussian packet, one that is stretched and wavy along one axis, and a sum of parts that
depend on two axes each. Points are normal, four an unknown and at least 400; the error is that on 4,000 others, relative. Prints a table
with times and peak memory, and writes index_sets.png.
"""

import argparse
import math
import resource
import time
from pathlib import Path

import numpy as np
import torch

import specfast as sf

SPREAD = 1.2  # of the points


def isotropic(x):
    """A packet that is the same along every axis, off centre and not of the functions' own width."""
    return np.exp(-0.8 * ((x - 0.3) ** 2).sum(1))


def anisotropic(x):
    """A packet with waves along the first axis."""
    return np.exp(-0.5 * (x**2).sum(1)) * np.cos(2.5 * x[:, 0] + 0.4 * x[:, 1])


def pairs(x):
    """A Gaussian times a sum of parts that depend on two neighbouring axes each."""
    parts = [np.sin(x[:, d] * x[:, (d + 1) % x.shape[1]]) / (d + 1) for d in range(x.shape[1])]
    return np.exp(-0.5 * (x**2).sum(1)) * (1 + np.sum(parts, 0))


FIELDS = {"isotropic": isotropic, "anisotropic": anisotropic, "sum of pairs": pairs}


def errors(field, dim, budget, generator):
    """Return (label, size, error, seconds) for every kind of set."""
    families = [sf.Hermite()] * dim
    points = generator.normal(0, SPREAD, (max(400, 4 * budget), dim))
    tested = generator.normal(0, SPREAD, (4000, dim))
    values, truth = field(points), field(tested)
    kinds = {
        f"{gamma:g}": lambda gamma=gamma: sf.adapt.largest_within(lambda n: sf.HyperbolicCross(n, gamma), dim, budget)
        for gamma in sf.adapt.GAMMAS
    }
    kinds["grown"] = lambda: sf.adapt.grow_index_set(values, points, budget, families)
    for label, make in kinds.items():
        started = time.perf_counter()
        index_set = make()
        space = sf.Space(families, index_set)
        coef = space.fit(values, points, ridge=1e-10 * len(points))
        wrong = np.linalg.norm(space.synthesize(coef, tested) - truth) / np.linalg.norm(truth)
        yield label, space.size, wrong, time.perf_counter() - started


def figure(rows, path):
    """Draw error against size, a panel a field and dimension."""
    import matplotlib.pyplot as plt

    dims, names = sorted({row[1] for row in rows}), list(FIELDS)
    figure, axes = plt.subplots(
        len(names), len(dims), figsize=(3.2 * len(dims), 2.6 * len(names)), squeeze=False, layout="constrained"
    )
    labels = list(dict.fromkeys(row[2] for row in rows))
    for i, name in enumerate(names):
        for j, dim in enumerate(dims):
            for k, label in enumerate(labels):
                own = [(row[3], row[4]) for row in rows if row[:3] == (name, dim, label)]
                style = {"color": "black", "lw": 2} if label == "grown" else {"color": plt.get_cmap("viridis")(k / 9)}
                axes[i, j].loglog(*zip(*own, strict=True), marker=".", label=label, **style)
            axes[i, j].set_title(f"{name}, {dim} axes", fontsize=9)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right upper", fontsize=8, title="gamma")
    figure.supxlabel("coefficients")
    figure.supylabel("relative error")
    figure.savefig(path, dpi=110)


def main():
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="2 and 3 axes, up to 100 coefficients")
    parser.add_argument("--out", type=Path, default=Path())
    options = parser.parse_args()
    dims, budgets = ((2, 3), (30, 100)) if options.quick else ((2, 3, 4, 6), (30, 100, 300, 1000))
    generator, rows = np.random.default_rng(0), []
    torch.manual_seed(0)
    for name, field in FIELDS.items():
        for dim in dims:
            for budget in budgets:
                found = list(errors(field, dim, budget, generator))
                rows += [(name, dim, *row) for row in found]
                best = min(found[:-1], key=lambda row: row[2] if math.isfinite(row[2]) else math.inf)
                print(
                    f"{name:12} {dim} axes, up to {budget:4}: best cross gamma {best[0]:>5} {100 * best[2]:9.4f} %,"
                    f" grown {100 * found[-1][2]:9.4f} % ({best[3]:.2f} and {found[-1][3]:.2f} s)",
                    flush=True,
                )
    options.out.mkdir(parents=True, exist_ok=True)
    figure(rows, options.out / "index_sets.png")
    print(
        f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB; {options.out / 'index_sets.png'}"
    )


if __name__ == "__main__":
    main()
