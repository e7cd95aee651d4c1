"""The learned right-hand side: a linear part and a network, on standardised coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class Dynamics(nn.Module):
    r"""dc/dt = s (A y + b + network(y)) / T with y = (c - mean) / s, for all channels together.

    Parameters of the equation, standardised likewise, are further inputs of A and the network.
    The linear part starts from least squares on differences of the encoded snapshots, the network from nearly zero.
    """

    mean: Tensor
    size: Tensor
    rate: Tensor
    parameter_mean: Tensor
    parameter_size: Tensor

    def __init__(self, channels: int, coefficients: int, hidden: Sequence[int] = (128, 128), parameters: int = 0):
        super().__init__()
        width = channels * coefficients
        inputs = width + parameters
        if parameters:
            self.register_buffer("parameter_mean", torch.zeros(parameters, dtype=torch.float64))
            self.register_buffer("parameter_size", torch.ones(parameters, dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(width, dtype=torch.float64))
        self.register_buffer("size", torch.ones(width, dtype=torch.float64))
        self.register_buffer("rate", torch.ones((), dtype=torch.float64))
        self.linear = nn.Linear(inputs, width, dtype=torch.float64)
        layers: list[nn.Module] = []
        sizes = [inputs, *hidden]
        for inner, outer in pairwise(sizes):
            layers += [nn.Linear(inner, outer, dtype=torch.float64), nn.SiLU()]
        self.network = nn.Sequential(*layers, nn.Linear(sizes[-1], width, dtype=torch.float64))

    def forward(
        self, t: Tensor, coef: Tensor, scale: Tensor, shift: Tensor, parameters: Tensor | None = None
    ) -> tuple[Tensor, None, None]:  # fmt: skip
        """Return dc/dt for coefficients (..., C, K); the basis stays."""
        y = (coef.flatten(-2) - self.mean) / self.size
        if parameters is not None:
            own = (parameters - self.parameter_mean) / self.parameter_size
            y = torch.cat([y, own.expand(*y.shape[:-1], -1)], -1)
        slope = (self.linear(y) + self.network(y)) * (self.size * self.rate)
        return slope.unflatten(-1, coef.shape[-2:]), None, None

    @torch.no_grad()
    def initialise(self, coef: Tensor, times: Tensor, usable: Tensor, parameters: Tensor | None = None) -> None:
        """Standardise by the encoded snapshots (R, T, C, K), usable (R, T), and fit the linear part to their slopes."""
        flat = coef.flatten(-2)
        seen = flat[usable]
        spread = seen.std(0, correction=0)
        self.mean.copy_(seen.mean(0))
        self.size.copy_((spread**2 + (0.02 * spread.max().clamp_min(1e-12)) ** 2).sqrt())
        self.rate.fill_(2.0 / float((times[:, -1] - times[:, 0]).median()))
        y = (flat - self.mean) / self.size
        pair = usable[:, 1:] & usable[:, :-1]
        step = times.diff(dim=-1)[pair].unsqueeze(-1) * self.rate
        middle, slope = (0.5 * (y[:, 1:] + y[:, :-1]))[pair], (y[:, 1:] - y[:, :-1])[pair] / step
        if parameters is not None:
            self.parameter_mean.copy_(parameters.mean(0))
            spread = parameters.std(0, correction=0)
            self.parameter_size.copy_(torch.where(spread > 0, spread, 1.0))
            own = (parameters - self.parameter_mean) / self.parameter_size
            middle = torch.cat([middle, own[:, None].expand(-1, pair.shape[1], -1)[pair]], 1)
        design = torch.cat([middle, torch.ones_like(middle[:, :1])], 1)
        gram = design.T @ design + 1e-3 * max(len(design), 1) * torch.eye(design.shape[1], dtype=design.dtype)
        solution = torch.linalg.solve(gram, design.T @ slope)
        self.linear.weight.copy_(solution[:-1].T)
        self.linear.bias.copy_(solution[-1])
        last = self.network[-1]
        assert isinstance(last, nn.Linear)
        last.weight.mul_(0.1)
        last.bias.zero_()
