"""Index sets by a rule: tensor products, total degree, hyperbolic crosses. They have no dimension of their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..families import check_degree
from .base import IndexSet
from .counting import Rule, rule_of, tensor_rule
from .registry import register_index_set

_SLACK = 1e-12
# Costs are counted in whole units, so that every way of adding them up gives the same members.
_UNIT = 2.0**48


def _check_weights(weights: Sequence[float] | None) -> tuple[float, ...] | None:
    if weights is None:
        return None
    values = tuple(float(w) for w in weights)
    if not all(math.isfinite(w) and w > 0 for w in values):
        raise ValueError(f"weights={values}: finite positive numbers, one an axis, are expected")
    return values


@register_index_set
@dataclass(frozen=True, init=False, repr=False)
class TensorProduct(IndexSet):
    """All n with n_d <= degree (one degree, or one an axis): (N + 1)^D of them.

    Parameters
    ----------
    degree : int or sequence of int
        The largest entry N of every axis, or one an axis.

    Raises
    ------
    TypeError, ValueError
        If a degree is no integer from 0 to 10,000,000.

    Examples
    --------
    >>> import specfast as sf
    >>> len(sf.TensorProduct(2).indices(2))
    9
    """

    def __init__(self, degree: int | Sequence[int]):
        if isinstance(degree, (tuple, list)):
            checked: int | tuple[int, ...] = tuple(check_degree(d) for d in degree)
        else:
            checked = check_degree(degree)
        object.__setattr__(self, "degree", checked)

    def rule(self, dim: int) -> Rule:
        """Return what decides on membership."""
        return tensor_rule(self.axis_degrees(dim))


@register_index_set
@dataclass(frozen=True, init=False, repr=False)
class TotalDegree(IndexSet):
    """All n with sum of w_d n_d <= degree, n_d <= degree.

    Parameters
    ----------
    degree : int
        N.
    weights : sequence of float, optional
        Axis weights w_d > 0, default 1; a larger weight keeps fewer indices along its axis.

    Raises
    ------
    TypeError, ValueError
        If the degree is no integer from 0 to 10,000,000, or a weight is not positive.

    Examples
    --------
    >>> import specfast as sf
    >>> len(sf.TotalDegree(2).indices(2))
    6
    """

    weights: tuple[float, ...] | None = None

    def __init__(self, degree: int, weights: Sequence[float] | None = None):
        object.__setattr__(self, "degree", check_degree(degree))
        object.__setattr__(self, "weights", _check_weights(weights))

    def rule(self, dim: int) -> Rule:
        """Return what decides on membership."""
        degree = self._single_degree()
        n = np.arange(degree + 1)
        costs = [np.rint(w * n / max(degree, 1) * _UNIT).clip(max=2**54) for w in self._axis_weights(dim)]
        return rule_of(costs, 0.0, _UNIT * (1 + _SLACK))


@register_index_set
@dataclass(frozen=True, init=False, repr=False)
class HyperbolicCross(IndexSet):
    r"""The hyperbolic cross of degree N and shape gamma.

    .. math:: \Lambda(N, \gamma) = \{ n : n_d \le N,\; |n|_{mix}\, |n|_\infty^{-\gamma} \le N^{1-\gamma} \},\quad
              |n|_{mix} = \prod_d \max(1, w_d n_d),\; |n|_\infty = \max(1, \max_d w_d n_d)

    gamma = -inf is the full tensor grid, 0 the regular cross, 0 < gamma < 1 the optimised cross.

    Parameters
    ----------
    degree : int
        N.
    gamma : float, default 0
        -inf <= gamma < 1; smaller keeps more indices.
    weights : sequence of float, optional
        Axis weights w_d > 0, default 1; a larger weight keeps fewer indices along its axis.

    References
    ----------
    Shen and Wang, SIAM J. Sci. Comput. 32 (2010); Luo and Yau, SIAM J. Numer. Anal. 51 (2013).

    Examples
    --------
    >>> import specfast as sf
    >>> len(sf.HyperbolicCross(20, gamma=-1.0).indices(3))
    758
    """

    gamma: float = 0.0
    weights: tuple[float, ...] | None = None

    def __init__(self, degree: int, gamma: float = 0.0, weights: Sequence[float] | None = None):
        if not isinstance(gamma, (int, float, np.floating, np.integer)) or isinstance(gamma, bool):
            raise TypeError(f"gamma={gamma!r}: a number is expected")
        if not -math.inf <= gamma < 1:
            raise ValueError(f"gamma={gamma}: a number below 1, or -inf, is expected")
        object.__setattr__(self, "degree", check_degree(degree))
        object.__setattr__(self, "gamma", float(gamma))
        object.__setattr__(self, "weights", _check_weights(weights))

    def rule(self, dim: int) -> Rule:
        """Return what decides on membership."""
        degree, bound = self._single_degree(), math.log(max(self._single_degree(), 1))
        n = np.arange(degree + 1)
        costs = [np.log(np.maximum(1.0, w * n)) for w in self._axis_weights(dim)]
        if self.gamma == -math.inf:
            return tensor_rule([int((cost <= bound + _SLACK).sum()) - 1 for cost in costs])
        # Relative slack of 1e-12 on the products themselves; logarithms carry a few more bits of rounding.
        room = (1 - self.gamma) * bound
        return rule_of([np.rint(cost * _UNIT) for cost in costs], self.gamma, (room + _SLACK * (1 + abs(room))) * _UNIT)
