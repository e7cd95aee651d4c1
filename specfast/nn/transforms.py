"""Layers around a space's transforms: coefficients to values, and values to coefficients."""

from __future__ import annotations

from functools import partial
from typing import TypedDict

import torch
from torch import Tensor, nn

from ..space import Space
from ..space.array_api import Orders


class Scale(TypedDict):
    """beta, as a keyword of the transforms on grids."""

    scale: Tensor


class ScaleShift(Scale):
    """beta and x0, as keywords of the transforms."""

    shift: Tensor


def real_floating(dtype: torch.dtype | None) -> torch.dtype:
    """Return the dtype of parameters: the one given, or PyTorch's default.

    Raises
    ------
    ValueError
        If it is not a real floating-point one.
    """
    if dtype is None:
        return torch.get_default_dtype()
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise ValueError(f"dtype={dtype}: a real floating-point dtype is expected")
    return dtype


def _detached(value: float | Tensor) -> Tensor:
    """Return a number or numbers in float64 on the CPU."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", torch.float64)
    return torch.as_tensor(value, dtype=torch.float64, device="cpu")


class SpaceLayer(nn.Module):
    """A layer on a space; its state names the space, and that of another space is refused.

    Parameters
    ----------
    space : Space
        Whose coefficients, or values, the layer works on.
    """

    def __init__(self, space: Space):
        super().__init__()
        if not isinstance(space, Space):
            raise TypeError(f"space={space!r}: a Space is expected")
        self.space = space

    def get_extra_state(self) -> str:
        """Return the fingerprint of the space, kept beside the weights."""
        return self.space.fingerprint

    def set_extra_state(self, state: object) -> None:
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
        Whose coefficients, or values, the layer works on.
    scale, shift : float or tensor (D,), default 1 and 0
        beta and x0 of the basis, 1 / length and length; on bounded axes the interval's own are used instead.
    learn_scale : bool, default False
        Whether scale (by its logarithm) and shift are parameters. The shift of a half-line is its end and stays.
    device : device, optional
        Where scale and shift are; default: PyTorch's, or that of a tensor given as scale or shift.
    dtype : dtype, optional
        Of scale and shift, a real floating-point one; default: PyTorch's.

    Raises
    ------
    TypeError, ValueError
        If the space is none, the scale is not positive, or nothing could be learned.

    Examples
    --------
    >>> import specfast as sf
    >>> layer = ScaledLayer(sf.Space(sf.Hermite(degree=8)), scale=2.0, learn_scale=True)
    >>> [name for name, _ in layer.named_parameters()]
    ['log_scale', 'learned_shift']
    """

    moves: Tensor
    fixed_shift: Tensor
    log_scale: Tensor
    learned_shift: nn.Parameter | None

    def __init__(
        self, space: Space, scale: float | Tensor = 1.0, shift: float | Tensor = 0.0, learn_scale: bool = False, *,
        device: torch.device | str | None = None, dtype: torch.dtype | None = None,
    ):  # fmt: skip
        super().__init__(space)
        own = () if space.dim == 1 else (space.dim,)
        beta, x0 = (_detached(part).expand(own) for part in (scale, shift))
        if not ((beta > 0) & beta.isfinite()).all() or not x0.isfinite().all():
            raise ValueError(f"scale={scale}, shift={shift}: finite numbers, the scale positive, are expected")
        bounded = torch.tensor([family.bounded for family in space.families], device="cpu").reshape(own)
        if learn_scale and bounded.all():
            raise ValueError("learn_scale=True: no axis of this space has a scale or shift that could be learned")
        # Plain numbers, from which parameters are filled again wherever they are.
        self._initial = beta.masked_fill(bounded, 1).tolist(), x0.masked_fill(bounded, 0).tolist()
        moving = [family.learns_shift for family in space.families]
        self._all_move, self._moving = all(moving), moving if space.dim > 1 else moving[0]
        if device is None:
            device = next((part.device for part in (scale, shift) if isinstance(part, Tensor)), None)
        empty = partial(torch.empty, own, device=device, dtype=real_floating(dtype))
        self.register_buffer("moves", torch.empty(own, device=device, dtype=torch.bool), persistent=False)
        self.register_buffer("fixed_shift", empty())
        if learn_scale:
            self.log_scale = nn.Parameter(empty())
            self.learned_shift = nn.Parameter(empty()) if any(moving) else None
        else:
            self.register_buffer("log_scale", empty())
            self.learned_shift = None
        ScaledLayer.reset_parameters(self)  # that of a subclass needs what its constructor is still to make

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set scale and shift, learned or not, to what the constructor was given."""
        beta, x0 = self._initial
        self.log_scale.copy_(torch.tensor(beta, dtype=self.log_scale.dtype, device="cpu").log())
        self.moves.copy_(torch.tensor(self._moving, device="cpu"))
        for part in (self.fixed_shift, self.learned_shift):
            if part is not None:
                part.copy_(torch.tensor(x0, dtype=part.dtype, device="cpu"))

    def scale_and_shift(self) -> ScaleShift:
        """Return scale and shift as the transforms take them.

        Returns
        -------
        dict
            "scale" (beta) and "shift" (x0), tensors (), or (D,) for several axes; differentiable where they are learned.

        Examples
        --------
        >>> import specfast as sf
        >>> layer = sf.nn.Synthesis(sf.Space(sf.Hermite(degree=8)), scale=1.0, shift=0.5)
        >>> layer.scale_and_shift()
        {'scale': tensor(1.), 'shift': tensor(0.5000)}
        """
        shift = self.fixed_shift
        if self.learned_shift is not None:
            shift = self.learned_shift if self._all_move else torch.where(self.moves, self.learned_shift, shift)
        return {"scale": self.log_scale.exp(), "shift": shift}

    def scale_only(self) -> Scale:
        """Return the scale as the grid transforms take it.

        Returns
        -------
        dict
            "scale" (beta) alone.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.nn.Synthesis(sf.Space(sf.Hermite(degree=8))).scale_only()
        {'scale': tensor(1.)}
        """
        return {"scale": self.scale_and_shift()["scale"]}


class Synthesis(ScaledLayer):
    r"""Coefficients to values at given points, :math:`u(x_m) = \sum_n c_n \Phi_n(x_m)`, or derivatives of that.

    Parameters
    ----------
    space : Space
        Whose coefficients the layer takes.
    scale, shift, learn_scale, device, dtype
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
        derivative: Orders | list[Orders] = 0, device: torch.device | str | None = None, dtype: torch.dtype | None = None,
    ):  # fmt: skip
        super().__init__(space, scale, shift, learn_scale, device=device, dtype=dtype)
        self.derivative = derivative

    def forward(self, coef: Tensor, points: Tensor) -> Tensor:
        """Return the values at the points.

        Parameters
        ----------
        coef : Tensor (..., K)
            Coefficients.
        points : Tensor (..., M) or (..., M, D)
            Points.

        Returns
        -------
        Tensor (..., M)
            With a list of derivatives (q, ..., M).
        """
        return self.space.synthesize(coef, points, **self.scale_and_shift(), derivative=self.derivative)


class Analysis(ScaledLayer):
    """Values at the nodes of a space to coefficients: `Space.project`, the inverse of synthesis at these nodes.

    Parameters
    ----------
    space : Space
        Whose coefficients the layer gives.
    scale, shift, learn_scale, device, dtype
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
        self, space: Space, *, scale: float | Tensor = 1.0, shift: float | Tensor = 0.0, learn_scale: bool = False,
        device: torch.device | str | None = None, dtype: torch.dtype | None = None,
    ):  # fmt: skip
        super().__init__(space, scale, shift, learn_scale, device=device, dtype=dtype)

    def nodes(self) -> Tensor:
        """Return the points, in float64.

        Returns
        -------
        Tensor (K,) or (K, D)

        Examples
        --------
        >>> import specfast as sf
        >>> sf.nn.Analysis(sf.Space(sf.Legendre(degree=1))).nodes().round(decimals=4).tolist()
        [-0.5774, 0.5774]
        """
        return self.space.nodes(**self.scale_and_shift())

    def forward(self, values: Tensor) -> Tensor:
        """Return the coefficients.

        Parameters
        ----------
        values : Tensor (..., K)
            Values at `nodes()`.

        Returns
        -------
        Tensor (..., K)
        """
        return self.space.project(values, **self.scale_and_shift())
