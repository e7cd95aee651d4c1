"""Snapshots to coefficients by regularised least squares, in one basis for the whole data set or in one that moves.

Everything here is in units of a reference, x -> beta_ref (x - x0_ref) along every axis, and of the data's size: points,
coefficients, and the (log beta, x0) of a snapshot do not depend on the units of x and u. An interval is its own reference
and becomes [-1, 1]; its scale is 1, its shift 0. `FieldEncoder.in_data_units` is the way back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..data import DataError, Observations, memmap
from ..space import Space
from ..space.arguments import ScaleShift

Index = int | slice | Tensor
END_SLACK = 2.1e-6  # of [-1, 1]: a millionth of an interval's length, and rounding
RIDGE = 1e-6  # of the number of points: a millionth of the columns' own size
_BYTES = 1 << 28  # that the tables of one least-squares call may take


@dataclass(frozen=True)
class Encoded:
    """Coefficients (R, T, C, K), and the scales and shifts (R, T, 2 D) of a moving basis: log beta, then x0."""

    coef: Tensor
    scale_shift: Tensor | None = None

    def at(self, rows: Index, time: Index) -> Encoded:
        """Return some trajectories at one time or several."""
        return Encoded(self.coef[rows, time], None if self.scale_shift is None else self.scale_shift[rows, time])

    def log_scale_and_shift(self, dim: int) -> tuple[Tensor, Tensor]:
        """Return log beta and x0 of the scales and shifts, (..., D), or (...,) on one axis; zeros, the reference, where there are none."""
        scale_shift = (
            self.coef.new_zeros(*self.coef.shape[:-2], 2 * dim) if self.scale_shift is None else self.scale_shift
        )
        log_scale, shift = scale_shift.chunk(2, -1)
        return (log_scale[..., 0], shift[..., 0]) if dim == 1 else (log_scale, shift)


def in_a_row(log_scale: Tensor, shift: Tensor, dim: int) -> Tensor:
    """Return scales and shifts (..., 2 D) of what `log_scale_and_shift` gives."""
    return torch.stack([log_scale, shift], -1) if dim == 1 else torch.cat([log_scale, shift], -1)


def max_degree(space: Space) -> int:
    """Return the largest degree along any axis."""
    return max(int(f.function_degrees(n + 1)[-1]) for f, n in zip(space.families, space.degrees, strict=True))


@dataclass(frozen=True)
class FieldEncoder:
    """A space, the reference scale and shift of every axis, and the size of the data.

    Where `moving` is set scale and shift belong to each snapshot, and are those of least mean degree times `ratio`, one an axis.
    `ridge` has the number that a fit multiplies the square of every coefficient by (prior.py); where it is empty all have the same.
    """

    space: Space
    scale: tuple[float, ...]
    shift: tuple[float, ...]
    amplitude: float
    moving: bool = False
    ratio: tuple[float, ...] = ()
    ridge: tuple[float, ...] = ()

    def __str__(self) -> str:
        names = ", ".join(dict.fromkeys(type(family).__name__ for family in self.space.families))
        degree = f"degree {self.space.index_set.degree}" + (f", {self.space.size} terms" if self.space.dim > 1 else "")
        places = (", ".join(f"{value:.4g}" for value in part) for part in (self.scale, self.shift))
        moves = any(family.learns_scale for family in self.space.families)
        where = ", scale {}, shift {}".format(*places) if moves else ""
        return f"{names}, {degree}{where}" + (" at first, moving with the field" if self.moving else "")

    @property
    def degree(self) -> int:
        """The largest degree along any axis."""
        return max_degree(self.space)

    def degrees_along(self, axis: int) -> np.ndarray:
        """Return the degree of every function along one axis, (K,)."""
        n = self.space.indices[:, axis].astype(np.int64)
        return self.space.families[axis].function_degrees(int(n.max()) + 1)[n]

    @property
    def moving_axes(self) -> tuple[list[int], list[int]]:
        """Which scales and which shifts move with the field, by axis."""
        axes = range(self.space.dim) if self.moving else range(0)
        families = self.space.families
        return [d for d in axes if families[d].learns_scale], [d for d in axes if families[d].learns_shift]

    @cached_property
    def standard(self) -> Space:
        """The space in units of the reference, intervals mapped to [-1, 1]: the one that coefficients here belong to."""
        return Space([family.on_standard_domain() for family in self.space.families], self.space.index_set)

    def reference_points(self, points: Tensor) -> Tensor:
        """Return points (..., M[, D]) in the units of the reference, those past an interval's end by rounding moved onto it.

        Raises
        ------
        DataError
            For points further outside.
        """
        scale, shift = points.new_tensor(self._units()).T
        points = (points - shift) * scale if self.space.dim > 1 else (points - shift[0]) * scale[0]
        for axis, family in enumerate(self.space.families):
            if family.bounded:
                columns = list(points.unbind(-1)) if self.space.dim > 1 else [points]
                columns[axis] = self._within(columns[axis], axis)
                points = torch.stack(columns, -1) if self.space.dim > 1 else columns[0]
        return points

    def _within(self, z: Tensor, axis: int) -> Tensor:
        """Return z of an interval, what lies past its end by rounding moved onto it; further out there is no field."""
        low, high = self.space.families[axis].domain
        if ((z < low - END_SLACK) | (z > high + END_SLACK)).any():
            beta, x0 = self._units()[axis]
            raise DataError(
                f"points along axis {axis} lie in [{x0 + float(z.min()) / beta:g}, {x0 + float(z.max()) / beta:g}]; the"
                f" model's basis lives on [{x0 + low / beta:g}, {x0 + high / beta:g}]"
            )
        return z.clamp(low, high)

    def basis(self, scale_shift: Tensor | None = None) -> ScaleShift:
        """Return the scale and shift, in units of the reference, as the methods of Space take them, of (..., 2 D)."""
        if scale_shift is None:
            return {"scale": 1.0, "shift": 0.0}
        log_scale, shift = scale_shift.chunk(2, -1)
        if self.space.dim == 1:
            log_scale, shift = log_scale[..., 0], shift[..., 0]
        return {"scale": log_scale.exp(), "shift": shift}

    def in_data_units(self, encoded: Encoded) -> tuple[Tensor, Tensor, Tensor]:
        """Return coefficients (..., C, K), log beta and x0 (..., D) as `space` takes them for points and fields in the data's units."""
        moved = encoded.scale_shift
        if moved is None:
            moved = encoded.coef.new_zeros(*encoded.coef.shape[:-2], 2 * self.space.dim)
        unit = math.prod(b**family.power for (b, _), family in zip(self._units(), self.space.families, strict=True))
        return encoded.coef * (self.amplitude / unit), *self.to_data_units(moved)

    def to_data_units(self, scale_shift: Tensor) -> tuple[Tensor, Tensor]:
        """Return log beta and x0 (..., D) of scales and shifts (..., 2 D)."""
        scale, origin = scale_shift.new_tensor(self.scale), scale_shift.new_tensor(self.shift)
        log_scale, offset = scale_shift.chunk(2, -1)
        return log_scale + scale.log(), origin + offset / scale

    def from_data_units(self, log_scale: Tensor, shift: Tensor) -> Tensor:
        """Return the scales and shifts (..., 2 D) of log beta and x0 (..., D)."""
        scale, origin = log_scale.new_tensor(self.scale), log_scale.new_tensor(self.shift)
        return torch.cat([log_scale - scale.log(), (shift - origin) * scale], -1)

    def _units(self) -> list[tuple[float, float]]:
        """Return the beta and x0 of every axis that points are measured by: the reference, an interval's own."""
        own = [family.standard_scale_shift() for family in self.space.families]
        return [(b * scale, x0 + shift) for (b, x0), scale, shift in zip(own, self.scale, self.shift, strict=True)]

    def state(self, encoded: Encoded) -> Tensor:
        """Return coefficients and what moves of scale and shift in a row, (..., C K + moving scales and shifts)."""
        flat = encoded.coef.flatten(-2)
        if encoded.scale_shift is None:
            return flat
        scales, shifts = self.moving_axes
        return torch.cat([flat, encoded.scale_shift[..., scales + [self.space.dim + d for d in shifts]]], -1)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {
            "space": self.space.to_dict(), "scale": list(self.scale), "shift": list(self.shift),
            "amplitude": self.amplitude, "moving": self.moving, "ratio": list(self.ratio),
            "ridge": list(self.ridge),
        }  # fmt: skip

    @staticmethod
    def from_dict(values: dict[str, Any]) -> FieldEncoder:
        """Return what `to_dict` described."""
        scale, shift, ratio, ridge = (tuple(values[name]) for name in ("scale", "shift", "ratio", "ridge"))
        return FieldEncoder(
            Space.from_dict(values["space"]), scale, shift, values["amplitude"], values["moving"], ratio, ridge
        )

    def synthesize(self, coef: Tensor, points: Tensor, scale_shift: Tensor | None = None) -> Tensor:
        """Return the field (B, T, C, M) of coefficients (B, T, C, K) at points (B or 1, M[, D]), in the data's units."""
        own = self.basis(None if scale_shift is None else scale_shift.unsqueeze(-2))
        return self.amplitude * self.standard.synthesize(coef, self.reference_points(points)[:, None, None], **own)

    def noise(self, data: Observations, scale_shift: Tensor | None = None) -> Tensor:
        """Return the standard deviation (R, T, C, K) that noise gives the coefficients, judged by what the fit leaves over.

        With s^2 the mean square left over per degree of freedom, the variances are s^2 diag((A^T A)^-1).
        """
        own = self.basis(None if scale_shift is None else scale_shift.unsqueeze(-2))
        table = self.standard.vandermonde(self.reference_points(data.points)[:, None, None], **own)
        seen = (~data.values.isnan()).double()
        left = (
            self.synthesize(self.coefficients(data, scale_shift), data.points, scale_shift) - data.values
        ).nan_to_num()
        freedom = (seen.sum(-1) - self.space.size).clamp_min(1)
        if not bool(seen.all()):  # else snapshots at the same points share their table
            table = table * seen.unsqueeze(-1)
        inverse = torch.linalg.inv(table.mT @ table + self.ridges().diag()).diagonal(dim1=-2, dim2=-1)
        return ((left / self.amplitude).square().sum(-1) / freedom).unsqueeze(-1).sqrt() * inverse.sqrt()

    def ridges(self) -> Tensor:
        """Return the ridge of every coefficient, (K,)."""
        size = self.space.size
        return torch.tensor(self.ridge or (RIDGE * size,) * size, dtype=torch.float64)

    def coefficients(self, data: Observations, scale_shift: Tensor | None = None) -> Tensor:
        """Return coefficients (R, T, C, K) in given scales and shifts (R, T, 2 D), or in the reference one."""
        times, channels, size = data.values.shape[1:]
        if len(data) == 0:
            return data.values.new_zeros((0, times, channels, self.space.size))
        # Where all is observed, the snapshots of a trajectory share one table; otherwise each has its own.
        gaps = data.gaps
        tables = times * channels if gaps else times if scale_shift is not None else 1
        rows = memmap.BLOCK // (8 * times * channels * size)
        if gaps or scale_shift is not None or len(data.points) > 1:
            rows = min(rows, _BYTES // (8 * tables * (size + self.space.size) * self.space.size))
        rows = max(1, rows)
        results = []
        for begin in range(0, len(data), rows):
            which = torch.arange(begin, min(begin + rows, len(data)))
            part = data.select(which)
            weights = (~part.values.isnan()).double() if gaps else None
            own = self.basis(None if scale_shift is None else scale_shift[which].unsqueeze(-2))
            fitted = self.standard.fit(
                part.values / self.amplitude, self.reference_points(part.points)[:, None, None],
                weights=weights, ridge=self.ridges(), **own,
            )  # fmt: skip
            results.append(fitted)
        return torch.cat(results)
