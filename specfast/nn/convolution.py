"""Spectral convolution: where a Fourier layer stands in a neural operator, on any space."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ..ops.channel_matmul import mix
from ..space import Space
from .transforms import ScaledLayer


class SpectralConv(ScaledLayer):
    r"""Values to coefficients, a matrix over the channels for every coefficient, and back to values.

    .. math:: v_o(x) = \sum_n \Phi_n(x) \sum_i \sum_{\delta} W_{i o n \delta}\, c_{i, n + \delta},\qquad u_i = \sum_n c_{i n} \Phi_n

    Constructor and call are those of a Fourier layer, with a space in the place of the modes: its coefficients are the modes.

    Parameters
    ----------
    space : Space
        Whose coefficients are mixed.
    in_channels, out_channels : int
        Channels of the input and of the result, 1 or more.
    coupling : int, default 0
        How far along each axis coefficients see their neighbours: offsets -coupling .. coupling on one axis at a time.
    scale, shift, learn_scale, device, dtype
        As in `ScaledLayer`; device and dtype are the weights' too.

    Attributes
    ----------
    weight : Parameter (in_channels, out_channels, K, J)
        J = 1 + 2 D coupling offsets, the first of which is none.

    Notes
    -----
    ``forward(x)``: x (B, C, n_1, .., n_D) on the tensor grid of Gauss nodes (``grid(sizes)``) with any n_d above the degree of its axis; the
    result (B, out_channels, n_1, .., n_D) on the same. ``forward(x, points=)``: x (B, C, M) at points (M,) or (M, D), or (B, M[, D]), as many as
    determine the coefficients by least squares. Memory: no (M, K) array on grids.

    References
    ----------
    Li et al., Fourier neural operator, ICLR 2021; Fanaskov and Oseledets, Spectral neural operators, 2023.

    Examples
    --------
    >>> import torch, specfast as sf
    >>> layer = sf.nn.SpectralConv(sf.Space([sf.Hermite(), sf.Legendre()], sf.HyperbolicCross(6)), 3, 5)
    >>> layer(torch.randn(2, 3, 12, 9)).shape
    torch.Size([2, 5, 12, 9])
    """

    places: Tensor

    def __init__(
        self, space: Space, in_channels: int, out_channels: int, *, coupling: int = 0, scale: float | Tensor = 1.0,
        shift: float | Tensor = 0.0, learn_scale: bool = False, device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ):  # fmt: skip
        super().__init__(space, scale, shift, learn_scale, device=device, dtype=dtype)
        for name, value, least in (
            ("in_channels", in_channels, 1), ("out_channels", out_channels, 1), ("coupling", coupling, 0)
        ):  # fmt: skip
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"{name}={value!r}: an integer of {least} or more is expected")
        self.in_channels, self.out_channels, self.coupling = in_channels, out_channels, coupling
        where, offsets = self.log_scale.device, 2 * space.dim * coupling
        self.register_buffer(
            "places", torch.empty(space.size, offsets, dtype=torch.int64, device=where), persistent=False
        )
        shape = in_channels, out_channels, space.size, offsets + 1
        self.weight = nn.Parameter(torch.empty(shape, dtype=self.log_scale.dtype, device=where))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the weights anew, from a normal distribution of deviation 1 / (in_channels J^(1/2)); scale and shift as in `ScaledLayer`."""
        super().reset_parameters()
        self.places.copy_(_neighbours(self.space, self.coupling))
        # Small, as that of Fourier layers: blocks begin near their other path.
        nn.init.normal_(self.weight).mul_(self.weight.shape[-1] ** -0.5 / self.in_channels)

    def grid(self, *sizes: int) -> tuple[Tensor, ...]:
        """Return the nodes of every axis for so many of them, in float64; by default one more than the degree.

        Parameters
        ----------
        *sizes : int
            One for all axes, or one an axis.

        Returns
        -------
        tuple of Tensor (n_d,)

        Raises
        ------
        ValueError
            If there are fewer nodes than functions along an axis.

        Examples
        --------
        >>> import specfast as sf
        >>> layer = sf.nn.SpectralConv(sf.Space([sf.Hermite(), sf.Legendre()], sf.HyperbolicCross(6)), 1, 1)
        >>> [line.shape for line in layer.grid(12, 9)]
        [torch.Size([12]), torch.Size([9])]
        """
        return self.space.grid(list(sizes) or None, **self.scale_and_shift())

    def mix(self, coef: Tensor) -> Tensor:
        """Return the coefficients of the result from those of the input: what the layer does between its transforms.

        Parameters
        ----------
        coef : Tensor (B, in_channels, K)
            Coefficients.

        Returns
        -------
        Tensor (B, out_channels, K)

        Examples
        --------
        >>> import torch, specfast as sf
        >>> layer = sf.nn.SpectralConv(sf.Space(sf.Hermite(degree=8)), 3, 5)
        >>> layer.mix(torch.randn(2, 3, 9)).shape
        torch.Size([2, 5, 9])
        """
        weight = self.weight.to(coef.dtype)
        mixed = mix(coef, weight[..., 0])
        if self.coupling:
            # One more coefficient, 0, stands for neighbours outside of the index set.
            padded = torch.nn.functional.pad(coef, (0, 1))
            for offset in range(self.places.shape[1]):
                near = padded.index_select(2, self.places[:, offset])
                mixed = mixed + mix(near, weight[..., 1 + offset])
        return mixed  # type: ignore[no-any-return]

    def forward(self, x: Tensor, points: Tensor | None = None) -> Tensor:
        """Return the values of the result where those of `x` are.

        Parameters
        ----------
        x : Tensor (B, in_channels, n_1, .., n_D), or (B, in_channels, M) with points
            Values.
        points : Tensor (M,), (M, D), (B, M) or (B, M, D), optional
            Where they are; default: the nodes of `grid`.

        Returns
        -------
        Tensor
            As x, with out_channels.

        Raises
        ------
        ValueError
            If x has another shape, or there are fewer nodes than functions along an axis.
        """
        wanted = 2 + (self.space.dim if points is None else 1)
        if x.dim() != wanted or x.shape[1] != self.in_channels:
            axes = ", ".join(f"n_{d + 1}" for d in range(self.space.dim)) if points is None else "M"
            raise ValueError(f"x has shape {tuple(x.shape)}; (B, {self.in_channels}, {axes}) is expected")
        if points is None:
            coef = self.mix(self.space.project_grid(x, **self.scale_only()))
            return self.space.synthesize_grid(coef, list(x.shape[2:]), **self.scale_only())
        where = points.unsqueeze(1) if points.dim() == 2 + (self.space.dim > 1) else points
        coef = self.mix(self.space.fit(x, where, solver="qr", **self.scale_and_shift()))
        return self.space.synthesize(coef, where, **self.scale_and_shift())


def _neighbours(space: Space, coupling: int) -> Tensor:
    """Return where the neighbours (K, 2 D coupling) of every index are; K where they are none."""
    if coupling == 0:
        return torch.zeros(space.size, 0, dtype=torch.int64)
    steps = [sign * offset for offset in range(1, coupling + 1) for sign in (-1, 1)]
    places = [space.functions.positions_beside(space.dim, axis, step) for axis in range(space.dim) for step in steps]
    found = np.stack(places, 1)
    return torch.from_numpy(np.where(found < 0, space.size, found))
