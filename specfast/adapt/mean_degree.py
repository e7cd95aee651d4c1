"""How scale and shift of an expansion would have to change for its mean degree to be least."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ..space import Space


@lru_cache(maxsize=32)
def _raised(space: Space, axis: int, steps: int) -> tuple[Tensor, Tensor]:
    """Return the pairs of places (i, j) in the index set with n_j = n_i + steps e_axis."""
    beside = torch.from_numpy(space.functions.positions_beside(space.dim, axis, steps).astype(np.int64))
    (first,) = (beside >= 0).nonzero(as_tuple=True)
    return first, beside[first]


def _degrees(space: Space, axis: int) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(space.indices[:, axis], dtype=float))


def _coupled(space: Space, coef: Tensor, axis: int, steps: int, weight: Tensor) -> Tensor:
    """Return sum_n weight_n c_n c_{n + steps e_axis}, over channels too."""
    first, second = _raised(space, axis, steps)
    return (weight[first] * coef[..., first] * coef[..., second]).sum((-2, -1))


def balance(space: Space, coef: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    r"""Return by which factor beta should be multiplied, and how far (in z) x0 should move, along one axis.

    The mean degree sum n |c_n|^2 / sum |c_n|^2 of a given field is least where, for Hermite functions,

    .. math:: \langle z \rangle = 0, \qquad \langle z^2 \rangle = \langle k^2 \rangle

    (k the wave number), and for Laguerre functions <T> = <z> / 4, with T = -d/dz z d/dz + ... the rest of their operator.
    These means follow from the coefficients by z phi_n and phi_n' alone, exactly for what lies in the space.

    Parameters
    ----------
    space : Space
        With a Hermite or Laguerre family on the axis.
    coef : Tensor (..., C, K)
        Of fields with C components, which share scale and shift.
    axis : int
        Which axis.

    Returns
    -------
    factor, offset : Tensor (...,)
        1 and 0 where the coefficients are all zero; the offset is 0 for Laguerre, whose end stays.

    Examples
    --------
    >>> import torch
    >>> import specfast as sf
    >>> space = sf.Space(sf.Hermite(degree=24))
    >>> x = torch.linspace(-4, 6, 200, dtype=torch.float64)
    >>> c = space.fit(torch.exp(-((x - 0.3) ** 2) / 2 * 1.2**2), x)
    >>> factor, offset = balance(space, c[None], 0)
    >>> round(float(factor), 3), round(float(offset), 3)
    (1.2, 0.3)
    """
    n = _degrees(space, axis).to(coef.dtype)
    power = coef.square().sum((-2, -1))
    empty = power <= 0
    power = torch.where(empty, 1.0, power)

    def mean(weight: Tensor) -> Tensor:
        return torch.where(empty, 1.0, (coef.square() * weight).sum((-2, -1)) / power)

    def coupled(steps: int, weight: Tensor) -> Tensor:
        return torch.where(empty, 0.0, _coupled(space, coef, axis, steps, weight) / power)

    factor, offset = space.families[axis].mean_degree_balance(n, mean, coupled)
    return torch.where(empty, 1.0, factor), torch.where(empty, 0.0, offset)
