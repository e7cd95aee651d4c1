"""Index sets as the kernels for GPUs take them: unfolded (`_unfolding`) and as the struct GpuCross of csrc/cuda/problem.hpp."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...index_sets.matricize import Cut, Unfolding, cuts, unfold
from .. import _cpu
from .launch import Launch
from .tables import bytes_on, on_gpu

HEIGHT: int = _cpu.gpu_cross_height  # rows of a rectangle
_THREADS = 256
_MOST_RECTANGLES = 64  # of a group of columns: their leading products lie in a block's memory
_USUAL_LIMIT = 160 << 10  # of a block's memory, on GPUs from 8.0 on

# What a point costs in FMAs, to choose between splits and ways: a load of a block's memory is 4, a word by way of the GPU's 21.
_LOAD, _WORD, _COLUMN = 4, 21, 1.5
_NARROW = {32: 1.0, 16: 1.7, 8: 3.0, 4: 5.0}  # columns cost more where fewer threads share one
_ALONE = 1.2  # where a block's memory leaves no room for a second one


@lru_cache(maxsize=64)
def checked(runs: bytes, degrees: tuple[int, ...], size: int) -> np.ndarray:
    """Return the runs of a tree as an array.

    Raises
    ------
    ValueError
        If its entries are not those that `degrees` allow, or not `size`; nothing else may be walked.
    """
    from ...index_sets.enumerate import largest_entries

    tree, dim = np.frombuffer(runs, np.int32).reshape(-1, 2), len(degrees)
    valid = len(tree) > 0 and tree[0, 0] == 0 and ((tree[:, 0] >= 0) & (tree[:, 0] < dim - 1) & (tree[:, 1] > 0)).all()
    if not valid or (largest_entries(tree, dim) > np.array(degrees)).any() or int(tree[:, 1].sum()) != size:
        raise ValueError("tree: its runs do not agree with the degrees and the number of coefficients")
    return tree


@lru_cache(maxsize=64)
def cuts_of(runs: bytes, dim: int) -> tuple[Cut, ...]:
    """Return what unfolding a tree at every split would give."""
    return tuple(cuts(np.frombuffer(runs, np.int32).reshape(-1, 2), dim, HEIGHT))


def limit(device: torch.device) -> int:
    """Return how many bytes of memory a block may have."""
    if device.type != "cuda":
        return _USUAL_LIMIT
    properties = torch.cuda.get_device_properties(device)
    return min(_USUAL_LIMIT, getattr(properties, "shared_memory_per_block_optin", 48 << 10))


def _geometry(
    words: int, leading: int, pieces: int, rows: int, points: int, adjoint: bool, double: bool, most: int
) -> Launch:
    return Launch(*_cpu.gpu_cross_geometry([words, leading, pieces, rows, points], adjoint, double, most))


def split_in_blocks(
    found: Sequence[Cut], functions: int, adjoint: bool, double: bool, most: int
) -> tuple[int, float] | None:
    """Return the split at which a block's own memory serves best, and what a point costs; None where nothing fits."""
    best = None
    for split, cut in enumerate(found, 1):
        products = 0 if split == len(found) else cut.trailing
        rectangles = -(-cut.leading // HEIGHT)
        lines = HEIGHT * min(rectangles, _MOST_RECTANGLES) if adjoint else 0
        how = _geometry(functions + products, lines, rectangles, 1, 1 << 20, adjoint, double, most)
        if how.points == 0:
            continue
        groups = -(-cut.numbers // (HEIGHT * 8 * _THREADS)) if adjoint else 1
        tables = _LOAD * (2 * functions + 3 * products) * groups + _LOAD * cut.leading * (split + 0.5)
        narrow = 1.0 if adjoint else _NARROW[how.points] * (_ALONE if 2 * how.memory > most + (60 << 10) else 1.0)
        cost = (_COLUMN * cut.numbers + tables) * narrow
        if best is None or cost < best[1]:
            best = split, cost
    return best


def cost_of_matrices(found: Sequence[Cut], size: int, functions: int, double: bool) -> float:
    """Return what a point costs by matrix products; those in double run on matrix units twice as fast."""
    products = min(cut.leading + cut.trailing for cut in found)
    return (0.6 if double else 1.15) * size + _WORD * (5 * products + 2 * functions)


class GpuSet(NamedTuple):
    """An unfolded index set on a GPU, for one kind of sum: what kernels take but for parts, and what they need."""

    dim: int
    split: int
    functions: int
    products: int
    runs: int
    columns: int
    rectangles: int
    groups: int
    each: int  # columns a thread of the adjoint
    lines: int  # most leading indices of a group
    work: np.ndarray  # of every rectangle
    order: Tensor  # (columns HEIGHT) which coefficient each number is, K in gaps
    inverse: Tensor  # (K)
    tables: Tensor
    where: dict[str, int]  # addresses in `tables`


class Packed(NamedTuple):
    """What kernels take of a set, and what its addresses lead to: kept as long as they are."""

    plan: Tensor
    cut: Tensor
    own: GpuSet


def _numbers(unfolding: Unfolding) -> tuple[np.ndarray, np.ndarray]:
    """Return the coefficients of all columns, HEIGHT each, K in gaps, and how many columns a rectangle has."""
    size, parts, counts = len(unfolding.inverse), [], []
    for own in unfolding.rectangles:
        rows = own.end - own.begin
        block = unfolding.order[own.first : own.first + own.size].reshape(rows, -1)
        whole = np.full((block.shape[1], HEIGHT), size, np.int64)
        whole[:, :rows] = block.T
        parts.append(whole.reshape(-1))
        counts.append(block.shape[1])
    return np.concatenate(parts), np.array(counts)


def _entries(unfolding: Unfolding, axes: np.ndarray, split: int) -> np.ndarray:
    """Return the functions of all leading indices, (rectangles, split, HEIGHT), those of index 0 in gaps."""
    count = len(unfolding.rectangles)
    padded = np.zeros((count * HEIGHT, split), np.int32)
    padded[: len(unfolding.leading)] = unfolding.leading
    return (padded + axes[:split]).reshape(count, HEIGHT, split).transpose(0, 2, 1).astype(np.int32)


def _trailing_runs(unfolding: Unfolding, axes: np.ndarray, split: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return of all runs of trailing products the functions that lead them, where they begin, and where each product is kept."""
    places = np.lexsort(unfolding.trailing.T[::-1])
    listed = unfolding.trailing[places]
    begins = np.flatnonzero(listed[:, -1] == 0)
    factors = (listed[begins, :-1] + axes[split:-1]).astype(np.int32)
    return factors, np.append(begins, len(listed)).astype(np.int32), places.astype(np.int32)


def _groups(owners: np.ndarray) -> tuple[int, np.ndarray]:
    """Return how many columns a thread of the adjoint takes, and where the groups of a block's columns begin and end."""
    rectangles = int(owners[-1]) + 1
    each = 8 if len(owners) > 4 * _THREADS and len(owners) >= 16 * rectangles else 2
    ends = [0]
    while ends[-1] < len(owners):
        begin = ends[-1]
        end = min(begin + each * _THREADS, len(owners))
        if owners[end - 1] - owners[begin] >= _MOST_RECTANGLES:
            end = int(np.searchsorted(owners, owners[begin] + _MOST_RECTANGLES))
        ends.append(end)
    return each, np.array(ends, np.int64)


@lru_cache(maxsize=512)  # every order of differentiation of Hermite functions makes another one
@torch.inference_mode(False)
def gpu_set(runs: bytes, counts: tuple[int, ...], split: int, device: torch.device) -> GpuSet:
    """Return a tree on a GPU, unfolded behind `split` entries; `counts` functions an axis, those that derivatives need among them."""
    dim = len(counts)
    unfolding = unfold(np.frombuffer(runs, np.int32).reshape(-1, 2), dim, split, HEIGHT)
    axes = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
    order, widths = _numbers(unfolding)
    owners = np.repeat(np.arange(len(widths), dtype=np.int32), widths)
    trailing = [own.columns for own in unfolding.rectangles]
    if split == dim - 1:  # the products are the last axis's functions
        trailing = [unfolding.trailing[own, 0] for own in trailing]
        factors, run_ends, places = np.zeros((0, 0), np.int32), np.zeros(1, np.int32), np.zeros(0, np.int32)
    else:
        factors, run_ends, places = _trailing_runs(unfolding, axes, split)
    whole = [np.array_equal(own, own[0] + np.arange(len(own))) for own in trailing]
    first = [int(own[0]) if full else -1 for own, full in zip(trailing, whole, strict=True)]
    each, group_ends = _groups(owners)
    lines = HEIGHT * int((owners[group_ends[1:] - 1] - owners[group_ends[:-1]]).max() + 1)
    arrays = {
        "axes": axes,
        "entries": _entries(unfolding, axes, split),
        "begins": np.append(0, np.cumsum(widths)).astype(np.int64),
        "first": np.array(first, np.int32),
        "trailing": np.concatenate(trailing).astype(np.int32),
        "owners": owners,
        "group_ends": group_ends,
        "factors": factors,
        "run_ends": run_ends,
        "places": places,
    }
    tables, addresses = on_gpu(list(arrays.values()), device)
    inverse = np.empty(len(unfolding.inverse), np.int64)
    inside = np.flatnonzero(order < len(inverse))
    inverse[order[inside]] = inside
    return GpuSet(
        dim, split, int(sum(counts)), len(places), len(run_ends) - 1, len(owners), len(widths), len(group_ends) - 1, each,
        lines, widths + split + 1, torch.from_numpy(order).to(device), torch.from_numpy(inverse).to(device), tables,
        dict(zip(arrays, addresses, strict=True)),
    )  # fmt: skip


@lru_cache(maxsize=1024)
@torch.inference_mode(False)
def packed(runs: bytes, counts: tuple[int, ...], split: int, parts: int, device: torch.device) -> Packed:
    """Return what kernels take of a set cut into `parts` of as much work each."""
    own = gpu_set(runs, counts, split, device)
    before = np.concatenate([[0], np.cumsum(own.work)])
    ends = np.searchsorted(before, before[-1] * np.arange(parts + 1) // parts).astype(np.int64)
    cut, (address,) = on_gpu([ends], device)
    data = _cpu.gpu_cross(
        dim=own.dim, split=own.split, functions=own.functions, products=own.products, runs=own.runs,
        rectangles=own.rectangles, parts=parts, columns=own.columns, groups=own.groups, part_ends=address, **own.where,
    )  # fmt: skip
    return Packed(bytes_on(data, device), cut, own)


def how_to_sum(own: GpuSet, rows: int, points: int, double: bool) -> Launch:
    """Return how the sums at rows of points are launched; `points` of a tile, `tiles` the parts of the set."""
    most = limit(own.tables.device)
    return _geometry(own.functions + own.products, 0, own.rectangles, rows, points, False, double, most)


def how_to_transpose(own: GpuSet, lines: int, points: int, double: bool) -> Launch:
    """Return how the transposed sums of rows and channels are launched; `points` of a tile, `tiles` the slices of the points."""
    most = limit(own.tables.device)
    return _geometry(own.functions + own.products, own.lines, own.groups, lines, points, True, double, most)
