"""The Numba backend, and functions for users' own njit code: compiled at first use, cached, free of the GIL.

    tables(family, count)       what the functions below take of the first `count` functions of a family
    evaluate(tables, n, z)      phi_n(z)
    fill(tables, z, out)        out[0 .. len(out) - 1] = phi_0(z) .. at one point

z is on the standard domain; outside of an interval the result is NaN, outside of a half-line 0. Every family is known by its
tables. Numbers carry a power of two of their own where exp(-z^2/2) would underflow, and the difference form is used close to a
hard end, as in the compiled kernels.

Examples
--------
>>> import numba, specfast as sf
>>> from specfast.kernels import jit
>>> own = jit.tables(sf.Hermite(), 10)
>>> @numba.njit
... def second(z):
...     return jit.evaluate(own, 2, z)
>>> round(second(0.0), 6)
-0.531126
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from numba import njit
from torch import Tensor

from ..families import Family, check_degree, check_family, family_by_name
from . import jit_nd, products
from .affine_map import rounding_slack
from .jit_pairs import fill_pairs

_TILE = 64
_compiled = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})


@_compiled
def _start(start_type, z):
    """Return mantissa and exponent of exp(-z^2/2), exp(-z/2) or 1; of 1 / (1 + z), found from y or the distance to an end."""
    if start_type == 2:
        return 1.0, 0.0
    if start_type == 6:
        return (0.5 * (1.0 + z) if abs(z) <= 1 else 0.5 / -z if z < 0 else 1.0 - 0.5 / z), 0.0
    if start_type == 1:
        high, low = -0.5 * z, 0.0
    else:
        square = z * z
        split = 134217729.0 * z
        upper = split - (split - z)
        lower = z - upper
        high, low = -0.5 * square, -0.5 * (((upper * upper - square) + 2 * upper * lower) + lower * lower)
    k = math.floor(high * 1.4426950408889634 + 0.5)
    reduced = (high - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10
    return math.exp(reduced + low), k


@_compiled
def _rational_point(z, end):
    """Return y = (1 - z) / (1 + z) and 0, or close to an end 1 / its distance, with the sign of y, and 2."""
    if 2 * z < end * (1 + z):
        return (0.5 * (1 + z) / z if z > 0 else math.inf), 2
    if 2 < end * (1 + z):
        return -0.5 * (1 + z), 2
    return (1 - z) / (1 + z), 0


@_compiled
def _regime(start_type, z, near, far, end, slack):
    """Return z made harmless, and 0 near, 1 far, 2 end, 3 known to be zero, 4 NaN, 5 functions in pairs."""
    if math.isnan(z):
        return 0.0, 4
    size = abs(z)
    if start_type == 2:
        if size > 1 + slack:
            return 0.0, 4
        if size > 1:
            z, size = math.copysign(1.0, z), 1.0
        return z, (2 if size > 1 - end else 0)
    if size > far or ((start_type == 1 or start_type == 6) and z < 0):
        return 0.0, (4 if start_type == 3 else 3)
    if start_type == 6:
        return _rational_point(z, 0.5)
    if start_type == 3 or start_type == 4:
        return z, 5
    if (start_type == 1 or start_type == 5) and size < end:
        return z, 2
    return z, (1 if size > near else 0)


@_compiled
def _one_series(tables, count, start_type, z, regime, out):
    """Write the functions of one recurrence, or pairs that need none."""
    a, b, scale, r, kappa, value = tables
    if regime >= 3:
        if regime == 5:
            fill_pairs(start_type == 3, z, scale, count, out)
        else:
            out[:count] = math.nan if regime == 4 else 0.0
        return
    mantissa, exponent = _start(start_type, z)
    if regime == 2:
        distance = z if start_type == 1 else 1.0 - abs(z) if abs(z) <= 1 else 1.0 / abs(z)
        sign, parity = (-1.0 if z < 0 else 1.0), 1.0
        q, d = math.ldexp(mantissa, int(exponent)), 0.0
        for n in range(count):
            out[n] = parity * value[n] * q
            d = r[n] * d - (kappa[n] * distance) * q
            q += d
            parity *= sign
        return
    current, previous, factor, rest = mantissa, 0.0, 0.0, 0.0
    for n in range(count):
        if n % 16 == 0:
            while abs(current) > 2.0**200:
                current *= 2.0**-200
                previous *= 2.0**-200
                exponent += 200.0
            factor = math.ldexp(1.0, int(max(exponent + 300.0, -3000.0)))
            rest = 2.0**-300
        out[n] = ((current * rest) * factor) * scale[n]
        current, previous = (a[n] * z + b[n]) * current - previous, current


@_compiled
def _functions(tables, count, start_type, z, regime, out):
    """Write phi_0 .. phi_{count-1} at one point of any regime."""
    if start_type == 5:
        # Functions of |z|, even and odd in turns; a pair has one factor.
        a, b, scale, r, kappa, value = tables
        half, sign = np.empty((count + 1) // 2), (-1.0 if z < 0 else 1.0)
        own = (a, b, scale[::2].copy(), r, kappa, value[::2].copy())
        _one_series(own, len(half), 1, abs(z), regime, half)
        for n in range(count):
            out[n] = half[n // 2] * (sign if n % 2 else 1.0)
    else:
        _one_series(tables, count, start_type, z, regime, out)


@_compiled
def _vandermonde_rows(tables, count, start_type, limits, z, slack, out):
    """Write the functions at points z (M,) to out (M, count)."""
    a, b, scale, _, _, _ = tables
    current, previous, point = np.empty(_TILE), np.empty(_TILE), np.empty(_TILE)
    place = np.empty(_TILE, dtype=np.int64)
    filled = 0
    for m in range(z.shape[0] + 1):
        if m < z.shape[0]:
            harmless, regime = _regime(start_type, z[m], limits[0], limits[1], limits[2], slack)
            if regime != 0 or start_type == 5:
                _functions(tables, count, start_type, harmless, regime, out[m])
                continue
            mantissa, exponent = _start(start_type, harmless)
            point[filled], current[filled], previous[filled] = harmless, math.ldexp(mantissa, int(exponent)), 0.0
            place[filled] = m
            filled += 1
        if filled == _TILE or (m == z.shape[0] and filled > 0):
            for n in range(count):
                for i in range(filled):
                    out[place[i], n] = current[i] * scale[n]
                for i in range(filled):
                    following = (a[n] * point[i] + b[n]) * current[i] - previous[i]
                    previous[i] = current[i]
                    current[i] = following
            filled = 0


@_compiled
def _multiply(tables, count, start_type, limits, rows, points, slack, left, result, transposed):
    """Multiply the functions at rows of points (B, M) with rows of coefficients, or the transpose with values."""
    table = np.empty((min(_TILE, max(points.shape[1], 1)), count))
    for row in range(rows.shape[0]):
        z = points[rows[row]]
        for begin in range(0, z.shape[0], _TILE):
            part = z[begin : begin + _TILE]
            _vandermonde_rows(tables, count, start_type, limits, part, slack, table)
            if transposed:
                for m in range(part.shape[0]):
                    weight = left[row, begin + m]
                    for n in range(count):
                        result[row, n] += weight * table[m, n]
            else:
                for m in range(part.shape[0]):
                    total = 0.0
                    for n in range(count):
                        total += left[row, n] * table[m, n]
                    result[row, begin + m] = total


@_compiled
def _differentiate_rows(ahead, leap, lower, middle, upper, far_lower, far_upper, far, coef, result, transposed):
    """Apply the differentiation map, or its transpose (which overwrites `coef`), to every row."""
    count = coef.shape[1]
    for row in range(coef.shape[0]):
        c, d = coef[row], result[row]
        if transposed:
            for k in range(1, count):
                c[k] += ahead[k - 1] * c[k - 1]
                if k >= 2:
                    c[k] += leap[k - 2] * c[k - 2]
        for step in range(count):
            k = step if transposed else count - 1 - step
            total = middle[k] * c[k]
            if transposed:
                if k + 1 < count:
                    total += lower[k + 1] * c[k + 1]
                if k > 0:
                    total += upper[k - 1] * c[k - 1]
                if k + far < len(far_lower):
                    total += far_lower[k + far] * c[k + far]
                if k >= far and len(far_upper) > 0:
                    total += far_upper[k - far] * c[k - far]
            else:
                if k >= far and len(far_lower) > 0:
                    total += far_lower[k] * c[k - far]
                if k + far < len(far_upper):
                    total += far_upper[k] * c[k + far]
                if k > 0:
                    total += lower[k] * c[k - 1]
                if k + 1 < count:
                    total += upper[k] * c[k + 1] + ahead[k] * d[k + 1]
                if k + 2 < count:
                    total += leap[k] * d[k + 2]
            d[k] = total


class Tables(NamedTuple):
    """The recurrence of a family in Numba's reach: columns, start type, near, far and end limits."""

    columns: tuple[np.ndarray, ...]
    start_type: int
    limits: np.ndarray


@lru_cache(maxsize=256)
def _tables(family: str, count: int) -> Tables:
    own = family_by_name(family)
    tables, ends = own.recurrence_tables(count), own.end_tables(count)
    none = np.zeros(0)
    columns = (
        tables.a,
        np.zeros(count) if tables.b is None else tables.b,
        tables.scale,
        *((none, none, none) if ends is None else (ends.r, ends.kappa, ends.value)),
    )
    limits = np.minimum(np.array([tables.near_limit, tables.far_limit, tables.end_limit]), 1e300)
    return Tables(columns, tables.start, limits)


def tables(family: Family, count: int) -> Tables:
    """Return what `evaluate` and `fill` take of functions 0 .. count - 1 of a family, on its standard domain.

    Raises
    ------
    TypeError, ValueError
        If the family is none, or there is no function.
    """
    check_family(family)
    if check_degree(count, "count") < 1:
        raise ValueError(f"count={count}: at least one function is expected")
    return _tables(family.name, int(count))


@_compiled
def fill(tables, z, out):
    """Write phi_0(z) .. to out, as many as it holds."""
    limits = tables.limits
    harmless, regime = _regime(tables.start_type, z, limits[0], limits[1], limits[2], 2e-15)
    _functions(tables.columns, len(out), tables.start_type, harmless, regime, out)


@_compiled
def evaluate(tables, n, z):
    """Return phi_n(z)."""
    out = np.empty(n + 1)
    fill(tables, z, out)
    return out[n]


# ------------------------------------------------------------------------------------------------------------- backend


def _arguments(family: str, count: int, z: Tensor) -> tuple[Any, ...]:
    columns, start, limits = _tables(family, count)
    return columns, count, start, limits, rounding_slack(z.dtype)


def _product(other: Tensor, z: Tensor, size: int, family: str, transposed: bool) -> Tensor:
    lead = torch.broadcast_shapes(other.shape[:-1], z.shape[:-1])
    own = z.reshape(z.shape[:-1].numel(), z.shape[-1])
    rows = torch.arange(own.shape[0]).reshape(z.shape[:-1]).expand(lead).reshape(-1)
    left = other.double().expand(*lead, -1).reshape(lead.numel(), other.shape[-1])
    result = np.zeros((lead.numel(), size if transposed else z.shape[-1]))
    columns, count, start, limits, slack = _arguments(family, size, z)
    _multiply(
        columns, count, start, limits, rows.numpy(), own.double().contiguous().numpy(), slack,
        left.contiguous().numpy(), result, transposed,
    )  # fmt: skip
    return torch.from_numpy(result).reshape(*lead, result.shape[1])


def synthesize(coef: Tensor, z: Tensor, family: str, derivative: int) -> Tensor:
    """Return sum_n coef_n phi_n^(derivative)(z)."""
    size = coef.shape[-1]
    wide = family_by_name(family).count_with_derivative(size, derivative)
    own = torch.nn.functional.pad(coef.double(), (0, wide - size))
    for _ in range(derivative):
        own = differentiate(own, family, False)
    return _product(own, z, wide, family, transposed=False).to(z.dtype)


def adjoint(values: Tensor, z: Tensor, size: int, family: str, derivative: int) -> Tensor:
    """Return the sums over m of values_m phi_n^(derivative)(z_m), n < size."""
    sums = _product(values, z, family_by_name(family).count_with_derivative(size, derivative), family, transposed=True)
    for _ in range(derivative):
        sums = differentiate(sums, family, True)
    return sums[..., :size].to(z.dtype).contiguous()


def backward(gradient: Tensor, coef: Tensor, z: Tensor, family: str, derivative: int) -> tuple[Tensor, Tensor]:
    """Return both gradients of `synthesize`, before they are summed over axes that were broadcast."""
    lead = torch.broadcast_shapes(gradient.shape[:-1], coef.shape[:-1], z.shape[:-1])
    grad_coef = adjoint(gradient, z, coef.shape[-1], family, derivative)
    grad_z = gradient * synthesize(coef, z, family, derivative + 1)
    return grad_coef.expand(*lead, -1).contiguous(), grad_z.expand(*lead, -1).contiguous()


def vandermonde(z: Tensor, size: int, family: str, derivative: int) -> Tensor:
    """Return phi_n^(derivative)(z_m), n < size, with n the last axis."""
    wide = family_by_name(family).count_with_derivative(size, derivative)
    result = np.empty((z.numel(), wide))
    columns, count, start, limits, slack = _arguments(family, wide, z)
    _vandermonde_rows(columns, count, start, limits, z.double().reshape(-1).contiguous().numpy(), slack, result)
    table = torch.from_numpy(result)
    for _ in range(derivative):
        table = differentiate(table, family, True)
    return table[:, :size].reshape(*z.shape, size).to(z.dtype).contiguous()


def squares(z: Tensor, size: int, family: str) -> Tensor:
    """Return sum_{n < size} phi_n(z_m)^2 / h_n for points z (M,) of dtype float64."""
    norms = torch.from_numpy(family_by_name(family).norm_squared(size))
    parts = [(vandermonde(part, size, family, 0) ** 2 / norms).sum(-1) for part in z.split(max(1, (1 << 22) // size))]
    return torch.cat(parts) if parts else z.clone()


def differentiate(coef: Tensor, family: str, transposed: bool) -> Tensor:
    """Return the coefficients of the derivative, or apply the transpose of that map."""
    maps = family_by_name(family).differentiation_tables(coef.shape[-1])
    rows = coef.double().reshape(coef.shape[:-1].numel(), coef.shape[-1]).clone().numpy()
    result = np.empty(rows.shape)
    far_lower, far_upper = (np.zeros(0) if table is None else table for table in (maps.far_lower, maps.far_upper))
    _differentiate_rows(
        maps.ahead, maps.leap, maps.lower, maps.middle, maps.upper, far_lower, far_upper, maps.far, rows, result,
        transposed,
    )  # fmt: skip
    return torch.from_numpy(result).reshape(coef.shape).to(coef.dtype)


def product_synthesize(
    coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: Sequence[str], derivative: Sequence[int]
) -> Tensor:
    """Return the sums over an index tree at points z (..., M, D)."""
    return jit_nd.synthesize(vandermonde, coef, z, tree, degrees, families, derivative)


def product_adjoint(
    values: Tensor, z: Tensor, tree: Tensor, size: int, degrees: Sequence[int], families: Sequence[str],
    derivative: Sequence[int],
) -> Tensor:  # fmt: skip
    """Return the transpose of `product_synthesize` applied to values (..., M)."""
    return jit_nd.adjoint(vandermonde, values, z, tree, size, degrees, families, derivative)


product_gradient, product_backward, product_derivatives = products.from_sums(product_synthesize, product_adjoint)
