"""From points in x to z on the standard domain, and the checks of values where they can be looked at."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ._constants import vector
from .families import Family

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


def check_scale(scale: Tensor, shift: Tensor, families: Sequence[Family]) -> None:
    """Raise ValueError where scale is not positive, or is set on a bounded axis."""
    if not can_look(scale) or scale.numel() == 0 or not can_look(shift):
        return
    smallest, largest = (float(end) for end in torch.aminmax(scale.detach()))  # NaN if there is one
    if not (smallest > 0 and largest < float("inf")):
        raise ValueError(f"scale={smallest if not smallest > 0 else largest}: finite positive numbers are expected")
    if all(family.bounded for family in families) and ((scale != 1).any() or (shift != 0).any()):
        raise ValueError("scale and shift are given for bounded families; their interval sets them: leave 1 and 0")


def to_standard(x: Tensor, beta: Tensor, x0: Tensor, families: Sequence[Family]) -> Tensor:
    """Return z = sign beta (x - x0); x is (..., M) for one axis, (..., M, D) otherwise, beta and x0 are (..., D)."""
    if len(families) == 1:
        return (beta if families[0].sign == 1 else -beta) * (x - x0)
    z = beta.unsqueeze(-2) * (x - x0.unsqueeze(-2))
    signs = tuple(float(family.sign) for family in families)
    return z if all(s == 1 for s in signs) else z * vector(signs, z.dtype, z.device)


def end_slack(family: Family, dtype: torch.dtype) -> float:
    """How far z may lie past an interval's end through the rounding of x and of z = beta (x - x0) alone."""
    if not family.bounded:
        return 0.0
    beta, x0 = family.standard_scale_shift()
    eps = torch.finfo(dtype if dtype.is_floating_point else torch.float64).eps
    return 4 * eps * (2 + beta * abs(x0))


def onto_ends(z: Tensor, dtype: torch.dtype, families: Sequence[Family]) -> Tensor:
    """Return z with points past an end by no more than rounding moved onto it; derivatives in z are those of z."""
    if not any(family.bounded for family in families):
        return z
    slack = vector(tuple(end_slack(family, dtype) for family in families), z.dtype, z.device)
    size = z.detach().abs()
    past = (size > 1) & (size <= 1 + slack)
    if can_look(z) and not past.any():
        return z
    return z - torch.where(past, z.detach() - z.detach().sign(), torch.zeros_like(z))


def check_points(z: Tensor, x: Tensor, families: Sequence[Family]) -> None:
    """Raise ValueError where a point lies outside its family's domain; NaN passes and stays NaN."""
    if all(family.domain == (-float("inf"), float("inf")) for family in families) or not can_look(z) or not can_look(x):
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
