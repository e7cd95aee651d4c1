"""The kernels as torch operators: torch.ops.specfast.synthesize, adjoint, basis and differentiate.

All take plain values besides tensors: `family` is "hermite", "laguerre(alpha)", "chebyshev" or "legendre" on its
standard domain, `families` several of these joined by commas, `derivative` the order with respect to z. Leading axes
broadcast. A derivative with respect to z raises `derivative` by one: every order is the same operators again.

    synthesize(coef (..., K), z (..., M), family, derivative)                  u_m = sum_n c_n phi_n^(k)(z_m)
    synthesize_backward(gradient (..., M), coef, z, family, derivative)        both gradients of it, in one pass
    adjoint(values (..., M), z (..., M), size, family, derivative)             c_n = sum_m v_m phi_n^(k)(z_m)
    basis(z (..., M), size, family, derivative)                                B_mn = phi_n^(k)(z_m)
    differentiate(coef (..., K), family, transposed)                           d with sum d_n phi_n = (sum c_n phi_n)'

Those over several axes are in `product_ops`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from . import kernels
from ._autograd import Operator, direct, direct_node, plain, register, register_composite


def check(name: str, first: tuple[str, Tensor], z: Tensor | None, derivative: int = 0) -> None:
    """Raise TypeError or ValueError if the tensors or the order are not what an operator takes."""
    label, tensor = first
    if tensor.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{name}: {label} has dtype {tensor.dtype}; torch.float32 or torch.float64 is expected")
    if tensor.dim() < 1:
        raise ValueError(f"{name}: {label} has no axis; shape (..., {label}) is expected")
    if derivative < 0:
        raise ValueError(f"{name}: derivative={derivative}; 0 or more is expected")
    if z is None:
        return
    if z.dtype != tensor.dtype:
        raise TypeError(f"{name}: {label} has dtype {tensor.dtype} and z has {z.dtype}; one dtype is expected")
    if z.device != tensor.device:
        raise ValueError(f"{name}: {label} is on {tensor.device} and z on {z.device}; one device is expected")


def check_size(name: str, size: int) -> None:
    """Raise ValueError if there are no coefficients."""
    if size < 1:
        raise ValueError(f"{name}: {size} coefficients; at least one is expected")


def leading(*shapes: torch.Size) -> torch.Size:
    """Return the leading axes of the result."""
    return torch.broadcast_shapes(*shapes)


def _summed(gradient: Tensor, like: Tensor) -> Tensor:
    """Sum over the axes along which `like` was broadcast."""
    return gradient if gradient.shape == like.shape else gradient.sum_to_size(like.shape)


# ---------------------------------------------------------------------------------------------------------- synthesize


def _synthesize(coef: Tensor, z: Tensor, family: str, derivative: int) -> Tensor:
    check("synthesize", ("coef", coef), z, derivative)
    check_size("synthesize", coef.shape[-1])
    return kernels.backend(z.device).synthesize(coef, z, family, derivative)


def _synthesize_fake(coef: Tensor, z: Tensor, family: str, derivative: int) -> Tensor:
    return z.new_empty((*leading(coef.shape[:-1], z.shape[:-1]), z.shape[-1]))


def _synthesize_backward(ctx: Any, needed: Sequence[bool], gradient: Tensor) -> Sequence[Tensor | None]:
    coef, z = ctx.saved_tensors
    family, derivative = ctx.rest
    grad_coef = grad_z = None
    if needed[0] and needed[1]:
        grad_coef, grad_z = synthesize_backward(gradient, coef, z, family, derivative)
        grad_coef, grad_z = _summed(grad_coef, coef), _summed(grad_z, z)
    elif needed[0]:
        grad_coef = _summed(adjoint(gradient, z, coef.shape[-1], family, derivative), coef)
    elif needed[1]:
        grad_z = _summed(gradient * synthesize(coef, z, family, derivative + 1), z)
    return grad_coef, grad_z, None, None


def _fused(gradient: Tensor, coef: Tensor, z: Tensor, family: str, derivative: int) -> tuple[Tensor, Tensor]:
    check("synthesize_backward", ("gradient", gradient), z, derivative)
    return kernels.backend(z.device).backward(gradient, coef, z, family, derivative)


def _fused_fake(gradient: Tensor, coef: Tensor, z: Tensor, family: str, derivative: int) -> tuple[Tensor, Tensor]:
    lead = leading(gradient.shape[:-1], coef.shape[:-1], z.shape[:-1])
    return z.new_empty((*lead, coef.shape[-1])), z.new_empty((*lead, z.shape[-1]))


def _fused_in_steps(gradient: Tensor, coef: Tensor, z: Tensor, family: str, derivative: int) -> tuple[Tensor, Tensor]:
    """Return the same through operators that can be differentiated again."""
    lead = leading(gradient.shape[:-1], coef.shape[:-1], z.shape[:-1])
    grad_coef = adjoint(gradient, z, coef.shape[-1], family, derivative)
    grad_z = gradient * synthesize(coef, z, family, derivative + 1)
    return grad_coef.expand(*lead, -1), grad_z.expand(*lead, -1)


def _synthesize_tangent(ctx: Any, coef_t: Tensor | None, z_t: Tensor | None, *_: Any) -> Tensor:
    coef, z = ctx.saved_tensors
    family, derivative = ctx.rest
    total = torch.zeros((), dtype=z.dtype, device=z.device)
    if coef_t is not None:
        total = total + synthesize(coef_t, z, family, derivative)
    if z_t is not None:
        total = total + z_t * synthesize(coef, z, family, derivative + 1)
    return total


# ------------------------------------------------------------------------------------------------------------- adjoint


def _adjoint(values: Tensor, z: Tensor, size: int, family: str, derivative: int) -> Tensor:
    check("adjoint", ("values", values), z, derivative)
    check_size("adjoint", size)
    if values.shape[-1] != z.shape[-1]:
        raise ValueError(
            f"adjoint: values have {values.shape[-1]} points and z has {z.shape[-1]}; as many are expected"
        )
    return kernels.backend(z.device).adjoint(values, z, size, family, derivative)


def _adjoint_fake(values: Tensor, z: Tensor, size: int, family: str, derivative: int) -> Tensor:
    return z.new_empty((*leading(values.shape[:-1], z.shape[:-1]), size))


def _adjoint_backward(ctx: Any, needed: Sequence[bool], gradient: Tensor) -> Sequence[Tensor | None]:
    values, z = ctx.saved_tensors
    _, family, derivative = ctx.rest
    grad_values = grad_z = None
    if needed[0]:
        grad_values = _summed(synthesize(gradient, z, family, derivative), values)
    if needed[1]:
        grad_z = _summed(values * synthesize(gradient, z, family, derivative + 1), z)
    return grad_values, grad_z, None, None, None


def _adjoint_tangent(ctx: Any, values_t: Tensor | None, z_t: Tensor | None, *_: Any) -> Tensor:
    values, z = ctx.saved_tensors
    size, family, derivative = ctx.rest
    total = torch.zeros((), dtype=z.dtype, device=z.device)
    if values_t is not None:
        total = total + adjoint(values_t, z, size, family, derivative)
    if z_t is not None:
        total = total + adjoint(values * z_t, z, size, family, derivative + 1)
    return total


# --------------------------------------------------------------------------------------------------------------- basis


def _basis(z: Tensor, size: int, family: str, derivative: int) -> Tensor:
    check("basis", ("z", z), None, derivative)
    check_size("basis", size)
    return kernels.backend(z.device).basis(z, size, family, derivative)


def _basis_fake(z: Tensor, size: int, family: str, derivative: int) -> Tensor:
    return z.new_empty((*z.shape, size))


def _basis_backward(ctx: Any, needed: Sequence[bool], gradient: Tensor) -> Sequence[Tensor | None]:
    (z,) = ctx.saved_tensors
    size, family, derivative = ctx.rest
    # By another table: row m of the gradient is a series to be evaluated at z_m alone, and a sum of one point wastes vectors.
    grad_z = (gradient * basis(z, size, family, derivative + 1)).sum(-1) if needed[0] else None
    return grad_z, None, None, None


def _basis_tangent(ctx: Any, z_t: Tensor | None, *_: Any) -> Tensor:
    (z,) = ctx.saved_tensors
    size, family, derivative = ctx.rest
    if z_t is None:
        return z.new_zeros((*z.shape, size))
    return z_t.unsqueeze(-1) * basis(z, size, family, derivative + 1)


# ------------------------------------------------------------------------------------------------------- differentiate


def _differentiate(coef: Tensor, family: str, transposed: bool) -> Tensor:
    check("differentiate", ("coef", coef), None)
    check_size("differentiate", coef.shape[-1])
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


_synthesize_rules = Operator(
    "(Tensor coef, Tensor z, str family, int derivative) -> Tensor",
    _synthesize, _synthesize_fake, _synthesize_backward, _synthesize_tangent, (1, 1),
)  # fmt: skip
_adjoint_rules = Operator(
    "(Tensor values, Tensor z, SymInt size, str family, int derivative) -> Tensor",
    _adjoint, _adjoint_fake, _adjoint_backward, _adjoint_tangent, (1, 1),
)  # fmt: skip
_synthesize_operator = register("synthesize", _synthesize_rules)
_adjoint_operator = register("adjoint", _adjoint_rules)
_backward_operator = register_composite(
    "synthesize_backward",
    "(Tensor gradient, Tensor coef, Tensor z, str family, int derivative) -> (Tensor, Tensor)",
    _fused, _fused_fake, _fused_in_steps, (1, 1, 1),
)  # fmt: skip
basis = register(
    "basis",
    Operator(
        "(Tensor z, SymInt size, str family, int derivative) -> Tensor",
        _basis, _basis_fake, _basis_backward, _basis_tangent, (1,),
    ),
)  # fmt: skip
differentiate = register(
    "differentiate",
    Operator(
        "(Tensor coef, str family, bool transposed) -> Tensor",
        _differentiate, _differentiate_fake, _differentiate_backward, _differentiate_tangent, (1,),
    ),
)  # fmt: skip


# -------------------------------------------------------------------------------------- the same, past the dispatcher

_cpu = kernels.cpu_backend
_synthesize_node = direct_node(_synthesize_rules, lambda *args: _cpu().synthesize(*args))
_adjoint_node = direct_node(_adjoint_rules, lambda *args: _cpu().adjoint(*args))


def synthesize_plain(coef: Tensor, z: Tensor, family: str, derivative: int) -> Tensor:
    """Return what `synthesize` does for tensors that `direct` accepts, no derivative being recorded."""
    return _cpu().synthesize(coef, z, family, derivative)


def synthesize(coef: Tensor, z: Tensor, family: str, derivative: int) -> Tensor:
    """Return u_m = sum_n c_n phi_n^(k)(z_m) as torch.ops.specfast.synthesize does, small problems sooner."""
    if direct(coef, z) and coef.dim() and z.dim() and coef.shape[-1] and derivative >= 0:
        if torch.is_grad_enabled() and (coef.requires_grad or z.requires_grad):
            return _synthesize_node(coef, z, family, derivative)
        return _cpu().synthesize(coef, z, family, derivative)
    return _synthesize_operator(coef, z, family, derivative)


def adjoint(values: Tensor, z: Tensor, size: int, family: str, derivative: int) -> Tensor:
    """Return c_n = sum_m v_m phi_n^(k)(z_m) as torch.ops.specfast.adjoint does, small problems sooner."""
    if direct(values, z) and z.dim() and values.shape[-1:] == z.shape[-1:] and size > 0 and derivative >= 0:
        if torch.is_grad_enabled() and (values.requires_grad or z.requires_grad):
            return _adjoint_node(values, z, size, family, derivative)
        return _cpu().adjoint(values, z, size, family, derivative)
    return _adjoint_operator(values, z, size, family, derivative)


def synthesize_backward(
    gradient: Tensor, coef: Tensor, z: Tensor, family: str, derivative: int
) -> tuple[Tensor, Tensor]:
    """Return both gradients of `synthesize`, (..., K) and (..., M), before they are summed over axes that were broadcast."""
    if not torch.is_grad_enabled() and direct(gradient, z) and plain(coef, z.dtype):
        return _cpu().backward(gradient, coef, z, family, derivative)
    return _backward_operator(gradient, coef, z, family, derivative)
