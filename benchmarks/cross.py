"""Sums over hyperbolic crosses against the bound and against what one would write oneself: python benchmarks/cross.py.

bound: this machine's multiply-add rate, measured between the timings, over one operation an index. Peers in PyTorch: all
products gathered at once ("gather"), the same in blocks that stay in cache ("blocked"), on up to three axes the coefficients
as a padded tensor contracted axis by axis ("padded"); Numba over the same tree; chaospy where it is installed. Hermite functions, 4,096 points.
"""

import argparse
import math
import statistics
import time

import torch

import specfast as sf
from specfast.kernels import cpu, jit, products

CASES = ((2, 256), (3, 128), (4, 64), (6, 32), (8, 16), (10, 16))
POINTS, LARGEST = 4096, 1 << 30


def rate(dtype):
    """Return multiply-adds a second."""
    started = time.perf_counter()
    done = cpu.multiply_adds(200_000, dtype)
    return done / (time.perf_counter() - started)


def once(work):
    """Return the time of one call in seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def in_turns(kinds, dtype, repeats):
    """Return the median times by name, and those in units of the bound's time for a multiply-add taken in the same turn."""
    for work in kinds.values():
        work()
    times, operations = {name: [] for name in kinds}, {name: [] for name in kinds}
    for _ in range(repeats):
        for name, work in kinds.items():
            before = rate(dtype)
            spent = once(work)
            times[name].append(spent)
            operations[name].append(spent * (before + rate(dtype)) / 2)
    return tuple({name: statistics.median(part) for name, part in kind.items()} for kind in (times, operations))


def timed(work, repeats):
    """Return the median time in seconds."""
    work()
    return statistics.median(once(work) for _ in range(repeats))


class Case:
    """One cross with its points, coefficients and values."""

    def __init__(self, dim, degree, dtype):
        self.set, self.dim = sf.HyperbolicCross(degree), dim
        self.size, self.tree = self.set.size(dim), torch.tensor(self.set.tree(dim))
        self.rest = list(self.set.largest(dim)), ["hermite"] * dim, [0] * dim
        self.z = (8 * torch.rand(1, POINTS, dim, dtype=torch.float64) - 4).to(dtype)
        self.coef = torch.randn(8, self.size, dtype=dtype)
        self.values = torch.randn(8, POINTS, dtype=dtype)

    def synthesize(self, channels, backend=cpu):
        """Return the sums."""
        return backend.product_synthesize(self.coef[:channels], self.z, self.tree, *self.rest)

    def adjoint(self, channels):
        """Return the transposed sums."""
        return cpu.product_adjoint(self.values[:channels], self.z, self.tree, self.size, *self.rest)

    def gradient(self):
        """Return the gradient in z."""
        return cpu.product_gradient(self.coef[:1], self.z, self.tree, *self.rest)

    def backward(self):
        """Return both gradients."""
        return cpu.product_backward(self.values[:1], self.coef[:1], self.z, self.tree, *self.rest)

    def tables(self):
        """Return the functions of every axis."""
        return [cpu.basis(self.z[0, :, d].contiguous(), self.rest[0][d] + 1, "hermite", 0) for d in range(self.dim)]

    def gather(self):
        """Multiply gathered functions for all points and indices at once."""
        indices = products.indices_of(self.tree, self.dim)
        result = torch.ones((), dtype=self.z.dtype)
        for axis, table in enumerate(self.tables()):
            result = result * table[:, indices[:, axis]]
        return result @ self.coef[0]

    def blocked(self):
        """Do the same in blocks that stay in cache."""
        return products.synthesize(cpu.basis, self.coef[:1], self.z, self.tree, *self.rest[1:])

    def padded(self):
        """Contract the padded tensor of coefficients axis by axis."""
        sizes = [n + 1 for n in self.rest[0]]
        whole = torch.zeros(sizes, dtype=self.z.dtype)
        whole[tuple(products.indices_of(self.tree, self.dim).T)] = self.coef[0]
        tables = self.tables()
        result = (tables[0] @ whole.flatten(1)).unflatten(1, sizes[1:])
        for table in tables[1:]:
            result = torch.einsum("mi...,mi->m...", result, table)
        return result


def report(dim, degree, dtype, repeats, peers):
    """Print one case."""
    case = Case(dim, degree, dtype)
    kinds = {
        "synthesize": lambda: case.synthesize(1), "eight channels": lambda: case.synthesize(8),
        "adjoint": lambda: case.adjoint(1), "its eight": lambda: case.adjoint(8), "gradient": case.gradient,
        "backward": case.backward,
    }  # fmt: skip
    times, operations = in_turns(kinds, dtype, repeats)
    one = case.size * POINTS
    nodes = case.size + len(case.tree) + 2 * sum(n + 1 for n in case.rest[0])
    shares = ("synthesize", "eight channels", "adjoint", "its eight")
    share = {name: (8 if "eight" in name else 1) * one / operations[name] for name in shares}
    print(
        f"D={dim} N={degree} K={case.size}: {1e3 * times['synthesize']:.2f} ms, "
        + ", ".join(f"{name} {100 * part:.0f} %" for name, part in share.items())
        + f" of bound ({100 * share['synthesize'] * nodes / case.size:.0f} % of what the runs need);"
        f" gradient {operations['gradient'] / operations['synthesize']:.1f}x,"
        f" forward + backward {1 + operations['backward'] / operations['synthesize']:.1f}x",
        flush=True,
    )
    if not peers:
        return
    rivals = {"Numba": lambda: case.synthesize(1, jit), "blocked": case.blocked}
    if POINTS * case.size * case.z.element_size() * 2 < LARGEST:
        rivals["gather"] = case.gather
    if dim <= 3:
        rivals["padded"] = case.padded
    ours = case.synthesize(1)
    for name, work in rivals.items():
        error = (work().reshape(ours.shape) - ours).abs().max() / ours.abs().max()
        assert error < (1e-4 if dtype == torch.float32 else 1e-11), (name, error)
        rivals[name] = timed(work, 1 if case.size > 30_000 else 3) / timed(lambda: case.synthesize(1), 3)
    print("    " + ", ".join(f"{name} {ratio:.0f}x" for name, ratio in rivals.items()), flush=True)


def chaospy(dim, degree):
    """Print a small total-degree set against chaospy's expansion, which is of polynomials and cannot have many terms."""
    try:
        import chaospy
    except ImportError:
        return
    measure = chaospy.J(*(chaospy.Normal(0, 0.5**0.5) for _ in range(dim)))
    expansion = chaospy.generate_expansion(degree, measure, normed=True)
    space = sf.Space([sf.Hermite()] * dim, sf.TotalDegree(degree))
    points = torch.randn(POINTS, dim, dtype=torch.float64)
    coef = torch.ones(space.size, dtype=torch.float64)
    weight = math.pi ** (-dim / 4) * torch.exp(-points.square().sum(1) / 2)
    ours = space.synthesize(coef, points)
    theirs = torch.from_numpy(expansion(*points.numpy().T).sum(0)) * weight
    assert (theirs - ours).abs().max() < 1e-9 * ours.abs().max()
    ratio = timed(lambda: expansion(*points.numpy().T), 3) / timed(lambda: space.synthesize(coef, points), 9)
    print(f"D={dim}, total degree {degree}, K={space.size}: chaospy {ratio:.0f}x", flush=True)


def main():
    """Print every case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--float32", action="store_true")
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    if not options.no_peers:
        chaospy(3, 8)
        chaospy(6, 4)
    for dim, degree in CASES:
        report(dim, degree, torch.float32 if options.float32 else torch.float64, options.repeats, not options.no_peers)


if __name__ == "__main__":
    main()
