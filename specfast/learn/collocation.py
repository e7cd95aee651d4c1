"""A right-hand side in physical space: one small network for all nodes, of u and its derivatives there, projected back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from .. import ops
from ..quadrature import gauss
from ..space import Space
from .encoder import FieldEncoder
from .mlp import perceptron, start_near_zero


def _nodes(space: Space) -> tuple[Tensor, Tensor]:
    """Return points (Q[, D]) and the matrix (K, Q) that takes values there to coefficients, on the standard domain.

    On one axis half as many Gauss nodes again as functions, so that products of two do not alias; else the nodes of the space.
    """
    if space.dim > 1:
        points = space.nodes()
        return points, space.project(torch.eye(len(points), dtype=torch.float64)).T
    family, size = space.families[0], space.size
    z, weights = gauss(family, size + (size + 1) // 2)
    table = ops.vandermonde(torch.from_numpy(np.asarray(z)), size, family.name, 0).numpy()
    matrix = torch.from_numpy(table * np.asarray(weights)[:, None] / family.norm_squared(size)).T
    return torch.from_numpy(np.asarray(z)), matrix.contiguous()


class CollocationNetwork(nn.Module):
    r"""dc/dt = P g(u, u_x, ..) with g the same network at every node and P the projection.

    A local equation, whatever K is, needs no more than that; and what was seen at one place is known at all others.

    Parameters
    ----------
    encoder : FieldEncoder
        With one scale and shift; derivatives are in units of its reference.
    channels : int
        Components of the field.
    hidden : sequence of int
        Widths of the network.
    extra : int
        Further inputs, the same at all nodes.
    depends_on_position : bool
        Whether the place is an input.
    order : int
        Up to which order g sees derivatives.
    """

    points: Tensor
    projection: Tensor
    tables: Tensor
    mean: Tensor
    size: Tensor
    output_size: Tensor

    def __init__(
        self,
        encoder: FieldEncoder,
        channels: int,
        hidden: Sequence[int],
        extra: int,
        depends_on_position: bool,
        order: int = 2,
    ):
        super().__init__()
        space, dim = encoder.standard, encoder.space.dim
        points, projection = _nodes(space)
        eye = torch.eye(space.size, dtype=torch.float64)
        zero = (0,) * dim
        listed = [zero] + [
            tuple(k * (d == axis) for d in range(dim)) for k in range(1, order + 1) for axis in range(dim)
        ]
        tables = [space.synthesize(eye, points, derivative=one[0] if dim == 1 else one) for one in listed]
        self.register_buffer("points", points.reshape(len(points), dim), persistent=False)
        self.register_buffer("projection", projection, persistent=False)
        self.register_buffer("tables", torch.stack(tables), persistent=False)
        features = len(listed) * channels
        self.register_buffer("mean", torch.zeros(features, dtype=torch.float64))
        self.register_buffer("size", torch.ones(features, dtype=torch.float64))
        self.register_buffer("output_size", torch.ones(channels, dtype=torch.float64))
        self.depends_on_position = depends_on_position
        self.network = perceptron(features + dim * depends_on_position + extra, hidden, channels)

    def features(self, coef: Tensor) -> Tensor:
        """Return u and its derivatives (..., Q, features) of coefficients (..., C, K)."""
        at_nodes = torch.einsum("...ck,oqk->...qoc", coef, self.tables.mT)
        return at_nodes.flatten(-2)

    def forward(self, coef: Tensor, extra: Tensor | None) -> Tensor:
        """Return dc/dt (..., C, K) of coefficients (..., C, K), with further inputs (..., E)."""
        parts = [(self.features(coef) - self.mean) / self.size]
        lead = parts[0].shape[:-1]
        if self.depends_on_position:
            parts.append((self.points / self.points.abs().amax(0)).expand(*lead, -1))
        if extra is not None:
            parts.append(extra.unsqueeze(-2).expand(*lead, -1))
        rate = self.network(torch.cat(parts, -1)) * self.output_size
        result: Tensor = rate.mT @ self.projection.T
        return result

    @torch.no_grad()
    def initialise(self, coef: Tensor, slope: Tensor) -> None:
        """Standardise by coefficients (N, C, K) and their slopes; the network starts from nearly zero."""
        features = self.features(coef).flatten(0, -2)
        self.mean.copy_(features.mean(0))
        spread = features.std(0, correction=0)
        self.size.copy_(torch.where(spread > 0, spread, 1.0))
        rates = (slope @ self.tables[0]).square().mean((0, 2)).sqrt()
        self.output_size.copy_(torch.where(rates > 0, rates, 1.0))
        start_near_zero(self.network)
