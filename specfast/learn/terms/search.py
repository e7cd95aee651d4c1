"""The sparse equation that forecasts what it was not fitted to: from the integral form, chosen, refined."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...data import Observations
from ..encoder import FieldEncoder
from ..known_terms import KnownTerms
from ..residuals import some_snapshots
from .dynamics import TermDynamics
from .elimination import sparse_models
from .integral_form import integral_form, row_weights
from .library import Term, candidates
from .rates import Fields
from .refinement import refine, windows_of

SIMPLER = 1.15  # times the least error, that a model with fewer terms may have
SMALL = 1e-5  # of a field: errors that differ by less are alike


@dataclass(frozen=True)
class Tried:
    """A sparse model and the error of its forecasts (inf where the solver gave up; None where nothing could judge)."""

    terms: tuple[Term, ...]
    values: Tensor
    error: float | None


@dataclass(frozen=True)
class Found:
    """The equation that was chosen, the standard deviations (F, J, 2) of its numbers or None, and all that were tried."""

    chosen: Tried
    deviations: Tensor | None
    tried: tuple[Tried, ...]

    def table(self, fields: tuple[str, ...], axes: tuple[str, ...]) -> list[dict[str, Any]]:
        """Return what the metrics say of the candidates."""
        return [
            {
                "terms": [term.text(fields, axes) for term in own.terms],
                "relative_l2": own.error if own.error is None or math.isfinite(own.error) else None,
                "chosen": own.terms == self.chosen.terms,
            }
            for own in self.tried
        ]


Build = Callable[[tuple[Term, ...], Tensor], TermDynamics]
Judge = Callable[[TermDynamics], float | None]


def find_equation(
    encoder: FieldEncoder, seen: Observations, coef: Tensor, rows: Tensor, known: KnownTerms | None, build: Build, judge: Judge
) -> Found:  # fmt: skip
    """Return the sparse equation of some trajectories.

    Parameters
    ----------
    encoder : FieldEncoder
        With a fixed basis.
    seen : Observations
        The data, without times that may not be trained on.
    coef : Tensor (R, T, C, K)
        States of all snapshots.
    rows : Tensor of integers
        Trajectories that may be trained on.
    known : KnownTerms, optional
        What is given of the equation.
    build, judge : callable
        Make a right-hand side of terms and coefficients; return the error of its forecasts where it was not fitted.
    """
    fields, families = Fields(seen.channels), encoder.space.families
    unbounded = [not (family.bounded or family.periodic) for family in families]
    library = candidates(
        encoder.space.dim, len(fields.names), complex_fields=fields.complex, place=unbounded,
        constant=all(family.bounded for family in families),
    )  # fmt: skip
    own, times, usable = coef[rows], seen.times[rows], seen.observed[rows]
    some, _ = some_snapshots(seen.select(rows))
    noise = encoder.noise(some)[:, 0]
    weight = row_weights(encoder, fields, encoder.coefficients(some)[:, 0], noise)
    system = integral_form(encoder, fields, library, own, times, usable, weight, known)
    tried = []
    for model in sparse_models(system):
        dynamics = build(model.terms, model.values)
        tried.append(Tried(model.terms, model.values, judge(dynamics)))
    chosen = _choose(tried)
    dynamics = build(chosen.terms, chosen.values)
    channel_weight = fields.to_channels(torch.complex(weight, weight) if fields.complex else weight)
    windows = windows_of(own, times, usable, channel_weight)
    deviations = None if windows is None else refine(dynamics, windows)
    refined = Tried(chosen.terms, dynamics.values.clone(), judge(dynamics))
    if deviations is None or not _as_good(refined, chosen):
        refined, deviations = chosen, deviations
    return Found(refined, deviations, tuple(tried))


def _choose(tried: list[Tried]) -> Tried:
    """Return the one with the fewest terms whose forecasts are nearly as good as the best; without any, what keeps most of the fit."""
    errors = [own.error for own in tried if own.error is not None]
    if not errors or not math.isfinite(min(errors)):
        return tried[len(tried) // 2]
    most = max(SIMPLER * min(errors), min(errors) + SMALL)
    return next(own for own in tried if own.error is not None and own.error <= most)


def _as_good(refined: Tried, before: Tried) -> bool:
    if refined.error is None or before.error is None:
        return True
    return refined.error <= max(1.02 * before.error, before.error + 1e-6)
