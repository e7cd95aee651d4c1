"""Sums over index trees on a GPU: by blocks that keep the functions of their points, or by matrix products.

Both unfold the coefficients into leading times trailing indices (`index_sets.matricize`). The kernels of csrc/cuda/cross.hpp make functions and
products in a block's memory; where those do not fit, or there are so many that matrix products are cheaper, `gemm` takes over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from ...families import family_by_name
from ...index_sets.cache import runs_of
from .. import products
from ..point_rows import PointRows, point_rows
from ..precision import full_precision
from . import gemm
from .functions import vandermonde
from .index_tables import (
    GpuSet,
    checked,
    cost_of_matrices,
    cuts_of,
    gpu_set,
    how_to_sum,
    how_to_transpose,
    limit,
    packed,
    split_in_blocks,
)
from .launch import Launch, run
from .tables import Series, held, series

_TABLE_NUMBERS = 1 << 25  # of functions and products that exist at once


@lru_cache(maxsize=1024)
@torch.inference_mode(False)
def _addresses(
    names: tuple[str, ...], sizes: tuple[int, ...], orders: tuple[int, ...], single: bool, device: torch.device
) -> tuple[Tensor, list[Series]]:
    """Return where the tables of every axis are, and these, which are kept as long as their addresses."""
    tables = [series(*own, single, device) for own in zip(names, sizes, orders, strict=True)]
    return torch.tensor([table.packed.data_ptr() for table in tables], dtype=torch.int64).to(device), tables


class _Problem:
    """A tree, its families and orders, and rows of points."""

    def __init__(
        self, other: Tensor, z: Tensor, tree: Tensor, size: int, degrees: Sequence[int], families: Sequence[str],
        derivative: Sequence[int],
    ):  # fmt: skip
        self.runs, self.size, self.degrees = runs_of(tree), size, tuple(degrees)
        self.names, self.orders, self.device = tuple(families), tuple(derivative), z.device
        self.dim, self.double = len(self.degrees), z.dtype == torch.float64
        checked(self.runs, self.degrees, size)
        self.rows: PointRows = point_rows(other, z)
        self.z = self.rows.z.contiguous()
        self.points = z.shape[-2]
        listed = [family_by_name(name) for name in self.names]
        self.sizes = tuple(n + 1 for n in self.degrees)
        self.counts = tuple(
            family.count_with_derivative(n, order)
            for n, order, family in zip(self.sizes, self.orders, listed, strict=True)
        )
        self._single_suffices = all(
            family.single_suffices(count) for family, count in zip(listed, self.counts, strict=True)
        )

    def blocks(self, adjoint: bool, sums: int = 1, matrix_sums: float = 1.0) -> tuple[GpuSet, Launch] | None:
        """Return the set as the blocks' kernels take it; None where matrix products are cheaper or all there is.

        What is wanted takes `sums` sums by blocks, or as long as `matrix_sums` by matrix products.
        """
        if not (self.double or self._single_suffices):
            return None
        found, functions = cuts_of(self.runs, self.dim), sum(self.counts)
        own = split_in_blocks(found, functions, adjoint, self.double, limit(self.device))
        matrices = matrix_sums * cost_of_matrices(found, self.size, functions, self.double)
        if own is None or sums * own[1] > matrices:
            return None
        form = held(gpu_set(self.runs, self.counts, own[0], self.device))
        rows = self.rows.rows
        if adjoint:
            how = how_to_transpose(form, rows * self.rows.channels, self.points, self.double)
        else:
            how = how_to_sum(form, rows, self.points, self.double)
        # Sets that are not closed downwards have more products than those that follow the first index.
        return (form, how) if how.points else None

    def plan(self, form: GpuSet, parts: int) -> Tensor:
        """Return what kernels take of a set cut into so many parts."""
        return held(packed(self.runs, self.counts, form.split, parts, self.device)).plan

    def tables(self) -> Tensor:
        """Return where the tables of every axis are."""
        return held(_addresses(self.names, self.sizes, self.orders, not self.double, self.device))[0]

    def suffix(self) -> str:
        """Return the ending of the kernels' names."""
        return "d" if self.double else "f"

    def coefficients(self, coef: Tensor) -> Tensor:
        """Return coefficients (rows or 1, channels, K)."""
        shared = self.rows.shared(coef)
        return self.rows.first(coef) if shared is None else shared

    def over_points(self, work: Callable[[gemm.Matrices, gemm.Functions, slice], None]) -> None:
        """Let matrix products work on some points at a time."""
        own = held(gemm.matrices(self.runs, self.dim, self.device))
        step = max(1, _TABLE_NUMBERS // (3 * sum(own.counts) * max(1, self.rows.rows * self.rows.channels)))
        with full_precision(self.device):
            for begin in range(0, self.points, step):
                part = slice(begin, min(begin + step, self.points))
                z = self.z[:, part]

                def table(axis: int, order: int, z: Tensor = z) -> Tensor:
                    return vandermonde(z[..., axis], self.sizes[axis], self.names[axis], order).mT.contiguous()

                work(own, gemm.Functions(own, table, self.orders), part)


def _nothing(other: Tensor, z: Tensor, *own: int) -> Tensor | None:
    """Return zeros where there are no rows or no points."""
    lead = torch.broadcast_shapes(other.shape[:-1], z.shape[:-2])
    return z.new_zeros((*lead, *own)) if z.shape[-2] == 0 or math.prod(lead) == 0 else None


def product_synthesize(
    coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: Sequence[str], derivative: Sequence[int]
) -> Tensor:
    """Return the sums over an index tree at points z (..., M, D)."""
    if (nothing := _nothing(coef, z, z.shape[-2])) is not None:
        return nothing
    own = _Problem(coef, z, tree, coef.shape[-1], degrees, families, derivative)
    given, rows = own.coefficients(coef), own.rows
    if (blocks := own.blocks(adjoint=False)) is not None:
        return rows.back(_sums_by_blocks(own, *blocks, given), 1)
    result = z.new_empty((rows.rows, rows.channels, own.points))

    def work(matrices: gemm.Matrices, functions: gemm.Functions, part: slice) -> None:
        result[..., part] = gemm.synthesize(matrices, gemm.ordered(matrices, given), functions)

    own.over_points(work)
    return rows.back(result, 1)


def _sums_by_blocks(own: _Problem, form: GpuSet, how: Launch, given: Tensor) -> Tensor:
    """Return the sums (rows, channels, points) for coefficients (rows or 1, channels, K)."""
    rows, channels = own.rows.rows, own.rows.channels
    numbers = torch.nn.functional.pad(given, (0, 1)).index_select(-1, form.order)
    partial = own.z.new_empty((how.tiles, rows, channels, own.points))
    run(
        f"cross_synthesize_{own.suffix()}", how, own.device, own.plan(form, how.tiles), own.tables(), rows, channels, own.points, how.points,
        0 if len(numbers) == 1 else numbers[0].numel(), own.z, numbers, partial,
    )  # fmt: skip
    return partial.sum(0) if how.tiles > 1 else partial[0]


def product_adjoint(
    values: Tensor, z: Tensor, tree: Tensor, size: int, degrees: Sequence[int], families: Sequence[str],
    derivative: Sequence[int],
) -> Tensor:  # fmt: skip
    """Return the transpose of `product_synthesize` applied to values (..., M)."""
    if (nothing := _nothing(values, z, size)) is not None:
        return nothing
    own = _Problem(values, z, tree, size, degrees, families, derivative)
    rows, given = own.rows, own.rows.first(values).contiguous()
    if (blocks := own.blocks(adjoint=True)) is not None:
        return rows.back(_transposed_by_blocks(own, *blocks, given), 1)
    result = z.new_zeros((rows.rows, rows.channels, size))

    def work(matrices: gemm.Matrices, functions: gemm.Functions, part: slice) -> None:
        sums = gemm.adjoint(matrices, given[..., part], functions)
        result.add_(sums.index_select(-1, matrices.inverse))

    own.over_points(work)
    return rows.back(result, 1)


def _transposed_by_blocks(own: _Problem, form: GpuSet, how: Launch, values: Tensor) -> Tensor:
    """Return the sums (rows, channels, K) over the points of values (rows, channels, points)."""
    rows, channels = own.rows.rows, own.rows.channels
    partial = values.new_empty((how.tiles, rows, channels, len(form.order)))
    run(
        f"cross_adjoint_{own.suffix()}_{form.each}", how, own.device, own.plan(form, 1), own.tables(), rows, channels, own.points,
        how.points, how.tiles, own.z, values, partial,
    )  # fmt: skip
    return partial.sum(0).index_select(-1, form.inverse)


def product_gradient(
    coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: Sequence[str], derivative: Sequence[int]
) -> Tensor:
    """Return the gradient in z, (..., M, D), of `product_synthesize`."""
    dim = len(degrees)
    if (nothing := _nothing(coef, z, z.shape[-2], dim)) is not None:
        return nothing
    own = _Problem(coef, z, tree, coef.shape[-1], degrees, families, derivative)
    # Two matrix products an index, and the words of D sets of products.
    if own.blocks(adjoint=False, sums=dim, matrix_sums=2 + dim / 2) is not None:
        raised = [[order + (d == axis) for d, order in enumerate(derivative)] for axis in range(dim)]
        return torch.stack([product_synthesize(coef, z, tree, degrees, families, orders) for orders in raised], -1)
    given, rows = own.coefficients(coef), own.rows
    result = z.new_empty((rows.rows, rows.channels, own.points, dim))

    def work(matrices: gemm.Matrices, functions: gemm.Functions, part: slice) -> None:
        result[..., part, :] = gemm.gradient(matrices, gemm.ordered(matrices, given), functions, dim)

    own.over_points(work)
    return rows.back(result, 2)


def product_backward(
    values: Tensor, coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: Sequence[str],
    derivative: Sequence[int],
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Return the gradients of the sum of values times `product_synthesize` in coef and z."""
    like = values.new_empty(()).expand(*torch.broadcast_shapes(values.shape[:-1], coef.shape[:-1]), values.shape[-1])
    grad_coef = product_adjoint(values.expand_as(like), z, tree, coef.shape[-1], degrees, families, derivative)
    return grad_coef, values.unsqueeze(-1) * product_gradient(coef, z, tree, degrees, families, derivative)


product_derivatives = products.from_sums(product_synthesize, product_adjoint)[2]
