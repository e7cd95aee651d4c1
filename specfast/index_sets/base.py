"""What an index set is: an immutable value that says which products of one-dimensional functions a space holds.

All are downward closed: with n they hold every index that is smaller in each entry. What is kept of one is its tree (see
`IndexSet.tree`); sizes are counted and indices listed when asked for. `Indices` has its members listed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from ..support.text import constructor_text
from .counting import Rule, as_indices, count_members, largest_entries_of, list_members, tree_of

_LISTED = 1000  # numbers up to which the text of a set lists its members


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

    @property
    def counts_functions(self) -> bool:
        """Whether entries are numbers of functions, not degrees, where a family has two functions of a degree."""
        return False

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
        return count_members(self, dim)

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
        return tree_of(self, dim)

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
        return list_members(self, dim)

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
        return largest_entries_of(self, dim)

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

        wanted = as_indices(indices)
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

        given = as_indices(indices)
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
