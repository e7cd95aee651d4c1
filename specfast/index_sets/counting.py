"""Members of an index set by the rule that decides on them: counted without listing, as a tree, listed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from ..support.machine import memory

ALL = 2**62  # nodes, more than any tree has


@dataclass(frozen=True)
class Rule:
    """All n with n_d <= degrees_d and sum_d costs_d[n_d] - gamma max_d costs_d[n_d] <= room."""

    costs: np.ndarray
    degrees: np.ndarray
    gamma: float
    room: float


class DecidedByRule(Protocol):
    """An index set, as far as counting and listing its members goes."""

    def rule(self, dim: int) -> Rule:
        """Return what decides on membership."""

    def check(self, dim: int) -> None:
        """Raise ValueError if the set has no members of this many entries."""

    def size(self, dim: int) -> int:
        """Return the number of members."""

    def tree(self, dim: int) -> np.ndarray:
        """Return the runs of the last entry."""

    def axis_degrees(self, dim: int) -> tuple[int, ...]:
        """Return the largest entry that each axis is allowed."""


def rule_of(costs: Sequence[np.ndarray], gamma: float, room: float) -> Rule:
    """Return the rule of costs an axis, all of one length."""
    table = np.array(costs, dtype=np.int64).reshape(len(costs), -1)
    return Rule(table, np.full(len(costs), table.shape[1] - 1), gamma, float(room))


def tensor_rule(degrees: Sequence[int]) -> Rule:
    """Return the rule that bounds the entries alone."""
    return Rule(np.zeros((len(degrees), max(degrees) + 1), np.int64), np.array(degrees, dtype=np.int64), 0.0, 0.0)


@lru_cache(maxsize=256)
def count_members(index_set: DecidedByRule, dim: int) -> int:
    """Count prefixes by what a rule remembers of them, axis by axis: few differ."""
    index_set.check(dim)
    rule = index_set.rule(dim)
    if not rule.costs.any():
        return math.prod(int(n) + 1 for n in rule.degrees)
    total, largest, many = np.zeros(1, np.int64), np.zeros(1, np.int64), np.ones(1, object)
    for axis in range(dim):
        cost = rule.costs[axis, : rule.degrees[axis] + 1]
        values, repeats = np.unique(cost, return_counts=True)
        parts = []
        for value, repeat in zip(values, repeats, strict=True):
            both, most = total + value, np.maximum(largest, value)
            inside = both - rule.gamma * most <= rule.room
            if not inside.any():
                break
            parts.append((both[inside], most[inside], many[inside] * int(repeat)))
        total, largest, many = (np.concatenate(column) for column in zip(*parts, strict=True))
        if axis == dim - 1:
            break
        order = np.lexsort((largest, total))
        total, largest, many = total[order], largest[order], many[order]
        first = np.flatnonzero(np.append(True, (np.diff(total) != 0) | (np.diff(largest) != 0)))
        total, largest, many = total[first], largest[first], np.add.reduceat(many, first)
    return int(many.sum())


@lru_cache(maxsize=64)
def tree_of(index_set: DecidedByRule, dim: int) -> np.ndarray:
    """Return the runs of the last entry; see `IndexSet.tree`."""
    from .enumerate import grow

    size, half = index_set.size(dim), memory() // 2
    if 8 * size > half:
        raise ValueError(
            f"{index_set} in {dim} dimensions has {size} indices; their coefficients alone need {8 * size / 2**30:.1f} GiB, and"
            f" half of this machine's memory is {half / 2**30:.1f} GiB"
        )
    rule = index_set.rule(dim)
    runs, _, _, listed, _ = grow(rule.costs, rule.degrees, rule.gamma, rule.room, 0, ALL)
    assert listed == size
    runs.setflags(write=False)
    return runs


@lru_cache(maxsize=64)
def list_members(index_set: DecidedByRule, dim: int) -> np.ndarray:
    """Return the members, a row each."""
    from .enumerate import list_indices

    size, degree = index_set.size(dim), max(index_set.axis_degrees(dim))
    kind = next(t for t in (np.int8, np.int16, np.int32, np.int64) if degree <= np.iinfo(t).max)
    need = size * dim * np.dtype(kind).itemsize
    if need > memory() // 2:
        raise ValueError(
            f"{index_set} in {dim} dimensions has {size} indices; a list of them needs {need / 2**30:.1f} GiB, and half of this"
            f" machine's memory is {memory() / 2**31:.1f} GiB"
        )
    if dim == 1:
        out = np.arange(size, dtype=kind)[:, None]
    else:
        out = np.empty((size, dim), kind)
        list_indices(index_set.tree(dim), out)
    out.setflags(write=False)
    return out


@lru_cache(maxsize=256)
def largest_entries_of(index_set: DecidedByRule, dim: int) -> tuple[int, ...]:
    """Return the largest entry along every axis."""
    if dim == 1:
        return (index_set.size(1) - 1,)
    from .enumerate import largest_entries

    return tuple(int(n) for n in largest_entries(index_set.tree(dim), dim))


def as_indices(indices: ArrayLike) -> np.ndarray:
    """Return indices as an array, or raise TypeError if they are no integers."""
    given = np.asarray(indices)
    if given.dtype.kind not in "iu":
        raise TypeError(f"indices have type {given.dtype}; integers are expected")
    return given
