"""The functions whose degrees belong to an index set, where a family has two functions of a degree."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..families import Family, family_by_name
from .base import IndexSet, Indices
from .counting import Rule
from .registry import index_set_from_dict, register_index_set


@register_index_set
@dataclass(frozen=True, init=False, repr=False)
class FunctionsOf(IndexSet):
    """All (n_1, .., n_D) for which the degrees of phi_{n_1}, .., phi_{n_D} are a member of an index set.

    Parameters
    ----------
    degrees : IndexSet
        A set of degrees: wave numbers on the axes where functions come in pairs.
    families : sequence of str
        The families' names, one an axis.

    Examples
    --------
    >>> import specfast as sf
    >>> FunctionsOf(sf.HyperbolicCross(2), ["fourier", "hermite"]).indices(2).tolist()
    [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2], [2, 0], [2, 1], [2, 2], [3, 0], [3, 1], [4, 0], [4, 1]]
    """

    degrees: IndexSet
    families: tuple[str, ...]

    def __init__(self, degrees: IndexSet | dict[str, object], families: tuple[str, ...] | list[str]):
        own = degrees if isinstance(degrees, IndexSet) else index_set_from_dict(degrees)
        listed = tuple(map(family_by_name, families))
        most = own.axis_degrees(len(listed))
        counts = (family.function_count(degree) - 1 for family, degree in zip(listed, most, strict=True))
        for name, value in (("degree", tuple(counts)), ("degrees", own), ("families", tuple(families))):
            object.__setattr__(self, name, value)

    @property
    def counts_functions(self) -> bool:
        """True: entries are numbers of functions."""
        return True

    @property
    def described(self) -> bool:
        """Whether a few plain values say which members there are."""
        return self.degrees.described

    def check(self, dim: int) -> None:
        """Raise ValueError if the set has no members of this dimension."""
        self.axis_degrees(dim)
        self.degrees.check(dim)

    def rule(self, dim: int) -> Rule:
        """Return what decides on membership."""
        rule = self.degrees.rule(dim)
        lengths = [
            family.function_count(int(degree))
            for family, degree in zip(map(family_by_name, self.families), rule.degrees, strict=True)
        ]
        costs = np.zeros((dim, max(lengths)), np.int64)
        for axis, (name, length) in enumerate(zip(self.families, lengths, strict=True)):
            costs[axis, :length] = rule.costs[axis, family_by_name(name).function_degrees(length)]
            costs[axis, length:] = costs[axis, length - 1]
        return Rule(costs, np.array(lengths, np.int64) - 1, rule.gamma, rule.room)

    def size(self, dim: int) -> int:
        """Return how many members there are."""
        return super().size(dim) if self.described else _listed(self, dim).size(dim)

    def tree(self, dim: int) -> np.ndarray:
        """Return the runs of the last entry; see `IndexSet.tree`."""
        return super().tree(dim) if self.described else _listed(self, dim).tree(dim)

    def to_dict(self) -> dict[str, object]:
        """Return the set as plain values; see `index_set_from_dict`."""
        return {"index_set": "FunctionsOf", "degrees": self.degrees.to_dict(), "families": list(self.families)}


@lru_cache(maxsize=32)
def _listed(functions: FunctionsOf, dim: int) -> Indices:
    """Return the members where those of the set of degrees are listed."""
    members = functions.degrees.indices(dim).astype(np.int64)
    for axis, name in enumerate(functions.families):
        degrees = family_by_name(name).function_degrees(functions.axis_degrees(dim)[axis] + 1)
        first = np.searchsorted(degrees, members[:, axis])
        number = np.searchsorted(degrees, members[:, axis], side="right") - first
        rows = np.repeat(np.arange(len(members)), number)
        members = members[rows]
        members[:, axis] = first[rows] + np.arange(len(rows)) - np.repeat(np.cumsum(number) - number, number)
    return Indices(members)


def functions_of(degrees: IndexSet, families: tuple[Family, ...]) -> IndexSet:
    """Return the set of functions whose degrees belong to a set: the same set where each degree has one function.

    Parameters
    ----------
    degrees : IndexSet
        A set of degrees, or one that counts functions already, which is returned.
    families : tuple of Family
        One an axis.

    Returns
    -------
    IndexSet

    Examples
    --------
    >>> import specfast as sf
    >>> functions_of(sf.TensorProduct(3), (sf.Rational(),)).size(1), functions_of(sf.TensorProduct(3), (sf.Hermite(),))
    (8, TensorProduct(3))
    """
    if degrees.counts_functions or not any(family.paired for family in families):
        return degrees
    return FunctionsOf(degrees, tuple(family.name for family in families))
