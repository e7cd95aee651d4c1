"""The sum by the plain recurrence as a Triton kernel, as a user of Triton would write it: a program a row and block of points."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..families import Family

_BLOCK = 256


@triton.jit
def _sum_upwards(coef, z, start, a, b, c, out, points, size, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]
    # Without annotations: Triton evaluates them, and knows no names of Python's typing.
    row = tl.program_id(0).to(tl.int64)
    place = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = place < points
    x = tl.load(z + row * points + place, mask=inside, other=0.0)
    current = tl.load(start + row * points + place, mask=inside, other=0.0)
    previous = current * 0.0
    total = current * 0.0
    for n in range(size):
        total += tl.load(coef + row * size + n) * current
        following = (tl.load(a + n) * x + tl.load(b + n)) * current - tl.load(c + n) * previous
        previous = current
        current = following
    tl.store(out + row * points + place, total, mask=inside)


def sum_upwards(coef: Tensor, z: Tensor, start: Tensor, family: Family) -> Tensor:
    """Return the sums (B, M) of coef (B, N) at z (B, M) from phi_0, `start`."""
    *tables, _ = family.plain_recurrence(coef.shape[-1])
    a, b, c = (torch.from_numpy(table).to(z) for table in tables)
    out = torch.empty_like(z)
    grid = (z.shape[0], triton.cdiv(z.shape[1], _BLOCK))
    _sum_upwards[grid](coef, z, start, a, b, c, out, z.shape[1], coef.shape[1], BLOCK=_BLOCK)
    return out
