"""Rational functions on the half-line, which fall off like a power."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from .base import Family, check_degree
from .cosine_transform import CosineTransform
from .exponentials import ExponentialForm
from .nodes_transform import NodesTransform
from .registry import register_family
from .tables import DifferentiationTables, EndTables


class HalfLineForm(ExponentialForm):
    """2 / (1 + z) cos(k theta) with z = tan(theta / 2)^2."""

    def angle(self, z: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return 2 arctan sqrt(z), and s = 2 / (1 + z); s = 0 left of the end."""
        inside = torch.where(z < 0, torch.zeros_like(z), z)
        factor = torch.where(z < 0, torch.zeros_like(z), 2 / (1 + inside))
        return 2 * torch.atan(inside.sqrt()), torch.complex(factor, torch.zeros_like(factor))

    def modes(self, coef: Tensor) -> Tensor:
        """c_k."""
        return torch.complex(coef, torch.zeros_like(coef))

    def from_modes(self, sums: Tensor, count: int) -> Tensor:
        """Real parts."""
        return sums.real[..., :count]


class HalfLineTransform(NodesTransform):
    r"""Sums :math:`\tfrac{2}{1 + z_q} \sum_k c_k T_k(y_q)` at the nodes :math:`y_q = \cos((q + 1/2) \pi / n)`: a cosine transform between factors.

    Parameters
    ----------
    nodes : int
        n.
    dtype : {torch.float64, torch.float32}
        Of what is transformed.
    device : torch.device
        Where that is.

    Examples
    --------
    >>> import torch
    >>> transform = HalfLineTransform(2, torch.float64, torch.device("cpu"))
    >>> transform.synthesize(torch.tensor([[1.0], [0.0]], dtype=torch.float64)).flatten().round(decimals=3).tolist()
    [1.707, 0.293]
    """

    def __init__(self, nodes: int, dtype: torch.dtype, device: torch.device):
        self._cosines = CosineTransform(nodes, dtype, device)
        k = torch.arange(nodes, dtype=torch.float64, device="cpu")
        self._signs = (1 - 2 * (k % 2)).unsqueeze(1).to(device, dtype)  # z ascends where y descends
        self._factors = (2 * torch.cos((k + 0.5) * (math.pi / (2 * nodes))) ** 2).unsqueeze(1).to(device, dtype)

    def synthesize(self, series: Tensor) -> Tensor:
        """Return the values (..., n, R) of series (..., L, R)."""
        return self._cosines.synthesize(series * self._signs[: series.shape[-2]]).mul_(self._factors)

    def adjoint(self, values: Tensor, length: int) -> Tensor:
        """Return the sums (..., length, R) of values (..., n, R)."""
        return self._cosines.adjoint(values * self._factors, length).mul_(self._signs[:length])


@register_family
@dataclass(frozen=True, repr=False)
class RationalHalfLine(Family):
    r"""Rational Chebyshev functions on the half-line [end, inf): smooth, falling off like 1 / x, sums of them like higher powers.

    .. math:: \varphi_n(z) = \frac{2}{1 + z}\, T_n\Big(\frac{1 - z}{1 + z}\Big)
              = 2 \cos^2(\theta/2) \cos(n \theta), \qquad z = \tan^2(\theta/2)

    Orthogonal under :math:`(1 + z) / (4 \sqrt z)\, dz` with squared norms pi, pi/2, pi/2, ... The half-line begins at x0, its
    `shift`. Coefficients of values on their nodes are one cosine transform.

    Parameters
    ----------
    degree : int, optional
        Highest degree N of a one-dimensional space.

    References
    ----------
    Boyd, J. Comput. Phys. 70 (1987), 63-88; Guo, Shen and Wang, SIAM J. Sci. Comput. 24 (2002), 781-798.

    Examples
    --------
    >>> import torch, specfast as sf
    >>> space = sf.Space(sf.RationalHalfLine(degree=8))
    >>> coef = space.project(1 / (1 + space.nodes()) ** 2)
    >>> coef[:2].round(decimals=12).tolist(), float(coef[2:].abs().max()) < 1e-15  # (1 + y)^2 / 4
    ([0.25, 0.25], True)
    """

    start: ClassVar[int] = 6
    symmetric: ClassVar[bool] = False
    orthonormal: ClassVar[bool] = False
    degree_growth: ClassVar[int] = 1

    def __init__(self, *, degree: int | None = None):
        object.__setattr__(self, "degree", None if degree is None else check_degree(degree))

    @property
    def domain(self) -> tuple[float, float]:
        """The half-line [0, inf)."""
        return 0.0, math.inf

    def limits(self, count: int, single: bool) -> tuple[float, float, float]:
        """Beyond 1e37 (float64 1e290) functions are zero. Rounding in y costs digits near its ends, away from there few."""
        return math.inf, 1e37 if single else 1e290, 0.1 if count < 2000 else 0.3

    def plain_recurrence(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """T_{n+1} = 2 y T_n - T_{n-1}, T_1 = y T_0, in y = (1 - z) / (1 + z); the start value is 1 / (1 + z)."""
        a, c = np.full(count, 2.0), np.ones(count)
        a[:1], c[:1] = 1.0, 0.0
        return a, np.zeros(count), c, 2.0

    def end_tables(self, count: int) -> EndTables:
        """T_n(1) = 1, r_n = 1, kappa_n = 2, but for n = 0; times 2."""
        r, kappa = np.ones(count), np.full(count, 2.0)
        r[:1], kappa[:1] = 0.0, 1.0
        return EndTables(r, kappa, np.full(count, 2.0))

    def single_suffices(self, count: int) -> bool:
        """1.5 units of the last place are lost in y, and n times as much in T_n."""
        return count <= 96

    def differentiation_tables(self, count: int) -> DifferentiationTables:
        """d_k = -(2 k + 1) c_k / 2 - k (c_{k-1} - c_{k+1}) / 4 - 2 sum_{n>k} n c_n; d_0 half of it, c_0 twice in d_1."""
        k, zero = np.arange(count, dtype=float), np.zeros(count)
        # The rows of d_k - d_{k+1}, and d_0 - d_1 / 2.
        ahead, lower, middle, upper, second = np.ones(count), -k / 4, -0.75 * k - 0.25, -0.75 * k - 0.5, -(k + 1) / 4
        lower[1:2] = -0.5
        ahead[:1], upper[:1], second[:1] = 0.5, -0.25, -0.125
        middle[-1:] = -(2 * k[-1:] + 1) / 2  # after which there is no row
        return DifferentiationTables(ahead, zero, lower, middle, upper, zero, second, far=2)

    def norm_squared(self, count: int) -> np.ndarray:
        """Return pi, pi/2, pi/2, ..."""
        norms = np.full(count, math.pi / 2)
        norms[:1] = math.pi
        return norms

    def integrals(self, count: int) -> np.ndarray:
        r"""Right for sums that fall off faster than 1 / x: of phi_n less (-1)^n phi_0, as J_n + J_{n+1} is elementary.

        With :math:`J_n = 2 \int (T_n(y) - (-1)^n) / (1 + y) dy`: (T_n + T_{n+1}) / (1 + y) = (-1)^n (1 + 2 sum_{k=1}^n (-1)^k T_k).
        """
        n = np.arange(count)
        sign = 1.0 - 2.0 * (n % 2)
        term = np.where(n % 2 == 0, 2.0 / (1.0 - np.where(n % 2 == 0, n, 0.0) ** 2), 0.0)  # the integral of T_n
        partial = 2.0 + 2.0 * (np.cumsum(term) - 2.0)
        # (-1)^n J_n = -2 sum_{j<n} partial_j.
        found: np.ndarray = sign * -2.0 * np.concatenate([[0.0], np.cumsum(partial)[:-1]])
        return found

    def gauss_rule(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return tan(theta / 2)^2 at theta = (2 i + 1) pi / (2 n), and (1 + z)^2 pi / (4 n)."""
        quarter = (2 * np.arange(n) + 1) * (math.pi / (4 * n))
        return np.tan(quarter) ** 2, math.pi / (4 * n * np.cos(quarter) ** 4)

    def nodes_transform(self, nodes: int, dtype: torch.dtype, device: torch.device) -> HalfLineTransform:
        """Return the cosine transform between factors."""
        return HalfLineTransform(nodes, dtype, device)

    def product_scale_shift(
        self, scale: Tensor, shift: Tensor, new_scale: Tensor, new_shift: Tensor
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """The weight under which new coefficients are found is that of the new functions."""
        return new_scale, new_shift

    def nodes_for_change(self, count: int, ratio: Tensor, offset: Tensor) -> int:
        """In t = sqrt(z) the new exponentials are a Moebius map of the old ones, as of the rational functions on the line."""
        if not ratio.numel():
            return count
        pole = ((1 + offset.double()).clamp_min(0) / ratio.double()).sqrt()
        rho = float(((1 - pole) / (1 + pole)).abs().max())
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
    def exponential_form(self) -> HalfLineForm:
        """Exponentials in the angle."""
        return HalfLineForm()

    def turning_point(self, degree: int) -> float:
        """Return about how far out the function of this degree oscillates, (2 (N + 1) / pi)^2."""
        return max(1.0, (2 * (degree + 1) / math.pi) ** 2)

    def leja_candidates(self) -> np.ndarray:
        """Return 0 and 2^12 points, evenly spaced in theta."""
        points: np.ndarray = np.tan(np.arange(2**12 + 1) * (math.pi / 2 / (2**12 + 1))) ** 2
        return points

    def into_domain(self, x: Tensor) -> Tensor:
        """Return log(1 + exp(x))."""
        return torch.nn.functional.softplus(x)

    @classmethod
    def for_points(cls, low: float, high: float, domain: tuple[float, float] | None) -> tuple[Self, float]:
        """Start at the domain's first number, or at 0."""
        end = domain[0] if domain is not None else 0.0
        if low < end:
            raise ValueError(
                f"basis=rationalhalfline: a point lies at x = {low:g}, left of the half-line's end {end:g}"
            )
        if domain is not None and math.isfinite(domain[1]):
            raise ValueError(
                f"domain={end:g},{domain[1]:g}: the half-line has one end; END,inf is expected for rationalhalfline"
            )
        return cls(), end

    def scale_shift_of_moments(
        self, centroid: float, spread: float, wave: float, end: float, reach: float
    ) -> tuple[float, float]:  # fmt: skip
        """Beta = 1 / (the centroid's distance from the end), whatever its width."""
        return 1.0 / max(centroid - end, 1e-3 * reach, 1e-300), end
