"""Snapshots to coefficients by regularised least squares, in one basis for the whole data set or in one that follows.

Coefficients here belong to the functions of z, times (beta / reference)^p: they do not depend on the unit of x. Scale and shift
of a snapshot, (log beta, x0) along every axis, is counted from the reference scale and shift in units of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypedDict

import torch
from torch import Tensor

from ..space import Space
from . import memmap
from .io import Observations

RIDGE = 1e-6  # of the number of points: a millionth of the columns' own size
_BYTES = 1 << 28  # that the tables of one least-squares call may take


class Keywords(TypedDict, total=False):
    """beta and x0, as keywords of a space's methods; none where every axis is bounded."""

    scale: Tensor | float
    shift: Tensor | float


@dataclass(frozen=True)
class Encoded:
    """Coefficients (R, T, C, K), and the scales and shifts (R, T, 2 D) of a moving basis: log beta, then x0."""

    coef: Tensor
    scale_shift: Tensor | None = None

    def at(self, rows: Tensor | slice | int, time: Tensor | slice | int) -> Encoded:
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


@dataclass(frozen=True)
class FieldEncoder:
    """A space, the scale and shift of every axis that data are measured by, and the size of the data.

    Where `moving` is set scale and shift belong to each snapshot, and are those of least mean degree times `ratio`, one an axis.
    """

    space: Space
    scale: tuple[float, ...]
    shift: tuple[float, ...]
    amplitude: float
    moving: bool = False
    ratio: tuple[float, ...] = ()

    def __str__(self) -> str:
        names = ", ".join(dict.fromkeys(type(family).__name__ for family in self.space.families))
        degree = f"degree {self.space.index_set.degree}" + (f", {self.space.size} terms" if self.space.dim > 1 else "")
        places = (", ".join(f"{value:.4g}" for value in part) for part in (self.scale, self.shift))
        where = ", scale {}, shift {}".format(*places) if self.keywords() else ""
        return f"{names}, {degree}{where}" + (" at first, following the field" if self.moving else "")

    @property
    def moving_axes(self) -> tuple[list[int], list[int]]:
        """Which scales and which shifts follow the field, by axis."""
        axes = range(self.space.dim) if self.moving else range(0)
        families = self.space.families
        return [d for d in axes if not families[d].bounded], [d for d in axes if families[d].learns_shift]

    def keywords(self, scale_shift: Tensor | None = None) -> Keywords:
        """Scale and shift as the methods of Space take them; none where every axis is bounded."""
        if all(family.bounded for family in self.space.families):
            return {}
        if scale_shift is None:
            if self.space.dim == 1:
                return {"scale": self.scale[0], "shift": self.shift[0]}
            own = (torch.tensor(part, dtype=torch.float64) for part in (self.scale, self.shift))
            return {"scale": next(own), "shift": next(own)}
        scale, shift = self.scale_and_shift(scale_shift)
        return (
            {"scale": scale[..., 0], "shift": shift[..., 0]}
            if self.space.dim == 1
            else {"scale": scale, "shift": shift}
        )

    def scale_and_shift(self, scale_shift: Tensor) -> tuple[Tensor, Tensor]:
        """Return beta and x0 (..., D), in the data's units, of scales and shifts (..., 2 D)."""
        scale, shift = scale_shift.new_tensor(self.scale), scale_shift.new_tensor(self.shift)
        log_scale, offset = scale_shift.chunk(2, -1)
        return scale * log_scale.exp(), shift + offset / scale

    def scale_shift(self, scale: Tensor, shift: Tensor) -> Tensor:
        """Return the scales and shifts (..., 2 D) of beta and x0 (..., D)."""
        own, origin = scale.new_tensor(self.scale), scale.new_tensor(self.shift)
        return torch.cat([(scale / own).log(), (shift - origin) * own], -1)

    def state(self, encoded: Encoded) -> Tensor:
        """Return coefficients and what moves of scale and shift in a row, (..., C K + moving scales and shifts)."""
        flat = encoded.coef.flatten(-2)
        if encoded.scale_shift is None:
            return flat
        scales, shifts = self.moving_axes
        return torch.cat([flat, encoded.scale_shift[..., scales + [self.space.dim + d for d in shifts]]], -1)

    @property
    def unit(self) -> float:
        """The factor prod_d beta_d^p between the coefficients here and those of the Space."""
        return math.prod(b**f.power for b, f in zip(self.scale, self.space.families, strict=True) if not f.bounded)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {
            "space": self.space.to_dict(), "scale": list(self.scale), "shift": list(self.shift),
            "amplitude": self.amplitude, "moving": self.moving, "ratio": list(self.ratio),
        }  # fmt: skip

    @staticmethod
    def from_dict(values: dict[str, Any]) -> FieldEncoder:
        """Return what `to_dict` described."""
        scale, shift, ratio = (tuple(values[name]) for name in ("scale", "shift", "ratio"))
        return FieldEncoder(
            Space.from_dict(values["space"]), scale, shift, values["amplitude"], values["moving"], ratio
        )

    def synthesize(self, coef: Tensor, points: Tensor, scale_shift: Tensor | None = None) -> Tensor:
        """Return the field (B, T, C, M) of coefficients (B, T, C, K) at points (B or 1, M[, D]), in the data's units."""
        factor = self.amplitude / self.unit
        own = self.keywords(None if scale_shift is None else scale_shift.unsqueeze(-2))
        return factor * self.space.synthesize(coef, self._inside(points)[:, None, None], **own)

    def _inside(self, points: Tensor) -> Tensor:
        """Return points, those past an interval's end by no more than the rounding of a file moved onto it."""
        for axis, family in enumerate(self.space.families):
            if family.bounded:
                columns = list(points.unbind(-1)) if self.space.dim > 1 else [points]
                columns[axis] = columns[axis].clamp(family.a, family.b)  # type: ignore[attr-defined]
                points = torch.stack(columns, -1) if self.space.dim > 1 else columns[0]
        return points

    def noise(self, data: Observations, scale_shift: Tensor | None = None) -> Tensor:
        """Return the standard deviation (R, T, C, K) that noise gives the coefficients, judged by what the fit leaves over.

        With s^2 the mean square left over per degree of freedom, the variances are s^2 diag((A^T A)^-1).
        """
        own = self.keywords(None if scale_shift is None else scale_shift.unsqueeze(-2))
        table = self.space.vandermonde(self._inside(data.points)[:, None, None], **own) / self.unit
        seen = (~data.values.isnan()).double()
        left = (
            self.synthesize(self.coefficients(data, scale_shift), data.points, scale_shift) - data.values
        ).nan_to_num()
        freedom = (seen.sum(-1) - self.space.size).clamp_min(1)
        table = table * seen.unsqueeze(-1)
        ridge = RIDGE * table.shape[-2] * torch.eye(self.space.size, dtype=table.dtype)
        inverse = torch.linalg.inv(table.mT @ table + ridge).diagonal(dim1=-2, dim2=-1)
        return ((left / self.amplitude).square().sum(-1) / freedom).unsqueeze(-1).sqrt() * inverse.sqrt()

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
            own = self.keywords(None if scale_shift is None else scale_shift[which].unsqueeze(-2))
            fitted = self.space.fit(
                part.values / self.amplitude, self._inside(part.points)[:, None, None],
                weights=weights, ridge=RIDGE * size * self.unit**2, **own,
            )  # fmt: skip
            results.append(fitted * self.unit)
        return torch.cat(results)
