"""Points onto the standard domains and coefficients to their series there, in one call each where nobody watches.

z = sign beta (x - x0), and c prod_d sign_d^k_d beta_d^(p_d + k_d). A dozen array operations take longer than a small sum does.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import torch
from torch import Tensor

from . import kernels
from ._autograd import direct, plain
from ._constants import enrolled, lasting
from ._domain import end_slack

_backend = kernels.cpu_backend


@cache
def _available() -> bool:
    return hasattr(_backend(), "Placed")


@lru_cache(maxsize=512)
def _placed(owner: str, orders: tuple[int, ...], dtype: torch.dtype) -> Any:
    """Return what the compiled backend takes of a space and the orders of differentiation."""
    axes = enrolled(owner).families
    own = [family.standard_scale_shift() for family in axes]
    constant = 1.0
    for family, order in zip(axes, orders, strict=True):
        constant *= float(family.sign) ** order
    return _backend().Placed(
        [2 if family.bounded else int(family.domain[0] == 0.0) for family in axes],
        [float(family.sign) for family in axes],
        [scale for scale, _ in own],
        [shift for _, shift in own],
        [end_slack(family, dtype) for family in axes],
        [family.power + order for family, order in zip(axes, orders, strict=True)],
        constant,
    )


@lru_cache(maxsize=1024)
def _number(value: float, dtype: torch.dtype) -> Tensor:
    with lasting():
        return torch.tensor(value, dtype=dtype)


def _plainly(value: Any, dtype: torch.dtype, dim: int) -> Tensor | None:
    """Return scale or shift as a tensor of this dtype, None where that is not what it is."""
    if plain(value, dtype):
        return value if dim == 1 or value.dim() == 0 or value.shape[-1] in (1, dim) else None
    return _number(value, dtype) if type(value) in (int, float) else None


def plainly(first: Any, points: Any, scale: Any, shift: Any, dim: int) -> tuple[Tensor, Tensor] | None:
    """Return scale and shift as tensors if all that is given is plain, nobody watches and no derivative is recorded."""
    if type(points) is not Tensor or not direct(first, points) or not _available():
        return None
    beta, x0 = _plainly(scale, points.dtype, dim), _plainly(shift, points.dtype, dim)
    if beta is None or x0 is None:
        return None
    if torch.is_grad_enabled() and (
        first.requires_grad or points.requires_grad or beta.requires_grad or x0.requires_grad
    ):
        return None
    if first.dim() < 1 or points.dim() < min(dim, 2) or (dim > 1 and points.shape[-1] != dim):
        return None
    return beta, x0


_SHAPE = 3  # what the backend says where a result does not fit


def place(
    owner: str, coef: Tensor, points: Tensor, beta: Tensor, x0: Tensor, orders: tuple[int, ...]
) -> tuple[Tensor, Tensor] | None:  # fmt: skip
    """Return coefficients times their factor, and z; None where a scale, a point or the shapes are not what they should be."""
    placed, backend = _placed(owner, orders, points.dtype), _backend()
    scaled, z = torch.empty_like(coef), torch.empty_like(points)
    trouble = backend.place(placed, coef, points, beta, x0, scaled, z)
    if trouble == _SHAPE:  # scale or shift have leading axes that the others lack, or memory is not contiguous
        own = min(len(orders), 2)
        scales, shifts = (part.shape[: max(0, part.dim() - own + 1)] for part in (beta, x0))
        try:
            series = torch.broadcast_shapes(coef.shape[:-1], scales)
            places = torch.broadcast_shapes(points.shape[:-own], scales, shifts)
            torch.broadcast_shapes(series, places)
        except RuntimeError:
            return None
        scaled = torch.empty((*series, coef.shape[-1]), dtype=coef.dtype)
        z = torch.empty((*places, *points.shape[-own:]), dtype=points.dtype)
        trouble = backend.place(placed, coef, points, beta, x0, scaled, z)
    return (scaled, z) if trouble == 0 else None
