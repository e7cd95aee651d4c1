"""A family as a user would add it: one file, known to everything else by its tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from specfast.families.interval import IntervalFamily
from specfast.families.nodes_transform import NodesTransform
from specfast.families.tables import DifferentiationTables, EndTables


class SineTransform(NodesTransform):
    """Sums of sqrt(2/pi) sin((k + 1) t) / sin(t) at t = n pi / (n + 1), .., pi / (n + 1), by one FFT of 2 n + 2 numbers."""

    def __init__(self, nodes: int, dtype: torch.dtype, device: torch.device):
        self.nodes = nodes
        angle = torch.arange(nodes, 0, -1, dtype=torch.float64, device="cpu") * math.pi / (nodes + 1)
        self.factor = (math.sqrt(2 / math.pi) / angle.sin()).unsqueeze(1).to(device, dtype)

    def _sines(self, lines: Tensor) -> Tensor:
        """Return sum_{k=1..n} x_k sin(j k pi / (n + 1)), j = 1 .. n."""
        return torch.fft.rfft(lines, n=2 * self.nodes + 2, dim=-2).imag[..., 1 : self.nodes + 1, :].neg()

    def synthesize(self, series: Tensor) -> Tensor:
        """Return the values."""
        return self._sines(torch.nn.functional.pad(series, (0, 0, 1, 0))).flip(-2) * self.factor

    def adjoint(self, values: Tensor, length: int) -> Tensor:
        """Return the sums."""
        lines = torch.nn.functional.pad((values * self.factor).flip(-2), (0, 0, 1, 0))
        return self._sines(lines)[..., :length, :].clone()


@dataclass(frozen=True, init=False, repr=False)
class SecondKind(IntervalFamily):
    r"""Chebyshev polynomials of the second kind, sqrt(2/pi) U_n, orthonormal under sqrt(1 - z^2) dz."""

    power: ClassVar[float] = 0.0
    orthonormal: ClassVar[bool] = False

    def plain_recurrence(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """U_{n+1} = 2 z U_n - U_{n-1}."""
        return np.full(count, 2.0), np.zeros(count), np.ones(count), math.sqrt(2 / math.pi)

    def end_tables(self, count: int) -> EndTables:
        """U_n(1) = n + 1."""
        n = np.arange(count, dtype=float)
        return EndTables(n / (n + 2), 2 * (n + 1) / (n + 2), math.sqrt(2 / math.pi) * (n + 1))

    def differentiation_tables(self, count: int) -> DifferentiationTables:
        """U_n' = sum over k = n-1, n-3, .. of 2 (k + 1) U_k."""
        n, zero = np.arange(count, dtype=float), np.zeros(count)
        return DifferentiationTables(zero, (n + 1) / (n + 3), zero, zero, 2 * (n + 1))

    def gauss_rule(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """cos(k pi / (n + 1)) with weights pi / (n + 1) sin^2."""
        angle = np.arange(n, 0, -1) * math.pi / (n + 1)
        return np.cos(angle), math.pi / (n + 1) * np.sin(angle) ** 2

    def nodes_transform(self, nodes: int, dtype: torch.dtype, device: torch.device) -> SineTransform:
        """Return the sine transform."""
        return SineTransform(nodes, dtype, device)
