"""Gauss rules for the functions of a family."""

from __future__ import annotations

from functools import lru_cache
from types import ModuleType

import numpy as np
import torch

from ..families import Family, check_degree, check_family, family_by_name
from ..kernels import backend
from .phase import rule_by_phase

MAX_NODES = 1_000_000
# From here on the phase is faster than Newton's method on the recurrence: they cost the same at 5000 to 8000 nodes.
_MANY = 6000
_MAX_BY_NEWTON = 100_000
# Rules of more nodes are not kept: 64 of them would fill a gigabyte.
_MAX_KEPT = 100_000


def gauss(family: Family, n: int) -> tuple[np.ndarray, np.ndarray]:
    r"""Return nodes and weights of the n-point Gauss rule for the functions of a family.

    .. math:: \sum_i w_i \varphi_j(z_i) \varphi_k(z_i) = h_j \delta_{jk}, \qquad j, k < n,
              \qquad w_i = 1 / \sum_{k<n} \varphi_k(z_i)^2 / h_k

    The weights belong to the functions (the exponential is part of them): nothing over- or underflows at any n. Up to 6000
    nodes start from the phase of the functions between their turning points and are polished by Newton's method on the
    recurrence, O(n^2). More are zeros of the sine of a phase that does not oscillate itself and follows from the functions'
    differential equation, O(n). Closed forms are used where there are any.

    Parameters
    ----------
    family : Family
        Its standard domain is used: z in R, [0, inf) or [-1, 1].
    n : int
        Number of nodes, 1 to 1,000,000; to 100,000 for a family of neither closed form nor normal form, and for
        Laguerre functions of alpha below -0.999.

    Returns
    -------
    nodes, weights : numpy.ndarray
        float64 arrays (n,), nodes ascending.

    Raises
    ------
    ValueError
        If n is out of range, or a weight exceeds float64 (Laguerre with large alpha and n).

    References
    ----------
    Townsend, Trogdon, Olver, IMA J. Numer. Anal. 36 (2016), 337-358; Langer, Phys. Rev. 51 (1937), 669; Bremer, SIAM J.
    Sci. Comput. 39 (2017), A55-A82 (phases); Agocs, Barnett, SIAM J. Numer. Anal. 62 (2024), 295-321 (their iteration).

    Examples
    --------
    >>> import specfast as sf
    >>> z, w = sf.gauss(sf.Hermite(), 1)
    >>> float(z[0]), round(float(w[0]) ** 2, 12)  # pi ** 0.5 squared
    (0.0, 3.14159265359)
    """
    check_family(family)
    check_degree(n, "n")
    if not 1 <= n <= MAX_NODES:
        raise ValueError(f"n={n}: 1 to {MAX_NODES} nodes are expected")
    nodes, weights = gauss_by_name(family.name, int(n))
    return nodes.copy(), weights.copy()


def gauss_by_name(name: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rule of a family by its name, kept up to 100,000 nodes; not to be written to.

    Parameters
    ----------
    name : str
        Of the family, as `Family.name` gives it.
    n : int
        Number of nodes.

    Returns
    -------
    nodes, weights : numpy.ndarray (n,)

    Raises
    ------
    ValueError
        If a weight exceeds float64, or n what the family's rule costs O(n^2) for.

    Examples
    --------
    >>> nodes, weights = gauss_by_name("legendre", 2)
    >>> nodes.round(4).tolist()
    [-0.5774, 0.5774]
    """
    return _kept_rule(name, n) if n <= _MAX_KEPT else compute_rule(name, n)


def compute_rule(name: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what `gauss_by_name` returns, computed anew.

    Parameters
    ----------
    name : str
        Of the family, as `Family.name` gives it.
    n : int
        Number of nodes.

    Returns
    -------
    nodes, weights : numpy.ndarray (n,)

    Examples
    --------
    >>> compute_rule("chebyshev", 1)[0].tolist()
    [0.0]
    """
    family = family_by_name(name)
    if (closed := family.gauss_rule(n)) is not None:
        return closed
    if family.half is not None:
        # Of functions that live on both sides of 0 alike: the rule of one side, on either.
        (left, on_left), (right, on_right) = (
            gauss_by_name(family.half.name, max(1, part)) for part in (n // 2, n - n // 2)
        )
        keep = slice(None) if n > 1 else slice(0, 0)
        return np.concatenate([-left[::-1][keep], right]), np.concatenate([on_left[::-1][keep], on_right])
    stretches = family.normal_form(n) if n >= _MANY else None
    if stretches is None and n > _MAX_BY_NEWTON:
        raise ValueError(
            f"family={name}, n={n}: 1 to {_MAX_BY_NEWTON} nodes are expected of a family of no normal form"
        )
    if stretches is None:
        nodes, weights = _by_newton(family, n)
    else:
        try:
            with np.errstate(over="ignore"):
                nodes, weights = rule_by_phase(stretches, n, family.symmetric)
        except ArithmeticError as error:
            raise ArithmeticError(f"family={name}, n={n}: by its normal form, {error}") from None
    if not np.isfinite(weights).all():
        raise ValueError(f"family={name}, n={n}: the largest weights exceed float64; a smaller alpha or n is expected")
    if family.symmetric:
        nodes, weights = (np.concatenate([sign * part[: n % 2 - 1 if n % 2 else None : -1], part])
                          for sign, part in ((-1, nodes), (1, weights)))  # fmt: skip
    _check_first_moment(family, nodes, weights)
    return nodes, weights


_kept_rule = lru_cache(maxsize=64)(compute_rule)


def _check_first_moment(family: Family, nodes: np.ndarray, weights: np.ndarray) -> None:
    """Raise an error unless sum w phi_0^2 = h_0: a family may have given a start or an equation that is not its own."""
    start = kernels_for_nodes().synthesize(torch.ones(1, dtype=torch.float64), torch.from_numpy(nodes), family.name, 0)
    error = float(weights @ start.numpy() ** 2) / float(family.norm_squared(1)[0]) - 1
    if not abs(error) < 1e-9:
        raise ArithmeticError(f"family={family.name}, n={len(nodes)}: the rule found is wrong by {error:.1e}")


def kernels_for_nodes() -> ModuleType:
    """Return the backend that nodes and weights are computed with."""
    return backend(torch.device("cpu"))


def _by_newton(family: Family, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights, those z >= 0 alone where symmetric, by the recurrence."""
    start = family.gauss_start(n)
    nodes = _newton(family, start[n // 2 :] if family.symmetric else start, n)
    if family.symmetric and n % 2:
        nodes[0] = 0.0
    with np.errstate(divide="ignore", over="ignore"):
        return nodes, 1 / kernels_for_nodes().squares(torch.from_numpy(nodes), n, family.name).numpy()


def _newton(family: Family, nodes: np.ndarray, n: int) -> np.ndarray:
    """Polish zeros of phi_n by Newton's method on u = r phi_n, r chosen so that u'' has no term in u'.

    u'' vanishes at zeros of u then, and convergence is cubic: a step of 1e-5 of the zeros' distance is the last.
    """
    kernels = kernels_for_nodes()
    coef = torch.zeros(n + 1, dtype=torch.float64)
    coef[n] = 1
    lower, upper = family.domain
    for _ in range(8):
        z = torch.from_numpy(nodes)
        value, slope = (kernels.synthesize(coef, z, family.name, order).numpy() for order in (0, 1))
        spacing = np.gradient(nodes) if len(nodes) > 1 else np.ones(len(nodes))
        slope = slope + family.normal_form_slope(nodes) * value
        step = np.clip(value / np.where(slope == 0, 1, slope), -0.4 * spacing, 0.4 * spacing)
        moved = nodes - step
        nodes = np.where(moved > lower, np.minimum(moved, upper), 0.5 * (nodes + max(lower, -1e300)))
        if np.all(np.abs(step) <= 1e-5 * spacing):
            break
    return nodes
