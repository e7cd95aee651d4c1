"""Functions of an angle for the reference backend, every number with its rounding error: pairs s w^k, and rational ones of a half-line."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from .exact_arithmetic import exact_product, exact_sum

Exact = tuple[Tensor, Tensor]  # a number and its rounding error


def _times(a: Exact, b: Exact) -> Exact:
    high, low = exact_product(a[0], b[0])
    return exact_sum(high, low + (a[0] * b[1] + a[1] * b[0]))


def _plus(a: Exact, b: Exact) -> Exact:
    high, low = exact_sum(a[0], b[0])
    return exact_sum(high, low + (a[1] + b[1]))


def _minus(a: Exact, b: Exact) -> Exact:
    return _plus(a, (-b[0], -b[1]))


def _over(a: Exact, b: Exact) -> Exact:
    quotient = a[0] / b[0]
    rest = _minus(a, _times((quotient, torch.zeros_like(quotient)), b))
    return exact_sum(quotient, rest[0] / b[0])


def _ring(z: Tensor, count: int) -> Iterator[Tensor]:
    """Yield cos(k pi z) and sin(k pi z), with k z reduced to a turn before it is rounded."""
    for n in range(count):
        high, low = exact_product(torch.full_like(z, (n + 1) // 2), z)
        angle = math.pi * ((high - 2 * torch.round(0.5 * high)) + low)
        yield torch.sin(angle) if n > 0 and n % 2 == 0 else torch.cos(angle)


def _rational(z: Tensor, count: int) -> Iterator[Tensor]:
    """Yield the real and imaginary part of (1 + iz)^k / (1 - iz)^{k+1}."""
    zero, one = torch.zeros_like(z), torch.ones_like(z)
    square = exact_product(z, z)
    denominator = _plus((one, zero), square)
    w_re, w_im = _over(_minus((one, zero), square), denominator), _over((2 * z, zero), denominator)
    re, im = _over((one, zero), denominator), _over((z, zero), denominator)
    for n in range(count):
        yield (im if n % 2 else re)[0]
        if n % 2:
            re, im = (
                _minus(_times(re, w_re), _times(im, w_im)),
                _plus(_times(re, w_im), _times(im, w_re)),
            )


def pairs(ring: bool, z: Tensor, scale: np.ndarray, limit: float) -> Iterator[Tensor]:
    """Yield phi_0(z), phi_1(z), .. in float64, as many as `scale` has factors; beyond `limit` NaN on a ring, 0 on the line."""
    outside, invalid = z.abs() > limit, z.isnan()
    harmless = torch.where(outside | invalid, torch.zeros_like(z), z)
    beyond = torch.full_like(z, torch.nan if ring else 0.0)
    for factor, function in zip(scale, (_ring if ring else _rational)(harmless, len(scale)), strict=True):
        value = torch.where(outside, beyond, factor * function)
        yield torch.where(invalid, torch.full_like(z, torch.nan), value)


def half_line(z: Tensor, scale: np.ndarray, limit: float) -> Iterator[Tensor]:
    """Yield T_n(y) / (1 + z) times a factor, y = (1 - z) / (1 + z), as many as `scale` has; 0 outside of [0, limit]."""
    outside, invalid = (z < 0) | (z > limit), z.isnan()
    harmless = torch.where(outside | invalid, torch.zeros_like(z), z)
    zero, one = torch.zeros_like(z), torch.ones_like(z)
    more = exact_sum(one, harmless)
    y = _over(exact_sum(one, -harmless), more)
    previous, current = (zero, zero), _over((one, zero), more)
    for n, factor in enumerate(scale):
        value = torch.where(outside, zero, factor * current[0])
        yield torch.where(invalid, torch.full_like(z, torch.nan), value)
        step = _times(y, current)
        previous, current = current, _minus(_plus(step, step), previous) if n else step
