"""Coefficients on one axis, taken over to another scale and shift."""

from __future__ import annotations

import torch
from torch import Tensor

from ..families.products import Products
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
    wide = line
    if type(family).nodes_for_change is not Products.nodes_for_change:
        if not all(map(can_look, (old, x0, new, new_x0))):
            raise ValueError(
                f"change_basis of {family.name} functions looks at scale and shift; not in a compiled graph"
            )
        ratio, offset = torch.broadcast_tensors((new / old).detach(), ((new_x0 - x0) * old).detach())
        nodes = family.nodes_for_change(line.size, ratio, offset)
        wide = type(line)(family.with_degree(int(family.function_degrees(nodes)[-1])))  # type: ignore[call-arg]
    points, weights = (part.to(old.dtype) for part in wide.quadrature(scale=middle, shift=centre))
    values = line.synthesize(coef, points, scale=old, shift=x0)
    sums = line.adjoint(values * weights, points, scale=new, shift=new_x0)
    norms = family.norm_squared(line.size)
    return sums if (norms == 1).all() else sums / torch.from_numpy(norms).to(sums)
