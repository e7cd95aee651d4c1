"""JAX: jax.lax.scan over terms, jitted, with its gradient for backward."""

from __future__ import annotations

from typing import Any

from ..cases import Case
from ..work import CannotError, Timed
from .eager import bearable, start_of


def jax_scan(case: Case) -> Timed:
    """jax.lax.scan over terms, jitted."""
    try:
        import jax
    except ImportError:
        raise CannotError("not installed") from None
    bearable(case)
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
