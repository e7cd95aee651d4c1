"""What families on an interval share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from .base import Family, check_degree


def check_ends(a: object, b: object) -> tuple[float, float]:
    """Return the ends of an interval, or raise an error that names what is wrong."""
    for argument, value in (("a", a), ("b", b)):
        if not isinstance(value, (int, float, np.floating, np.integer)) or isinstance(value, bool):
            raise TypeError(f"{argument}={value!r}: a number is expected")
        if not math.isfinite(value):
            raise ValueError(f"{argument}={value}: a finite number is expected")
    low, high = float(a), float(b)  # type: ignore[arg-type]
    if not low < high:
        raise ValueError(f"a={a}, b={b}: an interval with a < b is expected")
    return low, high


@dataclass(frozen=True, repr=False)
class IntervalFamily(Family):
    """A family on an interval [a, b], mapped affinely to [-1, 1]."""

    start: ClassVar[int] = 2
    bounded: ClassVar[bool] = True
    learns_scale: ClassVar[bool] = False
    a: float = -1.0
    b: float = 1.0

    def __init__(self, a: float = -1.0, b: float = 1.0, *, degree: int | None = None):
        for argument, value in zip("ab", check_ends(a, b), strict=True):
            object.__setattr__(self, argument, value)
        object.__setattr__(self, "degree", None if degree is None else check_degree(degree))

    def limits(self, count: int, single: bool) -> tuple[float, float, float]:
        """Nothing over- or underflows; digits are lost near the ends, the more the higher the degree."""
        if single:
            return math.inf, math.inf, min(0.01, 3e-5 * count) if count > 16 else 0.0
        return math.inf, math.inf, 0.002 if count > 400 else 0.0

    @property
    def domain(self) -> tuple[float, float]:
        """The interval [-1, 1]."""
        return -1.0, 1.0

    def standard_scale_shift(self) -> tuple[float, float]:
        """Return 2 / (b - a) and the midpoint."""
        return 2.0 / (self.b - self.a), 0.5 * (self.a + self.b)

    def on_standard_domain(self) -> Family:
        """Return the family on [-1, 1]."""
        return type(self)(degree=self.degree)

    def into_domain(self, x: Tensor) -> Tensor:
        """Return tanh(x)."""
        return torch.tanh(x)

    @classmethod
    def for_points(cls, low: float, high: float, domain: tuple[float, float] | None) -> tuple[Self, float]:
        """Take the interval asked for, [-1, 1] if that holds the points, or their interval, padded."""
        width = high - low
        if domain is None:
            pad = 0.02 * width
            domain = (-1.0, 1.0) if low >= -1 and high <= 1 else (low - pad, high + pad)
        # Positions may have been rounded to float32 in a file.
        slack = 1e-6 * (domain[1] - domain[0])
        if not (domain[0] - slack <= low and high <= domain[1] + slack and domain[0] < domain[1]):
            raise ValueError(
                f"domain={domain[0]:g},{domain[1]:g} does not contain the points, which lie in [{low:g}, {high:g}]"
            )
        return cls(*domain), 0.0
