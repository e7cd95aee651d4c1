"""Functions that are sums of exponentials in an angle: what a nonuniform FFT takes of a family."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor


class ExponentialForm(ABC):
    r"""Functions of a family as exponentials in an angle.

    .. math:: \sum_n c_n \varphi_n(z) = \operatorname{Re}\Big( s(z) \sum_{k=0}^N C_k e^{i k \theta(z)} \Big)
    """

    @abstractmethod
    def angle(self, z: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return theta and s (None for 1) at points of the standard domain, in float64; NaN outside of it."""

    @abstractmethod
    def modes(self, coef: Tensor) -> Tensor:
        """Return C_k (..., N + 1), complex, of real coefficients (..., K)."""

    @abstractmethod
    def from_modes(self, sums: Tensor, count: int) -> Tensor:
        """Return the transpose of `modes`, (..., K), of H_k = sum_m v_m s(z_m) exp(i k theta_m), (..., N + 1)."""


class Exponentials:
    """The form, for families that have one; use `Family`."""

    @property
    def exponential_form(self) -> ExponentialForm | None:
        """The functions as exponentials, by which a nonuniform FFT sums them; None where they are none."""
        return None


def modes_of_pairs(coef: Tensor, alone: int) -> Tensor:
    """Return a_k - i b_k of coefficients a_0, [b_0,] a_1, b_1, ..; `alone` of wave number 0, of which a lone one has no b.

    Parameters
    ----------
    coef : Tensor (..., K)
        Real coefficients, the last pair perhaps cut.
    alone : {1, 2}
        How many there are of wave number 0.

    Returns
    -------
    Tensor (..., N + 1)

    Examples
    --------
    >>> import torch
    >>> modes_of_pairs(torch.arange(1.0, 6.0), 1).real.tolist()
    [1.0, 2.0, 4.0]
    """
    count = coef.shape[-1]
    padded = torch.nn.functional.pad(coef, (0, (count - alone) % 2))
    if alone == 1:
        padded = torch.cat([padded[..., :1], torch.zeros_like(padded[..., :1]), padded[..., 1:]], -1)
    pairs = padded.unflatten(-1, (-1, 2))
    return torch.complex(pairs[..., 0], -pairs[..., 1])


def pairs_of_sums(sums: Tensor, count: int, alone: int) -> Tensor:
    """Return Re H_k and Im H_k in the order of the functions: the transpose of `modes_of_pairs`.

    Parameters
    ----------
    sums : Tensor (..., N + 1)
        H, complex.
    count : int
        K.
    alone : {1, 2}
        How many functions there are of wave number 0.

    Returns
    -------
    Tensor (..., K)

    Examples
    --------
    >>> import torch
    >>> pairs_of_sums(torch.tensor([1j, 2 + 3j]), 3, 1).tolist()
    [0.0, 2.0, 3.0]
    """
    pairs = torch.view_as_real(sums.resolve_conj()).flatten(-2)
    if alone == 1:
        pairs = torch.cat([pairs[..., :1], pairs[..., 2:]], -1)
    return pairs[..., :count]
