"""Sums over index sets as one would write them: gathered at once, in blocks that stay in cache, padded and contracted; Numba over the tree."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import torch
from torch import Tensor

from ..cross import CrossCase
from ..work import CannotError, Timed

_LARGEST = 1 << 30  # bytes of what is gathered at once
_INDICES, _POINTS = (64, 256, 1024), (256, 1024, 4096)  # sizes of blocks that are tried
_MANY = 10_000  # indices, of which the smallest blocks and the longest rows are not


def _tables(case: CrossCase, z: Tensor) -> list[Tensor]:
    """Return the functions of every axis, (N + 1, M): whole rows are gathered."""
    from ...kernels import cpu

    return [
        cpu.vandermonde(z[0, :, d].contiguous(), case.rest[0][d] + 1, "hermite", 0).T.contiguous()
        for d in range(case.dim)
    ]


def _indices(case: CrossCase) -> Tensor:
    from ...kernels import products

    return products.indices_of(case.tree, case.dim, torch.device("cpu"))


def _no_gradient(case: CrossCase) -> None:
    if case.operation not in ("synthesize", "adjoint"):
        raise CannotError("")


def _gathered(tables: list[Tensor], indices: Tensor) -> Tensor:
    """Return the products (K, M) of the functions."""
    result = tables[0].index_select(0, indices[:, 0])
    for axis in range(1, len(tables)):
        result *= tables[axis].index_select(0, indices[:, axis])
    return result


def gather(case: CrossCase) -> Timed:
    """PyTorch, gathered functions multiplied for all points and indices at once."""
    _no_gradient(case)
    coef, z, values = case.data()
    if 2 * case.points * case.size * z.element_size() > _LARGEST:
        raise CannotError("too large")
    indices = _indices(case)
    if case.operation == "adjoint":
        return lambda: values @ _gathered(_tables(case, z), indices).T
    return lambda: coef @ _gathered(_tables(case, z), indices)


def blocked(case: CrossCase) -> Timed:
    """PyTorch, the same in blocks of indices and points that stay in cache, of the sizes that are fastest here."""
    _no_gradient(case)
    coef, z, values = case.data()
    indices = _indices(case)

    def run(height: int, width: int) -> Tensor:
        tables = _tables(case, z)
        result = torch.zeros_like(coef if case.operation == "adjoint" else values)
        for begin in range(0, case.points, width):
            points = slice(begin, begin + width)
            own = [table[:, points].contiguous() for table in tables]
            for first in range(0, case.size, height):
                block = slice(first, first + height)
                functions = _gathered(own, indices[block])
                if case.operation == "adjoint":
                    result[:, block] += values[:, points] @ functions.T
                else:
                    result[:, points] += coef[:, block] @ functions
        return result

    times = {}
    tried = product(_INDICES[1:], _POINTS[:-1]) if case.size > _MANY else product(_INDICES, _POINTS)
    for sizes in tried:
        started = time.perf_counter()
        run(*sizes)
        times[sizes] = time.perf_counter() - started
    best = min(times, key=times.__getitem__)
    return lambda: run(*best)


def padded(case: CrossCase) -> Timed:
    """PyTorch, the padded tensor of coefficients contracted axis by axis."""
    if case.operation != "synthesize" or case.channels > 1:
        raise CannotError("")
    if case.dim > 3:
        raise CannotError("too large")
    coef, z, _ = case.data()
    sizes = [n + 1 for n in case.rest[0]]
    whole = torch.zeros(sizes, dtype=z.dtype)
    whole[tuple(_indices(case).T)] = coef[0]

    def run() -> Tensor:
        tables = _tables(case, z)
        result = (tables[0].T @ whole.flatten(1)).unflatten(1, sizes[1:])
        for table in tables[1:]:
            result = torch.einsum("mi...,im->m...", result, table)
        return result

    return run


def numba_tree(case: CrossCase) -> Timed:
    """Numba over the same tree, a share of the points a thread."""
    from ...kernels import jit

    _no_gradient(case)
    coef, z, values = case.data()
    count = torch.get_num_threads()
    shares, pool = [part.contiguous() for part in z.chunk(count, 1)], ThreadPoolExecutor(count)
    if case.operation == "adjoint":
        weights = [part.contiguous() for part in values.chunk(count, -1)]

        def transposed(own: Tensor, part: Tensor) -> Tensor:
            return jit.product_adjoint(own, part, case.tree, case.size, *case.rest)

        return lambda: torch.stack(list(pool.map(transposed, weights, shares))).sum(0)

    def one(part: Tensor) -> Tensor:
        return jit.product_synthesize(coef, part, case.tree, *case.rest)

    return lambda: torch.cat(list(pool.map(one, shares)), -1)
