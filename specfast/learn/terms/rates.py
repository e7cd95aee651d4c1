"""What each term makes of coefficients: values at Gauss nodes, multiplied, projected back."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...data.complex_channels import complex_pairs
from ..encoder import FieldEncoder
from .library import Factor, Term

NODES = 2  # times as many as functions an axis: products of three are integrated nearly exactly


class Fields:
    """Which fields the channels are: real ones, or complex ones of two channels each where all are paired."""

    def __init__(self, channels: Sequence[str]):
        pairs = complex_pairs(tuple(channels))
        self.complex = 2 * len(pairs) == len(channels)
        self.names = tuple(name for name, *_ in pairs) if self.complex else tuple(channels)
        self.parts = [(re, im) for _, re, im in pairs]

    def of(self, coef: Tensor) -> Tensor:
        """Return fields (..., F, K) of channels (..., C, K)."""
        if not self.complex:
            return coef
        re, im = (coef[..., [pair[part] for pair in self.parts], :] for part in (0, 1))
        return torch.complex(re, im)

    def to_channels(self, fields: Tensor) -> Tensor:
        """Return channels (..., C, K) of fields (..., F, K)."""
        if not self.complex:
            return fields
        places = torch.empty(2 * len(self.parts), dtype=torch.long)
        for field, pair in enumerate(self.parts):
            places[pair[0]], places[pair[1]] = field, len(self.parts) + field
        return torch.cat([fields.real, fields.imag], -2)[..., places, :]


class TermRates(nn.Module):
    """Rates of coefficients by terms, (..., F, K) to (..., J, K), in the data's units of x and u; the basis is fixed.

    Parameters
    ----------
    encoder : FieldEncoder
        How the field is written.
    terms : sequence of Term
        J of them.
    """

    def __init__(self, encoder: FieldEncoder, terms: Sequence[Term]):
        super().__init__()
        self.space, self.terms, self.amplitude = encoder.standard, tuple(terms), encoder.amplitude
        self.sizes = [
            NODES * int(family.function_count(degree)) for family, degree in zip(
                self.space.families, [int(n) for n in _degrees(self.space)], strict=True
            )
        ]  # fmt: skip
        own = [family.standard_scale_shift() for family in encoder.space.families]
        self.stretch = [scale * beta for scale, (beta, _) in zip(encoder.scale, own, strict=True)]
        lines = self.space.grid(self.sizes)
        lines = lines if isinstance(lines, (list, tuple)) else [lines]
        for axis, line in enumerate(lines):
            place = line / self.stretch[axis] + own[axis][1] / encoder.scale[axis] + encoder.shift[axis]
            shape = [-1 if d == axis else 1 for d in range(self.space.dim)]
            self.register_buffer(f"place_{axis}", place.reshape(shape), persistent=False)
        self.tables: dict[tuple[int, ...], Tensor] = {}
        self.projection: Tensor | None = None
        if self.space.dim == 1:  # products with small tables, not a tenth of the time of transforms
            self.projection = self.space.project_grid(torch.eye(self.sizes[0], dtype=torch.float64))

    def forward(self, fields: Tensor, only: Sequence[int] | None = None) -> Tensor:
        """Return the projected terms (..., J, K), or some, of fields (..., F, K), in units of the amplitude over that of time."""
        terms = self.terms if only is None else [self.terms[j] for j in only]
        needed = dict.fromkeys(factor for term in terms for factor in term.factors)
        values = {factor: self._values(fields, factor) for factor in needed}
        parts = []
        for term in terms:
            product: Tensor | None = None
            for factor in term.factors:
                own = values[factor].conj() if factor.conjugate else values[factor]
                product = own if product is None else product * own
            if product is None:
                product = fields.new_ones(*fields.shape[:-2], *self.sizes) / self.amplitude
            else:
                product = product * self.amplitude ** (len(term.factors) - 1)
            for axis, power in enumerate(term.powers):
                if power:
                    product = product * getattr(self, f"place_{axis}") ** power
            parts.append(product)
        stacked = torch.stack(parts, -1 - self.space.dim)
        if self.projection is not None:
            return stacked @ self.projection.to(stacked.dtype)
        return self.space.project_grid(stacked.resolve_conj())

    def _values(self, fields: Tensor, factor: Factor) -> Tensor:
        """Return a derivative of a field at the nodes."""
        coef = fields[..., factor.field, :]
        if self.space.dim == 1:
            return coef @ self._table(factor.orders).to(coef.dtype)
        return self._stretched(factor.orders) * self.space.synthesize_grid(coef, self.sizes, derivative=factor.orders)

    def _table(self, orders: tuple[int, ...]) -> Tensor:
        """Return the functions' derivatives at the nodes of one axis, (K, Q)."""
        if orders not in self.tables:
            eye = torch.eye(self.space.size, dtype=torch.float64)
            own = self.space.synthesize_grid(eye, self.sizes[0], derivative=orders[0])
            self.tables[orders] = self._stretched(orders) * own
        return self.tables[orders]

    def _stretched(self, orders: tuple[int, ...]) -> float:
        """Return what a derivative in z is multiplied by to be one in x."""
        return math.prod(stretch**order for stretch, order in zip(self.stretch, orders, strict=True))


def _degrees(space: object) -> list[int]:
    return [
        int(family.function_degrees(n + 1)[-1])
        for family, n in zip(space.families, space.degrees, strict=True)  # type: ignore[attr-defined]
    ]
