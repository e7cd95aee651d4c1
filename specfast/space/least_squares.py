"""Weighted ridge regression: by QR, for batches of small tables, or by what `lsmr` does without a table."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..kernels.affine_map import can_look
from ..support.machine import memory
from .array_api import Array, computing_dtype, real_dtype, to_torch
from .linear_space import LinearSpace


def fit(
    space: LinearSpace, values: Array, points: Array, scale: Array | float, shift: Array | float, weights: Array | None,
    ridge: Array | float, solver: str | None, stop: tuple[float, int],
) -> Tensor:  # fmt: skip
    """Return what `Space.fit` does; `stop` is the tolerance and the number of iterations of LSMR."""
    own = _checked_ridge(space, ridge)
    if solver not in (None, "qr", "lsmr"):
        raise ValueError(f"solver={solver!r}: 'qr' or 'lsmr' is expected")
    v = to_torch("values", values)
    x = to_torch("points", points)
    scale, shift = to_torch("scale", scale, v.device), to_torch("shift", shift, v.device)
    given = None if weights is None else to_torch("weights", weights, v.device)
    if given is not None and v.dim() > 0:
        space._check_size("weights", given, v.shape[-1])
    rows = x.numel() if space.dim == 1 else x.numel() // max(1, x.shape[-1])
    if solver == "lsmr" or (solver is None and 8 * rows * space.size > memory() // 8):
        from .lsmr import fit_rows

        return fit_rows(space, v, x, scale, shift, given, own, *stop)
    table = space.vandermonde(x.to(computing_dtype(real_dtype(torch.result_type(x, v)))), scale=scale, shift=shift)
    space._check_size("values", v, table.shape[-2])
    return solve(table, v, given, own)


def _checked_ridge(space: LinearSpace, ridge: Array | float) -> Tensor | float:
    """Return the ridge as a number, or as a tensor of one a coefficient."""
    if isinstance(ridge, (int, float)):
        if not ridge >= 0:
            raise ValueError(f"ridge={ridge}: 0 or more is expected")
        return float(ridge)
    own = to_torch("ridge", ridge).detach().double()
    if own.shape not in ((), (space.size,)):
        raise ValueError(
            f"ridge has shape {tuple(own.shape)}; a number, or one for each of the {space.size} coefficients, is expected"
        )
    if not bool((own >= 0).all()):
        raise ValueError(f"ridge={float(own.min())}: 0 or more is expected")
    return float(own) if own.dim() == 0 else own


def solve(table: Tensor, values: Tensor, weights: Tensor | None, ridge: Tensor | float) -> Tensor:
    """Return c (..., K) that minimise sum_m w_m (table c - values)_m^2 + sum_n ridge_n c_n^2; table (..., M, K), values (..., M).

    Raises
    ------
    ValueError
        If weights are negative or not numbers, or the points do not determine the coefficients and ridge is 0.
    """
    size = table.shape[-1]
    ridge = (
        ridge.to(table.device)
        if isinstance(ridge, Tensor) and bool((ridge > 0).any())
        else float(torch.as_tensor(ridge).max())
    )
    if table.shape[-2] < size and not isinstance(ridge, Tensor) and ridge == 0:
        raise ValueError(f"ridge=0: {table.shape[-2]} points do not determine {size} coefficients; give a ridge")
    if weights is not None:
        weights = weights.to(table.dtype)
        if can_look(weights) and not (weights >= 0).all():
            raise ValueError(f"weights={float(weights.min())}: numbers of 0 or more are expected")
        root = weights.sqrt()
        values = torch.where(root > 0, values, torch.zeros_like(values)) * root
        table = table * root.unsqueeze(-1)
    right = values.to(torch.promote_types(values.dtype, table.dtype))
    lead = torch.broadcast_shapes(table.shape[:-2], right.shape[:-1])
    table, right, shared = _share(table, right, lead)
    if isinstance(ridge, Tensor) or ridge > 0:
        damping = ridge**0.5 * torch.eye(size, dtype=table.dtype, device=table.device)
        damping = damping.to(table.dtype)
        table = torch.cat([table, damping.expand(*table.shape[:-2], -1, -1)], -2)
        right = torch.cat([right, right.new_zeros((*right.shape[:-2], size, right.shape[-1]))], -2)
    q, r = torch.linalg.qr(table)
    if not isinstance(ridge, Tensor) and ridge == 0 and can_look(r) and r.numel():
        diagonal = r.detach().diagonal(dim1=-2, dim2=-1).abs()
        tolerance = table.shape[-2] * torch.finfo(table.dtype).eps * diagonal.amax(-1, keepdim=True)
        if (diagonal <= tolerance).any():
            raise ValueError("ridge=0: the points (of positive weight) do not determine the coefficients; give a ridge")
    solution: Tensor = torch.linalg.solve_triangular(r.to(right.dtype), q.to(right.dtype).mT @ right, upper=True)
    own = [axis for axis in range(len(lead)) if axis not in shared]
    solution = solution.reshape([*(lead[axis] for axis in own), size, *(lead[axis] for axis in shared)])
    order = [*own, len(lead), *shared]  # which axis of the result each one is
    return solution.permute([order.index(axis) for axis in range(len(order))])


def _share(table: Tensor, right: Tensor, lead: torch.Size) -> tuple[Tensor, Tensor, list[int]]:
    """Return the table without the leading axes along which it is the same, `right` with those as its columns, and which.

    A product with a broadcast table would copy it for every row.
    """
    table = table.reshape(*(1,) * (len(lead) + 2 - table.dim()), *table.shape)
    right = right.expand(*lead, right.shape[-1])
    shared = [axis for axis in range(len(lead)) if table.shape[axis] == 1]
    own = [axis for axis in range(len(lead)) if axis not in shared]
    count = math.prod(lead[axis] for axis in shared)
    columns = right.permute(*own, len(lead), *shared).reshape([*(lead[axis] for axis in own), right.shape[-1], count])
    return table.reshape([*(table.shape[axis] for axis in own), *table.shape[-2:]]), columns, shared
