"""Leading axes of sums over several axes: rows of points, and the channels that share each of them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class PointRows(NamedTuple):
    """Leading axes, those along which points differ first, those that share them ("channels") last.

    `order` is empty where all arrays have the same leading axes and share none.
    """

    lead: torch.Size
    order: list[int]
    own: int  # how many of these points differ along
    rows: int
    channels: int
    z: Tensor  # (rows, M, D)

    def first(self, tensor: Tensor) -> Tensor:
        """Return a tensor of the leading axes and one of its own as (rows, channels, last)."""
        last = tensor.shape[-1]
        if not self.order:
            return tensor.expand(*self.lead, last).reshape(self.rows, self.channels, last)
        moved = tensor.expand(*self.lead, last).permute(*self.order, len(self.lead))
        return moved.reshape(self.rows, self.channels, last)

    def shared(self, tensor: Tensor) -> Tensor | None:
        """Return what `first` does once for all rows, (1, channels, last), if it is the same for all; otherwise None."""
        last = tensor.shape[-1]
        if not self.order:
            return tensor.reshape(1, 1, last) if tensor.numel() == last else None
        count = len(self.lead)
        wide = tensor.reshape(*[1] * (count + 1 - tensor.dim()), *tensor.shape)
        if any(wide.shape[axis] > 1 for axis in self.order[: self.own]):
            return None
        wide = wide.expand(*(1 if axis in self.order[: self.own] else self.lead[axis] for axis in range(count)), last)
        return wide.permute(*self.order, count).reshape(1, self.channels, last)

    def back(self, result: Tensor, own: int) -> Tensor:
        """Return a result (rows, channels, ...) with the leading axes and `own` more."""
        if not self.order:
            return result.reshape(*self.lead, *result.shape[2:])
        count = len(self.lead)
        shaped = result.reshape([*(self.lead[axis] for axis in self.order), *result.shape[2:]])
        inverse = sorted(range(count), key=self.order.__getitem__)
        return shaped.permute(*inverse, *range(count, count + own))


def point_rows(other: Tensor, z: Tensor) -> PointRows:
    """Return the leading axes of a tensor (..., anything) and of points (..., M, D)."""
    lead = z.shape[:-2]
    if other.shape[:-1] == lead and 1 not in lead and z.is_contiguous():
        rows = lead.numel()
        return PointRows(lead, [], len(lead), rows, 1, z.reshape(rows, *z.shape[-2:]))
    lead = broadcast(other.shape[:-1], lead)
    wide = z.expand(*lead, *z.shape[-2:])
    sharing = [axis for axis in range(len(lead)) if lead[axis] == 1 or wide.stride(axis) == 0]
    own = [axis for axis in range(len(lead)) if axis not in sharing]
    for axis in sharing:
        wide = wide.narrow(axis, 0, min(1, lead[axis]))
    rows = lead.numel() if not sharing else torch.Size(lead[axis] for axis in own).numel()
    channels = torch.Size(lead[axis] for axis in sharing).numel()
    points = wide.permute(*own, *sharing, len(lead), len(lead) + 1).reshape(rows, *z.shape[-2:])
    return PointRows(lead, [*own, *sharing], len(own), rows, channels, points)


def broadcast(first: torch.Size, second: torch.Size) -> torch.Size:
    """Return the broadcast shape; torch's own function takes 20 us even where there is nothing to do."""
    if first == second or not second:
        return first
    if not first:
        return second
    return torch.broadcast_shapes(first, second)
