"""Sums over the processes of a group as operators, with derivatives of every order.

    all_reduce(x, group)     the sum of the processes' x, the same in each
    copy_to_group(x, group)   x, which is the same in each process; its gradient is the sum of the processes' gradients

Each is the derivative of the other (as of a tensor that is the same everywhere and one that is each process's own). `group` is
the name of a group of torch.distributed.

References
----------
Shoeybi et al., Megatron-LM, 2019, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .register import Operator, register


def _sum(x: Tensor, group: str) -> Tensor:
    import torch.distributed._functional_collectives

    # The sum is taken in place of a copy whose axes are in order; every process has it so.
    total = torch.ops._c10d_functional.all_reduce(x.contiguous(), "sum", group)
    return torch.ops._c10d_functional.wait_tensor(total)


def _share(x: Tensor, group: str) -> Tensor:
    return x.clone(memory_format=torch.contiguous_format)


def _fake(x: Tensor, group: str) -> Tensor:
    return x.new_empty(x.shape)


def _sum_backward(ctx: Any, needed: Sequence[bool], gradient: Tensor) -> Sequence[Tensor | None]:
    return (copy_to_group(gradient, *ctx.rest), None)


def _share_backward(ctx: Any, needed: Sequence[bool], gradient: Tensor) -> Sequence[Tensor | None]:
    return (all_reduce(gradient, *ctx.rest), None)


def _sum_tangent(ctx: Any, tangent: Tensor, *_: Any) -> Tensor:
    return all_reduce(tangent, *ctx.rest)


def _share_tangent(ctx: Any, tangent: Tensor, *_: Any) -> Tensor:
    return copy_to_group(tangent, *ctx.rest)


all_reduce = register(
    "all_reduce", Operator("(Tensor x, str group) -> Tensor", _sum, _fake, _sum_backward, _sum_tangent, None)
)
copy_to_group = register(
    "copy_to_group", Operator("(Tensor x, str group) -> Tensor", _share, _fake, _share_backward, _share_tangent, None)
)
