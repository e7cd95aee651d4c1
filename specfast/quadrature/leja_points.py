"""Nested weighted Leja points of a family."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch

from ..families import Family, check_degree, check_family, family_by_name
from ..kernels import backend


def leja(family: Family, n: int) -> np.ndarray:
    r"""Return the first n weighted Leja points of a family, in their nested order.

    .. math:: z_j = \arg\max_z\; w(z) \prod_{i<j} |z - z_i|, \qquad w = e^{-z^2/2},\; z^{\alpha/2} e^{-z/2},\; 1

    Of functions that are no polynomials times a weight (on rings, rational ones) each next point is where interpolation on
    those before leaves most of the next function, among some thousand candidates. The first n points are the same for every larger n, which is what makes nested grids on index sets possible.

    Parameters
    ----------
    family : Family
        Its standard domain is used.
    n : int
        Number of points; the cost grows as n^3, about a second at n = 300. Of functions in pairs at most 2,048.

    Returns
    -------
    numpy.ndarray
        float64 array (n,), in nested order, not sorted.

    References
    ----------
    Narayan and Jakeman, SIAM J. Sci. Comput. 36 (2014), A2952-A2983.

    Examples
    --------
    >>> import specfast as sf
    >>> [round(float(z), 6) for z in sf.leja(sf.Hermite(), 3)]
    [0.0, 1.0, -1.24698]
    """
    check_family(family)
    check_degree(n, "n")
    if n < 1:
        raise ValueError(f"n={n}: at least 1 point is expected")
    most = family.leja_candidates()
    if most is not None and 4 * n > len(most):
        raise ValueError(f"n={n}: at most {len(most) // 4} points are expected of {family.name}")
    size = 16
    while size < n:
        size *= 2
    return _leja(family.name, size)[:n].copy()


@lru_cache(maxsize=64)
def _leja(name: str, n: int) -> np.ndarray:
    family = family_by_name(name)
    if (candidates := family.leja_candidates()) is not None:
        return _by_elimination(family, candidates, n)
    exponent = family.leja_exponent
    points = np.array([exponent * 2])  # where the weight is largest
    while len(points) < n:
        z, value = _leja_candidates(np.sort(points), family, exponent)
        points = np.append(points, z[np.argmax(value)])
    return points


def _by_elimination(family: Family, candidates: np.ndarray, n: int) -> np.ndarray:
    """Return the points where what interpolation on those before leaves of phi_0, phi_1, .. is largest, one a function.

    They are the rows that elimination with partial pivoting chooses in the table of the functions at all candidates.
    """
    rest = backend(torch.device("cpu")).vandermonde(torch.from_numpy(candidates), n, family.name, 0).numpy().copy()
    points = np.empty(n)
    for k in range(n):
        pivot = int(np.argmax(np.abs(rest[:, k]).round(12)))
        points[k] = candidates[pivot]
        rest[:, k + 1 :] -= np.outer(rest[:, k] / rest[pivot, k], rest[pivot, k + 1 :])
    return points


def _log_weight(family: Family, exponent: float, z: np.ndarray) -> np.ndarray:
    decay = (-0.5 * z * z, -0.5 * z, 0 * z)[family.start]
    with np.errstate(divide="ignore"):
        return decay + exponent * np.log(np.abs(z)) if exponent else decay


def _log_weight_slope(family: Family, exponent: float, z: np.ndarray) -> np.ndarray:
    slope = (-z, np.full_like(z, -0.5), 0 * z)[family.start]
    return slope + exponent / z if exponent else slope


def _leja_candidates(nodes: np.ndarray, family: Family, exponent: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the maximum in every gap between the nodes, where the objective's logarithm is concave, and its value."""
    lower, upper = family.domain
    reach = 2.0 * math.sqrt(len(nodes) + 1) + 2 if family.start == 0 else 6.0 * len(nodes) + 4 * exponent + 6
    left = lower if math.isfinite(lower) else min(-reach, nodes[0] - 1)
    right = upper if math.isfinite(upper) else max(reach, nodes[-1] + 1)
    edges = np.concatenate([[left], nodes, [right]])
    low, high = edges[:-1].copy(), edges[1:].copy()
    open_gap = high > low
    low, high = low[open_gap], high[open_gap]
    for _ in range(52):
        middle = 0.5 * (low + high)
        slope = _log_weight_slope(family, exponent, middle) + (1 / (middle[:, None] - nodes)).sum(-1)
        low, high = np.where(slope > 0, middle, low), np.where(slope > 0, high, middle)
    z = 0.5 * (low + high)
    for end in (lower, upper):
        if math.isfinite(end) and end not in nodes and not exponent:
            z = np.append(z, end)
    value = _log_weight(family, exponent, z) + np.log(np.abs(z[:, None] - nodes)).sum(-1)
    # A tie between z and -z goes to the positive one, whatever the rounding.
    return z, value + 1e-12 * np.sign(z) * np.maximum(1, np.abs(value))
