"""Gauss rules for the functions of a family."""

from __future__ import annotations

from functools import lru_cache
from types import ModuleType

import numpy as np
import torch

from ..families import Family, check_degree, check_family, family_by_name
from ..kernels import backend

MAX_NODES = 100_000


def gauss(family: Family, n: int) -> tuple[np.ndarray, np.ndarray]:
    r"""Return nodes and weights of the n-point Gauss rule for the functions of a family.

    .. math:: \sum_i w_i \varphi_j(z_i) \varphi_k(z_i) = h_j \delta_{jk}, \qquad j, k < n,
              \qquad w_i = 1 / \sum_{k<n} \varphi_k(z_i)^2 / h_k

    The weights belong to the functions (the exponential is part of them): nothing over- or underflows at any n. Nodes
    start from the phase of the functions between their turning points (or closed forms) and are polished by Newton's
    method on the recurrence. Cost O(n^2).

    Parameters
    ----------
    family : Family
        Its standard domain is used: z in R, [0, inf) or [-1, 1].
    n : int
        Number of nodes, 1 to 100,000.

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
    Townsend, Trogdon, Olver, IMA J. Numer. Anal. 36 (2016), 337-358; Langer, Phys. Rev. 51 (1937), 669.

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


@lru_cache(maxsize=64)
def gauss_by_name(name: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rule of a family by its name, kept; not to be written to.

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
        If a weight exceeds float64.

    Examples
    --------
    >>> nodes, weights = gauss_by_name("legendre", 2)
    >>> nodes.round(4).tolist()
    [-0.5774, 0.5774]
    """
    family = family_by_name(name)
    if (closed := family.gauss_rule(n)) is not None:
        return closed
    symmetric, start = family.symmetric, family.gauss_start(n)
    nodes = _newton(family, start[n // 2 :] if symmetric else start, n)
    if symmetric and n % 2:
        nodes[0] = 0.0
    with np.errstate(divide="ignore", over="ignore"):
        weights = 1 / kernels_for_nodes().squares(torch.from_numpy(nodes), n, family.name).numpy()
    if not np.isfinite(weights).all():
        raise ValueError(f"family={name}, n={n}: the largest weights exceed float64; a smaller alpha or n is expected")
    if symmetric:
        nodes, weights = (np.concatenate([sign * part[: n % 2 - 1 if n % 2 else None : -1], part])
                          for sign, part in ((-1, nodes), (1, weights)))  # fmt: skip
    return nodes, weights


def kernels_for_nodes() -> ModuleType:
    """Return the backend that nodes and weights are computed with."""
    return backend(torch.device("cpu"))


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
