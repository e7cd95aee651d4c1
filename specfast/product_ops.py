"""Sums over an index tree of products of functions, one family an axis, as torch operators.

Arguments as in `ops`: `families` are several names joined by commas, `derivative` one order an axis; `tree` is that of an
index set (`IndexSet.tree`), int32, and `degrees` are its largest entries.

    product_synthesize(coef (..., K), z (..., M, D), tree (F, 2), degrees, families, derivative)
    product_adjoint(values (..., M), z (..., M, D), tree (F, 2), size, degrees, families, derivative)
    product_gradient(coef (..., K), z (..., M, D), tree (F, 2), degrees, families, derivative)   the gradient in z
    product_derivatives(coef, z, tree, degrees, families, derivatives)   several derivatives, (..., J, M)
    grid_synthesize(coef (..., K), tree, sizes, families, derivative, weighted)   values (..., n_1 .. n_D) on a Gauss grid
    grid_adjoint(values (..., n_1 .. n_D), tree, size, sizes, families, derivative, weighted)   its transpose, (..., K)
    product_backward(values (..., M), coef, z, tree, degrees, families, derivative)   both gradients of product_synthesize
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from . import kernels, product_grids
from ._autograd import Operator, register, register_composite
from .ops import check, check_size, leading


def _raised(derivative: Sequence[int], axis: int) -> list[int]:
    return [order + (d == axis) for d, order in enumerate(derivative)]


def _check_product(
    name: str, first: tuple[str, Tensor], z: Tensor, tree: Tensor, degrees: Sequence[int], families: str,
    derivative: Sequence[int],
) -> None:  # fmt: skip
    check(name, first, z, min(derivative, default=0))
    dim = len(degrees)
    if z.dim() < 2 or z.shape[-1] != dim:
        raise ValueError(f"{name}: z has shape {tuple(z.shape)}; (..., M, {dim}) is expected")
    if not 2 <= dim <= 64 or len(families.split(",")) != dim or len(derivative) != dim or min(degrees) < 0:
        raise ValueError(
            f"{name}: degrees={list(degrees)}, families={families!r}, derivative={list(derivative)}; 2 to 64 of each are expected"
        )
    if tree.dtype is not torch.int32 or tree.dim() != 2 or tree.shape[1] != 2 or tree.shape[0] < 1:
        raise ValueError(f"{name}: tree has shape {tuple(tree.shape)} of {tree.dtype}; (F, 2) of int32 is expected")
    _check_place(name, tree, z)


def _check_place(name: str, tree: Tensor, other: Tensor) -> None:
    """Raise ValueError unless the tree, which is walked over on the host, is in main memory or where the numbers are."""
    if not tree.is_cpu and tree.device != other.device:
        raise ValueError(f"{name}: tree is on {tree.device}; main memory or {other.device} is expected")


def _product_synthesize(
    coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: str, derivative: Sequence[int]
) -> Tensor:
    _check_product("product_synthesize", ("coef", coef), z, tree, degrees, families, derivative)
    own = kernels.backend(z.device)
    return own.product_synthesize(coef, z, tree.contiguous(), degrees, families.split(","), derivative)


def _product_synthesize_fake(
    coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: str, derivative: Sequence[int]
) -> Tensor:
    return z.new_empty((*leading(coef.shape[:-1], z.shape[:-2]), z.shape[-2]))


def _gradient_in_z(series: Tensor, factor: Tensor, z: Tensor, rest: Sequence[Any]) -> Tensor:
    """Factor * d/dz_d of the series, for every axis d, summed to z's shape."""
    return (factor.unsqueeze(-1) * product_gradient(series, z, *rest)).sum_to_size(z.shape)


def _product_synthesize_backward(ctx: Any, needed: Sequence[bool], gradient: Tensor) -> Sequence[Tensor | None]:
    coef, z, tree = ctx.saved_tensors
    grad_coef = grad_z = None
    if needed[0] and needed[1]:
        grad_coef, grad_z = product_backward(gradient, coef, z, tree, *ctx.rest)
        return grad_coef.sum_to_size(coef.shape), grad_z.sum_to_size(z.shape), None, None, None, None
    if needed[0]:
        grad_coef = product_adjoint(gradient, z, tree, coef.shape[-1], *ctx.rest).sum_to_size(coef.shape)
    if needed[1]:
        grad_z = _gradient_in_z(coef, gradient, z, (tree, *ctx.rest))
    return grad_coef, grad_z, None, None, None, None


def _product_synthesize_tangent(ctx: Any, coef_t: Tensor | None, z_t: Tensor | None, *_: Any) -> Tensor:
    coef, z, tree = ctx.saved_tensors
    total = torch.zeros((), dtype=z.dtype, device=z.device)
    if coef_t is not None:
        total = total + product_synthesize(coef_t, z, tree, *ctx.rest)
    if z_t is not None:
        total = total + (z_t * product_gradient(coef, z, tree, *ctx.rest)).sum(-1)
    return total


def _product_adjoint(
    values: Tensor, z: Tensor, tree: Tensor, size: int, degrees: Sequence[int], families: str, derivative: Sequence[int]
) -> Tensor:
    _check_product("product_adjoint", ("values", values), z, tree, degrees, families, derivative)
    check_size("product_adjoint", size)
    if values.shape[-1] != z.shape[-2]:
        raise ValueError(
            f"product_adjoint: values have {values.shape[-1]} points and z has {z.shape[-2]}; as many are expected"
        )
    own = kernels.backend(z.device)
    return own.product_adjoint(values, z, tree.contiguous(), size, degrees, families.split(","), derivative)


def _product_adjoint_fake(
    values: Tensor, z: Tensor, tree: Tensor, size: int, degrees: Sequence[int], families: str, derivative: Sequence[int]
) -> Tensor:
    return z.new_empty((*leading(values.shape[:-1], z.shape[:-2]), size))


def _product_adjoint_backward(ctx: Any, needed: Sequence[bool], gradient: Tensor) -> Sequence[Tensor | None]:
    values, z, tree = ctx.saved_tensors
    _, *rest = ctx.rest
    grad_values = grad_z = None
    if needed[0]:
        grad_values = product_synthesize(gradient, z, tree, *rest).sum_to_size(values.shape)
    if needed[1]:
        grad_z = _gradient_in_z(gradient, values, z, (tree, *rest))
    return grad_values, grad_z, None, None, None, None, None


def _product_adjoint_tangent(ctx: Any, values_t: Tensor | None, z_t: Tensor | None, *_: Any) -> Tensor:
    values, z, tree = ctx.saved_tensors
    size, degrees, families, derivative = ctx.rest
    total = torch.zeros((), dtype=z.dtype, device=z.device)
    if values_t is not None:
        total = total + product_adjoint(values_t, z, tree, size, degrees, families, derivative)
    for axis in range(z.shape[-1] if z_t is not None else 0):
        weighted = values * z_t[..., axis]  # type: ignore[index]
        total = total + product_adjoint(weighted, z, tree, size, degrees, families, _raised(derivative, axis))
    return total


def _product_gradient(
    coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: str, derivative: Sequence[int]
) -> Tensor:
    _check_product("product_gradient", ("coef", coef), z, tree, degrees, families, derivative)
    own = kernels.backend(z.device)
    return own.product_gradient(coef, z, tree.contiguous(), degrees, families.split(","), derivative)


def _product_gradient_fake(
    coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: str, derivative: Sequence[int]
) -> Tensor:
    return z.new_empty((*leading(coef.shape[:-1], z.shape[:-2]), *z.shape[-2:]))


def _product_gradient_in_steps(
    coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: str, derivative: Sequence[int]
) -> Tensor:
    """Return the same through operators that can be differentiated again."""
    parts = [
        product_synthesize(coef, z, tree, degrees, families, _raised(derivative, axis)) for axis in range(z.shape[-1])
    ]
    return torch.stack(parts, -1)


def _product_backward(
    values: Tensor, coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: str,
    derivative: Sequence[int],
) -> tuple[Tensor, Tensor]:  # fmt: skip
    _check_product("product_backward", ("coef", coef), z, tree, degrees, families, derivative)
    check("product_backward", ("values", values), z)
    if values.shape[-1] != z.shape[-2]:
        raise ValueError(
            f"product_backward: values have {values.shape[-1]} points and z has {z.shape[-2]}; as many are expected"
        )
    own = kernels.backend(z.device)
    grads = own.product_backward(values, coef, z, tree.contiguous(), degrees, families.split(","), derivative)
    lead = leading(values.shape[:-1], coef.shape[:-1], z.shape[:-2])
    return grads[0].expand(*lead, -1), grads[1].expand(*lead, -1, -1)


def _product_backward_fake(
    values: Tensor, coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: str,
    derivative: Sequence[int],
) -> tuple[Tensor, Tensor]:  # fmt: skip
    lead = leading(values.shape[:-1], coef.shape[:-1], z.shape[:-2])
    return z.new_empty((*lead, coef.shape[-1])), z.new_empty((*lead, *z.shape[-2:]))


def _product_backward_in_steps(
    values: Tensor, coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: str,
    derivative: Sequence[int],
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Return the same through operators that can be differentiated again."""
    rest = degrees, families, derivative
    lead = leading(values.shape[:-1], coef.shape[:-1], z.shape[:-2])
    grad_coef = product_adjoint(values, z, tree, coef.shape[-1], *rest)
    grad_z = values.unsqueeze(-1) * product_gradient(coef, z, tree, *rest)
    return grad_coef.expand(*lead, -1), grad_z.expand(*lead, -1, -1)


def _tuples(derivatives: Sequence[int], dim: int) -> list[list[int]]:
    return [list(derivatives[i : i + dim]) for i in range(0, len(derivatives), dim)]


def _product_derivatives(
    coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: str, derivatives: Sequence[int]
) -> Tensor:
    dim = max(1, len(degrees))
    if not derivatives or len(derivatives) % dim or min(derivatives) < 0:
        raise ValueError(
            f"product_derivatives: derivatives={list(derivatives)}; {dim} orders of 0 or more for each are expected"
        )
    _check_product("product_derivatives", ("coef", coef), z, tree, degrees, families, derivatives[:dim])
    wanted, names = _tuples(derivatives, dim), families.split(",")
    return kernels.backend(z.device).product_derivatives(coef, z, tree.contiguous(), degrees, names, wanted)


def _product_derivatives_fake(
    coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: str, derivatives: Sequence[int]
) -> Tensor:
    lead = leading(coef.shape[:-1], z.shape[:-2])
    return z.new_empty((*lead, len(derivatives) // len(degrees), z.shape[-2]))


def _product_derivatives_backward(ctx: Any, needed: Sequence[bool], gradient: Tensor) -> Sequence[Tensor | None]:
    coef, z, tree = ctx.saved_tensors
    degrees, families, derivatives = ctx.rest
    grad_coef = grad_z = None
    for place, orders in enumerate(_tuples(derivatives, len(degrees))):
        part = gradient[..., place, :]
        if needed[0]:
            own = product_adjoint(part, z, tree, coef.shape[-1], degrees, families, orders).sum_to_size(coef.shape)
            grad_coef = own if grad_coef is None else grad_coef + own
        if needed[1]:
            own = _gradient_in_z(coef, part, z, (tree, degrees, families, orders))
            grad_z = own if grad_z is None else grad_z + own
    return grad_coef, grad_z, None, None, None, None


def _product_derivatives_tangent(ctx: Any, coef_t: Tensor | None, z_t: Tensor | None, *_: Any) -> Tensor:
    coef, z, tree = ctx.saved_tensors
    degrees, families, derivatives = ctx.rest
    total = torch.zeros((), dtype=z.dtype, device=z.device)
    if coef_t is not None:
        total = total + product_derivatives(coef_t, z, tree, degrees, families, derivatives)
    if z_t is not None:
        tuples = _tuples(derivatives, len(degrees))
        slopes = [product_gradient(coef, z, tree, degrees, families, orders) for orders in tuples]
        total = total + torch.stack([(z_t * slope).sum(-1) for slope in slopes], -2)
    return total


# --------------------------------------------------------------------------------------------------------------- grids


def _check_grid(
    name: str, tensor: Tensor, tree: Tensor, sizes: Sequence[int], families: str, derivative: Sequence[int]
) -> None:
    check(name, ("its argument", tensor), None, min(derivative, default=0))
    dim = len(sizes)
    if dim < 1 or len(families.split(",")) != dim or len(derivative) != dim:
        raise ValueError(
            f"{name}: sizes={list(sizes)}, families={families!r}, derivative={list(derivative)}; as many of each are expected"
        )
    if tree.dtype is not torch.int32 or tree.dim() != 2 or tree.shape[1] != 2:
        raise ValueError(f"{name}: tree has shape {tuple(tree.shape)} of {tree.dtype}; (F, 2) of int32 is expected")
    _check_place(name, tree, tensor)


def _check_length(name: str, tensor: Tensor, expected: int) -> None:
    if tensor.shape[-1] != expected:
        raise ValueError(f"{name}: its argument has shape {tuple(tensor.shape)}; (..., {expected}) is expected")


def _grid_synthesize(
    coef: Tensor, tree: Tensor, sizes: Sequence[int], families: str, derivative: Sequence[int], weighted: bool
) -> Tensor:
    _check_grid("grid_synthesize", coef, tree, sizes, families, derivative)
    _check_length("grid_synthesize", coef, int(tree[:, 1].sum()))
    return product_grids.synthesize(coef, tree, sizes, families.split(","), derivative, weighted)


def _grid_synthesize_fake(
    coef: Tensor, tree: Tensor, sizes: Sequence[int], families: str, derivative: Sequence[int], weighted: bool
) -> Tensor:
    return coef.new_empty((*coef.shape[:-1], math.prod(sizes)))


def _grid_synthesize_backward(ctx: Any, needed: Sequence[bool], gradient: Tensor) -> Sequence[Tensor | None]:
    coef, tree = ctx.saved_tensors
    grad = grid_adjoint(gradient, tree, coef.shape[-1], *ctx.rest) if needed[0] else None
    return grad, None, None, None, None, None


def _grid_synthesize_tangent(ctx: Any, coef_t: Tensor, *_: Any) -> Tensor:
    _, tree = ctx.saved_tensors
    return grid_synthesize(coef_t, tree, *ctx.rest)


def _grid_adjoint(
    values: Tensor, tree: Tensor, size: int, sizes: Sequence[int], families: str, derivative: Sequence[int],
    weighted: bool,
) -> Tensor:  # fmt: skip
    _check_grid("grid_adjoint", values, tree, sizes, families, derivative)
    _check_length("grid_adjoint", values, math.prod(sizes))
    if size != int(tree[:, 1].sum()):
        raise ValueError(f"grid_adjoint: size={size}; {int(tree[:, 1].sum())} is expected")
    return product_grids.adjoint(values, tree, sizes, families.split(","), derivative, weighted)


def _grid_adjoint_fake(
    values: Tensor, tree: Tensor, size: int, sizes: Sequence[int], families: str, derivative: Sequence[int],
    weighted: bool,
) -> Tensor:  # fmt: skip
    return values.new_empty((*values.shape[:-1], size))


def _grid_adjoint_backward(ctx: Any, needed: Sequence[bool], gradient: Tensor) -> Sequence[Tensor | None]:
    _, tree = ctx.saved_tensors
    grad = grid_synthesize(gradient, tree, *ctx.rest[1:]) if needed[0] else None
    return grad, None, None, None, None, None, None


def _grid_adjoint_tangent(ctx: Any, values_t: Tensor, *_: Any) -> Tensor:
    _, tree = ctx.saved_tensors
    return grid_adjoint(values_t, tree, *ctx.rest)


product_synthesize = register(
    "product_synthesize",
    Operator(
        "(Tensor coef, Tensor z, Tensor tree, int[] degrees, str families, int[] derivative) -> Tensor",
        _product_synthesize, _product_synthesize_fake, _product_synthesize_backward, _product_synthesize_tangent,
        (1, 2, 0),
    ),
)  # fmt: skip
product_adjoint = register(
    "product_adjoint",
    Operator(
        "(Tensor values, Tensor z, Tensor tree, SymInt size, int[] degrees, str families, int[] derivative) -> Tensor",
        _product_adjoint, _product_adjoint_fake, _product_adjoint_backward, _product_adjoint_tangent,
        (1, 2, 0),
    ),
)  # fmt: skip
product_gradient = register_composite(
    "product_gradient",
    "(Tensor coef, Tensor z, Tensor tree, int[] degrees, str families, int[] derivative) -> Tensor",
    _product_gradient, _product_gradient_fake, _product_gradient_in_steps, (1, 2, 0),
)  # fmt: skip
product_derivatives = register(
    "product_derivatives",
    Operator(
        "(Tensor coef, Tensor z, Tensor tree, int[] degrees, str families, int[] derivatives) -> Tensor",
        _product_derivatives, _product_derivatives_fake, _product_derivatives_backward, _product_derivatives_tangent,
        (1, 2, 0),
    ),
)  # fmt: skip
product_backward = register_composite(
    "product_backward",
    "(Tensor values, Tensor coef, Tensor z, Tensor tree, int[] degrees, str families, int[] derivative)"
    " -> (Tensor, Tensor)",
    _product_backward, _product_backward_fake, _product_backward_in_steps, (1, 1, 2, 0),
)  # fmt: skip
grid_synthesize = register(
    "grid_synthesize",
    Operator(
        "(Tensor coef, Tensor tree, int[] sizes, str families, int[] derivative, bool weighted) -> Tensor",
        _grid_synthesize, _grid_synthesize_fake, _grid_synthesize_backward, _grid_synthesize_tangent, (1, 0),
    ),
)  # fmt: skip
grid_adjoint = register(
    "grid_adjoint",
    Operator(
        "(Tensor values, Tensor tree, SymInt size, int[] sizes, str families, int[] derivative, bool weighted) -> Tensor",
        _grid_adjoint, _grid_adjoint_fake, _grid_adjoint_backward, _grid_adjoint_tangent, (1, 0),
    ),
)  # fmt: skip
