"""Weighted ridge regression without a table of the functions: LSMR on sums and their transposes."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..support.extras import optional
from .linear_space import LinearSpace

Map = Callable[[np.ndarray], np.ndarray]
PROBED = 20_000  # points from which the norms of the columns are judged


def solve(
    forward: Map, transposed: Map, values: np.ndarray, size: int, weights: np.ndarray | None, ridge: np.ndarray | float,
    squares: np.ndarray, tolerance: float, iterations: int,
) -> np.ndarray:  # fmt: skip
    """Return c (K,) that minimises sum_m w_m (A c - values)_m^2 + sum_n ridge_n c_n^2, all in float64.

    NaN where a value that counts is not finite. The unknowns are scaled by the norms of the columns of A, estimated by `squares` (K,), the sums of w_m A_mn^2. Warns where
    the iteration stops before it has reached the tolerance, relative to |A| and |values|. Memory: a few vectors.

    References
    ----------
    Fong and Saunders, SIAM J. Sci. Comput. 33 (2011), 2950-2971.
    """
    root = np.ones_like(values) if weights is None else np.sqrt(weights)
    right = np.where(root > 0, values, 0.0)
    largest = float(np.abs(right).max(initial=0.0))  # taken out, so that no square over- or underflows
    if largest == 0 or not math.isfinite(largest):
        return np.full(size, 0.0 if largest == 0 else math.nan)
    right = right / largest * root
    norms: np.ndarray = np.sqrt(squares + ridge)
    scale: np.ndarray = 1.0 / np.maximum(norms, 1e-8 * norms.max()) if norms.max() > 0 else np.ones(size)
    damping: np.ndarray = np.sqrt(np.asarray(ridge))
    points = len(values)

    def down(y: np.ndarray) -> np.ndarray:
        c = scale * y.ravel()
        return np.concatenate([root * forward(c), damping * c])

    def up(r: np.ndarray) -> np.ndarray:
        r = r.ravel()
        scaled: np.ndarray = scale * (transposed(root * r[:points]) + damping * r[points:])
        return scaled

    linalg = optional("scipy.sparse.linalg", "a fit by LSMR")
    operator = linalg.LinearOperator((points + size, size), matvec=down, rmatvec=up, dtype=np.float64)
    result = linalg.lsmr(
        operator, np.concatenate([right, np.zeros(size)]), atol=tolerance, btol=tolerance, conlim=0, maxiter=iterations
    )
    y, reason, done = result[:3]
    if reason == 7:
        warnings.warn(
            f"fit: tolerance {tolerance:g} was not reached in {done} iterations; give a ridge, or more points where the functions"
            " live",
            RuntimeWarning,
            stacklevel=4,
        )
    found: np.ndarray = largest * scale * y
    return found


def fit_rows(
    space: LinearSpace, values: Tensor, points: Tensor, scale: Tensor, shift: Tensor, weights: Tensor | None, ridge: Tensor | float,
    tolerance: float, iterations: int,
) -> Tensor:  # fmt: skip
    """Return coefficients (..., K) as `Space.fit` does, row by row.

    Raises
    ------
    ValueError
        On sizes that do not agree, negative weights, too few points, or tensors that require gradients.
    """
    own = 1 if space.dim == 1 else 2
    given = [t for t in (values, points, scale, shift, weights) if t is not None]
    if any(t.requires_grad for t in given) and torch.is_grad_enabled():
        raise ValueError("solver='lsmr' cannot be differentiated; detach the arguments, or take solver='qr'")
    if values.dim() < 1 or points.dim() < own or values.shape[-1] != points.shape[-own]:
        raise ValueError(
            f"values have shape {tuple(values.shape)} and points {tuple(points.shape)}; as many of both are expected"
        )
    if weights is not None and not (weights >= 0).all():
        raise ValueError(f"weights={float(weights.min())}: numbers of 0 or more are expected")
    counted = values.shape[-1] if weights is None or not weights.numel() else int((weights > 0).sum(-1).min())
    ridges = ridge.cpu().numpy() if isinstance(ridge, Tensor) else ridge
    if np.max(ridges) == 0 and counted < space.size:
        raise ValueError(
            f"ridge=0: {counted} points (of positive weight) do not determine {space.size} coefficients; give a ridge"
        )
    leads = [
        values.shape[:-1],
        points.shape[:-own],
        scale.shape[: scale.dim() - own + 1],
        shift.shape[: shift.dim() - own + 1],
    ]
    lead = torch.broadcast_shapes(*leads, () if weights is None else weights.shape[:-1])
    dtype = torch.promote_types(torch.result_type(values, points), torch.float32)
    for other in (scale, shift):
        if other.dim() > 0 and other.is_floating_point():
            dtype = torch.promote_types(dtype, other.dtype)

    def row_of(tensor: Tensor, trailing: int) -> Tensor:
        tail = tensor.shape[tensor.dim() - trailing :]
        return tensor.expand([*lead, *tail]).reshape([lead.numel(), *tail])

    trailing = [1, own, min(scale.dim(), own - 1), min(shift.dim(), own - 1)]
    rows = [row_of(t, n) for t, n in zip((values, points.double(), scale, shift), trailing, strict=True)]
    masks = None if weights is None else row_of(weights.double(), 1).cpu().numpy()
    found = []
    for row, (v, x, beta, x0) in enumerate(zip(*rows, strict=True)):
        mask = None if masks is None else masks[row]
        parts = [v.real, v.imag] if v.is_complex() else [v]
        solved = [
            _fit_row(space, part.double().resolve_neg(), x, beta, x0, mask, ridges, tolerance, iterations)
            for part in parts
        ]
        found.append(torch.complex(*solved) if len(solved) == 2 else solved[0])
    stacked = torch.stack(found) if found else values.new_zeros((0, space.size), dtype=torch.float64)
    return stacked.reshape(*lead, space.size).to(dtype)


@torch.no_grad()
def _fit_row(
    space: LinearSpace, values: Tensor, points: Tensor, scale: Tensor, shift: Tensor, weights: np.ndarray | None, ridge: np.ndarray | float,
    tolerance: float, iterations: int,
) -> Tensor:  # fmt: skip
    where = {"scale": scale, "shift": shift}

    def forward(c: np.ndarray, x: Tensor = points) -> np.ndarray:
        return space.synthesize(torch.from_numpy(c).to(x.device), x, **where).cpu().numpy()

    def transposed(r: np.ndarray, x: Tensor = points) -> np.ndarray:
        return space.adjoint(torch.from_numpy(r).to(x.device), x, **where).cpu().numpy()

    # A sample of the points that count tells the norms of the columns well enough.
    places = np.arange(len(points)) if weights is None else np.flatnonzero(weights > 0)
    picked = np.sort(np.random.default_rng(1).permutation(len(places))[:PROBED])
    some = points[torch.from_numpy(places[picked]).to(points.device)]
    own = None if weights is None else weights[places[picked]]
    squares = _squares(space.size, lambda c: forward(c, some), lambda r: transposed(r, some), own)
    squares = squares * (len(places) / max(1, len(picked)))
    given = values.cpu().numpy()
    found = solve(forward, transposed, given, space.size, weights, ridge, squares, tolerance, iterations)
    return torch.from_numpy(found).to(values.device)


def _squares(size: int, forward: Map, transposed: Map, weights: np.ndarray | None) -> np.ndarray:
    """Return an estimate of sum_m w_m A_mn^2 for every n, from random signs: the diagonal of A^T W A.

    Hutchinson's estimator for the diagonal (Bekas, Kokiopoulou, Saad, Appl. Numer. Math. 57, 2007), eight probes; its mean where
    that is not positive. It only scales the unknowns.
    """
    random = np.random.default_rng(0)
    total = np.zeros(size)
    for _ in range(8):
        signs = random.choice([-1.0, 1.0], size)
        sums = forward(signs)
        total += signs * transposed(sums if weights is None else weights * sums)
    mean = total / 8
    usual = float(np.abs(mean).mean())
    return np.where(mean > 0.1 * usual, mean, usual) if usual > 0 else np.ones(size)
