"""Sums over index trees by the compiled kernels: rows and channels laid out as these take them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ._cpu import Kernels, OrdersPlan, Plan, TreePlan
from .point_rows import PointRows, broadcast, point_rows

_WIDTH = 4  # channels that run side by side


def _parts(channels: int) -> list[tuple[int, int, int]]:
    """Return (first channel, how many, width): four side by side, one at a time the remainder of them."""
    wide = channels // _WIDTH * _WIDTH
    if channels - wide == _WIDTH - 1:
        return [(0, channels, _WIDTH)]
    return [part for part in ((0, wide, _WIDTH), (wide, channels - wide, 1)) if part[1] > 0]


def _interleaved(coef: Tensor, width: int) -> Tensor:
    """Return coefficients (rows, C, K) as (rows, groups, K, width), padded with zeros."""
    rows, channels, size = coef.shape
    groups = -(-channels // width)
    if width == 1:
        return coef.contiguous()
    if groups * width > channels:
        coef = torch.nn.functional.pad(coef, (0, 0, 0, groups * width - channels))
    return coef.reshape(rows, groups, width, size).transpose(-1, -2).contiguous()


def _call(
    kernel: Callable[..., None],
    plans: tuple[object, ...],
    tree: TreePlan,
    size: int,
    own: PointRows,
    groups: int,
    width: int,
    *rest: Any,
) -> None:
    z = own.z
    kernel(
        *plans, tree, [size, own.rows, groups, width, z.shape[1]],
        z.data_ptr(), [z.stride(0), z.stride(1), z.stride(2)], *rest, z.dtype is torch.float64,
    )  # fmt: skip


def _empty(other: Tensor, z: Tensor) -> bool:
    """Whether there are no rows or no points."""
    return z.shape[-2] == 0 or broadcast(other.shape[:-1], z.shape[:-2]).numel() == 0


def _nothing(other: Tensor, z: Tensor, *own: int) -> Tensor:
    """Return the result of a problem without rows or points: zeros."""
    return z.new_zeros((*torch.broadcast_shapes(other.shape[:-1], z.shape[:-2]), *own))


def synthesize(kernels: Kernels, plans: Sequence[Plan], coef: Tensor, z: Tensor, tree: TreePlan) -> Tensor:
    """Return the sums (..., M) for coef (..., K), z (..., M, D)."""
    if _empty(coef, z):
        return _nothing(coef, z, z.shape[-2])
    own = point_rows(coef, z)
    shared = coef.shape[:-1].numel() == 1
    size, points = coef.shape[-1], z.shape[-2]
    rows = coef.reshape(1, 1, size) if shared and own.channels == 1 else own.first(coef)
    result = z.new_empty((own.rows, own.channels, points))
    for begin, count, width in _parts(own.channels):
        given = _interleaved(rows[:, begin : begin + count], width)
        groups = given.shape[1]
        whole = count == own.channels and groups * width == count
        part = result if whole else z.new_empty((own.rows, groups * width, points))
        step = 0 if given.shape[0] == 1 else groups * size * width
        _call(
            kernels.cross_synthesize, (plans,), tree, size, own, groups, width, given.data_ptr(), step, part.data_ptr()
        )
        if not whole:
            result[:, begin : begin + count] = part[:, :count]
    return own.back(result, 1)


def adjoint(kernels: Kernels, plans: Sequence[Plan], values: Tensor, z: Tensor, tree: TreePlan, size: int) -> Tensor:
    """Return the sums (..., K) over the points for values (..., M), z (..., M, D)."""
    if _empty(values, z):
        return _nothing(values, z, size)
    own = point_rows(values, z)
    rows = own.first(values)
    result = z.new_empty((own.rows, own.channels, size))
    for begin, count, width in _parts(own.channels):
        groups = -(-count // width)
        given = rows[:, begin : begin + count]
        if groups * width > count:
            given = torch.nn.functional.pad(given, (0, 0, 0, groups * width - count))
        given = given.contiguous()
        whole = count == own.channels and groups * width == count
        part = result if whole else z.new_empty((own.rows, groups * width, size))
        _call(kernels.cross_adjoint, (plans,), tree, size, own, groups, width, given.data_ptr(), part.data_ptr())
        if not whole:
            result[:, begin : begin + count] = part[:, :count]
    return own.back(result, 1)


def gradient(
    kernels: Kernels, plans: Sequence[Plan], slopes: Sequence[Plan], coef: Tensor, z: Tensor, tree: TreePlan
) -> Tensor:
    """Return the gradients in z (..., M, D) of the sums for coef (..., K), z (..., M, D)."""
    if _empty(coef, z):
        return _nothing(coef, z, *z.shape[-2:])
    own = point_rows(coef, z)
    given, step = _one_wide(coef, own)
    result = z.new_empty((own.rows, own.channels, *z.shape[-2:]))
    _call(
        kernels.cross_gradient, (plans, slopes), tree, coef.shape[-1], own, own.channels, 1,
        0, given.data_ptr(), step, 0, result.data_ptr(),
    )  # fmt: skip
    return own.back(result, 2)


def backward(
    kernels: Kernels,
    plans: Sequence[Plan],
    slopes: Sequence[Plan],
    values: Tensor,
    coef: Tensor,
    z: Tensor,
    tree: TreePlan,
) -> tuple[Tensor, Tensor]:
    """Return the gradients of sum values_m u_m in coef, (..., K), and in z, (..., M, D), one pass for both."""
    like = values.new_empty(()).expand(*torch.broadcast_shapes(values.shape[:-1], coef.shape[:-1]), 1)
    size = coef.shape[-1]
    if _empty(like, z):
        return _nothing(like, z, size), _nothing(like, z, *z.shape[-2:])
    own = point_rows(like, z)
    given, step = _one_wide(coef, own)
    scaled = own.first(values).contiguous()
    grad_coef = z.new_empty((own.rows, own.channels, size))
    grad_z = z.new_empty((own.rows, own.channels, *z.shape[-2:]))
    _call(
        kernels.cross_gradient, (plans, slopes), tree, size, own, own.channels, 1,
        scaled.data_ptr(), given.data_ptr(), step, grad_coef.data_ptr(), grad_z.data_ptr(),
    )  # fmt: skip
    return own.back(grad_coef, 1), own.back(grad_z, 2)


def derivatives(
    kernels: Kernels, plans: Sequence[Plan], orders: OrdersPlan, results: int, coef: Tensor, z: Tensor, tree: TreePlan
) -> Tensor:
    """Return as many derivatives (..., J, M) of the sums as `orders` says."""
    if _empty(coef, z):
        return _nothing(coef, z, results, z.shape[-2])
    own = point_rows(coef, z)
    given, step = _one_wide(coef, own)
    result = z.new_empty((own.rows, own.channels, results, z.shape[-2]))
    _call(
        kernels.cross_derivatives, (plans, orders), tree, coef.shape[-1], own, own.channels, 1,
        given.data_ptr(), step, result.data_ptr(),
    )  # fmt: skip
    return own.back(result, 2)


def _one_wide(coef: Tensor, own: PointRows) -> tuple[Tensor, int]:
    """Return coefficients one channel wide, and the step from one row's to the next one's."""
    if coef.shape[:-1].numel() == 1 and own.channels == 1:
        return coef.reshape(1, 1, coef.shape[-1]).contiguous(), 0
    return own.first(coef).contiguous(), own.channels * coef.shape[-1]
