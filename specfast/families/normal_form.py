"""A family's differential equation in normal form, u'' + q u = 0, as its Gauss rules of many nodes need it."""

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
