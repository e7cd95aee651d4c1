"""The compiled CPU backend: C++ kernels for every instruction set, the fastest one picked when this module loads.

`SPECFAST_SIMD` (baseline, avx2, avx512) forces a slower one. Threads are OpenMP's, as PyTorch sets them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch  # before the extension, so that both share one OpenMP runtime
from torch import Tensor

from ..families import family_by_name
from ..index_sets.cache import runs_of
from . import _cpu, cpu_nd, nonuniform
from . import cpu_fields as fused  # noqa: F401  (what `fields` asks a backend for)
from .cpu_plans import KERNELS, Plan, plan_of
from .cpu_plans import instruction_set as instruction_set  # what a user asks for of this machine
from .cpu_plans import instruction_sets as instruction_sets
from .cpu_plans import nvcc as nvcc
from .cpu_plans import openmp as openmp
from .matrix_product import (
    ADJOINT_BY_PRODUCT,
    SYNTHESIZE_BY_PRODUCT,
    adjoint_shared,
    fill_vandermonde,
    matrix_product_pays,
    one_row,
    synthesize_shared,
)
from .point_rows import broadcast


def _empty(first: Tensor, z: Tensor, last: int) -> Tensor:
    """Return memory of the broadcast leading shape and a last axis of length `last`."""
    return torch.empty((*broadcast(first.shape[:-1], z.shape[:-1]), last), dtype=z.dtype, device="cpu")


def _differentiated(coef: Tensor, family: str, derivative: int) -> Tensor:
    """Return the coefficients of a derivative in z."""
    coef = torch.nn.functional.pad(
        coef, (0, family_by_name(family).count_with_derivative(coef.shape[-1], derivative) - coef.shape[-1])
    )
    for _ in range(derivative):
        coef = differentiate(coef, family, False)
    return coef


def synthesize(coef: Tensor, z: Tensor, family: str, derivative: int) -> Tensor:
    """Return sum_n coef_n phi_n^(derivative)(z)."""
    size, points = coef.shape[-1], z.shape[-1]
    if nonuniform.pays(coef, z, size, family):
        return nonuniform.synthesize(_differentiated(coef, family, derivative), z, family)
    if matrix_product_pays(coef, z, size, SYNTHESIZE_BY_PRODUCT):
        return synthesize_shared(coef, one_row(z), family, derivative)
    plan, result = plan_of(family, size, derivative), torch.empty_like(z)
    if not KERNELS.synthesize(plan, coef, z, result):  # z has other leading axes, or is not contiguous
        result = _empty(coef, z, points)
        assert KERNELS.synthesize(plan, coef, z, result)
    return result


def adjoint(values: Tensor, z: Tensor, size: int, family: str, derivative: int) -> Tensor:
    """Return the sums over m of values_m phi_n^(derivative)(z_m), n < size."""
    if nonuniform.pays(values, z, size, family):
        sums = nonuniform.adjoint(values, z, family_by_name(family).count_with_derivative(size, derivative), family)
        for _ in range(derivative):
            sums = differentiate(sums, family, True)
        return sums[..., :size].contiguous()
    if matrix_product_pays(values, z, size, ADJOINT_BY_PRODUCT):
        return adjoint_shared(values, one_row(z), size, family, derivative)
    result = _empty(values, z, size)
    KERNELS.adjoint(plan_of(family, size, derivative), values, z, result)
    return result


def backward(gradient: Tensor, coef: Tensor, z: Tensor, family: str, derivative: int) -> tuple[Tensor, Tensor]:
    """Return both gradients of `synthesize`, before they are summed over axes that were broadcast.

    grad_coef_n = sum_m gradient_m phi_n^(k)(z_m) and grad_z_m = gradient_m sum_n coef_n phi_n^(k+1)(z_m), in one pass.
    """
    lead = broadcast(broadcast(gradient.shape[:-1], coef.shape[:-1]), z.shape[:-1])
    size = coef.shape[-1]
    if nonuniform.pays(coef, z, size, family):
        sums = adjoint(gradient.expand(*gradient.shape[:-1], z.shape[-1]), z, size, family, derivative)
        slopes = gradient * synthesize(coef, z, family, derivative + 1)
        return sums.expand(*lead, -1).contiguous(), slopes.expand(*lead, -1).contiguous()
    grad_coef = torch.empty((*lead, size), dtype=z.dtype, device="cpu")
    grad_z = torch.empty((*lead, z.shape[-1]), dtype=z.dtype, device="cpu")
    KERNELS.backward(plan_of(family, size, derivative + 1), gradient, coef, z, grad_coef, grad_z)
    return grad_coef, grad_z


def vandermonde(z: Tensor, size: int, family: str, derivative: int) -> Tensor:
    """Return phi_n^(derivative)(z_m), n < size, with n the last axis."""
    return fill_vandermonde(
        z, size, family, derivative, torch.empty((*z.shape, size), dtype=z.dtype, device="cpu"), by_degree=False
    )


def run_fma(rounds: int, dtype: torch.dtype) -> int:
    """Do many independent FMAs in registers on every thread; return how many. Timed, this is the peak."""
    return KERNELS.run_fma(rounds, dtype == torch.float64)


def squares(z: Tensor, size: int, family: str) -> Tensor:
    """Return sum_{n < size} phi_n(z_m)^2 / h_n for points z (M,) of dtype float64."""
    z, result = z.contiguous(), torch.empty_like(z)
    norms = torch.from_numpy(1 / family_by_name(family).norm_squared(size))
    KERNELS.squares(plan_of(family, size, 0), z.data_ptr(), z.shape[0], norms.data_ptr(), result.data_ptr())
    return result


def differentiate(coef: Tensor, family: str, transposed: bool) -> Tensor:
    """Return the coefficients of the derivative, or apply the transpose of that map."""
    result = torch.empty(coef.shape, dtype=coef.dtype, device="cpu")
    KERNELS.differentiate(plan_of(family, coef.shape[-1], 0), coef, result, transposed)
    return result


def _plans(degrees: Sequence[int], families: Sequence[str], derivative: Sequence[int]) -> list[Plan]:
    return [plan_of(name, n + 1, k) for name, n, k in zip(families, degrees, derivative, strict=True)]


@lru_cache(maxsize=64)
def _tree_plan(runs: bytes, degrees: tuple[int, ...]) -> _cpu.TreePlan:
    return _cpu.TreePlan(np.frombuffer(runs, np.int32).reshape(-1, 2), [n + 1 for n in degrees])


def _blocks_of(tree: Tensor, degrees: Sequence[int]) -> _cpu.TreePlan:
    """Return a tree as the kernels walk over it, kept from call to call."""
    return _tree_plan(runs_of(tree), tuple(degrees))


@lru_cache(maxsize=256)
def _orders_of(
    degrees: tuple[int, ...], families: tuple[str, ...], derivatives: tuple[tuple[int, ...], ...]
) -> tuple[list[Plan], _cpu.OrdersPlan]:
    """Return the plans of the lowest order on every axis, and what several derivatives need."""
    listed = [sorted({orders[axis] for orders in derivatives}) for axis in range(len(degrees))]
    plans = [
        [plan_of(family, degree + 1, order) for order in own]
        for family, degree, own in zip(families, degrees, listed, strict=True)
    ]
    slots = [own.index(order) for orders in derivatives for own, order in zip(listed, orders, strict=True)]
    return [own[0] for own in plans], _cpu.OrdersPlan(plans, slots)


# One pass for both gradients is the faster where tables are a good part of the work; beyond, sums in memory cost more.
_MOST_FUSED_AXES = 3
_MOST_ORDERS = 256  # over all axes, in one pass; max_orders in kernels.hpp


def product_synthesize(
    coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: Sequence[str], derivative: Sequence[int]
) -> Tensor:
    """Return the sums over an index tree at points z (..., M, D)."""
    return cpu_nd.synthesize(KERNELS, _plans(degrees, families, derivative), coef, z, _blocks_of(tree, degrees))


def product_adjoint(
    values: Tensor, z: Tensor, tree: Tensor, size: int, degrees: Sequence[int], families: Sequence[str],
    derivative: Sequence[int],
) -> Tensor:  # fmt: skip
    """Return the transpose of `product_synthesize` applied to values (..., M)."""
    return cpu_nd.adjoint(KERNELS, _plans(degrees, families, derivative), values, z, _blocks_of(tree, degrees), size)


def product_gradient(
    coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: Sequence[str], derivative: Sequence[int]
) -> Tensor:
    """Return the gradient in z, (..., M, D), of `product_synthesize`."""
    plans, slopes = (_plans(degrees, families, [k + more for k in derivative]) for more in (0, 1))
    return cpu_nd.gradient(KERNELS, plans, slopes, coef, z, _blocks_of(tree, degrees))


def product_backward(
    values: Tensor, coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: Sequence[str],
    derivative: Sequence[int],
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Return the gradients of the sum of values times `product_synthesize` in coef and z."""
    if len(degrees) > _MOST_FUSED_AXES:
        grad_coef = product_adjoint(values, z, tree, coef.shape[-1], degrees, families, derivative)
        return grad_coef, values.unsqueeze(-1) * product_gradient(coef, z, tree, degrees, families, derivative)
    plans, slopes = (_plans(degrees, families, [k + more for k in derivative]) for more in (0, 1))
    return cpu_nd.backward(KERNELS, plans, slopes, values, coef, z, _blocks_of(tree, degrees))


def product_derivatives(
    coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: Sequence[str],
    derivatives: Sequence[Sequence[int]],
) -> Tensor:  # fmt: skip
    """Return several derivatives of `product_synthesize`, (..., J, M), in one pass."""
    count = sum(len({orders[axis] for orders in derivatives}) for axis in range(len(degrees)))
    if count > _MOST_ORDERS and len(derivatives) > 1:
        half = len(derivatives) // 2
        parts = (derivatives[:half], derivatives[half:])
        return torch.cat([product_derivatives(coef, z, tree, degrees, families, part) for part in parts], -2)
    first, orders = _orders_of(tuple(degrees), tuple(families), tuple(map(tuple, derivatives)))
    return cpu_nd.derivatives(KERNELS, first, orders, len(derivatives), coef, z, _blocks_of(tree, degrees))
