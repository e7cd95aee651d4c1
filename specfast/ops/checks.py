"""Checks of what an operator is given, with errors that name the operator, the argument and what is expected."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def check_dtype(name: str, **tensors: Tensor) -> None:
    """Raise TypeError or ValueError unless all tensors have one dtype, float32 or float64, and one device."""
    (label, first), *others = tensors.items()
    if first.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{name}: {label} has dtype {first.dtype}; torch.float32 or torch.float64 is expected")
    for other, tensor in others:
        if tensor.dtype != first.dtype:
            raise TypeError(
                f"{name}: {label} has dtype {first.dtype} and {other} has {tensor.dtype}; one dtype is expected"
            )
        if tensor.device != first.device:
            raise ValueError(
                f"{name}: {label} is on {first.device} and {other} on {tensor.device}; one device is expected"
            )


def check_broadcast(name: str, leads: dict[str, tuple[int, ...]]) -> None:
    """Raise ValueError if leading axes do not broadcast."""
    for axis in range(1, 1 + max(map(len, leads.values()))):
        sizes = {shape[-axis] for shape in leads.values() if len(shape) >= axis} - {1}
        if len(sizes) > 1:
            listed = ", ".join(f"{label} {shape}" for label, shape in leads.items())
            raise ValueError(f"{name}: leading axes do not broadcast: {listed}")


def check_axis(name: str, label: str, tensor: Tensor) -> None:
    """Raise ValueError if a tensor has no axis of its own."""
    if tensor.dim() < 1:
        raise ValueError(f"{name}: {label} has no axis; shape (..., {label}) is expected")


def check_length(name: str, label: str, tensor: Tensor, expected: int) -> None:
    """Raise ValueError unless the last axis has this length."""
    check_axis(name, label, tensor)
    if tensor.shape[-1] != expected:
        raise ValueError(f"{name}: {label} has shape {tuple(tensor.shape)}; (..., {expected}) is expected")


def check_orders(name: str, orders: Sequence[int], dim: int, several: bool = False) -> None:
    """Raise ValueError unless there is an order of 0 or more an axis, or, where `several` are taken, several times that."""
    count = len(orders)
    if (count != dim and not (several and count and count % dim == 0)) or min(orders, default=0) < 0:
        raise ValueError(f"{name}: derivative={list(orders)}; {dim} orders of 0 or more, one an axis, are expected")


def summed_to(gradient: Tensor, like: Tensor) -> Tensor:
    """Sum over the axes along which `like` was broadcast."""
    return gradient if gradient.shape == like.shape else gradient.sum_to_size(like.shape)
