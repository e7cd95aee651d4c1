"""Terms of the equation that are known: constant multiples of derivatives, and what a moving basis makes of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

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
    z, weights = gauss(family, size + 3)
    points = torch.from_numpy(np.asarray(z))
    values = ops.vandermonde(points, size, family.name, 0).numpy()
    slopes = ops.vandermonde(points, size, family.name, 1).numpy()
    weight = np.asarray(weights) * (z if times_z else 1.0)
    return (values.T * weight) @ slopes / family.norm_squared(size)[:, None]


def _derivative(family: Family, size: int, order: int) -> np.ndarray:
    """Return the matrix (size, size) of d^order/dz^order, projected: of larger ones, so that nothing is lost on the way."""
    wide = size + order * max(1, family.degree_growth)
    return np.linalg.matrix_power(_one_axis(family, wide, False), order)[:size, :size]


def _on_space(space: Space, factors: Sequence[np.ndarray]) -> Tensor:
    """Return the matrix (K, K) of a product of maps along the axes, each (N_d + 1, N_d + 1)."""
    total = np.ones((space.size, space.size))
    for axis, factor in enumerate(factors):
        n = space.indices[:, axis].astype(np.int64)
        total *= factor[n[:, None], n[None]]
    return torch.from_numpy(total)


Orders = tuple[int, ...] | tuple[str, float]
FRACTIONAL = "frac"


def checked_terms(known: Mapping[Any, float] | None, dim: int) -> tuple[tuple[Orders, float], ...]:
    """Return known terms as pairs of orders, or of "frac" and a power, and a number.

    Parameters
    ----------
    known : mapping
        Of orders, or of a text such as "frac:1.5", to numbers.
    dim : int
        How many axes there are.

    Returns
    -------
    tuple of (orders, number)

    Raises
    ------
    DataError
        For orders that do not fit the axes, a power that is not positive, or a number that is not finite.

    Examples
    --------
    >>> checked_terms({2: 0.1, "frac:1.0": -1.0}, 1)
    (((2,), 0.1), (('frac', 1.0), -1.0))
    """
    terms: list[tuple[Orders, float]] = []
    for given, number in (known or {}).items():
        if isinstance(given, str):
            orders: Orders = _fractional(given, dim)
        else:
            orders = (given,) if isinstance(given, int) else tuple(given)
            if len(orders) != dim or not all(isinstance(k, int) and 0 <= k <= 10 for k in orders):
                raise DataError(f"known={{{given}: {number}}}: {dim} orders from 0 to 10, one an axis, are expected")
        if not math.isfinite(number):
            raise DataError(f"known={{{given}: {number}}}: a finite number is expected")
        terms.append((orders, float(number)))
    return tuple(terms)


def _fractional(text: str, dim: int) -> tuple[str, float]:
    name, _, power = text.partition(":")
    try:
        value = float(power) if name == FRACTIONAL else math.nan
    except ValueError:
        value = math.nan
    if not 0 < value <= 10:
        raise DataError(f"known={text!r}: orders, or {FRACTIONAL}:P with a power P above 0 and up to 10, are expected")
    if dim != 1:
        raise DataError(f"known={text!r}: a fractional Laplacian is known on one axis; there are {dim}")
    return FRACTIONAL, value


class KnownTerms(nn.Module):
    """The coefficients' rate by known terms number * d^orders u / dx^orders, (..., C, K) to (..., C, K).

    In the place of orders ("frac", p) stands for (-d^2/dx^2)^(p/2), which multiplies a wave number k by |k|^p.

    Where the basis moves the field, the rate at which the basis itself moves is not part of it: see `compensation`.
    """

    def __init__(self, encoder: FieldEncoder, terms: Sequence[tuple[Orders, float]]):
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

        self.terms: list[tuple[float, ...]] = []  # by which power of beta each grows, an axis
        for place, (orders, number) in enumerate(terms):
            if orders[0] == FRACTIONAL:
                powers: tuple[float, ...] = (float(orders[1]),)
                try:
                    factors = [families[0].fractional_laplacian(sizes[0], powers[0])]
                except ValueError as error:
                    raise DataError(f"known {FRACTIONAL}:{powers[0]:g}: {error}") from None
            else:
                powers = tuple(float(k) for k in orders)
                factors = [_derivative(f, size, int(k)) for f, size, k in zip(families, sizes, powers, strict=True)]
            self.register_buffer(
                f"term_{place}", number * self._reference(powers) * _on_space(space, factors), persistent=False
            )
            self.terms.append(powers)
        for d in self.scales:
            power = families[d].power * torch.eye(space.size, dtype=torch.float64)
            self.register_buffer(
                f"stretch_{d}", power + along(d, _one_axis(families[d], sizes[d], True)), persistent=False
            )
        for d in self.shifts:
            self.register_buffer(f"slope_{d}", along(d, _derivative(families[d], sizes[d], 1)), persistent=False)

    def _reference(self, orders: tuple[float, ...]) -> float:
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
