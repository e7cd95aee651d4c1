"""Index sets: which products of one-dimensional functions a space holds.

An index set is an immutable value. TensorProduct, TotalDegree and HyperbolicCross have no dimension of their own; Indices has
that of its members. All are downward closed: with n they hold every index that is smaller in each entry. What is kept of one
is its tree (see `IndexSet.tree`); sizes are counted and indices listed when asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from ..families import check_degree
from ..families.base import constructor_text
from ..support.machine import memory

_SLACK = 1e-12
# Costs are counted in whole units, so that every way of adding them up gives the same members.
_UNIT = 2.0**48
_LISTED = 1000  # numbers up to which the text of a set lists its members
ALL = 2**62  # nodes, more than any tree has


def _check_weights(weights: Sequence[float] | None) -> tuple[float, ...] | None:
    if weights is None:
        return None
    values = tuple(float(w) for w in weights)
    if not all(math.isfinite(w) and w > 0 for w in values):
        raise ValueError(f"weights={values}: finite positive numbers, one an axis, are expected")
    return values


@dataclass(frozen=True)
class Rule:
    """All n with n_d <= degrees_d and sum_d costs_d[n_d] - gamma max_d costs_d[n_d] <= room."""

    costs: np.ndarray
    degrees: np.ndarray
    gamma: float
    room: float


INDEX_SETS: dict[str, type[IndexSet]] = {}
_Concrete = TypeVar("_Concrete", bound="type[IndexSet]")


def register_index_set(cls: _Concrete) -> _Concrete:
    """Make an index set known by its name."""
    INDEX_SETS[cls.__name__] = cls
    return cls


@dataclass(frozen=True, repr=False)
class IndexSet:
    """Base of the index sets; use TensorProduct, TotalDegree, HyperbolicCross or Indices.

    Parameters
    ----------
    degree : int or tuple of int
        The largest entry that an axis may have, or one an axis.

    Examples
    --------
    >>> import specfast as sf
    >>> isinstance(sf.TotalDegree(4), IndexSet), sf.TotalDegree(4).size(3)
    (True, 35)
    """

    degree: int | tuple[int, ...]

    def __repr__(self) -> str:
        return constructor_text(self)

    @property
    def described(self) -> bool:
        """Whether a few plain values say which members there are."""
        return True

    def rule(self, dim: int) -> Rule:
        """Return what decides on membership.

        Parameters
        ----------
        dim : int
            D.

        Returns
        -------
        Rule
            Costs of every entry of every axis, and how much they may add up to.

        Raises
        ------
        TypeError
            If the set is a list of members.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.TensorProduct((2, 3)).rule(2).degrees.tolist()
        [2, 3]
        """
        raise TypeError(f"{type(self).__name__} has no rule; its members are listed")

    def size(self, dim: int) -> int:
        """Return how many members there are, counted without listing them.

        Parameters
        ----------
        dim : int
            D.

        Returns
        -------
        int
            K.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.HyperbolicCross(32).size(10)
        1517568
        """
        return _count(self, dim)

    def tree(self, dim: int) -> np.ndarray:
        """Return the runs of the last entry in lexicographic order, an array (F, 2) of 32-bit integers.

        A row has how many leading entries the run shares with the one before, and its length. The entry after the shared
        ones is one more than before, those behind it are 0 again; so the tree is all of the set.

        Parameters
        ----------
        dim : int
            D.

        Returns
        -------
        numpy.ndarray (F, 2)
            Of int32; not to be written to.

        Raises
        ------
        ValueError
            If the set would not fit in memory; says how many members it has.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.TotalDegree(2).tree(2).tolist()
        [[0, 3], [0, 2], [0, 1]]
        """
        return _tree(self, dim)

    def indices(self, dim: int) -> np.ndarray:
        """Return the members as an array (K, dim) in lexicographic order, of the smallest signed integer type.

        Parameters
        ----------
        dim : int
            D.

        Returns
        -------
        numpy.ndarray (K, dim)
            Not to be written to.

        Raises
        ------
        ValueError
            If the list would not fit in memory.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.TotalDegree(1).indices(2).tolist()
        [[0, 0], [0, 1], [1, 0]]
        """
        return _indices(self, dim)

    def largest(self, dim: int) -> tuple[int, ...]:
        """Return the largest entry along every axis.

        Parameters
        ----------
        dim : int
            D.

        Returns
        -------
        tuple of int
            D of them.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.TotalDegree(4, weights=(1, 2)).largest(2)
        (4, 2)
        """
        return _largest(self, dim)

    def positions(self, indices: ArrayLike) -> np.ndarray:
        """Return where each of some indices (..., dim) is in the set's order; -1 where it is not a member.

        Parameters
        ----------
        indices : array (..., dim) of integers
            One index a row.

        Returns
        -------
        numpy.ndarray (...,)
            Of int64.

        Raises
        ------
        TypeError
            If they are no integers.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.TotalDegree(1).positions([[1, 0], [1, 1]]).tolist()
        [2, -1]
        """
        from .enumerate import find

        wanted = _as_indices(indices)
        own = self.indices(wanted.shape[-1])
        places = find(own.astype(np.int64), wanted.reshape(-1, wanted.shape[-1]).astype(np.int64))
        return places.reshape(wanted.shape[:-1])

    def contains(self, indices: ArrayLike) -> np.ndarray:
        """Return which of some indices (..., dim) are members.

        Parameters
        ----------
        indices : array (..., dim) of integers
            One index a row.

        Returns
        -------
        numpy.ndarray (...,)
            Of bool.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.TotalDegree(1).contains([[1, 0], [1, 1]]).tolist()
        [True, False]
        """
        return self.positions(indices) >= 0

    def positions_beside(self, dim: int, axis: int, step: int) -> np.ndarray:
        """Return where n + step e_axis is in the set's order, for every member n; -1 where it is not a member.

        Parameters
        ----------
        dim : int
            D.
        axis : int
            Along which axis.
        step : int
            How far.

        Returns
        -------
        numpy.ndarray (K,)
            Of int64.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.TensorProduct(2).positions_beside(1, 0, -1)
        array([-1,  0,  1])
        """
        moved = self.indices(dim).astype(np.int64)
        moved[:, axis] += step
        return np.where(moved[:, axis] < 0, -1, self.positions(np.maximum(moved, 0)))

    def neighbours(self, dim: int) -> np.ndarray:
        """Return the indices (L, dim) outside of the set with any of which alone it would still be downward closed.

        Parameters
        ----------
        dim : int
            D.

        Returns
        -------
        numpy.ndarray (L, dim)
            Of int64.

        Examples
        --------
        >>> import specfast as sf
        >>> sorted(sf.TotalDegree(1).neighbours(2).tolist())
        [[0, 2], [1, 1], [2, 0]]
        """
        from .enumerate import neighbours

        return neighbours(self.indices(dim).astype(np.int64))

    def union(self, other: IndexSet, dim: int) -> Indices:
        """Return the members of either.

        Parameters
        ----------
        other : IndexSet
            Another set.
        dim : int
            D.

        Returns
        -------
        Indices

        Examples
        --------
        >>> import specfast as sf
        >>> sf.TensorProduct((2, 0)).union(sf.TensorProduct((0, 1)), 2)
        Indices([[0, 0], [0, 1], [1, 0], [2, 0]])
        """
        both = np.concatenate([part.indices(dim).astype(np.int64) for part in (self, other)])
        return Indices(np.unique(both, axis=0))

    def save(self, path: str | Path) -> None:
        """Write the set to a NumPy file (.npz); `load_index_set` reads it.

        Parameters
        ----------
        path : str or Path
            Of the file; one that is there is overwritten.

        Examples
        --------
        >>> import tempfile, specfast as sf
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sf.HyperbolicCross(8).save(f"{folder}/cross.npz")
        ...     print(sf.load_index_set(f"{folder}/cross.npz"))
        HyperbolicCross(8)
        """
        import json

        values = self.to_dict()
        members = values.pop("indices", None)
        with Path(path).open("wb") as file:
            if not isinstance(members, list):
                np.savez_compressed(file, index_set=np.array(json.dumps(values)))
            else:
                own = self.indices(len(members[0]))
                np.savez_compressed(file, index_set=np.array(json.dumps(values)), indices=own)

    def axis_degrees(self, dim: int) -> tuple[int, ...]:
        """Return the largest entry that each axis is allowed.

        Parameters
        ----------
        dim : int
            D.

        Returns
        -------
        tuple of int
            D of them.

        Raises
        ------
        ValueError
            If the set has degrees for another number of axes.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.TotalDegree(4).axis_degrees(3)
        (4, 4, 4)
        """
        if isinstance(self.degree, tuple):
            if len(self.degree) != dim:
                raise ValueError(f"degree={self.degree}: {dim} degrees, one an axis, are expected")
            return self.degree
        return (self.degree,) * dim

    def check(self, dim: int) -> None:
        """Raise ValueError if the set has no members of this dimension.

        Parameters
        ----------
        dim : int
            D.

        Raises
        ------
        ValueError
            If the set has degrees or weights for another number of axes.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.TensorProduct((2, 3)).check(2)
        """
        self.axis_degrees(dim)
        self._axis_weights(dim)

    def _single_degree(self) -> int:
        return max(self.degree) if isinstance(self.degree, tuple) else self.degree

    def _axis_weights(self, dim: int) -> tuple[float, ...]:
        weights: tuple[float, ...] | None = getattr(self, "weights", None)
        if weights is None:
            return (1.0,) * dim
        if len(weights) != dim:
            raise ValueError(f"weights={weights}: {dim} weights, one an axis, are expected")
        return weights

    def to_dict(self) -> dict[str, object]:
        """Return the index set as plain values; see `index_set_from_dict`.

        Returns
        -------
        dict
            The class's name as "index_set", and its arguments, all of which JSON can hold.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.HyperbolicCross(8, gamma=-1).to_dict()
        {'index_set': 'HyperbolicCross', 'degree': 8, 'gamma': -1.0, 'weights': None}
        """
        values = dict(self.__dict__)
        if values.get("gamma") == -math.inf:
            values["gamma"] = "-inf"
        return {"index_set": type(self).__name__, **values}


@register_index_set
@dataclass(frozen=True, init=False, repr=False)
class TensorProduct(IndexSet):
    """All n with n_d <= degree (one degree, or one an axis): (N + 1)^D of them.

    Parameters
    ----------
    degree : int or sequence of int
        The largest entry N of every axis, or one an axis.

    Raises
    ------
    TypeError, ValueError
        If a degree is no integer from 0 to 10,000,000.

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

    def rule(self, dim: int) -> Rule:
        """Return what decides on membership."""
        return _tensor_rule(self.axis_degrees(dim))


@register_index_set
@dataclass(frozen=True, init=False, repr=False)
class TotalDegree(IndexSet):
    """All n with sum of w_d n_d <= degree, n_d <= degree.

    Parameters
    ----------
    degree : int
        N.
    weights : sequence of float, optional
        Axis weights w_d > 0, default 1; a larger weight keeps fewer indices along its axis.

    Raises
    ------
    TypeError, ValueError
        If the degree is no integer from 0 to 10,000,000, or a weight is not positive.

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

    def rule(self, dim: int) -> Rule:
        """Return what decides on membership."""
        degree = self._single_degree()
        n = np.arange(degree + 1)
        costs = [np.rint(w * n / max(degree, 1) * _UNIT).clip(max=2**54) for w in self._axis_weights(dim)]
        return _rule(costs, 0.0, _UNIT * (1 + _SLACK))


@register_index_set
@dataclass(frozen=True, init=False, repr=False)
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

    def rule(self, dim: int) -> Rule:
        """Return what decides on membership."""
        degree, bound = self._single_degree(), math.log(max(self._single_degree(), 1))
        n = np.arange(degree + 1)
        costs = [np.log(np.maximum(1.0, w * n)) for w in self._axis_weights(dim)]
        if self.gamma == -math.inf:
            return _tensor_rule([int((cost <= bound + _SLACK).sum()) - 1 for cost in costs])
        # Relative slack of 1e-12 on the products themselves; logarithms carry a few more bits of rounding.
        room = (1 - self.gamma) * bound
        return _rule([np.rint(cost * _UNIT) for cost in costs], self.gamma, (room + _SLACK * (1 + abs(room))) * _UNIT)


@register_index_set
@dataclass(frozen=True, init=False, eq=False, repr=False)
class Indices(IndexSet):
    """A downward-closed set given by its members.

    Parameters
    ----------
    indices : array (K, D) of integers
        In any order.

    Raises
    ------
    ValueError, TypeError
        If they are not integers (K, D), one is negative or there twice, or a smaller neighbour of one is missing.

    Examples
    --------
    >>> import specfast as sf
    >>> sf.Indices([[0, 0], [1, 0], [0, 1]]).contains([[1, 1], [0, 1]])
    array([False,  True])
    """

    def __init__(self, indices: ArrayLike):
        from .enumerate import first_gap, from_indices

        given = _as_indices(indices)
        if given.ndim != 2 or given.shape[0] < 1 or given.shape[1] < 1:
            raise ValueError(f"indices have shape {given.shape}; (K, D) with K, D >= 1 is expected")
        if (given < 0).any():
            raise ValueError(f"indices={given[(given < 0).any(1)][0].tolist()}: entries of 0 or more are expected")
        members = given[np.lexsort(given.T[::-1])].astype(np.int64)
        twice = (members[1:] == members[:-1]).all(1)
        if twice.any():
            raise ValueError(f"indices={members[1:][twice][0].tolist()}: is there twice; each is expected once")
        place, axis = first_gap(members)
        if place >= 0:
            below = members[place].copy()
            below[axis] -= 1
            raise ValueError(
                f"indices={members[place].tolist()}: a downward-closed set is expected, but {below.tolist()} is missing"
            )
        runs, _ = from_indices(members)
        runs.setflags(write=False)
        object.__setattr__(self, "degree", tuple(int(n) for n in members.max(0)))
        object.__setattr__(self, "_runs", runs)

    @property
    def described(self) -> bool:
        """False: the members are listed."""
        return False

    @property
    def dim(self) -> int:
        """The dimension of the members."""
        return len(self.axis_degrees(len(self.degree)))  # type: ignore[arg-type]

    def tree(self, dim: int) -> np.ndarray:
        """Return the runs of the last entry; see `IndexSet.tree`."""
        self.check(dim)
        return self._runs  # type: ignore[attr-defined,no-any-return]

    def size(self, dim: int) -> int:
        """Return how many members there are."""
        return int(self.tree(dim)[:, 1].sum())

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Indices)
            and self.degree == other.degree
            and np.array_equal(self.tree(self.dim), other.tree(other.dim))
        )

    def __hash__(self) -> int:
        return hash((self.degree, self.tree(self.dim).tobytes()))

    def __repr__(self) -> str:
        listed = self.size(self.dim) * self.dim <= _LISTED
        return f"Indices({self.indices(self.dim).tolist()})" if listed else str(self)

    def __str__(self) -> str:
        return f"<Indices: {self.size(self.dim)} in {self.dim} dimensions, degree={self.degree}>"

    def __reduce__(self) -> tuple[type[Indices], tuple[np.ndarray]]:
        return Indices, (self.indices(self.dim),)

    def to_dict(self) -> dict[str, object]:
        """Return the index set as plain values; see `index_set_from_dict`."""
        return {"index_set": "Indices", "indices": self.indices(self.dim).tolist()}


def _as_indices(indices: ArrayLike) -> np.ndarray:
    given = np.asarray(indices)
    if given.dtype.kind not in "iu":
        raise TypeError(f"indices have type {given.dtype}; integers are expected")
    return given


def _rule(costs: Sequence[np.ndarray], gamma: float, room: float) -> Rule:
    table = np.array(costs, dtype=np.int64).reshape(len(costs), -1)
    return Rule(table, np.full(len(costs), table.shape[1] - 1), gamma, float(room))


def _tensor_rule(degrees: Sequence[int]) -> Rule:
    return Rule(np.zeros((len(degrees), max(degrees) + 1), np.int64), np.array(degrees, dtype=np.int64), 0.0, 0.0)


@lru_cache(maxsize=256)
def _count(index_set: IndexSet, dim: int) -> int:
    """Count prefixes by what a rule remembers of them, axis by axis: few differ."""
    index_set.check(dim)
    rule = index_set.rule(dim)
    if not rule.costs.any():
        return math.prod(int(n) + 1 for n in rule.degrees)
    total, largest, many = np.zeros(1, np.int64), np.zeros(1, np.int64), np.ones(1, object)
    for axis in range(dim):
        cost = rule.costs[axis, : rule.degrees[axis] + 1]
        values, repeats = np.unique(cost, return_counts=True)
        parts = []
        for value, repeat in zip(values, repeats, strict=True):
            both, most = total + value, np.maximum(largest, value)
            inside = both - rule.gamma * most <= rule.room
            if not inside.any():
                break
            parts.append((both[inside], most[inside], many[inside] * int(repeat)))
        total, largest, many = (np.concatenate(column) for column in zip(*parts, strict=True))
        if axis == dim - 1:
            break
        order = np.lexsort((largest, total))
        total, largest, many = total[order], largest[order], many[order]
        first = np.flatnonzero(np.append(True, (np.diff(total) != 0) | (np.diff(largest) != 0)))
        total, largest, many = total[first], largest[first], np.add.reduceat(many, first)
    return int(many.sum())


@lru_cache(maxsize=64)
def _tree(index_set: IndexSet, dim: int) -> np.ndarray:
    from .enumerate import grow

    size, half = index_set.size(dim), memory() // 2
    if 8 * size > half:
        raise ValueError(
            f"{index_set} in {dim} dimensions has {size} indices; their coefficients alone need {8 * size / 2**30:.1f} GiB, and"
            f" half of this machine's memory is {half / 2**30:.1f} GiB"
        )
    rule = index_set.rule(dim)
    runs, _, _, listed, _ = grow(rule.costs, rule.degrees, rule.gamma, rule.room, 0, ALL)
    assert listed == size
    runs.setflags(write=False)
    return runs


@lru_cache(maxsize=64)
def _indices(index_set: IndexSet, dim: int) -> np.ndarray:
    from .enumerate import list_indices

    size, degree = index_set.size(dim), max(index_set.axis_degrees(dim))
    kind = next(t for t in (np.int8, np.int16, np.int32, np.int64) if degree <= np.iinfo(t).max)
    need = size * dim * np.dtype(kind).itemsize
    if need > memory() // 2:
        raise ValueError(
            f"{index_set} in {dim} dimensions has {size} indices; a list of them needs {need / 2**30:.1f} GiB, and half of this"
            f" machine's memory is {memory() / 2**31:.1f} GiB"
        )
    if dim == 1:
        out = np.arange(size, dtype=kind)[:, None]
    else:
        out = np.empty((size, dim), kind)
        list_indices(index_set.tree(dim), out)
    out.setflags(write=False)
    return out


@lru_cache(maxsize=256)
def _largest(index_set: IndexSet, dim: int) -> tuple[int, ...]:
    if dim == 1:
        return (index_set.size(1) - 1,)
    from .enumerate import largest_entries

    return tuple(int(n) for n in largest_entries(index_set.tree(dim), dim))


def load_index_set(path: str | Path) -> IndexSet:
    """Return the index set that `IndexSet.save` wrote.

    Parameters
    ----------
    path : str or Path
        Of the file.

    Returns
    -------
    IndexSet

    Raises
    ------
    ValueError
        If the file does not hold one.

    Examples
    --------
    >>> import tempfile, specfast as sf
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sf.Indices([[0, 0], [1, 0]]).save(f"{folder}/set.npz")
    ...     print(repr(sf.load_index_set(f"{folder}/set.npz")))
    Indices([[0, 0], [1, 0]])
    """
    import json
    import zipfile

    try:
        with np.load(Path(path), allow_pickle=False) as file:
            values = json.loads(str(file["index_set"]))
            members = {"indices": file["indices"]} if "indices" in file else {}
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"{path}: not an index set ({type(error).__name__})") from error
    return index_set_from_dict({**values, **members})


def index_set_from_dict(values: Mapping[str, object]) -> IndexSet:
    """Return the index set that `IndexSet.to_dict` described.

    Parameters
    ----------
    values : dict
        The class's name as "index_set", and its arguments.

    Returns
    -------
    IndexSet

    Raises
    ------
    ValueError
        If there is no class of this name.

    Examples
    --------
    >>> index_set_from_dict({"index_set": "TotalDegree", "degree": 4})
    TotalDegree(4)
    """
    arguments = dict(values)
    name = arguments.pop("index_set", None)
    if not isinstance(name, str) or name not in INDEX_SETS:
        raise ValueError(f"index_set={name!r}: one of {', '.join(INDEX_SETS)} is expected")
    for key in ("degree", "weights"):
        if isinstance(given := arguments.get(key), list):
            arguments[key] = tuple(given)
    if isinstance(gamma := arguments.get("gamma"), (str, int)):
        arguments["gamma"] = float(gamma)
    return INDEX_SETS[name](**arguments)  # type: ignore[arg-type]
