r"""Fields on a space as torch operators, for any number of axes, with exact derivatives of every order in all arguments.

.. math:: u(x) = \prod_d s_d^{k_d} \beta_d^{p_d + k_d} \sum_n c_n \prod_d \varphi_{n_d}^{(k_d)}(z_d), \qquad z = s \beta (x - x_0)

    synthesize(coef (..., K), x (..., M[, D]), scale, shift, space, derivative)            u^(k) (..., M)
    adjoint(values (..., M), x, scale, shift, space, derivative)                           its transpose, (..., K)
    synthesize_backward(gradient (..., M), coef, x, scale, shift, space, derivative)       all gradients of it, in one pass

Leading axes broadcast. Scale and shift are (...,) on one axis, (..., D) or a number on several; a bounded axis has the
interval's own. `space` is a space's key, plain text; `derivative` has an order in x for every axis, or J times as many for J
derivatives (..., J, M) at once. Every derivative in x raises `derivative`, so that every order is the same operators again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..kernels import fields
from ..kernels.affine_map import gradients_through_map, scale_and_shift, vector
from ..kernels.space_key import SpaceRecord, axes_of, behind_key, record
from .checks import check_axis, check_broadcast, check_dtype, check_length, check_orders, summed_to
from .register import Operator, direct_node, plain, register, register_composite

_Given = tuple[Tensor, Tensor, Tensor, Tensor]  # coefficients or values, points, scale, shift
_Rest = tuple[Tensor, Tensor, Tensor, str, Sequence[int]]  # points, scale, shift, space, derivative


def _own_axes(space: str) -> list[int]:
    """Return how many trailing axes coefficients (or values), points, scale and shift have of their own."""
    several = int(axes_of(space) > 1)
    return [1, 1 + several, several, several]


def _lead(space: str, *given: Tensor) -> torch.Size:
    """Return the leading axes of the result, of any number of tensors before points, scale and shift."""
    first, points, scale, shift = _own_axes(space)
    own = [first] * (len(given) - 3) + [points, scale, shift]
    return torch.broadcast_shapes(
        *(part.shape[: max(part.dim() - axes, 0)] for part, axes in zip(given, own, strict=True))
    )


def _check(name: str, first: str, given: _Given, space: str, derivative: Sequence[int], several: bool = False) -> None:
    own, (tensor, x, scale, shift) = record(space), given
    check_dtype(name, **{first: tensor, "points": x, "scale": scale, "shift": shift})
    check_axis(name, first, tensor)
    check_orders(name, derivative, own.dim, several)
    if x.dim() < min(own.dim, 2) or (own.dim > 1 and x.shape[-1] != own.dim):
        expected = "(..., M)" if own.dim == 1 else f"(..., M, {own.dim})"
        raise ValueError(f"{name}: points has shape {tuple(x.shape)}; {expected} is expected")
    for label, part in (("scale", scale), ("shift", shift)):
        if own.dim > 1 and part.dim() > 0 and part.shape[-1] not in (1, own.dim):
            raise ValueError(f"{name}: {label} has shape {tuple(part.shape)}; (..., {own.dim}) or a number is expected")
    shapes = zip(given, _own_axes(space), strict=True)
    leads = [tuple(part.shape[: max(part.dim() - count, 0)]) for part, count in shapes]
    check_broadcast(name, dict(zip((first, "points", "scale", "shift"), leads, strict=True)))


def _points(x: Tensor, space: str) -> int:
    return x.shape[-1 if axes_of(space) == 1 else -2]


def _raised(derivative: Sequence[int]) -> list[int]:
    """Return the orders of all first derivatives of a derivative, one after the other."""
    dim = len(derivative)
    return [order + (d == axis) for axis in range(dim) for d, order in enumerate(derivative)]


def _slopes(coef: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, derivative: Sequence[int]) -> Tensor:
    """Return the gradient in x of a field, (..., M, D), by operators that can be differentiated again."""
    found = synthesize(coef, x, scale, shift, space, _raised(derivative))
    return found.unsqueeze(-1) if len(derivative) == 1 else found.movedim(-2, -1)


class _Map:
    """What derivatives in x, scale and shift need of the affine map, axis by axis also where there is one."""

    def __init__(self, x: Tensor, scale: Tensor, shift: Tensor, space: str, derivative: Sequence[int]):
        self.own: SpaceRecord = record(space)
        self.orders, self.one = derivative, self.own.dim == 1
        self.x = x.unsqueeze(-1) if self.one else x
        self.beta, self.x0 = scale_and_shift(scale, shift, self.own.families)
        self.distance = self.x - self.x0.unsqueeze(-2)
        families = self.own.families
        self.free = vector(tuple(0.0 if family.bounded else 1.0 for family in families), x)
        self.powers = tuple(family.power + k for family, k in zip(families, derivative, strict=True))

    def gradients(self, grad_x: Tensor, inner: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients in x, scale and shift from that in x, (..., M, D)."""
        rest = gradients_through_map(grad_x, inner, self.x, self.beta, self.x0, self.own.families, self.orders)
        parts = (grad_x, *rest)
        return tuple(part.squeeze(-1) if self.one else part for part in parts)  # type: ignore[return-value]

    def speed(self, x_t: Tensor | None, scale_t: Tensor | None, shift_t: Tensor | None) -> Tensor:
        """Return the change of x, (..., M, D), that does to z what changes of x, scale and shift do."""
        total = torch.zeros_like(self.distance)
        if x_t is not None:
            total = total + (x_t.unsqueeze(-1) if self.one else x_t)
        if scale_t is not None:
            change = self.free * self._axis(scale_t) / self.beta
            total = total + self.distance * change.unsqueeze(-2)
        if shift_t is not None:
            total = total - (self.free * self._axis(shift_t)).unsqueeze(-2)
        return total

    def growth(self, scale_t: Tensor) -> Tensor:
        """Return the relative change of the factor on the coefficients, with an axis of length 1."""
        powers = vector(self.powers, self.x)
        return (powers * self.free * self._axis(scale_t) / self.beta).sum(-1, keepdim=True)

    def _axis(self, part: Tensor) -> Tensor:
        return part.unsqueeze(-1) if self.one or part.dim() == 0 else part


# ---------------------------------------------------------------------------------------------------------- synthesize


def _synthesize(coef: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, derivative: Sequence[int]) -> Tensor:
    if (kernels := fields.fused(x)) is not None:
        found: Tensor | None = kernels.synthesize(coef, x, scale, shift, space, derivative)
        if found is not None:
            return found
    _check("synthesize", "coef", (coef, x, scale, shift), space, derivative, several=True)
    check_length("synthesize", "coef", coef, record(space).size)
    return fields.synthesize(coef, x, scale, shift, space, derivative)


def _synthesize_fake(
    coef: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, derivative: Sequence[int]
) -> Tensor:  # fmt: skip
    several = [len(derivative) // axes_of(space)] if len(derivative) > axes_of(space) else []
    return x.new_empty((*_lead(space, coef, x, scale, shift), *several, _points(x, space)))


def _synthesize_backward(ctx: Any, needed: Sequence[bool], gradient: Tensor) -> Sequence[Tensor | None]:
    given: _Given = ctx.saved_tensors
    space, derivative = ctx.rest
    if not (needed[1] or needed[2] or needed[3]):
        coef, x, scale, shift = given
        found = None
        if needed[0]:
            found = _transposed_synthesis(gradient, x, scale, shift, space, derivative, ctx.direct)
        return (None if found is None else summed_to(found, coef)), None, None, None, None, None
    dim = axes_of(space)
    if len(derivative) == dim:
        return (*_gradients(gradient, given, space, derivative, needed, ctx.direct), None, None)
    listed = [
        _gradients(gradient[..., place // dim, :], given, space, derivative[place : place + dim], needed, ctx.direct)
        for place in range(0, len(derivative), dim)
    ]
    total = [None if parts[0] is None else torch.stack(parts).sum(0) for parts in zip(*listed, strict=True)]
    return (*total, None, None)


def _transposed_synthesis(
    gradient: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, derivative: Sequence[int], direct: bool
) -> Tensor:  # fmt: skip
    """Return the gradient in the coefficients alone, of one derivative or of several."""
    dim, transpose = axes_of(space), _adjoint if direct else adjoint
    if len(derivative) == dim:
        return transpose(gradient, x, scale, shift, space, derivative)
    parts = [
        transpose(gradient[..., place // dim, :], x, scale, shift, space, derivative[place : place + dim])
        for place in range(0, len(derivative), dim)
    ]
    return torch.stack(parts).sum(0)


def _gradients(
    gradient: Tensor, given: _Given, space: str, derivative: Sequence[int], needed: Sequence[bool], direct: bool
) -> Sequence[Tensor | None]:  # fmt: skip
    """Return the gradients of sum_m gradient_m u_m that are needed, not in coefficients alone, in the shapes of what they belong to.

    `direct`: no one watches, and kernels are called past the dispatcher.
    """
    parts = (_fused if direct else synthesize_backward)(gradient, *given, space, derivative)
    return [summed_to(p, like) if want else None for p, like, want in zip(parts, given, needed, strict=False)]


def _synthesize_tangent(
    ctx: Any, coef_t: Tensor | None, x_t: Tensor | None, scale_t: Tensor | None, shift_t: Tensor | None, *_: Any
) -> Tensor:  # fmt: skip
    coef, x, scale, shift = ctx.saved_tensors
    space, derivative = ctx.rest
    dim = axes_of(space)
    total = torch.zeros((), dtype=x.dtype, device=x.device)
    if coef_t is not None:
        total = total + synthesize(coef_t, x, scale, shift, space, derivative)
    if x_t is None and scale_t is None and shift_t is None:
        return total
    parts = []
    for place in range(0, len(derivative), dim):
        orders = derivative[place : place + dim]
        own = _Map(x, scale, shift, space, orders)
        part = (_slopes(coef, x, scale, shift, space, orders) * own.speed(x_t, scale_t, shift_t)).sum(-1)
        if scale_t is not None:
            part = part + own.growth(scale_t) * synthesize(coef, x, scale, shift, space, orders)
        parts.append(part)
    return total + (parts[0] if len(derivative) == dim else torch.stack(parts, -2))


# ----------------------------------------------------------------------------------------------- its gradients, in one pass


def _fused(
    gradient: Tensor, coef: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, derivative: Sequence[int]
) -> fields.Gradients:  # fmt: skip
    if (kernels := fields.fused(x)) is not None:
        found: fields.Gradients | None = kernels.backward(gradient, coef, x, scale, shift, space, derivative)
        if found is not None:
            return found
    _check("synthesize_backward", "coef", (coef, x, scale, shift), space, derivative)
    check_dtype("synthesize_backward", gradient=gradient, points=x)
    check_length("synthesize_backward", "coef", coef, record(space).size)
    check_length("synthesize_backward", "gradient", gradient, _points(x, space))
    results = fields.backward(gradient, coef, x, scale, shift, space, derivative)
    return tuple(part.contiguous() for part in results)  # type: ignore[return-value]


def _fused_fake(
    gradient: Tensor, coef: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, derivative: Sequence[int]
) -> fields.Gradients:  # fmt: skip
    dim = axes_of(space)
    lead = _lead(space, gradient, coef, x, scale, shift)
    own = () if dim == 1 else (dim,)
    new = x.new_empty
    return new((*lead, coef.shape[-1])), new((*lead, _points(x, space), *own)), new((*lead, *own)), new((*lead, *own))


def _fused_in_steps(
    gradient: Tensor, coef: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, derivative: Sequence[int]
) -> fields.Gradients:  # fmt: skip
    """Return the same by operators that can be differentiated again."""
    own = _Map(x, scale, shift, space, derivative)
    lead = _lead(space, gradient, coef, x, scale, shift)
    grad_coef = adjoint(gradient, x, scale, shift, space, derivative)
    grad_x = gradient.unsqueeze(-1) * _slopes(coef, x, scale, shift, space, derivative)
    parts = own.gradients(grad_x.expand(*lead, -1, -1), (grad_coef * coef).sum(-1).expand(lead))
    return grad_coef.expand(*lead, -1), *parts


# ------------------------------------------------------------------------------------------------------------- adjoint


def _adjoint(values: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, derivative: Sequence[int]) -> Tensor:
    if (kernels := fields.fused(x)) is not None:
        found: Tensor | None = kernels.adjoint(values, x, scale, shift, space, derivative)
        if found is not None:
            return found
    _check("adjoint", "values", (values, x, scale, shift), space, derivative)
    check_length("adjoint", "values", values, _points(x, space))
    return fields.adjoint(values, x, scale, shift, space, derivative)


def _adjoint_fake(
    values: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, derivative: Sequence[int]
) -> Tensor:  # fmt: skip
    return x.new_empty((*_lead(space, values, x, scale, shift), record(space).size))


def _adjoint_backward(ctx: Any, needed: Sequence[bool], gradient: Tensor) -> Sequence[Tensor | None]:
    values, x, scale, shift = ctx.saved_tensors
    space, derivative = ctx.rest
    grad_values = None
    if needed[0]:
        field = (_synthesize if ctx.direct else synthesize)(gradient, x, scale, shift, space, derivative)
        grad_values = summed_to(field, values)
    # In the rest the sum over n of gradient_n c_n is that over m of values_m u_m for the field with these coefficients.
    wanted = (False, *needed[1:4])
    rest: Sequence[Tensor | None] = [None] * 4
    if any(wanted):
        rest = _gradients(values, (gradient, x, scale, shift), space, derivative, wanted, ctx.direct)
    return (grad_values, *rest[1:], None, None)


def _adjoint_tangent(
    ctx: Any, values_t: Tensor | None, x_t: Tensor | None, scale_t: Tensor | None, shift_t: Tensor | None, *_: Any
) -> Tensor:  # fmt: skip
    values, x, scale, shift = ctx.saved_tensors
    space, derivative = ctx.rest
    total = torch.zeros((), dtype=x.dtype, device=x.device)
    if values_t is not None:
        total = total + adjoint(values_t, x, scale, shift, space, derivative)
    if x_t is None and scale_t is None and shift_t is None:
        return total
    own, dim = _Map(x, scale, shift, space, derivative), len(derivative)
    speed, raised = own.speed(x_t, scale_t, shift_t), _raised(derivative)
    for axis in range(dim):
        orders = raised[axis * dim : (axis + 1) * dim]
        total = total + adjoint(values * speed[..., axis], x, scale, shift, space, orders)
    if scale_t is not None:
        total = total + own.growth(scale_t) * adjoint(values, x, scale, shift, space, derivative)
    return total


def _core_axes(args: Sequence[Any]) -> list[int]:
    own = _own_axes(next(arg for arg in args if isinstance(arg, str)))
    return own if len(args) == 6 else [1, *own]


_synthesize_rules = Operator(
    "(Tensor coef, Tensor points, Tensor scale, Tensor shift, str space, int[] derivative) -> Tensor",
    _synthesize, _synthesize_fake, _synthesize_backward, _synthesize_tangent, _core_axes, 4, 4, behind_key,
)  # fmt: skip
_adjoint_rules = Operator(
    "(Tensor values, Tensor points, Tensor scale, Tensor shift, str space, int[] derivative) -> Tensor",
    _adjoint, _adjoint_fake, _adjoint_backward, _adjoint_tangent, _core_axes, 4, 4, behind_key,
)  # fmt: skip
_synthesize_operator = register("synthesize", _synthesize_rules)
_adjoint_operator = register("adjoint", _adjoint_rules)
_backward_operator = register_composite(
    "synthesize_backward",
    "(Tensor gradient, Tensor coef, Tensor points, Tensor scale, Tensor shift, str space, int[] derivative)"
    " -> (Tensor, Tensor, Tensor, Tensor)",
    _fused, _fused_fake, _fused_in_steps, _core_axes,
)  # fmt: skip


# ------------------------------------------------------------------- the same, past the dispatcher where nobody watches

_synthesize_node, _adjoint_node = direct_node(_synthesize_rules), direct_node(_adjoint_rules)


def _linear_node(kernel: Callable[..., Tensor], transpose: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return a kernel as a differentiable function of its first argument alone, as cheap as PyTorch lets a node be."""

    class Node(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, first: Tensor, given: _Rest) -> Tensor:
            x, scale, shift, space, derivative = given
            ctx.save_for_backward(x, scale, shift)
            ctx.rest = space, derivative, first.shape, behind_key(space)
            return kernel(first, x, scale, shift, space, derivative)

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
            direct = not torch.is_grad_enabled() and plain(gradient)
            space, derivative, shape, _ = ctx.rest
            found = transpose(gradient, *ctx.saved_tensors, space, derivative, direct)
            return found if found.shape == shape else found.sum_to_size(shape), None

    return Node.apply


def _transposed_adjoint(
    gradient: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, derivative: Sequence[int], direct: bool
) -> Tensor:  # fmt: skip
    return (_synthesize if direct else synthesize)(gradient, x, scale, shift, space, derivative)


_synthesize_linear = _linear_node(_synthesize, _transposed_synthesis)
_adjoint_linear = _linear_node(_adjoint, _transposed_adjoint)


def synthesize(
    coef: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, derivative: Sequence[int]
) -> Tensor:  # fmt: skip
    """Return u^(k) at the points as torch.ops.specfast.synthesize does, small problems sooner."""
    if not plain(coef, x, scale, shift):
        return _synthesize_operator(coef, x, scale, shift, space, derivative)
    if torch.is_grad_enabled():
        if x.requires_grad or scale.requires_grad or shift.requires_grad:
            return _synthesize_node(coef, x, scale, shift, space, derivative)
        if coef.requires_grad:
            return _synthesize_linear(coef, (x, scale, shift, space, derivative))
    return _synthesize(coef, x, scale, shift, space, derivative)


def adjoint(
    values: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, derivative: Sequence[int]
) -> Tensor:  # fmt: skip
    """Return the transpose of `synthesize` as torch.ops.specfast.adjoint does, small problems sooner."""
    if not plain(values, x, scale, shift):
        return _adjoint_operator(values, x, scale, shift, space, derivative)
    if torch.is_grad_enabled():
        if x.requires_grad or scale.requires_grad or shift.requires_grad:
            return _adjoint_node(values, x, scale, shift, space, derivative)
        if values.requires_grad:
            return _adjoint_linear(values, (x, scale, shift, space, derivative))
    return _adjoint(values, x, scale, shift, space, derivative)


def synthesize_backward(
    gradient: Tensor, coef: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, derivative: Sequence[int]
) -> fields.Gradients:  # fmt: skip
    """Return the gradients of sum_m gradient_m u_m in coef, x, scale and shift; what was broadcast is not summed."""
    if not torch.is_grad_enabled() and plain(gradient, coef, x, scale, shift):
        return _fused(gradient, coef, x, scale, shift, space, derivative)
    return _backward_operator(gradient, coef, x, scale, shift, space, derivative)
