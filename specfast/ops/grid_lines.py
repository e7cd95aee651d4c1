"""Sums along one axis of a grid of Gauss nodes, and their transposes, in whichever of four ways takes least.

dense    a product with the table of the functions at the nodes
folded   where functions are even and odd: two products, of even functions and of odd ones at the nodes of one half.
         A value and the one opposite are sum and difference of the two. Half the work
fast     the family's own transform at its nodes, where it has one
afresh   the kernels find the functions anew, block by block, in double precision: where a table would be too large
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..families import Family
from ..families.nodes_transform import NodesTransform
from ..kernels import backend
from ..kernels.kept import lasting
from ..kernels.precision import full_precision
from ..quadrature import gauss

_LARGEST_TABLE, _LARGEST_HALF = 1 << 20, 1 << 23  # numbers; of halves beyond the first few are kept
# Numbers of lines that are folded or transformed at once, so that what comes between stays in a cache; and on several threads, which
# take tens of microseconds to start, every time.
_PIECE, _SHARED_PIECE = 1 << 17, 1 << 19

Way = Literal["dense", "folded", "fast", "afresh"]


class Costs(NamedTuple):
    """Nanoseconds on one core, of which only the ratios matter: fitted to what `benchmarks/grids.py --ways` measures."""

    term: float  # a number of the table times one of a line
    call: float  # what folding, or the fast transform, takes for however little
    folded: float  # a number of a line, before and after, besides half of the terms
    fast: float  # likewise, with the FFT of a length that has no prime factor beyond 13
    awkward: float  # what a number takes more where the length has
    apart: float  # and where the numbers of a line do not lie side by side
    slope: float  # a coefficient differentiated once
    read: float  # a number of a table that no cache holds
    afresh: float  # like a term, its function found anew


COSTS = {
    torch.float32: Costs(
        term=0.023, call=25e3, folded=1.0, fast=2.0, awkward=4.0, apart=0.6, slope=1.0, read=0.4, afresh=0.05
    ),
    torch.float64: Costs(
        term=0.046, call=25e3, folded=1.5, fast=2.4, awkward=8.0, apart=1.2, slope=1.0, read=0.8, afresh=0.05
    ),
}


class Lines(NamedTuple):
    """What there is to be summed: how many lines, of how many functions, and whether their numbers do not lie side by side."""

    number: int
    length: int
    apart: bool
    dtype: torch.dtype
    device: torch.device
    threads: int


class Axis(NamedTuple):
    """One axis of a grid: B[q, k] = phi_k^(order)(z_q), or B[q, k] w_q / h_k where `weighted`; on the last axis but one.

    The rule is the one for products of `factors` functions.
    """

    family: Family
    nodes: int
    size: int
    order: int
    weighted: bool
    factors: int = 2

    @property
    def raised(self) -> int:
        """How many more functions the derivative needs."""
        return self.family.count_with_derivative(0, self.order)

    def forward(self, lines: Tensor) -> Tensor:
        """Return B (..., nodes, rest) of series (..., length, rest), length at most `size`."""
        length = lines.shape[-2]
        if lines.numel() == 0:
            return lines.new_zeros((*lines.shape[:-2], self.nodes, lines.shape[-1]))
        match way_of(self, _described(lines, length)):
            case "dense":
                return _product(_table(self, lines.dtype, lines.device)[:, :length], lines)
            case "folded":
                tables = _folded_tables(self, lines.dtype, lines.device)
                return _in_pieces(lambda part: _unfold(self, *tables, part), lines, self.nodes)
            case "fast":
                return _in_pieces(lambda part: _fast(self, part), lines, self.nodes)
            case _:
                return _afresh(self, lines)

    def transposed(self, lines: Tensor, length: int) -> Tensor:
        """Return B^T (..., length, rest) of values (..., nodes, rest)."""
        if lines.numel() == 0:
            return lines.new_zeros((*lines.shape[:-2], length, lines.shape[-1]))
        match way_of(self, _described(lines, length)):
            case "dense":
                return _product(_table(self, lines.dtype, lines.device)[:, :length].mT, lines)
            case "folded":
                tables = _folded_tables(self, lines.dtype, lines.device)
                return _in_pieces(lambda part: _fold(self, *tables, part, length), lines, length)
            case "fast":
                return _in_pieces(lambda part: _fast_transposed(self, part, length), lines, length)
            case _:
                return _afresh_transposed(self, lines, length)


# ------------------------------------------------------------------------------------------------------------ which way


def _described(lines: Tensor, length: int) -> Lines:
    number, apart = lines.numel() // lines.shape[-2], lines.shape[-1] > 1
    return Lines(number, length, apart, lines.dtype, lines.device, torch.get_num_threads())


@lru_cache(maxsize=4096)
def way_of(axis: Axis, lines: Lines) -> Way:
    """Return the way that takes least; on a GPU the simplest that is possible."""
    possible = _possible(axis, lines.dtype, lines.device)
    if lines.device.type != "cpu":
        return possible[0]
    return min(possible, key=lambda way: cost_of(way, axis, lines))


def _possible(axis: Axis, dtype: torch.dtype, device: torch.device) -> list[Way]:
    """Return what can be done, the simplest first."""
    ways: list[Way] = []
    if axis.nodes * axis.size <= _LARGEST_TABLE:
        ways.append("dense")
    own_nodes = axis.family.product_rule(1, axis.factors)[1] == 1  # not those of another scale
    if own_nodes and axis.size + axis.raised <= axis.nodes and _transform(axis.family, axis.nodes, dtype, device):
        ways.append("fast")
    if axis.family.symmetric and axis.nodes > 1:
        half = _half(axis)
        if half <= _LARGEST_TABLE or (half <= _LARGEST_HALF and device.type == "cpu"):
            ways.append("folded")
    if not ways or ways == ["folded"]:
        ways.append("afresh")
    return ways


def _half(axis: Axis) -> int:
    """Return how many numbers half a table has."""
    return (axis.nodes + 1) // 2 * axis.size


def cost_of(way: Way, axis: Axis, lines: Lines) -> float:
    """Return about how many nanoseconds of all threads a way takes."""
    costs, count, length = COSTS[lines.dtype], lines.number, lines.length
    terms, numbers = float(axis.nodes * length * count), (axis.nodes + length) * count
    if way == "dense":
        return costs.term * terms
    if way == "afresh":
        return costs.afresh * terms
    call = costs.call * lines.threads  # others wait
    if way == "folded":
        read = costs.read * _half(axis) if _half(axis) > _LARGEST_TABLE else 0.0
        return call + costs.term * terms / 2 + costs.folded * numbers + read
    each = costs.fast + costs.apart * lines.apart + costs.awkward * (_largest_prime(axis.nodes) > 13)
    return call + each * numbers + costs.slope * axis.order * length * count


def _largest_prime(number: int) -> int:
    largest, divisor = 1, 2
    while number > 1:
        if divisor * divisor > number:
            return max(largest, number)
        while number % divisor == 0:
            number, largest = number // divisor, divisor
        divisor += 1
    return largest


# --------------------------------------------------------------------------------------------------------------- tables


def _rule_of(family: Family, nodes: int, factors: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the nodes and weights of the Gauss rule for products of this many functions."""
    z, weights = gauss(family, nodes)
    _, scale = family.product_rule(1, factors)
    return (z, weights) if scale == 1 else (z / scale, weights * scale ** (-2 * family.power))


@lru_cache(maxsize=256)
def _kept_functions(family: Family, nodes: int, size: int, order: int, factors: int, upper: bool) -> Tensor:
    return _functions(family, nodes, size, order, factors, upper)


def _functions(family: Family, nodes: int, size: int, order: int, factors: int, upper: bool) -> Tensor:
    """Return the functions' derivatives of this order at the Gauss nodes, or at their upper half, in float64."""
    with lasting():
        z = torch.from_numpy(_rule_of(family, nodes, factors)[0])
        return backend(z.device).vandermonde(z[nodes // 2 if upper else 0 :], size, family.name, order)


def _weighted(axis: Axis, upper: bool) -> Tensor:
    """Return B, or the rows of its upper half, in float64."""
    made = _kept_functions if axis.nodes * axis.size <= 2 * _LARGEST_TABLE else _functions
    table = made(axis.family, axis.nodes, axis.size, axis.order, axis.factors, upper)
    if axis.weighted:
        _, weights, norms = _rule(axis, table, axis.size)
        table = table * weights[-len(table) :].unsqueeze(1) / norms
    return table


@lru_cache(maxsize=256)
def _table(axis: Axis, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return B of an axis whose table is small."""
    with lasting():
        return _weighted(axis, False).to(device, dtype)


def _folded_tables(axis: Axis, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the rows of B at the upper half of the nodes, the middle one among them: columns 0, 2, .. and 1, 3, .."""
    kept = _small_halves if _half(axis) <= _LARGEST_TABLE else _large_halves
    return kept(axis, dtype, device)


def _halves(axis: Axis, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    with lasting():
        table = _weighted(axis, True).to(device, dtype)
        return table[:, 0::2].contiguous(), table[:, 1::2].contiguous()


_small_halves, _large_halves = lru_cache(maxsize=256)(_halves), lru_cache(maxsize=4)(_halves)


@lru_cache(maxsize=256)
def _transform(family: Family, nodes: int, dtype: torch.dtype, device: torch.device) -> NodesTransform | None:
    with lasting():
        return family.nodes_transform(nodes, dtype, device)


def _rule(axis: Axis, like: Tensor, length: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return nodes, weights and norms, these 1 where B has none of them."""
    z, weights = _rule_of(axis.family, axis.nodes, axis.factors)
    norms = axis.family.norm_squared(length)
    if not axis.weighted:
        weights, norms = np.ones_like(weights), np.ones_like(norms)
    first, second, third = (torch.from_numpy(part).to(like.device, like.dtype) for part in (z, weights, norms))
    return first, second, third


@lru_cache(maxsize=256)
def _factors(axis: Axis, dtype: torch.dtype, device: torch.device) -> tuple[Tensor | None, Tensor]:
    """Return w_q (nodes, 1), or None where all are equal, and 1 / h_k or w / h_k (size, 1)."""
    with lasting():
        _, weights, norms = _rule(axis, torch.empty(0, dtype=torch.float64, device="cpu"), axis.size)
        equal = bool((weights - weights[0]).abs().max() <= 4e-16 * weights[0])
        by_function = (weights[0] / norms if equal else 1 / norms).to(device, dtype).unsqueeze(1)
        return None if equal else weights.to(device, dtype).unsqueeze(1), by_function


# ----------------------------------------------------------------------------------------------------------------- ways


def _in_pieces(function: Callable[[Tensor], Tensor], lines: Tensor, length: int) -> Tensor:
    """Return function(lines), (rows, F, length, rest), done for some lines after the other where there are many."""
    rows, runs, given, rest = lines.shape
    longest, most = max(given, length), _PIECE if torch.get_num_threads() == 1 else _SHARED_PIECE
    if not lines.is_cpu or rows * runs * longest * rest <= most:
        return function(lines)
    step, width = max(1, most // (longest * rest)), min(rest, max(64, most // longest))
    lines, result = lines.flatten(0, 1), lines.new_empty((rows * runs, length, rest))
    for first in range(0, rows * runs, step):
        for column in range(0, rest, width):
            piece = slice(first, first + step), slice(None), slice(column, column + width)
            result[piece] = function(lines[piece].unsqueeze(0))[0]
    return result.unflatten(0, (rows, runs))


def _product(matrix: Tensor, lines: Tensor) -> Tensor:
    """Return matrix (n, L) times lines (rows, F, L, rest), (rows, F, n, rest)."""
    rows, runs, length, rest = lines.shape
    with full_precision(lines.device):
        if rest == 1:
            return (lines.reshape(rows * runs, length) @ matrix.mT).reshape(rows, runs, matrix.shape[0], 1)
        if lines.is_contiguous():
            return matrix @ lines
        several = lines.reshape(rows * runs, length, rest)
        if several.stride(2) != 1:  # for others PyTorch multiplies one by one
            several = several.contiguous()
        return torch.bmm(matrix.expand(rows * runs, -1, -1), several).unflatten(0, (rows, runs))


def _unfold(axis: Axis, even: Tensor, odd: Tensor, lines: Tensor) -> Tensor:
    """Return B times lines (rows, F, length, rest) from the tables of even and odd functions at the upper half of the nodes."""
    half = axis.nodes // 2
    parts = [
        _product(table[:, : series.shape[-2]], series)
        for table, series in ((even, lines[..., 0::2, :]), (odd, lines[..., 1::2, :]))
    ]
    # A derivative of odd order of an even function is odd.
    same, opposite = parts if axis.order % 2 == 0 else parts[::-1]
    values = lines.new_empty((*lines.shape[:-2], axis.nodes, lines.shape[-1]))
    torch.add(same, opposite, out=values[..., half:, :])
    values[..., :half, :] = same.sub_(opposite)[..., axis.nodes % 2 :, :].flip(-2)
    return values


def _fold(axis: Axis, even: Tensor, odd: Tensor, lines: Tensor, length: int) -> Tensor:
    """Return the transpose of `_unfold`, (rows, F, length, rest), of values (rows, F, nodes, rest)."""
    half, middle = axis.nodes // 2, axis.nodes % 2
    upper, lower = lines[..., half:, :], lines[..., :half, :].flip(-2)
    if middle:  # counts once
        lower = torch.nn.functional.pad(lower, (0, 0, 1, 0))
    same = upper + lower
    opposite = torch.sub(upper, lower, out=lower)
    parts = (same, opposite) if axis.order % 2 == 0 else (opposite, same)
    series = lines.new_empty((*lines.shape[:-2], length, lines.shape[-1]))
    for first, (table, part) in enumerate(zip((even, odd), parts, strict=True)):
        count = (length + 1 - first) // 2
        series[..., first::2, :] = _product(table[:, :count].mT, part)
    return series


def _fast(axis: Axis, lines: Tensor) -> Tensor:
    transform = _transform(axis.family, axis.nodes, lines.dtype, lines.device)
    assert transform is not None
    by_node, by_function = _factors(axis, lines.dtype, lines.device) if axis.weighted else (None, None)
    if by_function is not None:
        lines = lines * by_function[: lines.shape[-2]]
    values = transform.synthesize(_differentiated(axis, lines, False))
    return values if by_node is None else values.mul_(by_node)


def _fast_transposed(axis: Axis, lines: Tensor, length: int) -> Tensor:
    transform = _transform(axis.family, axis.nodes, lines.dtype, lines.device)
    assert transform is not None
    by_node, by_function = _factors(axis, lines.dtype, lines.device) if axis.weighted else (None, None)
    series = transform.adjoint(lines if by_node is None else lines * by_node, length + axis.raised)
    series = _differentiated(axis, series, True)[..., :length, :]
    return series if by_function is None else series.mul_(by_function[:length])


def _differentiated(axis: Axis, lines: Tensor, transposed: bool) -> Tensor:
    """Return the series of the derivative (rows, F, length, rest), or the transpose of that map."""
    if axis.raised and not transposed:
        lines = torch.nn.functional.pad(lines, (0, 0, 0, axis.raised))
    for _ in range(axis.order):
        lines = backend(lines.device).differentiate(lines.mT.contiguous(), axis.family.name, transposed).mT
    return lines


def _afresh(axis: Axis, lines: Tensor) -> Tensor:
    z, weights, norms = _rule(axis, lines.double(), lines.shape[-2])
    series = (lines.double() / norms.unsqueeze(1)).mT
    result = backend(z.device).synthesize(series, z, axis.family.name, axis.order).mT * weights.unsqueeze(1)
    return result.to(lines.dtype)


def _afresh_transposed(axis: Axis, lines: Tensor, length: int) -> Tensor:
    z, weights, norms = _rule(axis, lines.double(), length)
    values = (lines.double() * weights.unsqueeze(1)).mT
    result = backend(z.device).adjoint(values, z, length, axis.family.name, axis.order).mT / norms.unsqueeze(1)
    return result.to(lines.dtype)
