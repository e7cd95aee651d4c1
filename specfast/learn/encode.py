"""Snapshots to coefficients: the basis that suits the data, and regularised least squares in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .. import adapt
from ..families import Chebyshev, Family, Hermite, Laguerre, Legendre
from ..space import Space
from .data import DataError, Observations

BASES = {"hermite": Hermite, "laguerre": Laguerre, "chebyshev": Chebyshev, "legendre": Legendre}
RIDGE = 1e-6  # of the number of points: a millionth of the columns' own size


@dataclass(frozen=True)
class Basis:
    """A space with one scale and shift for the whole data set, and the size of the data."""

    space: Space
    scale: float
    shift: float
    amplitude: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {"space": self.space.to_dict(), "scale": self.scale, "shift": self.shift, "amplitude": self.amplitude}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Basis:
        """Return what `to_dict` described."""
        return Basis(Space.from_dict(values["space"]), values["scale"], values["shift"], values["amplitude"])


def make_family(name: str, data: Observations, domain: tuple[float, float] | None) -> Family:
    """Return the family, on the interval given, on [-1, 1] if that holds the points, or on their padded interval."""
    if name not in BASES:
        raise DataError(f"basis={name!r}: one of {', '.join(BASES)} is expected")
    low, high = float(data.points.min()), float(data.points.max())
    if name == "hermite":
        if domain is not None:
            raise DataError("domain: the Hermite basis lives on the whole line and takes none")
        return Hermite()
    if name == "laguerre":
        end = domain[0] if domain is not None else 0.0
        if low < end:
            raise DataError(f"basis=laguerre: a point lies at x = {low:g}, left of the half-line's end {end:g}")
        return Laguerre()
    if domain is None:
        pad = 0.02 * (high - low)
        domain = (-1.0, 1.0) if low >= -1 and high <= 1 else (low - pad, high + pad)
    if not (domain[0] <= low and high <= domain[1]):
        raise DataError(
            f"domain={domain[0]:g},{domain[1]:g} does not contain the points, which lie in [{low:g}, {high:g}]"
        )
    return BASES[name](*domain)  # type: ignore[call-arg]


def encode(basis: Basis, data: Observations) -> Tensor:
    """Return coefficients (R, T, C, K) by ridge regression; snapshots without observations give zeros."""
    keyword = {} if basis.space.families[0].bounded else {"scale": basis.scale, "shift": basis.shift}
    size = data.values.shape[-1]
    results = []
    for row in range(0, len(data), 64):
        values = data.values[row : row + 64] / basis.amplitude
        points = data.points[row : row + 64, None, None, :]
        missing = values.isnan()
        weights = None if not missing.any() else (~missing).double()
        results.append(basis.space.fit(values, points, weights=weights, ridge=RIDGE * size, **keyword))
    return torch.cat(results)


def choose_basis(
    data: Observations, name: str, *, degree: int | None = None, domain: tuple[float, float] | None = None
) -> Basis:  # fmt: skip
    """Return the basis for a data set: moments, refined by the frequency indicator; degree where F reaches its floor."""
    family = make_family(name, data, domain)
    amplitude = math.sqrt(float(data.values.square().nanmean())) or 1.0
    some = torch.linspace(0, len(data) - 1, min(len(data), 24)).long()
    sample = data.select(some)
    shift, scale = 0.0, 1.0
    if not family.bounded:
        centroid, spread, wave = adapt.moments(sample.values, sample.points[:, None, None, :])
        if isinstance(family, Laguerre):
            shift = domain[0] if domain is not None else 0.0
            scale = 2.0 / max(centroid - shift, 1e-6)
        else:
            shift, scale = centroid, (wave / spread) ** 0.25
    observed = int((~sample.values.isnan()).sum(-1).double().quantile(0.25))

    def indicator(n: int, beta: float) -> float:
        trial = Basis(Space(family.with_degree(n)), beta, shift, amplitude)
        return float(adapt.frequency_indicator(encode(trial, sample)).nanmedian())

    highest = max(4, min(64, observed // 3))
    if not family.bounded:
        scale = adapt.choose_scale(scale, lambda beta: indicator(degree or min(16, highest), beta))
    if degree is None:
        candidates = sorted({n for n in (8, 10, 12, 14, 16, 18, 20, 24, 28, 32, 40, 48, 64) if n < highest} | {highest})
        degree = adapt.choose_degree(lambda n: indicator(n, scale), candidates)
    return Basis(Space(family.with_degree(degree)), scale, shift, amplitude)
