"""Coefficients on any downward-closed index set <-> values on a tensor grid of Gauss nodes, axis by axis.

The sums over the last axis take every run of the tree to a whole line of the grid; the runs are then those of the index set
without its last axis, and so on up to the first. Projection is the same in reverse. Runs of equal length are summed at once, as
`grid_lines` finds best; nothing is padded to the full tensor of coefficients.

    grid_synthesize(coef (..., K), space, sizes, derivative, weighted, factors)            values (..., n_1 .. n_D) in a row
    grid_adjoint(values (..., n_1 .. n_D), space, sizes, derivative, weighted, factors)    its transpose, (..., K)

`space` is a space's key, `sizes` and `derivative` have a number of nodes and an order in z an axis. The Gauss rule is that for
products of `factors` functions: 2 where a field is projected, 3 where a product of two fields is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..families import family_by_name
from ..kernels.kept import lasting
from ..kernels.space_key import behind_key, record
from .checks import check_dtype, check_length, check_orders
from .grid_lines import Axis
from .register import Operator, register


class _Runs(NamedTuple):
    """The runs of one length along one axis."""

    length: int
    members: Tensor  # which they are among all runs, in lexicographic order
    starts: Tensor  # the places of their first entries


class _Level(NamedTuple):
    """The runs along one axis, by length, and where run and entry are when these are put one behind the other."""

    groups: list[_Runs]
    run_places: Tensor
    entry_places: Tensor


def _levels(space: str, device: torch.device) -> list[_Level]:
    with lasting():
        return _levels_of(space, device)


@lru_cache(maxsize=64)
def _levels_of(space: str, device: torch.device) -> list[_Level]:
    tree, dim = record(space).tree, record(space).dim
    shared, lengths = tree[:, 0], tree[:, 1].astype(np.int64)
    levels = []
    for axis in reversed(range(dim)):
        starts = np.cumsum(lengths) - lengths
        groups, entries = [], []
        for length in np.unique(lengths):
            members = np.flatnonzero(lengths == length)
            first = starts[members]
            groups.append(_Runs(int(length), *(torch.from_numpy(a).to(device) for a in (members, first))))
            entries.append(torch.from_numpy((first[:, None] + np.arange(length)).ravel()).to(device))
        levels.append(
            _Level(groups, torch.cat([group.members for group in groups]).argsort(), torch.cat(entries).argsort())
        )
        # A run of the axis before begins where an entry before that axis changes.
        begins = np.flatnonzero(np.concatenate([[True], shared[1:] < axis - 1]))
        lengths, shared = np.diff(np.append(begins, len(shared))), shared[begins]
    return levels[::-1]


def _axes(
    space: str, sizes: Sequence[int], derivative: Sequence[int], weighted: bool, factors: int, device: torch.device
) -> list[tuple[Axis, _Level]]:  # fmt: skip
    levels, own = _levels(space, device), record(space)
    counts = [degree + 1 for degree in own.degrees]
    if len(sizes) != own.dim or any(nodes < count for nodes, count in zip(sizes, counts, strict=True)):
        raise ValueError(f"sizes={tuple(sizes)}: numbers of nodes of at least {tuple(counts)} are expected")
    given = zip(map(family_by_name, own.names), sizes, counts, derivative, strict=True)
    return [(Axis(*axis, weighted, factors), level) for axis, level in zip(given, levels, strict=True)]


def _synthesize(
    coef: Tensor, space: str, sizes: Sequence[int], derivative: Sequence[int], weighted: bool, factors: int
) -> Tensor:  # fmt: skip
    r"""Return the values (..., n_1 .. n_D) on the grid, in a row, of coefficients (..., K).

    Where `weighted` values are multiplied by the Gauss weights, coefficients divided by the squared norms.
    Cost: with K_d the number of different first d entries in the set, :math:`\sum_d K_d n_d n_{d+1} \cdots n_D` FMAs; half of
    that on axes that are folded, and :math:`O(\log n_d)` a number of the grid where the family's own transform is taken.
    Memory: the grid, and before the last step :math:`K_1 n_2 \cdots n_D`, twice.
    """
    check_dtype("grid_synthesize", coef=coef)
    check_length("grid_synthesize", "coef", coef, record(space).size)
    check_orders("grid_synthesize", derivative, record(space).dim)
    array = coef.reshape(-1, coef.shape[-1], 1)
    for axis, level in reversed(_axes(space, sizes, derivative, weighted, factors, coef.device)):
        parts = [axis.forward(_lines(array, own)) for own in level.groups]
        array = _ordered(parts, level.run_places).flatten(2)
    return array.reshape(*coef.shape[:-1], math.prod(sizes))


def _adjoint(
    values: Tensor, space: str, sizes: Sequence[int], derivative: Sequence[int], weighted: bool, factors: int
) -> Tensor:  # fmt: skip
    """Return the transpose of `grid_synthesize` applied to values (..., n_1 .. n_D); where `weighted`, their projection."""
    check_dtype("grid_adjoint", values=values)
    check_length("grid_adjoint", "values", values, math.prod(sizes))
    check_orders("grid_adjoint", derivative, record(space).dim)
    lead = values.shape[:-1]
    array = values.reshape(lead.numel(), 1, values.shape[-1])
    for axis, level in _axes(space, sizes, derivative, weighted, factors, values.device):
        lines = array.unflatten(2, (axis.nodes, -1))
        one = len(level.groups) == 1
        parts = [
            axis.transposed(lines if one else lines.index_select(1, own.members), own.length) for own in level.groups
        ]
        array = _ordered([part.flatten(1, 2) for part in parts], level.entry_places)
    return array.reshape(*lead, array.shape[1])


def _lines(array: Tensor, own: _Runs) -> Tensor:
    """Return runs (rows, F, length, rest) of entries (rows, K, rest)."""
    if own.starts.numel() * own.length == array.shape[1]:
        return array.unflatten(1, (-1, own.length))
    places = (own.starts.unsqueeze(1) + torch.arange(own.length, device=array.device)).flatten()
    return array.index_select(1, places).unflatten(1, (-1, own.length))


def _ordered(parts: list[Tensor], places: Tensor) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, 1).index_select(1, places)


# ------------------------------------------------------------------------------------------------------------ operators


def _synthesize_fake(
    coef: Tensor, space: str, sizes: Sequence[int], derivative: Sequence[int], weighted: bool, factors: int
) -> Tensor:  # fmt: skip
    return coef.new_empty((*coef.shape[:-1], math.prod(sizes)))


def _synthesize_backward(ctx: Any, needed: Sequence[bool], gradient: Tensor) -> Sequence[Tensor | None]:
    return (grid_adjoint(gradient, *ctx.rest) if needed[0] else None), None, None, None, None, None


def _synthesize_tangent(ctx: Any, coef_t: Tensor, *_: Any) -> Tensor:
    return grid_synthesize(coef_t, *ctx.rest)


def _adjoint_fake(
    values: Tensor, space: str, sizes: Sequence[int], derivative: Sequence[int], weighted: bool, factors: int
) -> Tensor:  # fmt: skip
    return values.new_empty((*values.shape[:-1], record(space).size))


def _adjoint_backward(ctx: Any, needed: Sequence[bool], gradient: Tensor) -> Sequence[Tensor | None]:
    return (grid_synthesize(gradient, *ctx.rest) if needed[0] else None), None, None, None, None, None


def _adjoint_tangent(ctx: Any, values_t: Tensor, *_: Any) -> Tensor:
    return grid_adjoint(values_t, *ctx.rest)


grid_synthesize = register(
    "grid_synthesize",
    Operator(
        "(Tensor coef, str space, int[] sizes, int[] derivative, bool weighted, int factors) -> Tensor",
        _synthesize, _synthesize_fake, _synthesize_backward, _synthesize_tangent, (1,), key=1, behind=behind_key,
    ),
)  # fmt: skip
grid_adjoint = register(
    "grid_adjoint",
    Operator(
        "(Tensor values, str space, int[] sizes, int[] derivative, bool weighted, int factors) -> Tensor",
        _adjoint, _adjoint_fake, _adjoint_backward, _adjoint_tangent, (1,), key=1, behind=behind_key,
    ),
)  # fmt: skip
