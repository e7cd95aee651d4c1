"""Positions alone, from a file that may hold no field."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from . import missing
from .errors import DataError
from .formats import open_path


def read_positions(path: str | Path, axes: tuple[str, ...]) -> Tensor | list[Tensor]:
    """Return the coordinates of some axes in a file: those of a grid one an axis, those of scattered points together.

    Columns of a table, and arrays on one dimension, are scattered points; arrays of different lengths or on dimensions
    of their own are a grid.

    Parameters
    ----------
    path : str or Path
        Of the file.
    axes : tuple of str
        Names of the axes.

    Returns
    -------
    Tensor (M,) or (M, D), or a list of Tensor
        Points, or the axes of a grid.

    Raises
    ------
    DataError
        If an axis is missing, or holds anything but finite numbers.

    Examples
    --------
    >>> import specfast as sf
    >>> at = sf.data.read_positions("stations.csv", ("x", "y"))  # doctest: +SKIP
    >>> sf.learn.forecast(model, data, at=at)  # doctest: +SKIP
    """
    store = open_path(Path(path))
    columns, dims = [], []
    for axis in axes:
        name = next((n for n in (axis, f"{axis}-coordinate", f"grid/{axis}") if n in store), None)
        if name is None:
            raise DataError(f"{path}: no positions along {axis}; it has {store.listed()}")
        netcdf = store.format.startswith("NetCDF")
        if store[name].array.dtype.kind in "fiu":
            column = missing.decode(store[name].read(), store[name].attributes, netcdf).reshape(-1)
        else:
            column = np.array([np.nan])
        if not np.isfinite(column).all():
            raise DataError(f"{path}: {name} holds something other than finite numbers")
        if sum(n > 1 for n in store[name].shape) > 1:
            raise DataError(
                f"{path}: {name} has shape {store[name].shape}; positions shared by all trajectories are expected"
            )
        columns.append(torch.from_numpy(column))
        dims.append(store[name].dims)
    if len(axes) == 1:
        shared = dims[0] is not None and dims[0] != (axes[0],)
        return columns[0] if shared or store.attributes.get("table") else [columns[0]]
    if len({len(c) for c in columns}) == 1 and len(set(dims)) == 1:
        return torch.stack(columns, -1)
    return columns
