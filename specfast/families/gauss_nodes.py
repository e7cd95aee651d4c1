"""What a family says of its Gauss nodes: closed forms, approximate zeros, or its differential equation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Stretch:
    """u'' + q u = 0 on a stretch of the domain; d > 0 is the distance from its outer end or from the middle.

    u = 0 where phi_n = 0. Distances are exact however close the end is, which those from another point are not.

    Parameters
    ----------
    end : {"middle", "soft", "hard"}
        What lies at d = 0: the centre of a symmetric family; a turning point, q = 0 with u -> 0 beyond; or an end where
        q = (1/4 - alpha^2) / d^2 + regular and u is d^(alpha + 1/2) times a power series in d^2.
    q : callable
        q of distances d, an array; its regular part at a hard end. Beyond a soft end, d < 0, too.
    length : float
        The largest d.
    z : callable
        The points z of distances d.
    measure : callable
        The weight of the inner product at z, times |dz/dd|, of distances d.
    alpha : float
        Above -1; of a hard end alone.

    Examples
    --------
    >>> import numpy as np, specfast as sf
    >>> middle, outer = sf.Hermite().normal_form(1000)
    >>> middle.end, outer.end, bool(np.isclose(middle.q(np.array(middle.length)), outer.q(np.array(outer.length))))
    ('middle', 'soft', True)
    """

    end: Literal["middle", "soft", "hard"]
    q: Callable[[np.ndarray], np.ndarray]
    length: float
    z: Callable[[np.ndarray], np.ndarray]
    measure: Callable[[np.ndarray], np.ndarray]
    alpha: float = 0.5

    def whole_q(self, d: np.ndarray) -> np.ndarray:
        """Return q of distances d with its singular part.

        Parameters
        ----------
        d : numpy.ndarray
            Distances.

        Returns
        -------
        numpy.ndarray

        Examples
        --------
        >>> import numpy as np, specfast as sf
        >>> sf.Legendre().normal_form(9)[1].whole_q(np.array([np.pi / 4])).round(9).tolist()
        [90.75]
        """
        return self.q(d) + (0.25 - self.alpha**2) / d**2 if self.end == "hard" else self.q(d)


class GaussNodes:
    """What is asked of a family; use `Family`."""

    def gauss_rule(self, n: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Return nodes and weights of the n-point Gauss rule where there is a closed form.

        Parameters
        ----------
        n : int
            How many nodes.

        Returns
        -------
        nodes, weights : numpy.ndarray (n,), or None
            Nodes ascending in z.

        Examples
        --------
        >>> import specfast as sf
        >>> nodes, weights = sf.Chebyshev().gauss_rule(2)
        >>> nodes.round(3).tolist(), sf.Hermite().gauss_rule(2) is None
        ([-0.707, 0.707], True)
        """
        return None

    def gauss_start(self, n: int) -> np.ndarray:
        """Return approximate zeros of phi_n, ascending: right to a few hundredths of their distance.

        Parameters
        ----------
        n : int
            Degree of the function, and how many zeros it has.

        Returns
        -------
        numpy.ndarray (n,)

        Examples
        --------
        >>> import specfast as sf
        >>> sf.Legendre().gauss_start(2).round(2).tolist()
        [-0.58, 0.58]
        """
        raise NotImplementedError

    def normal_form(self, n: int) -> tuple[Stretch, Stretch] | None:
        """Return the differential equation of phi_n in normal form, which makes rules of many nodes cost O(n).

        Parameters
        ----------
        n : int
            Degree of the function.

        Returns
        -------
        lower, upper : Stretch, or None
            Two stretches that meet at their lengths, and hold all zeros; those z >= 0 of a symmetric family.

        Examples
        --------
        >>> import specfast as sf
        >>> [stretch.end for stretch in sf.Laguerre().normal_form(10)]
        ['hard', 'soft']
        """
        return None

    def normal_form_slope(self, z: np.ndarray) -> np.ndarray | float:
        """Return r' / r for the factor r that brings the functions' differential equation to normal form.

        Parameters
        ----------
        z : numpy.ndarray
            Points of the standard domain.

        Returns
        -------
        numpy.ndarray or float
            0 where the equation has this form already.

        Examples
        --------
        >>> import numpy as np, specfast as sf
        >>> sf.Laguerre().normal_form_slope(np.array([0.5, 1.0])).tolist(), sf.Hermite().normal_form_slope(np.ones(2))
        ([1.0, 0.5], 0.0)
        """
        return 0.0

    @property
    def leja_exponent(self) -> float:
        """Exponent of z in the weight sqrt(w) of the Leja points."""
        return 0.0

    def leja_candidates(self) -> np.ndarray | None:
        """Return the points among which Leja points are chosen; None where they are maxima of a polynomial.

        Returns
        -------
        numpy.ndarray or None

        Examples
        --------
        >>> import specfast as sf
        >>> len(sf.Fourier().leja_candidates()), sf.Legendre().leja_candidates() is None
        (8192, True)
        """
        return None
