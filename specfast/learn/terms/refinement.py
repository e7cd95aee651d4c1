"""Coefficients of a sparse equation from trajectories themselves, and their standard deviations: shooting from many starts."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...nn.exponential import LARGEST_MATRIX, etdrk4
from .dynamics import TermDynamics

ROUNDS = 6
LONGEST = 12  # intervals of a window
MOST = 4000  # numbers of unlike intervals and starts that are looked at
_STEP = 1e-4  # of a coefficient, by which derivatives are found
STEPS = 4  # of the integrator between two times


@dataclass(frozen=True)
class Windows:
    """Stretches of trajectories with the same intervals: coefficients (N, L + 1, C, K), times (L + 1,), weights (C, K)."""

    coef: Tensor
    times: Tensor
    weight: Tensor


def windows_of(coef: Tensor, times: Tensor, usable: Tensor, weight: Tensor) -> Windows | None:
    """Return windows side by side from all trajectories; None where intervals are too unlike for one batch.

    Parameters
    ----------
    coef : Tensor (R, T, C, K)
        Of all snapshots.
    times, usable : Tensor (R, T)
        When, and which are observed.
    weight : Tensor (C, K)
        Of the misfit.
    """
    count = coef.shape[1]
    length = min(LONGEST, max(1, (count - 1) // 2))
    steps = times.diff(dim=-1)
    typical = steps.median()
    found = []
    for begin in range(0, count - length, length):
        span = slice(begin, begin + length + 1)
        alike = ((steps[:, begin : begin + length] - typical).abs() <= 1e-4 * typical).all(1)
        rows = (usable[:, span].all(1) & alike).nonzero()[:, 0]
        found.append(coef[rows, span])
    whole = torch.cat(found) if found else coef.new_zeros(0)
    if len(whole) * length < 2:
        return None
    picked = torch.linspace(0, len(whole) - 1, min(len(whole), max(1, MOST // length))).long()
    return Windows(whole[picked], torch.arange(length + 1, dtype=torch.float64) * typical, weight)


def _rolled(dynamics: TermDynamics, windows: Windows) -> Tensor:
    """Return the coefficients (N, L + 1, C, K) from the first of every window on."""
    shape = windows.coef.shape[-2:]
    linear = dynamics.linear_part()

    def rest(t: Tensor, row: Tensor) -> Tensor:
        coef = row.unflatten(-1, shape)
        slope = dynamics(t, coef, row, row)[0].flatten(-2)
        return slope - (row @ linear.mT if linear.dim() == 2 else row * linear)

    rolled = etdrk4(linear, rest, windows.coef[:, 0].flatten(-2), windows.times, STEPS)
    return rolled.transpose(0, 1).unflatten(-1, shape)


def _misfit(dynamics: TermDynamics, windows: Windows) -> Tensor:
    """Return the weighted differences (N, numbers)."""
    wrong = (_rolled(dynamics, windows) - windows.coef)[:, 1:] * windows.weight
    return wrong.flatten(1)


@torch.no_grad()
def refine(dynamics: TermDynamics, windows: Windows) -> Tensor | None:
    """Let the coefficients minimise the misfit of all windows; return their standard deviations (F, J, 2), or None if it fails.

    Gauss and Newton's method with Levenberg's damping, derivatives by differences. The deviations are those of the
    sandwich estimate with the windows as clusters, which holds where misfits within a window are not independent.

    Parameters
    ----------
    dynamics : TermDynamics
        Started from the integral form.
    windows : Windows
        Of the trajectories that are trained on.
    """
    if dynamics.width > LARGEST_MATRIX:
        return None
    values = dynamics.numbers
    parts = values if dynamics.fields.complex else values[..., :1]
    places = (parts != 0).nonzero() if not dynamics.fields.complex else (
        (dynamics.values != 0).unsqueeze(-1).expand(*values.shape).nonzero()
    )  # fmt: skip
    index = tuple(places.T)
    size = values[index].abs().clamp_min(1e-2 * values.abs().sum(-1)[index[:2]])

    def at(x: Tensor) -> Tensor:
        values[index] = x
        return _misfit(dynamics, windows)

    now = values[index].clone()
    wrong = at(now)
    if not wrong.isfinite().all():
        return None
    damping = 1e-4
    for _ in range(ROUNDS):
        jacobian = torch.stack(
            [(at(now + _STEP * size * e) - wrong) / _STEP for e in torch.eye(len(now), dtype=now.dtype)], -1
        )
        flat = jacobian.flatten(0, 1)
        gram, slope = flat.T @ flat, flat.T @ wrong.flatten()
        if not gram.isfinite().all():
            break
        move = -torch.linalg.lstsq(gram + damping * gram.diagonal().diag(), slope.unsqueeze(1)).solution[:, 0]
        tried = at(now + size * move)
        if tried.isfinite().all() and tried.square().sum() < wrong.square().sum():
            gained = 1 - float(tried.square().sum() / wrong.square().sum())
            now, wrong, damping = now + size * move, tried, max(damping / 10, 1e-12)
            if gained < 1e-4:
                break
        else:
            damping *= 100
            if damping > 1:
                break
    wrong = at(now)
    jacobian = torch.stack(
        [(at(now + _STEP * size * e) - wrong) / _STEP for e in torch.eye(len(now), dtype=now.dtype)], -1
    )
    values[index] = now
    return _deviations(jacobian, wrong, size, values, index)


def _deviations(jacobian: Tensor, wrong: Tensor, size: Tensor, values: Tensor, index: tuple[Tensor, ...]) -> Tensor:
    count, number = len(wrong), len(size)
    flat = jacobian.flatten(0, 1)
    inverse = torch.linalg.pinv(flat.T @ flat, hermitian=True)
    each = (jacobian * wrong.unsqueeze(-1)).sum(1)  # (N, p)
    correction = count / max(1, count - number)
    if count > 2 * number:
        covariance = inverse @ (each.T @ each) @ inverse * correction
    else:  # too few windows to stand for themselves
        covariance = inverse * float(wrong.square().sum() / max(1, wrong.numel() - number))
    found = torch.zeros_like(values)
    found[index] = size * covariance.diagonal().clamp_min(0).sqrt()
    return found
