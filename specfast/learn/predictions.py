"""Predictions as NetCDF, in the layout that `read` takes for scattered sensors."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from torch import Tensor

from .data import COORDINATES, Observations


def write_predictions(path: Path, predicted: Tensor, data: Observations) -> None:
    """Write the field (R, T, C, M) at the sensors and times of the data, whole or not at all.

    Variable u (trajectory, time[, channel], point) with coordinates x[, y, z] or x1, x2, .. on ([trajectory,] point) and
    time on (trajectory, time). NaN before a trajectory's first observed snapshot and where the integration failed.
    """
    import xarray

    channels = len(data.channels) > 1
    values = predicted.numpy() if channels else predicted[:, :, 0].numpy()
    names = next(names for names in COORDINATES if len(names) >= data.dim)[: data.dim]
    own = ("trajectory", "point") if len(data.points) > 1 else ("point",)
    coordinates = {}
    for axis, name in enumerate(names):
        column = data.coordinate(axis).numpy()
        coordinates[name] = (own, column if len(own) == 2 else column[0])
    dims = ("trajectory", "time", "channel", "point") if channels else ("trajectory", "time", "point")
    dataset = xarray.Dataset(
        {"u": (dims, values), "time": (("trajectory", "time"), data.times.numpy())}, coords=coordinates
    )
    if channels:
        dataset = dataset.assign_coords(channel=np.array(data.channels, dtype=str))
    temporary = path.with_name(path.name + ".new")
    dataset.to_netcdf(temporary, engine="h5netcdf")
    os.replace(temporary, path)
