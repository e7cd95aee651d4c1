"""Frequency indicator, moments, and the choice of scale and degree by them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..support.extras import optional


def frequency_indicator(coef: Tensor, degrees: np.ndarray | None = None) -> Tensor:
    """Return F = sqrt(sum over the top third of |c_n|^2 / sum |c_n|^2), over the last axis.

    Small where the coefficients decay inside the space; it stops falling at the noise.

    Parameters
    ----------
    coef : Tensor (..., K)
        Coefficients.
    degrees : array (K,), optional
        The degree n_d of each coefficient along one axis of a space of several; default 0 .. K-1.

    Returns
    -------
    Tensor (...,)
        From 0 to 1; 0 where all coefficients are.

    Examples
    --------
    >>> import torch
    >>> round(float(frequency_indicator(torch.tensor([1.0, 0.0, 0.1]))), 3)
    0.1
    """
    power = coef.abs().square()
    n = np.arange(coef.shape[-1]) if degrees is None else np.asarray(degrees, dtype=np.int64)
    count = int(n.max()) + 1
    top = torch.from_numpy(n >= count - max(1, count // 3)).to(coef.device)
    tiny = torch.finfo(power.dtype).tiny
    return (power[..., top].sum(-1) / power.sum(-1).clamp_min(tiny)).sqrt()


def moments(values: Tensor, points: Tensor) -> tuple[float, float, float]:
    r"""Return the centroid of u^2, its variance, and the variance of the wave number, over all rows; NaN are skipped.

    .. math:: \bar x = \frac{\int x u^2}{\int u^2}, \qquad \mathrm{Var}_x = \frac{\int (x - \bar x)^2 u^2}{\int u^2}, \qquad
              \mathrm{Var}_k = \frac{\int (u')^2}{\int u^2}

    Integrals by the trapezoidal rule over the sorted points. Both variances are kept within what the points can tell:
    lengths from a thousandth of their extent to the extent itself.

    Parameters
    ----------
    values : Tensor (..., M)
        Real values u.
    points : Tensor (..., M)
        Where, on one axis; leading axes broadcast.

    Returns
    -------
    centroid : float
        In units of x.
    spread : float
        In units of x squared.
    wave : float
        In units of 1 / x squared.

    Examples
    --------
    >>> import torch
    >>> x = torch.linspace(-6, 6, 2001, dtype=torch.float64)
    >>> [round(number, 3) for number in moments(torch.exp(-0.5 * (x - 1) ** 2), x)]
    [1.0, 0.5, 0.5]
    """
    totals = torch.zeros(4, dtype=torch.float64)
    low, high = float(points.min()), float(points.max())
    extent = max(high - low, 1e-300)
    # In units of the extent, so that neither the unit of x nor a far away origin costs digits.
    points = (points - low) / extent
    values = values / values.abs().nan_to_num().max().clamp_min(1e-300)
    shape = torch.broadcast_shapes(values.shape, points.shape)
    for u, x in zip(
        values.expand(shape).reshape(-1, shape[-1]), points.expand(shape).reshape(-1, shape[-1]), strict=True
    ):
        seen = ~u.isnan()
        x, order = x[seen].sort()
        u = u[seen][order]
        step = x.diff()
        keep = step > 0
        if keep.sum() < 2:
            continue
        middle, height, step = (0.5 * (x[1:] + x[:-1]))[keep], (0.5 * (u[1:] + u[:-1]))[keep], step[keep]
        slope = u.diff()[keep] / step
        weight = height**2 * step
        totals += torch.stack(
            [weight.sum(), (weight * middle).sum(), (weight * middle**2).sum(), (slope**2 * step).sum()]
        )
    mass = max(float(totals[0]), 1e-300)
    centroid = float(totals[1]) / mass
    spread = min(max(float(totals[2]) / mass - centroid**2, 1e-6), 1.0)
    wave = min(max(float(totals[3]) / mass, 1.0), 1e6)
    return low + extent * centroid, extent**2 * spread, wave / extent**2


def choose_scale(start: float, indicator: Callable[[float], float], noise: float = 0.0) -> float:
    """Return beta: the start, unless the indicator's minimum lies clearly (a factor of 2) below its value there.

    Sought from a third to three times the start.

    Parameters
    ----------
    start : float
        A first beta.
    indicator : callable
        indicator(beta), such as `frequency_indicator` of the coefficients at this scale.
    noise : float
        What the indicator would be at the start if the top third held noise alone: below twice that it says nothing.

    Returns
    -------
    float

    Raises
    ------
    ImportError
        If SciPy is missing.

    Examples
    --------
    >>> import math
    >>> round(choose_scale(1.0, lambda beta: 1e-6 + math.log(beta / 2) ** 2), 1)
    2.0
    """
    if indicator(start) < 2 * noise:
        return start
    found = optional("scipy.optimize", "adapt.choose_scale").minimize_scalar(
        lambda log: np.log(max(indicator(float(np.exp(log))), 1e-300)), bounds=(np.log(start / 3), np.log(start * 3)), method="bounded",
        options={"xatol": 0.02},
    )  # fmt: skip
    return float(np.exp(found.x)) if np.exp(found.fun) < 0.5 * indicator(start) else start


def choose_degree(
    indicator: Callable[[int], float], candidates: list[int], tolerance: float = 3e-4,
    noise: Callable[[int], float] = lambda degree: 0.0,
) -> int:  # fmt: skip
    """Return the smallest degree whose indicator is below the tolerance, or within 1.5 of what noise alone would give.

    Where neither is reached: the smallest within 1.5 of the indicator's floor.

    Parameters
    ----------
    indicator : callable
        indicator(degree), such as `frequency_indicator` of the coefficients in the space of this degree.
    candidates : list of int
        Degrees, the smallest first.
    tolerance : float
        Of the indicator.
    noise : callable
        noise(degree): what noise alone would give; default 0.

    Returns
    -------
    int
        One of the candidates.

    Examples
    --------
    >>> choose_degree(lambda degree: 2.0**-degree, [4, 8, 16, 32])
    16
    """
    found: dict[int, float] = {}
    for degree in candidates:
        found[degree] = indicator(degree)
        if found[degree] < tolerance or found[degree] < 1.5 * noise(degree):
            return degree
    floor = min(found.values())
    return next(degree for degree in candidates if found[degree] <= 1.5 * floor)
