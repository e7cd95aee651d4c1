"""The integral form of an equation: what coefficients change by over windows of time, against the integrals of the terms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..encoder import FieldEncoder
from ..known_terms import KnownTerms
from .library import Term
from .rates import Fields, TermRates

WINDOWS = 10  # a trajectory, side by side
FLOOR = 1e-4  # of a field: less is not told from what the integration loses
_NUMBERS = 1 << 24  # that the terms of a block of trajectories take


@dataclass(frozen=True)
class IntegralForm:
    """A system X xi = y for each field, rows reduced to as many as columns by an orthogonal map.

    Attributes
    ----------
    terms : tuple of Term
        The J columns.
    reduced : Tensor (F, J + 1, J + 1)
        The triangle R of X | y, both weighted.
    """

    terms: tuple[Term, ...]
    reduced: Tensor

    def solve(self, field: int, active: list[int]) -> tuple[Tensor, float]:
        """Return the coefficients of some terms, and what they leave of y, relative."""
        r = self.reduced[field]
        columns, y = r[:, active], r[:, -1]
        size = columns.abs().square().sum(0).sqrt().clamp_min(1e-300)
        found = torch.linalg.lstsq(columns / size, y.unsqueeze(1), driver="gelsd").solution[:, 0]
        left = y - (columns / size) @ found
        return found / size, float(left.abs().square().sum().sqrt() / y.abs().square().sum().sqrt().clamp_min(1e-300))


def integral_form(
    encoder: FieldEncoder, fields: Fields, terms: tuple[Term, ...], coef: Tensor, times: Tensor, usable: Tensor, weight: Tensor,
    known: KnownTerms | None = None,
) -> IntegralForm:  # fmt: skip
    """Return the system of trajectories.

    c(t + w) - c(t) = sum_j xi_j int_t^{t+w} P theta_j(u) ds, the integrals those of cubic splines through the observed times.

    Parameters
    ----------
    encoder : FieldEncoder
        With a fixed basis.
    fields : Fields
        Which channels are which fields.
    terms : tuple of Term
        The candidates.
    coef : Tensor (R, T, C, K)
        Of all snapshots.
    times, usable : Tensor (R, T)
        When, and which are observed.
    weight : Tensor (F, K)
        Of the rows.
    known : KnownTerms, optional
        Of the equation, whose integrals are taken from the left side.
    """
    rates = TermRates(encoder, terms)
    per_row = coef.shape[1] * len(terms) * coef.shape[-1] * 4
    step = max(1, _NUMBERS // per_row)
    size = len(terms) + 1
    reduced = [coef.new_zeros(0, size) for _ in fields.names]
    if fields.complex:
        reduced = [torch.complex(r, r) for r in reduced]
    for begin in range(0, len(coef), step):
        own = fields.of(coef[begin : begin + step])
        theta = rates(own)
        part = coef[begin : begin + step]
        given = (
            own.new_zeros(own.shape) if known is None else fields.of(known(part, part.new_zeros(*part.shape[:-2], 0)))
        )
        for row in range(len(own)):
            seen = usable[begin + row].nonzero()[:, 0]
            if len(seen) < 2:
                continue
            both = torch.cat([theta[row][seen], given[row][seen].to(theta.dtype)], 1)
            for rise, integrals in _windows(times[begin + row][seen].numpy(), own[row][seen], both):
                for f in range(len(fields.names)):
                    y = ((rise[:, f] - integrals[:, len(terms) + f]) * weight[f]).flatten()
                    x = (integrals[:, : len(terms)] * weight[f]).transpose(1, 2).flatten(0, 1)
                    block = torch.cat([reduced[f], torch.cat([x, y.unsqueeze(1)], 1)])
                    reduced[f] = torch.linalg.qr(block, mode="r").R
    padded = [torch.nn.functional.pad(r, (0, 0, 0, size - len(r))) for r in reduced]
    return IntegralForm(terms, torch.stack(padded))


def _windows(times: np.ndarray, coef: Tensor, theta: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield rises (W, F, K) and integrals (W, J, K) over all windows of a length."""
    from scipy.interpolate import CubicSpline

    count = len(times)
    length = max(1, round((count - 1) / WINDOWS))
    flat = theta.flatten(1).numpy()
    if count >= 4:
        antiderivative = CubicSpline(times, flat).antiderivative()(times)
    else:
        pieces = 0.5 * np.diff(times)[:, None] * (flat[1:] + flat[:-1])
        antiderivative = np.concatenate([np.zeros_like(pieces[:1]), np.cumsum(pieces, 0)])
    total = torch.from_numpy(antiderivative).reshape(theta.shape)
    yield coef[length:] - coef[:-length], total[length:] - total[:-length]


def row_weights(encoder: FieldEncoder, fields: Fields, coef: Tensor, noise: Tensor) -> Tensor:
    """Return (F, K): 1 over the uncertainty of a coefficient, of the field's size times FLOOR at least.

    Parameters
    ----------
    encoder : FieldEncoder
        How the field is written.
    fields : Fields
        Which channels are which fields.
    coef : Tensor (N, C, K)
        Of some snapshots.
    noise : Tensor (N, C, K)
        The standard deviations that noise gives them.
    """
    if fields.complex:
        parts = [fields.of(part).abs() for part in (coef, noise)]
    else:
        parts = [coef, noise]
    size, uncertain = (part.square().mean(0) for part in parts)
    return 1 / (uncertain + FLOOR**2 * size.sum(-1, keepdim=True)).sqrt().clamp_min(1e-300)
