"""What a space is: families and an index set, an immutable, hashable value without arrays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import torch

from ..families import FAMILIES, Family, names_of_families
from ..index_sets import IndexSet, TensorProduct
from ..kernels.space_key import SpaceRecord, describe, from_description, record
from ..ops.constant_cache import untraced


@untraced
def _degrees(key: str) -> tuple[int, ...]:
    """Return the largest degrees; a graph takes them as constants, since a lock, which keeps them, cannot be traced."""
    return record(key).degrees


class SpaceSpec:
    """Families and an index set.

    Attributes
    ----------
    families : tuple of Family
        One an axis, without degrees.
    index_set : IndexSet
        Which products of functions belong to the space.
    dim, size : int
        D and K.
    key : str
        The text by which operators know the space.
    """

    families: tuple[Family, ...]
    index_set: IndexSet
    dim: int
    size: int
    key: str
    _record: SpaceRecord
    _no_orders: tuple[int, ...]

    def __init__(self, families: Family | Sequence[Family], index_set: IndexSet | None = None):
        listed = (families,) if isinstance(families, Family) else tuple(families)
        if not listed or not all(isinstance(family, Family) and type(family) in FAMILIES.values() for family in listed):
            raise TypeError(f"families={families!r}: families ({names_of_families()}) are expected")
        if index_set is None:
            if len(listed) != 1 or listed[0].degree is None:
                raise ValueError("index_set=None: an index set, or for one axis a family with a degree, is expected")
            index_set = TensorProduct(listed[0].degree)
        elif not isinstance(index_set, IndexSet):
            raise TypeError(
                f"index_set={index_set!r}: a TensorProduct, TotalDegree, HyperbolicCross or Indices is expected"
            )
        index_set._axis_weights(len(listed))
        index_set.check(len(listed))
        own = SpaceRecord(tuple(family.with_degree(None) for family in listed), index_set)
        for name, value in {
            "families": own.families,
            "index_set": index_set,
            "dim": own.dim,
            "size": own.size,
            "key": own.key,
            "_record": own,
            "_no_orders": (0,) * own.dim,
        }.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Space is immutable; {name} cannot be set")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SpaceSpec) and (self.families, self.index_set) == (other.families, other.index_set)

    def __hash__(self) -> int:
        return hash((self.families, self.index_set))

    def __reduce__(self) -> tuple[type[Self], tuple[tuple[Family, ...], IndexSet]]:
        return type(self), (self.families, self.index_set)

    def __repr__(self) -> str:
        if (
            self.dim == 1
            and isinstance(degree := self.index_set.degree, int)
            and self.index_set == TensorProduct(degree)
        ):
            return f"Space({self.families[0].with_degree(degree)!r})"
        families: Family | list[Family] = self.families[0] if self.dim == 1 else list(self.families)
        return f"Space({families!r}, {self.index_set!r})"

    @property
    def functions(self) -> IndexSet:
        """The set of the indices: `index_set`, but where functions come in pairs, whose degree is one."""
        return self._record.functions

    @property
    def degrees(self) -> tuple[int, ...]:
        """The largest index of a function along every axis: its degree, but where functions come in pairs."""
        return _degrees(self.key) if torch.compiler.is_compiling() else self._record.degrees

    @property
    def indices(self) -> np.ndarray:
        """The indices, an array (K, D) in lexicographic order, of the smallest signed integer type."""
        return self._record.indices

    @property
    def fingerprint(self) -> str:
        """A short text that differs between spaces; stored beside weights."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, object]:
        """Return the space as plain values that JSON can hold.

        Returns
        -------
        dict
            Families and index set.

        Examples
        --------
        >>> import specfast as sf
        >>> space = sf.Space(sf.Hermite(degree=3))
        >>> sf.Space.from_dict(space.to_dict()) == space
        True
        """
        return describe(self.families, self.index_set)

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Return the space that `to_dict` described.

        Parameters
        ----------
        values : dict
            Families and index set.

        Returns
        -------
        Space

        Raises
        ------
        ValueError
            If a family or the index set is not known.

        Examples
        --------
        >>> import json, specfast as sf
        >>> text = json.dumps(sf.Space([sf.Hermite()] * 2, sf.HyperbolicCross(8)).to_dict())
        >>> sf.Space.from_dict(json.loads(text))
        Space([Hermite(), Hermite()], HyperbolicCross(8))
        """
        return cls(*from_description(dict(values)))

    def _orders(self, derivative: object) -> tuple[int, ...]:
        """Return an order of differentiation an axis."""
        given = derivative if isinstance(derivative, (tuple, list, np.ndarray)) else (derivative,)
        expected = f"{self.dim} orders of 0 or more, one an axis, are expected"
        if not all(isinstance(order, (int, np.integer)) and not isinstance(order, bool) for order in given):
            raise ValueError(f"derivative={derivative!r}: {expected}")
        orders = tuple(int(order) for order in given)
        if orders == (0,):
            return self._no_orders
        if len(orders) != self.dim or min(orders) < 0:
            raise ValueError(f"derivative={derivative!r}: {expected}")
        return orders

    def _grid_sizes(self, sizes: int | Sequence[int] | None) -> list[int]:
        """Return the numbers of nodes, one an axis."""
        counts = [n + 1 for n in self.degrees]
        if sizes is None:
            return counts
        given = [int(n) for n in sizes] if isinstance(sizes, (Sequence, np.ndarray)) else [int(sizes)] * self.dim
        if len(given) != self.dim or any(n < count for n, count in zip(given, counts, strict=True)):
            raise ValueError(
                f"sizes={tuple(given)}: {self.dim} numbers of nodes, one an axis, of at least {tuple(counts)} are expected"
            )
        return given
