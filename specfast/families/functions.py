"""How many functions a family has of each degree: one, or two that belong together."""

from __future__ import annotations

from typing import ClassVar

import numpy as np


class CountedByDegree:
    """Functions 0, 1, 2, .. in the order of their degrees; use `Family`.

    Where functions come in pairs, such as cosine and sine, the degree is the wave number of the pair.
    """

    # 0: one function a degree. Otherwise functions come in pairs, and this is how many there are of degree 0, 1 or 2.
    paired: ClassVar[int] = 0
    # How many more functions one differentiation needs.
    degree_growth: ClassVar[int] = 0

    def function_count(self, degree: int) -> int:
        """Return how many functions there are up to a degree.

        Parameters
        ----------
        degree : int
            N.

        Returns
        -------
        int
            N + 1, or 2 N + 1 or 2 N + 2 where functions come in pairs.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.Hermite().function_count(3), sf.Fourier().function_count(3), sf.Rational().function_count(3)
        (4, 7, 8)
        """
        return 2 * degree + self.paired if self.paired else degree + 1

    def count_with_derivative(self, count: int, order: int) -> int:
        """Return how many functions a derivative of sums of the first functions is a sum of.

        Parameters
        ----------
        count : int
            How many functions there are before.
        order : int
            Of the derivative.

        Returns
        -------
        int

        Examples
        --------
        >>> import specfast as sf
        >>> sf.Hermite().count_with_derivative(10, 2), sf.Legendre().count_with_derivative(10, 2)
        (12, 10)
        """
        return count + order * self.degree_growth

    def fractional_laplacian(self, count: int, power: float) -> np.ndarray:
        r"""Return the matrix of :math:`(-d^2/dz^2)^{p/2}`, which multiplies a wave number k by :math:`|k|^p`, projected.

        Parameters
        ----------
        count : int
            How many functions.
        power : float
            p > 0.

        Returns
        -------
        numpy.ndarray (count, count)
            Entries <phi_m, . phi_n>, in closed form.

        Raises
        ------
        ValueError
            Where the functions do not live on the whole line or a ring.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.Hermite().fractional_laplacian(3, 2.0).round(3).tolist()  # that of -d^2/dz^2
        [[0.5, 0.0, -0.707], [0.0, 1.5, 0.0], [-0.707, 0.0, 2.5]]
        """
        raise ValueError(
            f"family={type(self).__name__}: a fractional Laplacian is that of the line or a ring; there is none between ends"
        )

    def function_degrees(self, count: int) -> np.ndarray:
        """Return the degree of each of the first functions.

        Parameters
        ----------
        count : int
            How many functions.

        Returns
        -------
        numpy.ndarray (count,)
            Of int64, not decreasing.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.Legendre().function_degrees(4).tolist(), sf.Fourier().function_degrees(5).tolist()
        ([0, 1, 2, 3], [0, 1, 1, 2, 2])
        """
        n = np.arange(count)
        return (n + 2 - self.paired) // 2 if self.paired else n
