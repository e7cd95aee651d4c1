"""Observations of known solutions, made here."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..learn import Observations


def burgers(count: int, times: Tensor, points: Tensor, seed: int) -> Observations:
    """Return u = -(1/5) Phi_x / Phi of u_t + u u_x = u_xx / 10, for `count` pairs of a, b uniform on (0, 1).

    Phi = 5 + (2 + a)/2 exp(-pi^2 t/10) cos(pi x + pi) + (1 + b)/2 exp(-2 pi^2 t/5) cos(2 pi x) (Cole and Hopf).
    """
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.rand(2, count, 1, 1, generator=generator, dtype=torch.float64)
    t, x = times[:, None], points[None, :]
    first, second = torch.exp(-(np.pi**2) * t / 10), torch.exp(-2 * np.pi**2 * t / 5)
    value = 5 + (2 + a) / 2 * first * torch.cos(np.pi * x + np.pi) + (1 + b) / 2 * second * torch.cos(2 * np.pi * x)
    slope = -np.pi * (2 + a) / 2 * first * torch.sin(np.pi * x + np.pi) - np.pi * (1 + b) * second * torch.sin(
        2 * np.pi * x
    )
    u = -slope / (5 * value)
    return Observations(u.unsqueeze(2), points.expand(1, -1), times.expand(count, -1), ("u",))


def noisy(data: Observations, level: float, seed: int) -> Observations:
    """Return observations with Gaussian noise of `level` times the root mean square of all values."""
    from dataclasses import replace

    if level == 0:
        return data
    generator = torch.Generator().manual_seed(seed)
    size = float(data.values[~data.values.isnan()].square().mean().sqrt())
    noise = torch.randn(data.values.shape, generator=generator, dtype=data.values.dtype)
    return replace(data, values=data.values + level * size * noise)


def until(data: Observations, last: int) -> Observations:
    """Return the first `last` times of observations."""
    from dataclasses import replace

    return replace(data, values=data.values[:, :last], times=data.times[:, :last])


def chebyshev_points(count: int) -> Tensor:
    """Return Chebyshev's points of the first kind on (-1, 1), ascending."""
    return -torch.cos(torch.pi * (torch.arange(count, dtype=torch.float64) + 0.5) / count)
