"""Nodes in one dimension: Gauss rules for the functions, and nested weighted Leja points."""

from __future__ import annotations

import math
from functools import lru_cache
from types import ModuleType

import numpy as np
import torch

from .families import Chebyshev, Family, Laguerre, Legendre, check_degree, family_by_name
from .kernels import backend

MAX_NODES = 100_000


def gauss(family: Family, n: int) -> tuple[np.ndarray, np.ndarray]:
    r"""Return nodes and weights of the n-point Gauss rule for the functions of a family.

    .. math:: \sum_i w_i \varphi_j(z_i) \varphi_k(z_i) = h_j \delta_{jk}, \qquad j, k < n,
              \qquad w_i = 1 / \sum_{k<n} \varphi_k(z_i)^2 / h_k

    The weights belong to the functions (the exponential is part of them): nothing over- or underflows at any n. Nodes
    start from the phase of the functions between their turning points (or closed forms) and are polished by Newton's
    method on the recurrence. Cost O(n^2).

    Parameters
    ----------
    family : Family
        Its standard domain is used: z in R, [0, inf) or [-1, 1].
    n : int
        Number of nodes, 1 to 100,000.

    Returns
    -------
    nodes, weights : numpy.ndarray
        float64 arrays (n,), nodes ascending.

    Raises
    ------
    ValueError
        If n is out of range, or a weight exceeds float64 (Laguerre with large alpha and n).

    References
    ----------
    Townsend, Trogdon, Olver, IMA J. Numer. Anal. 36 (2016), 337-358; Langer, Phys. Rev. 51 (1937), 669.

    Examples
    --------
    >>> import specfast as sf
    >>> z, w = sf.gauss(sf.Hermite(), 1)
    >>> float(z[0]), round(float(w[0]) ** 2, 12)  # pi ** 0.5 squared
    (0.0, 3.14159265359)
    """
    if not isinstance(family, Family):
        raise TypeError(f"family={family!r}: a Hermite, Laguerre, Chebyshev or Legendre family is expected")
    check_degree(n, "n")
    if not 1 <= n <= MAX_NODES:
        raise ValueError(f"n={n}: 1 to {MAX_NODES} nodes are expected")
    nodes, weights = _gauss(family.name, int(n))
    return nodes.copy(), weights.copy()


@lru_cache(maxsize=64)
def _gauss(name: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    family = family_by_name(name)
    if isinstance(family, Chebyshev):
        nodes = -np.cos((2 * np.arange(n) + 1) * math.pi / (2 * n))
        return (nodes - nodes[::-1]) / 2, np.full(n, math.pi / n)
    symmetric = not isinstance(family, Laguerre)
    start = _start_nodes(family, n)
    nodes = _newton(family, start[n // 2 :] if symmetric else start, n)
    if symmetric and n % 2:
        nodes[0] = 0.0
    with np.errstate(divide="ignore", over="ignore"):
        weights = 1 / kernels_for_nodes().squares(torch.from_numpy(nodes), n, family.name).numpy()
    if not np.isfinite(weights).all():
        raise ValueError(f"family={name}, n={n}: the largest weights exceed float64; a smaller alpha or n is expected")
    if symmetric:
        nodes, weights = (np.concatenate([sign * part[: n % 2 - 1 if n % 2 else None : -1], part])
                          for sign, part in ((-1, nodes), (1, weights)))  # fmt: skip
    return nodes, weights


def kernels_for_nodes() -> ModuleType:
    """Return the backend that nodes and weights are computed with."""
    return backend(torch.device("cpu"))


def _start_nodes(family: Family, n: int) -> np.ndarray:
    """Return approximate zeros of phi_n, ascending: right to a few hundredths of their distance, mostly far better."""
    k = np.arange(n, 0, -1)  # counted from the right
    if isinstance(family, Legendre):
        # Tricomi's asymptotic formula, good to O(n^-4).
        return (1 - (n - 1) / (8 * n**3)) * np.cos(math.pi * (4 * k - 1) / (4 * n + 2))
    if isinstance(family, Laguerre):
        return _laguerre_start(n, family.alpha, k)
    # The phase from x to the turning point, (2 theta - sin 2 theta) (2 n + 1) / 4 with x = sqrt(2 n + 1) cos theta, is
    # (k - 1/4) pi: the quantisation of the parabolic well.
    theta = 0.5 * _kepler((4 * k - 1) * math.pi / (2 * n + 1))
    return math.sqrt(2 * n + 1) * np.cos(theta)


def _kepler(target: np.ndarray) -> np.ndarray:
    """Solve t - sin t = target on [0, 2 pi] by Newton's method, from the cube root that is right for small t."""
    t = np.minimum(np.cbrt(6 * target), math.pi)
    t = np.where(target > math.pi, 2 * math.pi - np.minimum(np.cbrt(6 * (2 * math.pi - target)), math.pi), t)
    for _ in range(8):
        t = np.clip(t - (t - np.sin(t) - target) / np.maximum(1 - np.cos(t), 1e-12), 0, 2 * math.pi)
    return t


def _laguerre_start(n: int, alpha: float, k: np.ndarray) -> np.ndarray:
    """Return approximate zeros by the phase of sqrt(R) / x, R = -x^2 / 4 + kappa x - a^2 / 4, kappa = n + (alpha + 1) / 2.

    a = alpha is Langer's form of the centrifugal term; for alpha < 0 there is no barrier and a = 0. The phase from x to the
    right turning point is (k - 1/4) pi. Solved by Newton's method in theta, x = 2 kappa + 2 D cos theta, kept in a bracket.
    """
    kappa, a = n + (alpha + 1) / 2, max(alpha, 0.0)
    width = math.sqrt(kappa**2 - a**2 / 4)
    target = (k - 0.25) * math.pi
    low, high = np.zeros(n), np.full(n, math.pi)
    theta = np.clip(_kepler(target / kappa), 1e-6, math.pi - 1e-6)  # exact for a = 0
    for _ in range(30 if a > 0 else 0):
        cosine, sine = np.cos(theta), np.sin(theta)
        x = 2 * kappa + 2 * width * cosine
        # sqrt(R) = D sin theta; the phase is F(x_+) - F(x) of the elementary primitive F.
        phase = kappa * theta - width * sine
        inner = np.clip((kappa * x - a**2 / 2) / (x * width), -1, 1)
        phase += a / 2 * (np.arcsin(inner) - math.pi / 2)
        low, high = np.where(phase < target, theta, low), np.where(phase < target, high, theta)
        moved = theta + (target - phase) * x / np.maximum(2 * (width * sine) ** 2, 1e-300)
        moved = np.where((moved > low) & (moved < high), moved, 0.5 * (low + high))
        done = np.abs(moved - theta).max() < 1e-2 / n
        theta = moved
        if done:
            break
    return 2 * kappa + 2 * width * np.cos(theta)


def _newton(family: Family, nodes: np.ndarray, n: int) -> np.ndarray:
    """Polish zeros of phi_n by Newton's method on u = r phi_n, r chosen so that u'' has no term in u'.

    u'' vanishes at zeros of u then, and convergence is cubic: a step of 1e-5 of the zeros' distance is the last.
    """
    kernels = kernels_for_nodes()
    coef = torch.zeros(n + 1, dtype=torch.float64)
    coef[n] = 1
    lower, upper = family.domain
    for _ in range(8):
        z = torch.from_numpy(nodes)
        value, slope = (kernels.synthesize(coef, z, family.name, order).numpy() for order in (0, 1))
        spacing = np.gradient(nodes) if len(nodes) > 1 else np.ones(len(nodes))
        slope = slope + _logarithmic_slope(family, nodes) * value
        step = np.clip(value / np.where(slope == 0, 1, slope), -0.4 * spacing, 0.4 * spacing)
        moved = nodes - step
        nodes = np.where(moved > lower, np.minimum(moved, upper), 0.5 * (nodes + max(lower, -1e300)))
        if np.all(np.abs(step) <= 1e-5 * spacing):
            break
    return nodes


def _logarithmic_slope(family: Family, z: np.ndarray) -> np.ndarray | float:
    """Return r' / r for the factor r that brings the functions' differential equation to normal form."""
    if isinstance(family, Laguerre):
        return (family.alpha + 1) / (2 * z)
    if isinstance(family, Legendre):
        return -z / (1 - z**2)
    return 0.0


def leja(family: Family, n: int) -> np.ndarray:
    r"""Return the first n weighted Leja points of a family, in their nested order.

    .. math:: z_j = \arg\max_z\; w(z) \prod_{i<j} |z - z_i|, \qquad w = e^{-z^2/2},\; z^{\alpha/2} e^{-z/2},\; 1

    The first n points are the same for every larger n, which is what makes nested grids on index sets possible.

    Parameters
    ----------
    family : Family
        Its standard domain is used.
    n : int
        Number of points; the cost grows as n^3, about a second at n = 300.

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
    if not isinstance(family, Family):
        raise TypeError(f"family={family!r}: a Hermite, Laguerre, Chebyshev or Legendre family is expected")
    check_degree(n, "n")
    if n < 1:
        raise ValueError(f"n={n}: at least 1 point is expected")
    size = 16
    while size < n:
        size *= 2
    return _leja(family.name, size)[:n].copy()


@lru_cache(maxsize=64)
def _leja(name: str, n: int) -> np.ndarray:
    family = family_by_name(name)
    exponent = max(getattr(family, "alpha", 0.0), 0.0) / 2
    points = np.array([exponent * 2])  # where the weight is largest
    while len(points) < n:
        z, value = _leja_candidates(np.sort(points), family, exponent)
        points = np.append(points, z[np.argmax(value)])
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
