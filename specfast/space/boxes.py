r"""Products of fields on an index set as a sum of products on boxes, each on a tensor grid of its own.

A product of two fields, projected, is a sum over triples (j, k, n) of members, of coefficients c_j d_k and integrals of
phi_j phi_k phi_n. Let the level of an entry be 0 for 0, 1 for 1, 2 for 2 and 3, 3 for 4 to 7, .., and the level of a triple the
largest of its three, axis by axis. A box of level a holds the members whose levels are at most a, and the Gauss grid of the box
gives the sum P_a over all its triples. With A the levels of all triples whose integral is not 0, and what is below them,

.. math:: P = \sum_{a \in A} w_a P_a, \qquad w_a = \sum_{z \in \{0, 1\}^D,\, a + z \in A} (-1)^{|z|}

counts every triple once: this is the combination technique of sparse grids (Griebel, Schneider and Zenger, 1992), which is exact
here. Of polynomials the integral is 0 where one degree is above the sum of the two others. A direction of a box is then needed by
two of the three members, so that with n_1 .. n_D <= N in a regular cross no grid has more than about N^(3/2) nodes, and N on two
axes; a whole grid has N^D.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch

from ..families import Family
from ..index_sets import Indices, TensorProduct
from ..kernels import backend
from ..kernels.space_key import SpaceRecord, record
from ..ops.constant_cache import builder, untraced
from ..quadrature import gauss
from ..support.machine import memory

_MOST_STATES = 1 << 22  # of a search for boxes; index sets that need more take the whole grid
_CALL = 200_000  # nodes of a grid whose transforms take as long as the calls for a box


class Box(NamedTuple):
    """A part of an index set: plain values, which a graph can hold."""

    weight: int  # of its product in the sum
    key: str  # of its space
    degrees: tuple[int, ...]  # the largest entries
    whole: bool  # whether it is the index set itself


@untraced
def whole_grid(key: str) -> list[Box]:
    """Return the one box that holds all of an index set."""
    return [Box(1, key, record(key).degrees, True)]


@untraced
@lru_cache(maxsize=64)
def boxes_for_products(key: str, tolerance: float, always: bool = False) -> list[Box]:
    """Return the boxes of a product of two fields on the space: the whole grid alone where that takes less time.

    Integrals of one-dimensional functions, normalised, of at most `tolerance` are taken for 0. `always` keeps the boxes.
    """
    own, whole = record(key), whole_grid(key)
    if own.dim == 1 or isinstance(own.index_set, TensorProduct):
        return whole
    levels = _levels_of_triples(own, tolerance)
    if levels is None:
        return whole
    tops, weights = _weights(levels)
    boxes = [_box(own, top, weight) for top, weight in zip(tops, weights, strict=True)]
    return boxes if always or _work(boxes) < _work(whole) else whole


def _work(boxes: list[Box]) -> float:
    """Return about how long products on boxes take, in nodes of a grid."""
    return sum(_CALL + float(np.prod([1.5 * n + 2 for n in box.degrees])) for box in boxes)


def check_memory(sizes: list[int]) -> None:
    """Raise ValueError where a grid of these sizes does not fit into this machine's memory."""
    need, half = 32.0 * float(np.prod(np.array(sizes, float))), memory() // 2
    if need > half:
        raise ValueError(
            f"a grid of {sizes} nodes needs {need / 2**30:.1f} GiB a row, and half of this machine's memory is"
            f" {half / 2**30:.1f} GiB; a smaller index set, or a larger tolerance, is expected"
        )


# ---------------------------------------------------------------------------------------------- which triples there are


def level(entries: np.ndarray) -> np.ndarray:
    """Return the number of binary digits."""
    return np.frexp(entries.astype(float))[1].astype(np.int64)


@lru_cache(maxsize=64)
def coupled(family: Family, count: int, tolerance: float) -> np.ndarray:
    """Return whether levels (a, b, c) of the first `count` functions have integrals of three above `tolerance`.

    Integrals between degrees of which none is above the sum of the others are taken not to be 0. Others are looked at for the
    first and the last two degrees of every level: where they are not 0 they fall off with the distance from those.
    """
    levels = int(level(np.array(count - 1))) + 1
    first = np.array([0, *(1 << np.arange(levels - 1))])
    last = np.append(first[1:] - 1, count - 1)
    edges = np.stack([first, np.minimum(first + 1, last), np.maximum(last - 1, first), last], 1)
    nodes, scale = family.product_rule(count, 3)
    z, weights = gauss(family, nodes)
    at = torch.from_numpy(z / scale)
    table = backend(at.device).vandermonde(at, count, family.name, 0).numpy()[:, edges.ravel()]
    table = table / np.sqrt(family.norm_squared(count))[edges.ravel()]
    pairs = np.einsum("qj,qk->qjk", table, table).reshape(nodes, -1)
    integrals = (table * (weights * scale ** (-2 * family.power))[:, None]).T @ pairs
    largest = np.abs(integrals).reshape(levels, 4, levels, 4, levels, 4).max((1, 3, 5))
    low, high = np.meshgrid(first, first, first, indexing="ij"), np.meshgrid(last, last, last, indexing="ij")
    reachable = np.ones_like(largest, dtype=bool)
    for one in range(3):
        reachable &= low[one] <= high[one - 1] + high[one - 2]
    found: np.ndarray = reachable | (largest > tolerance)
    return found


def _patterns(couples: np.ndarray, top: int) -> list[tuple[int, int, int]]:
    """Return the triples of levels with largest level `top` that are not 0, of which all others hold one."""
    smallest: list[tuple[int, int]] = []
    for b, c in itertools.product(range(top + 1), repeat=2):
        if c <= b and couples[top, b, c] and not any(x <= b and y <= c for x, y in smallest):
            smallest.append((b, c))
    return sorted({order for b, c in smallest for order in itertools.permutations((top, b, c))})


def _levels_of_triples(space: SpaceRecord, tolerance: float) -> np.ndarray | None:
    """Return which levels (axis by axis) triples of members have, closed downwards; None if there are too many to look at."""
    members = level(space.indices)
    shape = tuple(int(top) + 1 for top in members.max(0))
    if np.prod(np.array(shape, float)) > _MOST_STATES:
        return None
    inside = np.zeros(shape, bool)
    inside[tuple(members.T)] = True
    inside = inside.ravel()
    steps = np.array([int(np.prod(shape[axis + 1 :])) for axis in range(space.dim)])
    # Three members, as far as their entries are chosen, and the levels of the triple, each as one number.
    states = np.zeros((1, 4), np.int64)
    for axis, family in enumerate(space.families):
        couples = coupled(family, space.degrees[axis] + 1, tolerance)
        found = []
        for top in range(shape[axis]):
            for pattern in _patterns(couples, top):
                moved = states + steps[axis] * np.array([*pattern, top])
                moved = moved[inside[moved[:, :3]].all(1)]
                moved[:, :3].sort(1)
                found.append(moved)
        if sum(map(len, found)) > _MOST_STATES:
            return None
        states = np.unique(np.concatenate(found), axis=0)
    levels = np.zeros(len(inside), bool)
    levels[states[:, 3]] = True
    levels = levels.reshape(shape)
    for axis in range(space.dim):
        levels = np.flip(np.maximum.accumulate(np.flip(levels, axis), axis), axis)
    return levels


def _weights(levels: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Return the levels of the boxes whose weight is not 0, (boxes, D), and these."""
    weights = levels.astype(np.int64)
    for axis in range(weights.ndim):
        weights -= np.roll(np.pad(weights, [(0, int(d == axis)) for d in range(weights.ndim)]), -1, axis).take(
            range(weights.shape[axis]), axis
        )
    return np.argwhere(weights), weights[weights != 0].tolist()


def _box(space: SpaceRecord, tops: np.ndarray, weight: int) -> Box:
    """Return the box of a level."""
    degrees = tuple(min((1 << int(top)) - 1, degree) for top, degree in zip(tops, space.degrees, strict=True))
    if degrees == space.degrees:
        return Box(weight, space.key, degrees, True)
    own = _part(space, degrees)
    return Box(weight, own.key, own.degrees, False)


@lru_cache(maxsize=1 << 14)
def _part(space: SpaceRecord, degrees: tuple[int, ...]) -> SpaceRecord:
    """Return the space of the members of at most these degrees; kept, since keys of listed indices live as long as it."""
    chosen = space.indices[(space.indices <= np.array(degrees)).all(1)]
    full = TensorProduct(tuple(int(n) for n in chosen.max(0)))
    return SpaceRecord(space.families, full if full.size(space.dim) == len(chosen) else Indices(chosen))


@builder
def box_positions(space: SpaceRecord, *degrees: int) -> np.ndarray:
    """Return where the members of at most these degrees are in the index set."""
    return np.flatnonzero((space.indices <= np.array(degrees)).all(1))
