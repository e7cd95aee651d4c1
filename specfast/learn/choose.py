"""The basis that suits a data set: moments, refined by the frequency indicator; the degree where that reaches its floor."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from .. import adapt
from ..families import Chebyshev, Family, Hermite, Laguerre, Legendre
from ..index_sets import HyperbolicCross, IndexSet, TensorProduct
from ..space import Space
from .data import DataError, Observations
from .encode import Basis
from .locate import locate

BASES = {"hermite": Hermite, "laguerre": Laguerre, "chebyshev": Chebyshev, "legendre": Legendre}
DEGREES = (4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32, 40, 48, 64)
LOST = 0.02  # of a field, that a basis may leave
TRIAL = 1000  # coefficients with which scale and shift are sought; the cost grows as their cube

Domain = Sequence[tuple[float, float] | None]


def make_family(name: str, coordinate: torch.Tensor, domain: tuple[float, float] | None) -> tuple[Family, float]:
    """Return the family of one axis and its end if it has one.

    A bounded family takes the interval given, [-1, 1] if that holds the points, or their padded interval.
    """
    if name not in BASES:
        raise DataError(f"basis={name!r}: one of {', '.join(BASES)} is expected")
    low, high = float(coordinate.min()), float(coordinate.max())
    width = high - low
    if width == 0:
        raise DataError(f"basis={name}: all points lie at {low:g} along this axis; a field along it cannot be learned")
    if name == "hermite":
        if domain is not None and (math.isfinite(domain[0]) or math.isfinite(domain[1])):
            raise DataError(
                f"domain={domain[0]:g},{domain[1]:g}: the Hermite basis lives on the whole line, takes none"
            )
        return Hermite(), 0.0
    if name == "laguerre":
        end = domain[0] if domain is not None else 0.0
        if low < end:
            raise DataError(f"basis=laguerre: a point lies at x = {low:g}, left of the half-line's end {end:g}")
        if domain is not None and high > domain[1]:
            raise DataError(
                f"domain={end:g},{domain[1]:g}: a point lies at x = {high:g}; END,inf is expected for laguerre"
            )
        return Laguerre(), end
    if domain is None:
        pad = 0.02 * width
        domain = (-1.0, 1.0) if low >= -1 and high <= 1 else (low - pad, high + pad)
    # Positions may have been rounded to float32 in the file.
    slack = 1e-6 * (domain[1] - domain[0])
    if not (domain[0] - slack <= low and high <= domain[1] + slack and domain[0] < domain[1]):
        raise DataError(
            f"domain={domain[0]:g},{domain[1]:g} does not contain the points, which lie in [{low:g}, {high:g}]"
        )
    return BASES[name](*domain), 0.0  # type: ignore[call-arg]


def choose_basis(
    data: Observations, names: str, *, degree: int | None = None, gamma: float | Literal["auto"] | None = None,
    domain: Sequence[tuple[float, float]] | None = None, extent: Observations | None = None, fixed: bool | None = None,
) -> Basis:  # fmt: skip
    """Return the basis for a data set.

    Parameters
    ----------
    data : Observations
        What is to be represented.
    names : str
        One family for all axes, or one an axis joined by commas.
    degree, gamma : optional
        Of the hyperbolic cross (for one axis, the degree). Default: degree by the frequency indicator, gamma -1. "auto" takes the cross, among
        those of nine gammas with as many coefficients as the default one has at most, that best gives sensors kept from the fit.
    domain : sequence of pairs, optional
        Interval of every bounded axis, (end, inf) of a half-line; one for all axes or one an axis.
    extent : Observations, optional
        Observations whose positions the domain must hold too, such as those held out.
    fixed : bool, optional
        One scale and shift for all snapshots, or one that follows them. Default: the latter where it gains clearly.
    """
    if degree is not None and degree < 1:
        raise DataError(f"degree={degree}: at least 1 is expected")
    if data.dim == 1 and gamma is not None:
        raise DataError(f"gamma={gamma}: data on one axis have no hyperbolic cross; leave it out")
    shape = -1.0 if gamma is None or gamma == "auto" else gamma
    families, ends = _families(data if extent is None else extent, names, domain)
    amplitude = _amplitude(data)
    sample = data.select(torch.linspace(0, len(data) - 1, min(len(data), 24)).long())
    observed = _observed(sample)

    def index_set(n: int) -> IndexSet:
        return TensorProduct(n) if data.dim == 1 else HyperbolicCross(n, shape)

    def indicator(n: int, scale: Sequence[float], axis: int | None = None) -> float:
        basis = Basis(Space(families, index_set(n)), tuple(scale), tuple(shift), amplitude)
        return _indicator(basis, sample, axis)

    room = [n for n in DEGREES if Space(families, index_set(n)).size <= observed // 3]
    if data.dim == 1:
        room = sorted({*room, max(4, min(64, observed // 3 - 1))})
    room = room or [DEGREES[0]]
    trial = degree if degree is not None else min((n for n in room if n >= 16), default=room[-1])
    while Space(families, index_set(trial)).size > TRIAL and trial > DEGREES[0]:
        trial = trial * 3 // 4
    if degree is not None:
        _check_degree(degree, families, index_set(degree), len(data.channels))
    scale, shift = _scale_and_shift(sample, families, ends, amplitude)
    for axis, family in enumerate(families):
        if not family.bounded:

            def along(beta: float, axis: int = axis) -> float:
                return indicator(trial, [*scale[:axis], beta, *scale[axis + 1 :]], axis)

            start = Basis(Space(families, index_set(trial)), tuple(scale), tuple(shift), amplitude)
            scale[axis] = adapt.choose_scale(scale[axis], along, _noise(start, sample, axis))
    still = Basis(Space(families, index_set(trial)), tuple(scale), tuple(shift), amplitude)

    def resized(basis: Basis, n: int) -> Basis:
        return replace(basis, space=Space(families, index_set(n)))

    def fitting(basis: Basis, frame: Tensor | None = None) -> int:
        fewest = 4 if basis.follows or data.dim > 1 else 8  # a basis that fits each field may do with few functions
        tried = [n for n in room if n >= fewest] or room
        return (
            degree
            if degree is not None
            else adapt.choose_degree(
                lambda n: _indicator(resized(basis, n), sample, None, frame),
                tried,
                noise=lambda n: max(_noise(resized(basis, n), sample, axis, frame) for axis in range(data.dim)),
            )
        )

    def shaped(basis: Basis, n: int, frame: Tensor | None = None) -> Basis:
        return _of_best_shape(resized(basis, n), sample, frame) if gamma == "auto" else resized(basis, n)

    if fixed or all(family.bounded for family in families):
        if fixed is False:
            raise DataError("fixed=False: on intervals alone there is no scale or shift that could follow the field")
        return shaped(still, fitting(still))
    moving, frame = _following(still, sample)
    least, own = fitting(still), fitting(moving, frame)
    gains = _indicator(resized(moving, least), sample, None, frame) < 0.5 * _indicator(
        resized(still, least), sample, None
    )
    if fixed is None:
        # Half the degree is worth it where fields move off; where scales alone could follow, a basis that stays learns better.
        follow = gains or (2 * own <= least and bool(moving.moving[1]))
        # A field that does not decay has no width to follow: frames found for it leave much of it, and more than one for all.
        rest = _left_over(resized(moving, own), sample, frame) if follow else 0.0
        follow = follow and rest <= max(LOST, 2 * _left_over(resized(still, least), sample))
    else:
        follow = True
    return shaped(moving, own, frame) if follow else shaped(still, least)


def _left_over(basis: Basis, sample: Observations, frame: Tensor | None = None) -> float:
    """Return what the fit leaves of the observed values, relative."""
    wrong = basis.synthesize(basis.coefficients(sample, frame), sample.points, frame) - sample.values
    return float((wrong.square().nansum() / sample.values.square().nansum()).sqrt())


def _of_best_shape(basis: Basis, sample: Observations, frame: Tensor | None) -> Basis:
    """Return the basis with the hyperbolic cross of any gamma, not larger than its own, that best gives a fifth of the sensors kept from the fit."""
    families, dim, budget = basis.space.families, basis.space.dim, basis.space.size
    held = torch.arange(sample.values.shape[-1]) % 5 == 0
    held = held[torch.randperm(len(held), generator=torch.Generator().manual_seed(0))]
    kept, rest = (replace(sample, values=sample.values[..., m], points=sample.points[:, m]) for m in (~held, held))
    best: tuple[float, Basis] | None = None
    for gamma in adapt.GAMMAS:
        index_set = adapt.largest_within(lambda n, g=gamma: HyperbolicCross(n, g), dim, budget)  # type: ignore[misc]
        tried = replace(basis, space=Space(families, index_set))
        wrong = tried.synthesize(tried.coefficients(kept, frame), rest.points, frame) - rest.values
        error = float(wrong.square().nansum())
        if best is None or error < best[0]:
            best = error, tried
    assert best is not None
    return best[1]


def _amplitude(data: Observations) -> float:
    """Return the root mean square of the observed values."""
    squares, count = 0.0, 0
    for _, some in data.blocks():
        squares += float((some.values / data.largest).square().nansum())
        count += int((~some.values.isnan()).sum())
    return data.largest * math.sqrt(squares / count)


def _following(still: Basis, sample: Observations) -> tuple[Basis, Tensor]:
    """Return the basis that follows the fields, its reference amid theirs and its ratio chosen by the indicator; and frames."""
    moving = replace(still, follows=True)
    scale, shift = locate(moving, sample)
    seen = sample.observed
    centre = scale[seen].log().median(0).values.exp(), shift[seen].median(0).values
    moving = replace(moving, scale=tuple(centre[0].tolist()), shift=tuple(centre[1].tolist()))
    ratio = [1.0] * sample.dim

    def frame(ratio: Sequence[float]) -> Tensor:
        return moving.frame(scale * scale.new_tensor(ratio), shift)

    for axis in moving.moving[0]:

        def along(factor: float, axis: int = axis) -> float:
            return _indicator(moving, sample, axis, frame([*ratio[:axis], factor, *ratio[axis + 1 :]]))

        ratio[axis] = adapt.choose_scale(1.0, along, _noise(moving, sample, axis, frame(ratio)))
    return replace(moving, ratio=tuple(ratio)), frame(ratio)


def _families(
    data: Observations, names: str, domain: Sequence[tuple[float, float]] | None
) -> tuple[list[Family], list[float]]:
    listed = [name.strip() for name in names.split(",")]
    intervals: Domain = domain if domain is not None else [None]
    for label, count in (("basis", len(listed)), ("domain", len(intervals))):
        if count not in (1, data.dim):
            raise DataError(f"{label}: {count} are given; one, or one for each of the {data.dim} axes, is expected")
    chosen = [listed[d % len(listed)] for d in range(data.dim)]
    given = [intervals[d % len(intervals)] for d in range(data.dim)]
    if len(intervals) == 1 and any(name != "hermite" for name in chosen):  # one interval is for those that take one
        given = [None if name == "hermite" else interval for name, interval in zip(chosen, given, strict=True)]
    made = [make_family(name, data.coordinate(d), given[d]) for d, name in enumerate(chosen)]
    return [family for family, _ in made], [end for _, end in made]


def _indicator(basis: Basis, sample: Observations, axis: int | None, frame: Tensor | None = None) -> float:
    """Return the median frequency indicator of the encoded snapshots along one axis, or the largest of all axes."""
    coef, indices = basis.coefficients(sample, frame), basis.space.indices
    seen = (sample.values.nan_to_num() != 0).any(-1)
    axes = range(sample.dim) if axis is None else [axis]
    return max(float(adapt.frequency_indicator(coef, indices[:, d])[seen].median()) for d in axes)


def _noise(basis: Basis, sample: Observations, axis: int, frame: Tensor | None = None) -> float:
    """Return what the indicator along one axis would be if its top third held nothing but noise; over some snapshots."""
    places = sample.observed.nonzero()
    places = places[torch.linspace(0, len(places) - 1, min(len(places), 48)).long()]
    rows, times = places.T
    points = sample.points if len(sample.points) == 1 else sample.points[rows]
    some = replace(
        sample, values=sample.values[rows, times].unsqueeze(1), points=points, times=sample.times[rows, times, None], parameters=None
    )  # fmt: skip
    own = None if frame is None else frame[rows, times].unsqueeze(1)
    coef, noise = basis.coefficients(some, own), basis.noise(some, own)
    n = basis.space.indices[:, axis]
    indicator = adapt.frequency_indicator(noise, n) * noise.norm(dim=-1) / coef.norm(dim=-1).clamp_min(1e-300)
    return float(indicator.median())


def _observed(sample: Observations) -> int:
    """Return how many values most of the snapshots hold, those without any left out."""
    counts = (~sample.values.isnan()).sum(-1)
    return int(counts[counts > 0].double().quantile(0.25))


def _check_degree(degree: int, families: Sequence[Family], index_set: IndexSet, channels: int) -> None:
    """Refuse a degree whose right-hand side, with its gradients, would not fit in memory."""
    width = Space(families, index_set).size * channels
    need, have = 8 * 4 * width * (width + 256), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if need > have // 2:
        raise DataError(
            f"degree={degree}: a right-hand side of {width} coefficients needs {need / 2**30:.1f} GiB;"
            f" half of this machine's memory is {have / 2**31:.1f} GiB"
        )


def _scale_and_shift(
    sample: Observations, families: Sequence[Family], ends: Sequence[float], amplitude: float
) -> tuple[list[float], list[float]]:
    """Return scale and shift of every axis from the moments of the observed fields."""
    scale, shift = [1.0] * sample.dim, list(ends)
    for axis, family in enumerate(families):
        if family.bounded:
            continue
        if sample.dim == 1:
            centroid, spread, wave = adapt.moments(sample.values, sample.points[:, None, None, :])
        else:
            centroid, spread = _spread(sample, axis)
            wave = 0.25 / spread  # that of a Gaussian; refined below
        if isinstance(family, Laguerre):
            reach = float(sample.coordinate(axis).max()) - shift[axis]
            scale[axis] = 2.0 / max(centroid - shift[axis], 1e-3 * reach, 1e-300)
        else:
            shift[axis], scale[axis] = centroid, (wave / spread) ** 0.25
    if sample.dim > 1:
        _refine_by_wave_number(sample, families, scale, shift, amplitude)
    return scale, shift


def _spread(sample: Observations, axis: int) -> tuple[float, float]:
    """Return centroid and variance of u^2 along an axis, the sensors taken as evenly spread."""
    values = sample.values.nan_to_num()
    weight = (values / values.abs().max().clamp_min(1e-300)).square().sum((1, 2))
    x = sample.coordinate(axis).expand_as(weight)
    low, extent = float(x.min()), max(float(x.max() - x.min()), 1e-300)
    x = (x - low) / extent
    mass = float(weight.sum().clamp_min(1e-300))
    centroid = float((weight * x).sum()) / mass
    spread = max(float((weight * (x - centroid) ** 2).sum()) / mass, 1e-6)
    return low + extent * centroid, extent**2 * spread


def _refine_by_wave_number(
    sample: Observations, families: Sequence[Family], scale: list[float], shift: list[float], amplitude: float
) -> None:
    """Replace the scale of Hermite axes by (Var_k / Var_x)^(1/4), with Var_k = |du/dx|^2 / |u|^2 from a first fit."""
    observed = _observed(sample)
    sets = [HyperbolicCross(n, -1.0) for n in DEGREES]
    fitting = [s for s in sets if Space(families, s).size <= max(4, observed // 4)] or sets[:1]
    basis = Basis(Space(families, fitting[min(2, len(fitting) - 1)]), tuple(scale), tuple(shift), amplitude)
    coef = basis.coefficients(sample)
    for axis, family in enumerate(families):
        if isinstance(family, Hermite):
            slope = basis.space.differentiate(coef, axis)  # with respect to z
            wave = float(slope.square().sum() / coef.square().sum().clamp_min(1e-300))
            scale[axis] *= (2 * wave) ** 0.25
