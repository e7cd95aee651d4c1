"""What a basis leaves of the observed values: noise, which neighbouring sensors do not share, or a field it does not resolve."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ..data import Observations
from ..index_sets import HyperbolicCross, IndexSet, TensorProduct
from ..space import Space
from .encoder import FieldEncoder

SNAPSHOTS = 48  # looked at
LOST = 0.01  # of a field: what is left and no noise, past which the field is not resolved
SMOOTH = 0.2  # of what is left: less may be chance
_WORK = 2e10  # multiplications
_MOST = 1500  # sensors whose neighbours are sought, on several axes
_APART = 0.3  # by which neighbours' correlations of a field and of noise differ at least, where the basis leaves sensors little freedom


@dataclass(frozen=True)
class Residual:
    """What the encoding leaves of some snapshots.

    Attributes
    ----------
    relative : float
        Its size relative to the field's, both in the mean square.
    smooth : float
        Which part of its square neighbouring sensors share, from 0 (noise) to 1.
    noise : float
        The noise of the observed values that the rest of it makes likely, relative to the field.
    chance : float
        The standard deviation of `smooth` where all is noise.
    """

    relative: float
    smooth: float
    noise: float
    chance: float

    @property
    def unresolved(self) -> bool:
        """Whether the basis lacks a part of the field that counts."""
        return self.relative * math.sqrt(self.smooth) > LOST and self.smooth > max(SMOOTH, 4 * self.chance)

    @property
    def kind(self) -> str:
        """What it looks like, in words."""
        if self.unresolved:
            return "unresolved"
        return "looks like noise" if self.smooth < 0.5 else "not noise, but little"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for the metrics."""
        return {"relative_l2": self.relative, "noise": self.noise, "smooth": self.smooth, "kind": self.kind}


def some_snapshots(
    data: Observations, scale_shift: Tensor | None = None, most: int = SNAPSHOTS
) -> tuple[Observations, Tensor | None]:
    """Return observed snapshots from all over the data, each as a trajectory of one time, and their scales and shifts."""
    places = data.observed.nonzero()
    places = places[torch.linspace(0, len(places) - 1, min(len(places), most)).long()]
    rows, times = places.T
    points = data.points if len(data.points) == 1 else data.points[rows]
    some = replace(
        data, values=data.values[rows, times].unsqueeze(1), points=points, times=data.times[rows, times, None], parameters=None
    )  # fmt: skip
    return some, None if scale_shift is None else scale_shift[rows, times].unsqueeze(1)


def residual(encoder: FieldEncoder, data: Observations, scale_shift: Tensor | None = None) -> Residual:
    """Return what an encoding leaves of the data, judged by some snapshots.

    The products of neighbouring sensors' residuals are compared with what white noise would give, from which a fit takes
    its degrees of freedom, and with what the first functions outside the space would.

    Parameters
    ----------
    encoder : FieldEncoder
        The space.
    data : Observations
        What is encoded.
    scale_shift : Tensor (R, T, 2 D), optional
        Of a moving basis.
    """
    size, sensors = encoder.space.size, data.values.shape[-1]
    most = int(_WORK / (size**2 * (sensors + size)))
    some, own = some_snapshots(data, scale_shift, min(SNAPSHOTS, max(1, most)))
    left = (encoder.synthesize(encoder.coefficients(some, own), some.points, own) - some.values) / encoder.amplitude
    power = float((some.values / encoder.amplitude).square().nansum())
    together, white, outside = _correlations(encoder, some, own, left)
    apart = max(outside - white, _APART)
    smooth = min(max((together - white) / apart, 0.0), 1.0)
    squares, seen = float(left.square().nansum()), int((~some.values.isnan()).sum())
    freedom = seen - size * len(some.channels) * len(some)
    relative = math.sqrt(squares / max(power, 1e-300))
    noise = relative * math.sqrt((1 - smooth) * seen / max(freedom, 1))
    return Residual(relative, smooth, noise, 1 / (apart * math.sqrt(max(seen, 1))))


def _correlations(
    encoder: FieldEncoder, some: Observations, scale_shift: Tensor | None, left: Tensor
) -> tuple[float, float, float]:
    """Return the correlation of neighbouring sensors, that of white noise, and that of functions outside the space; snapshots count by their squares."""
    shared = scale_shift is None and len(some.points) == 1 and not some.gaps
    wider, own, extra = _wider(encoder)
    points, totals, known = encoder.reference_points(some.points), torch.zeros(4, dtype=torch.float64), None
    for row in range(len(some)):
        place = points[row if len(points) > 1 else 0]
        for channel in range(len(some.channels)):
            seen = ~some.values[row, 0, channel].isnan()
            if known is None or not shared:
                x = place[seen]
                if len(x) < 3:
                    continue
                basis = encoder.basis(None if scale_shift is None else scale_shift[row, 0])
                table = wider.vandermonde(x, **basis)
                pairs = _neighbours(x)
                known = pairs, *_expected(table[:, own], table[:, extra], pairs, encoder.ridges())
            (i, j), white, outside = known
            r = left[row, 0, channel][seen]
            together, square = float((r[i] * r[j]).sum()) * len(r) / len(i), float(r.square().sum())
            totals += torch.tensor([together, square * white, square * outside, square], dtype=torch.float64)
    together, white, outside, square = (totals / totals[3].clamp_min(1e-300)).tolist()
    return together, white, outside


def _expected(table: Tensor, outside: Tensor, pairs: tuple[Tensor, Tensor], ridges: Tensor) -> tuple[float, float]:
    """Return the neighbours' correlation that a fit leaves of white noise, and of functions outside; tables (M, K)."""
    i, j = pairs
    size = len(table)
    gram = table.T @ table + ridges.diag()
    solved = torch.linalg.solve(gram, table.T)  # (K, M)
    removed = (table[i] * solved[:, j].T).sum(-1).mean() * size
    kept = size - (table * solved.T).sum(-1).sum()
    rest = outside - table @ (solved @ outside)
    shared = (rest[i] * rest[j]).sum() * size / len(i)
    return float(-removed / kept.clamp_min(1e-9)), float(shared / rest.square().sum().clamp_min(1e-300))


def _wider(encoder: FieldEncoder) -> tuple[Space, Tensor, Tensor]:
    """Return a space a fourth larger in degree, and where in it the encoder's own functions and the others are."""
    space, given = encoder.standard, encoder.standard.index_set
    degree = encoder.degree
    degree += max(2, degree // 4)
    cross = space.dim > 1 and isinstance(given, HyperbolicCross)
    sets: IndexSet = HyperbolicCross(degree, given.gamma) if cross else TensorProduct(degree)  # type: ignore[attr-defined]
    wider = Space(space.families, sets)
    own = {tuple(n) for n in space.indices.tolist()}
    inside = torch.tensor([tuple(n) in own for n in wider.indices.tolist()])
    return wider, inside.nonzero()[:, 0], (~inside).nonzero()[:, 0]


def _neighbours(points: Tensor) -> tuple[Tensor, Tensor]:
    """Return pairs of sensors beside each other: next along an axis, or nearest on several."""
    if points.dim() == 1:
        order = points.argsort()
        return order[:-1], order[1:]
    first = torch.linspace(0, len(points) - 1, min(len(points), _MOST)).long()
    distance = torch.cdist(points[first], points)
    distance[torch.arange(len(first)), first] = torch.inf
    return first, distance.argmin(1)
