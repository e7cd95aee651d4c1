"""Sums of many functions at many points by a nonuniform FFT, where a family's functions are exponentials in an angle.

The library is finufft, an extra (`specfast[nufft]`): without it, with SPECFAST_NUFFT=0 in the environment, and where PyTorch is
told to be deterministic, the direct sums are taken at every size. Its error grows like N 1e-16, that of an angle's last digit.
"""

from __future__ import annotations

import importlib.util
import os
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..families import family_by_name
from ..families.exponentials import ExponentialForm
from .cpu_plans import instruction_set

_FOUND = os.environ.get("SPECFAST_NUFFT", "1") != "0" and importlib.util.find_spec("finufft") is not None
# eps of the library; sums of float32 data are in float64 too.
_ERRORS = {torch.float64: 1e-14, torch.float32: 1e-8}


class Cost(NamedTuple):
    """What a transform costs, in terms of the direct sum of one row: at all, a point, a point and row, a wave number and row."""

    once: float
    point: float
    value: float
    mode: float


# Fitted to measurement in float64 (docs/kernels.md). Sums of float32 take half the time, the library's are in double there too.
COST = Cost(6.8e6, 800.0, 430.0, 500.0)
LEAST = 1 << 20  # terms of a row, below which it never pays
_SINGLE = 1.7
_CHANNEL = 0.66  # of a term, where rows share their points; with AVX2 nothing is saved for functions in pairs


def pays(other: Tensor, z: Tensor, size: int, name: str) -> bool:
    """Whether a nonuniform FFT takes less time than the direct sum, and every point has an angle."""
    if not shape_pays(other, z, size, name):
        return False
    return bool(_form(name).angle(z.double())[0].isfinite().all())


def shape_pays(other: Tensor, z: Tensor, size: int, name: str) -> bool:
    """Whether a nonuniform FFT takes less time for these shapes; `z` may be points in x as well."""
    points = z.shape[-1]
    if not _FOUND or points * size < LEAST or torch.are_deterministic_algorithms_enabled():
        return False
    if family_by_name(name).exponential_form is None:
        return False
    own_rows = z.numel() // points
    rows = max(1, other.numel() // max(1, other.shape[-1]), own_rows)
    shared = rows // own_rows
    paired = bool(family_by_name(name).paired)
    channel = 1.0 if paired and "avx512" not in instruction_set else _CHANNEL
    direct = own_rows * points * size * (1 + channel * (shared - 1))
    modes = size // 2 + 1 if paired else size
    fast = own_rows * (COST.once + COST.point * points) + rows * (COST.value * points + COST.mode * modes)
    if z.dtype == torch.float32:
        fast *= _SINGLE
    return fast < direct


class _Angles(NamedTuple):
    """One row of points as a nonuniform FFT takes them, with exp(i k theta) for k from 0: a shift by half of the modes."""

    theta: Any
    factor: Tensor  # s(z) exp(i middle theta), (M,)


def _form(name: str) -> ExponentialForm:
    form = family_by_name(name).exponential_form
    assert form is not None
    return form


def _angles(form: ExponentialForm, z: Tensor, modes: int) -> _Angles:
    theta, factor = form.angle(z.double())
    turn = torch.polar(torch.ones_like(theta), (modes // 2) * theta)
    return _Angles(theta.contiguous().numpy(), turn if factor is None else turn * factor)


def _to_points(form: ExponentialForm, coef: Tensor, z: Tensor, eps: float) -> Tensor:
    """Return sums (rows, M) for coefficients (rows, K) at one row of points."""
    import finufft

    modes = form.modes(coef.double()).contiguous()
    own = _angles(form, z, modes.shape[-1])
    found = finufft.nufft1d2(own.theta, modes.numpy(), eps=eps, isign=1, nthreads=torch.get_num_threads())
    return (torch.from_numpy(found).reshape(len(coef), -1) * own.factor).real


def _to_modes(form: ExponentialForm, values: Tensor, z: Tensor, size: int, eps: float) -> Tensor:
    """Return the transposed sums (rows, K) of values (rows, M) at one row of points."""
    import finufft

    count = form.modes(torch.zeros(size, dtype=torch.float64)).shape[-1]
    own = _angles(form, z, count)
    weighted = (values.double() * own.factor).contiguous()
    found = finufft.nufft1d1(own.theta, weighted.numpy(), count, eps=eps, isign=1, nthreads=torch.get_num_threads())
    return form.from_modes(torch.from_numpy(found).reshape(len(values), count), size)


def _by_rows(other: Tensor, z: Tensor) -> tuple[torch.Size, Tensor, Tensor]:
    """Return the broadcast leading shape, `other` as (points' rows, rows, length), and the rows of points (rows, M)."""
    lead = torch.broadcast_shapes(other.shape[:-1], z.shape[:-1])
    own = z.shape[:-1].numel()
    if own == 1:
        return lead, other.expand(*lead, -1).reshape(1, -1, other.shape[-1]), z.reshape(1, -1)
    wide = z.expand(*lead, -1).reshape(-1, z.shape[-1])
    return lead, other.expand(*lead, -1).reshape(len(wide), 1, other.shape[-1]), wide


def synthesize(coef: Tensor, z: Tensor, name: str) -> Tensor:
    """Return sum_n coef_n phi_n(z)."""
    form = _form(name)
    lead, rows, points = _by_rows(coef, z)
    parts = [_to_points(form, own, x, _ERRORS[z.dtype]) for own, x in zip(rows, points, strict=True)]
    return torch.stack(parts).reshape(*lead, z.shape[-1]).to(z.dtype)


def adjoint(values: Tensor, z: Tensor, size: int, name: str) -> Tensor:
    """Return the sums over m of values_m phi_n(z_m), n < size."""
    form = _form(name)
    lead, rows, points = _by_rows(values, z)
    parts = [_to_modes(form, own, x, size, _ERRORS[z.dtype]) for own, x in zip(rows, points, strict=True)]
    return torch.stack(parts).reshape(*lead, size).to(z.dtype)
