"""The tables by which all kernels know a family: its recurrence in two forms, and d/dz as a map of coefficients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RecurrenceTables:
    """phi_n = scale_n q_n, q_{n+1} = (a_n z + b_n) q_n - q_{n-1}, q_0 = start(z).

    The start type is 0 for exp(-z^2/2), 1 for exp(-z/2), 2 for 1. Functions in pairs have type 3, cos(k pi z) and
    sin(k pi z), or 4, the real and imaginary part of (1 + iz)^k / (1 - iz)^{k+1}: of the tables they need `scale` alone. Type
    5 is exp(-|z|/2) for functions of |z|, even and odd in turns: a and b have an entry a pair. Type 6 is 1 / (1 + z), and the
    recurrence is in y = (1 - z) / (1 + z), as on an interval. For |z| <= `near_limit` no partial sum of the plain
    recurrence over- or underflows; for |z| > `far_limit` every phi_n is zero. Up to a distance of `end_limit` from a hard
    end the difference form (`EndTables`) is used. Limits are those of float64, or of float32 where `single`.

    Parameters
    ----------
    a, b, scale : numpy.ndarray (count,)
        In float64; `b` is None where all are 0.
    start : {0, 1, 2, 3, 4, 5, 6}
        The start type.
    near_limit, far_limit, end_limit : float
        Distances in z.

    Examples
    --------
    >>> import specfast as sf
    >>> sf.Hermite().recurrence_tables(8).near_limit
    26.0
    """

    a: np.ndarray
    b: np.ndarray | None
    scale: np.ndarray
    start: int
    near_limit: float
    far_limit: float
    end_limit: float


@dataclass(frozen=True)
class EndTables:
    """phi_n = value_n q_n, d_n = r_n d_{n-1} - kappa_n y q_n, q_{n+1} = q_n + d_n; y is the distance to a hard end.

    Parameters
    ----------
    r, kappa, value : numpy.ndarray (count,)
        In float64; `value` is phi_n at the end.

    Examples
    --------
    >>> import specfast as sf
    >>> sf.Legendre().end_tables(3).value.round(3).tolist()
    [0.707, 1.225, 1.581]
    """

    r: np.ndarray
    kappa: np.ndarray
    value: np.ndarray


@dataclass(frozen=True)
class DifferentiationTables:
    """d_k = ahead_k d_{k+1} + leap_k d_{k+2} + lower_k c_{k-1} + middle_k c_k + upper_k c_{k+1}.

    Where the two far tables are given, far_lower_k c_{k-far} + far_upper_k c_{k+far} is added. With u = sum c_n phi_n this
    gives u' = sum d_n phi_n.

    Parameters
    ----------
    ahead, leap, lower, middle, upper : numpy.ndarray (count,)
        In float64; one entry a coefficient k.
    far_lower, far_upper : numpy.ndarray (count,) or None
        Likewise; None where both vanish.
    far : {2, 3}
        How many places away the far tables reach.

    Examples
    --------
    >>> import specfast as sf
    >>> sf.Hermite().differentiation_tables(3).middle.tolist()
    [0.0, 0.0, 0.0]
    """

    ahead: np.ndarray
    leap: np.ndarray
    lower: np.ndarray
    middle: np.ndarray
    upper: np.ndarray
    far_lower: np.ndarray | None = None
    far_upper: np.ndarray | None = None
    far: int = 3
