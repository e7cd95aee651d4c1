"""The functions of a family themselves, and d/dz on coefficients, as torch operators on the standard domain.

    vandermonde(z (..., M), size, family, derivative)   V_mn = phi_n^(k)(z_m), (..., M, K)
    differentiate(coef (..., K), family, transposed)    d with sum d_n phi_n = (sum c_n phi_n)'

`family` is the name of a family on its standard domain ("hermite", "laguerre(0.5)"), `derivative` the order with respect to z.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .. import kernels
from .checks import check_axis, check_dtype
from .register import Operator, plain, register


def _vandermonde(z: Tensor, size: int, family: str, derivative: int) -> Tensor:
    check_dtype("vandermonde", z=z)
    check_axis("vandermonde", "z", z)
    if derivative < 0:
        raise ValueError(f"vandermonde: derivative={derivative}; 0 or more is expected")
    if size < 1:
        raise ValueError(f"vandermonde: {size} coefficients; at least one is expected")
    return kernels.backend(z.device).vandermonde(z, size, family, derivative)


def _vandermonde_fake(z: Tensor, size: int, family: str, derivative: int) -> Tensor:
    return z.new_empty((*z.shape, size))


def _vandermonde_backward(ctx: Any, needed: Sequence[bool], gradient: Tensor) -> Sequence[Tensor | None]:
    (z,) = ctx.saved_tensors
    size, family, derivative = ctx.rest
    # By another table: row m of the gradient is a series to be evaluated at z_m alone, and a sum of one point wastes vectors.
    grad_z = (gradient * vandermonde(z, size, family, derivative + 1)).sum(-1) if needed[0] else None
    return grad_z, None, None, None


def _vandermonde_tangent(ctx: Any, z_t: Tensor | None, *_: Any) -> Tensor:
    (z,) = ctx.saved_tensors
    size, family, derivative = ctx.rest
    if z_t is None:
        return z.new_zeros((*z.shape, size))
    return z_t.unsqueeze(-1) * vandermonde(z, size, family, derivative + 1)


def _differentiate(coef: Tensor, family: str, transposed: bool) -> Tensor:
    check_dtype("differentiate", coef=coef)
    check_axis("differentiate", "coef", coef)
    if coef.shape[-1] < 1:
        raise ValueError("differentiate: 0 coefficients; at least one is expected")
    return kernels.backend(coef.device).differentiate(coef, family, transposed)


def _differentiate_fake(coef: Tensor, family: str, transposed: bool) -> Tensor:
    return coef.new_empty(coef.shape)


def _differentiate_backward(ctx: Any, needed: Sequence[bool], gradient: Tensor) -> Sequence[Tensor | None]:
    family, transposed = ctx.rest
    return differentiate(gradient, family, not transposed), None, None


def _differentiate_tangent(ctx: Any, coef_t: Tensor | None, *_: Any) -> Tensor:
    (coef,) = ctx.saved_tensors
    family, transposed = ctx.rest
    return torch.zeros_like(coef) if coef_t is None else differentiate(coef_t, family, transposed)


_vandermonde_operator = register(
    "vandermonde",
    Operator(
        "(Tensor z, SymInt size, str family, int derivative) -> Tensor",
        _vandermonde, _vandermonde_fake, _vandermonde_backward, _vandermonde_tangent, (1,),
    ),
)  # fmt: skip
_differentiate_operator = register(
    "differentiate",
    Operator(
        "(Tensor coef, str family, bool transposed) -> Tensor",
        _differentiate, _differentiate_fake, _differentiate_backward, _differentiate_tangent, (1,),
    ),
)  # fmt: skip


# ------------------------------------------------------------------- the same, past the dispatcher where nobody watches


def vandermonde(z: Tensor, size: int, family: str, derivative: int) -> Tensor:
    """Return the functions at the points as torch.ops.specfast.vandermonde does, small problems sooner."""
    if plain(z) and not (z.requires_grad and torch.is_grad_enabled()):
        return _vandermonde(z, size, family, derivative)
    return _vandermonde_operator(z, size, family, derivative)


def differentiate(coef: Tensor, family: str, transposed: bool) -> Tensor:
    """Return d/dz on coefficients as torch.ops.specfast.differentiate does, small problems sooner."""
    if plain(coef) and not (coef.requires_grad and torch.is_grad_enabled()):
        return _differentiate(coef, family, transposed)
    return _differentiate_operator(coef, family, transposed)
