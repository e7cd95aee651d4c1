"""The basis that suits a data set: moments, refined by the frequency indicator; the degree where that reaches its floor."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from .. import adapt
from ..data import DataError, Observations
from ..families import Family
from ..index_sets import HyperbolicCross, IndexSet, TensorProduct
from ..space import Space
from ..support.machine import memory
from .basis_choice import BASES, BasisChoice, choose_basis
from .encoder import FieldEncoder
from .moving_basis import locate
from .residuals import Residual, residual, some_snapshots

DEGREES = (4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32, 40, 48, 64)
FURTHER = (96, 128, 192, 256)  # on one axis, where the field is not resolved by any of those
RESOLVED = 3e-4  # of the frequency indicator
LOST = 0.02  # of a field, that a basis may leave
TRIAL = 1000  # coefficients with which scale and shift are sought; the cost grows as their cube


def make_family(name: str, coordinate: torch.Tensor, domain: tuple[float, float] | None) -> tuple[Family, float]:
    """Return the family of one axis and its end if it has one.

    A bounded family takes the interval given, [-1, 1] if that holds the points, or their padded interval.
    """
    low, high = float(coordinate.min()), float(coordinate.max())
    if high == low:
        raise DataError(f"basis={name}: all points lie at {low:g} along this axis; a field along it cannot be learned")
    try:
        return BASES[name].for_points(low, high, domain)
    except ValueError as error:
        raise DataError(str(error)) from None


def choose_encoder(
    data: Observations, basis: str | BasisChoice, *, degree: int | None = None, gamma: float | Literal["auto"] | None = None,
    domain: Sequence[tuple[float, float]] | None = None, extent: Observations | None = None, fixed: bool | None = None,
    rows: Tensor | None = None,
) -> FieldEncoder:  # fmt: skip
    """Return the basis for a data set.

    Parameters
    ----------
    data : Observations
        What is to be represented.
    basis : str or BasisChoice
        One family for all axes, or one an axis joined by commas; or what `choose_basis` gives.
    degree, gamma : optional
        Of the hyperbolic cross (for one axis, the degree). Default: degree by the frequency indicator, on one axis up to 256 where what
        is left of the field is no noise; gamma -1. "auto" takes the cross, among
        those of nine gammas with as many coefficients as the default one has at most, that best gives sensors kept from the fit.
    domain : sequence of pairs, optional
        Interval of every bounded axis, (end, inf) of a half-line; one for all axes or one an axis.
    extent : Observations, optional
        Observations whose positions the domain must hold too, such as those held out.
    fixed : bool, optional
        One scale and shift for all snapshots, or one that moves with them. Default: the latter where it gains clearly.
    rows : Tensor of integers, optional
        The trajectories that decide; of the others the positions alone are looked at. Default: all.
    """
    if degree is not None and degree < 1:
        raise DataError(f"degree={degree}: at least 1 is expected")
    if data.dim == 1 and gamma is not None:
        raise DataError(f"gamma={gamma}: data on one axis have no hyperbolic cross; leave it out")
    shape = -1.0 if gamma is None or gamma == "auto" else gamma
    choice = choose_basis(data, basis, domain, rows) if isinstance(basis, str) else basis
    families, ends = _families(data if extent is None else extent, choice)
    rows = torch.arange(len(data)) if rows is None else rows.sort().values
    amplitude = _amplitude(data, rows)
    sample = data.select(rows[torch.linspace(0, len(rows) - 1, min(len(rows), 24)).long()])
    observed = _observed(sample)

    def index_set(n: int) -> IndexSet:
        return TensorProduct(n) if data.dim == 1 else HyperbolicCross(n, shape)

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
    still = _scaled(FieldEncoder(Space(families, index_set(trial)), tuple(scale), tuple(shift), amplitude), sample)

    def resized(encoder: FieldEncoder, n: int) -> FieldEncoder:
        return replace(encoder, space=Space(families, index_set(n)))

    def fitting(encoder: FieldEncoder, scale_shift: Tensor | None = None) -> int:
        if degree is not None:
            return degree
        fewest = 4 if encoder.moving or data.dim > 1 else 8  # a basis that fits each field may do with few functions
        tried = [n for n in room if n >= fewest] or room
        found = adapt.choose_degree(
            lambda n: _indicator(resized(encoder, n), sample, None, scale_shift),
            tried,
            noise=lambda n: max(_noise(resized(encoder, n), sample, axis, scale_shift) for axis in range(data.dim)),
        )
        if data.dim > 1:
            return found
        return _further(lambda n: resized(encoder, n), found, observed // 2 - 1, sample, scale_shift)

    def shaped(encoder: FieldEncoder, n: int, scale_shift: Tensor | None = None) -> FieldEncoder:
        return _of_best_shape(resized(encoder, n), sample, scale_shift) if gamma == "auto" else resized(encoder, n)

    if degree is None and data.dim == 1 and still.scale != tuple(scale):
        still = _better_scale(still, tuple(scale), lambda encoder: resized(encoder, fitting(encoder)), sample)
    free = [family for family in families if family.learns_scale]
    if fixed or not free or not all(family.moves for family in free):
        if fixed is False:
            kept = ", ".join(choice.names)
            raise DataError(
                f"fixed=False: a basis on the line or a half-line, which could move, is expected, not {kept}"
            )
        return shaped(still, fitting(still))
    moving, own_scale_shift = _moving(still, sample)
    least, own = fitting(still), fitting(moving, own_scale_shift)
    scale_shift: Tensor | None = own_scale_shift
    if max(least, own) > DEGREES[-1]:  # whose tables are large, one a snapshot
        sample, scale_shift = some_snapshots(sample, scale_shift)
    moves = fixed is False or _moves(
        resized(still, least), resized(moving, least), resized(moving, own), sample, scale_shift
    )
    return shaped(moving, own, scale_shift) if moves else shaped(still, least)


def _moves(
    still: FieldEncoder, moving: FieldEncoder, smaller: FieldEncoder, sample: Observations, scale_shift: Tensor | None
) -> bool:
    """Return whether a basis that moves, of the same degree or of the one that it needs, gains clearly."""
    gains = _indicator(moving, sample, None, scale_shift) < 0.5 * _indicator(still, sample, None)
    # Half the degree is worth it where fields move off; where scales alone could move, a fixed basis learns better.
    least, own = (encoder.degree for encoder in (still, smaller))
    if not (gains or (2 * own <= least and bool(moving.moving_axes[1]))):
        return False
    # A field that does not decay has no width: scales and shifts found for it leave much of it, and more than one for all.
    return _left_over(smaller, sample, scale_shift) <= max(LOST, 2 * _left_over(still, sample))


def _scaled(start: FieldEncoder, sample: Observations) -> FieldEncoder:
    """Return the basis with the scales for which the indicator is least, where that is clear."""
    encoder = start
    for axis, family in enumerate(start.space.families):
        if not family.learns_scale:
            continue

        def scaled(beta: float, axis: int = axis, encoder: FieldEncoder = encoder) -> FieldEncoder:
            return replace(encoder, scale=(*encoder.scale[:axis], beta, *encoder.scale[axis + 1 :]))

        def along(beta: float, axis: int = axis, scaled: Callable[[float], FieldEncoder] = scaled) -> float:
            return _indicator(scaled(beta), sample, axis)

        encoder = scaled(adapt.choose_scale(encoder.scale[axis], along, _noise(encoder, sample, axis)))
    return encoder


def _better_scale(
    still: FieldEncoder, scale: tuple[float, ...], fitted: Callable[[FieldEncoder], FieldEncoder], sample: Observations
) -> FieldEncoder:
    """Return the basis, with another scale where its own, found at a degree that says little, does not resolve the field."""
    found = fitted(still)
    left = residual(found, sample)
    if not left.unresolved and found.degree <= DEGREES[-1]:
        return still
    other = fitted(replace(still, scale=scale))
    rest = residual(other, sample)
    if left.unresolved != rest.unresolved:
        better = left.unresolved
    else:
        better = rest.relative < left.relative if left.unresolved else other.space.size < found.space.size
    return replace(still, scale=scale) if better else still


def _further(
    resized: Callable[[int], FieldEncoder], found: int, largest: int, sample: Observations, scale_shift: Tensor | None
) -> int:
    """Return the degree found, unless it leaves a part of the field that is no noise: then one that resolves it, if any does."""
    some, own = some_snapshots(sample, scale_shift)
    channels = len(sample.channels)
    wider = [n for n in sorted({*DEGREES, *FURTHER, min(largest, FURTHER[-1])}) if found < n <= largest]
    wider = [n for n in wider if _memory_needed(resized(n).space.size * channels) <= memory() // 2]
    if not wider or not residual(resized(found), some, own).unresolved:
        return found
    left: dict[int, Residual] = {}
    for n in [found, *wider]:
        left[n] = residual(resized(n), some, own)
        if not left[n].unresolved:
            indicator = _indicator(resized(n), some, None, own)
            noise = math.sqrt(1 - left[n].smooth) * _noise(resized(n), some, 0, own)
            if indicator < max(RESOLVED, 1.5 * noise):
                return n
    least = min(rest.relative for rest in left.values())
    good = [n for n, rest in left.items() if not rest.unresolved]
    return good[0] if good else next(n for n, rest in left.items() if rest.relative <= 1.1 * least)


def _left_over(encoder: FieldEncoder, sample: Observations, scale_shift: Tensor | None = None) -> float:
    """Return what the fit leaves of the observed values, relative."""
    wrong = encoder.synthesize(encoder.coefficients(sample, scale_shift), sample.points, scale_shift) - sample.values
    return float((wrong.square().nansum() / sample.values.square().nansum()).sqrt())


def _of_best_shape(encoder: FieldEncoder, sample: Observations, scale_shift: Tensor | None) -> FieldEncoder:
    """Return the basis with the hyperbolic cross of any gamma, not larger than its own, that best gives a fifth of the sensors kept from the fit."""
    families, dim, budget = encoder.space.families, encoder.space.dim, encoder.space.size
    held = torch.arange(sample.values.shape[-1]) % 5 == 0
    held = held[torch.randperm(len(held), generator=torch.Generator().manual_seed(0))]
    kept, rest = (replace(sample, values=sample.values[..., m], points=sample.points[:, m]) for m in (~held, held))
    best: tuple[float, FieldEncoder] | None = None
    for gamma in adapt.GAMMAS:
        index_set = adapt.largest_within(lambda n, g=gamma: HyperbolicCross(n, g), dim, budget)  # type: ignore[misc]
        tried = replace(encoder, space=Space(families, index_set))
        wrong = tried.synthesize(tried.coefficients(kept, scale_shift), rest.points, scale_shift) - rest.values
        error = float(wrong.square().nansum())
        if best is None or error < best[0]:
            best = error, tried
    assert best is not None
    return best[1]


def _amplitude(data: Observations, rows: Tensor) -> float:
    """Return the root mean square of the observed values of some trajectories."""
    own = torch.zeros(len(data), dtype=torch.bool).index_fill(0, rows, True)
    parts = [(part, own[part]) for part, _ in data.blocks()]
    largest = max(float(data.values[part][some].abs().nan_to_num().max()) for part, some in parts if some.any())
    if largest == 0:
        raise DataError("u is zero in all that may be trained on; there is nothing to learn")
    squares, count = 0.0, 0
    for part, some in parts:
        values = data.values[part][some] / largest
        squares += float(values.square().nansum())
        count += int((~values.isnan()).sum())
    return largest * math.sqrt(squares / count)


def _moving(still: FieldEncoder, sample: Observations) -> tuple[FieldEncoder, Tensor]:
    """Return the basis that moves with the fields, its reference amid theirs and its ratio chosen by the indicator; and scales and shifts."""
    moving = replace(still, moving=True)
    log_scale, shift = moving.to_data_units(locate(moving, sample))
    seen = sample.observed
    centre = log_scale[seen].median(0).values.exp(), shift[seen].median(0).values
    moving = replace(moving, scale=tuple(centre[0].tolist()), shift=tuple(centre[1].tolist()))
    ratio = [1.0] * sample.dim

    def scale_shift(ratio: Sequence[float]) -> Tensor:
        return moving.from_data_units(log_scale + log_scale.new_tensor(ratio).log(), shift)

    for axis in moving.moving_axes[0]:

        def along(factor: float, axis: int = axis) -> float:
            return _indicator(moving, sample, axis, scale_shift([*ratio[:axis], factor, *ratio[axis + 1 :]]))

        ratio[axis] = adapt.choose_scale(1.0, along, _noise(moving, sample, axis, scale_shift(ratio)))
    return replace(moving, ratio=tuple(ratio)), scale_shift(ratio)


def _families(data: Observations, choice: BasisChoice) -> tuple[list[Family], list[float]]:
    """Return the families, and the ends of half-lines."""
    made = [
        make_family(name, data.coordinate(axis), domain)
        for axis, (name, domain) in enumerate(zip(choice.names, choice.domains, strict=True))
    ]
    return [family for family, _ in made], [end for _, end in made]


def _indicator(
    encoder: FieldEncoder, sample: Observations, axis: int | None, scale_shift: Tensor | None = None
) -> float:
    """Return the median frequency indicator of the encoded snapshots along one axis, or the largest of all axes."""
    coef = encoder.coefficients(sample, scale_shift)
    seen = (sample.values.nan_to_num() != 0).any(-1)
    axes = range(sample.dim) if axis is None else [axis]
    return max(float(adapt.frequency_indicator(coef, encoder.degrees_along(d))[seen].median()) for d in axes)


def _noise(encoder: FieldEncoder, sample: Observations, axis: int, scale_shift: Tensor | None = None) -> float:
    """Return what the indicator along one axis would be if its top third held nothing but noise; over some snapshots."""
    some, own = some_snapshots(sample, scale_shift)
    coef, noise = encoder.coefficients(some, own), encoder.noise(some, own)
    n = encoder.degrees_along(axis)
    indicator = adapt.frequency_indicator(noise, n) * noise.norm(dim=-1) / coef.norm(dim=-1).clamp_min(1e-300)
    return float(indicator.median())


def _observed(sample: Observations) -> int:
    """Return how many values most of the snapshots hold, those without any left out."""
    counts = (~sample.values.isnan()).sum(-1)
    return int(counts[counts > 0].double().quantile(0.25))


def _check_degree(degree: int, families: Sequence[Family], index_set: IndexSet, channels: int) -> None:
    """Refuse a degree whose right-hand side, with its gradients, would not fit in memory."""
    width = Space(families, index_set).size * channels
    need, have = _memory_needed(width), memory()
    if need > have // 2:
        raise DataError(
            f"degree={degree}: a right-hand side of {width} coefficients needs {need / 2**30:.1f} GiB;"
            f" half of this machine's memory is {have / 2**31:.1f} GiB"
        )


def _memory_needed(width: int) -> int:
    """Return the bytes that a right-hand side of so many coefficients takes, with its gradients."""
    return 8 * 4 * width * (width + 256)


def _scale_and_shift(
    sample: Observations, families: Sequence[Family], ends: Sequence[float], amplitude: float
) -> tuple[list[float], list[float]]:
    """Return scale and shift of every axis from the moments of the observed fields."""
    scale, shift = [1.0] * sample.dim, list(ends)
    for axis, family in enumerate(families):
        if not family.learns_scale:
            continue
        if sample.dim == 1:
            centroid, spread, wave = adapt.moments(sample.values, sample.points[:, None, None, :])
        else:
            centroid, spread = _spread(sample, axis)
            wave = 0.25 / spread  # that of a Gaussian; refined below
        reach = float(sample.coordinate(axis).max()) - shift[axis]
        scale[axis], shift[axis] = family.scale_shift_of_moments(centroid, spread, wave, shift[axis], reach)
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
    """Multiply the scale of axes on the line to (Var_k / Var_x)^(1/4), with Var_k = |du/dx|^2 / |u|^2 from a first fit."""
    observed = _observed(sample)
    sets = [HyperbolicCross(n, -1.0) for n in DEGREES]
    fitting = [s for s in sets if Space(families, s).size <= max(4, observed // 4)] or sets[:1]
    encoder = FieldEncoder(Space(families, fitting[min(2, len(fitting) - 1)]), tuple(scale), tuple(shift), amplitude)
    coef = encoder.coefficients(sample)
    for axis, family in enumerate(families):
        if family.learns_shift:
            slope = encoder.standard.differentiate(coef, axis)  # with respect to z
            wave = float(slope.square().sum() / coef.square().sum().clamp_min(1e-300))
            scale[axis] *= (2 * wave) ** 0.25
