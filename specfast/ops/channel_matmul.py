"""Products of many small matrices whose number is the last axis, as an operator: channels of every coefficient.

    mix(first (..., B, I, K), second (..., I, O, K)) -> (..., B, O, K), the sum over I

Its derivatives are itself, with axes exchanged. As an einsum PyTorch multiplies one by one, since neither of a matrix's axes is the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .register import Operator, register


def _mix(first: Tensor, second: Tensor) -> Tensor:
    if first.dim() < 3 or second.dim() < 3 or first.shape[-2:] != (second.shape[-3], second.shape[-1]):
        raise ValueError(
            f"mix: shapes {tuple(first.shape)} and {tuple(second.shape)}; (..., B, I, K) and (..., I, O, K) are expected"
        )
    if first.dtype != second.dtype:
        raise TypeError(f"mix: dtypes {first.dtype} and {second.dtype}; one dtype is expected")
    left, right = (part.resolve_conj().movedim(-1, -3).contiguous() for part in (first, second))
    return (left @ right).movedim(-3, -1).contiguous()


def _fake(first: Tensor, second: Tensor) -> Tensor:
    lead = torch.broadcast_shapes(first.shape[:-3], second.shape[:-3])
    return first.new_empty((*lead, first.shape[-3], second.shape[-2], first.shape[-1]))


def _backward(ctx: Any, needed: Sequence[bool], gradient: Tensor) -> Sequence[Tensor | None]:
    first, second = ctx.saved_tensors
    parts = [
        mix(gradient, second.conj().transpose(-3, -2)) if needed[0] else None,
        mix(first.conj().transpose(-3, -2), gradient) if needed[1] else None,
    ]
    return [
        None if part is None else part.sum_to_size(own.shape) for part, own in zip(parts, (first, second), strict=True)
    ]


def _tangent(ctx: Any, first_t: Tensor | None, second_t: Tensor | None) -> Tensor:
    first, second = ctx.saved_tensors
    parts = [] if first_t is None else [mix(first_t, second)]
    parts += [] if second_t is None else [mix(first, second_t)]
    return sum(parts[1:], parts[0])


mix = register("mix", Operator("(Tensor first, Tensor second) -> Tensor", _mix, _fake, _backward, _tangent, (3, 3)))
