"""Rows that share their points: when one table of functions and a matrix product serve them better, and that product."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from .cpu_plans import KERNELS, plan_of


class Rule(NamedTuple):
    """What each part costs, in terms of the sum."""

    row: float
    point: float
    function: float
    once: float
    entry: float


# Rows that share their points: the kernel repeats the recurrence for every few rows, a matrix product needs it once. The
# product pays where what the rows save outweighs it: rows (row + point M + function N + M N) >= once + entry M N, in units of
# a term of the sum, fitted to 248 shapes on one and on two threads (docs/kernels.md). The rule looks at shapes alone, so
# that results do not depend on the number of threads.
SYNTHESIZE_BY_PRODUCT = Rule(8e3, 100, 14, 2.6e6, 146)
ADJOINT_BY_PRODUCT = Rule(14.5e3, 29, 27, 5.4e5, 46)


def matrix_product_pays(other: Tensor, z: Tensor, size: int, rule: Rule) -> bool:
    """Whether many rows of coefficients or values meet one row of points."""
    if other.dim() == 0 or (z.dim() > 1 and z.shape[0] > 1 and z.stride(0)):
        return False  # the usual case, soonest
    points, width = z.shape[-1], other.shape[-1]
    terms = points * size
    if terms == 0 or z.dim() > other.dim():
        return False
    saved = rule.row + rule.point * points + rule.function * size + terms
    if other.numel() * saved < (rule.once + rule.entry * terms) * width:
        return False
    return z.dim() == 1 or (
        all(size == 1 or stride == 0 for size, stride in zip(z.shape[:-1], z.stride(), strict=False))
        and torch.broadcast_shapes(other.shape[:-1], z.shape[:-1]) == other.shape[:-1]
    )


_TABLE_BYTES = 1 << 20


class _Scratch(threading.local):
    """Memory for a table of functions, kept by every thread: fresh pages can cost more than what is written to them."""

    def __init__(self) -> None:
        self.bytes = torch.empty(_TABLE_BYTES, dtype=torch.uint8, device="cpu")

    def take(self, count: int, dtype: torch.dtype) -> Tensor:
        if count * dtype.itemsize > _TABLE_BYTES:
            return torch.empty(count, dtype=dtype, device="cpu")
        return self.bytes.view(dtype)[:count]


_scratch = _Scratch()


def _tables(z: Tensor, size: int, family: str, derivative: int) -> Iterator[tuple[slice, Tensor]]:
    """Yield runs of the points and the functions there, (size, points), each of at most 1 MiB or 64 points."""
    run = min(z.shape[0], max(64, _TABLE_BYTES // (size * z.element_size()) // 64 * 64))
    memory = _scratch.take(size * run, z.dtype)
    for begin in range(0, z.shape[0], run):
        part = slice(begin, min(begin + run, z.shape[0]))
        table = memory[: size * (part.stop - begin)].view(size, part.stop - begin)
        yield part, fill_vandermonde(z[part], size, family, derivative, table, by_degree=True)


def one_row(z: Tensor) -> Tensor:
    """Return the row of points (M,) that all rows share."""
    return z[(0,) * (z.dim() - 1)]


def synthesize_shared(coef: Tensor, z: Tensor, family: str, derivative: int) -> Tensor:
    """Return the sums (..., M) for coef (..., K) at one row of points z (M,)."""
    size, points = coef.shape[-1], z.shape[0]
    if size * points * z.element_size() <= _TABLE_BYTES:
        table = _scratch.take(size * points, z.dtype).view(size, points)
        return coef @ fill_vandermonde(z, size, family, derivative, table, by_degree=True)
    rows = coef.reshape(-1, size)
    result = torch.empty((rows.shape[0], z.shape[0]), dtype=z.dtype, device="cpu")
    for part, table in _tables(z, coef.shape[-1], family, derivative):
        torch.mm(rows, table, out=result[:, part])
    return result.reshape(*coef.shape[:-1], z.shape[0])


def adjoint_shared(values: Tensor, z: Tensor, size: int, family: str, derivative: int) -> Tensor:
    """Return the transposed sums (..., K) for values (..., M) at one row of points z (M,)."""
    if size * z.shape[0] * z.element_size() <= _TABLE_BYTES:
        table = _scratch.take(z.shape[0] * size, z.dtype).view(z.shape[0], size)
        return values @ fill_vandermonde(z, size, family, derivative, table, by_degree=False)
    rows = values.reshape(-1, values.shape[-1])
    result = torch.zeros((rows.shape[0], size), dtype=z.dtype, device="cpu")
    for part, table in _tables(z, size, family, derivative):
        result.addmm_(rows[:, part], table.mT)
    return result.reshape(*values.shape[:-1], size)


def fill_vandermonde(z: Tensor, size: int, family: str, derivative: int, result: Tensor, by_degree: bool) -> Tensor:
    """Write the functions (M, K), or (K, M) where `by_degree`, and return them."""
    plan = plan_of(family, size, derivative)
    KERNELS.vandermonde(plan, z, result, by_degree)
    return result
