"""chaospy and pyapprox: polynomial expansions of total degree for normal variables."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ...families import Hermite
from ...index_sets import TotalDegree
from ...space import Space
from ..work import CannotError, Timed


@dataclass(frozen=True)
class TotalCase:
    """All functions of a total degree, each with coefficient 1, at points with normal distribution."""

    dim: int
    degree: int
    points: int = 4096

    @property
    def space(self) -> Space:
        """The space."""
        return Space([Hermite()] * self.dim, TotalDegree(self.degree))

    @property
    def name(self) -> str:
        """One line that says what it is."""
        return f"synthesize, {self.dim} axes, total degree {self.degree}, float64"

    def at(self) -> torch.Tensor:
        """Return the points (M, D)."""
        generator = torch.Generator().manual_seed(0)
        return torch.randn(self.points, self.dim, generator=generator, dtype=torch.float64)


def chaospy(case: TotalCase) -> Timed:
    """Chaospy's orthonormal expansion for the weight exp(-|x|^2), times exp(-|x|^2 / 2), its terms added up to one polynomial before."""
    try:
        import chaospy as library
    except ImportError:
        raise CannotError("not installed") from None
    measure = library.J(*(library.Normal(0, 0.5**0.5) for _ in range(case.dim)))
    expansion = library.generate_expansion(case.degree, measure, normed=True)
    x = case.at()
    weight = (torch.pi ** (-case.dim / 4) * torch.exp(-x.square().sum(1) / 2)).numpy()
    columns = x.numpy().T
    total = library.sum(expansion)
    return lambda: total(*columns) * weight


def pyapprox(case: TotalCase) -> Timed:
    """Pyapprox's polynomial chaos expansion for normal variables at sqrt(2) x, times exp(-|x|^2 / 2)."""
    try:
        from pyapprox.probability import GaussianMarginal
        from pyapprox.surrogates.affine.basis import OrthonormalPolynomialBasis
        from pyapprox.surrogates.affine.expansions.pce import PolynomialChaosExpansion
        from pyapprox.surrogates.affine.univariate.factory import create_basis_1d
        from pyapprox.util.backends.numpy import NumpyBkd
    except ImportError:
        raise CannotError("not installed") from None
    backend = NumpyBkd()
    lines = [create_basis_1d(GaussianMarginal(0.0, 1.0, backend), backend) for _ in range(case.dim)]
    indices = case.space.indices.astype("int64").T
    expansion = PolynomialChaosExpansion(OrthonormalPolynomialBasis(lines, backend, indices), backend)
    expansion.set_coefficients(torch.ones(case.space.size, 1, dtype=torch.float64).numpy())
    x = case.at()
    weight = (torch.pi ** (-case.dim / 4) * torch.exp(-x.square().sum(1) / 2)).numpy()
    columns = (2**0.5 * x).numpy().T.copy()
    return lambda: expansion(columns).reshape(-1) * weight
