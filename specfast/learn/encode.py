"""Observed snapshots to coefficients, in one basis for the whole data set or in one that moves."""

from __future__ import annotations

import torch

from ..data import Observations
from .encoder import Encoded, FieldEncoder
from .moving_basis import locate


def encode(encoder: FieldEncoder, data: Observations) -> Encoded:
    """Return coefficients by ridge regression, each snapshot by itself; those without observations give zeros."""
    scale_shift = None
    if encoder.moving:
        parts = [locate(encoder, some) for _, some in data.blocks()]
        scale_shift = (
            torch.cat(parts) if parts else data.values.new_zeros(0, data.values.shape[1], 2 * encoder.space.dim)
        )
    return Encoded(encoder.coefficients(data, scale_shift), scale_shift)
