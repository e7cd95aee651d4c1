"""What may be known of a right-hand side: terms of the equation, integrals that it keeps, couplings of neighbours only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .. import ops
from ..families import Chebyshev, Family, Hermite, Laguerre, Legendre
from ..quadrature import gauss
from ..space import Space
from .data import DataError

LARGEST_KNOWN = 3000  # coefficients, of which the known part holds full matrices


def _one_axis(family: Family, size: int, times_z: bool) -> np.ndarray:
    """Return the matrix (size, size) of d/dz, or of z d/dz, projected: entries <phi_j, . phi_k> / h_j."""
    z, weights = gauss(family, size + 2)
    points = torch.from_numpy(np.asarray(z))
    values = ops.basis(points, size, family.name, 0).numpy()
    slopes = ops.basis(points, size, family.name, 1).numpy()
    weight = np.asarray(weights) * (z if times_z else 1.0)
    return (values.T * weight) @ slopes / family.norm_squared(size)[:, None]


def _derivative(family: Family, size: int, order: int) -> np.ndarray:
    """Return the matrix (size, size) of d^order/dz^order, projected: of larger ones, so that nothing is lost on the way."""
    return np.linalg.matrix_power(_one_axis(family, size + order, False), order)[:size, :size]


def _on_space(space: Space, factors: Sequence[np.ndarray]) -> Tensor:
    """Return the matrix (K, K) of a product of maps along the axes, each (N_d + 1, N_d + 1)."""
    total = np.ones((space.size, space.size))
    for axis, factor in enumerate(factors):
        n = space.indices[:, axis].astype(np.int64)
        total *= factor[n[:, None], n[None]]
    return torch.from_numpy(total)


class Known(nn.Module):
    """The coefficients' rate by known terms number * d^orders u / dx^orders, (..., C, K) to (..., C, K).

    Where the basis follows the field, the rate at which the basis itself moves is not part of it: see `compensation`.
    """

    def __init__(self, basis: Any, terms: Sequence[tuple[tuple[int, ...], float]]):
        super().__init__()
        space = basis.space
        self.size = space.size
        self.scales, self.shifts = basis.moving
        if space.size > LARGEST_KNOWN:
            raise DataError(f"known terms: at most {LARGEST_KNOWN} coefficients are expected, there are {space.size}")
        families, sizes = space.families, [n + 1 for n in space.index_set.largest(space.dim)]
        # Bounded axes are measured by their interval.
        self.scale = [f.standard_scale_shift()[0] if f.bounded else basis.scale[d] for d, f in enumerate(families)]

        def along(axis: int, own: np.ndarray) -> Tensor:
            return _on_space(space, [own if d == axis else np.eye(size) for d, size in enumerate(sizes)])

        self.terms = []
        for place, (orders, number) in enumerate(terms):
            factors = [_derivative(f, size, k) for f, size, k in zip(families, sizes, orders, strict=True)]
            self.register_buffer(
                f"term_{place}", number * self._reference(orders) * _on_space(space, factors), persistent=False
            )
            self.terms.append(orders)
        for d in self.scales:
            power = families[d].power * torch.eye(space.size, dtype=torch.float64)
            self.register_buffer(
                f"stretch_{d}", power + along(d, _one_axis(families[d], sizes[d], True)), persistent=False
            )
        for d in self.shifts:
            self.register_buffer(f"slope_{d}", along(d, _derivative(families[d], sizes[d], 1)), persistent=False)

    def _reference(self, orders: tuple[int, ...]) -> float:
        return math.prod(scale**order for scale, order in zip(self.scale, orders, strict=True))

    def forward(self, coef: Tensor, frame: Tensor) -> Tensor:
        """Return the rate of coefficients (..., C, K) in frames (..., moving scales and shifts)."""
        total = torch.zeros_like(coef)
        for place, orders in enumerate(self.terms):
            part = coef @ getattr(self, f"term_{place}").T
            power: Tensor | float = 0.0
            for column, axis in enumerate(self.scales):
                power = power + orders[axis] * frame[..., column]
            total = total + (part * power.exp()[..., None, None] if isinstance(power, Tensor) else part)
        return total

    def at_reference(self) -> Tensor:
        """Return the matrix (K, K) of all terms in the reference frame."""
        return sum(getattr(self, f"term_{place}") for place in range(len(self.terms)))  # type: ignore[return-value]

    def compensation(self, coef: Tensor, frame: Tensor, moves: Tensor) -> Tensor:
        """Return the rate (..., C, K) that leaves the field as it is while the basis moves."""
        total = torch.zeros_like(coef)
        for column, axis in enumerate(self.scales):
            stretched = coef @ getattr(self, f"stretch_{axis}").T
            total = total - moves[..., column, None, None] * stretched
        for column, axis in enumerate(self.shifts):
            speed = moves[..., len(self.scales) + column] * frame[..., self.scales.index(axis)].exp()
            total = total + speed[..., None, None] * (coef @ getattr(self, f"slope_{axis}").T)
        return total


def integrals(family: Family, count: int) -> np.ndarray:
    """Return the integrals of phi_n over z in the family's domain, n < count."""
    n = np.arange(count)
    even = n % 2 == 0
    if isinstance(family, Hermite):
        ratio = np.ones(count)
        ratio[2:] = np.sqrt((n[2:] - 1) / n[2:])
        values = np.zeros(count)
        values[::2] = math.sqrt(2) * math.pi**0.25 * np.cumprod(ratio[::2])
        return values
    if isinstance(family, Laguerre) and family.alpha == 0:
        return np.where(even, 2.0, -2.0)
    if isinstance(family, Legendre):
        return np.where(n == 0, math.sqrt(2), 0.0)
    if isinstance(family, Chebyshev):
        return np.where(even, 2.0 / (1.0 - np.where(even, n, 0.0) ** 2), 0.0)
    raise DataError(f"conserved mass: the {family.name} basis has no finite integrals here")


class Conserved(nn.Module):
    """The rate of change closest to a given one that keeps the integral of u ("mass", of each channel), of u^2 ("norm")."""

    KINDS = ("mass", "norm")
    integral: Tensor

    def __init__(self, basis: Any, kinds: Sequence[str]):
        super().__init__()
        self.kinds = tuple(kinds)
        space = basis.space
        for kind in kinds:
            if kind not in self.KINDS:
                raise DataError(f"conserved={kind!r}: {' or '.join(self.KINDS)} is expected")
        if "norm" in kinds and any(f.power != 0.5 for f in space.families):
            raise DataError("conserved norm: Hermite, Laguerre (alpha 0) or Legendre is expected, an orthonormal basis")
        self.powers = [space.families[d].power - 1 for d in basis.moving[0]]
        if "mass" in kinds:
            n = space.indices.astype(np.int64)
            columns = [integrals(f, int(n[:, d].max()) + 1)[n[:, d]] for d, f in enumerate(space.families)]
            self.register_buffer("integral", torch.from_numpy(np.prod(columns, axis=0)), persistent=False)

    def forward(self, coef: Tensor, slope: Tensor, frame: Tensor, moves: Tensor) -> Tensor:
        """Return the corrected rate (..., C, K) of coefficients (..., C, K) whose basis moves at `moves`."""
        channels, size = coef.shape[-2:]
        rows, wanted = [], []
        if "mass" in self.kinds:
            # Mass is sum c_n I_n times prod beta^(p - 1), which changes as the basis does.
            stretch: Tensor | float = 0.0
            for column, power in enumerate(self.powers):
                stretch = stretch + power * moves[..., column, None]
            eye = torch.eye(channels, dtype=coef.dtype, device=coef.device)
            each = (eye[..., None] * self.integral).reshape(channels, channels * size)
            rows.append(each.expand(*coef.shape[:-2], -1, -1))
            wanted.append(-(coef @ self.integral) * stretch)
        if "norm" in self.kinds:
            rows.append(coef.flatten(-2).unsqueeze(-2))
            wanted.append(torch.zeros_like(coef[..., :1, 0]))
        constraints, target = torch.cat(rows, -2), torch.cat([w.expand(*coef.shape[:-2], -1) for w in wanted], -1)
        missing = (constraints @ slope.flatten(-2).unsqueeze(-1)).squeeze(-1) - target
        gram = constraints @ constraints.mT
        tiny = 1e-14 * gram.diagonal(dim1=-2, dim2=-1).amax(-1).clamp_min(1e-290)
        gram = gram + tiny[..., None, None] * torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
        factors = torch.linalg.solve(gram, missing.unsqueeze(-1))
        return slope - (constraints.mT @ factors).squeeze(-1).unflatten(-1, (channels, size))


class LocalLowRank(nn.Module):
    """A linear map at a cost linear in K: each coefficient from itself and its neighbours n +- e_d, and a few sums over all."""

    places: Tensor

    def __init__(self, space: Space, channels: int, inputs: int, outputs: int, rank: int = 32):
        super().__init__()
        n, size = space.indices.astype(np.int64), space.size
        places = {tuple(row): place for place, row in enumerate(n.tolist())}
        steps = [np.zeros(space.dim, dtype=int)]
        for d in range(space.dim):
            for sign in (1, -1):
                step = np.zeros(space.dim, dtype=int)
                step[d] = sign
                steps.append(step)
        # A place past the last one is a zero that stands for neighbours outside the index set.
        neighbour = np.array([[places.get(tuple(row + step), -1) for step in steps] for row in n])
        self.width, self.inputs = channels * size, inputs
        own = np.concatenate([np.where(neighbour < 0, inputs, neighbour + c * size) for c in range(channels)])
        self.register_buffer("places", torch.from_numpy(own), persistent=False)
        self.local = nn.Parameter(torch.zeros(self.width, len(steps), dtype=torch.float64))
        self.bias = nn.Parameter(torch.zeros(outputs, dtype=torch.float64))
        self.inner = nn.Linear(inputs, rank, bias=False, dtype=torch.float64)
        self.outer = nn.Linear(rank, outputs, bias=False, dtype=torch.float64)
        nn.init.zeros_(self.outer.weight)

    def _gather(self, y: Tensor) -> Tensor:
        padded = torch.cat([y, torch.zeros_like(y[..., :1])], -1)
        return padded[..., self.places]

    def forward(self, y: Tensor) -> Tensor:
        """Return (..., outputs) from (..., inputs)."""
        near = (self._gather(y) * self.local).sum(-1)
        result: Tensor = self.outer(self.inner(y)) + self.bias
        return result + nn.functional.pad(near, (0, result.shape[-1] - self.width))

    @torch.no_grad()
    def initialise(self, y: Tensor, slope: Tensor) -> None:
        """Fit the local part by least squares to slopes (N, outputs) at inputs (N, inputs)."""
        part = torch.linspace(0, len(y) - 1, min(len(y), 256)).long()
        design = self._gather(y[part]).movedim(0, 1)  # (width, N, neighbours)
        target = slope[part][:, : self.width].T.unsqueeze(-1)
        gram = design.mT @ design + 1e-3 * len(part) * torch.eye(design.shape[-1], dtype=design.dtype)
        self.local.copy_(torch.linalg.solve(gram, design.mT @ target).squeeze(-1))
        self.bias.copy_(slope[part].mean(0))
        self.bias[: self.width] -= (design @ self.local.unsqueeze(-1)).squeeze(-1).mean(1)
