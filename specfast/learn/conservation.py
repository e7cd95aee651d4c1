"""Integrals that the equation keeps: of u, of u^2."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ..data import DataError
from .encoder import FieldEncoder


class ConservationLaws(nn.Module):
    """The rate of change closest to a given one that keeps the integral of u ("mass", of each channel), of u^2 ("norm")."""

    KINDS = ("mass", "norm")
    integral: Tensor

    def __init__(self, encoder: FieldEncoder, kinds: Sequence[str]):
        super().__init__()
        self.kinds = tuple(kinds)
        space = encoder.standard
        for kind in kinds:
            if kind not in self.KINDS:
                raise DataError(f"conserved={kind!r}: {' or '.join(self.KINDS)} is expected")
        others = [family.name for family in space.families if not family.orthonormal]
        if "norm" in kinds and others:
            raise DataError(f"conserved norm: an orthonormal basis is expected, not {', '.join(others)}")
        self.powers = [space.families[d].power - 1 for d in encoder.moving_axes[0]]
        if "mass" in kinds:
            n = space.indices.astype(np.int64)
            try:
                columns = [f.integrals(int(n[:, d].max()) + 1)[n[:, d]] for d, f in enumerate(space.families)]
            except ValueError as error:
                raise DataError(f"conserved mass: {error}") from None
            self.register_buffer("integral", torch.from_numpy(np.prod(columns, axis=0)), persistent=False)

    def forward(self, coef: Tensor, slope: Tensor, scale_shift: Tensor, moves: Tensor) -> Tensor:
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
