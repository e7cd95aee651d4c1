"""The orthogonal-polynomial Kolmogorov-Arnold layer, without its (batch, in, degree) array."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .. import ops
from ..families import Chebyshev, Family, check_family, family_by_name
from .transforms import real_floating

_BLOCK = 1 << 17  # numbers of the basis that exist at a time: 1 MiB in float64


class PolynomialKAN(nn.Module):
    r"""A function of one variable on every edge, each a series: :math:`y_o = \sum_i \sum_{n \le N} W_{o i n}\, \varphi_n(s(x_i))`.

    s brings the inputs into the functions' domain: tanh for Chebyshev and Legendre, softplus for Laguerre, nothing for Hermite.

    Parameters
    ----------
    in_features, out_features : int
        Size of the input and of the result, 1 or more.
    family : Family, default Chebyshev()
        On its standard domain; a given interval is not used.
    degree : int, default 4
        N.
    device, dtype : optional
        Of the weights: where they are, and their real floating-point type; default: PyTorch's.

    Attributes
    ----------
    weight : Parameter (out_features, in_features, N + 1)

    Notes
    -----
    ``forward(x)``: (..., in_features) -> (..., out_features). The functions are found block by block and multiplied at once, and, where there is more than one
    block, found again in the backward pass: memory beside inputs, outputs and weights is one block, where the usual code keeps batch x in x (N + 1) numbers (as torch.func's reverse mode does, which forbids finding them again).

    References
    ----------
    Liu et al., KAN: Kolmogorov-Arnold networks, 2024; Sidharth et al., Chebyshev polynomial-based Kolmogorov-Arnold networks, 2024.

    Examples
    --------
    >>> import torch, specfast as sf
    >>> layer = sf.nn.PolynomialKAN(8, 3, sf.Chebyshev(), degree=6)
    >>> layer(torch.randn(10, 8)).shape
    torch.Size([10, 3])
    """

    def __init__(
        self, in_features: int, out_features: int, family: Family | None = None, degree: int = 4, *,
        device: torch.device | str | None = None, dtype: torch.dtype | None = None,
    ):  # fmt: skip
        super().__init__()
        family = check_family(Chebyshev() if family is None else family)
        for name, value, least in (
            ("in_features", in_features, 1),
            ("out_features", out_features, 1),
            ("degree", degree, 0),
        ):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"{name}={value!r}: an integer of {least} or more is expected")
        self.in_features, self.out_features, self.degree = in_features, out_features, degree
        self.family_name = family.name
        self._family = family_by_name(family.name)
        self._count = family.function_count(degree)
        shape = out_features, in_features, self._count
        self.weight = nn.Parameter(torch.empty(shape, device=device, dtype=real_floating(dtype)))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the weights anew, from a normal distribution of variance 1 / (in_features (N + 1))."""
        nn.init.normal_(self.weight).mul_((self.in_features * self._count) ** -0.5)

    def extra_repr(self) -> str:
        """Return what is printed of the layer."""
        return f"{self.in_features}, {self.out_features}, {self.family_name}, degree={self.degree}"

    def _block(self, x: Tensor, weight: Tensor) -> Tensor:
        functions = ops.vandermonde(self._family.into_domain(x), self._count, self.family_name, 0)
        product: Tensor = functions.flatten(1) @ weight.mT
        return product

    def _once(self, x: Tensor, weight: Tensor) -> Tensor:
        """Return a block, of which nothing is kept; transforms of torch.func do not let it be found again, and keep it."""
        if torch._C._are_functorch_transforms_active():
            return self._block(x, weight)
        return checkpoint(self._block, x, weight, use_reentrant=False)  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Tensor:
        """Return the sums of the functions on the edges.

        Parameters
        ----------
        x : Tensor (..., in_features)
            Any real numbers.

        Returns
        -------
        Tensor (..., out_features)

        Raises
        ------
        ValueError
            If x has another shape.
        """
        if x.dim() < 1 or x.shape[-1] != self.in_features:
            raise ValueError(f"x has shape {tuple(x.shape)}; (..., {self.in_features}) is expected")
        given = x.dtype
        work = torch.float64 if given == torch.float64 else torch.float32
        rows, weight = x.reshape(-1, self.in_features).to(work), self.weight.to(work).flatten(1)
        step = max(1, _BLOCK // weight.shape[1])
        # A program that is exported serves any number of rows, so their number may not decide.
        if torch.compiler.is_exporting():
            result = self._once(rows, weight)
        elif rows.shape[0] <= step:  # one block in all: it may as well be kept
            result = self._block(rows, weight)
        else:
            blocks = [self._once(part, weight) for part in rows.split(step)]
            result = torch.cat(blocks)
        return result.reshape(*x.shape[:-1], self.out_features).to(given)
