"""Index sets as trees, compiled by Numba: enumeration without a step outside, listing, look-up, neighbours.

A tree is the runs of the last entry in lexicographic order, an array (F, 2) of int32: how many leading entries a run shares
with the one before, and its length. Entries follow from it: the one after the shared ones is one more than before, those
behind it are 0 again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(function: _Function) -> _Function:
    """Have Numba compile a function, once for all processes."""
    return njit(nogil=True, cache=True)(function)  # type: ignore[return-value]


@compiled
def _longest(costs: np.ndarray, gamma: float, room: float, degree: int, total: int, largest: int) -> int:
    """Return the largest n up to `degree` whose cost may be added, by bisection; 0 always may."""
    low, high = 0, degree
    while low < high:
        middle = (low + high + 1) // 2
        if total + costs[middle] - gamma * max(largest, costs[middle]) <= room:
            low = middle
        else:
            high = middle - 1
    return low


@compiled
def _least_steps(costs: np.ndarray, degrees: np.ndarray, depth: int) -> np.ndarray:
    """Return for every axis the least cost of an entry 1 on it or on a later one, the last left out."""
    least = np.full(depth + 1, np.int64(2) ** 62)
    for d in range(depth - 1, -1, -1):
        own = costs[d, 1] if degrees[d] > 0 else least[d + 1]
        least[d] = min(own, least[d + 1])
    return least


@compiled
def grow(
    costs: np.ndarray, degrees: np.ndarray, gamma: float, room: float, begin: int, end: int
) -> tuple[np.ndarray, np.ndarray, int, int, int]:
    """Return a part of the tree of all n with n_d <= degrees_d and sum_d costs_d[n_d] - gamma max_d costs_d[n_d] <= room.

    The part holds the runs that begin when `begin` to `end` - 1 nodes of the tree have been passed. Also returned: the leading
    entries of its first run, how many indices were before it, and how many indices and nodes there are (as far as looked at).

    Costs do not decrease along n_d and begin with 0. Only entries that are not 0 are kept: axes[:count], with the sum and the
    largest of their costs. Cost: a few steps a run and axis on which it might go on.
    """
    depth = len(degrees) - 1
    least = _least_steps(costs, degrees, depth)
    entry, axes = np.zeros(depth + 1, np.int64), np.zeros(depth + 1, np.int64)
    totals, largests = np.zeros(depth + 2, np.int64), np.zeros(depth + 2, np.int64)
    runs = np.empty((1024, 2), np.int32)
    fibers, size, nodes, shared, count = 0, 0, 0, 0, 0
    first, before = np.zeros(depth, np.int32), 0
    while True:
        if nodes >= end:
            return runs[:fibers].copy(), first, before, size, nodes
        length = _longest(costs[depth], gamma, room, degrees[depth], totals[count], largests[count]) + 1
        if nodes >= begin:
            if fibers == 0:
                before = size
                for i in range(count):
                    first[axes[i]] = entry[axes[i]]
            if fibers == len(runs):
                more = np.empty((2 * fibers, 2), np.int32)
                more[:fibers] = runs
                runs = more
            runs[fibers, 0], runs[fibers, 1] = shared, length
            fibers += 1
        size += length
        nodes += length + depth - shared
        # The last axis whose entry can grow: entries behind it become 0.
        behind, n = depth, 0
        while n == 0:
            top = axes[count - 1] if count > 0 else -1
            step = least[top + 1]
            if totals[count] + step - gamma * max(largests[count], step) <= room:
                shared = behind - 1
                while shared > top and n == 0:
                    n = min(
                        1, _longest(costs[shared], gamma, room, min(1, degrees[shared]), totals[count], largests[count])
                    )
                    shared -= 1
                shared += 1
            if n == 0:
                if count == 0:
                    return runs[:fibers].copy(), first, before, size, nodes
                count, shared, behind = count - 1, top, top
                following = entry[top] + 1
                if following <= degrees[top]:
                    cost = costs[top, following]
                    if totals[count] + cost - gamma * max(largests[count], cost) <= room:
                        n = following
        cost = costs[shared, n]
        entry[shared], axes[count] = n, shared
        totals[count + 1], largests[count + 1] = totals[count] + cost, max(largests[count], cost)
        count += 1


def nodes_before(runs: np.ndarray, dim: int) -> np.ndarray:
    """Return how many nodes of a tree come before each run, and at the end how many there are."""
    return np.concatenate([[0], np.cumsum(runs[:, 1] + (dim - 1) - runs[:, 0], dtype=np.int64)])


@compiled
def _advance(runs: np.ndarray, fiber: int, entry: np.ndarray) -> None:
    """Take entries from those of the run before to those of a run."""
    if fiber > 0:
        shared = runs[fiber, 0]
        entry[shared] += 1
        entry[shared + 1 :] = 0


@compiled
def leading_entries(runs: np.ndarray, dim: int, fibers: np.ndarray) -> np.ndarray:
    """Return the leading entries (len(fibers), dim - 1) of some runs, given in order."""
    entry, out = np.zeros(dim - 1, np.int32), np.zeros((len(fibers), dim - 1), np.int32)
    place = 0
    for fiber in range(len(runs)):
        _advance(runs, fiber, entry)
        while place < len(fibers) and fibers[place] == fiber:
            out[place] = entry
            place += 1
    return out


@compiled
def list_indices(runs: np.ndarray, out: np.ndarray) -> None:
    """Write the indices of a tree into (K, D)."""
    dim = out.shape[1]
    entry = np.zeros(dim, np.int64)
    place = 0
    for fiber in range(len(runs)):
        _advance(runs, fiber, entry)
        for n in range(runs[fiber, 1]):
            for d in range(dim - 1):
                out[place, d] = entry[d]
            out[place, dim - 1] = n
            place += 1


@compiled
def largest_entries(runs: np.ndarray, dim: int) -> np.ndarray:
    """Return the largest entry along every axis."""
    entry, largest = np.zeros(dim, np.int64), np.zeros(dim, np.int64)
    for fiber in range(len(runs)):
        if fiber > 0:
            shared = runs[fiber, 0]
            entry[shared] += 1
            largest[shared] = max(largest[shared], entry[shared])
            entry[shared + 1 :] = 0
        largest[dim - 1] = max(largest[dim - 1], runs[fiber, 1] - 1)
    return largest


@compiled
def from_indices(indices: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the tree of sorted indices (K, D), or of those before the first that a tree cannot have, and how many these are."""
    size, dim = indices.shape
    runs = np.empty((size, 2), np.int32)
    fibers = 0
    for place in range(size):
        shared = 0
        if place > 0:
            while shared < dim and indices[place, shared] == indices[place - 1, shared]:
                shared += 1
            if shared == dim:
                return runs[:fibers].copy(), place
            if indices[place, shared] != indices[place - 1, shared] + 1:
                return runs[:fibers].copy(), place
            for d in range(shared + 1, dim):
                if indices[place, d] != 0:
                    return runs[:fibers].copy(), place
        else:
            for d in range(dim):
                if indices[0, d] != 0:
                    return runs[:0].copy(), 0
        if place > 0 and shared == dim - 1:
            runs[fibers - 1, 1] += 1
        else:
            runs[fibers, 0], runs[fibers, 1] = shared, 1
            fibers += 1
    return runs[:fibers].copy(), size


@compiled
def _compare(first: np.ndarray, second: np.ndarray) -> int:
    for d in range(len(first)):
        if first[d] != second[d]:
            return -1 if first[d] < second[d] else 1
    return 0


@compiled
def find(indices: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return where each row of `wanted` is among sorted indices; -1 where it is not."""
    places = np.empty(len(wanted), np.int64)
    for i in range(len(wanted)):
        low, high = 0, len(indices)
        while low < high:
            middle = (low + high) // 2
            if _compare(indices[middle], wanted[i]) < 0:
                low = middle + 1
            else:
                high = middle
        found = low < len(indices) and _compare(indices[low], wanted[i]) == 0
        places[i] = low if found else -1
    return places


@compiled
def first_gap(indices: np.ndarray) -> tuple[int, int]:
    """Return the first index of which a smaller neighbour is missing, and along which axis; (-1, -1) if there is none."""
    below = np.empty((1, indices.shape[1]), indices.dtype)
    for place in range(len(indices)):
        for d in range(indices.shape[1]):
            if indices[place, d] > 0:
                below[0] = indices[place]
                below[0, d] -= 1
                if find(indices[:place], below)[0] < 0:
                    return place, d
    return -1, -1


@compiled
def neighbours(indices: np.ndarray) -> np.ndarray:
    """Return the indices outside of a downward-closed set of which all smaller neighbours are inside."""
    size, dim = indices.shape
    out = np.empty((16, dim), indices.dtype)
    count = 0
    ahead, below = np.empty((1, dim), indices.dtype), np.empty((1, dim), indices.dtype)
    for place in range(size):
        for axis in range(dim):
            # Each is found once: from below along its last positive entry.
            last = True
            for d in range(axis + 1, dim):
                last = last and indices[place, d] == 0
            if not last:
                continue
            ahead[0] = indices[place]
            ahead[0, axis] += 1
            if find(indices, ahead)[0] >= 0:
                continue
            inside = True
            for d in range(dim):
                if inside and d != axis and ahead[0, d] > 0:
                    below[0] = ahead[0]
                    below[0, d] -= 1
                    inside = find(indices, below)[0] >= 0
            if inside:
                if count == len(out):
                    more = np.empty((2 * count, dim), indices.dtype)
                    more[:count] = out
                    out = more
                out[count] = ahead[0]
                count += 1
    return out[:count].copy()
