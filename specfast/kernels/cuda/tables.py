"""What kernels for GPUs are handed: tables, and the structs of csrc/cuda/problem.hpp, kept in the GPU's memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from ...families import Family, family_by_name
from .. import _cpu

_Any = TypeVar("_Any")


class Series(NamedTuple):
    """A family's tables on a GPU: what kernels take, and what that points to."""

    packed: Tensor
    tables: Tensor
    terms: int
    has_end: bool
    prefix: str  # of the kernels on one axis: those of functions in pairs are others


class _Columns(NamedTuple):
    a: np.ndarray
    b: np.ndarray | None
    g: np.ndarray | None
    scale: np.ndarray
    near_limit: float


def _columns(family: Family, count: int, single: bool) -> _Columns:
    """Return the recurrence q_{n+1} = (k_n z + b_n) q_n - g_n q_{n-1} with k_n the same for runs of terms."""
    rescaled = family.recurrence_tables(count, single)
    if rescaled.b is not None or family.paired:  # pairs have no recurrence of three terms
        return _Columns(rescaled.a, rescaled.b, None, rescaled.scale, rescaled.near_limit)
    a, _, c, constant = family.plain_recurrence(count)
    logarithm = np.log(a.astype(np.longdouble))
    mean = np.concatenate(
        [np.full(len(part), part.mean()) for part in np.split(logarithm, range(_cpu.gpu_run, count, _cpu.gpu_run))]
    )
    scale = np.cumsum(np.concatenate([[0.0], (logarithm - mean)[:-1]]))
    g = np.zeros(count + 1)
    g[1:count] = (c[1:].astype(np.longdouble) * np.exp(mean[1:] + mean[:-1] - logarithm[1:] - logarithm[:-1]))[
        : count - 1
    ]
    near = rescaled.near_limit
    if np.isfinite(near):  # sums are larger than those of the rescaled form by as much as the scales vary
        near = float(np.sqrt(max(near**2 - 2 * (np.abs(scale).max() + 1), 0.0)))
    return _Columns(np.exp(mean).astype(float), None, g, (constant * np.exp(scale)).astype(float), near)


_held: list[object] = []


def held(own: _Any) -> _Any:
    """Return tables that a kernel is handed; those that a CUDA graph is captured with are kept for good, as it has their addresses."""
    if torch.cuda.is_available() and torch.cuda.is_current_stream_capturing():
        _held.append(own)
    return own


def bytes_on(data: bytes, device: torch.device) -> Tensor:
    """Return bytes in the GPU's memory."""
    return torch.frombuffer(bytearray(data), dtype=torch.uint8).to(device)


def on_gpu(parts: Sequence[np.ndarray | None], device: torch.device) -> tuple[Tensor, list[int]]:
    """Return arrays one behind the other on a GPU, and their addresses there, 0 for None."""
    pieces = [b"" if part is None else np.ascontiguousarray(part).tobytes() for part in parts]
    padded = [piece + bytes(-len(piece) % 16) for piece in pieces]
    begins = np.cumsum([0] + [len(piece) for piece in padded])
    tables = bytes_on(b"".join(padded), device)
    where = [0 if part is None else tables.data_ptr() + int(at) for part, at in zip(parts, begins, strict=False)]
    return tables, where


@lru_cache(maxsize=1024)
@torch.inference_mode(False)
def series(name: str, size: int, derivative: int, single: bool, device: torch.device) -> Series:
    """Return the tables of a family for sums of `size` terms and an order of differentiation."""
    family = family_by_name(name)
    if family.half is not None:
        raise RuntimeError(
            f"family={name} has no kernels for GPUs; move the tensors to the CPU, or set SPECFAST_BACKEND=reference to run"
            " the (slow) reference kernels there"
        )
    count = family.count_with_derivative(size, derivative)
    columns, ends = _columns(family, count, single), family.end_tables(count)
    limits, maps = family.recurrence_tables(count, single), family.differentiation_tables(count)
    dtype = np.float32 if single else np.float64
    steps = np.tile([0.0, 0.0, 1.0, 1.0], (count, 1))  # where there is no table
    for place, own in enumerate((columns.a, columns.b, columns.g, columns.scale)):
        if own is not None:
            steps[:, place] = own[:count]
    in_work = {
        "a": columns.a,
        "b": columns.b,
        "r": None if ends is None else ends.r,
        "kappa": None if ends is None else ends.kappa,
        "g": columns.g,
        "steps": steps,
    }
    in_double = {
        "scale": columns.scale,
        "value_at_end": None if ends is None else ends.value,
        "ahead": maps.ahead if maps.ahead.any() else None,
        "leap": maps.leap if maps.leap.any() else None,
        "lower": maps.lower,
        "middle": maps.middle,
        "upper": maps.upper,
        "far_lower": maps.far_lower,
        "far_upper": maps.far_upper,
    }
    arrays = {name: None if own is None else own.astype(dtype) for name, own in in_work.items()} | in_double
    tables, where = on_gpu(list(arrays.values()), device)
    end_limit = 0.0 if ends is None else limits.end_limit
    packed = _cpu.gpu_series(
        single, count=count, start=limits.start, near_limit=columns.near_limit, far_limit=limits.far_limit,
        end_limit=end_limit, coefficients=size, derivative=derivative, far=maps.far,
        **dict(zip(arrays, where, strict=True)),
    )  # fmt: skip
    prefix = "pairs_" if family.paired else ""
    return Series(bytes_on(packed, device), tables, count, end_limit > 0, prefix)


@lru_cache(maxsize=1024)
@torch.inference_mode(False)
def rows(lead: tuple[int, ...], strides: tuple[tuple[int, ...], ...], device: torch.device) -> Tensor:
    """Return leading axes and the operands' strides along them."""
    return bytes_on(_cpu.gpu_rows(lead, strides), device)


def prepared_strides(own: Sequence[int], lead: Sequence[int]) -> tuple[int, ...]:
    """Return how many rows apart an operand's prepared rows of shape `own` are along the axes of `lead`."""
    strides, step = [], 1
    for size in reversed(own):
        strides.append(0 if size == 1 else step)
        step *= size
    return (0,) * (len(lead) - len(own)) + tuple(reversed(strides))
