"""A right-hand side that is a sum of terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ...nn.exponential import LARGEST_MATRIX
from ..conservation import ConservationLaws
from ..encoder import FieldEncoder
from ..known_terms import KnownTerms, Orders
from .library import Term
from .rates import Fields, TermRates


class SumOfTerms(Protocol):
    """What is read of a configuration."""

    @property
    def terms(self) -> tuple[Term, ...]:
        """Those of the sum."""

    @property
    def known(self) -> tuple[tuple[Orders, float], ...]:
        """Those that were given."""

    @property
    def conserved(self) -> tuple[str, ...]:
        """Integrals that stay."""


class TermDynamics(nn.Module):
    """dc/dt = sum_j values_j P theta_j(u) for each field, and what is known, for coefficients of all channels; the basis is fixed.

    Parameters
    ----------
    encoder : FieldEncoder
        How the field is written.
    channels : sequence of str
        Names of the components.
    config : DynamicsConfig
        With `terms`.
    """

    numbers: Tensor

    def __init__(self, encoder: FieldEncoder, channels: Sequence[str], config: SumOfTerms):
        super().__init__()
        self.config: Any = config
        self.fields, self.terms = Fields(channels), config.terms
        self.places, self.width = encoder.space.size, len(channels) * encoder.space.size
        self.rates = TermRates(encoder, self.terms)
        self.linear = [j for j, term in enumerate(self.terms) if term.linear]
        dtype = torch.complex128 if self.fields.complex else torch.float64
        self.register_buffer("numbers", torch.zeros(len(self.fields.names), len(self.terms), 2, dtype=torch.float64))
        self._dtype = dtype
        self.known = KnownTerms(encoder, config.known) if config.known else None
        self.conserved = ConservationLaws(encoder, config.conserved) if config.conserved else None

    @property
    def values(self) -> Tensor:
        """The coefficients (F, J)."""
        return torch.view_as_complex(self.numbers) if self.fields.complex else self.numbers[..., 0]

    def set_values(self, values: Tensor) -> None:
        """Set the coefficients (F, J)."""
        parts = torch.view_as_real(values) if values.is_complex() else torch.stack([values, 0 * values], -1)
        self.numbers.copy_(parts)

    def rate(self, coef: Tensor, only: Sequence[int] | None = None) -> Tensor:
        """Return what the terms make of coefficients (..., C, K), or some of them."""
        rates = self.rates(self.fields.of(coef), only).to(self._dtype)
        values = self.values if only is None else self.values[:, list(only)]
        return self.fields.to_channels(torch.einsum("fj,...jk->...fk", values, rates))

    def forward(
        self, t: Tensor, coef: Tensor, log_scale: Tensor, shift: Tensor, parameters: Tensor | None = None
    ) -> tuple[Tensor, None, None]:  # fmt: skip
        """Return dc/dt of coefficients (..., C, K); scale and shift stay."""
        slope, none = self.rate(coef), coef.new_zeros(*coef.shape[:-2], 0)
        if self.known is not None:
            slope = slope + self.known(coef, none)
        if self.conserved is not None:
            slope = self.conserved(coef, slope, none, none)
        return slope, None, None

    def linear_part(self) -> Tensor:
        """Return the matrix (C K, C K) of the linear terms on the channels in a row, or its diagonal where that is large."""
        eye = torch.eye(self.width, dtype=torch.float64).unflatten(-1, (-1, self.places))
        slope = self.rate(eye, self.linear) if self.linear else torch.zeros_like(eye)
        if self.known is not None:
            slope = slope + self.known(eye, eye.new_zeros(self.width, 0))
        matrix = slope.flatten(-2).mT
        return matrix if self.width <= LARGEST_MATRIX else matrix.diagonal()
