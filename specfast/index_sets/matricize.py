"""Coefficients over an index set as a matrix, leading times trailing indices, cut into full rectangles. Plain values.

The trailing entries that may follow a leading index make its section. A cross has few different sections, so rows with the same one
make a rectangle without a gap, and a sum over the set is a few matrix products between products of functions of the leading and
of the trailing axes: one FMA an index, as along the tree, but with as much reuse as a matrix product has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .enumerate import compiled, leading_entries, list_indices

_SMALL = 4096  # numbers of a rectangle up to which gaps are cheaper than one rectangle more
_GAPS = 1.15  # how much larger than its indices a rectangle may be otherwise


@dataclass(frozen=True)
class Rectangle:
    """Rows `begin` to `end` of the leading indices with the same columns; `first` is where its numbers begin in `order`."""

    begin: int
    end: int
    columns: np.ndarray  # in the trailing indices, ascending
    first: int

    @property
    def size(self) -> int:
        """How many numbers it has, gaps among them."""
        return (self.end - self.begin) * len(self.columns)


@dataclass(frozen=True)
class Unfolding:
    """Leading (A, s) and trailing (B, D - s) indices, and rectangles of rows of the first with columns of the second.

    `order` has for every number of the rectangles, row by row, which coefficient it is, K in gaps; `inverse` (K) where each is.
    """

    leading: np.ndarray
    trailing: np.ndarray
    rectangles: tuple[Rectangle, ...]
    order: np.ndarray
    inverse: np.ndarray


@compiled
def _mixed(value: np.uint64, number: int) -> np.uint64:
    value = (value ^ np.uint64(number)) * np.uint64(0x9E3779B97F4A7C15)
    return value ^ (value >> np.uint64(29))


@compiled
def _sections(runs: np.ndarray, split: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return where leading indices of `split` entries begin among the runs, and a hash of each one's section."""
    begins = np.empty(len(runs) + 1, np.int64)
    hashes = np.empty(len(runs), np.uint64)
    count, value = 0, np.uint64(0)
    for run in range(len(runs)):
        if run == 0 or runs[run, 0] < split:
            begins[count] = run
            count += 1
            value = np.uint64(seed)
        else:
            value = _mixed(value, runs[run, 0] + 1)
        value = _mixed(value, -1 - runs[run, 1])
        hashes[count - 1] = value
    begins[count] = len(runs)
    return begins[: count + 1].copy(), hashes[:count].copy()


@compiled
def _agree(runs: np.ndarray, begins: np.ndarray, representative: np.ndarray) -> bool:
    """Whether every section is equal to the one that stands for it."""
    for row in range(len(begins) - 1):
        own, other = begins[row], begins[representative[row]]
        length = begins[row + 1] - own
        if begins[representative[row] + 1] - other != length:
            return False
        for i in range(length):
            if runs[own + i, 1] != runs[other + i, 1] or (i > 0 and runs[own + i, 0] != runs[other + i, 0]):
                return False
    return True


def _classes(runs: np.ndarray, split: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where leading indices begin among the runs, the first one of every kind of section, and each one's kind."""
    for seed in range(64):
        begins, hashes = _sections(runs, split, seed)
        _, first, kind = np.unique(hashes, return_index=True, return_inverse=True)
        if _agree(runs, begins, first[kind]):
            return begins, first, kind
    raise RuntimeError("tree: 64 hashes of its sections collide")  # pragma: no cover - 2^-64 each


def _listed(runs: np.ndarray, split: int, dim: int, begin: int, end: int) -> np.ndarray:
    """Return the trailing indices of a section."""
    own = runs[begin:end].copy()
    own[:, 0] -= split
    own[0, 0] = 0
    out = np.empty((int(own[:, 1].sum()), dim - split), np.int32)
    list_indices(own, out)
    return out


def _lists(
    runs: np.ndarray, split: int, dim: int, begins: np.ndarray, first: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return all trailing indices and for every kind of section which of them it has, in lexicographic order."""
    lists = [_listed(runs, split, dim, begins[row], begins[row + 1]) for row in first]
    all_of_them, places = np.unique(np.concatenate(lists), axis=0, return_inverse=True)
    return all_of_them, np.split(places.reshape(-1), np.cumsum([len(own) for own in lists])[:-1])


def _merged(sizes: np.ndarray, rows: np.ndarray, members: Sequence[np.ndarray]) -> np.ndarray:
    """Return where rectangles begin among kinds of sections (in this order) so that gaps cost less than a rectangle more."""
    begins = [0]
    union, own_rows, filled = members[0], rows[0], rows[0] * sizes[0]
    for kind in range(1, len(members)):
        joined = np.union1d(union, members[kind])
        more_rows, more = own_rows + rows[kind], filled + rows[kind] * sizes[kind]
        area = len(joined) * more_rows
        if area <= _SMALL or area <= _GAPS * more:
            union, own_rows, filled = joined, more_rows, more
        else:
            begins.append(kind)
            union, own_rows, filled = members[kind], rows[kind], rows[kind] * sizes[kind]
    return np.array(begins)


class Cut(NamedTuple):
    """How many leading indices there are, how many trailing ones follow the first, and how much rectangles hold.

    These are of some rows each, as for nested sections.
    """

    leading: int
    trailing: int
    numbers: int


def cuts(runs: np.ndarray, dim: int, height: int) -> list[Cut]:
    """Return for every split 1 .. D - 1 what unfolding there would give."""
    places = np.concatenate([[0], np.cumsum(runs[:, 1], dtype=np.int64)])
    found = []
    for split in range(1, dim):
        begins = np.flatnonzero(runs[:, 0] < split)
        begins = begins if len(begins) and begins[0] == 0 else np.append(0, begins)
        sizes = np.diff(places[np.append(begins, len(runs))])
        largest = np.sort(sizes)[::-1][::height]
        found.append(Cut(len(sizes), int(sizes[0]), int(height * largest.sum())))
    return found


def unfold(runs: np.ndarray, dim: int, split: int, height: int | None = None) -> Unfolding:
    """Return the coefficients of a tree as rectangles, indices cut behind `split` entries.

    Rectangles are large ones of like sections, or have `height` rows each (the last one as many as are left).
    """
    begins, first, kind = _classes(runs, split)
    trailing, members = _lists(runs, split, dim, begins, first)
    sizes, rows = np.array([len(own) for own in members]), np.bincount(kind, minlength=len(first))
    # The commonest trailing indices first: sections of a cross become the first so many.
    often = np.zeros(len(trailing), np.int64)
    for own, count in zip(members, rows, strict=True):
        often[own] += count
    by_use = np.argsort(-often, kind="stable")
    where = np.empty_like(by_use)
    where[by_use] = np.arange(len(by_use))
    # Sections by size, the largest first.
    by_size = np.argsort(-sizes, kind="stable")
    rank = np.empty_like(by_size)
    rank[by_size] = np.arange(len(by_size))
    members, sizes, rows, kind = [where[members[k]] for k in by_size], sizes[by_size], rows[by_size], rank[kind]
    chosen = np.argsort(kind, kind="stable")
    if height is None:
        cut = np.concatenate([[0], np.cumsum(rows)])[_merged(sizes, rows, members)]
    else:
        cut = np.arange(0, len(chosen), height)
    places = np.concatenate([[0], np.cumsum(runs[:, 1], dtype=np.int64)])
    rectangles, order = _filled(kind[chosen], places[begins[:-1]][chosen], members, cut, int(places[-1]))
    inverse, inside = np.empty(int(places[-1]), np.int64), np.flatnonzero(order < places[-1])
    inverse[order[inside]] = inside
    leading = leading_entries(runs, dim, begins[:-1])[chosen, :split]
    return Unfolding(leading, trailing[by_use], rectangles, order, inverse)


def _filled(
    kind: np.ndarray, starts: np.ndarray, members: Sequence[np.ndarray], cut: np.ndarray, size: int
) -> tuple[tuple[Rectangle, ...], np.ndarray]:
    """Return the rectangles of rows (of these kinds, whose coefficients start there) that begin at `cut`, and their numbers."""
    rectangles, order, total = [], [], 0
    known: dict[tuple[int, ...], tuple[np.ndarray, list[np.ndarray]]] = {}
    for begin, end in zip(cut, np.append(cut[1:], len(kind)), strict=True):
        changes = np.append(begin, begin + 1 + np.flatnonzero(np.diff(kind[begin:end])))
        kinds = tuple(kind[changes].tolist())
        if kinds not in known:
            union = members[kinds[0]] if len(kinds) == 1 else np.concatenate([members[k] for k in kinds])
            columns = np.unique(union)
            known[kinds] = columns, [np.searchsorted(columns, members[k]) for k in kinds]
        columns, where = known[kinds]
        block = np.full((end - begin, len(columns)), size, np.int64)
        for first, last, places in zip(changes, np.append(changes[1:], end), where, strict=True):
            block[first - begin : last - begin, places] = starts[first:last, None] + np.arange(len(places))
        order.append(block.reshape(-1))
        rectangles.append(Rectangle(int(begin), int(end), columns, total))
        total += block.size
    return tuple(rectangles), np.concatenate(order)


def prefixes(indices: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return how products over indices (n, m) follow from shorter ones: for every length the shorter product and the next entry.

    The first pair's products are 1; the last pair's are those of `indices` in order.
    """
    levels = []
    before = np.zeros(len(indices), np.int64)
    for length in range(1, indices.shape[1]):
        heads, first, which = np.unique(indices[:, :length], axis=0, return_index=True, return_inverse=True)
        levels.append((before[first], heads[:, -1].astype(np.int64)))
        before = which.reshape(-1)
    levels.append((before, indices[:, -1].astype(np.int64)))
    return levels
