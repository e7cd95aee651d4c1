"""Observations of fields, read from NetCDF: what was measured, where and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor


class DataError(ValueError):
    """The observations cannot be used; the message says what is wrong and what is expected."""


@dataclass(frozen=True)
class Observations:
    """A field at sensors: R trajectories, T times, C channels, M points on one space axis.

    Attributes
    ----------
    values : Tensor (R, T, C, M)
        float64; NaN where nothing was observed.
    points : Tensor (R, M)
        Positions of the sensors.
    times : Tensor (R, T)
        Increasing along T.
    channels : tuple of str
        Their names.
    """

    values: Tensor
    points: Tensor
    times: Tensor
    channels: tuple[str, ...]

    def __len__(self) -> int:
        return self.values.shape[0]

    def select(self, which: Tensor) -> Observations:
        """Return some of the trajectories."""
        return replace(self, values=self.values[which], points=self.points[which], times=self.times[which])

    @property
    def observed(self) -> Tensor:
        """Which snapshots (R, T) hold at least one observation."""
        return (~self.values.isnan()).any(-1).any(-1)


def read(path: str | Path) -> Observations:
    """Read a NetCDF-4 file with a variable ``u`` (trajectory, time[, channel], point or x).

    Raises
    ------
    DataError
        If the file is missing, is not NetCDF, or does not have this form.
    """
    import xarray

    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        dataset = xarray.open_dataset(path, engine="h5netcdf")
    except Exception as error:
        raise DataError(f"{path}: not a NetCDF-4 file that can be read ({type(error).__name__})") from error
    with dataset:
        if "u" not in dataset:
            raise DataError(f"{path}: no variable u; it has {', '.join(map(str, dataset.variables)) or 'none'}")
        u = dataset["u"]
        dims = tuple(map(str, u.dims))
        channel = ("channel",) if "channel" in dims else ()
        accepted = [("trajectory", "time", *channel, axis) for axis in ("point", "x")]
        if dims not in accepted:
            raise DataError(f"{path}: u has dimensions {dims}; (trajectory, time[, channel], point or x) are expected")
        for name in ("time", "x"):
            if name not in dataset:
                raise DataError(
                    f"{path}: no variable {name}, which holds the {'times' if name == 'time' else 'points'}"
                )
        values = np.asarray(u.values, dtype=np.float64)
        points, times = np.asarray(dataset["x"].values, float), np.asarray(dataset["time"].values, float)
        names = tuple(map(str, dataset["channel"].values)) if channel and "channel" in dataset.coords else ()
    if not channel:
        values = values[:, :, None]
    trajectories, count, _, size = values.shape
    for name, array, length in (("time", times, count), ("x", points, size)):
        if array.shape not in ((length,), (trajectories, length)):
            raise DataError(
                f"{path}: {name} has shape {array.shape}; ({length},) or ({trajectories}, {length}) is expected"
            )
        if not np.isfinite(array).all():
            raise DataError(f"{path}: {name} holds values that are not finite")
    if (np.diff(times, axis=-1) <= 0).any():
        raise DataError(f"{path}: time does not increase strictly")
    if np.isinf(values).any():
        raise DataError(f"{path}: u holds infinite values; NaN marks what was not observed")
    return make(
        values, points, times, names or tuple(f"u{i}" if channel else "u" for i in range(values.shape[2])), str(path)
    )


def make(
    values: np.ndarray, points: np.ndarray, times: np.ndarray, channels: tuple[str, ...], source: str = "data"
) -> Observations:
    """Return observations from arrays (R, T, C, M), (M,) or (R, M), (T,) or (R, T)."""
    count = values.shape[0]
    observations = Observations(
        torch.as_tensor(values, dtype=torch.float64),
        torch.as_tensor(np.broadcast_to(points, (count, values.shape[3])).copy(), dtype=torch.float64),
        torch.as_tensor(np.broadcast_to(times, (count, values.shape[1])).copy(), dtype=torch.float64),
        channels,
    )
    never = (~observations.observed.any(1)).nonzero()[:, 0].tolist()
    if never or count == 0:
        listed = ", ".join(map(str, never[:5])) + (", ..." if len(never) > 5 else "")
        raise DataError(f"{source}: trajectories never observed: {listed or 'there is none at all'}")
    return observations
