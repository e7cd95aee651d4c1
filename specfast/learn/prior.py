"""How large coefficients are by degree, found from all snapshots: where sensors say little, a fit takes them to be as small."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..data import Observations
from .encoder import RIDGE, FieldEncoder
from .moving_basis import locate
from .residuals import residual, some_snapshots

SNAPSHOTS = 96
ROUNDS = 12
SMALL = 1e-9  # of the largest mean square: less is not told from what the basis leaves
_WORK = 4e10  # multiplications


def with_prior(encoder: FieldEncoder, data: Observations) -> FieldEncoder:
    """Return the encoder with the ridge of every coefficient that the data make most likely.

    With coefficients of mean square v_n and noise of mean square s^2, the best linear estimate of c from values u is the
    minimum of |A c - u|^2 + sum_n (s^2 / v_n) c_n^2. v is the least bound, not increasing with the total degree, of
    mean c_n^2 / mean (1 - (s^2 / v_n) [(A^T A + s^2 / v)^{-1}]_nn) over the snapshots, iterated: MacKay's rule for the
    evidence. s^2 is the part of what a fit without it leaves that looks like noise; where a part of the field is left, too,
    the encoder stays as it is.

    Parameters
    ----------
    encoder : FieldEncoder
        Whose space has been chosen.
    data : Observations
        Trajectories that may be trained on.

    References
    ----------
    MacKay, Neural Computation 4 (1992), 415-447.
    """
    size = encoder.space.size
    most = int(_WORK / (ROUNDS * size**3))
    if most < 1:
        return encoder
    some, _ = some_snapshots(data, None, min(SNAPSHOTS, most))
    own = locate(encoder, some) if encoder.moving else None
    left = residual(encoder, some, own)
    if left.unresolved:
        return encoder
    seen = (~some.values.isnan()).double()
    table = encoder.standard.vandermonde(
        encoder.reference_points(some.points)[:, None, None],
        **encoder.basis(None if own is None else own.unsqueeze(-2)),
    )
    values = (some.values / encoder.amplitude).nan_to_num()
    gram = table.mT @ table if bool(seen.all()) else table.mT @ (seen.unsqueeze(-1) * table)
    right = ((seen * values).unsqueeze(-2) @ table).squeeze(-2)
    level = _levels(encoder)
    ridge = torch.full((size,), RIDGE * size, dtype=torch.float64)
    noise = left.noise**2 * float((seen * values.square()).sum() / seen.sum())
    for _ in range(ROUNDS):
        inverse = torch.linalg.inv(gram + ridge.diag())
        coef = (inverse @ right.unsqueeze(-1)).squeeze(-1)
        known = (1 - ridge * inverse.diagonal(dim1=-2, dim2=-1)).mean((0, 1, 2)).clamp_min(1e-9)
        variance = _decreasing(coef.square().mean((0, 1, 2)) / known, level)
        ridge = noise / variance.clamp_min(SMALL * float(variance.max()))
    return replace(encoder, ridge=tuple(ridge.clamp_min(RIDGE * size).tolist()))


def _levels(encoder: FieldEncoder) -> Tensor:
    """Return the total degree of every function, (K,)."""
    return torch.from_numpy(sum((encoder.degrees_along(d) for d in range(encoder.space.dim)), np.zeros(1, np.int64)))


def _decreasing(variance: Tensor, level: Tensor) -> Tensor:
    """Return the mean over the functions of each level, no smaller than that of any level above."""
    count = int(level.max()) + 1
    sums = torch.zeros(2, count, dtype=variance.dtype).index_add_(
        1, level, torch.stack([variance, torch.ones_like(variance)])
    )
    mean = sums[0] / sums[1].clamp_min(1)
    return mean.flip(0).cummax(0).values.flip(0)[level]
