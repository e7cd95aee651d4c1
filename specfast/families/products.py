"""Which Gauss rules integrate products of a family's functions exactly."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor


class Products:
    """The rules for products; use `Family`."""

    start: ClassVar[int]

    def product_scale_shift(
        self, scale: Tensor, shift: Tensor, new_scale: Tensor, new_shift: Tensor
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Return the scale and shift whose Gauss rule is exact for products of functions of the two given ones.

        Parameters
        ----------
        scale, shift, new_scale, new_shift : Tensor
            beta and x0 of the two.

        Returns
        -------
        scale, shift : Tensor

        Examples
        --------
        >>> import torch, specfast as sf
        >>> beta, x0 = sf.Hermite().product_scale_shift(*torch.tensor([1.0, 0.0, 7.0, 2.0], dtype=torch.float64))
        >>> float(beta), float(x0)
        (5.0, 1.96)
        """
        return scale, shift

    def nodes_for_change(self, count: int, ratio: Tensor, offset: Tensor) -> int:
        """Return how many nodes the rule at `product_scale_shift` needs to be exact to rounding for a change of basis.

        Parameters
        ----------
        count : int
            How many functions.
        ratio, offset : Tensor
            The new scale over the old one, and how far the new shift lies from the old one times the old scale.

        Returns
        -------
        int

        Raises
        ------
        ValueError
            If it depends on ratio and offset, and these are so far apart that more than a million are needed.

        Examples
        --------
        >>> import torch, specfast as sf
        >>> one, none = torch.ones(()), torch.zeros(())
        >>> sf.Hermite().nodes_for_change(20, 3 * one, none), sf.Rational().nodes_for_change(20, 3 * one, none)
        (20, 220)
        """
        return count

    def product_rule(self, count: int, factors: int) -> tuple[int, float]:
        """Return how many nodes, and at which scale, make a Gauss rule exact for products of several functions.

        A product of f functions is a polynomial times the f-th power of their exponential: that of two, whose rule
        `gauss` gives, at a scale of (f/2)^(1/2) for exp(-z^2/2), of f/2 for exp(-z/2), of 1 without one.

        Parameters
        ----------
        count : int
            The functions are among the first `count`.
        factors : int
            How many are multiplied, f.

        Returns
        -------
        nodes : int
            n.
        scale : float
            s: the integral of a product F(z) of functions is sum_q w_q s^(-2 p) F(z_q / s), with nodes z_q and weights
            w_q of the n-point rule, and p the family's power.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.Laguerre().product_rule(11, 3), sf.Legendre().product_rule(11, 3)
        ((17, 1.5), (17, 1.0))
        """
        return factors * count // 2 + 1, (factors / 2) ** (0.5, 1.0, 0.0)[self.start]
