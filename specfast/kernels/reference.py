"""The reference backend: plain PyTorch, one term of the recurrence at a time, on any device.

It is written to be read and to be right over the whole range: every number carries its own power of two, so that
exp(-z^2/2) at z = 200 is not lost. Arithmetic is float64 whatever the inputs are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from ..families import DifferentiationTables, Family, RecurrenceTables, family_by_name
from . import products
from .affine_map import rounding_slack
from .reference_pairs import half_line, pairs


@lru_cache(maxsize=256)
def _tables(family: Family, count: int) -> tuple[RecurrenceTables, DifferentiationTables]:
    return family.recurrence_tables(count), family.differentiation_tables(count)


def _start(tables: RecurrenceTables, z: Tensor, slack: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return z made harmless, and mantissa and exponent of start(z); zero beyond the range and NaN where not valid."""
    size = z.abs()
    outside = size > tables.far_limit
    if tables.start == 2:
        z = torch.where((size > 1) & (size <= 1 + slack), z.sign(), z)
        outside = z.abs() > 1
    elif tables.start == 1:
        outside = outside | (z < 0)
    invalid = z.isnan() | (outside if tables.start == 2 else torch.zeros_like(outside))
    harmless = torch.where(outside | z.isnan(), torch.zeros_like(z), z)
    if tables.start == 0:
        # z^2 exactly as a sum of two numbers, by splitting z into halves of 26 bits.
        split = harmless * 134217729.0
        high = split - (split - harmless)
        low = harmless - high
        square = harmless * harmless
        argument, rest = -0.5 * square, -0.5 * (((high * high - square) + 2 * high * low) + low * low)
    else:
        argument, rest = (-0.5 if tables.start == 1 else 0.0) * harmless, torch.zeros_like(z)
    exponent = torch.round(argument * 1.4426950408889634)
    reduced = (argument - exponent * 6.93147180369123816490e-01) - exponent * 1.90821492927058770002e-10
    mantissa = torch.exp(reduced + rest)
    mantissa = torch.where(outside, torch.zeros_like(z), mantissa)
    return harmless, torch.where(invalid, torch.full_like(z, torch.nan), mantissa), exponent


def _functions(family: Family, z: Tensor, count: int) -> Iterator[Tensor]:
    """Yield phi_0(z), phi_1(z), ... in float64."""
    tables, _ = _tables(family, count)
    if family.half is not None:
        negative = z < 0
        for k, value in enumerate(_functions(family.half, z.abs(), (count + 1) // 2)):
            yield value * 0.5**0.5
            if 2 * k + 1 < count:
                yield torch.where(negative, -value, value) * 0.5**0.5
        return
    if tables.start == 6:
        yield from half_line(z.double(), tables.scale, tables.far_limit)
        return
    if tables.start in (3, 4):
        yield from pairs(tables.start == 3, z.double(), tables.scale, tables.far_limit)
        return
    slack = rounding_slack(z.dtype)
    point, current, exponent = _start(tables, z.double(), slack)
    previous = torch.zeros_like(current)
    for n in range(count):
        yield torch.ldexp(current * tables.scale[n], exponent)
        factor = tables.a[n] * point
        if tables.b is not None:
            factor = factor + tables.b[n]
        previous, current = current, factor * current - previous
        large = (current.abs() > 2.0**200).double()
        current = torch.ldexp(current, -200 * large)
        previous = torch.ldexp(previous, -200 * large)
        exponent = exponent + 200 * large


def _differentiate(tables: DifferentiationTables, coef: Tensor) -> Tensor:
    count, far = coef.shape[-1], tables.far
    result: list[Tensor] = [coef[..., 0]] * count
    for k in reversed(range(count)):
        value = tables.middle[k] * coef[..., k]
        if k > 0:
            value = value + tables.lower[k] * coef[..., k - 1]
        if k + 1 < count:
            value = value + tables.upper[k] * coef[..., k + 1] + tables.ahead[k] * result[k + 1]
        if k + 2 < count:
            value = value + tables.leap[k] * result[k + 2]
        if tables.far_lower is not None and k >= far:
            value = value + tables.far_lower[k] * coef[..., k - far]
        if tables.far_upper is not None and k + far < count:
            value = value + tables.far_upper[k] * coef[..., k + far]
        result[k] = value
    return torch.stack(result, -1)


def _differentiate_transposed(tables: DifferentiationTables, cotangent: Tensor) -> Tensor:
    count, far = cotangent.shape[-1], tables.far
    y = list(cotangent.unbind(-1))
    for k in range(1, count):
        y[k] = y[k] + tables.ahead[k - 1] * y[k - 1]
        if k >= 2:
            y[k] = y[k] + tables.leap[k - 2] * y[k - 2]
    result = []
    for k in range(count):
        value = tables.middle[k] * y[k]
        if k + 1 < count:
            value = value + tables.lower[k + 1] * y[k + 1]
        if k > 0:
            value = value + tables.upper[k - 1] * y[k - 1]
        if tables.far_lower is not None and k + far < count:
            value = value + tables.far_lower[k + far] * y[k + far]
        if tables.far_upper is not None and k >= far:
            value = value + tables.far_upper[k - far] * y[k - far]
        result.append(value)
    return torch.stack(result, -1)


def synthesize(coef: Tensor, z: Tensor, family: str, derivative: int) -> Tensor:
    """Return sum_n coef_n phi_n^(derivative)(z)."""
    own = family_by_name(family)
    count = own.count_with_derivative(coef.shape[-1], derivative)
    terms = torch.nn.functional.pad(coef.double(), (0, count - coef.shape[-1]))
    for _ in range(derivative):
        terms = _differentiate(_tables(own, count)[1], terms)
    shape = torch.broadcast_shapes(coef.shape[:-1], z.shape[:-1]) + z.shape[-1:]
    result = torch.zeros(shape, dtype=torch.float64, device=z.device)
    for n, function in enumerate(_functions(own, z, count)):
        result = result + terms[..., n : n + 1] * function
    return result.to(z.dtype)


def adjoint(values: Tensor, z: Tensor, size: int, family: str, derivative: int) -> Tensor:
    """Return the sums over m of values_m phi_n^(derivative)(z_m), n < size."""
    own = family_by_name(family)
    count = own.count_with_derivative(size, derivative)
    weight = values.double()
    sums = torch.stack([(weight * function).sum(-1) for function in _functions(own, z, count)], -1)
    for _ in range(derivative):
        sums = _differentiate_transposed(_tables(own, count)[1], sums)
    return sums[..., :size].to(z.dtype)


def backward(gradient: Tensor, coef: Tensor, z: Tensor, family: str, derivative: int) -> tuple[Tensor, Tensor]:
    """Return both gradients of `synthesize`, before they are summed over axes that were broadcast."""
    lead = torch.broadcast_shapes(gradient.shape[:-1], coef.shape[:-1], z.shape[:-1])
    grad_coef = adjoint(gradient, z, coef.shape[-1], family, derivative)
    grad_z = gradient * synthesize(coef, z, family, derivative + 1)
    return grad_coef.expand(*lead, -1).contiguous(), grad_z.expand(*lead, -1).contiguous()


def squares(z: Tensor, size: int, family: str) -> Tensor:
    """Return sum_{n < size} phi_n(z_m)^2 / h_n for points z (M,) of dtype float64."""
    own = family_by_name(family)
    total = torch.zeros_like(z)
    for value, norm in zip(_functions(own, z, size), own.norm_squared(size), strict=True):
        total += value**2 / norm
    return total


def vandermonde(z: Tensor, size: int, family: str, derivative: int) -> Tensor:
    """Return phi_n^(derivative)(z_m), n < size, with n the last axis."""
    own = family_by_name(family)
    count = own.count_with_derivative(size, derivative)
    functions = torch.stack(list(_functions(own, z, count)), -1)
    for _ in range(derivative):
        functions = _differentiate_transposed(_tables(own, count)[1], functions)
    return functions[..., :size].to(z.dtype)


def differentiate(coef: Tensor, family: str, transposed: bool) -> Tensor:
    """Return the coefficients of the derivative, or apply the transpose of that map."""
    own = family_by_name(family)
    tables = _tables(own, coef.shape[-1])[1]
    apply = _differentiate_transposed if transposed else _differentiate
    return apply(tables, coef.double()).to(coef.dtype)


def product_synthesize(
    coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: Sequence[str], derivative: Sequence[int]
) -> Tensor:
    """Return the sums over an index tree at points z (..., M, D)."""
    return products.synthesize(vandermonde, coef, z, tree, families, derivative)


def product_adjoint(
    values: Tensor, z: Tensor, tree: Tensor, size: int, degrees: Sequence[int], families: Sequence[str],
    derivative: Sequence[int],
) -> Tensor:  # fmt: skip
    """Return the transpose of `product_synthesize` applied to values (..., M)."""
    return products.adjoint(vandermonde, values, z, tree, families, derivative)


product_gradient, product_backward, product_derivatives = products.from_sums(product_synthesize, product_adjoint)
