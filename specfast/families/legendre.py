"""Normalised Legendre polynomials on an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .gauss_nodes import Stretch
from .interval import IntervalFamily
from .registry import register_family
from .tables import DifferentiationTables, EndTables


@register_family
@dataclass(frozen=True, init=False, repr=False)
class Legendre(IntervalFamily):
    r"""Normalised Legendre polynomials :math:`\sqrt{n + 1/2}\, P_n` on [a, b], orthonormal in L2.

    Parameters
    ----------
    a, b : float, default -1, 1
        The interval.
    degree : int, optional
        Highest degree of a one-dimensional space.

    Examples
    --------
    >>> import specfast as sf
    >>> sf.Space(sf.Legendre(degree=8)).size
    9
    """

    def plain_recurrence(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """The three-term recurrence of the normalised polynomials."""
        n = np.arange(count, dtype=float)
        a = np.sqrt((2 * n + 1) * (2 * n + 3)) / (n + 1)
        # |2n - 1|: c_0 multiplies phi_{-1} = 0 and only has to be finite.
        c = n / (n + 1) * np.sqrt((2 * n + 3) / np.abs(2 * n - 1))
        return a, np.zeros(count), c, math.sqrt(0.5)

    def end_tables(self, count: int) -> EndTables:
        """r_n = n / (n + 1), kappa_n = (2 n + 1) / (n + 1), phi_n(1) = sqrt(n + 1/2)."""
        n = np.arange(count, dtype=float)
        return EndTables(n / (n + 1), (2 * n + 1) / (n + 1), np.sqrt(n + 0.5))

    def differentiation_tables(self, count: int) -> DifferentiationTables:
        """P_n' = sum over k = n-1, n-3, .. of (2 k + 1) P_k, for the normalised polynomials."""
        n, zero = np.arange(count, dtype=float), np.zeros(count)
        leap = np.sqrt((2 * n + 1) / (2 * n + 5))
        return DifferentiationTables(zero, leap, zero, zero, np.sqrt((2 * n + 1) * (2 * n + 3)))

    def integrals(self, count: int) -> np.ndarray:
        """sqrt(2) for n = 0, otherwise 0."""
        return np.where(np.arange(count) == 0, math.sqrt(2), 0.0)

    def gauss_start(self, n: int) -> np.ndarray:
        """Return approximate zeros by Tricomi's asymptotic formula, good to O(n^-4)."""
        k = np.arange(n, 0, -1)
        return (1 - (n - 1) / (8 * n**3)) * np.cos(math.pi * (4 * k - 1) / (4 * n + 2))

    def normal_form(self, n: int) -> tuple[Stretch, Stretch]:
        """With u = sqrt(sin t) P_n(cos t): u'' + ((n + 1/2)^2 + 1 / (4 sin^2 t)) u = 0, seen from t = pi/2 and from t = 0."""
        square = (n + 0.5) ** 2

        def regular(t: np.ndarray) -> np.ndarray:
            """1 / (4 sin^2 t) - 1 / (4 t^2) is added, by its series where that is right to rounding."""
            t = np.asarray(t)
            away = np.where(t < 0.02, 1.0, t)
            exact = np.sin(away) ** -2 - away**-2
            return square + np.where(t < 0.02, 1 / 3 + t**2 * (1 / 15 + t**2 * (2 / 189 + t**2 / 675)), exact) / 4

        return (
            Stretch("middle", lambda d: square + 0.25 / np.cos(d) ** 2, math.pi / 4, np.sin, np.cos),
            Stretch("hard", regular, math.pi / 4, np.cos, np.sin, 0.0),
        )

    def normal_form_slope(self, z: np.ndarray) -> np.ndarray:
        """Return -z / (1 - z^2)."""
        slope: np.ndarray = -z / (1 - z**2)
        return slope
