"""Layers around a space's transforms: coefficients to values, and values to coefficients."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..space import Space


class SpaceLayer(nn.Module):
    """A layer on a space; its state names the space, and that of another space is refused.

    Parameters
    ----------
    space : Space
    """

    def __init__(self, space: Space):
        super().__init__()
        if not isinstance(space, Space):
            raise TypeError(f"space={space!r}: a Space is expected")
        self.space = space

    def get_extra_state(self) -> str:
        """Return the fingerprint of the space, kept beside the weights."""
        return self.space.fingerprint

    def set_extra_state(self, state: Any) -> None:
        """Raise ValueError if the weights are of another space."""
        if state != self.space.fingerprint:
            raise ValueError(
                f"state: weights of a space with fingerprint {self.space.fingerprint} are expected, not {state} (another space)"
            )

    def extra_repr(self) -> str:
        """Return what is printed of the layer."""
        return repr(self.space)


class ScaledLayer(SpaceLayer):
    """A layer on a space whose scale and shift it holds, and may learn.

    Parameters
    ----------
    space : Space
    scale, shift : float or tensor (D,), default 1 and 0
        beta and x0 of the basis; on bounded axes the interval's own are used instead.
    learn_scale : bool, default False
        Whether scale (by its logarithm) and shift are parameters. The shift of a half-line is its end and stays.

    Raises
    ------
    TypeError, ValueError
        If the space is none, the scale is not positive, or nothing could be learned.
    """

    moves: Tensor
    fixed_shift: Tensor
    log_scale: Tensor
    learned_shift: nn.Parameter | None

    def __init__(
        self, space: Space, scale: float | Tensor = 1.0, shift: float | Tensor = 0.0, learn_scale: bool = False
    ):
        super().__init__(space)
        own = () if space.dim == 1 else (space.dim,)
        beta, x0 = (torch.as_tensor(part, dtype=torch.get_default_dtype()).expand(own) for part in (scale, shift))
        if not ((beta > 0) & beta.isfinite()).all() or not x0.isfinite().all():
            raise ValueError(f"scale={scale}, shift={shift}: finite numbers, the scale positive, are expected")
        bounded = torch.tensor([family.bounded for family in space.families]).reshape(own)
        beta, x0 = beta.masked_fill(bounded, 1), x0.masked_fill(bounded, 0)
        if learn_scale and bounded.all():
            raise ValueError("learn_scale=True: no axis of this space has a scale or shift that could be learned")
        moves = torch.tensor([family.domain == (-float("inf"), float("inf")) for family in space.families]).reshape(own)
        self.register_buffer("moves", moves if space.dim > 1 else moves.clone(), persistent=False)
        self.register_buffer("fixed_shift", x0.clone())
        if learn_scale:
            self.log_scale = nn.Parameter(beta.log())
            self.learned_shift = nn.Parameter(x0.clone()) if moves.any() else None
        else:
            self.register_buffer("log_scale", beta.log())
            self.learned_shift = None
        self._all_move = bool(moves.all())

    def scale_and_shift(self) -> dict[str, Any]:
        """Return scale and shift as the transforms take them."""
        shift = self.fixed_shift
        if self.learned_shift is not None:
            shift = self.learned_shift if self._all_move else torch.where(self.moves, self.learned_shift, shift)
        return {"scale": self.log_scale.exp(), "shift": shift}

    def scale_only(self) -> dict[str, Any]:
        """Return the scale as the grid transforms take it."""
        return {name: value for name, value in self.scale_and_shift().items() if name == "scale"}


class Synthesis(ScaledLayer):
    r"""Coefficients to values at given points, :math:`u(x_m) = \sum_n c_n \Phi_n(x_m)`, or derivatives of that.

    Parameters
    ----------
    space, scale, shift, learn_scale
        As in `ScaledLayer`.
    derivative : int, tuple of int, or a list of these, default 0
        As in `Space.synthesize`; a list gives the results stacked on a new first axis.

    Notes
    -----
    ``forward(coef, points)``: coef (..., K), points (..., M) or (..., M, D); returns (..., M).

    Examples
    --------
    >>> import torch, specfast as sf
    >>> layer = sf.nn.Synthesis(sf.Space(sf.Hermite(degree=8)), scale=1.5, learn_scale=True)
    >>> layer(torch.ones(4, 9), torch.linspace(-1, 1, 5)).shape
    torch.Size([4, 5])
    """

    def __init__(
        self, space: Space, *, scale: float | Tensor = 1.0, shift: float | Tensor = 0.0, learn_scale: bool = False,
        derivative: Any = 0,
    ):  # fmt: skip
        super().__init__(space, scale, shift, learn_scale)
        self.derivative = derivative

    def forward(self, coef: Tensor, points: Tensor) -> Tensor:
        """Return the values at the points."""
        return self.space.synthesize(coef, points, **self.scale_and_shift(), derivative=self.derivative)  # type: ignore[no-any-return]


class Analysis(ScaledLayer):
    r"""Values at the nodes of a space to coefficients: `Space.project`, the inverse of synthesis at these nodes.

    Parameters
    ----------
    space, scale, shift, learn_scale
        As in `ScaledLayer`.

    Notes
    -----
    ``forward(values)``: (..., K) -> (..., K). ``nodes()`` gives the points where values are wanted, (K,) or (K, D).

    Examples
    --------
    >>> import torch, specfast as sf
    >>> space = sf.Space(sf.Hermite(degree=8))
    >>> analysis, synthesis = sf.nn.Analysis(space), sf.nn.Synthesis(space)
    >>> coef = torch.randn(9)
    >>> torch.allclose(analysis(synthesis(coef, analysis.nodes().float())), coef, atol=1e-5)
    True
    """

    def __init__(
        self, space: Space, *, scale: float | Tensor = 1.0, shift: float | Tensor = 0.0, learn_scale: bool = False
    ):
        super().__init__(space, scale, shift, learn_scale)

    def nodes(self) -> Tensor:
        """Return the points, in float64."""
        return self.space.nodes(**self.scale_and_shift())  # type: ignore[no-any-return]

    def forward(self, values: Tensor) -> Tensor:
        """Return the coefficients."""
        return self.space.project(values, **self.scale_and_shift())  # type: ignore[no-any-return]
