"""Sums over index sets as one would write them: gathered at once, in blocks that stay in cache, padded and contracted; Numba over the tree."""

from __future__ import annotations

import torch
from torch import Tensor

from ..cross import CrossCase
from ..work import CannotError, Timed

_LARGEST = 1 << 30  # bytes of what is gathered at once


def _tables(case: CrossCase, z: Tensor) -> list[Tensor]:
    from ...kernels import cpu

    return [cpu.basis(z[0, :, d].contiguous(), case.rest[0][d] + 1, "hermite", 0) for d in range(case.dim)]


def _forward(case: CrossCase) -> None:
    if case.operation != "synthesize" or case.channels > 1:
        raise CannotError("")


def gather(case: CrossCase) -> Timed:
    """PyTorch, gathered functions multiplied for all points and indices at once."""
    from ...kernels import products

    _forward(case)
    coef, z, _ = case.data()
    if 2 * case.points * case.size * z.element_size() > _LARGEST:
        raise CannotError("too large")

    def run() -> Tensor:
        indices = products.indices_of(case.tree, case.dim, z.device)
        result = torch.ones((), dtype=z.dtype)
        for axis, table in enumerate(_tables(case, z)):
            result = result * table[:, indices[:, axis]]
        return result @ coef[0]

    return run


def blocked(case: CrossCase) -> Timed:
    """PyTorch, the same in blocks that stay in cache."""
    from ...kernels import cpu, products

    _forward(case)
    coef, z, _ = case.data()
    return lambda: products.synthesize(cpu.basis, coef, z, case.tree, *case.rest[1:])


def padded(case: CrossCase) -> Timed:
    """PyTorch, the padded tensor of coefficients contracted axis by axis."""
    from ...kernels import products

    _forward(case)
    if case.dim > 3:
        raise CannotError("too large")
    coef, z, _ = case.data()
    sizes = [n + 1 for n in case.rest[0]]
    whole = torch.zeros(sizes, dtype=z.dtype)
    whole[tuple(products.indices_of(case.tree, case.dim, z.device).T)] = coef[0]

    def run() -> Tensor:
        tables = _tables(case, z)
        result = (tables[0] @ whole.flatten(1)).unflatten(1, sizes[1:])
        for table in tables[1:]:
            result = torch.einsum("mi...,mi->m...", result, table)
        return result

    return run


def numba_tree(case: CrossCase) -> Timed:
    """Numba over the same tree."""
    from ...kernels import jit

    _forward(case)
    coef, z, _ = case.data()
    return lambda: jit.product_synthesize(coef, z, case.tree, *case.rest)
