"""Observations on a uniform grid and back: what grid methods have to begin with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.interpolate import make_interp_spline
from torch import Tensor

from ...learn import Observations


@dataclass(frozen=True)
class Grid:
    """Values (R, T, C, n) on n uniform points from `low` to `high`."""

    values: Tensor
    low: float
    high: float

    @property
    def points(self) -> Tensor:
        """Positions (n)."""
        return torch.linspace(self.low, self.high, self.values.shape[-1], dtype=torch.float64)


def resample(data: Observations, low: float, high: float, count: int) -> Grid:
    """Return observations on one axis on a uniform grid, by cubic splines through each snapshot's sensors.

    Up to two steps of the grid outside of these they have the value of the last sensor, farther out 0.
    """
    grid, values = np.linspace(low, high, count), data.values
    out = np.zeros((*values.shape[:3], count))
    for row in range(len(values)):
        points = data.points[row if len(data.points) > 1 else 0].numpy()
        order = np.argsort(points)
        spline = make_interp_spline(points[order], values[row].numpy()[..., order], k=3, axis=-1)
        low_end, high_end, step = points.min(), points.max(), grid[1] - grid[0]
        near = (grid >= low_end - 2 * step) & (grid <= high_end + 2 * step)
        out[row][..., near] = spline(grid[near].clip(low_end, high_end))
    return Grid(torch.from_numpy(out), low, high)


def at_sensors(grid: Grid, data: Observations) -> Tensor:
    """Return values on a grid at the sensors of observations, (R, T, C, M)."""
    x, result = grid.points.numpy(), torch.empty_like(data.values)
    for row in range(len(grid.values)):
        points = data.points[row if len(data.points) > 1 else 0].numpy()
        result[row] = torch.from_numpy(make_interp_spline(x, grid.values[row].numpy(), k=3, axis=-1)(points))
    return result
