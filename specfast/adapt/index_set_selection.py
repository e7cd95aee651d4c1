"""Index sets chosen from data: the best of crosses of several shapes, and a set that grows where the field needs it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..families import Family
from ..index_sets import HyperbolicCross, IndexSet, Indices
from ..space import Space
from ..space.arguments import ScaleShift
from ..space.array_api import Array

GAMMAS = (-math.inf, -4.0, -2.0, -1.0, -0.5, 0.0, 0.25, 0.5, 0.75)
_RIDGE = 1e-10  # of the number of points


@dataclass(frozen=True)
class Candidate:
    """An index set that was tried: its size, and the relative error on points that the fit did not see.

    Parameters
    ----------
    index_set : IndexSet
        The set.
    size : int
        How many members it has.
    error : float
        Root mean square error on the points held out, relative to that of the values.

    Examples
    --------
    >>> import specfast as sf
    >>> Candidate(sf.TotalDegree(2), 6, 0.01)
    Candidate(index_set=TotalDegree(2), size=6, error=0.01)
    """

    index_set: IndexSet
    size: int
    error: float


def largest_within(make: Callable[[int], IndexSet], dim: int, budget: int) -> IndexSet:
    """Return the index set of the largest degree with at most `budget` members, make(degree) being larger for larger ones.

    Parameters
    ----------
    make : callable
        make(degree) gives an index set.
    dim : int
        D.
    budget : int
        Largest number of members.

    Returns
    -------
    IndexSet
        That of degree 0 where none is small enough.

    Examples
    --------
    >>> import specfast as sf
    >>> largest_within(sf.TotalDegree, 3, 100)
    TotalDegree(6)
    """
    low, high = 0, 1
    while make(high).size(dim) <= budget:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if make(middle).size(dim) <= budget else (low, middle)
    return make(low)


def grow_index_set(
    values: Array, points: Array, budget: int, families: Sequence[Family], *, scale: Array | float = 1, shift: Array | float = 0, ridge: float | None = None
) -> Indices:  # fmt: skip
    """Return a downward-closed set of at most `budget` members, grown from {0} where the field has not been represented yet.

    Each round fits the values on the set so far and adds, up to a quarter of its size, the neighbours whose functions the
    rest of the values has most of: squared sums over the points of rest times function. Those one step behind a neighbour
    count for it too, since a field that is even along an axis has nothing of every other function.

    Parameters
    ----------
    values : array (..., M)
        A field, or several, at the points.
    points : array (M, D)
        Where.
    budget : int
        Largest number of members.
    families : sequence of Family
        One an axis.
    scale, shift : number or array (D,)
        beta and x0.
    ridge : float, optional
        Of the fits; default 1e-10 of the number of points.

    Returns
    -------
    Indices

    Raises
    ------
    ValueError
        If the shapes do not agree or the budget is less than 1.

    References
    ----------
    Gerstner and Griebel, Computing 71 (2003), 65-87, grow sets for quadrature in this way.

    Examples
    --------
    >>> import numpy as np, specfast as sf
    >>> x = np.random.default_rng(0).uniform(-1, 1, (400, 2))
    >>> grow_index_set(x[:, 0] ** 3, x, 8, [sf.Legendre()] * 2).contains([[3, 0]])
    array([ True])
    """
    v, x = _checked(values, points, budget, families)
    if ridge == 0:
        budget = min(budget, len(x))  # more could not be determined
    ridge = _RIDGE * len(x) if ridge is None else ridge
    where, dim = _where(scale, shift), len(families)
    grown = Indices(np.zeros((1, dim), np.int64))
    while (size := grown.size(dim)) < budget:
        space = Space(families, grown)
        rest = v - space.synthesize(space.fit(v, x, ridge=ridge, **where), x, **where)
        if rest.norm() <= 1e-13 * v.norm():
            break
        ahead = grown.neighbours(dim)
        gains = _gains(families, grown, ahead, rest, x, where)
        count = min(budget - size, max(dim, size // 4), len(ahead))
        best = gains.argsort(descending=True, stable=True)[:count].numpy()
        grown = Indices(np.concatenate([grown.indices(dim).astype(np.int64), ahead[best]]))
    return grown


def _gains(
    families: Sequence[Family], grown: Indices, ahead: np.ndarray, rest: Tensor, x: Tensor, where: ScaleShift
) -> Tensor:
    """Return what the rest has of each neighbour's function and of those one step behind it."""
    dim = len(families)
    near = Indices(np.concatenate([grown.indices(dim).astype(np.int64), ahead]))
    wide = Indices(np.concatenate([near.indices(dim).astype(np.int64), near.neighbours(dim)]))
    sums = Space(families, wide).adjoint(rest, x, **where).square().reshape(-1, wide.size(dim)).sum(0)
    gains = sums[torch.from_numpy(wide.positions(ahead))]
    for axis in range(dim):
        behind = ahead.copy()
        behind[:, axis] += 1
        places = torch.from_numpy(wide.positions(behind))
        gains = gains + torch.where(places >= 0, sums[places.clamp_min(0)], 0.0)
    return gains


def choose_index_set(
    values: Array, points: Array, budget: int, families: Sequence[Family], *, scale: Array | float = 1, shift: Array | float = 0,
    gammas: Sequence[float] = GAMMAS, grow: bool = True, ridge: float | None = None, seed: int = 0,
) -> list[Candidate]:  # fmt: skip
    """Return index sets of at most `budget` members, best first, by their error on a fifth of the points, held out.

    For every gamma the hyperbolic cross of the largest degree, and the set that `grow_index_set` finds.

    Parameters
    ----------
    values : array (..., M)
        A field, or several, at the points.
    points : array (M, D)
        Where.
    budget : int
        Largest number of coefficients.
    families : sequence of Family
        One an axis.
    scale, shift : number or array (D,)
        beta and x0.
    gammas : sequence of float
        Shapes to be tried.
    grow : bool
        Whether a set is grown, too.
    ridge : float, optional
        Of the fits; default 1e-10 of the number of points.
    seed : int
        Which points are held out.

    Returns
    -------
    list of Candidate
        With `index_set`, `size` and `error`, relative to the root mean square of the held-out values.

    Raises
    ------
    ValueError
        If the shapes do not agree, the budget is less than 1, or there are fewer than five points.

    Examples
    --------
    >>> import numpy as np
    >>> import specfast as sf
    >>> x = np.random.default_rng(0).uniform(-4, 4, (600, 2))
    >>> u = np.exp(-0.5 * x[:, 0] ** 2 - 0.3 * x[:, 1] ** 2)
    >>> best = sf.adapt.choose_index_set(u, x, 30, [sf.Hermite()] * 2)[0]
    >>> best.size <= 30 and best.error < 1e-3
    True
    """
    v, x = _checked(values, points, budget, families)
    if len(x) < 5:
        raise ValueError(f"points: {len(x)} are given; at least 5 are expected")
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(x)))
    held, kept = order[: len(x) // 5], order[len(x) // 5 :]
    ridge = _RIDGE * len(kept) if ridge is None else ridge
    where, dim = _where(scale, shift), len(families)
    sets: list[IndexSet] = [largest_within(lambda n, g=gamma: HyperbolicCross(n, g), dim, budget) for gamma in gammas]  # type: ignore[misc]
    if grow:
        sets.append(grow_index_set(v[..., kept], x[kept], budget, families, ridge=ridge, **where))
    tried = []
    for index_set in sets:
        space = Space(families, index_set)
        coef = space.fit(v[..., kept], x[kept], ridge=ridge, **where)
        wrong = space.synthesize(coef, x[held], **where) - v[..., held]
        error = float(wrong.norm() / v[..., held].norm().clamp_min(1e-300))
        tried.append(Candidate(index_set, index_set.size(dim), error))
    return sorted(tried, key=lambda candidate: (not math.isfinite(candidate.error), candidate.error))


def _where(scale: Array | float, shift: Array | float) -> ScaleShift:
    beta, x0 = (
        part if isinstance(part, (int, float)) else torch.as_tensor(part).detach().cpu().double()
        for part in (scale, shift)
    )
    return {"scale": beta, "shift": x0}


def _checked(values: Array, points: Array, budget: int, families: Sequence[Family]) -> tuple[Tensor, Tensor]:
    """Return values, real and with a largest one of 1 (complex ones as two fields), and points, in float64."""
    v, x = (torch.as_tensor(part).detach().cpu().resolve_conj().resolve_neg() for part in (values, points))
    if v.is_complex():
        v = torch.stack([v.real, v.imag])
    if x.is_complex():
        raise TypeError("points are complex; real ones are expected")
    v, x = v.double(), x.double()
    if x.dim() != 2 or x.shape[1] != len(families) or len(families) < 2:
        raise ValueError(
            f"points have shape {tuple(x.shape)}; (M, {max(2, len(families))}), two families or more, is expected"
        )
    if v.dim() < 1 or v.shape[-1] != len(x) or not v.isfinite().all():
        raise ValueError(f"values have shape {tuple(v.shape)}; (..., {len(x)}) of finite numbers is expected")
    if not isinstance(budget, (int, np.integer)) or isinstance(budget, bool) or budget < 1:
        raise ValueError(f"budget={budget!r}: a whole number of at least 1 is expected")
    largest = v.abs().max() if v.numel() else v.new_ones(())
    return (v / largest if largest > 0 else v), x
