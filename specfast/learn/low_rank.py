"""A linear map of many coefficients: neighbours in the index set, and a few sums over all."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ..space import Space


class LocalLowRank(nn.Module):
    """A linear map at a cost linear in K: each coefficient from itself and its neighbours n +- e_d, and a few sums over all."""

    places: Tensor

    def __init__(self, space: Space, channels: int, inputs: int, outputs: int, rank: int = 32):
        super().__init__()
        size = space.size
        beside = [space.functions.positions_beside(space.dim, d, step) for d in range(space.dim) for step in (1, -1)]
        # A place past the last one is a zero that stands for neighbours outside the index set.
        neighbour = np.stack([np.arange(size), *beside], 1)
        self.width, self.inputs = channels * size, inputs
        own = np.concatenate([np.where(neighbour < 0, inputs, neighbour + c * size) for c in range(channels)])
        self.register_buffer("places", torch.from_numpy(own), persistent=False)
        self.local = nn.Parameter(torch.zeros(self.width, neighbour.shape[1], dtype=torch.float64))
        self.bias = nn.Parameter(torch.zeros(outputs, dtype=torch.float64))
        self.inner = nn.Linear(inputs, rank, bias=False, dtype=torch.float64)
        self.outer = nn.Linear(rank, outputs, bias=False, dtype=torch.float64)
        nn.init.zeros_(self.outer.weight)

    def _gather(self, y: Tensor) -> Tensor:
        padded = torch.cat([y, torch.zeros_like(y[..., :1])], -1)
        return padded[..., self.places]

    def forward(self, y: Tensor) -> Tensor:
        """Return (..., outputs) from (..., inputs)."""
        near = (self._gather(y) * self.local).sum(-1)
        result: Tensor = self.outer(self.inner(y)) + self.bias
        return result + nn.functional.pad(near, (0, result.shape[-1] - self.width))

    @torch.no_grad()
    def initialise(self, y: Tensor, rise: Tensor, weight: Tensor) -> None:
        """Fit the local part by least squares to slopes (N, outputs), times their weights (N, 1), at inputs (N, inputs)."""
        part = torch.linspace(0, len(y) - 1, min(len(y), 256)).long()
        design = self._gather(y[part]).movedim(0, 1) * weight[part]  # (width, N, neighbours)
        target = rise[part][:, : self.width].T.unsqueeze(-1)
        gram = design.mT @ design + 1e-3 * len(part) * torch.eye(design.shape[-1], dtype=design.dtype)
        self.local.copy_(torch.linalg.solve(gram, design.mT @ target).squeeze(-1))
        # The weighted mean of what is left.
        left = rise[part].clone()
        left[:, : self.width] -= (design @ self.local.unsqueeze(-1)).squeeze(-1).T
        self.bias.copy_((weight[part] * left).sum(0) / weight[part].square().sum())
