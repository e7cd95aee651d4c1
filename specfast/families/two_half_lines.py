"""Two half-lines that meet in a point, where a field may jump."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from torch import Tensor

from .base import Family, check_degree
from .laguerre import Laguerre
from .registry import register_family
from .tables import DifferentiationTables, EndTables, RecurrenceTables


@register_family
@dataclass(frozen=True, repr=False)
class TwoHalfLines(Family):
    r"""Laguerre functions on both sides of a point, together: fields on the line that jump there, or have a kink.

    .. math:: \varphi_{2k}(z) = \tfrac1{\sqrt2} L_k(|z|) e^{-|z|/2}, \qquad
              \varphi_{2k+1}(z) = \operatorname{sign}(z)\, \varphi_{2k}(z)

    Orthonormal in L2 of the line; even functions and odd ones take turns. The point is where z = 0: `shift`, which belongs
    to the field; at the point itself values are those of the right side, and derivatives are those of each side. Up to degree N there
    are 2 N + 2 functions.

    Parameters
    ----------
    degree : int, optional
        Highest degree N of a one-dimensional space.

    Examples
    --------
    >>> import torch, specfast as sf
    >>> space = sf.Space(sf.TwoHalfLines(degree=3))
    >>> x = space.nodes()
    >>> coef = space.project(torch.where(x < 0, 0.0, 1.0) * torch.exp(-x.abs() / 2))
    >>> [abs(round(float(c), 6)) for c in coef[:4]]
    [0.707107, 0.707107, 0.0, 0.0]
    """

    start: ClassVar[int] = 5
    paired: ClassVar[int] = 2
    symmetric: ClassVar[bool] = False  # functions are; the nodes of an odd number are not
    degree_growth: ClassVar[int] = 1  # the other function of a last pair

    def __init__(self, *, degree: int | None = None):
        object.__setattr__(self, "degree", None if degree is None else check_degree(degree))

    @property
    def domain(self) -> tuple[float, float]:
        """The whole line."""
        return -math.inf, math.inf

    @property
    def half(self) -> Family:
        """The family of one side."""
        return Laguerre()

    def limits(self, count: int, single: bool) -> tuple[float, float, float]:
        """Those of one side."""
        return self.half.limits((count + 1) // 2, single)

    def recurrence_tables(self, count: int, single: bool = False) -> RecurrenceTables:
        """Return those of one side, the factors once a function and over sqrt(2)."""
        tables = self.half.recurrence_tables(count, single)
        scale = tables.scale[np.arange(count) // 2] * math.sqrt(0.5)
        return RecurrenceTables(tables.a, tables.b, scale, self.start, *self.limits(count, single))

    def end_tables(self, count: int) -> EndTables | None:
        """Return those of one side, likewise."""
        ends = self.half.end_tables(count)
        assert ends is not None
        return replace(ends, value=ends.value[np.arange(count) // 2] * math.sqrt(0.5))

    def single_suffices(self, count: int) -> bool:
        """As on one side."""
        return self.half.single_suffices((count + 1) // 2)

    def differentiation_tables(self, count: int) -> DifferentiationTables:
        """Even functions become odd ones, and odd even, by the map of one side."""
        n = np.arange(count)
        k, even = n // 2, n % 2 == 0
        half = self.half.differentiation_tables(count // 2 + 1)
        zero = np.zeros(count)
        return DifferentiationTables(
            ahead=zero,
            leap=half.ahead[k],
            lower=np.where(even, half.lower[k], half.middle[k]),
            middle=zero,
            upper=np.where(even, half.middle[k], half.upper[k]),
            far_lower=np.where(even, 0.0, half.lower[k]),
            far_upper=np.where(even, half.upper[k], 0.0),
        )

    def integrals(self, count: int) -> np.ndarray:
        """Of even functions sqrt(2) times those of one side, of odd ones 0."""
        n = np.arange(count)
        return np.where(n % 2 == 0, math.sqrt(2) * self.half.integrals(count)[n // 2], 0.0)

    def turning_point(self, degree: int) -> float:
        """As on one side."""
        return self.half.turning_point(degree)

    def leja_candidates(self) -> np.ndarray:
        """Return points on both sides, denser towards the point where they meet."""
        side = 1200.0 * ((np.arange(2**12) + 0.5) / 2**12) ** 2
        return np.concatenate([-side[::-1], side])

    def product_scale_shift(
        self, scale: Tensor, shift: Tensor, new_scale: Tensor, new_shift: Tensor
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """As on one side."""
        return self.half.product_scale_shift(scale, shift, new_scale, new_shift)

    def product_rule(self, count: int, factors: int) -> tuple[int, float]:
        """That of one side, on both."""
        nodes, scale = self.half.product_rule((count + 1) // 2, factors)
        return 2 * nodes, scale

    def mean_degree_balance(
        self, n: Tensor, mean: Callable[[Tensor], Tensor], coupled: Callable[[int, Tensor], Tensor]
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """As on one side, over both."""
        return self.half.mean_degree_balance(n // 2, mean, lambda steps, weight: coupled(2 * steps, weight))

    def scale_shift_of_moments(
        self, centroid: float, spread: float, wave: float, end: float, reach: float
    ) -> tuple[float, float]:  # fmt: skip
        """As on one side."""
        return self.half.scale_shift_of_moments(end + math.sqrt(spread), spread, wave, end, reach)

    @classmethod
    def for_points(cls, low: float, high: float, domain: tuple[float, float] | None) -> tuple[Self, float]:
        """Let them meet where they are asked to, by the domain (point, inf); else at 0."""
        if domain is None:
            return cls(), 0.0
        meeting = domain[0] if math.isfinite(domain[0]) else domain[1]
        if not math.isfinite(meeting) or (math.isfinite(domain[0]) and math.isfinite(domain[1])):
            raise ValueError(
                f"domain={domain[0]:g},{domain[1]:g}: two half-lines meet in a point; domain=point,inf is expected"
            )
        return cls(), meeting
