"""Terms of the equation that are known: constant multiples of derivatives, and what a moving basis makes of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from .. import ops
from ..data import DataError
from ..families import Family
from ..quadrature import gauss
from ..space import Space
from .encoder import FieldEncoder

LARGEST_KNOWN = 3000  # coefficients, of which the known part holds full matrices


def _one_axis(family: Family, size: int, times_z: bool) -> np.ndarray:
    """Return the matrix (size, size) of d/dz, or of z d/dz, projected: entries <phi_j, . phi_k> / h_j."""
    z, weights = gauss(family, size + 2)
    points = torch.from_numpy(np.asarray(z))
    values = ops.vandermonde(points, size, family.name, 0).numpy()
    slopes = ops.vandermonde(points, size, family.name, 1).numpy()
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


class KnownTerms(nn.Module):
    """The coefficients' rate by known terms number * d^orders u / dx^orders, (..., C, K) to (..., C, K).

    Where the basis moves the field, the rate at which the basis itself moves is not part of it: see `compensation`.
    """

    def __init__(self, encoder: FieldEncoder, terms: Sequence[tuple[tuple[int, ...], float]]):
        super().__init__()
        space = encoder.standard
        self.size = space.size
        self.scales, self.shifts = encoder.moving_axes
        if space.size > LARGEST_KNOWN:
            raise DataError(f"known terms: at most {LARGEST_KNOWN} coefficients are expected, there are {space.size}")
        families, sizes = space.families, [n + 1 for n in space.degrees]
        # dz/dx along every axis, at the reference.
        own = (family.standard_scale_shift()[0] for family in encoder.space.families)
        self.scale = [scale * beta for scale, beta in zip(encoder.scale, own, strict=True)]

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

    def forward(self, coef: Tensor, scale_shift: Tensor) -> Tensor:
        """Return the rate of coefficients (..., C, K) in scales and shifts (..., moving scales and shifts)."""
        total = torch.zeros_like(coef)
        for place, orders in enumerate(self.terms):
            part = coef @ getattr(self, f"term_{place}").T
            power: Tensor | float = 0.0
            for column, axis in enumerate(self.scales):
                power = power + orders[axis] * scale_shift[..., column]
            total = total + (part * power.exp()[..., None, None] if isinstance(power, Tensor) else part)
        return total

    def at_reference(self) -> Tensor:
        """Return the matrix (K, K) of all terms at the reference scale and shift."""
        return sum(getattr(self, f"term_{place}") for place in range(len(self.terms)))

    def compensation(self, coef: Tensor, scale_shift: Tensor, moves: Tensor) -> Tensor:
        """Return the rate (..., C, K) that leaves the field as it is while the basis moves."""
        total = torch.zeros_like(coef)
        for column, axis in enumerate(self.scales):
            stretched = coef @ getattr(self, f"stretch_{axis}").T
            total = total - moves[..., column, None, None] * stretched
        for column, axis in enumerate(self.shifts):
            speed = moves[..., len(self.scales) + column] * scale_shift[..., self.scales.index(axis)].exp()
            total = total + speed[..., None, None] * (coef @ getattr(self, f"slope_{axis}").T)
        return total
