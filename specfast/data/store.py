"""What a file holds, before anyone has said what it means: arrays that are read when they are sliced, and notes on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from .errors import DataError


class LazyArray(Protocol):
    """An array of which parts are read: of h5py, zarr, SciPy, NumPy, xarray."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its lengths."""

    @property
    def dtype(self) -> Any:
        """Its type."""

    def __getitem__(self, index: Any) -> Any:
        """Read a part."""


@dataclass(frozen=True)
class Variable:
    """One array of a file: its name, the names of its dimensions where it has some, and its attributes.

    `owner` is the open file, which lives as long as something may be read of it.
    """

    name: str
    array: LazyArray
    dims: tuple[str, ...] | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    owner: object = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Its lengths."""
        return tuple(map(int, self.array.shape))

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers."""
        return np.dtype(self.array.dtype).kind in "fiucb"

    def read(self, index: Any = ...) -> np.ndarray:
        """Return a part as it is stored; masked arrays stay so."""
        found = self.array[index]
        return found if isinstance(found, np.ma.MaskedArray) else np.asarray(found)

    def vector(self) -> np.ndarray:
        """Return all of it as one float64 axis, lengths of 1 left out."""
        return np.ma.filled(self.read().astype(np.float64), np.nan).reshape(-1)


@dataclass(frozen=True)
class Store:
    """The arrays of a file or of memory, by name.

    Attributes
    ----------
    source : str
        What messages call it: the path, or "arrays".
    format : str
        Such as "NetCDF-4".
    variables : dict of Variable
        Those in groups are called "group/name".
    attributes : mapping
        Of the file; of groups under "group/name".
    unreadable : dict of str
        Variables of a type that cannot be read, and why: they stop nothing unless they are needed.
    """

    source: str
    format: str
    variables: dict[str, Variable]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.variables

    def __getitem__(self, name: str) -> Variable:
        return self.variables[name]

    def asked(self, names: Sequence[str]) -> list[Variable]:
        """Return the variables of these names.

        Raises
        ------
        DataError
            If there is none of a name, or it cannot be read.
        """
        for name in names:
            if name not in self:
                why = f", it cannot be read ({self.unreadable[name]})" if name in self.unreadable else ""
                raise DataError(f"{self.source}: no variable {name}{why}; it has {self.listed()}")
        return [self[name] for name in names]

    def listed(self) -> str:
        """Return names and shapes, for messages."""
        parts = [f"{name} {v.shape}" for name, v in list(self.variables.items())[:12]]
        more = f", and {len(self.variables) - 12} more" if len(self.variables) > 12 else ""
        return (", ".join(parts) or "nothing") + more


class Stacked:
    """Arrays of equal shape as one with a new first axis, each read when it is asked for."""

    def __init__(self, parts: Sequence[LazyArray]):
        self.parts = list(parts)
        self.shape = (len(self.parts), *map(int, self.parts[0].shape))
        self.dtype = np.result_type(*{np.dtype(part.dtype) for part in self.parts})

    def __getitem__(self, index: Any) -> np.ndarray:
        index = index if isinstance(index, tuple) else (index,)
        first, rest = (index[0], index[1:]) if index and index[0] is not Ellipsis else (slice(None), index)
        chosen = np.arange(len(self.parts))[first]
        if np.ndim(chosen) == 0:
            return np.asarray(self.parts[int(chosen)][rest or ...])
        return np.stack([np.asarray(self.parts[int(i)][rest or ...]) for i in chosen])


class Reversed:
    """An array whose axes MATLAB has written in the opposite order; complex numbers are pairs named real and imag."""

    def __init__(self, array: Any):
        self.array, self.pairs = array, array.dtype.names is not None
        self.shape = tuple(reversed(array.shape))
        self.dtype = np.dtype(np.complex128) if self.pairs else array.dtype

    def __getitem__(self, index: Any) -> np.ndarray:
        index = index if isinstance(index, tuple) else (index,)
        if Ellipsis in index:
            place = index.index(Ellipsis)
            index = (*index[:place], *[slice(None)] * (len(self.shape) - len(index) + 1), *index[place + 1 :])
        index = (*index, *[slice(None)] * (len(self.shape) - len(index)))
        read = np.asarray(self.array[tuple(reversed(index))])
        if self.pairs:
            real, imag = self.array.dtype.names
            read = read[real] + 1j * read[imag]
        return read.T


class Pairs:
    """Complex numbers stored as records of two floats."""

    def __init__(self, array: Any):
        self.array, self.shape, self.dtype = array, array.shape, np.dtype(np.complex128)

    def __getitem__(self, index: Any) -> np.ndarray:
        read = np.asarray(self.array[index])
        real, imag = self.array.dtype.names
        return np.asarray(read[real] + 1j * read[imag])


def is_pairs(dtype: Any) -> bool:
    """Whether a type is a record of a real and an imaginary part."""
    names = getattr(dtype, "names", None)
    return (
        names is not None and len(names) == 2 and str(names[0]).lower() in _REAL and str(names[1]).lower() in _IMAGINARY
    )


_REAL, _IMAGINARY = ("r", "re", "real"), ("i", "im", "imag")
