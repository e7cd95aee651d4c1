"""What the methods of a space are given, as tensors of one dtype in which the kernels compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypedDict, TypeVarTuple

import torch
from torch import Tensor
from torch.nn import Parameter

from ..families import Family
from ..kernels.affine_map import end_slack
from ..kernels.kept import kept_vector
from .array_api import Array, computing_dtype, floating, real_dtype, to_torch

_Rest = TypeVarTuple("_Rest")
_COMPUTED = (torch.float64, torch.float32)


class ScaleShift(TypedDict):
    """Scale and shift as keywords of the methods of Space."""

    scale: Tensor | float
    shift: Tensor | float


# Coefficients or values, points, scale and shift, and the dtype of the result.
Arguments = tuple[Tensor, Tensor, Tensor, Tensor, torch.dtype]


def number(value: float, dtype: torch.dtype, like: Tensor | None, device: torch.device) -> Tensor:
    """Return a number as a tensor: a kept one, but for a graph that is being traced."""
    if torch.compiler.is_compiling() or (like is not None and type(like) not in (Tensor, torch.nn.Parameter)):
        # Filled where it is: a copy to a GPU would be waited for, and cannot be part of a graph.
        return torch.full((), value, dtype=dtype, device=device)
    return kept_vector(value, dtype, device)


def real(name: str, value: object, dtype: torch.dtype, device: torch.device, like: Tensor | None = None) -> Tensor:
    """Return scale or shift in a dtype and on a device; `like` is a tensor that they are used with."""
    if type(value) is float or type(value) is int:
        return number(float(value), dtype, like, device)
    tensor = to_torch(name, value, device)
    if tensor.is_complex():
        raise TypeError(f"{name} is complex; real numbers are expected")
    return tensor.to(device if tensor.dim() == 0 else tensor.device, dtype)


def arguments(
    name: str, first: Array, points: Array, scale: Array | float, shift: Array | float, families: Sequence[Family]
) -> Arguments:  # fmt: skip
    """Return tensors of one dtype: that of all together, half precision as float32.

    Raises
    ------
    TypeError
        Where something is no array of numbers, or complex where real numbers are expected.
    """
    if (
        (type(points) is Tensor or type(points) is Parameter)
        and (type(first) is Tensor or type(first) is Parameter)
        and (dtype := points.dtype) is first.dtype
        and dtype in _COMPUTED
    ):
        beta = (
            scale
            if (type(scale) is Tensor or type(scale) is Parameter) and scale.dtype is dtype
            else real("scale", scale, dtype, points.device)
        )
        x0 = (
            shift
            if (type(shift) is Tensor or type(shift) is Parameter) and shift.dtype is dtype
            else real("shift", shift, dtype, points.device)
        )
        if _dtype(dtype, scale, shift) is dtype:
            return first, points, beta, x0, dtype
    x = to_torch("points", points)
    tensor = to_torch(name, first, x.device)
    if x.is_complex():
        raise TypeError("points are complex; real ones are expected")
    dtype = _dtype(torch.promote_types(tensor.dtype, x.dtype), scale, shift)
    if not (dtype.is_floating_point or dtype.is_complex):
        dtype = torch.get_default_dtype()
    work = computing_dtype(real_dtype(dtype))
    tensor = tensor.to(work.to_complex() if tensor.is_complex() else work)
    beta, x0 = (real(label, value, work, x.device, x) for label, value in (("scale", scale), ("shift", shift)))
    return tensor, _onto_ends(x.to(work), x.dtype, families), beta, x0, dtype


def _onto_ends(x: Tensor, given: torch.dtype, families: Sequence[Family]) -> Tensor:
    """Return points in a finer dtype, those past an interval's end by no more than the rounding of the given one moved onto it."""
    if given is x.dtype or not any(family.bounded for family in families):
        return x
    columns = [x] if len(families) == 1 else list(x.unbind(-1))
    for axis, family in enumerate(families):
        if family.bounded:
            scale, middle = family.standard_scale_shift()
            end, slack = 1 / scale, end_slack(family, given) / scale
            distance = columns[axis].detach() - middle
            past = (distance.abs() > end) & (distance.abs() <= end + slack)
            columns[axis] = columns[axis] + torch.where(past, end * distance.sign() - distance, 0.0)
    return columns[0] if len(families) == 1 else torch.stack(columns, -1)


def _dtype(dtype: torch.dtype, *others: object) -> torch.dtype:
    """Return the dtype of a result with scales and shifts, of which numbers and tensors without axes do not count."""
    for other in others:
        if isinstance(other, Tensor) and other.dtype is not dtype and other.dim() and other.is_floating_point():
            dtype = torch.promote_types(dtype, other.dtype)
    return dtype


def one_array(name: str, array: object) -> tuple[Tensor, torch.dtype]:
    """Return an array of numbers in the dtype in which it is computed with, and its own, integers as float64."""
    tensor = floating(to_torch(name, array))
    work = computing_dtype(real_dtype(tensor.dtype))
    return tensor.to(work.to_complex() if tensor.is_complex() else work), tensor.dtype


def in_parts(function: Callable[[Tensor, *_Rest], Tensor], tensor: Tensor, *rest: *_Rest) -> Tensor:
    """Apply a real linear map of the first argument to a real or complex tensor."""
    if not tensor.is_complex():
        return function(tensor, *rest)
    return torch.complex(function(tensor.real, *rest), function(tensor.imag, *rest))
