"""Sums on one axis on a GPU: kernels of csrc/cuda on torch's current stream, memory from its allocator, nothing waited for."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ...families import family_by_name
from ..precision import full_precision
from .functions import FUNCTIONS_AT_ONCE, Types, tables_of, vandermonde
from .launch import Launch, geometry, run
from .tables import Series, held, prepared_strides, rows, series

_SHARED_ROWS = 16  # from so many rows with the same points on, functions once and a matrix product


def _lead(*shapes: Sequence[int]) -> tuple[int, ...]:
    return tuple(torch.broadcast_shapes(*shapes))


def _strides_of(z: Tensor, lead: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(z.expand(*lead, z.shape[-1]).stride()[:-1])


class _Coefficients:
    """Rows of coefficients made ready, one for every row of the tensor."""

    def __init__(self, coef: Tensor, tables: Series, types: Types):
        own = coef.contiguous().reshape(-1, coef.shape[-1])
        count, new = len(own), own.new_empty
        self.shape = coef.shape[:-1]
        scratch = new((count, 2, tables.terms), dtype=torch.float64)
        self.near = new((count, tables.terms), dtype=types.work)
        self.end = new((count, tables.terms), dtype=types.work) if tables.has_end else None
        self.exponents = new((count, 2), dtype=torch.int32)
        how = geometry("prepare", count, 0, not types.single)
        name = f"prepare_coefficients_{types.suffix}"
        run(name, how, own.device, tables.packed, count, own, scratch, self.near, self.end, self.exponents)


class _Values:
    """Rows of values made ready."""

    def __init__(self, values: Tensor, types: Types):
        own = values.contiguous().reshape(-1, values.shape[-1])
        self.shape, (count, points) = values.shape[:-1], own.shape
        self.weights = torch.empty_like(own, dtype=types.work)
        self.exponents = own.new_empty(count, dtype=torch.int32)
        how = geometry("values", count, points, not types.single)
        maxima, shape = None, (count, how.tiles, points)
        if how.tiles > 1:  # long rows, in parts
            maxima = own.new_empty((count, how.tiles), dtype=torch.float64)
            run(f"find_maxima_{types.suffix}", how, own.device, *shape, own, maxima)
        run(f"prepare_values_{types.suffix}", how, own.device, *shape, own, maxima, self.weights, self.exponents)


def synthesize(coef: Tensor, z: Tensor, family: str, derivative: int) -> Tensor:
    """Return sum_n coef_n phi_n^(derivative)(z)."""
    lead, points = _lead(coef.shape[:-1], z.shape[:-1]), z.shape[-1]
    result = z.new_empty((*lead, points))
    if result.numel() == 0:
        return result
    if _shared(z, math.prod(lead)):
        table = _blocks(z, coef.shape[-1])
        with full_precision(z.device):
            parts = [coef @ vandermonde(part, coef.shape[-1], family, derivative).mT for part in table]
        return torch.cat(parts, -1).expand(*lead, points).contiguous()
    tables, types = tables_of(family, coef.shape[-1], derivative, z.dtype, z.device)
    own = _Coefficients(coef, tables, types)
    where = held(rows(lead, (prepared_strides(own.shape, lead), _strides_of(z, lead)), z.device))
    how = geometry("synthesize", math.prod(lead), points, not types.single)
    run(
        f"{tables.prefix}synthesize_{types.suffix}_{how.points}", how, z.device, tables.packed, where, math.prod(lead), points, z.stride(-1),
        own.near, own.end, own.exponents, z, result,
    )  # fmt: skip
    return result


def adjoint(values: Tensor, z: Tensor, size: int, family: str, derivative: int) -> Tensor:
    """Return the sums over m of values_m phi_n^(derivative)(z_m), n < size."""
    lead, points = _lead(values.shape[:-1], z.shape[:-1]), z.shape[-1]
    if points == 0 or math.prod(lead) == 0:
        return z.new_zeros((*lead, size))
    if _shared(z, math.prod(lead)):
        result, first = z.new_zeros((*values.shape[:-1], size)), 0
        with full_precision(z.device):
            for part in _blocks(z, size):
                result += values[..., first : first + len(part)] @ vandermonde(part, size, family, derivative)
                first += len(part)
        return result.expand(*lead, size).contiguous()
    tables, types = tables_of(family, size, derivative, z.dtype, z.device)
    return _swept(_Values(values, types), None, z, lead, size, derivative, tables, types)[0]


def backward(gradient: Tensor, coef: Tensor, z: Tensor, family: str, derivative: int) -> tuple[Tensor, Tensor]:
    """Return both gradients of `synthesize`, before they are summed over axes that were broadcast."""
    lead, size = _lead(gradient.shape[:-1], coef.shape[:-1], z.shape[:-1]), coef.shape[-1]
    if z.shape[-1] == 0 or math.prod(lead) == 0:
        return z.new_zeros((*lead, size)), z.new_zeros((*lead, z.shape[-1]))
    tables, types = tables_of(family, size, derivative + 1, z.dtype, z.device)
    own, weights = _Coefficients(coef, tables, types), _Values(gradient, types)
    grad_coef, grad_z = _swept(weights, own, z, lead, size, derivative, tables, types)
    assert grad_z is not None
    return grad_coef, grad_z


def _swept(
    weights: _Values, own: _Coefficients | None, z: Tensor, lead: tuple[int, ...], size: int, derivative: int, tables: Series,
    types: Types,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """Return the adjoint's sums, and the slopes by coefficients where they are given."""
    count, points, new = math.prod(lead), z.shape[-1], z.new_empty
    strides = [prepared_strides(weights.shape, lead), _strides_of(z, lead)]
    strides += [] if own is None else [prepared_strides(own.shape, lead)]
    where = held(rows(lead, tuple(strides), z.device))
    how = geometry("sweep", count, points, not types.single)
    partial = new((count, how.tiles, tables.terms), dtype=types.work)
    given: list[Tensor | int | None] = [
        tables.packed,
        where,
        count,
        points,
        z.stride(-1),
        how.tiles,
        weights.weights,
        weights.exponents,
        z,
        partial,
    ]
    slopes = None
    if own is None:
        run(f"{tables.prefix}adjoint_{types.suffix}_{how.points}", how, z.device, *given)
    else:
        slopes = new((*lead, points))
        more = [own.near, own.end, own.exponents, slopes]
        run(f"{tables.prefix}backward_{types.suffix}_{how.points}", how, z.device, *given, *more)
    result, scratch = new((*lead, size)), new((count, 2, tables.terms), dtype=torch.float64)
    finish = geometry("finish", count, 0, not types.single)
    run(
        f"finish_adjoint_{types.suffix}", finish, z.device, tables.packed, where, count, how.tiles, derivative, partial,
        weights.exponents, scratch, result,
    )  # fmt: skip
    return result, slopes


def differentiate(coef: Tensor, family: str, transposed: bool) -> Tensor:
    """Return the coefficients of the derivative, or the transpose of that map, truncated to K."""
    own = coef.contiguous().reshape(-1, coef.shape[-1])
    result = torch.empty_like(own)
    if result.numel():
        tables = series(family, coef.shape[-1], 0, False, coef.device)
        scratch = own.new_empty((len(own), 2, tables.terms), dtype=torch.float64)
        name = "differentiate_f" if coef.dtype == torch.float32 else "differentiate_d"
        how = geometry("prepare", len(own), 0, True)
        run(name, how, coef.device, tables.packed, len(own), int(transposed), own, scratch, result)
    return result.reshape(coef.shape)


def squares(z: Tensor, size: int, family: str) -> Tensor:
    """Return the sums over n < size of phi_n(z)^2 / h_n, in float64."""
    norms = torch.from_numpy(family_by_name(family).norm_squared(size)).to(z.device)
    parts = [(vandermonde(part, size, family, 0).square() / norms).sum(-1) for part in _blocks(z.double(), size)]
    return torch.cat(parts) if parts else z.new_zeros(0, dtype=torch.float64)


def run_fma(rounds: int, dtype: torch.dtype, device: torch.device) -> int:
    """Start a loop of independent FMAs on the whole GPU; return how many these are. It measures the GPU's peak."""
    blocks, threads, chains = 1056, 256, 16
    numbers = torch.tensor([0.999, 1e-3], dtype=dtype).to(device)
    run(
        f"run_fma_{'d' if dtype == torch.float64 else 'f'}",
        Launch(blocks, threads, 0, 1, 1),
        device,
        rounds,
        numbers,
    )
    return blocks * threads * chains * rounds


def _shared(z: Tensor, row_count: int) -> bool:
    """Whether many rows have one row of points."""
    return row_count >= _SHARED_ROWS and math.prod(z.shape[:-1]) == 1


def _blocks(z: Tensor, size: int) -> tuple[Tensor, ...]:
    """Return a row of points in pieces whose functions are not too many at once."""
    return z.reshape(-1).split(max(1, FUNCTIONS_AT_ONCE // size))
