"""A neural operator on a space: spectral convolutions, pointwise maps and activations in turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..families import Family
from ..space import Space
from .convolution import SpectralConv
from .transforms import real_floating


class SpectralOperator(nn.Module):
    r"""Fields to fields: :math:`v_{l+1} = v_l + \sigma(W_l v_l + S_l v_l)` between two pointwise networks, S_l a `SpectralConv`.

    Parameters
    ----------
    space : Space
        What the convolutions see of a field; the pointwise maps see the rest.
    in_channels, out_channels : int
        Channels of the input and of the result, 1 or more.
    width : int, default 32
        Channels of v.
    layers : int, default 4
        How many convolutions there are, 0 or more.
    coupling, scale, shift, learn_scale
        As in `SpectralConv`; scale and shift are those of the nodes.
    positions : bool, default True
        Whether every point's position is part of the input: z over the turning point of the highest degree, or z itself on intervals.
    activation : callable, default torch.nn.functional.gelu
        sigma, from a tensor to one of the same shape.
    device, dtype : optional
        Of all parameters: where they are, and their real floating-point type; default: PyTorch's.

    Notes
    -----
    ``forward(x)``: x (B, in_channels, n_1, .., n_D) on the tensor grid of Gauss nodes with any n_d above the degree of its axis; the result
    (B, out_channels, n_1, .., n_D) on the same. The parameters do not depend on the grid.

    References
    ----------
    Li et al., Fourier neural operator, ICLR 2021.

    Examples
    --------
    >>> import torch, specfast as sf
    >>> model = sf.nn.SpectralOperator(sf.Space(sf.Hermite(degree=15)), 2, 2, width=8, layers=2)
    >>> model(torch.randn(4, 2, 40)).shape, model(torch.randn(4, 2, 64)).shape
    (torch.Size([4, 2, 40]), torch.Size([4, 2, 64]))
    """

    def __init__(
        self, space: Space, in_channels: int, out_channels: int, *, width: int = 32, layers: int = 4, coupling: int = 0,
        scale: float | Tensor = 1.0, shift: float | Tensor = 0.0, learn_scale: bool = False, positions: bool = True,
        activation: Callable[[Tensor], Tensor] = nn.functional.gelu, device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ):  # fmt: skip
        super().__init__()
        for name, value, least in (
            ("in_channels", in_channels, 1), ("out_channels", out_channels, 1), ("width", width, 1), ("layers", layers, 0)
        ):  # fmt: skip
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"{name}={value!r}: an integer of {least} or more is expected")
        self.space, self.positions, self.activation, self.in_channels = space, positions, activation, in_channels
        made: dict[str, Any] = {"device": device, "dtype": real_floating(dtype)}
        basis: dict[str, Any] = made | {"scale": scale, "shift": shift, "learn_scale": learn_scale}
        # Where the functions of the highest degree end is 1; on an interval, the interval's end.
        self.reach = [_reach(*own) for own in zip(space.families, space.degrees, strict=True)]
        convolutions = [SpectralConv(space, width, width, coupling=coupling, **basis) for _ in range(layers)]
        self.convolutions = nn.ModuleList(convolutions)
        self.pointwise = nn.ModuleList(nn.Linear(width, width, **made) for _ in range(layers))
        self.lift = nn.Linear(in_channels + (space.dim if positions else 0), width, **made)
        wide, last = nn.Linear(width, 2 * width, **made), nn.Linear(2 * width, out_channels, **made)
        self.lower = nn.Sequential(wide, nn.GELU(), last)

    def reset_parameters(self) -> None:
        """Draw the parameters of all parts anew, in the order in which they were made."""
        for part in (*self.convolutions, *self.pointwise, self.lift, self.lower[0], self.lower[2]):
            part.reset_parameters()

    def _positions(self, x: Tensor) -> Tensor:
        """Return the positions (1, D, n_1, .., n_D)."""
        dim = self.space.dim
        unit = torch.ones(dim if dim > 1 else (), dtype=torch.float64, device=x.device)
        parts = []
        for axis, line in enumerate(self.space.grid(list(x.shape[2:]), scale=unit)):
            shape = [1] * dim
            shape[axis] = -1
            factor, centre = self.reach[axis]
            parts.append((factor * (line - centre)).reshape(shape).expand(x.shape[2:]))
        return torch.stack(parts).unsqueeze(0).to(x.dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Return the field that the operator makes of `x`.

        Parameters
        ----------
        x : Tensor (B, in_channels, n_1, .., n_D)
            Values at the nodes of `Space.grid`.

        Returns
        -------
        Tensor (B, out_channels, n_1, .., n_D)

        Raises
        ------
        ValueError
            If x has another shape, or there are fewer nodes than functions along an axis.
        """
        if x.dim() != 2 + self.space.dim or x.shape[1] != self.in_channels:
            axes = ", ".join(f"n_{d + 1}" for d in range(self.space.dim))
            raise ValueError(f"x has shape {tuple(x.shape)}; (B, {self.in_channels}, {axes}) is expected")
        if self.positions:
            x = torch.cat([x, self._positions(x).expand(x.shape[0], *[-1] * (1 + self.space.dim))], 1)
        field = self.lift(x.movedim(1, -1))
        for convolution, pointwise in zip(self.convolutions, self.pointwise, strict=True):
            spectral = convolution(field.movedim(-1, 1)).movedim(1, -1)
            field = field + self.activation(pointwise(field) + spectral)
        return self.lower(field).movedim(-1, 1)  # type: ignore[no-any-return]


def _reach(family: Family, last: int) -> tuple[float, float]:
    """Return (factor, centre) for positions factor (x - centre) of nodes at scale 1."""
    beta, centre = family.standard_scale_shift()
    return beta / family.turning_point(int(family.function_degrees(last + 1)[-1])), centre
