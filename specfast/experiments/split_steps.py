"""A map of complex fields that keeps their norm: a learned linear part and a learned phase, in turns, a few times."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..families import Hermite
from ..quadrature import gauss
from ..space import Space


def closest_unitary(start: Tensor, end: Tensor) -> Tensor:
    """Return the unitary matrix U (K, K) with the least sum |U c - d|^2 over pairs c, d, rows of (R, K) (Procrustes)."""
    left, _, right = torch.linalg.svd(end.mT @ start.conj())
    return left @ right


def generator_of(unitary: Tensor) -> Tensor:
    """Return the Hermitian H with exp(i H) = U and eigenvalues in (-pi, pi]."""
    values, vectors = torch.linalg.eig(unitary)
    found = vectors @ torch.diag(torch.angle(values).to(vectors.dtype)) @ torch.linalg.inv(vectors)
    return (found + found.mH) / 2


class SplitSteps(nn.Module):
    r"""u -> (exp(i g/2L) exp(i H/L) exp(i g/2L))^L u, with H Hermitian on Hermite coefficients and a local phase g.

    .. math:: g(x, |u|) = V(x) + \kappa(x) |u|^2 + \lambda(x) |u|^4

    Parameters
    ----------
    nodes : int
        Fields are values at the Gauss nodes, as many as functions.
    start, end : Tensor (R, nodes)
        Pairs of fields; H begins with the unitary map closest to theirs, g with 0.
    steps : int
        L.

    References
    ----------
    Strang, SIAM J. Numer. Anal. 5 (1968), 506-517.
    """

    phi: Tensor
    analysis: Tensor

    def __init__(self, nodes: int, start: Tensor, end: Tensor, steps: int = 6):
        super().__init__()
        points, weights = (torch.from_numpy(part) for part in gauss(Hermite(), nodes))
        phi = Space(Hermite(degree=nodes - 1)).vandermonde(points).to(torch.complex128)
        analysis = phi.mT * weights
        pairs = [part.to(torch.complex128) @ analysis.mT for part in (start, end)]
        first = generator_of(closest_unitary(*pairs)).to(torch.complex64)
        self.register_buffer("phi", phi.to(torch.complex64), persistent=False)
        self.register_buffer("analysis", analysis.to(torch.complex64), persistent=False)
        self.linear = nn.Parameter(torch.view_as_real(first).clone())
        self.local = nn.Parameter(torch.zeros(3, nodes))
        self.steps = steps

    def _turned(self, u: Tensor, part: float) -> Tensor:
        """Return u with its phase turned by a part of g / L."""
        size = u.real.square() + u.imag.square()
        potential, cubic, quintic = self.local
        angle = part / self.steps * (potential + cubic * size + quintic * size.square())
        return u * torch.polar(torch.ones_like(angle), angle)

    def forward(self, u: Tensor) -> Tensor:
        """Return the fields (B, nodes) after all steps."""
        linear = torch.view_as_complex(self.linear)
        step = torch.matrix_exp(0.5j * (linear + linear.mH) / self.steps)
        on_values = (self.phi @ step @ self.analysis).mT
        u = self._turned(u, 0.5)
        for done in range(1, self.steps + 1):
            u = self._turned(u @ on_values, 1.0 if done < self.steps else 0.5)
        return u
