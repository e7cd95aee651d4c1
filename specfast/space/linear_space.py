"""What least squares need of a space, whatever it is."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from ..families import Family


class LinearSpace(Protocol):
    """What a fit needs of a space."""

    @property
    def dim(self) -> int:
        """D."""

    @property
    def size(self) -> int:
        """K."""

    def vandermonde(self, points: Tensor, *, scale: Tensor, shift: Tensor) -> Tensor:
        """Return the functions at the points, (..., M, K)."""

    def synthesize(self, coef: Tensor, points: Tensor, *, scale: Tensor, shift: Tensor) -> Tensor:
        """Return the field at the points."""

    def adjoint(self, values: Tensor, points: Tensor, *, scale: Tensor, shift: Tensor) -> Tensor:
        """Return the transpose of `synthesize`."""

    def _check_size(self, name: str, tensor: Tensor, size: int) -> None: ...


class Line(LinearSpace, Protocol):
    """What a change of basis needs of a space on one axis."""

    @property
    def families(self) -> tuple[Family, ...]:
        """The one family."""

    def quadrature(self, *, scale: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
        """Return points and weights (..., K)."""
