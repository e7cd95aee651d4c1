"""What a family of functions is. Each has a file of its own here; nothing else in specfast knows one by its name.

A family is an immutable value: recurrence, domain, norm, scaling power, integrals, differentiation, start of its Gauss nodes.
All kernels (C++, CUDA, Numba, reference) know it by two sets of tables: `recurrence_tables`, the rescaled three-term
recurrence, and `differentiation_tables`, d/dz as a map of coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from torch import Tensor

from ..support.text import constructor_text
from .chosen_from_data import ChosenFromData
from .exponentials import Exponentials
from .functions import CountedByDegree
from .gauss_nodes import GaussNodes
from .nodes_transform import FastAtNodes
from .products import Products
from .tables import DifferentiationTables, EndTables, RecurrenceTables

MAX_DEGREE = 10_000_000
# Up to this many functions float32 data are summed in float32.
MAX_SINGLE = 4096


def check_degree(degree: object, name: str = "degree") -> int:
    """Return `degree` as an int, or raise an error that names the argument.

    Parameters
    ----------
    degree : int
        A degree, or another number of this range.
    name : str
        What the message calls it.

    Returns
    -------
    int

    Raises
    ------
    TypeError, ValueError
        If it is no integer, or not one from 0 to `MAX_DEGREE`.

    Examples
    --------
    >>> check_degree(12)
    12
    """
    if isinstance(degree, bool) or not isinstance(degree, (int, np.integer)):
        raise TypeError(f"{name}={degree!r}: an integer is expected")
    if not 0 <= degree <= MAX_DEGREE:
        raise ValueError(f"{name}={degree}: an integer from 0 to {MAX_DEGREE} is expected")
    return int(degree)


@dataclass(frozen=True, repr=False)
class Family(ChosenFromData, CountedByDegree, Exponentials, FastAtNodes, GaussNodes, Products):
    """Base of the families; use one of those in `FAMILIES`.

    Attributes
    ----------
    degree : int, optional
        Highest degree N of a one-dimensional space: functions 0 .. N, or pairs of them up to there.

    Examples
    --------
    >>> import specfast as sf
    >>> family = sf.Laguerre(0.5, degree=8)
    >>> isinstance(family, Family), family.domain, family.name
    (True, (0.0, inf), 'laguerre(0.5)')
    """

    # Fields that belong to the functions on the standard domain, and so to the name.
    parameters: ClassVar[tuple[str, ...]] = ()
    # The start type of the recurrence: 0 for exp(-z^2/2), 1 for exp(-z/2), 2 for 1; 3 to 5 for pairs (RecurrenceTables).
    start: ClassVar[int]
    # u = beta^power v(z): what keeps the functions orthonormal when they are scaled.
    power: ClassVar[float] = 0.5
    # Whether the ends in x set scale and shift; and whether they are one point.
    bounded: ClassVar[bool] = False
    periodic: ClassVar[bool] = False
    # Which of scale and shift are free; those of an interval are its own, and 1 and 0 stand for them.
    learns_scale: ClassVar[bool] = True
    learns_shift: ClassVar[bool] = False
    # phi_n(-z) = (-1)^n phi_n(z).
    symmetric: ClassVar[bool] = True
    orthonormal: ClassVar[bool] = True
    degree: int | None = None
    # +1, or -1 on a half-line that extends to the left of its end.
    sign: ClassVar[int] = 1

    @property
    def name(self) -> str:
        """The family on its standard domain, as the operators take it."""
        given = ",".join(repr(getattr(self, parameter)) for parameter in self.parameters)
        return type(self).__name__.lower() + (f"({given})" if given else "")

    def with_degree(self, degree: int | None) -> Family:
        """Return the same family with another degree.

        Parameters
        ----------
        degree : int or None
            Highest degree N; None for none.

        Returns
        -------
        Family
            Of the same class, with the same other arguments.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.Legendre(0, 2).with_degree(5)
        Legendre(0, 2, degree=5)
        """
        return replace(self, degree=degree)

    def to_dict(self) -> dict[str, str | float | None]:
        """Return the family as plain values; see `family_from_dict`.

        Returns
        -------
        dict
            The class's name as "family", and its arguments, all of which JSON can hold.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.Hermite(degree=3).to_dict()
        {'family': 'Hermite', 'degree': 3}
        """
        return {"family": type(self).__name__, **self.__dict__}

    def __repr__(self) -> str:
        return constructor_text(self, positional=True)

    # ------------------------------------------------------------------------------------------------- the functions

    @property
    def domain(self) -> tuple[float, float]:
        """The interval of z on which the functions live."""
        raise NotImplementedError

    @property
    def half(self) -> Family | None:
        """The family of either side of 0, where even and odd functions are made of it; None elsewhere."""
        return None

    def standard_scale_shift(self) -> tuple[float, float]:
        """Return (beta, x0) such that z = beta (x - x0) maps the family's domain in x to that in z.

        Returns
        -------
        beta, x0 : float
            1 and 0 where scale and shift are free; on [a, b] they are 2 / (b - a) and (a + b) / 2.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.Legendre(0, 4).standard_scale_shift()
        (0.5, 2.0)
        """
        return 1.0, 0.0

    def on_standard_domain(self) -> Family:
        """Return the family whose x is z, but for the direction of a half-line: an interval's on [-1, 1].

        Returns
        -------
        Family

        Examples
        --------
        >>> import specfast as sf
        >>> sf.Legendre(0, 10, degree=3).on_standard_domain()
        Legendre(degree=3)
        """
        return self

    def plain_recurrence(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Return a, b, c of phi_{n+1} = (a_n z + b_n) phi_n - c_n phi_{n-1} for n < count, and phi_0 / start.

        Parameters
        ----------
        count : int
            How many steps.

        Returns
        -------
        a, b, c : numpy.ndarray (count,)
            Of phi_{n+1} = (a_n z + b_n) phi_n - c_n phi_{n-1}, in float64.
        first : float
            phi_0 without the exponential, phi_0(z) / start(z).

        Examples
        --------
        >>> import specfast as sf
        >>> a, b, c, first = sf.Chebyshev().plain_recurrence(3)
        >>> a.tolist(), b.tolist(), c.tolist(), first
        ([1.0, 2.0, 2.0], [0.0, 0.0, 0.0], [0.0, 1.0, 1.0], 1.0)
        """
        raise NotImplementedError

    def recurrence_tables(self, count: int, single: bool = False) -> RecurrenceTables:
        """Return the rescaled recurrence for n < count: two numbers a step in place of three.

        Parameters
        ----------
        count : int
            How many functions.
        single : bool
            Whether limits are those of float32.

        Returns
        -------
        RecurrenceTables

        Examples
        --------
        >>> import specfast as sf
        >>> tables = sf.Legendre().recurrence_tables(4)
        >>> tables.a.shape, tables.b is None, tables.start
        ((4,), True, 2)
        """
        a, b, c, constant = self.plain_recurrence(count)
        scale = np.ones(count + 1, dtype=np.longdouble)
        # scale_{n+1} = c_n scale_{n-1}: two interleaved products.
        scale[2::2] = np.cumprod(c[1::2][: len(scale[2::2])], dtype=np.longdouble)
        scale[3::2] = np.cumprod(c[2::2][: len(scale[3::2])], dtype=np.longdouble)
        ratio = (scale[:-1] / scale[1:]).astype(float)
        rescaled_b = b * ratio if np.any(b) else None
        final = (constant * scale[:-1]).astype(float)
        return RecurrenceTables(a * ratio, rescaled_b, final, self.start, *self.limits(count, single))

    def limits(self, count: int, single: bool) -> tuple[float, float, float]:
        """Return near_limit, far_limit and end_limit; see RecurrenceTables.

        Parameters
        ----------
        count : int
            How many functions.
        single : bool
            Whether sums are in float32.

        Returns
        -------
        near_limit, far_limit, end_limit : float
            Distances in z.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.Hermite().limits(100, single=False)[0]
        26.0
        """
        raise NotImplementedError

    def end_tables(self, count: int) -> EndTables | None:
        """Return the difference form for n < count; None where the domain has no hard end.

        Parameters
        ----------
        count : int
            How many functions.

        Returns
        -------
        EndTables or None

        Examples
        --------
        >>> import specfast as sf
        >>> sf.Hermite().end_tables(4) is None, sf.Chebyshev().end_tables(4).value.tolist()
        (True, [1.0, 1.0, 1.0, 1.0])
        """
        return None

    def single_suffices(self, count: int) -> bool:
        """Return whether the recurrence may run in float32 for float32 data.

        Parameters
        ----------
        count : int
            How many functions.

        Returns
        -------
        bool

        Examples
        --------
        >>> import specfast as sf
        >>> sf.Hermite().single_suffices(100), sf.Hermite().single_suffices(10_000)
        (True, False)
        """
        return count <= MAX_SINGLE

    def differentiation_tables(self, count: int) -> DifferentiationTables:
        """Return d/dz as a map of coefficients 0 .. count-1.

        Parameters
        ----------
        count : int
            How many coefficients.

        Returns
        -------
        DifferentiationTables

        Examples
        --------
        >>> import specfast as sf
        >>> sf.Chebyshev().differentiation_tables(3).upper.tolist()
        [1.0, 4.0, 6.0]
        """
        raise NotImplementedError

    def norm_squared(self, count: int) -> np.ndarray:
        """Return h_n = integral of phi_n^2 under the family's weight, for n < count.

        Parameters
        ----------
        count : int
            How many functions.

        Returns
        -------
        numpy.ndarray (count,)
            1 for orthonormal functions.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.Hermite().norm_squared(3).tolist(), sf.Chebyshev().norm_squared(2).round(3).tolist()
        ([1.0, 1.0, 1.0], [3.142, 1.571])
        """
        return np.ones(count)

    def integrals(self, count: int) -> np.ndarray:
        """Return the integrals of phi_n over z in the family's domain, n < count.

        Parameters
        ----------
        count : int
            How many functions.

        Returns
        -------
        numpy.ndarray (count,)
            Without a weight, at scale 1.

        Raises
        ------
        ValueError
            If they are not finite or not known.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.Laguerre().integrals(3).tolist()
        [2.0, -2.0, 2.0]
        """
        raise ValueError(f"family={self.name}: the integrals of these functions are not finite, or not known here")

    def turning_point(self, degree: int) -> float:
        """Return about how far out phi_degree oscillates.

        Parameters
        ----------
        degree : int
            N.

        Returns
        -------
        float
            A distance in z; 1 on an interval.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.Hermite().turning_point(4), sf.Laguerre().turning_point(4)
        (3.0, 18.0)
        """
        return 1.0

    # ---------------------------------------------------------------------------------------------------- in use

    def into_domain(self, x: Tensor) -> Tensor:
        """Return a smooth map of the real line into the standard domain.

        Parameters
        ----------
        x : Tensor
            Real numbers.

        Returns
        -------
        Tensor
            x itself on the line, log(1 + exp(x)) on the half-line, tanh(x) on an interval.

        Examples
        --------
        >>> import torch, specfast as sf
        >>> sf.Legendre().into_domain(torch.tensor([0.0, 100.0])).tolist()
        [0.0, 1.0]
        """
        return x
