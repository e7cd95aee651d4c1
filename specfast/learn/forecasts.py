"""Forecasts as Datasets like the data that they start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..data import DataError, Observations, to_dataset
from ..data.match import Signature, matched
from ..data.times import factor
from ..data.write import dimension_of
from .ensemble import Ensemble
from .extrapolation import beyond, grown
from .model import Model

if TYPE_CHECKING:
    import xarray


def forecast(
    model: Model | Ensemble, data: Observations, *, times: Tensor | np.ndarray | Sequence[float] | None = None,
    at: Tensor | Sequence[Tensor] | None = None,
) -> xarray.Dataset:  # fmt: skip
    """Return forecasts, each trajectory from its first observed snapshot alone, as the data's file would have them.

    Parameters
    ----------
    model : Model or Ensemble
        What was learned.
    data : Observations
        Trajectories, of which the first observed snapshot is used.
    times : array (T,), optional
        At which, in the data's unit; default: the data's. NaN before a trajectory's first snapshot.
    at : Tensor (M') or (M', D), or one Tensor an axis, optional
        Where: scattered points, or the axes of a grid, in the order of the data's axes; default: at the data's.

    Returns
    -------
    xarray.Dataset
        Dimensions, coordinates, attributes and order of the data's file. Its attribute ``extrapolation`` says in what a
        forecast goes beyond the training data, where it does; ``NAME_spread`` is the standard deviation of an ensemble.

    Raises
    ------
    DataError
        If the data are not of the model's kind, or nothing is asked for after a first snapshot.

    Examples
    --------
    >>> import specfast as sf
    >>> model, data = sf.learn.load("RUN"), sf.data.read("data.nc")  # doctest: +SKIP
    >>> predicted = sf.learn.forecast(model, data, times=np.arange(0, 10, 0.1))  # doctest: +SKIP
    >>> predicted.u.sel(time=5.0).plot(x="x")  # doctest: +SKIP
    """
    ensemble = model if isinstance(model, Ensemble) else Ensemble((model,))
    given, before = Signature.of(data), data.units.get("time", "")
    data = ensemble.models[0].matched(data)
    order = [given.axes.index(axis) for axis in data.axes]
    points, grid = (data.points, data.grid) if at is None else _points(at, order)
    rate = factor(before, data.units.get("time", "")) or 1.0
    clock = data.times if times is None else _clock(times, len(data)) * rate
    if at is not None:
        _check_inside(ensemble.models[0], data, points)
    mean, spread = _at_times(ensemble, data, clock, None if at is None else points[0])
    notes = beyond(ensemble.models[0], data, clock, points) + grown(ensemble.models[0], mean)
    attributes = {"extrapolation": "; ".join(notes)} if notes else {}
    target = replace(data, values=mean, points=points, grid=grid, times=clock)
    widths = matched(replace(target, values=spread), given).values if len(ensemble) > 1 else None
    return to_dataset(matched(target, given), None, widths, attributes)


def _points(at: Tensor | Sequence[Tensor], order: Sequence[int]) -> tuple[Tensor, tuple[Tensor, ...] | None]:
    """Return positions (1, M[, D]) with the axes in an order, and the axes of the grid that they are of."""
    dim = len(order)
    if not isinstance(at, Tensor):
        axes = tuple(torch.as_tensor(axis, dtype=torch.float64) for axis in at)
        if len(axes) != dim or any(axis.dim() != 1 for axis in axes):
            raise DataError(f"at: {len(axes)} axes are given; {dim} of one dimension each are expected")
        axes = tuple(axes[axis] for axis in order)
        mesh = torch.stack([part.reshape(-1) for part in torch.meshgrid(*axes, indexing="ij")], -1)
        return (mesh[None, :, 0] if dim == 1 else mesh[None]), axes
    if at.dim() != (1 if dim == 1 else 2) or (dim > 1 and at.shape[-1] != dim):
        raise DataError(f"at has shape {tuple(at.shape)}; {'(M,)' if dim == 1 else f'(M, {dim})'} is expected")
    if at.numel() == 0 or not at.isfinite().all():
        raise DataError(f"at has shape {tuple(at.shape)}; finite positions, at least one, are expected")
    return (at.double() if dim == 1 else at.double()[:, list(order)])[None], None


def _clock(times: Tensor | np.ndarray | Sequence[float], count: int) -> Tensor:
    clock = torch.as_tensor(np.asarray(times), dtype=torch.float64)
    if clock.dim() != 1 or len(clock) == 0 or not (clock.diff() > 0).all() or not clock.isfinite().all():
        raise DataError("times: finite numbers (T,) that increase are expected")
    return clock.expand(count, -1)


def _check_inside(model: Model, data: Observations, points: Tensor) -> None:
    """Raise DataError for points where the model has no field."""
    few = data.values.new_zeros(1, 1, len(data.channels), points.shape[-1 if data.dim == 1 else -2])
    model.matched(replace(data.select(torch.arange(1)), values=few, points=points, times=data.times[:1, :1], grid=None))


def _at_times(ensemble: Ensemble, data: Observations, clock: Tensor, at: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return mean and spread (R, T, C, M) at the times, each from a trajectory's first observed snapshot; NaN before it."""
    if clock is data.times:
        return ensemble.predict_dataset(data, at)
    rows = torch.arange(len(data))
    begin = data.times[rows, data.first]
    if float(clock[0, -1]) < float(begin.min()) * (1 - 1e-12):
        raise DataError(
            f"times: {float(clock.min()):g} to {float(clock.max()):g} lie before the first observed snapshots, from"
            f" {float(begin.min()):g} on"
        )
    size = data.values.shape[-1] if at is None else at.shape[0]
    mean = torch.full((len(data), clock.shape[1], len(data.channels), size), torch.nan, dtype=torch.float64)
    spread = mean.clone()
    for start in begin.unique():
        own = (begin == start).nonzero()[:, 0]
        some = data.select(own)
        later = (clock[0] > start + 1e-12 * (1 + start.abs())).nonzero()[:, 0]
        now = (clock[0] - start).abs() <= 1e-12 * (1 + start.abs())
        if not len(later) and not now.any():
            continue
        times = torch.cat([start[None], clock[0, later]])
        values = some.values.new_full((len(own), len(times), *some.values.shape[2:]), torch.nan)
        values[:, 0] = some.values[torch.arange(len(own)), some.first]
        found = ensemble.predict_dataset(replace(some, values=values, times=times.expand(len(own), -1)), at)
        for whole, part in zip((mean, spread), found, strict=True):
            whole[own[:, None], later] = part[:, 1:]
            if now.any():
                whole[own, now.nonzero()[0, 0]] = part[:, 0]
    return mean, spread


def failed_forecasts(predicted: xarray.Dataset, data: Observations) -> int:
    """Return how many trajectories of a forecast end in NaN: the integration failed.

    Parameters
    ----------
    predicted : xarray.Dataset
        What `forecast` gave.
    data : Observations
        What it was given.

    Returns
    -------
    int

    Examples
    --------
    >>> import specfast as sf
    >>> predicted = sf.learn.forecast(model, data)  # doctest: +SKIP
    >>> sf.learn.failed_forecasts(predicted, data)  # doctest: +SKIP
    0
    """
    name = str(next(iter(predicted.data_vars)))
    time, row = (dimension_of(data, role) for role in ("time", "trajectory"))
    last = predicted[name].isel({str(time): -1}).isnull()
    return int(last.any([dim for dim in last.dims if dim != row]).sum())
