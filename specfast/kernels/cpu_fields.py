"""Fields by one call of the compiled module: affine map, factor, kernel and all gradients. None where a case is not for it.

On one axis rows that share their points go through a matrix product where that pays. Not for it: several derivatives at once, rows
that share points on several axes, values that are refused, which the way by the standard domain says in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from . import _cpu, nonuniform
from .affine_map import end_slack
from .cpu_plans import KERNELS, plan_of
from .matrix_product import (
    ADJOINT_BY_PRODUCT,
    SYNTHESIZE_BY_PRODUCT,
    adjoint_shared,
    matrix_product_pays,
    one_row,
    synthesize_shared,
)
from .space_key import axes_of, record


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
    domains = [2 + family.periodic if family.bounded else int(family.domain[0] == 0.0) for family in own.families]
    return _cpu.Field(plans, raised, domains, columns, constant, own.tree if own.dim > 1 else None)


def _is_nonuniform(other: Tensor, x: Tensor, size: int, space: str) -> bool:
    """Whether a nonuniform FFT takes the sums, which begins on the standard domain."""
    if (
        x.dim() == 0 or other.dim() == 0 or x.shape[-1] * size < nonuniform.LEAST or axes_of(space) > 1
    ):  # the usual case, soonest
        return False
    return nonuniform.shape_pays(other, x, size, record(space).names[0])


def _one_row_of_points(other: Tensor, x: Tensor, scale: Tensor, shift: Tensor) -> bool:
    """Whether all rows may have one row of points, on one axis."""
    if scale.numel() != 1 or shift.numel() != 1:
        return False
    dim = x.dim()
    return (dim == 1 or (dim > 1 and (x.stride(0) == 0 or x.shape[0] == 1))) and max(
        scale.dim(), shift.dim()
    ) < other.dim()


def _mapped(
    field: _cpu.Field, x: Tensor, scale: Tensor, shift: Tensor, space: str, order: int
) -> tuple[Tensor, str, float] | None:
    """Return one row of points on the standard domain, the family there, and the factor sign^k beta^(p + k)."""
    z = KERNELS.map_field(field, x, scale, shift)
    if z is None:
        return None
    own = record(space)
    family = own.families[0]
    beta = family.standard_scale_shift()[0] if family.bounded else float(scale)
    return one_row(z), own.names[0], float(family.sign) ** order * beta ** (float(family.power) + order)


def synthesize(
    coef: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, orders: Sequence[int]
) -> Tensor | None:  # fmt: skip
    """Return the values (..., M)."""
    field = _field(space, tuple(orders), x.dtype)
    if field is None or _is_nonuniform(coef, x, field.size, space):
        return None
    if (
        len(orders) == 1
        and _one_row_of_points(coef, x, scale, shift)
        and matrix_product_pays(coef, x, field.size, SYNTHESIZE_BY_PRODUCT)
    ):
        if (
            coef.shape[-1] != field.size
            or coef.dtype is not x.dtype
            or (mapped := _mapped(field, x, scale, shift, space, orders[0])) is None
        ):
            return None
        z, name, factor = mapped
        return synthesize_shared(coef if factor == 1 else coef * factor, z, name, orders[0])
    return KERNELS.synthesize_field(field, coef, x, scale, shift)


def adjoint(
    values: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, orders: Sequence[int]
) -> Tensor | None:  # fmt: skip
    """Return the coefficients (..., K)."""
    field = _field(space, tuple(orders), x.dtype)
    if field is None or _is_nonuniform(values, x, field.size, space):
        return None
    if (
        len(orders) == 1
        and _one_row_of_points(values, x, scale, shift)
        and matrix_product_pays(values, x, field.size, ADJOINT_BY_PRODUCT)
    ):
        if (
            values.shape[-1] != x.shape[-1]
            or values.dtype is not x.dtype
            or (mapped := _mapped(field, x, scale, shift, space, orders[0])) is None
        ):
            return None
        z, name, factor = mapped
        result = adjoint_shared(values, z, field.size, name, orders[0])
        return result if factor == 1 else result.mul_(factor)
    return KERNELS.adjoint_field(field, values, x, scale, shift)


def backward(
    gradient: Tensor, coef: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, orders: Sequence[int]
) -> tuple[Tensor, Tensor, Tensor, Tensor] | None:  # fmt: skip
    """Return the gradients in coef, x, scale and shift, in the leading axes of all."""
    field = _field(space, tuple(orders), x.dtype)
    if field is None or _is_nonuniform(coef, x, field.size, space):
        return None
    return KERNELS.backward_field(field, gradient, coef, x, scale, shift)
