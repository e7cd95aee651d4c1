"""Fields by one call of the compiled module: affine map, factor, kernel and all gradients. None where a case is not for it.

Not for it: several derivatives at once, rows that share points (on several axes; on one, where a matrix product pays), values
that are refused, which the way by the standard domain says in words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from . import _cpu
from .affine_map import end_slack
from .cpu_plans import KERNELS, plan_of
from .matrix_product import ADJOINT_BY_PRODUCT, SYNTHESIZE_BY_PRODUCT, matrix_product_pays
from .space_key import record

_SHAPE = 3  # Trouble::shape


def _call(kernel: Callable[..., int], *given: Any) -> int:
    """Return what a kernel says; tensors that it cannot read are trouble of shape."""
    try:
        return kernel(*given)
    except ValueError:
        return _SHAPE


@lru_cache(maxsize=512)
def _field(space: str, orders: tuple[int, ...], dtype: torch.dtype) -> _cpu.Field | None:
    """Return what the compiled module takes of a space; None for several derivatives."""
    own = record(space)
    if len(orders) != own.dim or min(orders) < 0:
        return None
    ends = [family.standard_scale_shift() for family in own.families]
    constant = 1.0
    for family, order in zip(own.families, orders, strict=True):
        constant *= float(family.sign) ** order
    plans, raised = (
        [plan_of(name, n + 1, k + more) for name, n, k in zip(own.names, own.degrees, orders, strict=True)]
        for more in (0, 1)
    )
    columns = [
        [float(family.sign) for family in own.families],
        [scale for scale, _ in ends],
        [shift for _, shift in ends],
        [end_slack(family, dtype) for family in own.families],
        [float(family.power) + order for family, order in zip(own.families, orders, strict=True)],
    ]
    domains = [2 if family.bounded else int(family.domain[0] == 0.0) for family in own.families]
    return _cpu.Field(plans, raised, domains, columns, constant, own.tree if own.dim > 1 else None)


def _lead(first: Tensor, x: Tensor, scale: Tensor, shift: Tensor, own: int) -> torch.Size | None:
    """Return the leading axes of all; None where they do not broadcast."""
    lead = x.shape[: x.dim() - 1 - own]
    if first.shape[:-1] == lead and max(scale.dim(), shift.dim()) <= own:
        return lead
    if first.shape[:-1] == lead and scale.shape[: scale.dim() - own] == shift.shape[: shift.dim() - own] == lead:
        return lead
    scales = [part.shape[: max(part.dim() - own, 0)] for part in (scale, shift)]
    try:
        return torch.broadcast_shapes(first.shape[:-1], lead, *scales)
    except RuntimeError:
        return None


def _shares_points(x: Tensor, scale: Tensor, shift: Tensor) -> bool:
    """Whether all rows may have one row of points."""
    return (x.dim() == 1 or x.shape[0] == 1 or x.stride(0) == 0) and scale.numel() == shift.numel() == 1


def synthesize(
    coef: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, orders: Sequence[int]
) -> Tensor | None:  # fmt: skip
    """Return the values (..., M)."""
    field, own = _field(space, tuple(orders), x.dtype), int(len(orders) > 1)
    if field is None or x.dim() <= own:
        return None
    if (
        not own
        and _shares_points(x, scale, shift)
        and matrix_product_pays(coef, x, coef.shape[-1], SYNTHESIZE_BY_PRODUCT)
    ):
        return None
    result = torch.empty(x.shape[: x.dim() - own], dtype=x.dtype)
    trouble = _call(KERNELS.synthesize_field, field, coef, x, scale, shift, result)
    if trouble == _SHAPE and (lead := _lead(coef, x, scale, shift, own)) is not None:
        result = torch.empty((*lead, result.shape[-1]), dtype=x.dtype)
        trouble = _call(KERNELS.synthesize_field, field, coef, x, scale, shift, result)
    return None if trouble else result


def adjoint(
    values: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, orders: Sequence[int]
) -> Tensor | None:  # fmt: skip
    """Return the coefficients (..., K)."""
    field, own = _field(space, tuple(orders), x.dtype), int(len(orders) > 1)
    if field is None or x.dim() <= own:
        return None
    size = field.size
    if not own and _shares_points(x, scale, shift) and matrix_product_pays(values, x, size, ADJOINT_BY_PRODUCT):
        return None
    if (lead := _lead(values, x, scale, shift, own)) is None:
        return None
    result = torch.empty((*lead, size), dtype=x.dtype)
    return None if _call(KERNELS.adjoint_field, field, values, x, scale, shift, result) else result


def backward(
    gradient: Tensor, coef: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, orders: Sequence[int]
) -> tuple[Tensor, Tensor, Tensor, Tensor] | None:  # fmt: skip
    """Return the gradients in coef, x, scale and shift, in the leading axes of all."""
    field, own = _field(space, tuple(orders), x.dtype), int(len(orders) > 1)
    if field is None or x.dim() <= own:
        return None
    lead = _lead(coef, x, scale, shift, own)
    if lead is None or (gradient.shape[:-1] != lead and torch.broadcast_shapes(lead, gradient.shape[:-1]) != lead):
        return None
    new, trailing = torch.empty, x.shape[x.dim() - 1 - own :]
    results = (
        new((*lead, coef.shape[-1]), dtype=x.dtype), new((*lead, *trailing), dtype=x.dtype),
        new((*lead, *trailing[1:]), dtype=x.dtype), new((*lead, *trailing[1:]), dtype=x.dtype),
    )  # fmt: skip
    return None if _call(KERNELS.backward_field, field, gradient, coef, x, scale, shift, *results) else results
