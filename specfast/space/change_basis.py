"""Coefficients on one axis, taken over to another scale and shift."""

from __future__ import annotations

from torch import Tensor

from ..kernels.affine_map import can_look
from .linear_space import Line


def change_basis_1d(line: Line, coef: Tensor, old: Tensor, x0: Tensor, new: Tensor, new_x0: Tensor) -> Tensor:
    """Return one-dimensional coefficients (..., K) on the new scale and shift (...,)."""
    family = line.families[0]
    if family.bounded:
        return coef
    if not family.learns_shift and can_look(x0) and can_look(new_x0) and (x0 != new_x0).any():
        raise ValueError("new_shift differs from shift: the end of a half-line cannot move")
    middle, centre = family.product_scale_shift(old, x0, new, new_x0)
    points, weights = (part.to(old.dtype) for part in line.quadrature(scale=middle, shift=centre))
    values = line.synthesize(coef, points, scale=old, shift=x0)
    return line.adjoint(values * weights, points, scale=new, shift=new_x0)
