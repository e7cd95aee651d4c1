"""Rational functions on the line, which fall off like a power."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from .base import Family, check_degree
from .exponential_transform import LineTransform
from .exponentials import ExponentialForm, modes_of_pairs, pairs_of_sums
from .fractional import power_of_t
from .registry import register_family
from .tables import DifferentiationTables, RecurrenceTables


class LineForm(ExponentialForm):
    """(1 + iz)^k / (1 - iz)^{k+1} with z = tan(theta / 2)."""

    def angle(self, z: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return 2 arctan z, and s = sqrt(2 / pi) / (1 - iz)."""
        inverse = math.sqrt(2 / math.pi) / (1 + z * z)
        return 2 * torch.atan(z), torch.complex(inverse, z * inverse)

    def modes(self, coef: Tensor) -> Tensor:
        """a_k - i b_k."""
        return modes_of_pairs(coef, 2)

    def from_modes(self, sums: Tensor, count: int) -> Tensor:
        """Real and imaginary parts."""
        return pairs_of_sums(sums, count, 2)


@register_family
@dataclass(frozen=True, repr=False)
class Rational(Family):
    r"""Real Malmquist-Takenaka functions on the line: smooth, falling off like 1 / x, sums of them like higher powers.

    .. math:: \varphi_{2k}(z) + i \varphi_{2k+1}(z) = \sqrt{2/\pi}\, \frac{(1 + i z)^k}{(1 - i z)^{k+1}}
              = \sqrt{2/\pi}\, \cos(\theta/2)\, e^{i (k + 1/2) \theta}, \qquad z = \tan(\theta/2)

    Orthonormal in L2; phi_0 is the Cauchy density but for a factor, even functions and odd ones take turns. d/dz is banded
    and skew. The degree is k: up to degree N there are 2 N + 2 functions. Coefficients of values on their nodes are one FFT.

    Parameters
    ----------
    degree : int, optional
        Highest degree N of a one-dimensional space.

    References
    ----------
    Christov, SIAM J. Appl. Math. 42 (1982), 1337-1344; Iserles and Webb, J. Fourier Anal. Appl. 26 (2020), 19.

    Examples
    --------
    >>> import torch, specfast as sf
    >>> space = sf.Space(sf.Rational(degree=8))
    >>> coef = space.project(1 / (1 + space.nodes() ** 2))
    >>> round(float(coef[0]) ** 2, 6), float(coef[1:].abs().max()) < 1e-15  # pi / 2: the squared norm
    (1.570796, True)
    """

    start: ClassVar[int] = 4
    paired: ClassVar[int] = 2
    # One degree, and the pair of a last function that stands alone.
    degree_growth: ClassVar[int] = 3
    learns_shift: ClassVar[bool] = True

    def __init__(self, *, degree: int | None = None):
        object.__setattr__(self, "degree", None if degree is None else check_degree(degree))

    @property
    def domain(self) -> tuple[float, float]:
        """The whole line."""
        return -math.inf, math.inf

    def limits(self, count: int, single: bool) -> tuple[float, float, float]:
        """Z^2 must not overflow; beyond, every function is below 1e-18 in float32, 1e-150 in float64."""
        most = 1e18 if single else 1e150
        return most, most, 0.0

    def recurrence_tables(self, count: int, single: bool = False) -> RecurrenceTables:
        """Return the factor sqrt(2 / pi)."""
        scale = np.full(count, math.sqrt(2 / math.pi))
        return RecurrenceTables(np.zeros(count), None, scale, self.start, *self.limits(count, single))

    def differentiation_tables(self, count: int) -> DifferentiationTables:
        r"""With f_k = phi_{2k} + i phi_{2k+1}: f_k' = (i/2) (k f_{k-1} + (2 k + 1) f_k + (k + 1) f_{k+1})."""
        n, zero = np.arange(count), np.zeros(count)
        k, even = (n // 2).astype(float), n % 2 == 0
        # Of u = sum a_k Re f_k + b_k Im f_k, what the derivative has of Re f_j comes from b, of Im f_j from a.
        own_lower = np.where(even, 0.0, -(2 * k + 1) / 2)
        own_upper = np.where(even, (2 * k + 1) / 2, 0.0)
        # Re f_j, at 2 j: from b_{j-1} at 2 j - 1 and b_{j+1} at 2 j + 3. Im f_j, at 2 j + 1: a_{j-1} at 2 j - 2, a_{j+1} at 2 j + 2.
        lower = np.where(even, k / 2, own_lower)
        upper = np.where(even, own_upper, -(k + 1) / 2)
        far_lower, far_upper = np.where(even, 0.0, -k / 2), np.where(even, (k + 1) / 2, 0.0)
        return DifferentiationTables(zero, zero, lower, zero, upper, far_lower, far_upper)

    def fractional_laplacian(self, count: int, power: float) -> np.ndarray:
        """The same of real and imaginary parts: the Fourier transform of a pair is (-1)^k L_k(2 k) exp(-k) on the half-line."""
        degrees = count // 2 + count % 2
        sign = (-1.0) ** np.arange(degrees)
        own = sign[:, None] * sign * power_of_t(degrees, 0.0, power) / 2**power
        return np.kron(own, np.eye(2))[:count, :count]

    def integrals(self, count: int) -> np.ndarray:
        """(-1)^k sqrt(2 pi) of phi_{2k}; 0 of odd functions, as the limit over growing intervals (-R, R)."""
        n = np.arange(count)
        sign = 1.0 - 2.0 * (n // 2 % 2)
        return np.where(n % 2 == 0, math.sqrt(2 * math.pi) * sign, 0.0)

    def gauss_rule(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return tan(theta / 2) at theta = (2 i + 1 - n) pi / n, and (1 + z^2) pi / n."""
        half = (2 * np.arange(n) + 1 - n) * (math.pi / (2 * n))
        return np.tan(half), math.pi / (n * np.cos(half) ** 2)

    def nodes_transform(self, nodes: int, dtype: torch.dtype, device: torch.device) -> LineTransform:
        """Return a complex FFT between factors."""
        return LineTransform(nodes, dtype, device)

    def nodes_for_change(self, count: int, ratio: Tensor, offset: Tensor) -> int:
        """The new w is a Moebius map of the old one with a zero at distance rho < 1 from 0, where powers of it fall off."""
        if not ratio.numel():
            return count
        pole = torch.complex(offset.double(), 1 / ratio.double())
        rho = float(((1 + 1j * pole) / (1 - 1j * pole)).abs().max())
        needed = (count * (1 + rho) + 80) / (1 - rho) if rho < 1 else math.inf
        if not needed <= 1e6:
            raise ValueError(
                f"new_scale, new_shift: too far from scale and shift, the projection would need {needed:.2g} nodes"
            )
        return max(count, math.ceil(needed))

    def product_rule(self, count: int, factors: int) -> tuple[int, float]:
        """More nodes, at the same places for any number of factors."""
        return factors * count // 2 + 1, 1.0

    @property
    def exponential_form(self) -> LineForm:
        """Exponentials in the angle."""
        return LineForm()

    def turning_point(self, degree: int) -> float:
        """Return about how far out the function of this degree oscillates, 2 (N + 1) / pi."""
        return max(1.0, 2 * (degree + 1) / math.pi)

    def leja_candidates(self) -> np.ndarray:
        """Return 2^13 - 1 points, evenly spaced in theta."""
        points: np.ndarray = np.tan(np.arange(1 - 2**12, 2**12) * (math.pi / 2**13))
        return points

    def scale_shift_of_moments(
        self, centroid: float, spread: float, wave: float, end: float, reach: float
    ) -> tuple[float, float]:  # fmt: skip
        """beta^4 = 2 Var_k / Var_x, which is right for phi_0."""
        return (2 * wave / spread) ** 0.25, centroid

    @classmethod
    def for_points(cls, low: float, high: float, domain: tuple[float, float] | None) -> tuple[Self, float]:
        """Hold any points; a domain cannot be chosen."""
        if domain is not None and (math.isfinite(domain[0]) or math.isfinite(domain[1])):
            raise ValueError(
                f"domain={domain[0]:g},{domain[1]:g}: the Rational basis lives on the whole line, takes none"
            )
        return cls(), 0.0
