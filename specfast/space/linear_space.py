"""What least squares need of a space, whatever it is."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor


class LinearSpace(Protocol):
    """What a fit needs of a space."""

    @property
    def dim(self) -> int:
        """D."""

    @property
    def size(self) -> int:
        """K."""

    def vandermonde(self, points: Any, *, scale: Any, shift: Any) -> Any:
        """Return the functions at the points, (..., M, K)."""

    def synthesize(self, coef: Any, points: Any, *, scale: Any, shift: Any) -> Any:
        """Return the field at the points."""

    def adjoint(self, values: Any, points: Any, *, scale: Any, shift: Any) -> Any:
        """Return the transpose of `synthesize`."""

    def _check_size(self, name: str, tensor: Tensor, size: int) -> None: ...
