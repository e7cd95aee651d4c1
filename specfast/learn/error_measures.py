"""Errors of predictions: squares summed a few trajectories at a time, then what is reported of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ..data import DataError, Observations


@dataclass(frozen=True)
class Errors:
    """Of some trajectories: summed squares (R, T) of error, field and spread, over the observed values after the first
    observed snapshot and in units of the largest; at which times these were; and which predictions failed, which are error 1.
    """

    squares: Tensor
    power: Tensor
    spread: Tensor
    counted: Tensor
    failed: Tensor

    @property
    def relative_spread(self) -> float:
        """The root mean square of the spread relative to that of the field."""
        return _root(self.spread.sum(), self.power.sum())

    def figures(self) -> dict[str, Any]:
        """Return relative_l2, the same per time, and more.

        Raises
        ------
        DataError
            If no trajectory is observed twice.
        """
        tested = self.counted.any(1)
        if not tested.any():
            raise DataError("no trajectory is observed at a second time; there is nothing to compare with")
        per_time = zip(self.squares.sum(0), self.power.sum(0), self.counted.any(0), strict=True)
        per_trajectory = (self.squares.sum(1) / self.power.sum(1).clamp_min(1e-300)).sqrt()
        return {
            "relative_l2": _root(self.squares.sum(), self.power.sum()),
            "median_trajectory": float(per_trajectory[tested].median()),
            "per_time": [_root(wrong, power) if any_ else None for wrong, power, any_ in per_time],
            "trajectories": len(self.counted),
            "observed_once": (~tested).nonzero()[:, 0].tolist(),
            "failed": self.failed.nonzero()[:, 0].tolist(),
        }


def _root(squares: Tensor, power: Tensor) -> float:
    return float((squares / power.clamp_min(1e-300)).sqrt())


def compare(predicted: Tensor, data: Observations, size: float, spread: Tensor | None = None) -> Errors:
    """Return the errors of a prediction (R, T, C, M); `size` is taken out, so that no square over- or underflows."""
    after = torch.arange(data.observed.shape[1]) > data.first.unsqueeze(1)
    counted = ~data.values.isnan() & after[:, :, None, None]
    truth = torch.where(counted, data.values / size, 0.0)
    wrong = torch.where(counted, predicted / size, 0.0) - truth
    failed = ~wrong.isfinite().flatten(1).all(1)
    wrong[failed] = truth[failed]  # error 1
    squares, power = (part.square().sum((2, 3)) for part in (wrong, truth))
    width = torch.zeros_like(power)
    if spread is not None:
        width = torch.where(counted & spread.isfinite(), spread / size, 0.0).square().sum((2, 3))
    return Errors(squares, power, width, counted.any(-1).any(-1), failed)


def together(parts: Iterable[Errors]) -> Errors:
    """Return the errors of all trajectories."""
    names = ("squares", "power", "spread", "counted", "failed")
    listed = list(parts)
    return Errors(*(torch.cat([getattr(part, name) for part in listed]) for name in names))


def persistence(data: Observations) -> float:
    """Return relative_l2 of the forecast that nothing changes: each trajectory stays as it was first observed.

    Sensors that were not observed at first do not count.

    Parameters
    ----------
    data : Observations
        Trajectories observed at a second time.

    Returns
    -------
    float

    Raises
    ------
    DataError
        If no trajectory is observed at a second time.

    Examples
    --------
    >>> import numpy as np, specfast as sf
    >>> x, t = np.linspace(-5, 5, 40), np.linspace(0, 1, 6)
    >>> round(sf.learn.persistence(sf.data.read(np.exp(-(x**2)) * np.exp(-t[:, None]), x=x, t=t)), 2)
    0.77
    """

    def stays(some: Observations) -> Tensor:
        first = some.values[torch.arange(len(some)), some.first]
        return first[:, None].expand(some.values.shape)

    def counted(some: Observations) -> Observations:
        unknown = stays(some).isnan()
        return replace(some, values=some.values.masked_fill(unknown, torch.nan))

    parts = (counted(some) for _, some in data.blocks())
    return float(together(compare(stays(some), some, data.largest) for some in parts).figures()["relative_l2"])
