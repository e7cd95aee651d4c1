"""The compiled module: its kernels for the fastest instruction set of this machine, and the tables that they take of a family.

`SPECFAST_SIMD` (baseline, avx2, avx512) forces a slower one.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

import numpy as np
import torch  # (before the extension, so that both share one OpenMP runtime)
from torch import Tensor

from ..families import Family, family_by_name
from . import _cpu

Plan = _cpu.Plan


def _load_kernels() -> _cpu.Kernels:
    wanted = os.environ.get("SPECFAST_SIMD", "")
    kernels = _cpu.Kernels(wanted)
    if not kernels.found:
        raise ValueError(f"SPECFAST_SIMD={wanted!r}: one of {', '.join(kernels.names)} is expected on this machine")
    return kernels


KERNELS = _load_kernels()
# What lets the compiled module look into tensors itself, which PyTorch has from 2.11 on, and make new ones.
_cpu.exchange_by(getattr(Tensor, "__dlpack_c_exchange_api__", None))
_cpu.new_tensors_by(torch.empty_like)
instruction_set: str = KERNELS.name
instruction_sets: list[str] = KERNELS.names
openmp: bool = _cpu.openmp
nvcc: str = _cpu.nvcc  # what the build found of CUDA's compiler


def _columns(family: Family, count: int, single: bool) -> dict[str, Any]:
    """Return the tables of one precision as the compiled module takes them."""
    tables, ends = family.recurrence_tables(count, single), family.end_tables(count)
    dtype = np.float32 if single else np.float64
    return {
        "a": tables.a.astype(dtype),
        "b": np.empty(0, dtype) if tables.b is None else tables.b.astype(dtype),
        "r": np.empty(0, dtype) if ends is None else ends.r.astype(dtype),
        "kappa": np.empty(0, dtype) if ends is None else ends.kappa.astype(dtype),
        "scale": tables.scale,
        "value_at_end": np.empty(0) if ends is None else ends.value,
        "start": tables.start,
        "limits": (tables.near_limit, tables.far_limit, tables.end_limit),
    }


@lru_cache(maxsize=256)
def plan_of(name: str, size: int, derivative: int) -> _cpu.Plan:
    """Return what kernels on one axis take of a family, of many functions, and an order."""
    family = family_by_name(name)
    count = family.count_with_derivative(size, derivative)
    maps = family.differentiation_tables(count)
    single = _columns(family, count, True) if family.single_suffices(count) else None
    return _cpu.Plan(
        _columns(family, count, False),
        single,
        [
            *(table if table.any() else table[:0] for table in (maps.ahead, maps.leap)),
            maps.lower,
            maps.middle,
            maps.upper,
            *(np.empty(0) if table is None else table for table in (maps.far_lower, maps.far_upper)),
        ],
        maps.far,
        size,
        derivative,
    )
