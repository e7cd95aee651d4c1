"""When rows that share their points are better served by one table of functions and a matrix product."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


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
