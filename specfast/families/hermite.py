"""Hermite functions on the real line."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from torch import Tensor

from .base import Family, check_degree
from .fractional import power_of_t
from .gauss_nodes import Stretch
from .kepler import solve_kepler
from .registry import register_family
from .tables import DifferentiationTables


@register_family
@dataclass(frozen=True, repr=False)
class Hermite(Family):
    r"""Hermite functions on the real line.

    .. math:: \varphi_n(z) = \frac{H_n(z) e^{-z^2/2}}{\sqrt{2^n n! \sqrt\pi}}, \qquad
              \varphi_{n+1} = \sqrt{\tfrac{2}{n+1}}\, z \varphi_n - \sqrt{\tfrac{n}{n+1}}\, \varphi_{n-1}

    Orthonormal in L2(R).

    Parameters
    ----------
    degree : int, optional
        Highest degree N of a one-dimensional space: functions 0 .. N.

    Examples
    --------
    >>> import specfast as sf
    >>> sf.Space(sf.Hermite(degree=32)).size
    33
    """

    start: ClassVar[int] = 0
    degree_growth: ClassVar[int] = 1
    learns_shift: ClassVar[bool] = True

    def __init__(self, *, degree: int | None = None):
        object.__setattr__(self, "degree", None if degree is None else check_degree(degree))

    @property
    def domain(self) -> tuple[float, float]:
        """The real line."""
        return -math.inf, math.inf

    def plain_recurrence(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Return a, b, c and phi_0 / exp(-z^2/2)."""
        n = np.arange(count, dtype=float)
        return np.sqrt(2 / (n + 1)), np.zeros(count), np.sqrt(n / (n + 1)), math.pi**-0.25

    def limits(self, count: int, single: bool) -> tuple[float, float, float]:
        """exp(-z^2/2) stays above 1e-150 for |z| <= 26; one and a half turning points and 60 lie deep in zero."""
        return 9.0 if single else 26.0, 1.5 * math.sqrt(2 * count + 1) + 60, 0.0

    def differentiation_tables(self, count: int) -> DifferentiationTables:
        """phi_n' = sqrt(n/2) phi_{n-1} - sqrt((n+1)/2) phi_{n+1}."""
        n, zero = np.arange(count, dtype=float), np.zeros(count)
        return DifferentiationTables(zero, zero, -np.sqrt(n / 2), zero, np.sqrt((n + 1) / 2))

    def fractional_laplacian(self, count: int, power: float) -> np.ndarray:
        """Of even and of odd functions by themselves: their Fourier transforms are Laguerre functions of k^2."""
        matrix = np.zeros((count, count))
        for parity in (0, 1):
            own = len(range(parity, count, 2))
            if own:
                matrix[parity::2, parity::2] = power_of_t(own, parity - 0.5, power / 2)
        return matrix

    def integrals(self, count: int) -> np.ndarray:
        """sqrt(2) pi^(1/4) sqrt((n - 1)!! / n!!) for even n, 0 for odd ones."""
        n = np.arange(count)
        ratio, values = np.ones(count), np.zeros(count)
        ratio[2:] = np.sqrt((n[2:] - 1) / n[2:])
        values[::2] = math.sqrt(2) * math.pi**0.25 * np.cumprod(ratio[::2])
        return values

    def turning_point(self, degree: int) -> float:
        """Return sqrt(2 N + 1)."""
        return math.sqrt(2 * degree + 1)

    def gauss_start(self, n: int) -> np.ndarray:
        """Return approximate zeros by the quantisation of the parabolic well.

        The phase from x to the turning point, (2 theta - sin 2 theta) (2 n + 1) / 4 with x = sqrt(2 n + 1) cos theta, is
        (k - 1/4) pi for the k-th zero from the right.
        """
        k = np.arange(n, 0, -1)
        theta = 0.5 * solve_kepler((4 * k - 1) * math.pi / (2 * n + 1))
        return math.sqrt(2 * n + 1) * np.cos(theta)

    def normal_form(self, n: int) -> tuple[Stretch, Stretch]:
        """phi_n'' + (2 n + 1 - z^2) phi_n = 0, seen from z = 0 and from the turning point."""
        level, one = 2 * n + 1, np.ones_like
        top = math.sqrt(level)
        return (
            Stretch("middle", lambda d: level - d * d, top / 2, lambda d: d, one),
            Stretch("soft", lambda d: d * (2 * top - d), top / 2, lambda d: top - d, one),
        )

    def product_scale_shift(
        self, scale: Tensor, shift: Tensor, new_scale: Tensor, new_shift: Tensor
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """A product of two functions is a polynomial times one Gaussian, with beta^2 the mean of the two squares."""
        squares = scale**2 + new_scale**2
        return (0.5 * squares).sqrt(), (scale**2 * shift + new_scale**2 * new_shift) / squares

    def mean_degree_balance(
        self, n: Tensor, mean: Callable[[Tensor], Tensor], coupled: Callable[[int, Tensor], Tensor]
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Least where <z> = 0 and <z^2> = <k^2>, k the wave number; their sum is <2 n + 1>."""
        z = 2 * coupled(1, ((n + 1) / 2).sqrt())
        both, difference = mean(2 * n + 1), 2 * coupled(2, ((n + 1) * (n + 2)).sqrt())
        spread, wave = 0.5 * (both + difference) - z**2, 0.5 * (both - difference)
        return (wave.clamp_min(1e-12) / spread.clamp_min(1e-12)) ** 0.25, z

    @classmethod
    def for_points(cls, low: float, high: float, domain: tuple[float, float] | None) -> tuple[Self, float]:
        """Hold any points; a domain cannot be chosen."""
        if domain is not None and (math.isfinite(domain[0]) or math.isfinite(domain[1])):
            raise ValueError(
                f"domain={domain[0]:g},{domain[1]:g}: the Hermite basis lives on the whole line, takes none"
            )
        return cls(), 0.0

    def scale_shift_of_moments(
        self, centroid: float, spread: float, wave: float, end: float, reach: float
    ) -> tuple[float, float]:  # fmt: skip
        """beta^4 = Var_k / Var_x: what is as wide in z as in wave number."""
        return (wave / spread) ** 0.25, centroid
