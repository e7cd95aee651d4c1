"""Index sets: which products of one-dimensional functions a space holds.

An index set is an immutable value without a dimension of its own; `indices(dim)` lists its members in lexicographic order.
All are downward closed: with n they hold every index that is smaller in each entry.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from .families import check_degree

_SLACK = 1e-12


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _check_weights(weights: Sequence[float] | None) -> tuple[float, ...] | None:
    if weights is None:
        return None
    values = tuple(float(w) for w in weights)
    if not all(math.isfinite(w) and w > 0 for w in values):
        raise ValueError(f"weights={values}: finite positive numbers, one an axis, are expected")
    return values


@dataclass(frozen=True)
class IndexSet:
    """Base of the index sets; use TensorProduct, TotalDegree or HyperbolicCross."""

    degree: int | tuple[int, ...]

    def indices(self, dim: int) -> np.ndarray:
        """Return the members as an array (K, dim) of integers in lexicographic order."""
        return _indices(self, dim)

    def axis_degrees(self, dim: int) -> tuple[int, ...]:
        """Return the largest entry that each axis is allowed."""
        if isinstance(self.degree, tuple):
            if len(self.degree) != dim:
                raise ValueError(f"degree={self.degree}: {dim} degrees, one an axis, are expected")
            return self.degree
        return (self.degree,) * dim

    def _single_degree(self) -> int:
        return max(self.degree) if isinstance(self.degree, tuple) else self.degree

    def _axis_weights(self, dim: int) -> tuple[float, ...]:
        weights = getattr(self, "weights", None)
        if weights is None:
            return (1.0,) * dim
        if len(weights) != dim:
            raise ValueError(f"weights={weights}: {dim} weights, one an axis, are expected")
        return weights

    def _start(self) -> np.ndarray:
        """Return what a prefix remembers of its entries, for the empty prefix: one row."""
        return np.zeros((1, 0))

    def _step(self, memory: np.ndarray, weight: float, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the memory after an entry n, and which prefixes may have it (all later entries 0)."""
        return memory, np.ones(len(memory), dtype=bool)

    def to_dict(self) -> dict[str, Any]:
        """Return the index set as plain values; see `index_set_from_dict`."""
        values = dict(self.__dict__)
        if values.get("gamma") == -math.inf:
            values["gamma"] = "-inf"
        return {"index_set": type(self).__name__, **values}


@dataclass(frozen=True, init=False)
class TensorProduct(IndexSet):
    """All n with n_d <= degree (one degree, or one an axis).

    Examples
    --------
    >>> import specfast as sf
    >>> len(sf.TensorProduct(2).indices(2))
    9
    """

    def __init__(self, degree: int | Sequence[int]):
        if isinstance(degree, (tuple, list)):
            checked: int | tuple[int, ...] = tuple(check_degree(d) for d in degree)
        else:
            checked = check_degree(degree)
        object.__setattr__(self, "degree", checked)


@dataclass(frozen=True, init=False)
class TotalDegree(IndexSet):
    """All n with sum of w_d n_d <= degree, n_d <= degree.

    Examples
    --------
    >>> import specfast as sf
    >>> len(sf.TotalDegree(2).indices(2))
    6
    """

    weights: tuple[float, ...] | None = None

    def __init__(self, degree: int, weights: Sequence[float] | None = None):
        object.__setattr__(self, "degree", check_degree(degree))
        object.__setattr__(self, "weights", _check_weights(weights))

    def _start(self) -> np.ndarray:
        return np.zeros((1, 1))

    def _step(self, memory: np.ndarray, weight: float, n: int) -> tuple[np.ndarray, np.ndarray]:
        total = memory + weight * n
        return total, total[:, 0] <= self._single_degree() * (1 + _SLACK)


@dataclass(frozen=True, init=False)
class HyperbolicCross(IndexSet):
    r"""The hyperbolic cross of degree N and shape gamma.

    .. math:: \Lambda(N, \gamma) = \{ n : n_d \le N,\; |n|_{mix}\, |n|_\infty^{-\gamma} \le N^{1-\gamma} \},\quad
              |n|_{mix} = \prod_d \max(1, w_d n_d),\; |n|_\infty = \max(1, \max_d w_d n_d)

    gamma = -inf is the full tensor grid, 0 the regular cross, 0 < gamma < 1 the optimised cross.

    Parameters
    ----------
    degree : int
        N.
    gamma : float, default 0
        -inf <= gamma < 1; smaller keeps more indices.
    weights : sequence of float, optional
        Axis weights w_d > 0, default 1; a larger weight keeps fewer indices along its axis.

    References
    ----------
    Shen and Wang, SIAM J. Sci. Comput. 32 (2010); Luo and Yau, SIAM J. Numer. Anal. 51 (2013).

    Examples
    --------
    >>> import specfast as sf
    >>> len(sf.HyperbolicCross(20, gamma=-1.0).indices(3))
    758
    """

    gamma: float = 0.0
    weights: tuple[float, ...] | None = None

    def __init__(self, degree: int, gamma: float = 0.0, weights: Sequence[float] | None = None):
        if not isinstance(gamma, (int, float, np.floating, np.integer)) or isinstance(gamma, bool):
            raise TypeError(f"gamma={gamma!r}: a number is expected")
        if not -math.inf <= gamma < 1:
            raise ValueError(f"gamma={gamma}: a number below 1, or -inf, is expected")
        object.__setattr__(self, "degree", check_degree(degree))
        object.__setattr__(self, "gamma", float(gamma))
        object.__setattr__(self, "weights", _check_weights(weights))

    def _start(self) -> np.ndarray:
        return np.zeros((1, 2))  # log |n|_mix and log |n|_inf

    def _step(self, memory: np.ndarray, weight: float, n: int) -> tuple[np.ndarray, np.ndarray]:
        entry = math.log(max(1.0, weight * n))
        mix, largest = memory[:, 0] + entry, np.maximum(memory[:, 1], entry)
        bound = math.log(max(self._single_degree(), 1))
        if self.gamma == -math.inf:
            inside = largest <= bound + _SLACK
        else:
            # Relative slack of 1e-12 on the products themselves; logarithms carry a few more bits of rounding.
            room = (1 - self.gamma) * bound
            inside = mix - self.gamma * largest <= room + _SLACK * (1 + abs(room))
        return np.stack([mix, largest], 1), inside


@lru_cache(maxsize=64)
def _indices(index_set: IndexSet, dim: int) -> np.ndarray:
    """Grow all prefixes axis by axis; an entry is tried only while the smaller one was inside."""
    degrees, weights = index_set.axis_degrees(dim), index_set._axis_weights(dim)
    if dim == 1 and isinstance(index_set, TensorProduct):
        line = np.arange(degrees[0] + 1)[:, None]
        line.setflags(write=False)
        return line
    prefixes, memory = np.zeros((1, 0), dtype=np.int64), index_set._start()
    for axis in range(dim):
        alive = np.arange(len(prefixes))
        parents, entries, memories, total = [], [], [], 0
        for n in range(degrees[axis] + 1):
            grown, inside = index_set._step(memory[alive], weights[axis], n)
            inside |= n == 0
            alive = alive[inside]
            if len(alive) == 0:
                break
            parents.append(alive)
            entries.append(np.full(len(alive), n))
            memories.append(grown[inside])
            total += len(alive)
            if total * (dim + 4) * 8 > _memory() // 2:
                raise ValueError(
                    f"{index_set} in {dim} dimensions has more than {total} indices, above half of this machine's memory"
                    f" ({total * dim * 8 / 2**30:.1f} GiB for the indices alone)"
                )
        parent, entry, remembered = np.concatenate(parents), np.concatenate(entries), np.concatenate(memories)
        order = np.lexsort((entry, parent))
        prefixes = np.concatenate([prefixes[parent[order]], entry[order, None]], 1)
        memory = remembered[order]
    prefixes.setflags(write=False)
    return prefixes


INDEX_SETS: dict[str, type[IndexSet]] = {cls.__name__: cls for cls in (TensorProduct, TotalDegree, HyperbolicCross)}


def index_set_from_dict(values: dict[str, Any]) -> IndexSet:
    """Return the index set that `IndexSet.to_dict` described."""
    values = dict(values)
    name = values.pop("index_set", None)
    if name not in INDEX_SETS:
        raise ValueError(f"index_set={name!r}: one of {', '.join(INDEX_SETS)} is expected")
    for key in ("degree", "weights"):
        if isinstance(values.get(key), list):
            values[key] = tuple(values[key])
    if "gamma" in values:
        values["gamma"] = float(values["gamma"])
    return INDEX_SETS[name](**values)
