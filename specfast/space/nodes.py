"""Nodes of a space, and the way from values on them to coefficients and back: Gauss rules, Leja points, tensor grids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, overload

import numpy as np
import torch
from torch import Tensor

from .. import ops
from ..kernels.affine_map import check_scale, factor, scale_and_shift, vector
from ..kernels.space_key import SpaceRecord
from ..ops.constant_cache import builder, constant
from ..quadrature import gauss
from .arguments import in_parts, one_array, real
from .array_api import Array, ArrayT, Namespace, Orders, check_namespace, real_dtype, takes_arrays, to_namespace
from .interpolation import LejaTransform, has_gauss_rule
from .spec import SpaceSpec


class SpaceWithNodes(SpaceSpec):
    """A space with its nodes; use `Space`."""

    @overload
    def nodes(self, *, scale: float = 1, shift: float = 0, namespace: Literal["torch"] = "torch") -> Tensor: ...
    @overload
    def nodes(self, *, scale: float = 1, shift: float = 0, namespace: Literal["numpy"]) -> np.ndarray: ...
    @overload
    def nodes(
        self, *, scale: ArrayT | float = 1, shift: ArrayT | float = 0, namespace: Namespace = "torch"
    ) -> ArrayT: ...
    @takes_arrays("scale", "shift")
    def nodes(self, *, scale: Array | float = 1, shift: Array | float = 0, namespace: Namespace = "torch") -> Array:
        """Return the points where `project` wants its values: (..., K), or (..., K, D) for several axes, in float64.

        Gauss nodes for one axis and on a TensorProduct; nested weighted Leja points, one an index, on other index sets.

        Parameters
        ----------
        scale, shift : number or array (...,) or (..., D)
            beta and x0.
        namespace : {"torch", "numpy"}
            Which arrays to return where scale and shift are numbers.

        Returns
        -------
        array (..., K) or (..., K, D)

        Raises
        ------
        ValueError
            If a scale is not positive, or on another namespace.

        Examples
        --------
        >>> import specfast as sf
        >>> sf.Space(sf.Hermite(degree=1)).nodes(scale=0.5, shift=3).round(decimals=4).tolist()
        [1.5858, 4.4142]
        """
        return to_namespace(self._points(scale, shift), check_namespace(namespace))

    @overload
    def quadrature(
        self, *, scale: float = 1, shift: float = 0, namespace: Literal["torch"] = "torch"
    ) -> tuple[Tensor, Tensor]: ...
    @overload
    def quadrature(
        self, *, scale: float = 1, shift: float = 0, namespace: Literal["numpy"]
    ) -> tuple[np.ndarray, np.ndarray]: ...
    @overload
    def quadrature(
        self, *, scale: ArrayT | float = 1, shift: ArrayT | float = 0, namespace: Namespace = "torch"
    ) -> tuple[ArrayT, ArrayT]: ...
    @takes_arrays("scale", "shift")
    def quadrature(
        self, *, scale: Array | float = 1, shift: Array | float = 0, namespace: Namespace = "torch"
    ) -> tuple[Array, Array]:
        """Return the tensor Gauss rule in x: points and weights with sum_q w_q Phi_j Phi_k = h_j delta_jk.

        Parameters
        ----------
        scale, shift : number or array (...,) or (..., D)
            beta and x0.
        namespace : {"torch", "numpy"}
            Which arrays to return where scale and shift are numbers.

        Returns
        -------
        points : array (..., K) or (..., K, D)
        weights : array (..., K)
            Both in float64. The weights hold the functions' exponential: sum_q w_q f(x_q) g(x_q) is the integral of f g.

        Raises
        ------
        ValueError
            If the index set is not a TensorProduct (or one-dimensional).

        Examples
        --------
        >>> import specfast as sf
        >>> x, w = sf.Space(sf.Legendre(0, 2, degree=3)).quadrature()
        >>> round(float((w * x**2).sum()), 12)
        2.666666666667
        """
        beta, _ = self._scale_shift(scale, shift, torch.float64)
        weights = constant(beta, self.key, "gauss_weights") * self._normalisation(beta) ** -2
        points = self._points(scale, shift)
        wanted = check_namespace(namespace)
        return to_namespace(points, wanted), to_namespace(weights, wanted)

    @takes_arrays("values", "scale", "shift")
    def project(self, values: ArrayT, *, scale: ArrayT | float = 1, shift: ArrayT | float = 0) -> ArrayT:
        """Return the coefficients of the field with these values on `nodes()`.

        Parameters
        ----------
        values : array (..., K)
            Real or complex values, in the order of `nodes()`.
        scale, shift : number or array (...,) or (..., D)
            beta and x0 of the nodes.

        Returns
        -------
        array (..., K)

        Raises
        ------
        ValueError, TypeError
            On shapes, namespaces or dtypes that do not fit.

        Notes
        -----
        ``project(synthesize(coef, nodes()))`` is `coef`. With Gauss nodes it is the discrete L2 projection; with Leja points
        it is interpolation, by triangular factors axis by axis; `condition_number` says how much it amplifies errors.

        Examples
        --------
        >>> import specfast as sf
        >>> space = sf.Space([sf.Legendre()] * 2, sf.TotalDegree(2))
        >>> x, y = space.nodes().unbind(-1)
        >>> space.project(1 + x * y).abs().round(decimals=4).tolist()
        [2.0, 0.0, 0.0, 0.0, 0.6667, 0.0]
        """
        work, dtype = one_array("values", values)
        self._check_size("values", work, self.size)
        beta, _ = self._scale_shift(scale, shift, real_dtype(work.dtype), work)
        if has_gauss_rule(self.families, self.index_set):
            result = self._project_grid(work, self._grid_sizes(None))
        else:
            result = self._leja().project(work)
        return (result / self._normalisation(beta)).to(dtype)  # type: ignore[return-value]

    def condition_number(self) -> float:
        """Return the condition number of `project` in the 1-norm where its nodes are Leja points (an estimate for K > 2,000).

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If the nodes are Gauss nodes, where the map is orthogonal up to its weights.

        Examples
        --------
        >>> import specfast as sf
        >>> 1 < sf.Space([sf.Legendre()] * 2, sf.TotalDegree(4)).condition_number() < 1e4
        True
        """
        if has_gauss_rule(self.families, self.index_set):
            raise ValueError(f"index_set={self.index_set}: its nodes are Gauss nodes, projection is well conditioned")
        return self._leja().condition()

    @overload
    def grid(
        self, sizes: int | Sequence[int] | None = None, *, scale: float = 1, shift: float = 0,
        namespace: Literal["torch"] = "torch",
    ) -> tuple[Tensor, ...]: ...  # fmt: skip
    @overload
    def grid(
        self, sizes: int | Sequence[int] | None = None, *, scale: float = 1, shift: float = 0, namespace: Literal["numpy"]
    ) -> tuple[np.ndarray, ...]: ...  # fmt: skip
    @overload
    def grid(
        self, sizes: int | Sequence[int] | None = None, *, scale: ArrayT | float = 1, shift: ArrayT | float = 0,
        namespace: Namespace = "torch",
    ) -> tuple[ArrayT, ...]: ...  # fmt: skip
    @takes_arrays("scale", "shift")
    def grid(
        self, sizes: int | Sequence[int] | None = None, *, scale: Array | float = 1, shift: Array | float = 0,
        namespace: Namespace = "torch",
    ) -> tuple[Array, ...]:  # fmt: skip
        """Return the Gauss nodes of every axis, D arrays (..., n_d): the tensor grid of `synthesize_grid`.

        Parameters
        ----------
        sizes : int or sequence of int, optional
            Nodes an axis, more than the largest degree along it; default, and fewest, one more.
        scale, shift : number or array (...,) or (..., D)
            beta and x0.
        namespace : {"torch", "numpy"}
            Which arrays to return where scale and shift are numbers.

        Returns
        -------
        tuple of array (..., n_d)
            D of them, in float64.

        Raises
        ------
        ValueError
            If there are fewer nodes than functions along an axis, a scale is not positive, or on another namespace.

        Examples
        --------
        >>> import specfast as sf
        >>> x, y = sf.Space([sf.Hermite(), sf.Legendre()], sf.HyperbolicCross(3)).grid((6, 4))
        >>> x.shape, y.shape
        (torch.Size([6]), torch.Size([4]))
        """
        beta, x0 = self._scale_shift(scale, shift, torch.float64)
        lines = []
        for axis, (family, nodes) in enumerate(zip(self.families, self._grid_sizes(sizes), strict=True)):
            standard = constant(beta, self.key, "line_nodes", axis, nodes) * float(family.sign)
            lines.append(standard / beta[..., axis, None] + x0[..., axis, None])
        return to_namespace(tuple(lines), check_namespace(namespace))

    @takes_arrays("coef", "scale")
    def synthesize_grid(
        self, coef: ArrayT, sizes: int | Sequence[int] | None = None, *, scale: ArrayT | float = 1, derivative: Orders = 0
    ) -> ArrayT:  # fmt: skip
        """Return the field, or a derivative of it with respect to x, on the tensor grid of Gauss nodes, axis by axis.

        Cost: sum over d of K_d n_d .. n_D FMAs, where K_d counts the different first d entries of the indices: for a
        full tensor product of degree N and n nodes an axis D n^(D + 1). On long axes half of that where functions are even
        and odd, and by FFT, O(n^D log n), on Chebyshev axes. Memory: twice the grid. Nothing is padded.

        Parameters
        ----------
        coef : array (..., K)
            Real or complex coefficients.
        sizes : int or sequence of int, optional
            Nodes an axis, as in `grid`.
        scale : number or array (...,) or (..., D)
            beta. The shift moves the grid and the field alike.
        derivative : int or tuple of int
            Order (one an axis if D > 1).

        Returns
        -------
        array (..., n_1, .., n_D)

        Raises
        ------
        ValueError, TypeError
            On shapes that do not fit, or fewer nodes than functions along an axis.

        Examples
        --------
        >>> import torch, specfast as sf
        >>> space = sf.Space([sf.Hermite(), sf.Legendre()], sf.HyperbolicCross(8))
        >>> coef = torch.randn(space.size, dtype=torch.float64)
        >>> values = space.synthesize_grid(coef, 12)
        >>> values.shape, bool(torch.allclose(space.project_grid(values), coef))
        (torch.Size([12, 12]), True)
        """
        orders = self._orders(derivative)
        work, dtype = one_array("coef", coef)
        self._check_size("coef", work, self.size)
        beta, _ = self._scale_shift(scale, 0, real_dtype(work.dtype), work)
        nodes = self._grid_sizes(sizes)
        series = work * factor(beta, self.families, orders)
        result = in_parts(ops.grid_synthesize, series, self.key, nodes, list(orders), False, 2)
        return result.to(dtype).unflatten(-1, nodes)  # type: ignore[no-any-return]

    @takes_arrays("values", "scale")
    def project_grid(self, values: ArrayT, *, scale: ArrayT | float = 1) -> ArrayT:
        """Return the coefficients of the field with these values on `grid(sizes)`, by the Gauss rule.

        The inverse of `synthesize_grid` for fields in the space; of others the discrete L2 projection. Cost and memory as there.

        Parameters
        ----------
        values : array (..., n_1, .., n_D)
            Real or complex; n_d more than the largest degree along axis d.
        scale : number or array (...,) or (..., D)
            beta. The shift moves the grid and the field alike.

        Returns
        -------
        array (..., K)

        Raises
        ------
        ValueError, TypeError
            On shapes that do not fit, or fewer nodes than functions along an axis.

        Examples
        --------
        >>> import torch, specfast as sf
        >>> space = sf.Space([sf.Hermite(), sf.Hermite()], sf.HyperbolicCross(16))
        >>> x, y = space.grid(24)
        >>> coef = space.project_grid(torch.exp(-0.5 * (x[:, None] ** 2 + y**2)))
        >>> round(float(coef[0]) ** 2, 6)  # pi: the field is pi^(1/2) times the first function
        3.141593
        """
        work, dtype = one_array("values", values)
        if work.dim() < self.dim:
            raise ValueError(f"values have shape {tuple(work.shape)}; (..., n_1, .., n_{self.dim}) is expected")
        nodes = self._grid_sizes(work.shape[-self.dim :])
        beta, _ = self._scale_shift(scale, 0, real_dtype(work.dtype), work)
        return (self._project_grid(work.flatten(-self.dim), nodes) / self._normalisation(beta)).to(dtype)  # type: ignore[return-value]

    # ------------------------------------------------------------------------------------------------------------ inside

    def _scale_shift(
        self, scale: Array | float, shift: Array | float, dtype: torch.dtype, like: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Return beta and x0 with an axis for the dimensions, (..., D), those of bounded axes filled in."""
        place = next((part.device for part in (like, scale, shift) if isinstance(part, Tensor)), torch.device("cpu"))
        given = [real(n, v, dtype, place, like) for n, v in (("scale", scale), ("shift", shift))]
        for name, part in zip(("scale", "shift"), given, strict=True):
            if self.dim > 1 and part.dim() > 0 and part.shape[-1] not in (1, self.dim):
                raise ValueError(f"{name} has shape {tuple(part.shape)}; (..., {self.dim}) or a number is expected")
        beta, x0 = given
        check_scale(beta, x0, self.families)
        return scale_and_shift(beta, x0, self.families)

    def _points(self, scale: Array | float, shift: Array | float) -> Tensor:
        """Return `nodes` as a tensor."""
        beta, x0 = self._scale_shift(scale, shift, torch.float64)
        signs = vector(tuple(float(family.sign) for family in self.families), beta)
        points = constant(beta, self.key, "standard_nodes") * signs / beta.unsqueeze(-2) + x0.unsqueeze(-2)
        return points.squeeze(-1) if self.dim == 1 else points

    def _normalisation(self, beta: Tensor) -> Tensor:
        """Return prod_d beta_d^p, with a last axis of length 1."""
        return factor(beta, self.families, self._no_orders)

    def _project_grid(self, values: Tensor, nodes: list[int]) -> Tensor:
        """Return the coefficients at scale 1 of values (..., n_1 .. n_D) in a row."""
        return in_parts(ops.grid_adjoint, values, self.key, nodes, list(self._no_orders), True, 2)

    def _leja(self) -> LejaTransform:
        return LejaTransform(self.key, self.dim, self.size)

    def _check_size(self, name: str, tensor: Tensor, size: int) -> None:
        if tensor.dim() < 1 or tensor.shape[-1] != size:
            raise ValueError(f"{name} has shape {tuple(tensor.shape)}; (..., {size}) is expected")


@builder
def line_nodes(space: SpaceRecord, axis: int, count: int) -> np.ndarray:
    """Return the Gauss nodes of one axis on the standard domain."""
    return gauss(space.families[axis], count)[0]
