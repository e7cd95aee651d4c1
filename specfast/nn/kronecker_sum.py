"""Sums over the axes of maps along one axis each: Laplacians, drifts, potentials that are sums, and what else separates."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..ops.axis_maps import along_axis
from ..space import Space
from .transforms import SpaceLayer, real_floating


class KroneckerSumLinear(SpaceLayer):
    r"""The linear map :math:`y_c(n) = \sum_d \sum_{c'} \sum_m A_d[c, c', n_d, m]\, x_{c'}(n_1 .. m .. n_D)` of coefficients, m in the place of n_d.

    It learns a matrix an axis and pair of channels, the same on every fiber of the index set: what a linear equation that is a sum over the
    axes needs (drift, diffusion, oscillators, Schroedinger with a separable potential), with D (N + 1)^2 numbers instead of K^2, at a
    cost of about D (N + 1) K FMAs. What leaves the index set is left out.

    Parameters
    ----------
    space : Space
        Whose coefficients are mapped.
    in_channels, out_channels : int, default 1
        Channels of the input and of the result.
    device, dtype : optional
        Of the weights: where they are, and their real floating-point type; default: PyTorch's.

    Raises
    ------
    TypeError, ValueError
        If the space is none, a number of channels is below 1, or the shape does not fit.

    Notes
    -----
    ``forward(coef)``: coef (..., in_channels, K); returns (..., out_channels, K). `weight` (D, out_channels, in_channels, N + 1, N + 1) starts
    from zero, N the largest degree of all axes.

    Examples
    --------
    >>> import torch, specfast as sf
    >>> space = sf.Space([sf.Hermite()] * 6, sf.HyperbolicCross(8, gamma=-1.0))
    >>> layer = sf.nn.KroneckerSumLinear(space, in_channels=2, out_channels=2)
    >>> layer(torch.randn(3, 2, space.size)).shape == (3, 2, space.size), layer.weight.shape
    (True, torch.Size([6, 2, 2, 9, 9]))
    """

    def __init__(
        self, space: Space, in_channels: int = 1, out_channels: int = 1, *, device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ):  # fmt: skip
        super().__init__(space)
        for name, value in (("in_channels", in_channels), ("out_channels", out_channels)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name}={value!r}: an integer of at least 1 is expected")
        self.in_channels, self.out_channels = in_channels, out_channels
        count = max(space.degrees) + 1
        shape = space.dim, out_channels, in_channels, count, count
        self.weight = nn.Parameter(torch.empty(shape, device=device, dtype=real_floating(dtype)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weights to 0."""
        nn.init.zeros_(self.weight)

    def forward(self, coef: Tensor) -> Tensor:
        """Return the coefficients of the result.

        Parameters
        ----------
        coef : Tensor (..., in_channels, K)
            Coefficients.

        Returns
        -------
        Tensor (..., out_channels, K)

        Raises
        ------
        ValueError
            If they have another shape.
        """
        if coef.dim() < 2 or coef.shape[-2:] != (self.in_channels, self.space.size):
            raise ValueError(
                f"coef has shape {tuple(coef.shape)}; (..., {self.in_channels}, {self.space.size}) is expected"
            )
        total = None
        for axis in range(self.space.dim):

            def one(runs: Tensor, axis: int = axis) -> Tensor:
                length = runs.shape[-1]
                own = self.weight[axis, :, :, :length, :length]
                return torch.einsum("oinm,...ifm->...ofn", own, runs)

            part = along_axis(coef, self.space.key, axis, one)
            total = part if total is None else total + part
        assert total is not None
        return total
