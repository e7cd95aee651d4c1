"""Coefficients on any downward-closed index set <-> values on a tensor grid of Gauss nodes, axis by axis.

The sums over the last axis take every run of the tree to a whole line of the grid; the runs are then those of the index set
without its last axis, and so on up to the first. Projection is the same in reverse. Runs of equal length are one matrix
product; nothing is padded to the full tensor of coefficients.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from . import ops
from .families import Family
from .index_sets import IndexSet
from .kernels import backend
from .quadrature import gauss

_LARGEST_TABLE = 1 << 20  # numbers; functions of larger axes are found anew, block by block


class _Runs(NamedTuple):
    """The runs of one length along one axis."""

    length: int
    members: Tensor  # which they are among all runs, in lexicographic order
    starts: Tensor  # the places of their first entries


class _Level(NamedTuple):
    """The runs along one axis, by length, and where run and entry are when these are put one behind the other."""

    groups: list[_Runs]
    run_places: Tensor
    entry_places: Tensor


@lru_cache(maxsize=64)
def _levels(index_set: IndexSet, dim: int, device: torch.device) -> list[_Level]:
    tree = index_set.tree(dim)
    shared, lengths = tree[:, 0], tree[:, 1].astype(np.int64)
    levels = []
    for axis in reversed(range(dim)):
        starts = np.cumsum(lengths) - lengths
        groups, entries = [], []
        for length in np.unique(lengths):
            members = np.flatnonzero(lengths == length)
            first = starts[members]
            groups.append(_Runs(int(length), *(torch.from_numpy(a).to(device) for a in (members, first))))
            entries.append(torch.from_numpy((first[:, None] + np.arange(length)).ravel()).to(device))
        levels.append(
            _Level(groups, torch.cat([group.members for group in groups]).argsort(), torch.cat(entries).argsort())
        )
        # A run of the axis before begins where an entry before that axis changes.
        begins = np.flatnonzero(np.concatenate([[True], shared[1:] < axis - 1]))
        lengths, shared = np.diff(np.append(begins, len(shared))), shared[begins]
    return levels[::-1]


@lru_cache(maxsize=256)
def _table(family: Family, nodes: int, size: int, order: int) -> Tensor:
    """Return the functions' derivatives of this order at the Gauss nodes, (nodes, size), in float64."""
    z = torch.from_numpy(gauss(family, nodes)[0])
    return backend(z.device).basis(z, size, family.name, order)


class _Axis(NamedTuple):
    """One axis of a grid: sums of functions at its nodes, and their transpose, on the last axis but one of arrays."""

    family: Family
    nodes: int
    size: int

    @property
    def tabulated(self) -> bool:
        return self.nodes * self.size <= _LARGEST_TABLE

    def synthesize(self, lines: Tensor, order: int) -> Tensor:
        """Return the derivatives (..., nodes, rest) of series (..., length, rest), length at most `size`."""
        if self.tabulated:
            table = _table(self.family, self.nodes, self.size, order).to(lines.device, lines.dtype)
            return _product(table[:, : lines.shape[-2]], lines)
        return ops.synthesize(
            lines.mT, self._like(gauss(self.family, self.nodes)[0], lines), self.family.name, order
        ).mT

    def project(self, lines: Tensor, length: int) -> Tensor:
        """Return the coefficients (..., length, rest) of values (..., nodes, rest) by the Gauss rule."""
        z, w = (self._like(part, lines) for part in gauss(self.family, self.nodes))
        norms = self._like(self.family.norm_squared(length), lines)
        if self.tabulated:
            table = _table(self.family, self.nodes, self.size, 0)[:, :length].to(lines.device, lines.dtype)
            return _product((table * w.unsqueeze(1) / norms).mT, lines)
        return (ops.adjoint(lines.mT * w, z, length, self.family.name, 0) / norms).mT

    @staticmethod
    def _like(array: np.ndarray, lines: Tensor) -> Tensor:
        return torch.from_numpy(array).to(lines.device, lines.dtype)


class GridTransform:
    r"""Coefficients (..., K) on an index set <-> values (..., n_1, .., n_D) on the tensor grid of n_d Gauss nodes an axis.

    Cost: with K_d the number of different first d entries in the set, :math:`\sum_d K_d n_d n_{d+1} \cdots n_D` multiply-adds.
    Memory: the grid, and before the last step :math:`K_1 n_2 \cdots n_D`, twice.

    Parameters
    ----------
    families : sequence of Family
    index_set : IndexSet
    sizes : sequence of int
        Nodes along every axis, more than the largest entry.

    Raises
    ------
    ValueError
        If there are not as many sizes as axes, or one does not exceed the largest entry of its axis.
    """

    def __init__(self, families: tuple[Family, ...], index_set: IndexSet, sizes: tuple[int, ...]):
        self.index_set, self.sizes, self.dim = index_set, tuple(sizes), len(families)
        counts = [n + 1 for n in index_set.largest(self.dim)]
        if len(self.sizes) != self.dim or any(n < count for n, count in zip(self.sizes, counts, strict=True)):
            raise ValueError(
                f"sizes={self.sizes}: {self.dim} numbers of nodes, one an axis, of at least {tuple(counts)} are expected"
            )
        self.axes = [_Axis(*own) for own in zip(families, self.sizes, counts, strict=True)]

    def synthesize(self, coef: Tensor, orders: tuple[int, ...]) -> Tensor:
        """Return the derivative of these orders on the grid."""
        array = coef.reshape(-1, coef.shape[-1], 1)
        levels = _levels(self.index_set, self.dim, coef.device)
        for axis, level, order in reversed(list(zip(self.axes, levels, orders, strict=True))):
            parts = [axis.synthesize(_lines(array, own), order) for own in level.groups]
            array = _ordered(parts, level.run_places).flatten(2)
        return array.reshape(*coef.shape[:-1], *self.sizes)

    def project(self, values: Tensor) -> Tensor:
        """Return the coefficients by the Gauss rule on the grid, exact for fields in the space."""
        lead = values.shape[: values.dim() - self.dim]
        array = values.reshape(lead.numel(), 1, -1)
        levels = _levels(self.index_set, self.dim, values.device)
        for axis, level in zip(self.axes, levels, strict=True):
            lines = array.unflatten(2, (axis.nodes, -1))
            one = len(level.groups) == 1
            parts = [
                axis.project(lines if one else lines.index_select(1, own.members), own.length) for own in level.groups
            ]
            array = _ordered([part.flatten(1, 2) for part in parts], level.entry_places)
        return array.reshape(*lead, -1)


def _lines(array: Tensor, own: _Runs) -> Tensor:
    """Return runs (rows, F, length, rest) of entries (rows, K, rest)."""
    if own.starts.numel() * own.length == array.shape[1]:
        return array.unflatten(1, (-1, own.length))
    places = (own.starts.unsqueeze(1) + torch.arange(own.length, device=array.device)).flatten()
    return array.index_select(1, places).unflatten(1, (-1, own.length))


def _product(matrix: Tensor, lines: Tensor) -> Tensor:
    """Return matrix (n, L) times lines (rows, F, L, rest), (rows, F, n, rest)."""
    if lines.shape[-1] == 1:
        return (lines.squeeze(-1) @ matrix.mT).unsqueeze(-1)
    return matrix @ lines


def _ordered(parts: list[Tensor], places: Tensor) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, 1).index_select(1, places)
