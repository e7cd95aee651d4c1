"""A hyperbolic cross at some points: ours, and what one would write oneself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ..index_sets import HyperbolicCross

AXES = ((2, 256), (3, 128), (4, 64), (6, 32), (8, 16), (10, 16))  # axes, degree


@dataclass(frozen=True)
class CrossCase:
    """Hermite functions over the regular cross of a degree at points shared by all channels.

    Attributes
    ----------
    operation : {"synthesize", "adjoint", "gradient", "backward"}
        "gradient" is that in z of a sum, "backward" both gradients.
    """

    operation: str
    dim: int
    degree: int
    points: int = 4096
    channels: int = 1
    dtype: torch.dtype = torch.float64

    @property
    def name(self) -> str:
        """One line that says what it is."""
        words = [self.operation, f"{self.dim} axes", f"degree {self.degree}", str(self.dtype)[6:]]
        return ", ".join(words + [f"{self.channels} channels"] * (self.channels > 1))

    @property
    def size(self) -> int:
        """K."""
        return HyperbolicCross(self.degree).size(self.dim)

    @cached_property
    def tree(self) -> Tensor:
        """The index tree."""
        return torch.tensor(HyperbolicCross(self.degree).tree(self.dim))

    @property
    def rest(self) -> tuple[list[int], list[str], list[int]]:
        """Largest degrees, families and orders, as operators take them."""
        return list(HyperbolicCross(self.degree).largest(self.dim)), ["hermite"] * self.dim, [0] * self.dim

    def data(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return coefficients (C, K), z (1, M, D) and values (C, M)."""
        generator = torch.Generator().manual_seed(0)

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64).to(self.dtype)

        z = 8 * torch.rand(1, self.points, self.dim, generator=generator, dtype=torch.float64) - 4
        return normal(self.channels, self.size), z.to(self.dtype), normal(self.channels, self.points)

    def ours(self) -> Any:
        """Return our operation."""
        from ..kernels import cpu

        coef, z, values = self.data()
        rest, tree = self.rest, self.tree
        if self.operation == "synthesize":
            return lambda: cpu.product_synthesize(coef, z, tree, *rest)
        if self.operation == "adjoint":
            return lambda: cpu.product_adjoint(values, z, tree, self.size, *rest)
        if self.operation == "gradient":
            return lambda: cpu.product_gradient(coef, z, tree, *rest)
        return lambda: cpu.product_backward(values, coef, z, tree, *rest)
