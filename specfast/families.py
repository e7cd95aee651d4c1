"""The families of functions: recurrence, start value, domain, norm, differentiation.

A family is an immutable value. Everything numerical that the kernels need of it is in two sets of tables:
`recurrence_tables`, the rescaled three-term recurrence, and `differentiation_tables`, d/dz as a map of coefficients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

MAX_DEGREE = 10_000_000
MAX_ALPHA = 150.0
# Up to this many functions float32 data are summed in float32.
MAX_SINGLE = 4096


def check_degree(degree: Any, name: str = "degree") -> int:
    """Return `degree` as an int, or raise an error that names the argument."""
    if isinstance(degree, bool) or not isinstance(degree, (int, np.integer)):
        raise TypeError(f"{name}={degree!r}: an integer is expected")
    if not 0 <= degree <= MAX_DEGREE:
        raise ValueError(f"{name}={degree}: an integer from 0 to {MAX_DEGREE} is expected")
    return int(degree)


@dataclass(frozen=True)
class RecurrenceTables:
    """phi_n = scale_n q_n, q_{n+1} = (a_n z + b_n) q_n - q_{n-1}, q_0 = start(z).

    `start` is 0 for exp(-z^2/2), 1 for exp(-z/2), 2 for 1. For |z| <= `near_limit` no partial sum of the plain
    recurrence over- or underflows; for |z| > `far_limit` every phi_n is zero. Up to a distance of `end_limit` from a hard
    end the difference form (`EndTables`) is used. Limits are those of float64, or of float32 where `single`.
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
    """phi_n = value_n q_n, d_n = r_n d_{n-1} - kappa_n y q_n, q_{n+1} = q_n + d_n; y is the distance to a hard end."""

    r: np.ndarray
    kappa: np.ndarray
    value: np.ndarray


@dataclass(frozen=True)
class DifferentiationTables:
    """d_k = ahead_k d_{k+1} + leap_k d_{k+2} + lower_k c_{k-1} + middle_k c_k + upper_k c_{k+1}.

    With u = sum c_n phi_n this gives u' = sum d_n phi_n.
    """

    ahead: np.ndarray
    leap: np.ndarray
    lower: np.ndarray
    middle: np.ndarray
    upper: np.ndarray


@dataclass(frozen=True)
class Family:
    """Base of the families; use Hermite, Laguerre, Chebyshev or Legendre."""

    start: ClassVar[int]
    # u = beta^power v(z): what keeps the functions orthonormal when they are scaled.
    power: ClassVar[float] = 0.5
    # How much one differentiation raises the degree.
    degree_growth: ClassVar[int] = 0
    bounded: ClassVar[bool] = False
    learns_shift: ClassVar[bool] = False
    degree: int | None = None
    # +1, or -1 on a half-line that extends to the left of its end
    sign: ClassVar[int] = 1

    @property
    def name(self) -> str:
        """The family on its standard domain, as the operators take it."""
        return type(self).__name__.lower()

    @property
    def domain(self) -> tuple[float, float]:
        """The interval of z on which the functions live."""
        raise TypeError("use one of the concrete families")

    def with_degree(self, degree: int | None) -> Family:
        """Return the same family with another degree."""
        return replace(self, degree=degree)

    def standard_scale_shift(self) -> tuple[float, float]:
        """Return (beta, x0) such that z = beta (x - x0) maps the family's domain in x to that in z."""
        return 1.0, 0.0

    def plain_recurrence(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Return a, b, c of phi_{n+1} = (a_n z + b_n) phi_n - c_n phi_{n-1} for n < count, and phi_0 / start."""
        raise TypeError("use one of the concrete families")

    def differentiation_tables(self, count: int) -> DifferentiationTables:
        """Return d/dz as a map of coefficients 0 .. count-1."""
        raise TypeError("use one of the concrete families")

    def limits(self, count: int, single: bool) -> tuple[float, float, float]:
        """Return near_limit, far_limit and end_limit; see RecurrenceTables."""
        raise TypeError("use one of the concrete families")

    def end_tables(self, count: int) -> EndTables | None:
        """Return the difference form for n < count; None where the domain has no hard end."""
        return None

    def single_suffices(self, count: int) -> bool:
        """Whether the recurrence may run in float32 for float32 data."""
        return count <= MAX_SINGLE

    def norm_squared(self, count: int) -> np.ndarray:
        """Return h_n = integral of phi_n^2 under the family's weight, for n < count."""
        return np.ones(count)

    def recurrence_tables(self, count: int, single: bool = False) -> RecurrenceTables:
        """Return the rescaled recurrence for n < count."""
        a, b, c, constant = self.plain_recurrence(count)
        scale = np.ones(count + 1, dtype=np.longdouble)
        # scale_{n+1} = c_n scale_{n-1}: two interleaved products.
        scale[2::2] = np.cumprod(c[1::2][: len(scale[2::2])], dtype=np.longdouble)
        scale[3::2] = np.cumprod(c[2::2][: len(scale[3::2])], dtype=np.longdouble)
        ratio = (scale[:-1] / scale[1:]).astype(float)
        rescaled_b = b * ratio if np.any(b) else None
        final = (constant * scale[:-1]).astype(float)
        return RecurrenceTables(a * ratio, rescaled_b, final, self.start, *self.limits(count, single))

    def to_dict(self) -> dict[str, Any]:
        """Return the family as plain values; see `family_from_dict`."""
        return {"family": type(self).__name__, **self.__dict__}


@dataclass(frozen=True)
class Hermite(Family):
    r"""Hermite functions on the real line.

    .. math:: \varphi_n(z) = \frac{H_n(z) e^{-z^2/2}}{\sqrt{2^n n! \sqrt\pi}}, \qquad
              \varphi_{n+1} = \sqrt{\tfrac{2}{n+1}}\, z \varphi_n - \sqrt{\tfrac{n}{n+1}}\, \varphi_{n-1}

    Orthonormal in L2(R).

    Parameters
    ----------
    degree : int, optional
        Highest degree N of a one-dimensional space: functions 0 .. N.

    Examples
    --------
    >>> import specfast as sf
    >>> sf.Space(sf.Hermite(degree=32)).size
    33
    """

    start: ClassVar[int] = 0
    degree_growth: ClassVar[int] = 1
    learns_shift: ClassVar[bool] = True

    def __init__(self, *, degree: int | None = None):
        object.__setattr__(self, "degree", None if degree is None else check_degree(degree))

    @property
    def domain(self) -> tuple[float, float]:
        """The real line."""
        return -math.inf, math.inf

    def plain_recurrence(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Return a, b, c and phi_0 / exp(-z^2/2)."""
        n = np.arange(count, dtype=float)
        return np.sqrt(2 / (n + 1)), np.zeros(count), np.sqrt(n / (n + 1)), math.pi**-0.25

    def limits(self, count: int, single: bool) -> tuple[float, float, float]:
        """exp(-z^2/2) stays above 1e-150 for |z| <= 26; one and a half turning points and 60 lie deep in zero."""
        return 9.0 if single else 26.0, 1.5 * math.sqrt(2 * count + 1) + 60, 0.0

    def differentiation_tables(self, count: int) -> DifferentiationTables:
        """phi_n' = sqrt(n/2) phi_{n-1} - sqrt((n+1)/2) phi_{n+1}."""
        n, zero = np.arange(count, dtype=float), np.zeros(count)
        return DifferentiationTables(zero, zero, -np.sqrt(n / 2), zero, np.sqrt((n + 1) / 2))


@dataclass(frozen=True)
class Laguerre(Family):
    r"""Generalised Laguerre functions on a half-line.

    .. math:: \varphi_n(z) = \sqrt{\tfrac{n!}{\Gamma(n+\alpha+1)}}\, L_n^{(\alpha)}(z)\, e^{-z/2}

    Orthonormal in L2 of z^alpha dz on [0, inf). The half-line starts at `shift`; with ``sign=-1`` it extends to the left.

    Parameters
    ----------
    alpha : float, default 0
        Exponent of the weight, -1 < alpha <= 150 (beyond, Gauss weights leave the range of float64).
    degree : int, optional
        Highest degree of a one-dimensional space.
    sign : {1, -1}, default 1
        Direction of the axis: z = sign beta (x - x0).

    Examples
    --------
    >>> import specfast as sf
    >>> sf.Laguerre(0.5).name
    'laguerre(0.5)'
    """

    start: ClassVar[int] = 1
    alpha: float = 0.0
    sign: int = 1  # type: ignore[misc]

    def __init__(self, alpha: float = 0.0, *, degree: int | None = None, sign: int = 1):
        if not isinstance(alpha, (int, float, np.floating, np.integer)) or isinstance(alpha, bool):
            raise TypeError(f"alpha={alpha!r}: a number is expected")
        if not -1 < alpha <= MAX_ALPHA:
            raise ValueError(f"alpha={alpha}: a number above -1 and at most {MAX_ALPHA:g} is expected")
        if sign not in (1, -1):
            raise ValueError(f"sign={sign!r}: 1 or -1 is expected")
        object.__setattr__(self, "alpha", float(alpha))
        object.__setattr__(self, "sign", int(sign))
        object.__setattr__(self, "degree", None if degree is None else check_degree(degree))

    @property
    def name(self) -> str:
        """The family on its standard domain, as the operators take it."""
        return f"laguerre({self.alpha!r})"

    @property
    def domain(self) -> tuple[float, float]:
        """The half-line [0, inf)."""
        return 0.0, math.inf

    @property
    def power(self) -> float:  # type: ignore[override]
        """Exponent of beta that keeps the functions orthonormal in (x - x0)^alpha dx."""
        return (self.alpha + 1) / 2

    def plain_recurrence(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Return a, b, c and phi_0 / exp(-z/2)."""
        n = np.arange(count, dtype=float)
        width = np.sqrt((n + 1) * (n + self.alpha + 1))
        c = np.sqrt(n * (n + self.alpha)) / width
        return -1 / width, (2 * n + self.alpha + 1) / width, c, math.exp(-0.5 * math.lgamma(self.alpha + 1))

    def limits(self, count: int, single: bool) -> tuple[float, float, float]:
        """exp(-z/2) stays above 1e-150 for z <= 650; see Hermite. The end z = 0 costs digits as the degree grows."""
        far = 1.5 * (4 * count + 2 * self.alpha + 2) + 1600
        if single:
            return 80.0, far, min(8.0, 0.5 + count / 120) if count > 24 else 0.0
        largest = self.alpha / 2 * math.log(count + 1) - 0.5 * math.lgamma(self.alpha + 1)
        return 650.0, far, (64.0 if self.alpha < -0.5 else 8.0) if count > 256 and largest < 600 else 0.0

    def end_tables(self, count: int) -> EndTables:
        """r_n = n / (n + alpha + 1), kappa_n = 1 / (n + alpha + 1), phi_n(0) = sqrt(Gamma(n+alpha+1) / n!) / Gamma(alpha+1)."""
        n = np.arange(count, dtype=float)
        growth = np.sqrt((n[:-1] + self.alpha + 1) / (n[:-1] + 1)).astype(np.longdouble)
        first = math.exp(-0.5 * math.lgamma(self.alpha + 1))
        value = first * np.concatenate([[1], np.cumprod(growth)])
        return EndTables(n / (n + self.alpha + 1), 1 / (n + self.alpha + 1), np.minimum(value, 1e300).astype(float))

    def single_suffices(self, count: int) -> bool:
        """As for all families; phi_n(0) must lie within float32 too."""
        return count <= MAX_SINGLE and self.alpha <= 12

    def differentiation_tables(self, count: int) -> DifferentiationTables:
        """phi_n' = -phi_n / 2 - s_n sum_{k<n} phi_k / s_k with s_n = sqrt(n! / Gamma(n + alpha + 1))."""
        n, zero = np.arange(count, dtype=float), np.zeros(count)
        ratio = np.sqrt((n + 1) / (n + self.alpha + 1))
        return DifferentiationTables(ratio, zero, zero, np.full(count, -0.5), -ratio / 2)


@dataclass(frozen=True)
class _Bounded(Family):
    """A family on an interval [a, b], mapped affinely to [-1, 1]."""

    start: ClassVar[int] = 2
    bounded: ClassVar[bool] = True
    a: float = -1.0
    b: float = 1.0

    def __init__(self, a: float = -1.0, b: float = 1.0, *, degree: int | None = None):
        for argument, value in (("a", a), ("b", b)):
            if not isinstance(value, (int, float, np.floating, np.integer)) or isinstance(value, bool):
                raise TypeError(f"{argument}={value!r}: a number is expected")
            if not math.isfinite(value):
                raise ValueError(f"{argument}={value}: a finite number is expected")
        if not a < b:
            raise ValueError(f"a={a}, b={b}: an interval with a < b is expected")
        object.__setattr__(self, "a", float(a))
        object.__setattr__(self, "b", float(b))
        object.__setattr__(self, "degree", None if degree is None else check_degree(degree))

    def limits(self, count: int, single: bool) -> tuple[float, float, float]:
        """Nothing over- or underflows; digits are lost near the ends, the more the higher the degree."""
        if single:
            return math.inf, math.inf, min(0.01, 3e-5 * count) if count > 16 else 0.0
        return math.inf, math.inf, 0.002 if count > 400 else 0.0

    @property
    def domain(self) -> tuple[float, float]:
        """The interval [-1, 1]."""
        return -1.0, 1.0

    def standard_scale_shift(self) -> tuple[float, float]:
        """Return 2 / (b - a) and the midpoint."""
        return 2.0 / (self.b - self.a), 0.5 * (self.a + self.b)


@dataclass(frozen=True, init=False)
class Chebyshev(_Bounded):
    r"""Chebyshev polynomials T_n on [a, b].

    Orthogonal under :math:`dz / \sqrt{1 - z^2}` with squared norms pi, pi/2, pi/2, ...

    Parameters
    ----------
    a, b : float, default -1, 1
        The interval.
    degree : int, optional
        Highest degree of a one-dimensional space.

    Examples
    --------
    >>> import specfast as sf
    >>> sf.Chebyshev(0, 2).standard_scale_shift()
    (1.0, 1.0)
    """

    power: ClassVar[float] = 0.0

    def plain_recurrence(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """T_{n+1} = 2 z T_n - T_{n-1}, T_1 = z T_0."""
        a, c = np.full(count, 2.0), np.ones(count)
        a[:1], c[:1] = 1.0, 0.0
        return a, np.zeros(count), c, 1.0

    def differentiation_tables(self, count: int) -> DifferentiationTables:
        """T_n' = 2 n (T_{n-1} + T_{n-3} + ...), the last term halved where it is T_0."""
        n, zero = np.arange(count, dtype=float), np.zeros(count)
        leap, upper = np.ones(count), 2 * (n + 1)
        leap[0] = 0.5
        upper[0] = 1.0
        return DifferentiationTables(zero, leap, zero, zero, upper)

    def end_tables(self, count: int) -> EndTables:
        """T_n(1) = 1, r_n = 1, kappa_n = 2, but for n = 0."""
        r, kappa = np.ones(count), np.full(count, 2.0)
        r[:1], kappa[:1] = 0.0, 1.0
        return EndTables(r, kappa, np.ones(count))

    def norm_squared(self, count: int) -> np.ndarray:
        """Return pi, pi/2, pi/2, ..."""
        norms = np.full(count, math.pi / 2)
        norms[:1] = math.pi
        return norms


@dataclass(frozen=True, init=False)
class Legendre(_Bounded):
    r"""Normalised Legendre polynomials :math:`\sqrt{n + 1/2}\, P_n` on [a, b], orthonormal in L2.

    Parameters
    ----------
    a, b : float, default -1, 1
        The interval.
    degree : int, optional
        Highest degree of a one-dimensional space.

    Examples
    --------
    >>> import specfast as sf
    >>> sf.Space(sf.Legendre(degree=8)).size
    9
    """

    def plain_recurrence(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """The three-term recurrence of the normalised polynomials."""
        n = np.arange(count, dtype=float)
        a = np.sqrt((2 * n + 1) * (2 * n + 3)) / (n + 1)
        # |2n - 1|: c_0 multiplies phi_{-1} = 0 and only has to be finite.
        c = n / (n + 1) * np.sqrt((2 * n + 3) / np.abs(2 * n - 1))
        return a, np.zeros(count), c, math.sqrt(0.5)

    def end_tables(self, count: int) -> EndTables:
        """r_n = n / (n + 1), kappa_n = (2 n + 1) / (n + 1), phi_n(1) = sqrt(n + 1/2)."""
        n = np.arange(count, dtype=float)
        return EndTables(n / (n + 1), (2 * n + 1) / (n + 1), np.sqrt(n + 0.5))

    def differentiation_tables(self, count: int) -> DifferentiationTables:
        """P_n' = sum over k = n-1, n-3, .. of (2 k + 1) P_k, for the normalised polynomials."""
        n, zero = np.arange(count, dtype=float), np.zeros(count)
        leap = np.sqrt((2 * n + 1) / (2 * n + 5))
        return DifferentiationTables(zero, leap, zero, zero, np.sqrt((2 * n + 1) * (2 * n + 3)))


FAMILIES: dict[str, type[Family]] = {cls.__name__: cls for cls in (Hermite, Laguerre, Chebyshev, Legendre)}


def family_from_dict(values: dict[str, Any]) -> Family:
    """Return the family that `Family.to_dict` described."""
    values = dict(values)
    name = values.pop("family", None)
    if name not in FAMILIES:
        raise ValueError(f"family={name!r}: one of {', '.join(FAMILIES)} is expected")
    return FAMILIES[name](**values)


@lru_cache(maxsize=1024)
def family_by_name(name: str) -> Family:
    """Return the family on its standard domain that an operator's `family` argument names.

    Raises
    ------
    ValueError
        If the name is none of "hermite", "laguerre(alpha)", "chebyshev", "legendre".
    """
    plain = {"hermite": Hermite, "laguerre": Laguerre, "chebyshev": Chebyshev, "legendre": Legendre}
    if name in plain:
        return plain[name]()
    if name.startswith("laguerre(") and name.endswith(")"):
        try:
            alpha = float(name[9:-1])
        except ValueError:
            alpha = math.nan
        return Laguerre(alpha)
    raise ValueError(f"family={name!r}: 'hermite', 'laguerre(alpha)', 'chebyshev' or 'legendre' is expected")
