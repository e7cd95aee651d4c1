"""Tensors that take a good part of memory, kept in files that vanish with them: the system reads and drops their pages."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from ..support.machine import memory

# In bytes: past this a tensor is kept in a file. Two of them, and what is made of them, stay in memory.
LARGEST = memory() // 8
BLOCK = 1 << 26  # of a tensor that is worked on at once


def empty(shape: Sequence[int]) -> Tensor:
    """Return a float64 tensor whose entries are not set; a large one lies in a nameless file in the temporary folder (TMPDIR).

    Raises
    ------
    MemoryError
        If the folder has no room for it.
    """
    count = math.prod(shape)
    if 8 * count <= LARGEST:
        return torch.empty(tuple(shape), dtype=torch.float64)
    with tempfile.NamedTemporaryFile(prefix="specfast-") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, 8 * count)
        except OSError as error:
            raise MemoryError(
                f"{8 * count / 2**30:.1f} GiB of data fit neither in memory nor in {tempfile.gettempdir()}; set TMPDIR to a"
                " folder with more room"
            ) from error
        return torch.from_file(file.name, shared=True, size=count, dtype=torch.float64).reshape(tuple(shape))


def blocks(count: int, row: int) -> Iterator[slice]:
    """Return slices of `count` rows of `row` numbers each, no more than BLOCK bytes at once but at least one row."""
    step = max(1, BLOCK // (8 * max(1, row)))
    return (slice(begin, min(begin + step, count)) for begin in range(0, count, step))


def copy(source: Tensor, rows: Tensor | None = None) -> Tensor:
    """Return a float64 copy of a tensor, or of some of its rows."""
    result = empty((len(source) if rows is None else len(rows), *source.shape[1:]))
    for part in blocks(len(result), math.prod(result.shape[1:])):
        result[part] = source[part if rows is None else rows[part]]
    return result
