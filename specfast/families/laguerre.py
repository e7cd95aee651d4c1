"""Generalised Laguerre functions on a half-line."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from .base import MAX_SINGLE, Family, check_degree
from .gauss_nodes import Stretch
from .kepler import solve_kepler
from .registry import register_family
from .tables import DifferentiationTables, EndTables

_MAX_ALPHA = 150.0


@register_family
@dataclass(frozen=True, repr=False)
class Laguerre(Family):
    r"""Generalised Laguerre functions on a half-line.

    .. math:: \varphi_n(z) = \sqrt{\tfrac{n!}{\Gamma(n+\alpha+1)}}\, L_n^{(\alpha)}(z)\, e^{-z/2}

    Orthonormal in L2 of z^alpha dz on [0, inf). The half-line starts at `shift`; with ``sign=-1`` it extends to the left.

    Parameters
    ----------
    alpha : float, default 0
        Exponent of the weight, -1 < alpha <= 150 (beyond, Gauss weights leave the range of float64).
    degree : int, optional
        Highest degree of a one-dimensional space.
    sign : {1, -1}, default 1
        Direction of the axis: z = sign beta (x - x0).

    Examples
    --------
    >>> import specfast as sf
    >>> sf.Laguerre(0.5).name
    'laguerre(0.5)'
    """

    parameters: ClassVar[tuple[str, ...]] = ("alpha",)
    start: ClassVar[int] = 1
    symmetric: ClassVar[bool] = False
    alpha: float = 0.0
    sign: int = 1  # type: ignore[misc]

    def __init__(self, alpha: float = 0.0, *, degree: int | None = None, sign: int = 1):
        if not isinstance(alpha, (int, float, np.floating, np.integer)) or isinstance(alpha, bool):
            raise TypeError(f"alpha={alpha!r}: a number is expected")
        if not -1 < alpha <= _MAX_ALPHA:
            raise ValueError(f"alpha={alpha}: a number above -1 and at most {_MAX_ALPHA:g} is expected")
        if sign not in (1, -1):
            raise ValueError(f"sign={sign!r}: 1 or -1 is expected")
        object.__setattr__(self, "alpha", float(alpha))
        object.__setattr__(self, "sign", int(sign))
        object.__setattr__(self, "degree", None if degree is None else check_degree(degree))

    @property
    def domain(self) -> tuple[float, float]:
        """The half-line [0, inf)."""
        return 0.0, math.inf

    @property
    def power(self) -> float:  # type: ignore[override]
        """Exponent of beta that keeps the functions orthonormal in (x - x0)^alpha dx."""
        return (self.alpha + 1) / 2

    def plain_recurrence(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Return a, b, c and phi_0 / exp(-z/2)."""
        n = np.arange(count, dtype=float)
        width = np.sqrt((n + 1) * (n + self.alpha + 1))
        c = np.sqrt(n * (n + self.alpha)) / width
        return -1 / width, (2 * n + self.alpha + 1) / width, c, math.exp(-0.5 * math.lgamma(self.alpha + 1))

    def limits(self, count: int, single: bool) -> tuple[float, float, float]:
        """exp(-z/2) stays above 1e-150 for z <= 650; see Hermite. The end z = 0 costs digits as the degree grows."""
        far = 1.5 * (4 * count + 2 * self.alpha + 2) + 1600
        if single:
            return 80.0, far, min(8.0, 0.5 + count / 120) if count > 24 else 0.0
        largest = self.alpha / 2 * math.log(count + 1) - 0.5 * math.lgamma(self.alpha + 1)
        return 650.0, far, (64.0 if self.alpha < -0.5 else 8.0) if count > 256 and largest < 600 else 0.0

    def end_tables(self, count: int) -> EndTables:
        """r_n = n / (n + alpha + 1), kappa_n = 1 / (n + alpha + 1), phi_n(0) = sqrt(Gamma(n+alpha+1) / n!) / Gamma(alpha+1)."""
        n = np.arange(count, dtype=float)
        growth = np.sqrt((n[:-1] + self.alpha + 1) / (n[:-1] + 1)).astype(np.longdouble)
        first = math.exp(-0.5 * math.lgamma(self.alpha + 1))
        value = first * np.concatenate([[1], np.cumprod(growth)])
        return EndTables(n / (n + self.alpha + 1), 1 / (n + self.alpha + 1), np.minimum(value, 1e300).astype(float))

    def single_suffices(self, count: int) -> bool:
        """As for all families; phi_n(0) must lie within float32 too."""
        return count <= MAX_SINGLE and self.alpha <= 12

    def differentiation_tables(self, count: int) -> DifferentiationTables:
        """phi_n' = -phi_n / 2 - s_n sum_{k<n} phi_k / s_k with s_n = sqrt(n! / Gamma(n + alpha + 1))."""
        n, zero = np.arange(count, dtype=float), np.zeros(count)
        ratio = np.sqrt((n + 1) / (n + self.alpha + 1))
        return DifferentiationTables(ratio, zero, zero, np.full(count, -0.5), -ratio / 2)

    def integrals(self, count: int) -> np.ndarray:
        """2 (-1)^n for alpha = 0."""
        if self.alpha != 0:
            return super().integrals(count)
        return np.where(np.arange(count) % 2 == 0, 2.0, -2.0)

    @property
    def orthonormal(self) -> bool:  # type: ignore[override]
        """In L2 of dz itself, without a weight, for alpha = 0 alone."""
        return self.alpha == 0

    def turning_point(self, degree: int) -> float:
        """Return 4 N + 2."""
        return 4.0 * degree + 2

    def gauss_start(self, n: int) -> np.ndarray:
        """Return approximate zeros by the phase of sqrt(R) / x, R = -x^2/4 + kappa x - a^2/4, kappa = n + (alpha + 1)/2.

        a = alpha is Langer's form of the centrifugal term; for alpha < 0 there is no barrier and a = 0. The phase from x to
        the right turning point is (k - 1/4) pi. Solved by Newton's method in theta, x = 2 kappa + 2 D cos theta, in a bracket.
        """
        k = np.arange(n, 0, -1)
        kappa, a = n + (self.alpha + 1) / 2, max(self.alpha, 0.0)
        width = math.sqrt(kappa**2 - a**2 / 4)
        target = (k - 0.25) * math.pi
        low, high = np.zeros(n), np.full(n, math.pi)
        theta = np.clip(solve_kepler(target / kappa), 1e-6, math.pi - 1e-6)  # exact for a = 0
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
        zeros: np.ndarray = 2 * kappa + 2 * width * np.cos(theta)
        if self.alpha < 0:  # the first zero goes to the end as alpha goes to -1: Bessel's, squared, by two terms
            zeros[0] = (self.alpha + 1) * (1 + (self.alpha + 1) / 2) / kappa
        return zeros

    def normal_form(self, n: int) -> tuple[Stretch, Stretch] | None:
        """With u = t^(alpha + 1/2) phi_n(t^2): u'' + (4 n + 2 alpha + 2 - t^2 + (1/4 - alpha^2) / t^2) u = 0.

        Seen from t = 0 and from the turning point, q = (T - t) (T + t) (1 - c / t^2) with c = (alpha^2 - 1/4) / T^2.
        None close to alpha = -1, where q at rounding does not tell the first zero.
        """
        if self.alpha < -0.999:
            return None
        level = 4 * n + 2 * self.alpha + 2
        square = (level + math.sqrt(level**2 + 1 - 4 * self.alpha**2)) / 2
        top, c, power = math.sqrt(square), (self.alpha**2 - 0.25) / square, 2 * self.alpha + 1
        return (
            Stretch("hard", lambda d: level - d * d, top / 2, np.square, lambda d: 2 * d**power, self.alpha),
            Stretch(
                "soft",
                lambda d: d * (2 * top - d) * (1 - c / (top - d) ** 2),
                top / 2,
                lambda d: (top - d) ** 2,
                lambda d: 2 * (top - d) ** power,
            ),
        )

    def normal_form_slope(self, z: np.ndarray) -> np.ndarray:
        """Return (alpha + 1) / (2 z)."""
        return (self.alpha + 1) / (2 * z)

    @property
    def leja_exponent(self) -> float:
        """Exponent of z in z^(alpha/2) exp(-z/2)."""
        return max(self.alpha, 0.0) / 2

    def into_domain(self, x: Tensor) -> Tensor:
        """Return log(1 + exp(x))."""
        return torch.nn.functional.softplus(x)

    def product_scale_shift(
        self, scale: Tensor, shift: Tensor, new_scale: Tensor, new_shift: Tensor
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """A product of two functions is a polynomial times one exponential, with beta the mean of the two."""
        return 0.5 * (scale + new_scale), shift

    def mean_degree_balance(
        self, n: Tensor, mean: Callable[[Tensor], Tensor], coupled: Callable[[int, Tensor], Tensor]
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Least where <T> = <z> / 4, with T = -d/dz z d/dz + ... the rest of the functions' operator; the end stays."""
        z = mean(2 * n + self.alpha + 1) - 2 * coupled(1, ((n + 1) * (n + self.alpha + 1)).sqrt())
        rest = mean(n + (self.alpha + 1) / 2) - z / 4
        factor = (4 * rest.clamp_min(1e-12) / z.clamp_min(1e-12)).sqrt()
        return factor, torch.zeros_like(factor)

    @classmethod
    def for_points(cls, low: float, high: float, domain: tuple[float, float] | None) -> tuple[Self, float]:
        """Start at the domain's first number, or at 0."""
        end = domain[0] if domain is not None else 0.0
        if low < end:
            raise ValueError(f"basis=laguerre: a point lies at x = {low:g}, left of the half-line's end {end:g}")
        if domain is not None and high > domain[1]:
            raise ValueError(
                f"domain={end:g},{domain[1]:g}: a point lies at x = {high:g}; END,inf is expected for laguerre"
            )
        return cls(), end

    def scale_shift_of_moments(
        self, centroid: float, spread: float, wave: float, end: float, reach: float
    ) -> tuple[float, float]:  # fmt: skip
        """Beta = 2 / (the centroid's distance from the end), whatever its width."""
        return 2.0 / max(centroid - end, 1e-3 * reach, 1e-300), end
