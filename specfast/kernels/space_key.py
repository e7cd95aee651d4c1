"""The text by which operators name a space: plain values that compiled graphs, pickles and caches can hold.

It describes families and index set in JSON, or, where indices are listed, points to an object that is alive.
"""

from __future__ import annotations

import itertools
import json
import weakref
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from ..families import Family, family_from_dict
from ..index_sets import IndexSet, functions_of, index_set_from_dict

_numbers = itertools.count()
_objects: weakref.WeakValueDictionary[str, SpaceRecord] = weakref.WeakValueDictionary()


@dataclass(frozen=True, eq=False)
class SpaceRecord:
    """Families and an index set: what operators know of a space."""

    families: tuple[Family, ...]
    index_set: IndexSet

    @cached_property
    def dim(self) -> int:
        """D."""
        return len(self.families)

    @cached_property
    def functions(self) -> IndexSet:
        """The indices of the functions: those of the index set, but where functions come in pairs."""
        return functions_of(self.index_set, self.families)

    @cached_property
    def size(self) -> int:
        """K."""
        return self.functions.size(self.dim)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The families on their standard domains."""
        return tuple(family.name for family in self.families)

    @cached_property
    def degrees(self) -> tuple[int, ...]:
        """The largest index of a function along every axis."""
        return self.functions.largest(self.dim)

    @property
    def indices(self) -> np.ndarray:
        """The indices (K, D)."""
        return self.functions.indices(self.dim)

    @property
    def tree(self) -> np.ndarray:
        """The runs of the index set, (F, 2) of int32."""
        return self.functions.tree(self.dim)

    @cached_property
    def key(self) -> str:
        """The text that `record` turns into this record."""
        if not self.index_set.described:
            name = f"#{next(_numbers)}"
            _objects[name] = self
            return name
        return json.dumps(describe(self.families, self.index_set))


def describe(families: tuple[Family, ...], index_set: IndexSet) -> dict[str, Any]:
    """Return families and an index set as plain values that JSON can hold."""
    return {"families": [family.to_dict() for family in families], **index_set.to_dict()}


def from_description(values: dict[str, Any]) -> tuple[list[Family], IndexSet]:
    """Return what `describe` described."""
    rest = {key: value for key, value in values.items() if key != "families"}
    return [family_from_dict(family) for family in values["families"]], index_set_from_dict(rest)


def record(key: str) -> SpaceRecord:
    """Return the record of a key.

    Raises
    ------
    ValueError
        If no space has this key (any more).
    """
    if key.startswith("#"):
        if (found := _objects.get(key)) is None:
            raise ValueError(f"space={key!r}: no space that is alive has this key")
        return found
    return _described(key)


@lru_cache(maxsize=1024)
def axes_of(key: str) -> int:
    """Return the number of axes of a space."""
    return record(key).dim


@lru_cache(maxsize=256)
def _described(key: str) -> SpaceRecord:
    families, index_set = from_description(json.loads(key))
    return SpaceRecord(tuple(families), index_set)


def behind_key(key: str) -> SpaceRecord | None:
    """Return the record of a key that does not describe it by itself. Who keeps such a key for later keeps the record too."""
    return record(key) if key[0] == "#" else None
