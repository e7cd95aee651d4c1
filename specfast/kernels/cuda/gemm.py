"""Sums over index trees as matrix products, in PyTorch on any device: coefficients unfolded into rectangles (`_unfolding`).

    V = C P,   u_m = sum over leading indices a of A_am V_am,        P, A: products of functions of the trailing, the leading axes
    W = C^T A, du/dz_d = sum_a (d A_a/dz_d)_m V_am or sum_b (d P_b/dz_d)_m W_bm,
    grad_C = (g A) P^T

so the gradient along all axes costs two sums, and both gradients three. Points are taken some at a time: what exists at once is a few
times (A + P) numbers a point, about the square root of the number of indices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...index_sets.matricize import Cut, cuts, prefixes, unfold

Levels = tuple[tuple[Tensor, Tensor], ...]
Table = Callable[[int, int], Tensor]  # (axis, order) -> functions (rows, degree + 1, points)


class Block(NamedTuple):
    """A rectangle: rows of the leading table, columns of the trailing one, and its numbers among the ordered coefficients."""

    rows: slice
    columns: slice | Tensor
    numbers: slice
    shape: tuple[int, int]


class Matrices(NamedTuple):
    """An unfolded tree on a device."""

    split: int
    size: int
    counts: tuple[int, int]
    blocks: tuple[Block, ...]
    order: Tensor  # (numbers) which coefficient each is, `size` in gaps
    inverse: Tensor  # (size)
    products: tuple[Levels, Levels]  # of the leading and the trailing axes, by `prefixes`


def _balanced(found: Sequence[Cut]) -> int:
    """Return the split with the fewest products."""
    return 1 + int(np.argmin([cut.leading + cut.trailing for cut in found]))


@lru_cache(maxsize=64)
@torch.inference_mode(False)
def matrices(runs: bytes, dim: int, device: torch.device) -> Matrices:
    """Return the tree with these runs as matrices on a device."""
    tree = np.frombuffer(runs, np.int32).reshape(-1, 2)
    split = _balanced(cuts(tree, dim, 1))
    unfolding = unfold(tree, dim, split)

    def put(array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(device)

    blocks = []
    for own in unfolding.rectangles:
        whole = np.array_equal(own.columns, np.arange(len(own.columns)))
        columns = slice(0, len(own.columns)) if whole else put(own.columns)
        shape = (own.end - own.begin, len(own.columns))
        blocks.append(Block(slice(own.begin, own.end), columns, slice(own.first, own.first + own.size), shape))
    leading, trailing = (
        tuple((put(shorter), put(entry)) for shorter, entry in prefixes(indices))
        for indices in (unfolding.leading, unfolding.trailing)
    )
    counts = len(unfolding.leading), len(unfolding.trailing)
    size = len(unfolding.inverse)
    return Matrices(
        split, size, counts, tuple(blocks), put(unfolding.order), put(unfolding.inverse), (leading, trailing)
    )  # fmt: skip


def _products(levels: Levels, functions: Sequence[Tensor]) -> Tensor:
    """Return the products (rows, indices, points) of functions (rows, degree + 1, points), one table an axis."""
    result = functions[0].index_select(1, levels[0][1])
    for (shorter, entry), table in zip(levels[1:], functions[1:], strict=True):
        result = result.index_select(1, shorter).mul_(table.index_select(1, entry))
    return result


class Functions:
    """Products of functions at some points; those of one order an axis are found once."""

    def __init__(self, own: Matrices, table: Table, orders: Sequence[int]):
        self._own, self._table, self._orders = own, table, tuple(orders)
        self._tables: dict[tuple[int, int], Tensor] = {}

    def _function(self, axis: int, order: int) -> Tensor:
        if (axis, order) not in self._tables:
            self._tables[axis, order] = self._table(axis, order)
        return self._tables[axis, order]

    def half(self, which: int, raised: int = -1) -> Tensor:
        """Return the products of the leading (0) or trailing (1) axes, one axis' order raised by one."""
        axes = range(self._own.split) if which == 0 else range(self._own.split, len(self._orders))
        functions = [self._function(axis, self._orders[axis] + (axis == raised)) for axis in axes]
        return _products(self._own.products[which], functions)


def ordered(own: Matrices, coef: Tensor) -> Tensor:
    """Return coefficients (..., K) in the order of the rectangles."""
    if len(own.order) == own.size:
        return coef.index_select(-1, own.order)
    return torch.nn.functional.pad(coef, (0, 1)).index_select(-1, own.order)


def _columns(table: Tensor, block: Block) -> Tensor:
    return table[:, block.columns] if isinstance(block.columns, slice) else table.index_select(1, block.columns)


def _sections(own: Matrices, given: Tensor, trailing: Tensor) -> list[Tensor]:
    """Return V = C P, a block (rows, channels, leading, points) a rectangle, for ordered coefficients (rows, channels, numbers)."""
    rows, channels, parts = given.shape[0], given.shape[1], []
    for block in own.blocks:
        part = given[..., block.numbers].reshape(rows, channels * block.shape[0], block.shape[1])
        parts.append(torch.matmul(part, _columns(trailing, block)).unflatten(1, (channels, block.shape[0])))
    return parts


def _joined(own: Matrices, sections: Sequence[Tensor], leading: Tensor) -> Tensor:
    """Return the sums (rows, channels, points) of leading products times V."""
    parts = zip(own.blocks, sections, strict=True)
    sums = [(section * leading[:, None, block.rows]).sum(2) for block, section in parts]
    return torch.stack(sums).sum(0)


def synthesize(own: Matrices, given: Tensor, functions: Functions) -> Tensor:
    """Return the sums (rows, channels, points) for ordered coefficients (rows or 1, channels, numbers)."""
    return _joined(own, _sections(own, given, functions.half(1)), functions.half(0))


def adjoint(own: Matrices, values: Tensor, functions: Functions) -> Tensor:
    """Return the sums over points of values (rows, channels, points), in the order of the rectangles."""
    rows, channels = values.shape[:2]
    result = values.new_empty((rows, channels, len(own.order)))
    leading, trailing = functions.half(0), functions.half(1)
    for block in own.blocks:
        weighted = values[:, :, None] * leading[:, None, block.rows]
        sums = torch.matmul(weighted.flatten(1, 2), _columns(trailing, block).mT)
        result[..., block.numbers] = sums.reshape(rows, channels, -1)
    return result


def gradient(own: Matrices, given: Tensor, functions: Functions, dim: int) -> Tensor:
    """Return the gradient in z, (rows, channels, points, D), of the sums for ordered coefficients."""
    rows, channels = given.shape[:2]
    leading, trailing = functions.half(0), functions.half(1)
    sections = _sections(own, given, trailing)
    slopes = [_joined(own, sections, functions.half(0, axis)) for axis in range(own.split)]
    # W = C^T A, rectangle by rectangle; columns of different rectangles overlap.
    count = len(leading)
    sums = leading.new_zeros((count, channels, own.counts[1], leading.shape[-1]))
    for block in own.blocks:
        part = given[..., block.numbers].reshape(rows, channels, *block.shape).mT
        own_sums = torch.matmul(part, leading[:, None, block.rows])
        if isinstance(block.columns, slice):
            sums[:, :, block.columns] += own_sums
        else:
            sums.index_add_(2, block.columns, own_sums)
    slopes += [(sums * functions.half(1, axis)[:, None]).sum(2) for axis in range(own.split, dim)]
    return torch.stack(slopes, -1)
