"""What a good user of each library would write instead. Each peer takes a case and returns a function to time, or None."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..families import Family
from .cases import Case

Timed = Callable[[], Any]


def _recurrence(family: Family, size: int) -> tuple[list[float], list[float], list[float], float]:
    a, b, c, constant = family.plain_recurrence(size)
    return a.tolist(), b.tolist(), c.tolist(), constant


def _start_of(library: Any, family: Family, z: Any) -> Any:
    """Return the start value with the functions of torch, numpy or jax.numpy."""
    if family.start == 2:
        return library.ones_like(z)
    return library.exp(-0.5 * z * z if family.start == 0 else -0.5 * z)


def forward_sum(coef: Tensor, z: Tensor, family: Family) -> Tensor:
    """Return the sum by the three-term recurrence, a term at a time."""
    a, b, c, constant = _recurrence(family, coef.shape[-1])
    current, previous = constant * _start_of(torch, family, z), torch.zeros_like(z)
    total = coef[..., :1] * current
    for n in range(coef.shape[-1] - 1):
        current, previous = (a[n] * z + b[n]) * current - c[n] * previous, current
        total = total + coef[..., n + 1 : n + 2] * current
    return total


def _timed(case: Case, function: Callable[[Tensor, Tensor], Tensor]) -> Timed | None:
    """Wrap a forward sum into the operation of the case."""
    coef, z, values = case.data()
    if case.operation == "synthesize":
        return lambda: function(coef, z)
    if case.operation == "backward":
        coef, z = coef.requires_grad_(), z.requires_grad_()
        return lambda: torch.autograd.grad((function(coef, z) * values).sum(), (coef, z))
    return None


def _largest(case: Case) -> float:
    """Return how many terms are still bearable; a backward pass through the loop keeps every one of them in memory."""
    return 5e7 if case.operation == "backward" else 3e8


def eager(case: Case) -> Timed | None:
    """PyTorch, a loop over terms."""
    if case.terms > _largest(case) or case.far:
        return None
    return _timed(case, lambda coef, z: forward_sum(coef, z, case.family))


def compiled(case: Case) -> Timed | None:
    """torch.compile of the same loop, unrolled."""
    if case.shape[2] > 128 or case.terms > _largest(case) or case.far:
        return None
    torch._dynamo.reset()
    function = torch.compile(lambda coef, z: forward_sum(coef, z, case.family), dynamic=False)
    return _timed(case, function)


def precomputed_basis(case: Case) -> Timed | None:
    """A table of functions, not timed, and a batched matrix product."""
    rows, points, size = case.shape
    if case.operation != "synthesize" or rows * points * size > 5e7 or case.shared:
        return None
    coef, z, _ = case.data()
    table = torch.ops.specfast.basis(z.contiguous(), size, case.family.name, 0)
    return lambda: (table @ coef.unsqueeze(-1)).squeeze(-1)


def basis_and_blas(case: Case) -> Timed | None:
    """Where z is shared: the functions once (ours), then one matrix product."""
    if not case.shared:
        return None
    coef, z, values = case.data()
    size, name = case.shape[2], case.family.name
    if case.operation == "synthesize":
        return lambda: coef @ torch.ops.specfast.basis(z, size, name, 0).mT
    return lambda: values @ torch.ops.specfast.basis(z, size, name, 0)


def jax_scan(case: Case) -> Timed | None:
    """jax.lax.scan over terms, jitted."""
    try:
        import jax
    except ImportError:
        return None
    if case.operation != "synthesize" or case.terms > 3e8 or case.far or case.shared:
        return None
    jax.config.update("jax_enable_x64", True)
    a, b, c, constant = case.family.plain_recurrence(case.shape[2])
    coef, z, _ = case.data()
    tables = tuple(jax.numpy.asarray(t, dtype=coef.numpy().dtype) for t in (a, b, c))

    @jax.jit
    def run(coef: Any, z: Any) -> Any:
        start = jax.numpy.asarray(_start_of(jax.numpy, case.family, z) * constant, dtype=z.dtype)

        def step(carry: Any, row: Any) -> Any:
            current, previous, total = carry
            a_n, b_n, c_n, coefficient = row
            total = total + coefficient[..., None] * current
            return ((a_n * z + b_n) * current - c_n * previous, current, total), None

        zero = jax.numpy.zeros(jax.numpy.broadcast_shapes((*coef.shape[:-1], 1), z.shape), z.dtype)
        rows = (*tables, jax.numpy.moveaxis(coef, -1, 0))
        return jax.lax.scan(step, (start, jax.numpy.zeros_like(z), zero), rows)[0][2]

    left, right = jax.numpy.asarray(coef.numpy()), jax.numpy.asarray(z.numpy())
    return lambda: run(left, right).block_until_ready()


@lru_cache(maxsize=1)
def _numba_sum() -> Any:
    from numba import njit, prange

    @njit(parallel=True, fastmath=True)
    def run(coef: Any, z: Any, start: Any, a: Any, b: Any, c: Any, out: Any) -> Any:
        for row in prange(z.shape[0]):
            for m in range(z.shape[1]):
                current, previous, total = start[row, m], 0.0, 0.0
                for n in range(coef.shape[1]):
                    total += coef[row, n] * current
                    current, previous = (a[n] * z[row, m] + b[n]) * current - c[n] * previous, current
                out[row, m] = total
        return out

    return run


def numba(case: Case) -> Timed | None:
    """Numba, two loops, parallel over rows."""
    if case.operation != "synthesize" or case.channels > 1 or case.far or case.shared or case.shape[0] == 1:
        return None
    coef, z, _ = (part.numpy() for part in case.data())
    a, b, c, constant = case.family.plain_recurrence(case.shape[2])
    out, run = np.empty_like(z), _numba_sum()
    tables = [t.astype(z.dtype) for t in (a, b, c)]
    return lambda: run(coef, z, (constant * _start_of(np, case.family, z)).astype(z.dtype), *tables, out)


PEERS: dict[str, Callable[[Case], Timed | None]] = {
    "eager": eager,
    "compile": compiled,
    "bmm": precomputed_basis,
    "blas": basis_and_blas,
    "jax": jax_scan,
    "numba": numba,
}
