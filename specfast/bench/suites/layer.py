"""Layers in PyTorch models, forward and backward in weights and input."""

from __future__ import annotations

from collections.abc import Callable
from unittest import mock

import torch
from torch import Tensor, nn

from ... import kernels
from ...families import Chebyshev, Hermite
from ...kernels import reference
from ...nn import PolynomialKAN, SpectralConv, Synthesis
from ...space import Space
from .. import baselines
from ..layer_case import LayerCase
from ..work import Work, relative_error


def _seeded(make: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    def seeded() -> nn.Module:
        torch.manual_seed(0)
        return make()

    return seeded


def _normal(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def cases(quick: bool) -> list[LayerCase]:
    """Return the layers."""
    batch, channels, nodes, degree = (4, 4, 32, 15) if quick else (32, 32, 128, 31)
    line = Space(Hermite(degree=degree))
    edges, width = (8, 8) if quick else (128, 64)
    points = 64 if quick else 1024
    transform, mixing = float(batch * channels * nodes * (degree + 1)), float(batch * channels**2 * (degree + 1))
    conv = 2 * transform + mixing
    return [
        LayerCase(
            "convolution", f"SpectralConv, {batch} x {channels} channels, {nodes} nodes, {degree + 1} modes, float32",
            _seeded(lambda: SpectralConv(line, channels, channels)), lambda: (_normal(batch, channels, nodes),), conv, 4 * transform + 3 * mixing,
        ),
        LayerCase(
            "kan", f"PolynomialKAN, {batch} x {edges} to {width}, degree 8, float32",
            _seeded(lambda: PolynomialKAN(edges, width, Chebyshev(), 8)), lambda: (_normal(batch, edges),),
            batch * edges * width * 9.0, 3.0 * batch * edges * width * 9,
        ),
        LayerCase(
            "synthesis", f"Synthesis of u and u_xx, {batch} rows, {points} points, degree {degree}, float32",
            _seeded(lambda: Synthesis(line, scale=1.2, derivative=[0, 2], learn_scale=True)),
            lambda: (_normal(batch, degree + 1), 2 * _normal(batch, points)), 2.0 * batch * points * (degree + 1),
            8.0 * batch * points * (degree + 1),
        ),
    ]  # fmt: skip


def _error(case: LayerCase, result: list[Tensor]) -> float:
    """Return the error of result and gradients against the same layer in float64, by the reference kernels."""
    layer = case.make().double()
    given = tuple(part.double().requires_grad_() for part in case.given())
    with mock.patch.object(kernels, "cpu_backend", return_value=reference):
        found = layer(*given)
        slopes = torch.autograd.grad(found.square().sum(), [*layer.parameters(), given[0]])
    return relative_error(result, [found, *slopes])


def _work(case: LayerCase) -> Work:
    layer = case.make()
    with torch.no_grad():
        result = layer(*case.given()).numel()
    numbers = 2 * sum(part.numel() for part in (*case.given(), *layer.parameters())) + result  # and their gradients
    return Work(
        "layer", f"{case.name}, forward and backward", torch.float32, 3 * case.terms, case.operations, 4.0 * numbers,
        lambda: case.forward_and_backward(case.make()), lambda result: _error(case, result), 2e-4,
        baselines.of(baselines.LAYER, case),
    )  # fmt: skip


def works(quick: bool) -> list[Work]:
    """Return the suite."""
    return [_work(case) for case in cases(quick)]
