"""Layers as they are written without us: differentiated twice by autograd, powers of an arc cosine, a Fourier layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..work import CannotError, Timed, Unlike
from .eager import forward_sum

if TYPE_CHECKING:
    from ..layer_case import LayerCase


class _TwiceDifferentiated(nn.Module):
    """u and u_xx of a sum, by the recurrence and two passes of autograd."""

    def __init__(self, layer: Any):
        super().__init__()
        self.family = layer.space.families[0]
        self.log_scale = nn.Parameter(layer.log_scale.detach().clone())
        self.shift = nn.Parameter(layer.learned_shift.detach().clone())

    def forward(self, coef: Tensor, points: Tensor) -> Tensor:
        """Return both, stacked."""
        scale = self.log_scale.exp()
        u = scale.sqrt() * forward_sum(coef, scale * (points - self.shift), self.family)
        (slope,) = torch.autograd.grad(u.sum(), points, create_graph=True)
        (bend,) = torch.autograd.grad(slope.sum(), points, create_graph=True)
        return torch.stack([u, bend])


def eager_synthesis(case: LayerCase) -> Timed:
    """Eager PyTorch, differentiated twice by autograd."""
    if case.layer != "synthesis":
        raise CannotError("")
    return case.forward_and_backward(_TwiceDifferentiated(case.make()))


class _CosineKAN(nn.Module):
    """cos(n arccos(tanh x)) for all degrees at once, and one einsum: the usual code of Chebyshev networks."""

    def __init__(self, layer: Any):
        super().__init__()
        self.weight = nn.Parameter(layer.weight.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, outputs)."""
        n = torch.arange(self.weight.shape[-1], dtype=x.dtype)
        table = torch.cos(n * torch.acos(torch.tanh(x)).unsqueeze(-1))
        return torch.einsum("bin,oin->bo", table, self.weight)


def eager_kan(case: LayerCase) -> Timed:
    """Eager PyTorch, cosines of an arc cosine."""
    if case.layer != "kan":
        raise CannotError("")
    return case.forward_and_backward(_CosineKAN(case.make()))


def fourier_layer(case: LayerCase) -> Timed:
    """Neuraloperator's Fourier layer with as many channels, points and modes; it computes something else."""
    if case.layer != "convolution":
        raise CannotError("")
    try:
        from neuralop.layers.spectral_convolution import SpectralConv
    except ImportError:
        raise CannotError("not installed") from None
    (x,) = case.given()
    ours: Any = case.make()
    layer = SpectralConv(
        x.shape[1], x.shape[1], n_modes=(ours.space.size,)
    )  # of which it keeps half, complex: as many numbers
    return Unlike(case.forward_and_backward(layer))
