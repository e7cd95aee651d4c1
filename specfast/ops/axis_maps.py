"""Linear maps applied along one axis of a downward-closed index set.

A fiber is the run n_d = 0, 1, .. of indices that agree in all other entries. A map of one-dimensional coefficients that acts
on every length of run acts on a field axis by axis, fiber by fiber; runs of equal length are one batch. Nothing is padded.

For lower triangular L_d (and likewise upper triangular U_d) the restriction to the set of their product over the axes is the
product of the restrictions: every index between is smaller than one that is in the set.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ..index_sets import IndexSet
from ..kernels.space_key import SpaceRecord, record
from .constant_cache import builder, constant, untraced


@lru_cache(maxsize=64)
def _fibers(index_set: IndexSet, dim: int, axis: int) -> tuple[list[tuple[int, np.ndarray]], np.ndarray]:
    """Return the fibers as (length, positions one after the other), and where each index went."""
    indices = index_set.indices(dim)
    others = [indices[:, d] for d in reversed(range(dim)) if d != axis]
    order = np.lexsort([indices[:, axis], *others])
    starts = np.flatnonzero(indices[order, axis] == 0)
    lengths = np.diff(np.append(starts, len(order)))
    groups = [
        (int(length), order[(starts[lengths == length][:, None] + np.arange(length)).ravel()])
        for length in np.unique(lengths)
    ]
    inverse = np.empty(len(order), dtype=np.int64)
    inverse[np.concatenate([positions for _, positions in groups])] = np.arange(len(order))
    return groups, inverse


@untraced
def _lengths(owner: str, axis: int) -> tuple[int, ...]:
    space = record(owner)
    return tuple(length for length, _ in _fibers(space.functions, space.dim, axis)[0])


@builder
def fiber_positions(space: SpaceRecord, axis: int, group: int) -> np.ndarray:
    """Return where the indices of the fibers of one length are."""
    return _fibers(space.functions, space.dim, axis)[0][group][1]


@builder
def fiber_places(space: SpaceRecord, axis: int) -> np.ndarray:
    """Return where every index is after its fibers are put one behind the other."""
    return _fibers(space.functions, space.dim, axis)[1]


def along_axis(coef: Tensor, owner: str, axis: int, function: Callable[[Tensor], Tensor]) -> Tensor:
    """Apply `function`, a map of the last axis for runs (..., F, length) of any length, to coefficients (..., K).

    `owner` is the key of a space.
    """
    parts = []
    for group, length in enumerate(_lengths(owner, axis)):
        positions = constant(coef, owner, "fiber_positions", axis, group)
        parts.append(function(coef.index_select(-1, positions).unflatten(-1, (-1, length))).flatten(-2))
    return torch.cat(parts, -1).index_select(-1, constant(coef, owner, "fiber_places", axis))
