"""Shifted copies of observations: an equation that is the same everywhere acts on them alike."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from ..data import DataError, Observations
from .basis_choice import BASES

_ENOUGH = 100  # trajectories, copies among them
_MOST = 20  # copies
_REACH = 2.0  # largest shift, in standard deviations of u^2


def _deviation(data: Observations, axis: int) -> float:
    """Return the standard deviation of u^2 over all fields along an axis."""
    power, x = data.values.nan_to_num().square().sum((1, 2)), data.coordinate(axis)
    total = power.sum().clamp_min(1e-300)
    mean = (power * x).sum() / total
    return float(((power * (x - mean).square()).sum() / total).sqrt())


def _has_no_end(name: str) -> bool:
    return BASES[name].learns_shift or BASES[name].periodic


def shifted_copies(data: Observations, basis: str, seed: int, trained: Observations | None = None) -> Observations:
    """Return the observations, and behind them copies of all at sensors moved by random shifts, one a copy and trajectory.

    Shifts are uniform up to twice the standard deviation of u^2, along every axis. There are so many copies that a hundred trajectories are
    there, but from one more to 19 more of each. The deviation is that of what is trained on, by default of all.

    Raises
    ------
    DataError
        If an axis has an end, which moves along.
    """
    names = [name.strip() for name in basis.split(",")]
    if not all(name in BASES and _has_no_end(name) for name in names):
        lines = ", ".join(name for name in BASES if _has_no_end(name))
        raise DataError(
            f"translation_invariant=True: the whole line, or a ring, along every axis ({lines}) is expected, not {basis}"
        )
    trained = data if trained is None else trained
    copies = min(_MOST, max(2, math.ceil(_ENOUGH / len(data))))
    generator = torch.Generator().manual_seed(seed)
    shape = ((copies - 1) * len(data), 1) if data.dim == 1 else ((copies - 1) * len(data), 1, data.dim)
    reach = data.points.new_tensor([_REACH * _deviation(trained, axis) for axis in range(data.dim)])
    moved = (2 * torch.rand(shape, generator=generator, dtype=data.points.dtype) - 1) * reach

    def again(part: Tensor) -> Tensor:
        return part.repeat(copies, *[1] * (part.dim() - 1))

    points = again(data.points.expand(len(data), *data.points.shape[1:]))
    points[len(data) :] += moved
    parameters = None if data.parameters is None else again(data.parameters)
    return replace(data, values=again(data.values), points=points, times=again(data.times), parameters=parameters)
