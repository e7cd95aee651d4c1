"""Fields of files to Observations: read a part at a time, or left where they lie if they are too many for memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import memmap, missing
from .errors import DataError
from .field import SINGLE, Field


def read_values(described: Field) -> Tensor:
    small = all(
        np.dtype(part.variable.array.dtype) == np.float32
        and not {"scale_factor", "add_offset"} & set(part.variable.attributes)
        for part in described.components
    )
    values = memmap.empty(described.shape, torch.float32 if small else torch.float64)
    for rows, times in described.blocks(memmap.BLOCK // 8):
        try:
            values[rows, times] = torch.from_numpy(described.read_block(rows, times))
        except OSError as error:  # cut short, or a damaged chunk
            names = ", ".join(part.variable.name for part in described.components)
            raise DataError(f"{described.source}: {names} cannot be read ({str(error).splitlines()[0]})") from error
    return values


def left_in_file(described: Field) -> Tensor | None:
    """Return the values where they lie in the file, if they lie there in order, as plain numbers, and fill much memory."""
    part = described.components[0]
    array: Any = part.variable.array
    if (
        len(described.components) > 1
        or described.window is not None
        or 8 * math.prod(described.shape) <= memmap.LARGEST
    ):
        return None
    if np.dtype(array.dtype).str not in ("<f4", "<f8") or not missing.plain(part.variable.attributes, described.netcdf):
        return None
    inner = ("point",) if described.scattered else described.axes
    order = [role for role in ("trajectory", "time", "channel", *inner) if role in part.roles]
    if [role for role in part.roles if role != SINGLE] != order:
        return None
    place = _place(array)
    if place is None:
        return None
    count, times = (part.variable.shape[part.roles.index(r)] if r in part.roles else 1 for r in ("trajectory", "time"))
    shape = (count, times, *described.shape[2:])
    every = memmap.mapped(place[0], place[1], shape, np.dtype(array.dtype))
    rows, steps = (slice(of.start, of.stop, of.step) for of in (described.trajectories, described.steps))
    return every[rows, steps]


def _place(array: Any) -> tuple[str, int] | None:
    """Return the path and the offset of an array that lies in a file in one piece."""
    if isinstance(array, np.memmap) and array.flags.c_contiguous and array.filename is not None:
        return str(array.filename), array.offset
    try:
        offset = array.id.get_offset()
        plain = array.chunks is None and array.compression is None and not array.external
    except AttributeError:
        return None
    return (array.file.filename, int(offset)) if plain and offset is not None else None


def positions_of(described: Field) -> np.ndarray:
    if len(described.axes) == 1:
        return described.positions[0]
    if described.scattered:
        return np.stack(np.broadcast_arrays(*described.positions), -1)
    return np.stack([mesh.reshape(-1) for mesh in np.meshgrid(*described.positions, indexing="ij")], -1)
