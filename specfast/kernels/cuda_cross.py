"""Sums over index trees on a card: tables of functions by the kernels for one axis, then the tree.

Gradients in the points are sums of the next order, axis by axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from . import products
from .card_tables import CutTree, cut_tree, prepared_strides, rows
from .cuda import _how, _lead, _run, basis
from .doors import Launch

_TABLE_NUMBERS = 1 << 25  # of functions that exist at once


class _Tree:
    """A tree, and the functions of its axes at some points (..., M, D)."""

    def __init__(
        self, tree: Tensor, z: Tensor, degrees: Sequence[int], families: Sequence[str], derivative: Sequence[int], size: int,
        blocks: int,
    ):  # fmt: skip
        given = zip(z.unbind(-1), degrees, families, derivative, strict=True)
        self.tables = torch.cat(
            [basis(own, n + 1, family, order).mT for own, n, family, order in given], -2
        ).contiguous()
        self.functions = self.tables.shape[-2]
        self.cut: CutTree = cut_tree(tree.cpu().numpy().tobytes(), tuple(degrees), blocks, z.device)
        if self.cut.size != size:
            raise ValueError(f"tree: its runs have {self.cut.size} indices, not {size}")
        self.suffix = "d" if z.dtype == torch.float64 else "f"


def _step(z: Tensor, degrees: Sequence[int]) -> int:
    """Return how many points of every row may have tables at once."""
    return max(1, _TABLE_NUMBERS // ((sum(degrees) + len(degrees)) * max(1, math.prod(z.shape[:-2]))))


def product_synthesize(
    coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: Sequence[str], derivative: Sequence[int]
) -> Tensor:
    """Return the sums over an index tree at points z (..., M, D)."""
    lead, size = _lead(coef.shape[:-1], z.shape[:-2]), coef.shape[-1]
    result, coef, count = z.new_empty((*lead, z.shape[-2])), coef.contiguous(), math.prod(lead)
    where = rows(lead, tuple(prepared_strides(part, lead) for part in (coef.shape[:-1], z.shape[:-2])), z.device)
    for some in torch.arange(z.shape[-2] if count else 0).split(_step(z, degrees)):
        part = slice(int(some[0]), int(some[-1]) + 1)
        how = _how("cross", count, len(some), z.dtype == torch.float64)
        own = _Tree(tree, z[..., part, :], degrees, families, derivative, size, how.blocks)
        partial = z.new_empty((own.cut.parts, *lead, len(some)))
        _run(
            f"cross_synthesize_{own.suffix}_{how.points}", how._replace(blocks=how.blocks * own.cut.parts), z.device,
            own.cut.packed, where, count, len(some), size, own.functions, coef, own.tables, partial,
        )  # fmt: skip
        result[..., part] = partial.sum(0)
    return result


def product_adjoint(
    values: Tensor, z: Tensor, tree: Tensor, size: int, degrees: Sequence[int], families: Sequence[str],
    derivative: Sequence[int],
) -> Tensor:  # fmt: skip
    """Return the transpose of `product_synthesize` applied to values (..., M)."""
    lead = _lead(values.shape[:-1], z.shape[:-2])
    result, count = z.new_zeros((*lead, size)), math.prod(lead)
    where = rows(lead, tuple(prepared_strides(part, lead) for part in (values.shape[:-1], z.shape[:-2])), z.device)
    how: Launch = _how("cross_adjoint", count, size, z.dtype == torch.float64)
    for some in torch.arange(z.shape[-2] if count else 0).split(_step(z, degrees)):
        part = slice(int(some[0]), int(some[-1]) + 1)
        own = _Tree(tree, z[..., part, :], degrees, families, derivative, size, 1)
        share = torch.empty_like(result)
        _run(
            f"cross_adjoint_{own.suffix}", how, z.device, own.cut.packed, *own.cut.groups, where, count, len(some), size,
            own.functions, values[..., part].contiguous(), own.tables, share,
        )  # fmt: skip
        result += share
    return result


product_gradient, product_backward, product_derivatives = products.from_sums(product_synthesize, product_adjoint)
