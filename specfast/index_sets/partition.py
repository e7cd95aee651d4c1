"""Parts of an index set, each with as much work: what a process keeps of a set that is split over several.

A part is runs that follow each other in the tree of the whole. So that it is a tree itself, a few indices lead from 0 to its
first run: sum_d n_d of them for leading entries n_d. They belong to other parts, and have no coefficients here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..support.machine import memory
from .base import IndexSet
from .counting import ALL, Rule
from .registry import index_set_from_dict, register_index_set


class Runs(NamedTuple):
    """A part's tree; how many of its indices only lead to the first of its own; which of the whole that is."""

    tree: np.ndarray
    leading: int
    begin: int


@register_index_set
@dataclass(frozen=True, init=False, repr=False)
class Part(IndexSet):
    """One of `count` parts of an index set, all with the same number of nodes of the tree, to within a run.

    Parameters
    ----------
    whole : IndexSet
        What is split.
    part : int
        Which part, from 0.
    count : int
        How many parts.

    Raises
    ------
    ValueError
        If `part` is not one of `count`.

    Examples
    --------
    >>> import specfast as sf
    >>> from specfast.index_sets import Part
    >>> whole = sf.HyperbolicCross(32)
    >>> parts = [Part(whole, part, 4) for part in range(4)]
    >>> [part.own_size(4) for part in parts], whole.size(4)
    ([718, 718, 657, 572], 2665)
    """

    whole: IndexSet
    part: int
    count: int

    def __init__(self, whole: IndexSet, part: int, count: int):
        if isinstance(whole, dict):
            whole = index_set_from_dict(whole)
        if not 0 <= part < count:
            raise ValueError(f"part={part}: 0 to {count - 1} is expected")
        for name, value in (("degree", whole.degree), ("whole", whole), ("part", part), ("count", count)):
            object.__setattr__(self, name, value)

    @property
    def described(self) -> bool:
        """Whether the whole is."""
        return self.whole.described

    def check(self, dim: int) -> None:
        """Raise ValueError if the whole has no members of this dimension, or one axis, which has no tree to split."""
        self.whole.check(dim)
        if dim < 2:
            raise ValueError(
                f"index_set={self.whole}: two or more axes are expected; one has no tree that could be split"
            )

    def rule(self, dim: int) -> Rule:
        """Return what decides on membership of the whole."""
        return self.whole.rule(dim)

    def tree(self, dim: int) -> np.ndarray:
        """Return the runs of the part, and those that lead to them."""
        return _runs(self, dim).tree

    def size(self, dim: int) -> int:
        """Return how many indices the part's tree has, those that lead to it included."""
        return int(self.tree(dim)[:, 1].sum())

    @property
    def counts_functions(self) -> bool:
        """As the whole does."""
        return self.whole.counts_functions

    def leading(self, dim: int) -> int:
        """Return how many of the first indices only lead to the part.

        Parameters
        ----------
        dim : int
            D.

        Returns
        -------
        int

        Examples
        --------
        >>> import specfast as sf
        >>> Part(sf.HyperbolicCross(32), 1, 4).leading(4)
        24
        """
        return _runs(self, dim).leading

    def own_size(self, dim: int) -> int:
        """Return how many indices belong to the part.

        Parameters
        ----------
        dim : int
            D.

        Returns
        -------
        int

        Examples
        --------
        >>> import specfast as sf
        >>> Part(sf.HyperbolicCross(32), 1, 4).own_size(4)
        718
        """
        return self.size(dim) - self.leading(dim)

    def begin(self, dim: int) -> int:
        """Return which index of the whole the first of the part is.

        Parameters
        ----------
        dim : int
            D.

        Returns
        -------
        int

        Examples
        --------
        >>> import specfast as sf
        >>> Part(sf.HyperbolicCross(32), 1, 4).begin(4)
        718
        """
        return _runs(self, dim).begin

    def to_dict(self) -> dict[str, object]:
        """Return the part as plain values; see `index_set_from_dict`."""
        return {"index_set": "Part", "whole": self.whole.to_dict(), "part": self.part, "count": self.count}


@lru_cache(maxsize=64)
def _nodes(whole: IndexSet, dim: int) -> int:
    """Return how many nodes the tree has, without keeping it."""
    if not whole.described:
        from .enumerate import nodes_before

        return int(nodes_before(whole.tree(dim), dim)[-1])
    from .enumerate import grow

    rule = whole.rule(dim)
    return int(grow(rule.costs, rule.degrees, rule.gamma, rule.room, ALL, ALL)[4])


@lru_cache(maxsize=64)
def _runs(part: Part, dim: int) -> Runs:
    from .enumerate import grow, leading_entries, nodes_before

    part.check(dim)
    size = part.whole.size(dim)
    if 8 * size // part.count > memory() // 2:
        raise ValueError(
            f"{part.whole} in {dim} dimensions has {size} indices; the coefficients of one of {part.count} parts need"
            f" {8 * size / part.count / 2**30:.1f} GiB, and half of this machine's memory is {memory() / 2**31:.1f} GiB"
        )
    nodes = _nodes(part.whole, dim)
    begin, end = nodes * part.part // part.count, nodes * (part.part + 1) // part.count
    if part.whole.described:
        rule = part.whole.rule(dim)
        runs, first, before, passed, _ = grow(rule.costs, rule.degrees, rule.gamma, rule.room, begin, end)
    else:
        whole = part.whole.tree(dim)
        low, high = np.searchsorted(nodes_before(whole, dim)[:-1], [begin, end])
        runs, before = whole[low:high].copy(), whole[:low, 1].sum()
        first, passed = leading_entries(whole, dim, np.array([low]))[0], before
    if len(runs) == 0:  # more parts than runs: a tree has one index at least
        return Runs(np.array([[0, 1]], np.int32), 1, int(passed))
    # From 0 along one axis after the other; the last step is the part's own first run.
    steps = np.repeat(np.arange(dim - 1, dtype=np.int32), first)
    lead = np.stack([np.append(np.int32(0), steps)[: len(steps)], np.ones(len(steps), np.int32)], 1)
    runs[0, 0] = steps[-1] if len(steps) else 0
    tree = np.concatenate([lead, runs]).astype(np.int32, copy=False)
    tree.setflags(write=False)
    return Runs(tree, len(steps), int(before))
