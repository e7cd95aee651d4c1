"""Sums over hyperbolic crosses on two to ten axes, with their transposes and gradients."""

from __future__ import annotations

from typing import Any

import torch

from ...kernels import products, reference
from .. import baselines
from ..baselines.expansions import TotalCase
from ..cross import AXES, CrossCase
from ..work import Work, relative_error

CHECKED = 20  # points
# Sums an operation needs at least: one; a gradient the sum with one derivative an axis, which share what they can.
SUMS = {"synthesize": 1, "adjoint": 1, "gradient": 2, "backward": 3}
TOLERANCE = {torch.float64: 1e-11, torch.float32: 1e-4}


def _few(case: CrossCase) -> tuple[torch.Tensor, torch.Tensor]:
    coef, z, _ = (part.double() for part in case.data())
    return coef[:1], z[:, :CHECKED].contiguous()


def _gradient(case: CrossCase) -> torch.Tensor:
    """Return the gradient in z of the first channel at a few points, by tables and their derivatives."""
    coef, z = _few(case)
    indices = products.indices_of(case.tree, case.dim, z.device)
    columns = []
    for axis in range(case.dim):
        total = coef[0].expand(CHECKED, -1)
        for d in range(case.dim):
            table = reference.vandermonde(z[0, :, d], case.rest[0][d] + 1, "hermite", int(d == axis))
            total = total * table[:, indices[:, d]]
        columns.append(total.sum(-1))
    return torch.stack(columns, -1)


def error(case: CrossCase, result: Any) -> float:
    """Return the error of the first channel, at a few points where it is one of values there."""
    if case.operation == "synthesize":
        coef, z = _few(case)
        expected = products.synthesize(reference.vandermonde, coef, z, case.tree, *case.rest[1:])
        return relative_error(result.reshape(case.channels, -1)[:1, :CHECKED], expected.reshape(1, -1))
    if case.operation == "gradient":
        return relative_error(result.reshape(case.channels, case.points, case.dim)[0, :CHECKED], _gradient(case))
    _, z, values = (part.double() for part in case.data())
    slopes = result if case.operation == "adjoint" else result[0]
    expected = reference.product_adjoint(values[:1], z, case.tree, case.size, *case.rest)
    wrong = relative_error(slopes.reshape(case.channels, -1)[:1], expected.reshape(1, -1))
    if case.operation == "adjoint":
        return wrong
    by_point = (_gradient(case) * values[0, :CHECKED, None]).reshape(-1)
    return max(wrong, relative_error(result[1].reshape(case.points, case.dim)[:CHECKED], by_point))


def work(case: CrossCase) -> Work:
    """Return a case as a piece of work."""
    item = torch.empty((), dtype=case.dtype).element_size()
    terms = float(case.channels * case.points * case.size)
    numbers = case.channels * (case.size + case.points) + case.points * case.dim
    numbers += case.channels * case.points * (case.dim - 1) if case.operation == "gradient" else 0
    numbers += case.channels * case.size + case.points * case.dim if case.operation == "backward" else 0
    sums = SUMS[case.operation]
    return Work(
        "cross", case.name, case.dtype, terms * sums, terms * sums, float(item * numbers), case.ours, lambda result: error(case, result),
        TOLERANCE[case.dtype], baselines.of(baselines.CROSS, case),
    )  # fmt: skip


def _total(case: TotalCase) -> Work:
    space, x = case.space, case.at()
    coef = torch.ones(space.size, dtype=torch.float64)
    terms = float(case.points * space.size)

    def wrong(result: torch.Tensor) -> float:
        from ...kernels import cpu

        table = [cpu.vandermonde(x[:CHECKED, d].contiguous(), case.degree + 1, "hermite", 0) for d in range(case.dim)]
        total = torch.ones((), dtype=torch.float64)
        for d, own in enumerate(table):
            total = total * own[:, torch.from_numpy(space.indices[:, d].astype("int64"))]
        return relative_error(result[:CHECKED], total.sum(-1))

    return Work(
        "cross", case.name, torch.float64, terms, terms, 8.0 * (space.size + case.points * (1 + case.dim)),
        lambda: lambda: space.synthesize(coef, x), wrong, 1e-11, baselines.of(baselines.TOTAL, case),
    )  # fmt: skip


def works(quick: bool) -> list[Work]:
    """Return the suite."""
    if quick:
        small = [CrossCase(operation, 3, 12, 300) for operation in SUMS]
        return [work(case) for case in small] + [_total(TotalCase(2, 4, 200))]
    cases = [CrossCase("synthesize", dim, degree) for dim, degree in AXES]
    cases += [CrossCase("synthesize", dim, degree, dtype=torch.float32) for dim, degree in AXES]
    cases += [CrossCase("synthesize", dim, degree, channels=8) for dim, degree in AXES]
    cases += [CrossCase(operation, dim, degree) for operation in ("adjoint", "backward") for dim, degree in AXES[:5]]
    return [work(case) for case in cases] + [_total(TotalCase(3, 8)), _total(TotalCase(6, 4))]
