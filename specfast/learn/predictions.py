"""Predictions as NetCDF, in the layout that `read` takes for scattered sensors."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from torch import Tensor

from .data import COORDINATES, Observations


def write_predictions(path: Path, predicted: Tensor, data: Observations, spread: Tensor | None = None) -> None:
    """Write the field (R, T, C, M) at the sensors and times of the data, whole or not at all.

    Variable u (trajectory, time[, channel], point) with coordinates x[, y, z] or x1, x2, .. on ([trajectory,] point) and
    time on (trajectory, time), and u_spread, the standard deviation within an ensemble. NaN before a trajectory's first observed snapshot and where the integration failed.
    """
    import xarray

    channels = len(data.channels) > 1
    names = next(names for names in COORDINATES if len(names) >= data.dim)[: data.dim]
    own = ("trajectory", "point") if len(data.points) > 1 else ("point",)
    coordinates = {}
    for axis, name in enumerate(names):
        column = data.coordinate(axis).numpy()
        coordinates[name] = (own, column if len(own) == 2 else column[0])
    dims = ("trajectory", "time", "channel", "point") if channels else ("trajectory", "time", "point")
    variables = {"time": (("trajectory", "time"), data.times.numpy())}
    for name, values in (("u", predicted), ("u_spread", spread)):
        if values is not None:
            variables[name] = (dims, values.numpy() if channels else values[:, :, 0].numpy())  # type: ignore[assignment]
    dataset = xarray.Dataset(variables, coords=coordinates)
    if channels:
        dataset = dataset.assign_coords(channel=np.array(data.channels, dtype=str))
    temporary = path.with_name(path.name + ".new")
    dataset.to_netcdf(temporary, engine="h5netcdf")
    os.replace(temporary, path)
