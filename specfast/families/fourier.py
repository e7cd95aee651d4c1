"""Cosines and sines on a ring."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from .base import Family, check_degree
from .exponential_transform import RingTransform
from .exponentials import ExponentialForm, modes_of_pairs, pairs_of_sums
from .interval import check_ends
from .registry import register_family
from .tables import DifferentiationTables, RecurrenceTables


class RingForm(ExponentialForm):
    """exp(i k pi z)."""

    def angle(self, z: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return pi z, less whole turns."""
        return math.pi * (z - 2 * torch.round(0.5 * z)), None

    def modes(self, coef: Tensor) -> Tensor:
        """a_k - i b_k, the constant over sqrt(2)."""
        scale = torch.ones(coef.shape[-1], dtype=coef.dtype)
        scale[0] = math.sqrt(0.5)
        return modes_of_pairs(coef * scale, 1)

    def from_modes(self, sums: Tensor, count: int) -> Tensor:
        """Real and imaginary parts, the constant over sqrt(2)."""
        found = pairs_of_sums(sums, count, 1).clone()
        found[..., 0] *= math.sqrt(0.5)
        return found


@register_family
@dataclass(frozen=True, init=False, repr=False)
class Fourier(Family):
    r"""Real Fourier functions on a ring [a, b), where b is a again: 1, cos, sin, cos, sin, ..

    .. math:: \varphi_0 = 1/\sqrt2,\quad \varphi_{2k-1}(z) = \cos(k \pi z),\quad \varphi_{2k}(z) = \sin(k \pi z),\qquad
              z = 2 (x - a) / (b - a)

    Orthonormal in L2 of the ring. The degree is the wave number k: up to degree N there are 2 N + 1 functions. Points
    may lie anywhere; those a whole number of lengths apart are the same.

    Parameters
    ----------
    a, b : float, default 0, 2
        Where the ring begins and where it has come round; its length is b - a.
    degree : int, optional
        Highest wave number N of a one-dimensional space.

    Raises
    ------
    TypeError, ValueError
        If the ends are not finite numbers with a < b.

    Examples
    --------
    >>> import math, torch, specfast as sf
    >>> space = sf.Space(sf.Fourier(0, 2 * math.pi, degree=3))
    >>> x = space.nodes()
    >>> [abs(round(float(c), 6)) for c in space.project(torch.cos(2 * x))]
    [0.0, 0.0, 0.0, 1.772454, 0.0, 0.0, 0.0]
    """

    start: ClassVar[int] = 3
    paired: ClassVar[int] = 1
    degree_growth: ClassVar[int] = 1  # the sine of a last cosine that stands alone
    bounded: ClassVar[bool] = True
    periodic: ClassVar[bool] = True
    learns_scale: ClassVar[bool] = False
    symmetric: ClassVar[bool] = False
    a: float = 0.0
    b: float = 2.0

    def __init__(self, a: float = 0.0, b: float = 2.0, *, degree: int | None = None):
        for argument, value in zip("ab", check_ends(a, b), strict=True):
            object.__setattr__(self, argument, value)
        object.__setattr__(self, "degree", None if degree is None else check_degree(degree))

    @property
    def domain(self) -> tuple[float, float]:
        """The whole line: every point lies somewhere on the ring."""
        return -math.inf, math.inf

    def standard_scale_shift(self) -> tuple[float, float]:
        """Return 2 / (b - a) and a."""
        return 2.0 / (self.b - self.a), self.a

    def on_standard_domain(self) -> Family:
        """Return the family on [0, 2)."""
        return type(self)(degree=self.degree)

    def limits(self, count: int, single: bool) -> tuple[float, float, float]:
        """Where the turns of z times 64 (256 in float64) are still counted right."""
        most = 2.0**14 if single else 2.0**42
        return most, most, 0.0

    def recurrence_tables(self, count: int, single: bool = False) -> RecurrenceTables:
        """Return the constant's factor 1/sqrt(2), and 1."""
        scale = np.ones(count)
        scale[:1] = math.sqrt(0.5)
        return RecurrenceTables(np.zeros(count), None, scale, self.start, *self.limits(count, single))

    def differentiation_tables(self, count: int) -> DifferentiationTables:
        """Cos(k pi z)' = -k pi sin(k pi z), sin(k pi z)' = k pi cos(k pi z)."""
        n, zero = np.arange(count), np.zeros(count)
        wave = math.pi * ((n + 1) // 2)
        sine = (n > 0) & (n % 2 == 0)
        lower = np.where(sine, -wave, 0.0)
        upper = np.where(n % 2 == 1, wave, 0.0)
        return DifferentiationTables(zero, zero, lower, zero, upper)

    def fractional_laplacian(self, count: int, power: float) -> np.ndarray:
        """(k pi)^power."""
        matrix: np.ndarray = np.diag((math.pi * self.function_degrees(count)) ** power)
        return matrix

    def integrals(self, count: int) -> np.ndarray:
        """Return sqrt(2), 0, 0, ..: over one turn, z from 0 to 2."""
        values = np.zeros(count)
        values[:1] = math.sqrt(2)
        return values

    def gauss_rule(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return 2 i / n, i < n, and 2 / n, exact for products of functions of wave numbers j + k < n."""
        return 2.0 * np.arange(n) / n, np.full(n, 2.0 / n)

    def leja_candidates(self) -> np.ndarray:
        """Return 2^13 points of the ring."""
        return np.arange(2**13) / 2.0**12

    @property
    def exponential_form(self) -> RingForm:
        """Exponentials in the angle."""
        return RingForm()

    def into_domain(self, x: Tensor) -> Tensor:
        """Return x, which may lie anywhere."""
        return x

    def product_scale_shift(
        self, scale: Tensor, shift: Tensor, new_scale: Tensor, new_shift: Tensor
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """The ring's own."""
        return torch.ones_like(scale), torch.zeros_like(shift)

    def nodes_transform(self, nodes: int, dtype: torch.dtype, device: torch.device) -> RingTransform:
        """Return a real FFT."""
        return RingTransform(nodes)

    def product_rule(self, count: int, factors: int) -> tuple[int, float]:
        """More nodes, at the same places for any number of factors."""
        return factors * count // 2 + 1, 1.0

    @classmethod
    def for_points(cls, low: float, high: float, domain: tuple[float, float] | None) -> tuple[Self, float]:
        """Take the ring asked for; where it closes cannot be seen from points."""
        if domain is None or not (math.isfinite(domain[0]) and math.isfinite(domain[1])):
            raise ValueError(
                f"a Fourier basis lives on a ring, and points in [{low:g}, {high:g}] do not say where it closes:"
                " domain=a,b with the x that is a again at b is expected"
            )
        slack = 1e-6 * (domain[1] - domain[0])
        if not (domain[0] - slack <= low and high <= domain[1] + slack and domain[0] < domain[1]):
            raise ValueError(
                f"domain={domain[0]:g},{domain[1]:g} does not contain the points, which lie in [{low:g}, {high:g}]"
            )
        return cls(*domain), 0.0
