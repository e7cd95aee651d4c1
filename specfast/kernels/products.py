"""Sums over an index tree of products of one-dimensional functions, in plain PyTorch on any device.

u(z_m) = sum over k of c_k phi_{n_k1}(z_m1) ... phi_{n_kD}(z_mD). Blocks of points and indices are gathered from the
one-dimensional bases and multiplied, so that no (M, K) array exists; a block holds at most `_BLOCK` numbers.
Cost: D K operations a point and row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

_BLOCK = 1 << 20
Vandermonde = Callable[[Tensor, int, str, int], Tensor]


def indices_of(tree: Tensor, dim: int, device: torch.device) -> Tensor:
    """Return the indices (K, D) of a tree, 64-bit integers on a device."""
    from ..index_sets.enumerate import list_indices

    runs = tree.cpu().numpy()
    indices = np.empty((int(runs[:, 1].sum()), dim), np.int64)
    list_indices(runs, indices)
    return torch.from_numpy(indices).to(device)


def _gathered(tables: Sequence[Tensor], indices: Tensor) -> Tensor:
    """Return the products (M, K) of table_d[m, n_kd]."""
    result = tables[0][:, indices[:, 0]]
    for axis in range(1, len(tables)):
        result = result * tables[axis][:, indices[:, axis]]
    return result


def _over_blocks(
    vandermonde: Vandermonde, z: Tensor, indices: Tensor, families: Sequence[str], derivative: Sequence[int],
    visit: Callable[[slice, slice, Tensor], None],
) -> None:  # fmt: skip
    """Call visit(points, indices, products) for every block of one row's points z (M, D)."""
    sizes = [int(indices[:, axis].max()) + 1 for axis in range(indices.shape[1])]
    index_block = min(indices.shape[0], 1 << 14)
    point_block = max(1, _BLOCK // max(index_block, *sizes))
    for begin in range(0, z.shape[0], point_block):
        points = slice(begin, begin + point_block)
        tables = [
            vandermonde(z[points, axis].contiguous(), sizes[axis], family, derivative[axis])
            for axis, family in enumerate(families)
        ]
        for first in range(0, indices.shape[0], index_block):
            chosen = slice(first, first + index_block)
            visit(points, chosen, _gathered(tables, indices[chosen]))


def synthesize(
    vandermonde: Vandermonde, coef: Tensor, z: Tensor, tree: Tensor, families: Sequence[str], derivative: Sequence[int]
) -> Tensor:
    """Return the sums (..., M) for coef (..., K), z (..., M, D), functions by `vandermonde`."""
    indices = indices_of(tree, z.shape[-1], z.device)
    lead = torch.broadcast_shapes(coef.shape[:-1], z.shape[:-2])
    # Rows that share their points share their products.
    point_rows = z.reshape(z.shape[:-2].numel(), *z.shape[-2:])
    result = coef.new_zeros(lead + z.shape[-2:-1])
    row_of = torch.arange(point_rows.shape[0], device=z.device).reshape(z.shape[:-2]).expand(lead).reshape(-1)
    coef_rows = coef.expand(lead + coef.shape[-1:]).reshape(lead.numel(), coef.shape[-1])
    result_rows = result.view(lead.numel(), z.shape[-2])
    for row in range(point_rows.shape[0]):
        users = (row_of == row).nonzero()[:, 0]

        def visit(points: slice, chosen: slice, products: Tensor, users: Tensor = users) -> None:
            result_rows[users, points] += coef_rows[users, chosen] @ products.T

        _over_blocks(vandermonde, point_rows[row], indices, families, derivative, visit)
    return result


def adjoint(
    vandermonde: Vandermonde,
    values: Tensor,
    z: Tensor,
    tree: Tensor,
    families: Sequence[str],
    derivative: Sequence[int],
) -> Tensor:
    """Return the sums (..., K) over the points of values (..., M) times the products."""
    indices = indices_of(tree, z.shape[-1], z.device)
    lead = torch.broadcast_shapes(values.shape[:-1], z.shape[:-2])
    point_rows = z.reshape(z.shape[:-2].numel(), *z.shape[-2:])
    result = values.new_zeros((*lead, indices.shape[0]))
    row_of = torch.arange(point_rows.shape[0], device=z.device).reshape(z.shape[:-2]).expand(lead).reshape(-1)
    value_rows = values.expand(lead + values.shape[-1:]).reshape(lead.numel(), values.shape[-1])
    result_rows = result.view(lead.numel(), indices.shape[0])
    for row in range(point_rows.shape[0]):
        users = (row_of == row).nonzero()[:, 0]

        def visit(points: slice, chosen: slice, products: Tensor, users: Tensor = users) -> None:
            result_rows[users, chosen] += value_rows[users, points] @ products

        _over_blocks(vandermonde, point_rows[row], indices, families, derivative, visit)
    return result


def from_sums(
    synthesize: Callable[..., Tensor], adjoint: Callable[..., Tensor]
) -> tuple[Callable[..., Tensor], Callable[..., tuple[Tensor, Tensor]], Callable[..., Tensor]]:
    """Return product_gradient, product_backward and product_derivatives of a backend that has the sums and their transposes."""

    def product_gradient(
        coef: Tensor,
        z: Tensor,
        tree: Tensor,
        degrees: Sequence[int],
        families: Sequence[str],
        derivative: Sequence[int],
    ) -> Tensor:
        """Return the gradient in z, (..., M, D), of `product_synthesize`, axis by axis."""
        raised = [[order + (d == axis) for d, order in enumerate(derivative)] for axis in range(z.shape[-1])]
        return torch.stack([synthesize(coef, z, tree, degrees, families, orders) for orders in raised], -1)

    def product_backward(
        values: Tensor, coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: Sequence[str],
        derivative: Sequence[int],
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Return the gradients of the sum of values times `product_synthesize` in coef and z."""
        grad_coef = adjoint(values, z, tree, coef.shape[-1], degrees, families, derivative)
        return grad_coef, values.unsqueeze(-1) * product_gradient(coef, z, tree, degrees, families, derivative)

    def product_derivatives(
        coef: Tensor, z: Tensor, tree: Tensor, degrees: Sequence[int], families: Sequence[str],
        derivatives: Sequence[Sequence[int]],
    ) -> Tensor:  # fmt: skip
        """Return several derivatives of `product_synthesize`, (..., J, M), one after the other."""
        return torch.stack([synthesize(coef, z, tree, degrees, families, own) for own in derivatives], -2)

    return product_gradient, product_backward, product_derivatives


def multiply_restricted(maps: Sequence[Tensor], coef: Tensor, indices: Tensor) -> Tensor:
    """Return sum over n in the set of prod_d maps_d[..., m_d, n_d] coef_n for every m in the set, (..., K).

    maps_d (..., N_d + 1, N_d + 1). Blocks of m hold at most `_BLOCK` products a row; cost D K^2 a row.
    """
    size = indices.shape[0]
    lead = torch.broadcast_shapes(*(part.shape[:-2] for part in maps))
    rows = max(1, _BLOCK // (size * max(1, lead.numel())))
    parts = []
    for begin in range(0, size, rows):
        chosen = indices[begin : begin + rows]
        block = maps[0][..., chosen[:, 0, None], indices[:, 0]]
        for axis in range(1, len(maps)):
            block = block * maps[axis][..., chosen[:, axis, None], indices[:, axis]]
        parts.append((block.to(coef.dtype) @ coef.unsqueeze(-1)).squeeze(-1))
    return torch.cat(parts, -1)
