"""Matrix products: with a table of functions that is there already, and with one made by our kernel in each call."""

from __future__ import annotations

from ... import ops
from ..cases import Case
from ..work import CannotError, Timed


def precomputed_vandermonde(case: Case) -> Timed:
    """A table of functions, which is not timed, and a batched matrix product."""
    rows, points, size = case.shape
    if case.operation == "backward" or case.shared:
        raise CannotError("")
    if rows * points * size > 5e7:
        raise CannotError("too large")
    coef, z, values = case.data()
    if case.channels > 1:  # (B, M, N): a matrix product a row of points
        table = ops.vandermonde(z[:, 0].contiguous(), size, case.family.name, 0)
        return (lambda: values @ table) if case.operation == "adjoint" else (lambda: coef @ table.mT)
    table = ops.vandermonde(z.contiguous(), size, case.family.name, 0)
    if case.operation == "adjoint":
        return lambda: (values.unsqueeze(-2) @ table).squeeze(-2)
    return lambda: (table @ coef.unsqueeze(-1)).squeeze(-1)


def basis_and_blas(case: Case) -> Timed:
    """Where z is shared: the functions once (ours), then one matrix product."""
    if not case.shared:
        raise CannotError("")
    coef, z, values = case.data()
    size, name = case.shape[2], case.family.name
    if case.operation == "synthesize":
        return lambda: coef @ ops.vandermonde(z, size, name, 0).mT
    return lambda: values @ ops.vandermonde(z, size, name, 0)
