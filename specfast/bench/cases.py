"""What is measured, and tested: one registry, so that later work adds cases and not scripts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..families import Family, Hermite, Laguerre, Legendre

SHAPES = ((64, 64, 32), (256, 256, 128), (1, 1_000_000, 64), (4096, 32, 24), (8, 4096, 4096))


@dataclass(frozen=True)
class Case:
    """A problem: B rows (times channels) of M points and N functions.

    Attributes
    ----------
    operation : {"synthesize", "adjoint", "backward"}
        "backward" is forward and backward in coefficients and z.
    far, shared : bool
        Points are uniform on the interval, on (-4, 4) or (0, 40); far: to the turning point. One row of points for all.
    channels : int
        Rows of coefficients that share each row of points.
    """

    operation: str
    family: Family
    shape: tuple[int, int, int]
    dtype: torch.dtype = torch.float64
    channels: int = 1
    far: bool = False
    shared: bool = False

    @property
    def name(self) -> str:
        """One line that says what it is."""
        words = [self.operation, self.family.name, "x".join(map(str, self.shape)), str(self.dtype)[6:]]
        words += [f"{self.channels} channels"] if self.channels > 1 else []
        return ", ".join(words + ["far"] * self.far + ["shared z"] * self.shared)

    @property
    def terms(self) -> int:
        """B C M N, once for a sum and three times for forward and backward."""
        rows, points, size = self.shape
        return rows * self.channels * points * size * (3 if self.operation == "backward" else 1)

    def small(self) -> Case:
        """Return the same at a size for tests."""
        rows, points, size = self.shape
        return replace(self, shape=(min(rows, 3), min(points, 150), min(size, 200)), channels=min(self.channels, 3))

    def data(self, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Return coefficients (B[, C], N), z (B[, 1], M) and values (B[, C], M)."""
        rows, points, size = self.shape
        generator = torch.Generator().manual_seed(seed)
        lead: tuple[int, ...] = (rows,) if self.channels == 1 else (rows, self.channels)
        own: tuple[int, ...] = () if self.shared else ((rows,) if self.channels == 1 else (rows, 1))

        def uniform(*shape: int) -> Tensor:
            return torch.rand(*shape, generator=generator, dtype=torch.float64)

        z = uniform(*own, points)
        if isinstance(self.family, Laguerre):
            z = z * (4.0 * size if self.far else 40.0)
        elif isinstance(self.family, Hermite):
            z = (2 * z - 1) * ((2.0 * size) ** 0.5 if self.far else 4.0)
        else:
            z = 2 * z - 1
        return tuple(part.to(self.dtype) for part in (uniform(*lead, size) - 0.5, z, uniform(*lead, points) - 0.5))  # type: ignore[return-value]


def _all() -> list[Case]:
    cases = []
    for shape in SHAPES:
        for operation in ("synthesize", "adjoint", "backward"):
            cases.append(Case(operation, Hermite(), shape))
        cases.append(Case("synthesize", Hermite(), shape, channels=8))
        cases.append(Case("synthesize", Hermite(), shape, torch.float32))
    main = (256, 256, 128)
    families: tuple[Family, ...] = (Laguerre(), Legendre())
    for family in families:
        for dtype in (torch.float64, torch.float32):
            cases.append(Case("synthesize", family, main, dtype))
    families = (Hermite(), Laguerre())
    for family in families:
        for dtype in (torch.float64, torch.float32):
            cases.append(Case("synthesize", family, (8, 4096, 4096), dtype, far=True))
    for shape in ((64, 1000, 64), (256, 256, 128), (16, 100_000, 64), (8, 4096, 1024)):
        cases.append(Case("synthesize", Hermite(), shape, shared=True))
        cases.append(Case("adjoint", Hermite(), shape, shared=True))
    return cases


CASES = _all()
