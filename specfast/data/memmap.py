"""Tensors that take a good part of memory, kept in files that vanish with them: the system reads and drops their pages."""

from __future__ import annotations

import math
import mmap
import os
import sys
import tempfile
import weakref
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from ..support.machine import memory

# In bytes: past this a tensor is kept in a file. Two of them, and what is made of them, stay in memory.
LARGEST = memory() // 8
_maps: weakref.WeakValueDictionary[int, mmap.mmap] = weakref.WeakValueDictionary()  # by where they begin
BLOCK = 1 << 26  # of a tensor that is worked on at once


def empty(shape: Sequence[int], dtype: torch.dtype = torch.float64) -> Tensor:
    """Return a tensor whose entries are not set; a large one lies in a nameless file in the temporary folder (TMPDIR).

    One that fits is float64 whatever is asked for.

    Raises
    ------
    MemoryError
        If the folder has no room for it.
    """
    count = math.prod(shape)
    if 8 * count <= LARGEST:
        return torch.empty(tuple(shape), dtype=torch.float64)
    size = count * dtype.itemsize
    with tempfile.NamedTemporaryFile(prefix="specfast-") as file:
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                os.truncate(file.name, size)
        except OSError as error:
            raise MemoryError(
                f"{size / 2**30:.1f} GiB of data fit neither in memory nor in {tempfile.gettempdir()}; set TMPDIR to a"
                " folder with more room"
            ) from error
        return torch.from_file(file.name, shared=True, size=count, dtype=dtype).reshape(tuple(shape))


def mapped(path: str, offset: int, shape: Sequence[int], dtype: np.dtype) -> Tensor:
    """Return numbers where they lie in a file, as they are there; what is written to the tensor stays in memory."""
    # Not counted as memory that is wanted: as much as is written to is taken.
    flags = mmap.MAP_PRIVATE | getattr(mmap, "MAP_NORESERVE", 0x4000 if sys.platform == "linux" else 0)
    start = offset - offset % mmap.ALLOCATIONGRANULARITY
    length = offset - start + math.prod(shape) * dtype.itemsize
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size < start + length:  # what lies beyond would end the process
            raise OSError(f"{path}: the file is shorter than it says")
        memory_of_file = mmap.mmap(
            file.fileno(), length, flags=flags, prot=mmap.PROT_READ | mmap.PROT_WRITE, offset=start
        )
    array = np.frombuffer(memory_of_file, dtype, math.prod(shape), offset - start)
    tensor = torch.from_numpy(array).reshape(tuple(shape))
    _maps[tensor.data_ptr() - (offset - start)] = memory_of_file
    return tensor


def drop_pages(values: Tensor) -> None:
    """Give back the memory of a part of a file that was looked at and not written to; nothing for other tensors."""
    first = values.data_ptr()
    for address, memory_of_file in list(_maps.items()):
        if address <= first < address + len(memory_of_file):
            last = first + values.element_size() * (
                1 + sum((n - 1) * s for n, s in zip(values.shape, values.stride(), strict=True))
            )
            begin = first - address + (address - first) % mmap.PAGESIZE
            length = last - address - begin - (last - address) % mmap.PAGESIZE
            if length > 0 and hasattr(memory_of_file, "madvise"):
                memory_of_file.madvise(mmap.MADV_DONTNEED, begin, length)


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
