"""Sums over index trees by Numba: inside out, a few points side by side.

Cost: one FMA an index, one an inner node of the tree, and the tables of the one-dimensional functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numba import njit
from torch import Tensor

_TILE = 16
_compiled = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "reassoc"})
Vandermonde = Callable[[Tensor, int, str, int], Tensor]


@_compiled
def _sum_tile(runs, tables, coef, levels, result):
    """Write the sums at a tile of points to result (P,); tables (D, degrees, P), levels (D, P)."""
    dim, points = tables.shape[0], tables.shape[2]
    entry = np.zeros(dim, np.int64)
    place = 0
    for fiber in range(len(runs)):
        result[:] = 0.0
        for n in range(runs[fiber, 1]):
            own = coef[place]
            for i in range(points):
                result[i] += own * tables[dim - 1, n, i]
            place += 1
        level = runs[fiber + 1, 0] if fiber + 1 < len(runs) else -1
        for d in range(dim - 2, -1, -1):
            for i in range(points):
                result[i] *= tables[d, entry[d], i]
            if entry[d] != 0:
                for i in range(points):
                    result[i] += levels[d, i]
            if d == level:
                break
            entry[d] = 0
        if level >= 0:
            levels[level] = result
            entry[level] += 1


@_compiled
def _spread_tile(runs, tables, levels, sums):
    """Add a tile to sums (K,); levels (D, P) begins with the values."""
    dim, points = tables.shape[0], tables.shape[2]
    entry = np.zeros(dim, np.int64)
    place = 0
    for fiber in range(len(runs)):
        level = runs[fiber, 0]
        if fiber > 0:
            entry[level] += 1
            entry[level + 1 :] = 0
        for d in range(level, dim - 1):
            for i in range(points):
                levels[d + 1, i] = levels[d, i] * tables[d, entry[d], i]
        for n in range(runs[fiber, 1]):
            total = 0.0
            for i in range(points):
                total += levels[dim - 1, i] * tables[dim - 1, n, i]
            sums[place] += total
            place += 1


class _Problem:
    """Rows of a broadcast problem in float64, and tables of one tile of points after another."""

    def __init__(
        self,
        vandermonde: Vandermonde,
        other: Tensor,
        z: Tensor,
        degrees: Sequence[int],
        families: Sequence[str],
        orders: Sequence[int],
    ):
        self.vandermonde, self.degrees, self.families, self.orders = vandermonde, degrees, families, orders
        self.lead = torch.broadcast_shapes(other.shape[:-1], z.shape[:-2])
        self.z = z.reshape(z.shape[:-2].numel(), *z.shape[-2:])
        self.row = torch.arange(len(self.z)).reshape(z.shape[:-2]).expand(self.lead).reshape(-1)
        wide = other.double().expand(*self.lead, -1)
        self.other = wide.reshape(self.lead.numel(), other.shape[-1]).contiguous().numpy()

    def tiles(self):  # type: ignore[no-untyped-def]
        """Yield rows that share their points, the slice of these, and the tables (D, degrees, P) there."""
        dim, wide = len(self.degrees), max(self.degrees) + 1
        for row in range(len(self.z)):
            users = (self.row == row).nonzero()[:, 0].tolist()
            for begin in range(0, self.z.shape[1], _TILE):
                part = slice(begin, min(begin + _TILE, self.z.shape[1]))
                tables = np.zeros((dim, wide, part.stop - begin))
                for d, (degree, family, order) in enumerate(zip(self.degrees, self.families, self.orders, strict=True)):
                    own = self.vandermonde(self.z[row, part, d].contiguous(), degree + 1, family, order)
                    tables[d, : degree + 1] = own.double().numpy().T
                yield users, part, tables


def synthesize(
    vandermonde: Vandermonde, coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: Sequence[str], orders: Sequence[int]
) -> Tensor:  # fmt: skip
    """Return the sums (..., M) for coef (..., K), z (..., M, D)."""
    problem, runs = _Problem(vandermonde, coef, z, degrees, families, orders), tree.numpy()
    result = np.empty((problem.lead.numel(), z.shape[-2]))
    for users, part, tables in problem.tiles():
        levels = np.empty((len(degrees), tables.shape[2]))
        for user in users:
            _sum_tile(runs, tables, problem.other[user], levels, result[user, part])
    return torch.from_numpy(result).reshape(*problem.lead, z.shape[-2]).to(z.dtype)


def adjoint(
    vandermonde: Vandermonde, values: Tensor, z: Tensor, tree: Tensor, size: int, degrees: Sequence[int], families: Sequence[str],
    orders: Sequence[int],
) -> Tensor:  # fmt: skip
    """Return the sums (..., K) over the points for values (..., M), z (..., M, D)."""
    problem, runs = _Problem(vandermonde, values, z, degrees, families, orders), tree.numpy()
    result = np.zeros((problem.lead.numel(), size))
    for users, part, tables in problem.tiles():
        levels = np.empty((len(degrees), tables.shape[2]))
        for user in users:
            levels[0] = problem.other[user, part]
            _spread_tile(runs, tables, levels, result[user])
    return torch.from_numpy(result).reshape(*problem.lead, size).to(z.dtype)
