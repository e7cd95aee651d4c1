"""JAX: jax.lax.scan over terms, jitted, with its gradient for backward."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import torch

from ..cases import Case
from ..work import CannotError, Timed
from .eager import bearable, start_of


@cache
def _started() -> int:
    """Start JAX with PyTorch's number of threads, and return it: its pool is as large as the processors that it may use then."""
    import jax

    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    count = torch.get_num_threads()
    if 0 < count < len(allowed):
        os.sched_setaffinity(0, sorted(allowed)[:count])
        try:
            jax.devices()
        finally:
            os.sched_setaffinity(0, allowed)
    return count


def jax_scan(case: Case) -> Timed:
    """jax.lax.scan over terms, jitted."""
    try:
        import jax
    except ImportError:
        raise CannotError("not installed") from None
    bearable(case)
    if _started() != torch.get_num_threads():
        raise CannotError("its threads cannot be changed")
    if case.operation == "adjoint":
        raise CannotError("")
    jax.config.update("jax_enable_x64", True)
    numpy = jax.numpy
    a, b, c, constant = case.family.plain_recurrence(case.shape[2])
    coef, z, values = (numpy.asarray(part.numpy()) for part in case.data())
    tables = tuple(numpy.asarray(t, dtype=coef.dtype) for t in (a, b, c))

    def run(coef: Any, z: Any) -> Any:
        start = numpy.asarray(start_of(numpy, case.family, z) * constant, dtype=z.dtype)

        def step(carry: Any, row: Any) -> Any:
            current, previous, total = carry
            a_n, b_n, c_n, coefficient = row
            total = total + coefficient[..., None] * current
            return ((a_n * z + b_n) * current - c_n * previous, current, total), None

        zero = numpy.zeros(numpy.broadcast_shapes((*coef.shape[:-1], 1), z.shape), z.dtype)
        rows = (*tables, numpy.moveaxis(coef, -1, 0))
        return jax.lax.scan(step, (start, numpy.zeros_like(z), zero), rows)[0][2]

    if case.operation == "backward":
        both = jax.jit(jax.grad(lambda coef, z: (run(coef, z) * values).sum(), (0, 1)))
        return lambda: jax.block_until_ready(both(coef, z))
    forward = jax.jit(run)
    return lambda: forward(coef, z).block_until_ready()
