"""The compiled CPU backend: C++ kernels for every instruction set, the fastest one picked when this module loads.

`SPECFAST_SIMD` (baseline, avx2, avx512) forces a slower one. Threads are OpenMP's, as PyTorch sets them.
"""

from __future__ import annotations

import os
from functools import lru_cache

import torch  # before the extension, so that both share one OpenMP runtime
from torch import Tensor

from ..families import Family
from . import _cpu  # type: ignore[attr-defined]


def _load_kernels() -> _cpu.Kernels:
    wanted = os.environ.get("SPECFAST_SIMD", "")
    kernels = _cpu.Kernels(wanted)
    if not kernels.found:
        raise ValueError(f"SPECFAST_SIMD={wanted!r}: one of {', '.join(kernels.names)} is expected on this machine")
    return kernels


_kernels = _load_kernels()
instruction_set: str = _kernels.name
instruction_sets: list[str] = _kernels.names
openmp: bool = _cpu.openmp
nvcc: str = _cpu.nvcc  # what the build found of CUDA's compiler


@lru_cache(maxsize=256)
def _plan(family: Family, size: int, derivative: int) -> _cpu.Plan:
    count = size + derivative * family.degree_growth
    recurrence = family.recurrence_tables(count)
    maps = family.differentiation_tables(count)
    return _cpu.Plan(
        recurrence.a,
        () if recurrence.b is None else recurrence.b,
        recurrence.scale,
        recurrence.start,
        recurrence.near_limit,
        recurrence.far_limit,
        [maps.ahead, maps.leap, maps.lower, maps.middle, maps.upper],
        size,
        derivative,
    )


def broadcast(first: torch.Size, second: torch.Size) -> torch.Size:
    """Return the broadcast shape; torch's own function takes 20 us even where the shapes agree."""
    return first if first == second else torch.broadcast_shapes(first, second)


def _rows(tensor: Tensor, shape: torch.Size) -> tuple[Tensor, tuple[int, ...]]:
    """Broadcast the leading axes, without a copy; return the tensor and its strides."""
    if tensor.shape[:-1] != shape:
        tensor = tensor.expand(shape + tensor.shape[-1:])
    return tensor, tensor.stride()


def synthesize(coef: Tensor, z: Tensor, family: Family, derivative: int) -> Tensor:
    """Return sum_n coef_n phi_n^(derivative)(z)."""
    shape = broadcast(coef.shape[:-1], z.shape[:-1])
    coef, coef_strides = _rows(coef, shape)
    z, z_strides = _rows(z, shape)
    points = z.shape[-1]
    result = torch.empty((*shape, points), dtype=z.dtype)
    plan = _plan(family, coef.shape[-1], derivative)
    _kernels.synthesize(
        plan,
        shape,
        coef.data_ptr(),
        coef_strides,
        z.data_ptr(),
        z_strides,
        points,
        result.data_ptr(),
        z.dtype == torch.float64,
    )
    return result


def adjoint(values: Tensor, z: Tensor, size: int, family: Family, derivative: int) -> Tensor:
    """Return the sums over m of values_m phi_n^(derivative)(z_m), n < size."""
    shape = broadcast(values.shape[:-1], z.shape[:-1])
    values, value_strides = _rows(values, shape)
    z, z_strides = _rows(z, shape)
    result = torch.empty((*shape, size), dtype=z.dtype)
    plan = _plan(family, size, derivative)
    _kernels.adjoint(
        plan,
        shape,
        values.data_ptr(),
        value_strides,
        z.data_ptr(),
        z_strides,
        z.shape[-1],
        result.data_ptr(),
        z.dtype == torch.float64,
    )
    return result


def basis(z: Tensor, size: int, family: Family, derivative: int) -> Tensor:
    """Return phi_n^(derivative)(z_m), n < size, with n the last axis."""
    shape, points = z.shape[:-1], z.shape[-1]
    result = torch.empty((*z.shape, size), dtype=z.dtype)
    plan = _plan(family, size, derivative)
    _kernels.basis(plan, shape, z.data_ptr(), z.stride(), points, result.data_ptr(), z.dtype == torch.float64)
    return result


def differentiate(coef: Tensor, family: Family, transposed: bool) -> Tensor:
    """Return the coefficients of the derivative, or apply the transpose of that map."""
    result = torch.empty(coef.shape, dtype=coef.dtype)
    plan = _plan(family, coef.shape[-1], 0)
    _kernels.differentiate(
        plan,
        coef.shape[:-1],
        coef.data_ptr(),
        coef.stride(),
        result.data_ptr(),
        transposed,
        coef.dtype == torch.float64,
    )
    return result
