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
import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch

from ..families import Family
from ..index_sets import TensorProduct
from ..kernels import backend
from ..kernels.space_key import SpaceRecord, record
from ..ops.constant_cache import builder, untraced
from ..quadrature import gauss
from ..support.machine import memory

_MOST_STATES = 1 << 22  # of a search for boxes; index sets that need more take the whole grid
_PARTS = 2  # of a level, by which members are told apart
# Of a product on one grid, in multiplications, as measured: what a node costs besides the transforms, and a box, for its calls.
_NODE, _CALL = 64, 1_300_000


class Box(NamedTuple):
    """The members of an index set up to some degrees: plain values, which a graph can hold."""

    weight: int  # of its product in the sum
    key: str  # of the space of all indices up to these degrees, or of the index set itself
    degrees: tuple[int, ...]
    whole: bool  # whether it is the index set itself


@untraced
def whole_grid(key: str) -> list[Box]:
    """Return the one box that holds all of an index set."""
    return [Box(1, key, record(key).degrees, True)]


@untraced
def boxes_for_products(key: str, tolerance: float, always: bool = False) -> list[Box]:
    """Return the boxes of a product of two fields on the space: the whole grid alone where that takes less time.

    Integrals of one-dimensional functions, normalised, of at most `tolerance` are taken for 0. `always` keeps the boxes.
    """
    return _found_boxes(key, tolerance, always)


@lru_cache(maxsize=64)
def _found_boxes(key: str, tolerance: float, always: bool) -> list[Box]:
    own, whole = record(key), whole_grid(key)
    if own.dim == 1 or isinstance(own.index_set, TensorProduct) or any(family.paired for family in own.families):
        return whole
    levels = _levels_of_triples(own, tolerance)
    if levels is None:
        return whole
    boxes = []
    for tops, weight in zip(*_weights(levels), strict=True):
        ends = [[*(starts(degree) - 1)[1:].tolist(), degree] for degree in own.degrees]
        degrees = tuple(end[top] for end, top in zip(ends, tops, strict=True))
        boxes.append(Box(weight, SpaceRecord(own.families, TensorProduct(degrees)).key, degrees, False))
    return boxes if always or _work(boxes) < _work(whole) else whole


def _work(boxes: list[Box]) -> float:
    """Return about how long products on boxes take, in multiplications of the transforms; of the whole set most is its last step."""
    work = 0.0
    for box in boxes:
        counts = np.array(box.degrees, float) + 1
        sizes = 1.5 * counts + 1
        steps = np.cumprod(counts) * np.cumprod(sizes[::-1])[::-1]
        work += steps[0] + _NODE * sizes.prod() if box.whole else steps.sum() + 2 * _NODE * sizes.prod() + _CALL
    return work


@untraced
def within_memory(sizes: tuple[int, ...]) -> list[int]:
    """Return the sizes of a grid, or raise ValueError where it does not fit into this machine's memory."""
    need, half = 32.0 * math.prod(map(float, sizes)), memory() // 2
    if need > half:
        raise ValueError(
            f"a grid of {' x '.join(map(str, sizes))} nodes needs {need / 2**30:.1f} GiB a row, and half of this machine's memory"
            f" is {half / 2**30:.1f} GiB; a smaller index set or fewer axes are expected"
        )
    return list(sizes)


# ---------------------------------------------------------------------------------------------- which triples there are


def starts(degree: int, parts: int = 1) -> np.ndarray:
    """Return the first degree of every level, or of every one of some parts of it: 0, 1, 2, 4, .. and what lies between."""
    octaves = [2**octave * (parts + part) / parts for octave in range(degree.bit_length()) for part in range(parts)]
    first = sorted({0, *map(math.ceil, octaves)})
    return np.array([n for n in first if n <= degree])


def level(entries: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return which level every entry has."""
    return np.searchsorted(first, entries, side="right") - 1


@lru_cache(maxsize=64)
def coupled(family: Family, degree: int, tolerance: float, parts: int = _PARTS) -> np.ndarray:
    """Return whether levels (a, b, c) of functions up to a degree have integrals of three above `tolerance`.

    Integrals between degrees of which none is above the sum of the others are taken not to be 0. Others are looked at for the
    first and the last two degrees of every level: where they are not 0 they fall off with the distance from those.
    """
    first = starts(degree, parts)
    last = np.append(first[1:] - 1, degree)
    edges = np.stack([first, np.minimum(first + 1, last), np.maximum(last - 1, first), last], 1)
    used, places = np.unique(edges, return_inverse=True)
    nodes, scale = family.product_rule(degree + 1, 3)
    z, weights = gauss(family, nodes)
    kernels = backend(torch.device("cpu"))
    # A few of all functions, block by block.
    blocks = torch.from_numpy(z / scale).split(max(1, (1 << 22) // (degree + 1)))
    tables = [kernels.vandermonde(block, degree + 1, family.name, 0).numpy()[:, used] for block in blocks]
    values = np.concatenate(tables).T / np.sqrt(family.norm_squared(degree + 1)[used])[:, None]
    weighted = values * (weights * scale ** (-2 * family.power))
    integrals = np.abs(np.stack([(weighted * one) @ values.T for one in values]))
    for axis in range(3):
        integrals = np.maximum.reduceat(integrals.take(places.ravel(), axis), 4 * np.arange(len(first)), axis)
    low, high = np.meshgrid(first, first, first, indexing="ij"), np.meshgrid(last, last, last, indexing="ij")
    reachable = np.ones_like(integrals, dtype=bool)
    for one in range(3):
        reachable &= low[one] <= high[one - 1] + high[one - 2]
    rounding = 4 * np.finfo(float).eps * (degree + 1)
    found: np.ndarray = reachable | (integrals > max(tolerance, rounding))
    return found


def _patterns(couples: np.ndarray, tops: range) -> list[tuple[int, ...]]:
    """Return the triples with one of these levels as the largest that are not 0, of which all others hold one."""
    smallest: list[tuple[int, ...]] = []
    for top in tops:
        for b, c in itertools.product(range(top + 1), repeat=2):
            held = any(x <= top and y <= b and z <= c for x, y, z in smallest)
            if c <= b and couples[top, b, c] and not held:
                smallest.append((top, b, c))
    return sorted({order for triple in smallest for order in itertools.permutations(triple)})


def _levels_of_triples(space: SpaceRecord, tolerance: float) -> np.ndarray | None:
    """Return which levels (axis by axis) triples of members have, closed downwards; None if there are too many to look at.

    Members are told apart by parts of levels: (8, 7, 1) and (8, 4, 4) are triples, (8, 4, 1) is none.
    """
    fine = [starts(degree, _PARTS) for degree in space.degrees]
    coarse = [starts(degree) for degree in space.degrees]
    members = np.stack([level(space.indices[:, axis], first) for axis, first in enumerate(fine)], 1)
    shape, wide = tuple(map(len, coarse)), tuple(map(len, fine))
    if np.prod(np.array(wide, float)) > _MOST_STATES:
        return None
    inside = np.zeros(wide, bool)
    inside[tuple(members.T)] = True
    inside = inside.ravel()
    # Three members, as far as their entries are chosen, and the levels of the triple, each as one number.
    states = np.zeros((1, 4), np.int64)
    for axis, family in enumerate(space.families):
        couples = coupled(family, space.degrees[axis], tolerance)
        steps = np.array([math.prod(wide[axis + 1 :])] * 3 + [math.prod(shape[axis + 1 :])])
        found = []
        ends = [*np.searchsorted(fine[axis], coarse[axis]).tolist(), wide[axis]]
        for top in range(shape[axis]):
            for pattern in _patterns(couples, range(ends[top], ends[top + 1])):
                moved = states + steps * np.array([*pattern, top])
                moved = moved[inside[moved[:, :3]].all(1)]
                moved[:, :3].sort(1)
                found.append(moved)
        if sum(map(len, found)) > _MOST_STATES:
            return None
        states = np.unique(np.concatenate(found), axis=0)
    levels = np.zeros(math.prod(shape), bool)
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


@builder
def box_members(space: SpaceRecord, *degrees: int) -> np.ndarray:
    """Return where the members of at most these degrees are in the index set."""
    return np.flatnonzero((space.indices <= np.array(degrees)).all(1))


@builder
def box_places(space: SpaceRecord, *degrees: int) -> np.ndarray:
    """Return where these members are among all indices of at most these degrees."""
    chosen = space.indices[box_members(space, *degrees)].astype(np.int64)
    places: np.ndarray = np.ravel_multi_index(tuple(chosen.T), tuple(n + 1 for n in degrees))
    return places.astype(np.int64)
