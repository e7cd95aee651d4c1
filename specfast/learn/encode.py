"""Snapshots to coefficients by regularised least squares, in one basis for the whole data set.

Coefficients here belong to the functions of z, without the factor beta^p of a Space: they do not depend on the unit of x.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..space import Space
from .data import Observations

RIDGE = 1e-6  # of the number of points: a millionth of the columns' own size
_BYTES = 1 << 28  # that the tables of one least-squares call may take


@dataclass(frozen=True)
class Basis:
    """A space with one scale and shift an axis for the whole data set, and the size of the data."""

    space: Space
    scale: tuple[float, ...]
    shift: tuple[float, ...]
    amplitude: float

    def __str__(self) -> str:
        names = ", ".join(dict.fromkeys(type(family).__name__ for family in self.space.families))
        degree = f"degree {self.space.index_set.degree}" + (f", {self.space.size} terms" if self.space.dim > 1 else "")
        places = (", ".join(f"{value:.4g}" for value in part) for part in (self.scale, self.shift))
        return f"{names}, {degree}" + (", scale {}, shift {}".format(*places) if self.keywords else "")

    @property
    def keywords(self) -> dict[str, Any]:
        """Scale and shift as the methods of Space take them; none where every axis is bounded."""
        if all(family.bounded for family in self.space.families):
            return {}
        if self.space.dim == 1:
            return {"scale": self.scale[0], "shift": self.shift[0]}
        return {name: torch.tensor(getattr(self, name), dtype=torch.float64) for name in ("scale", "shift")}

    @property
    def unit(self) -> float:
        """The factor prod_d beta_d^p between the coefficients here and those of the Space."""
        return math.prod(b**f.power for b, f in zip(self.scale, self.space.families, strict=True) if not f.bounded)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        scale, shift = list(self.scale), list(self.shift)
        return {"space": self.space.to_dict(), "scale": scale, "shift": shift, "amplitude": self.amplitude}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Basis:
        """Return what `to_dict` described."""
        scale, shift = tuple(values["scale"]), tuple(values["shift"])
        return Basis(Space.from_dict(values["space"]), scale, shift, values["amplitude"])

    def synthesize(self, coef: Tensor, points: Tensor) -> Tensor:
        """Return the field (B, T, C, M) of coefficients (B, T, C, K) at points (B or 1, M[, D]), in the data's units."""
        factor = self.amplitude / self.unit
        return factor * self.space.synthesize(coef, self._inside(points)[:, None, None], **self.keywords)

    def _inside(self, points: Tensor) -> Tensor:
        """Return points, those past an interval's end by no more than the rounding of a file moved onto it."""
        for axis, family in enumerate(self.space.families):
            if family.bounded:
                columns = list(points.unbind(-1)) if self.space.dim > 1 else [points]
                columns[axis] = columns[axis].clamp(family.a, family.b)  # type: ignore[attr-defined]
                points = torch.stack(columns, -1) if self.space.dim > 1 else columns[0]
        return points

    def encode(self, data: Observations) -> Tensor:
        """Return coefficients (R, T, C, K) by ridge regression; snapshots without observations give zeros."""
        times, channels, size = data.values.shape[1:]
        if len(data) == 0:
            return data.values.new_zeros((0, times, channels, self.space.size))
        # Where all is observed, the snapshots of a trajectory share one table; otherwise each has its own.
        gaps = bool(data.values.isnan().any())
        tables = times * channels if gaps else 1
        rows = max(1, _BYTES // (8 * tables * (size + self.space.size) * self.space.size))
        results = []
        for begin in range(0, len(data), rows):
            part = data.select(torch.arange(begin, min(begin + rows, len(data))))
            weights = (~part.values.isnan()).double() if gaps else None
            fitted = self.space.fit(
                part.values / self.amplitude, self._inside(part.points)[:, None, None],
                weights=weights, ridge=RIDGE * size * self.unit**2, **self.keywords,
            )  # fmt: skip
            results.append(fitted * self.unit)
        return torch.cat(results)
