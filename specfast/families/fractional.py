"""Multiplication by a power of t, projected on Laguerre functions: what a fractional Laplacian is on the line."""

from __future__ import annotations

import math

import numpy as np


def power_of_t(count: int, alpha: float, power: float) -> np.ndarray:
    r"""Return the matrix of t^power in the orthonormal functions of the weight t^alpha exp(-t) on the half-line.

    .. math:: M_{mn} = \frac1{\sqrt{h_m h_n}} \int_0^\infty t^{\alpha + p} e^{-t} L_m^{(\alpha)} L_n^{(\alpha)} dt
              = \frac1{\sqrt{h_m h_n}} \sum_k c_{m-k}\, c_{n-k}\, h_k^{(\alpha + p)},
              \quad c_j = \frac{(-p)_j}{j!},\; h_k^{(\alpha)} = \frac{\Gamma(k + \alpha + 1)}{k!}

    since L_n^(alpha) = sum_k c_{n-k} L_k^(alpha + p). Cost O(count^3).

    Parameters
    ----------
    count : int
        How many functions.
    alpha, power : float
        alpha > -1 and power > 0.

    Returns
    -------
    numpy.ndarray (count, count)

    References
    ----------
    DLMF 18.18.18.

    Examples
    --------
    >>> power_of_t(3, 0.0, 1.0).round(12).tolist()
    [[1.0, -1.0, 0.0], [-1.0, 3.0, -2.0], [0.0, -2.0, 5.0]]
    """
    j = np.arange(1, count)
    steps = np.cumprod(np.concatenate([[1.0], (j - 1 - power) / j]))
    place = np.arange(count)[:, None] - np.arange(count)
    connection = np.where(place >= 0, steps[np.maximum(place, 0)], 0.0)

    def norms(own: float) -> np.ndarray:
        # Without Gamma(alpha + 1), which is common to all of them.
        ratios: np.ndarray = np.cumprod(np.concatenate([[1.0], (j + own) / j]))
        return ratios

    size = math.exp(math.lgamma(alpha + power + 1) - math.lgamma(alpha + 1))
    root = np.sqrt(norms(alpha))
    matrix: np.ndarray = size * (connection * norms(alpha + power)) @ connection.T / (root[:, None] * root)
    return matrix
