"""Eager PyTorch: the recurrence as a loop of tensor operations, and torch.special's polynomials."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...families import Family, Hermite, Laguerre, Legendre
from ..cases import Case
from ..work import CannotError, Timed


def recurrence(family: Family, size: int) -> tuple[list[float], list[float], list[float], float]:
    """Return a, b, c and the constant of the start value as plain numbers."""
    a, b, c, constant = family.plain_recurrence(size)
    return a.tolist(), b.tolist(), c.tolist(), constant


def start_of(library: Any, family: Family, z: Any) -> Any:
    """Return the start value with the functions of torch, numpy or jax.numpy."""
    if family.start == 2:
        return library.ones_like(z)
    return library.exp(-0.5 * z * z if family.start == 0 else -0.5 * z)


def forward_sum(coef: Tensor, z: Tensor, family: Family, numbers: Any = None) -> Tensor:
    """Return the sum by the three-term recurrence, a term at a time; `numbers` are those of `recurrence`."""
    a, b, c, constant = recurrence(family, coef.shape[-1]) if numbers is None else numbers
    current, previous = constant * start_of(torch, family, z), torch.zeros_like(z)
    total = coef[..., :1] * current
    for n in range(coef.shape[-1] - 1):
        current, previous = (a[n] * z + b[n]) * current - c[n] * previous, current
        total = total + coef[..., n + 1 : n + 2] * current
    return total


def transposed_sum(values: Tensor, z: Tensor, size: int, family: Family, numbers: Any) -> Tensor:
    """Return the sums over the points, a function at a time."""
    a, b, c, constant = numbers
    current, previous = constant * start_of(torch, family, z), torch.zeros_like(z)
    sums = [(values * current).sum(-1)]
    for n in range(size - 1):
        current, previous = (a[n] * z + b[n]) * current - c[n] * previous, current
        sums.append((values * current).sum(-1))
    return torch.stack(sums, -1)


def timed(case: Case, function: Any, transposed: Any) -> Timed:
    """Wrap a forward sum into the operation of the case."""
    coef, z, values = case.data()
    if case.operation == "synthesize":
        return lambda: function(coef, z)
    if case.operation == "backward":
        coef, z = coef.requires_grad_(), z.requires_grad_()
        return lambda: torch.autograd.grad((function(coef, z) * values).sum(), (coef, z))
    return lambda: transposed(values, z)


def bearable(case: Case) -> None:
    """Refuse what would take minutes; a backward pass through the loop keeps every term in memory."""
    largest = 3e8 if case.operation == "synthesize" else 5e7
    if case.terms > largest:
        raise CannotError("too long")


def eager(case: Case) -> Timed:
    """PyTorch, a loop over terms."""
    bearable(case)
    return timed(case, *_both(case))


def _both(case: Case) -> tuple[Callable[..., Tensor], Callable[..., Tensor]]:
    """Return the sum and the transposed sum of a case."""
    family, size = case.family, case.shape[2]
    numbers = recurrence(family, size)

    def function(coef: Tensor, z: Tensor) -> Tensor:
        return forward_sum(coef, z, family, numbers)

    def transposed(values: Tensor, z: Tensor) -> Tensor:
        return transposed_sum(values, z, size, family, numbers)

    return function, transposed


def compiled(case: Case) -> Timed:
    """torch.compile of the same loop, unrolled."""
    bearable(case)
    if case.shape[2] > 128:
        raise CannotError("compiles for minutes")
    torch._dynamo.reset()

    return timed(case, *(torch.compile(function, dynamic=False) for function in _both(case)))


def torch_special(case: Case) -> Timed:
    """torch.special's polynomials, a degree at a time, normalised; they have no gradient in z."""
    bearable(case)
    if case.operation != "synthesize":
        raise CannotError("no gradient")
    if case.terms * case.shape[2] > 5e9:  # every degree starts its recurrence anew
        raise CannotError("too long")
    polynomial: Callable[..., Tensor]
    log_norm: Callable[[Tensor], Tensor]
    if isinstance(case.family, Hermite):
        polynomial, log_norm = torch.special.hermite_polynomial_h, _log_norm_hermite
    elif isinstance(case.family, Laguerre) and case.family.alpha == 0:
        polynomial, log_norm = torch.special.laguerre_polynomial_l, torch.zeros_like
    elif isinstance(case.family, Legendre):
        polynomial, log_norm = torch.special.legendre_polynomial_p, _log_norm_legendre
    else:
        raise CannotError("not there")
    coef, z, _ = case.data()
    n = torch.arange(case.shape[2], dtype=torch.float64)
    scaled = coef * torch.exp(-log_norm(n)).to(coef.dtype)

    def run() -> Tensor:
        total = torch.zeros_like(z)
        for k in range(case.shape[2]):
            total = total + scaled[..., k : k + 1] * polynomial(z, k)
        return total * start_of(torch, case.family, z)

    return run


def _log_norm_legendre(n: Tensor) -> Tensor:
    return -0.5 * torch.log(n + 0.5)


def _log_norm_hermite(n: Tensor) -> Tensor:
    return 0.5 * (n * math.log(2) + torch.lgamma(n + 1) + 0.5 * math.log(math.pi))
