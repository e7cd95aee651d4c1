"""What is chosen of a family by looking at data: its interval or end, and a scale and shift."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from torch import Tensor


class ChosenFromData:
    """The choices, for families that leave any; use `Family`."""

    @property
    def moves(self) -> bool:
        """Whether a scale (and shift) of its own can be found for every snapshot: by the least mean degree."""
        return type(self).mean_degree_balance is not ChosenFromData.mean_degree_balance

    def mean_degree_balance(
        self, n: Tensor, mean: Callable[[Tensor], Tensor], coupled: Callable[[int, Tensor], Tensor]
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Return the factor on beta and the offset (in z) of x0 for which the mean degree is least.

        `mean` gives sum_n weight_n c_n^2 / sum_n c_n^2 of weights, `coupled` sum_n weight_n c_n c_{n+steps} over the same.

        Parameters
        ----------
        n : Tensor (K,)
            The degree of every coefficient along the axis.
        mean, coupled : callable
            As above; each gives a tensor (...,), one number a field.

        Returns
        -------
        factor, offset : Tensor (...,)

        Raises
        ------
        ValueError
            If the family's scale is its interval's.

        Examples
        --------
        >>> import torch, specfast as sf
        >>> c = torch.tensor([0.8, 0.0, 0.6], dtype=torch.float64)
        >>> mean = lambda weight: (weight * c**2).sum()
        >>> coupled = lambda steps, weight: (weight[: 3 - steps] * c[: 3 - steps] * c[steps:]).sum()
        >>> factor, offset = sf.Hermite().mean_degree_balance(torch.arange(3.0).double(), mean, coupled)
        >>> round(float(factor), 3), float(offset)
        (0.731, 0.0)
        """
        raise ValueError(
            f"a {type(self).__name__} basis has no scale that could be chosen; a line or half-line is expected"
        )

    @classmethod
    def for_points(cls, low: float, high: float, domain: tuple[float, float] | None) -> tuple[Self, float]:
        """Return a family that holds points from low to high, and its end or 0; `domain` is what was asked for.

        Parameters
        ----------
        low, high : float
            The least and the largest of the points, in x.
        domain : (float, float) or None
            The ends that were asked for.

        Returns
        -------
        family : Family
        end : float
            Where a half-line begins; 0 otherwise.

        Raises
        ------
        ValueError
            If the domain does not fit the family or the points.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.Chebyshev.for_points(0.0, 10.0, None), sf.Laguerre.for_points(3.0, 10.0, (3.0, float("inf")))
        ((Chebyshev(-0.2, 10.2), 0.0), (Laguerre(), 3.0))
        """
        raise NotImplementedError

    def scale_shift_of_moments(
        self, centroid: float, spread: float, wave: float, end: float, reach: float
    ) -> tuple[float, float]:  # fmt: skip
        """Return a first scale and shift for fields of this centroid and variance in x and variance in wave number.

        Parameters
        ----------
        centroid, spread, wave : float
            Mean of x, its variance, and the variance of the wave number, with |u|^2 as weight.
        end : float
            Where a half-line begins.
        reach : float
            How far from there the points lie.

        Returns
        -------
        beta, x0 : float

        Examples
        --------
        >>> import specfast as sf
        >>> sf.Hermite().scale_shift_of_moments(0.5, 0.125, 2.0, 0.0, 4.0)
        (2.0, 0.5)
        """
        return 1.0, 0.0
