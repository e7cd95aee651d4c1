"""Numba: two loops over points and terms, parallel over rows."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch

from ..cases import Case
from ..work import CannotError, Timed
from .eager import start_of

BLOCK = 256  # points of a task


@lru_cache(maxsize=1)
def _sum() -> Any:
    from numba import njit, prange

    @njit(parallel=True, fastmath=True)
    def run(coef: Any, z: Any, start: Any, a: Any, b: Any, c: Any, out: Any) -> Any:
        blocks = -(-z.shape[1] // BLOCK)
        for task in prange(z.shape[0] * blocks):
            row, begin = task // blocks, task % blocks * BLOCK
            for m in range(begin, min(begin + BLOCK, z.shape[1])):
                current = start[row, m]
                previous = current - current  # zeros of the same type
                total = previous
                for n in range(coef.shape[1]):
                    total += coef[row, n] * current
                    current, previous = (a[n] * z[row, m] + b[n]) * current - c[n] * previous, current
                out[row, m] = total
        return out

    return run


def numba(case: Case) -> Timed:
    """Numba, two loops, parallel over rows."""
    if case.operation != "synthesize" or case.channels > 1 or case.shared:
        raise CannotError("")
    coef, z, _ = (part.numpy() for part in case.data())
    a, b, c, constant = case.family.plain_recurrence(case.shape[2])
    import numba as library

    library.set_num_threads(min(torch.get_num_threads(), library.config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
    out, run = np.empty_like(z), _sum()
    tables = [t.astype(z.dtype) for t in (a, b, c)]
    return lambda: run(coef, z, (constant * start_of(np, case.family, z)).astype(z.dtype), *tables, out)
