"""Linear maps applied along one axis of a downward-closed index set.

A fibre is the run n_d = 0, 1, .. of indices that agree in all other entries. A map of one-dimensional coefficients that acts
on every length of run acts on a field axis by axis, fibre by fibre; runs of equal length are one batch. Nothing is padded.

For lower triangular L_d (and likewise upper triangular U_d) the restriction to the set of their product over the axes is the
product of the restrictions: every index between is smaller than one that is in the set.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from .index_sets import IndexSet


@lru_cache(maxsize=64)
def _fibres(index_set: IndexSet, dim: int, axis: int) -> tuple[list[tuple[int, np.ndarray]], np.ndarray]:
    """Return the fibres as (length, positions one after the other), and where each index went."""
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


def along_axis(
    coef: Tensor, index_set: IndexSet, dim: int, axis: int, function: Callable[[Tensor], Tensor]
) -> Tensor:  # fmt: skip
    """Apply `function`, a map of the last axis for runs (..., F, length) of any length, to coefficients (..., K)."""
    groups, inverse = _fibres(index_set, dim, axis)
    parts = []
    for length, positions in groups:
        runs = coef.index_select(-1, torch.from_numpy(positions).to(coef.device)).unflatten(-1, (-1, length))
        parts.append(function(runs).flatten(-2))
    return torch.cat(parts, -1).index_select(-1, torch.from_numpy(inverse).to(coef.device))


@lru_cache(maxsize=64)
def tree_tensor(index_set: IndexSet, dim: int, device: torch.device) -> Tensor:
    """Return the tree of an index set as the operators take it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that the array is read-only: so is its use
        return torch.from_numpy(index_set.tree(dim)).to(device)
