"""Chebyshev polynomials on an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from .cosine_transform import CosineTransform
from .exponentials import ExponentialForm
from .interval import IntervalFamily
from .registry import register_family
from .tables import DifferentiationTables, EndTables


class CosineForm(ExponentialForm):
    """T_k(z) = cos(k arccos z)."""

    def angle(self, z: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return arccos z."""
        slack = 2e-15
        return torch.acos(torch.where(z.abs() <= 1 + slack, z.clamp(-1, 1), z)), None

    def modes(self, coef: Tensor) -> Tensor:
        """c_k."""
        return torch.complex(coef, torch.zeros_like(coef))

    def from_modes(self, sums: Tensor, count: int) -> Tensor:
        """Real parts."""
        return sums.real[..., :count]


@register_family
@dataclass(frozen=True, init=False, repr=False)
class Chebyshev(IntervalFamily):
    r"""Chebyshev polynomials T_n on [a, b].

    Orthogonal under :math:`dz / \sqrt{1 - z^2}` with squared norms pi, pi/2, pi/2, ...

    Parameters
    ----------
    a, b : float, default -1, 1
        The interval.
    degree : int, optional
        Highest degree of a one-dimensional space.

    Examples
    --------
    >>> import specfast as sf
    >>> sf.Chebyshev(0, 2).standard_scale_shift()
    (1.0, 1.0)
    """

    power: ClassVar[float] = 0.0
    orthonormal: ClassVar[bool] = False

    def plain_recurrence(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """T_{n+1} = 2 z T_n - T_{n-1}, T_1 = z T_0."""
        a, c = np.full(count, 2.0), np.ones(count)
        a[:1], c[:1] = 1.0, 0.0
        return a, np.zeros(count), c, 1.0

    def differentiation_tables(self, count: int) -> DifferentiationTables:
        """T_n' = 2 n (T_{n-1} + T_{n-3} + ...), the last term halved where it is T_0."""
        n, zero = np.arange(count, dtype=float), np.zeros(count)
        leap, upper = np.ones(count), 2 * (n + 1)
        leap[0] = 0.5
        upper[0] = 1.0
        return DifferentiationTables(zero, leap, zero, zero, upper)

    def end_tables(self, count: int) -> EndTables:
        """T_n(1) = 1, r_n = 1, kappa_n = 2, but for n = 0."""
        r, kappa = np.ones(count), np.full(count, 2.0)
        r[:1], kappa[:1] = 0.0, 1.0
        return EndTables(r, kappa, np.ones(count))

    def norm_squared(self, count: int) -> np.ndarray:
        """Return pi, pi/2, pi/2, ..."""
        norms = np.full(count, math.pi / 2)
        norms[:1] = math.pi
        return norms

    def integrals(self, count: int) -> np.ndarray:
        """2 / (1 - n^2) for even n, 0 for odd ones."""
        n = np.arange(count)
        even = n % 2 == 0
        return np.where(even, 2.0 / (1.0 - np.where(even, n, 0.0) ** 2), 0.0)

    @property
    def exponential_form(self) -> CosineForm:
        """Exponentials in the angle."""
        return CosineForm()

    def gauss_rule(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return sin((2 k + 1 - n) pi / (2 n)), right relative to its size, and pi / n."""
        return np.sin((2 * np.arange(n) + 1 - n) * math.pi / (2 * n)), np.full(n, math.pi / n)

    def nodes_transform(self, nodes: int, dtype: torch.dtype, device: torch.device) -> CosineTransform:
        """Return the cosine transform."""
        return CosineTransform(nodes, dtype, device)
