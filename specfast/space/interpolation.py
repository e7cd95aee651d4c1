"""The points on which a space projects: tensor Gauss grids, and nested weighted Leja points on every other index set."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..families import Family
from ..index_sets import IndexSet, TensorProduct, functions_of
from ..kernels import backend
from ..kernels.space_key import SpaceRecord
from ..ops.axis_maps import along_axis
from ..ops.constant_cache import builder, constant
from ..quadrature import gauss, leja
from ..support.extras import optional

Families = tuple[Family, ...]
_DENSE_CONDITION = 2000


def has_gauss_rule(families: Families, index_set: IndexSet) -> bool:
    """Whether the nodes of the space are a tensor Gauss grid."""
    return len(families) == 1 or isinstance(index_set, TensorProduct)


@lru_cache(maxsize=32)
def gauss_grid(families: Families, index_set: IndexSet) -> tuple[np.ndarray, np.ndarray]:
    """Return the tensor Gauss rule on the standard domain: nodes (K, D) in lexicographic order, weights (K,)."""
    if not has_gauss_rule(families, index_set):
        raise ValueError(f"index_set={index_set}: a Gauss rule needs a TensorProduct (or one axis); use project or fit")
    functions = functions_of(index_set, families)
    indices = functions.indices(len(families))
    nodes, weights = np.empty(indices.shape), np.ones(len(indices))
    for axis, family in enumerate(families):
        z, w = gauss(family, functions.largest(len(families))[axis] + 1)
        nodes[:, axis] = z[indices[:, axis]]
        weights *= w[indices[:, axis]]
    return nodes, weights


@lru_cache(maxsize=32)
def leja_grid(families: Families, index_set: IndexSet) -> np.ndarray:
    """Return one point an index, (K, D) on the standard domain: entry n_d takes the n_d-th Leja point of axis d."""
    functions = functions_of(index_set, families)
    indices = functions.indices(len(families))
    nodes = np.empty(indices.shape)
    for axis, family in enumerate(families):
        nodes[:, axis] = leja(family, functions.largest(len(families))[axis] + 1)[indices[:, axis]]
    return nodes


@lru_cache(maxsize=128)
def _leja_factors(family: Family, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return L (unit diagonal) and U with L U = phi_n(z_m) at the Leja points: elimination without row exchanges.

    Leja points are ordered as partial pivoting would order them, up to the weight; no exchange is needed.
    """
    table = (
        backend(torch.device("cpu")).vandermonde(torch.from_numpy(leja(family, count)), count, family.name, 0).numpy()
    )
    lower, upper = np.eye(count), table.copy()
    for k in range(count - 1):
        lower[k + 1 :, k] = upper[k + 1 :, k] / upper[k, k]
        upper[k + 1 :, k:] -= np.outer(lower[k + 1 :, k], upper[k, k:])
        upper[k + 1 :, k] = 0
    return lower, upper


@builder
def leja_factor(space: SpaceRecord, axis: int, lower: int) -> np.ndarray:
    """Return a triangular factor of the table of one axis."""
    return _leja_factors(space.families[axis], space.degrees[axis] + 1)[0 if lower else 1]


@builder
def standard_nodes(space: SpaceRecord) -> np.ndarray:
    """Return the nodes (K, D) on the standard domain."""
    given = space.families, space.index_set
    return gauss_grid(*given)[0] if has_gauss_rule(*given) else leja_grid(*given)


@builder
def gauss_weights(space: SpaceRecord) -> np.ndarray:
    """Return the weights (K,) of the tensor Gauss rule."""
    return gauss_grid(space.families, space.index_set)[1]


class LejaTransform:
    r"""Values on the Leja grid of a downward-closed index set <-> coefficients, by triangular factors axis by axis.

    With :math:`V_d = L_d U_d` the table of axis d, the values of a field are the restriction to the set of
    :math:`\bigotimes_d L_d \bigotimes_d U_d` times its coefficients; both factors are applied, and solved, one axis after the
    other on runs of the set. Cost: sum over axes and runs of length squared; memory: the coefficients.

    Parameters
    ----------
    key : str
        The text by which operators know the space.
    dim, size : int
        D and K.
    """

    def __init__(self, key: str, dim: int, size: int):
        self.key, self.dim, self.size = key, dim, size

    def _apply(self, array: Tensor, lower: bool, solve: bool) -> Tensor:
        for axis in range(self.dim):
            matrix = constant(array, self.key, "leja_factor", axis, int(lower)).to(array.dtype)

            def one_run(runs: Tensor, matrix: Tensor = matrix) -> Tensor:
                # The factor of a shorter run is the leading block.
                block = matrix[: runs.shape[-1], : runs.shape[-1]]
                if solve:
                    solved: Tensor = torch.linalg.solve_triangular(block, runs.mT, upper=not lower, unitriangular=lower)
                    return solved.mT
                return runs @ block.mT

            array = along_axis(array, self.key, axis, one_run)
        return array

    def synthesize(self, coef: Tensor) -> Tensor:
        """Return the values (..., K) on the grid."""
        return self._apply(self._apply(coef, lower=False, solve=False), lower=True, solve=False)

    def project(self, values: Tensor) -> Tensor:
        """Return the coefficients (..., K) of the field with these values."""
        return self._apply(self._apply(values, lower=True, solve=True), lower=False, solve=True)

    def condition(self) -> float:
        """Return the condition number in the 1-norm.

        Up to 2,000 indices exactly; beyond, estimated from below (Higham and Tisseur, SIAM J. Matrix Anal. 21, 2000).
        """
        size = self.size
        if size <= _DENSE_CONDITION:
            unit = torch.eye(size, dtype=torch.float64)
            norms = [float(f(unit).abs().sum(1).max()) for f in (self.synthesize, self.project)]
            return norms[0] * norms[1]

        linalg = optional("scipy.sparse.linalg", f"the condition number of more than {_DENSE_CONDITION} functions")

        def operator(forward: Callable[[Tensor], Tensor]) -> Any:
            def columns(v: np.ndarray) -> np.ndarray:
                rows = torch.from_numpy(np.ascontiguousarray(v.reshape(size, -1).T, dtype=np.float64))
                return forward(rows).numpy().T.reshape(v.shape)

            def transposed(v: np.ndarray) -> np.ndarray:
                rows = torch.from_numpy(np.ascontiguousarray(v.reshape(size, -1).T, dtype=np.float64))
                example = torch.zeros_like(rows, requires_grad=True)
                (result,) = torch.autograd.grad(forward(example), example, rows)
                return result.numpy().T.reshape(v.shape)

            return linalg.LinearOperator(
                (size, size), matvec=columns, rmatvec=transposed, matmat=columns, rmatmat=transposed, dtype=np.float64
            )

        return float(linalg.onenormest(operator(self.synthesize), t=6) * linalg.onenormest(operator(self.project), t=6))
