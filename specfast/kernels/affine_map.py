"""From points in x to z = sign beta (x - x0) on the standard domain, and the checks of values where they can be looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..families import Family
from .kept import kept_vector

_always_check = False


def debug_checks(enabled: bool) -> None:
    """Check values (domain of points, sign of scale) on every device, at the cost of a synchronisation a call."""
    global _always_check
    _always_check = bool(enabled)


def can_look(tensor: Tensor) -> bool:
    """Whether values may be read: not under compile, vmap or graph capture."""
    if torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active():
        return False
    if type(tensor) not in (Tensor, torch.nn.Parameter):
        return False
    return tensor.device.type == "cpu" or _always_check


def vector(values: tuple[float, ...], like: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Return numbers as a tensor where `like` is: a kept one, but for a graph that is being traced."""
    if type(like) not in (Tensor, torch.nn.Parameter) or torch.compiler.is_compiling():
        return like.new_tensor(values, dtype=dtype or like.dtype)
    return kept_vector(values, dtype or like.dtype, like.device)


def rounding_slack(dtype: torch.dtype) -> float:
    """Return how far beyond an end of [-1, 1] a point of a dtype may lie to be taken for the end itself."""
    return 1e-6 if dtype == torch.float32 else 2e-15


def end_slack(family: Family, dtype: torch.dtype) -> float:
    """How far z may lie past an interval's end through the rounding of x and of z = beta (x - x0) alone."""
    if not family.bounded or family.periodic:
        return 0.0
    beta, x0 = family.standard_scale_shift()
    eps = torch.finfo(dtype if dtype.is_floating_point else torch.float64).eps
    return 4 * eps * (2 + beta * abs(x0))


def scale_and_shift(scale: Tensor, shift: Tensor, families: Sequence[Family]) -> tuple[Tensor, Tensor]:
    """Return beta and x0 with an axis for the dimensions, (..., D): those of bounded axes are the interval's own."""
    dim = len(families)
    beta, x0 = (part.unsqueeze(-1) if dim == 1 or part.dim() == 0 else part for part in (scale, shift))
    bounded = tuple(family.bounded for family in families)
    if any(bounded):
        own = [family.standard_scale_shift() for family in families]
        mask = vector(bounded, beta, torch.bool)
        beta = torch.where(mask, vector(tuple(b for b, _ in own), beta), beta)
        x0 = torch.where(mask, vector(tuple(s for _, s in own), x0), x0)
    return beta.expand(*beta.shape[:-1], dim), x0.expand(*x0.shape[:-1], dim)


def to_standard(x: Tensor, beta: Tensor, x0: Tensor, families: Sequence[Family]) -> Tensor:
    """Return z = sign beta (x - x0); x is (..., M) for one axis, (..., M, D) otherwise, beta and x0 are (..., D)."""
    if len(families) == 1:
        return (beta if families[0].sign == 1 else -beta) * (x - x0)
    z = beta.unsqueeze(-2) * (x - x0.unsqueeze(-2))
    signs = tuple(float(family.sign) for family in families)
    return z if all(sign == 1 for sign in signs) else z * vector(signs, z)


def factor(beta: Tensor, families: Sequence[Family], orders: Sequence[int]) -> Tensor:
    """Return prod_d sign_d^k_d beta_d^(p_d + k_d), with a last axis of length 1."""
    powers = tuple(float(family.power) + order for family, order in zip(families, orders, strict=True))
    if len(powers) == 1:
        power = beta.sqrt() if powers[0] == 0.5 else beta ** powers[0]
    else:
        power = (beta ** vector(powers, beta)).prod(-1, keepdim=True)
    sign = 1
    for family, order in zip(families, orders, strict=True):
        sign *= family.sign**order
    return power if sign == 1 else sign * power


def check_scale(scale: Tensor, shift: Tensor, families: Sequence[Family]) -> None:
    """Raise ValueError where scale is not positive and finite, or is given where the interval sets it."""
    if not can_look(scale) or scale.numel() == 0 or not can_look(shift):
        return
    smallest, largest = (float(end) for end in torch.aminmax(scale.detach()))  # NaN if there is one
    if not (smallest > 0 and largest < math.inf):
        raise ValueError(f"scale={smallest if not smallest > 0 else largest}: finite positive numbers are expected")
    if all(family.bounded for family in families) and ((scale != 1).any() or (shift != 0).any()):
        raise ValueError("scale and shift are given for bounded families; their interval sets them: leave 1 and 0")


def onto_ends(z: Tensor, dtype: torch.dtype, families: Sequence[Family]) -> Tensor:
    """Return z with points past an interval's end by no more than rounding moved onto it."""
    if not any(family.bounded for family in families):
        return z
    slack = vector(tuple(end_slack(family, dtype) for family in families), z)
    size = z.abs()
    return torch.where((size > 1) & (size <= 1 + slack), z.sign(), z)


def check_points(z: Tensor, x: Tensor, families: Sequence[Family]) -> None:
    """Raise ValueError where a point lies outside its family's domain; NaN passes and stays NaN."""
    if all(family.domain == (-math.inf, math.inf) for family in families) or not can_look(z) or not can_look(x):
        return
    for axis, family in enumerate(families):
        values = z.detach() if len(families) == 1 else z.detach()[..., axis]
        low, high = family.domain
        slack = end_slack(family, x.dtype)
        outside = (values < low - slack) | (values > high + slack)
        if outside.any():
            source = x.detach() if len(families) == 1 else x.detach()[..., axis]
            example = float(source.expand(values.shape)[outside][0])
            where = f"[{family.a:g}, {family.b:g}]" if family.bounded else "the half-line"  # type: ignore[attr-defined]
            raise ValueError(
                f"points={example:g} on axis {axis}: points in {where} of {type(family).__name__} are expected"
            )


def gradients_through_map(
    grad_x: Tensor, inner: Tensor, x: Tensor, beta: Tensor, x0: Tensor, families: Sequence[Family], orders: Sequence[int]
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Return the gradients (..., D) in scale and shift, of those (..., M, D) in x; `inner` is sum_n c_n dL/dc_n.

    u^(k) depends on beta by z = s beta (x - x0), whose derivative is (x - x0) / beta that in x, and by beta^(p + k).
    """
    powers = tuple(float(family.power) + order for family, order in zip(families, orders, strict=True))
    free = vector(tuple(0.0 if family.bounded else 1.0 for family in families), grad_x)
    stretched = (grad_x * (x - x0.unsqueeze(-2))).sum(-2) + inner.unsqueeze(-1) * vector(powers, x)
    return free * stretched / beta, -free * grad_x.sum(-2)
