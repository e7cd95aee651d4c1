"""Space: families and an index set, the object that most users touch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import ops, product_ops
from ._constants import constant, kind, vector
from .arrays import (
    apply_to_parts,
    as_tensors,
    common_kind,
    computing_dtype,
    floating,
    parts_to,
    real_dtype,
    takes_cupy,
    to_kind,
    to_torch,
)
from .conversion import convert_line
from .fibres import along_axis
from .grids import LejaTransform, has_gauss_rule
from .kernels.products import multiply_restricted
from .least_squares import fit
from .quadrature import gauss
from .space_value import SpaceValue


class Space(SpaceValue):
    r"""The span of products of one-dimensional functions over an index set.

    .. math:: u(x) = \sum_{n \in \Lambda} c_n \prod_d \beta_d^{p_d}\, \varphi_{n_d}(\beta_d (x_d - x_{0,d}))

    An immutable, hashable, picklable value; it holds no arrays and is not a module.

    Parameters
    ----------
    families : Family or sequence of Family
        One family an axis. A one-dimensional space takes its degree from the family if no index set is given.
    index_set : IndexSet, optional
        Which products belong to the space; required for two or more axes.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of this form, or the degree is missing.

    Notes
    -----
    Shapes. One axis: points (..., M), scale and shift (...,). D > 1 axes: points (..., M, D), scale and shift (..., D) or
    a number. Coefficients (..., K), values (..., M); leading axes broadcast. NumPy arrays, CuPy arrays and torch tensors
    give results of the same kind. On a bounded axis scale and shift are the interval's own and must be left at 1 and 0.

    Examples
    --------
    >>> import numpy as np
    >>> import specfast as sf
    >>> space = sf.Space(sf.Hermite(degree=8))
    >>> points = space.nodes().numpy()
    >>> coef = space.project(np.exp(-(points**2)))
    >>> round(float(space.synthesize(coef, np.array([0.0]))[0]), 3)
    1.0
    """

    @takes_cupy
    def synthesize(
        self, coef: Any, points: Any, *, scale: Any = 1, shift: Any = 0, derivative: Any = 0
    ) -> Any:  # fmt: skip
        """Return the field, or a derivative of it with respect to x, at the points.

        Parameters
        ----------
        coef : array (..., K)
            Real or complex coefficients.
        points : array (..., M) or (..., M, D)
            Real points.
        scale, shift : number or array (...,) or (..., D)
            beta > 0 and x0.
        derivative : int or tuple of int, or a list of these
            Order (one an axis if D > 1). A list gives the results stacked on a new first axis, from one pass.

        Returns
        -------
        array (..., M)

        Raises
        ------
        ValueError, TypeError
            On shapes, kinds or dtypes that do not fit; on points outside the domain (CPU, outside of compiled code).
        """
        if isinstance(derivative, list):
            return self._synthesize_several(coef, points, scale, shift, derivative)
        orders = self._orders(derivative)
        if type(points) is np.ndarray and type(coef) is np.ndarray:
            coef, points, scale, shift = as_tensors(coef=coef, points=points, scale=scale, shift=shift)
            return self.synthesize(coef, points, scale=scale, shift=shift, derivative=derivative).detach().numpy()
        quick = self._quickly(coef, points, scale, shift, orders)
        if quick is not None and self.dim == 1:
            return ops.synthesize_plain(*quick, self._names, orders[0])
        if quick is not None:
            return self._sum(*quick, orders)
        wanted, coef, z, factor, dtype = self._prepare("coef", coef, points, scale, shift, orders)
        self._check_size("coef", coef, self.size)
        real = parts_to(coef, z.dtype)
        result = apply_to_parts(lambda c: self._sum(c * factor, z, orders), real)
        return to_kind(result.to(dtype), wanted)

    def _sum(self, series: Tensor, z: Tensor, orders: tuple[int, ...]) -> Tensor:
        """Return the sum of a series on the standard domain, or a derivative in z."""
        if self.dim == 1:
            return ops.synthesize(series, z, self._names, orders[0])
        return product_ops.product_synthesize(series, z, *self._tree(z), self._names, list(orders))

    def _synthesize_several(self, coef: Any, points: Any, scale: Any, shift: Any, derivatives: list[Any]) -> Any:
        """Return several derivatives stacked on a new first axis, from one pass."""
        if not derivatives:
            raise ValueError("derivative=[]: at least one order is expected")
        tuples = [self._orders(derivative) for derivative in derivatives]
        wanted, coef, z, factor, dtype = self._prepare("coef", coef, points, scale, shift, (0,) * self.dim)
        self._check_size("coef", coef, self.size)
        work = parts_to(coef, z.dtype) * factor
        beta = self._beta(scale, z.device, z.dtype)
        powers = torch.stack([self._chain_factor(beta, orders) for orders in tuples])  # (J, ..., 1)
        if self.dim == 1:
            name = self.families[0].name
            series = apply_to_parts(lambda c: _differentiated(c, name, [orders[0] for orders in tuples]), work)
            result = apply_to_parts(lambda c: ops.synthesize(c, z, name, 0), series)
        else:
            rest = (*self._tree(z), self._names, [order for orders in tuples for order in orders])
            result = apply_to_parts(lambda c: product_ops.product_derivatives(c, z, *rest), work).movedim(-2, 0)
        lead = result.dim() - powers.dim()
        return to_kind((result * powers.reshape(len(tuples), *(1,) * lead, *powers.shape[1:])).to(dtype), wanted)

    @takes_cupy
    def adjoint(
        self, values: Any, points: Any, *, scale: Any = 1, shift: Any = 0, derivative: Any = 0
    ) -> Any:  # fmt: skip
        """Return the transpose of `synthesize` applied to values (..., M): sums over the points, without weights."""
        orders = self._orders(derivative)
        wanted, values, z, factor, dtype = self._prepare("values", values, points, scale, shift, orders)
        self._check_size("values", values, z.shape[-1] if self.dim == 1 else z.shape[-2])
        real = parts_to(values, z.dtype)
        if self.dim == 1:
            name, size = self.families[0].name, self.size
            result = apply_to_parts(lambda v: factor * ops.adjoint(v, z, size, name, orders[0]), real)
        else:
            tree, degrees = self._tree(z)
            rest = self.size, degrees, self._names, list(orders)
            result = apply_to_parts(lambda v: factor * product_ops.product_adjoint(v, z, tree, *rest), real)
        return to_kind(result.to(dtype), wanted)

    @takes_cupy
    def basis(self, points: Any, *, scale: Any = 1, shift: Any = 0, derivative: Any = 0) -> Any:
        """Return the functions at the points, an array (..., M, K): for few coefficients; needs that memory."""
        wanted = common_kind(points=points, scale=scale, shift=shift)
        x = to_torch("points", points)
        kind_of = real_dtype(x.dtype if x.is_floating_point() else torch.float64)
        columns = torch.eye(self.size, dtype=kind_of, device=x.device)
        scale, shift = to_torch("scale", scale, x.device), to_torch("shift", shift, x.device)
        own = 0 if self.dim == 1 else 1  # trailing axes of scale and shift that are not leading axes of the result
        lead = max(x.dim() - 1 - own, scale.dim() - own, shift.dim() - own)
        columns = columns.reshape(self.size, *(1,) * lead, self.size)
        return to_kind(
            self.synthesize(columns, x, scale=scale, shift=shift, derivative=derivative).movedim(0, -1), wanted
        )

    @takes_cupy
    def value_and_gradient(self, coef: Any, points: Any, *, scale: Any = 1, shift: Any = 0) -> tuple[Any, Any]:
        """Return u (..., M) and its gradient in x, (..., M) for one axis or (..., M, D)."""
        if self.dim == 1:
            u, slope = self.synthesize(coef, points, scale=scale, shift=shift, derivative=[0, 1])
            return u, slope
        none = (0,) * self.dim
        wanted, coef, z, factor, dtype = self._prepare("coef", coef, points, scale, shift, none)
        self._check_size("coef", coef, self.size)
        rest = (*self._tree(z), self._names, list(none))
        own = parts_to(coef, z.dtype) * factor
        u = apply_to_parts(lambda c: product_ops.product_synthesize(c, z, *rest), own)
        slopes = apply_to_parts(lambda c: product_ops.product_gradient(c, z, *rest), own)
        beta, _ = self._scale_shift(to_torch("scale", scale, z.device), to_torch("shift", shift, z.device), z.dtype)
        sign = vector(self._signs, z.dtype, z.device)
        gradient = slopes * (sign * beta).unsqueeze(-2)
        return to_kind(u.to(dtype), wanted), to_kind(gradient.to(dtype), wanted)

    @takes_cupy
    def differentiate(self, coef: Any, axis: int = 0, *, scale: Any = 1) -> Any:
        """Return the coefficients of du/dx_axis, projected onto the space.

        Exact for all families but Hermite, whose derivative has one degree more: what leaves the index set is left out.
        """
        if not -self.dim <= axis < self.dim:
            raise ValueError(f"axis={axis}: an axis from 0 to {self.dim - 1} is expected")
        axis %= self.dim
        wanted = common_kind(coef=coef, scale=scale)
        tensor = floating(to_torch("coef", coef))
        self._check_size("coef", tensor, self.size)
        family = self.families[axis]
        work = parts_to(tensor, computing_dtype(real_dtype(tensor.dtype)))
        scale = to_torch("scale", scale, tensor.device)
        beta, _ = self._scale_shift(scale, torch.zeros_like(scale), real_dtype(work.dtype))

        def one_run(runs: Tensor) -> Tensor:
            return ops.differentiate(runs, family.name, False)

        if self.dim == 1:
            result = apply_to_parts(one_run, work)
        else:
            result = apply_to_parts(lambda c: along_axis(c, self._owner, axis, one_run), work)
        result = result * (family.sign * beta[..., axis]).unsqueeze(-1)
        return to_kind(result.to(tensor.dtype), wanted)

    @takes_cupy
    def convert(self, coef: Any, scale: Any, shift: Any, new_scale: Any, new_shift: Any) -> Any:
        """Return the coefficients of the L2 projection of the field onto the basis of another scale and shift.

        Exact to rounding: the product of two basis functions is a polynomial times one Gaussian (or exponential), whose
        Gauss rule has beta^2 the mean of the two squares (or beta the mean of the two). On a half-line the end must stay.
        Cost for D > 1: D K^2 a row.
        """
        wanted = common_kind(coef=coef, scale=scale, shift=shift, new_scale=new_scale, new_shift=new_shift)
        c = floating(to_torch("coef", coef))
        self._check_size("coef", c, self.size)
        work = computing_dtype(real_dtype(c.dtype))
        given = ("scale", scale), ("shift", shift), ("new_scale", new_scale), ("new_shift", new_shift)
        old, x0, new, new_x0 = (to_torch(name, value, c.device).to(work) for name, value in given)
        (old, x0), (new, new_x0) = self._scale_shift(old, x0, work), self._scale_shift(new, new_x0, work)
        if self.dim == 1:
            result = convert_line(self, parts_to(c, work), old[..., 0], x0[..., 0], new[..., 0], new_x0[..., 0])
            return to_kind(result.to(c.dtype), wanted)
        maps = []
        for axis, family in enumerate(self.families):
            line = Space(family.with_degree(self.index_set.largest(self.dim)[axis]))
            unit = torch.eye(line.size, dtype=work, device=c.device)
            basis = (part[..., axis].unsqueeze(-1) for part in (old, x0, new, new_x0))
            maps.append(convert_line(line, unit, *basis).mT)  # (..., to, from)
        indices = torch.from_numpy(self.indices.astype(np.int64)).to(c.device)
        return to_kind(multiply_restricted(maps, parts_to(c, work), indices).to(c.dtype), wanted)

    # ------------------------------------------------------------------------------------------------ nodes and fit

    @takes_cupy
    def nodes(self, *, scale: Any = 1, shift: Any = 0) -> Any:
        """Return the points where `project` wants its values: (..., K), or (..., K, D) for several axes.

        Gauss nodes for one axis and on a TensorProduct; nested weighted Leja points, one an index, on other index sets.
        """
        wanted = common_kind(scale=scale, shift=shift)
        beta, x0 = self._scale_shift(to_torch("scale", scale), to_torch("shift", shift), torch.float64)
        sign = vector(self._signs, torch.float64, beta.device)
        points = constant(beta, self._owner, "standard_nodes") * sign / beta.unsqueeze(-2) + x0.unsqueeze(-2)
        return to_kind(points.squeeze(-1) if self.dim == 1 else points, wanted)

    @takes_cupy
    def quadrature(self, *, scale: Any = 1, shift: Any = 0) -> tuple[Any, Any]:
        """Return the tensor Gauss rule in x: points and weights with sum_q w_q Phi_j Phi_k = h_j delta_jk.

        Raises
        ------
        ValueError
            If the index set is not a TensorProduct (or one-dimensional).
        """
        wanted = common_kind(scale=scale, shift=shift)
        beta, _ = self._scale_shift(to_torch("scale", scale), to_torch("shift", shift), torch.float64)
        weights = constant(beta, self._owner, "gauss_weights")
        return self.nodes(scale=scale, shift=shift), to_kind(weights * self._normalisation(beta) ** -2, wanted)

    @takes_cupy
    def project(self, values: Any, *, scale: Any = 1, shift: Any = 0) -> Any:
        """Return the coefficients (..., K) of the field with these values (..., K) on `nodes()`.

        ``project(synthesize(coef, nodes()))`` is `coef`. With Gauss nodes it is the discrete L2 projection; with Leja points
        it is interpolation, by triangular factors axis by axis; `project_condition` says how much it amplifies errors.
        """
        wanted = common_kind(values=values, scale=scale, shift=shift)
        tensor = floating(to_torch("values", values))
        self._check_size("values", tensor, self.size)
        dtype = computing_dtype(real_dtype(tensor.dtype))
        beta, x0 = to_torch("scale", scale, tensor.device), to_torch("shift", shift, tensor.device)
        normalisation = self._normalisation(self._scale_shift(beta, x0, dtype)[0])
        work = parts_to(tensor, dtype)
        if has_gauss_rule(self.families, self.index_set):
            result = self._project_grid(work, self._grid_sizes(None)) / normalisation
        else:
            result = self._leja().project(work) / normalisation
        return to_kind(result.to(tensor.dtype), wanted)

    def project_condition(self) -> float:
        """Return the condition number of `project` in the 1-norm where its nodes are Leja points (an estimate for K > 2,000).

        Raises
        ------
        ValueError
            If the nodes are Gauss nodes, where the map is orthogonal up to its weights.
        """
        if has_gauss_rule(self.families, self.index_set):
            raise ValueError(f"index_set={self.index_set}: its nodes are Gauss nodes, projection is well conditioned")
        return self._leja().condition()

    def _leja(self) -> LejaTransform:
        return LejaTransform(self._owner, self.dim, self.size)

    @takes_cupy
    def grid(self, sizes: int | Sequence[int] | None = None, *, scale: Any = 1, shift: Any = 0) -> tuple[Any, ...]:
        """Return the Gauss nodes of every axis, D arrays (..., n_d): the tensor grid of `synthesize_grid`.

        Parameters
        ----------
        sizes : int or sequence of int, optional
            Nodes an axis, more than the largest degree along it; default, and fewest, one more.
        scale, shift : number or array (...,) or (..., D)
            beta and x0.
        """
        wanted = common_kind(scale=scale, shift=shift)
        beta, x0 = self._scale_shift(to_torch("scale", scale), to_torch("shift", shift), torch.float64)
        lines = []
        for axis, (family, nodes) in enumerate(zip(self.families, self._grid_sizes(sizes), strict=True)):
            standard = constant(beta, self._owner, "line_nodes", axis, nodes) * float(family.sign)
            lines.append(to_kind(standard / beta[..., axis, None] + x0[..., axis, None], wanted))
        return tuple(lines)

    @takes_cupy
    def synthesize_grid(
        self, coef: Any, sizes: int | Sequence[int] | None = None, *, scale: Any = 1, derivative: Any = 0
    ) -> Any:  # fmt: skip
        """Return the field, or a derivative of it with respect to x, on the tensor grid of Gauss nodes, axis by axis.

        Cost: sum over d of K_d n_d .. n_D multiply-adds, where K_d counts the different first d entries of the indices: for a
        full tensor product of degree N and n nodes an axis D n^(D + 1). Memory: twice the grid. Nothing is padded.

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
        wanted = common_kind(coef=coef, scale=scale)
        tensor = floating(to_torch("coef", coef))
        self._check_size("coef", tensor, self.size)
        dtype = computing_dtype(real_dtype(tensor.dtype))
        factor = self._factor(self._beta(scale, tensor.device, dtype), orders)
        nodes = self._grid_sizes(sizes)
        rest = self._tree(tensor)[0], nodes, self._names, list(orders), False
        result = apply_to_parts(lambda c: product_ops.grid_synthesize(c, *rest), parts_to(tensor, dtype) * factor)
        return to_kind(result.to(tensor.dtype).unflatten(-1, nodes), wanted)

    @takes_cupy
    def project_grid(self, values: Any, *, scale: Any = 1) -> Any:
        """Return the coefficients (..., K) of the field with values (..., n_1, .., n_D) on `grid(sizes)`, by the Gauss rule.

        The inverse of `synthesize_grid` for fields in the space; of others the discrete L2 projection. Cost and memory as there.

        Raises
        ------
        ValueError, TypeError
            On shapes that do not fit, or fewer nodes than functions along an axis.
        """
        wanted = common_kind(values=values, scale=scale)
        tensor = floating(to_torch("values", values))
        if tensor.dim() < self.dim:
            raise ValueError(f"values have shape {tuple(tensor.shape)}; (..., n_1, .., n_{self.dim}) is expected")
        dtype = computing_dtype(real_dtype(tensor.dtype))
        nodes = self._grid_sizes(tensor.shape[-self.dim :])
        normalisation = self._normalisation(self._beta(scale, tensor.device, dtype))
        result = self._project_grid(parts_to(tensor, dtype).flatten(-self.dim), nodes) / normalisation
        return to_kind(result.to(tensor.dtype), wanted)

    def _project_grid(self, values: Tensor, nodes: list[int]) -> Tensor:
        """Return the coefficients at scale 1 of values (..., n_1 .. n_D) in a row."""
        rest = self._tree(values)[0], self.size, nodes, self._names, [0] * self.dim, True
        return apply_to_parts(lambda v: product_ops.grid_adjoint(v, *rest), values)

    @takes_cupy
    def fit(
        self, values: Any, points: Any, *, scale: Any = 1, shift: Any = 0, weights: Any = None, ridge: float = 0.0,
        solver: str | None = None, tolerance: float = 1e-10, iterations: int = 1000,
    ) -> Any:  # fmt: skip
        """Return the coefficients that minimise sum_m w_m (u(x_m) - v_m)^2 + ridge |c|^2.

        Values with weight 0 are ignored, NaN included.

        Parameters
        ----------
        values : array (..., M)
            Observed values.
        points : array (..., M) or (..., M, D)
            Where. Leading axes broadcast: points (B, 1, M) with values (B, T, M) are factorised once for each b.
        scale, shift : number or array (...,) or (..., D)
            beta and x0.
        weights : array (..., M), optional
            Of 0 or more; default 1.
        ridge : float
            0 or more.
        solver : {"qr", "lsmr"}, optional
            "qr" needs the memory of the basis, rows of points times M times K, and is differentiable. "lsmr" iterates on
            `synthesize` and `adjoint`, row by row, in memory linear in M + K. Default: "qr" where the basis takes at most an
            eighth of this machine's memory. Where the points do not determine the coefficients and ridge is 0, "qr" says so,
            "lsmr" only if they are too few; its result is then one solution of many.
        tolerance, iterations : float, int
            Where "lsmr" stops; it warns where the tolerance is not reached.

        Returns
        -------
        array (..., K)

        Raises
        ------
        ValueError
            If the points do not determine the coefficients and ridge is 0; on negative weights or ridge, or another solver.
        """
        return fit(self, values, points, scale, shift, weights, ridge, solver, (tolerance, iterations))

    @takes_cupy
    def inner(self, first: Any, second: Any) -> Any:
        """Return sum_n h_n conj(c_n) d_n, the inner product of two fields with the same scale and shift."""
        wanted = common_kind(first=first, second=second)
        c, d = floating(to_torch("first", first)), floating(to_torch("second", second))
        self._check_size("first", c, self.size)
        self._check_size("second", d, self.size)
        norms = constant(c, self._owner, "squared_norms")
        return to_kind((norms * c.conj() * d).sum(-1), wanted)

    @takes_cupy
    def norm(self, coef: Any) -> Any:
        """Return the weighted L2 norm of the field."""
        product = self.inner(coef, coef)
        return product.real**0.5

    def shard(self, mesh: Any, *, indices: int | str | None = 0, points: int | str | None = None) -> Any:
        """Return this process's part of the space, for coefficients or points that are split over processes.

        Parameters
        ----------
        mesh : torch.distributed.device_mesh.DeviceMesh
            The processes.
        indices, points : int, str or None
            The axis of the mesh along which the index set is split into parts of even work, and that along which each process
            has points of its own.

        Returns
        -------
        SpaceShard

        Raises
        ------
        ValueError
            If these are not axes of the mesh, or the indices of a space on one axis are to be split.
        """
        from .shards import SpaceShard

        return SpaceShard(self, mesh, indices, points)  # type: ignore[arg-type]


def _differentiated(coef: Tensor, name: str, orders: list[int]) -> Tensor:
    """Return the coefficients (J, ..., K + highest order) of derivatives of a series on one axis."""
    current = torch.nn.functional.pad(coef, (0, max(orders)))
    found = [current]
    for _ in range(max(orders)):
        found.append(ops.differentiate(found[-1], name, False))
    return torch.stack([found[order] for order in orders])


@kind
def line_nodes(space: Any, axis: int, count: int) -> np.ndarray:
    """Return the Gauss nodes of one axis on the standard domain."""
    return gauss(space.families[axis], count)[0]
