"""Sums on one axis and their transposes, forward and backward: near, far out, with channels, with shared points."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ... import ops
from ...kernels import reference
from ...space import Space
from .. import baselines
from ..cases import CASES, Case
from ..work import Work, relative_error

CHECKED = 200  # points, or all where a sum goes over them
QUICK = 5e6  # terms
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4}  # to 1,000 functions, from there in proportion


def ours(case: Case) -> Any:
    """Return our operation for a case."""
    coef, z, values = case.data()
    rest = z.new_ones(()), z.new_zeros(()), Space(case.family.with_degree(case.shape[2] - 1)).key, [0]
    if case.operation == "synthesize":
        return lambda: ops.synthesize(coef, z, *rest)
    if case.operation == "adjoint":
        return lambda: ops.adjoint(values, z, *rest)
    coef, z = coef.requires_grad_(), z.requires_grad_()
    return lambda: torch.autograd.grad(ops.synthesize(coef, z, *rest), (coef, z), values)


def error(case: Case, result: Any) -> float:
    """Return the error of the first row, and of the first points where it is one of values there."""
    coef, z, values = (part.double() for part in case.data())
    size, name = case.shape[2], case.family.name
    z = z if case.shared else z[:1]
    if case.operation == "synthesize":
        some = z[..., :CHECKED]
        return relative_error(result[:1, ..., :CHECKED], reference.synthesize(coef[:1], some, name, 0))
    if case.operation == "adjoint":
        return relative_error(result[:1], reference.adjoint(values[:1], z, size, name, 0))
    slope_coef, slope_z = reference.backward(values[:1], coef[:1], z, name, 0)
    found: tuple[Tensor, Tensor] = tuple(part[:1] for part in result)  # type: ignore[assignment]
    return max(relative_error(found[0], slope_coef), relative_error(found[1], slope_z))


def operations(case: Case) -> float:
    """Return the FMAs that are needed: one a term for every row of points, one for every row of coefficients; thrice for backward."""
    rows, points, size = case.shape
    recurrences = 1 if case.shared else rows
    return float(points * size * (recurrences + rows * case.channels) * (3 if case.operation == "backward" else 1))


def work(case: Case) -> Work:
    """Return a case as a piece of work."""
    rows, points, size = case.shape
    item = torch.empty((), dtype=case.dtype).element_size()
    z = points * (1 if case.shared else rows)
    passes = (
        2 if case.operation == "backward" else 1
    )  # values given and taken, coefficients and z read and their gradients written
    moved = item * (passes * (rows * case.channels * size + z) + rows * case.channels * points)
    return Work(
        "transform", case.name, case.dtype, case.terms, operations(case), moved, lambda: ours(case),
        lambda result: error(case, result), TOLERANCE[case.dtype] * max(1.0, size / 1000), baselines.of(baselines.ONE_AXIS, case),
    )  # fmt: skip


def works(quick: bool) -> list[Work]:
    """Return the suite."""
    return [work(case) for case in CASES if not quick or case.terms <= QUICK]
