"""Nodes in one dimension: Gauss rules for the functions, and nested weighted Leja points."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from scipy.linalg import eigvalsh_tridiagonal

from .families import Chebyshev, Family, Laguerre, Legendre, check_degree, family_by_name
from .kernels import backend

MAX_NODES = 100_000


def gauss(family: Family, n: int) -> tuple[np.ndarray, np.ndarray]:
    r"""Return nodes and weights of the n-point Gauss rule for the functions of a family.

    .. math:: \sum_i w_i \varphi_j(z_i) \varphi_k(z_i) = h_j \delta_{jk}, \qquad j, k < n,
              \qquad w_i = 1 / \sum_{k<n} \varphi_k(z_i)^2 / h_k

    The weights belong to the functions (the exponential is part of them): nothing over- or underflows at any n. Nodes
    are the eigenvalues of the Jacobi matrix (or closed forms), then polished by Newton's method on the recurrence.

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
        If n is out of range.

    References
    ----------
    Golub and Welsch, Math. Comp. 23 (1969), 221-230.

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
    nodes = _newton(family, _start_nodes(family, n), n)
    if not isinstance(family, Laguerre):
        nodes = (nodes - nodes[::-1]) / 2
    return nodes, _christoffel(family, nodes, n)


def _start_nodes(family: Family, n: int) -> np.ndarray:
    if isinstance(family, Legendre):
        # Tricomi's asymptotic formula, good to O(n^-4).
        k = np.arange(n, 0, -1)
        return (1 - (n - 1) / (8 * n**3)) * np.cos(math.pi * (4 * k - 1) / (4 * n + 2))
    a, b, c, _ = family.plain_recurrence(n)
    diagonal = -b / a
    off_diagonal = c[1:] / a[1:]
    return np.sort(eigvalsh_tridiagonal(diagonal, off_diagonal))


def _newton(family: Family, nodes: np.ndarray, n: int) -> np.ndarray:
    """Polish zeros of phi_n: quadratic convergence from a start that is right to several digits."""
    kernels = backend(torch.device("cpu"))
    coef = torch.zeros(n + 1, dtype=torch.float64)
    coef[n] = 1
    for _ in range(4):
        z = torch.from_numpy(nodes)
        step = (kernels.synthesize(coef, z, family, 0) / kernels.synthesize(coef, z, family, 1)).numpy()
        improved = nodes - step
        # A step that would leave the neighbourhood is rounding noise or a poor start; the eigenvalue is kept then.
        spacing = np.gradient(nodes) if n > 1 else np.ones(1)
        accepted = np.isfinite(step) & (np.abs(step) < 0.5 * np.abs(spacing))
        nodes = np.where(accepted, improved, nodes)
        if np.all(np.abs(step) <= 4e-16 * np.maximum(np.abs(nodes), np.abs(spacing))):
            break
    return nodes


def _christoffel(family: Family, nodes: np.ndarray, n: int) -> np.ndarray:
    kernels = backend(torch.device("cpu"))
    block = max(1, (1 << 22) // n)
    sums = [
        kernels.basis(torch.from_numpy(nodes[i : i + block]), n, family, 0).square().sum(-1).numpy()
        for i in range(0, n, block)
    ]
    return 1 / np.concatenate(sums)


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
