"""Space: families and an index set, the object that most users touch."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from .. import ops
from ..kernels.products import multiply_restricted
from ..kernels.space_key import SpaceRecord
from ..ops.axis_maps import along_axis
from ..ops.constant_cache import builder, constant
from .arguments import Arguments, arguments, in_parts, one_array, real
from .array_api import ArrayT, Orders, leaves_out_masked, real_dtype, takes_arrays
from .change_basis import change_basis_1d
from .least_squares import fit
from .products import SpaceWithProducts


class Space(SpaceWithProducts):
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
    give results of the same namespace. On a bounded axis scale and shift are the interval's own; 1 and 0 stand for them.

    Examples
    --------
    >>> import numpy as np
    >>> import specfast as sf
    >>> space = sf.Space(sf.Hermite(degree=8))
    >>> points = space.nodes(namespace="numpy")
    >>> coef = space.project(np.exp(-(points**2)))
    >>> round(float(space.synthesize(coef, np.array([0.0]))[0]), 3)
    1.0
    """

    # -------------------------------------------------------------------------------------------------------- transforms

    @takes_arrays("coef", "points", "scale", "shift")
    def synthesize(
        self, coef: ArrayT, points: ArrayT, *, scale: ArrayT | float = 1, shift: ArrayT | float = 0,
        derivative: Orders | list[Orders] = 0,
    ) -> ArrayT:  # fmt: skip
        r"""Return the field, or a derivative of it with respect to x, at the points.

        .. math:: v_m = \partial^q u(x_m), \qquad u(x) = \sum_n c_n \Phi_n(x)

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
            On shapes, namespaces or dtypes that do not fit; on points outside the domain (on the CPU; elsewhere they give NaN).

        Examples
        --------
        >>> import torch, specfast as sf
        >>> space = sf.Space(sf.Legendre(degree=2))
        >>> coef = space.project(space.nodes() ** 2)
        >>> space.synthesize(coef, torch.tensor([0.5, 1.0], dtype=torch.float64), derivative=1).round(decimals=6).tolist()
        [1.0, 2.0]
        """
        c, x, beta, x0, dtype = given = arguments("coef", coef, points, scale, shift, self.families)
        if isinstance(derivative, list):
            return self._several(given, derivative)  # type: ignore[return-value]
        orders = self._no_orders if type(derivative) is int and derivative == 0 else self._orders(derivative)
        if c.is_complex():
            return in_parts(ops.synthesize, c, x, beta, x0, self.key, orders).to(dtype)  # type: ignore[return-value]
        result = ops.synthesize(c, x, beta, x0, self.key, orders)
        return result if result.dtype is dtype else result.to(dtype)  # type: ignore[return-value]

    def _several(self, given: Arguments, derivatives: list[Orders]) -> Tensor:
        """Return several derivatives stacked on a new first axis, from one pass."""
        if not derivatives:
            raise ValueError("derivative=[]: at least one order is expected")
        orders = [order for derivative in derivatives for order in self._orders(derivative)]
        c, x, beta, x0, dtype = given
        found = in_parts(ops.synthesize, c, x, beta, x0, self.key, orders)
        return (found.movedim(-2, 0) if len(derivatives) > 1 else found.unsqueeze(0)).to(dtype)

    @takes_arrays("values", "points", "scale", "shift")
    def adjoint(
        self, values: ArrayT, points: ArrayT, *, scale: ArrayT | float = 1, shift: ArrayT | float = 0,
        derivative: Orders | list[Orders] = 0,
    ) -> ArrayT:  # fmt: skip
        r"""Return the transpose of `synthesize` applied to values: sums over the points, without weights.

        .. math:: d_n = \sum_m v_m\, \partial^q \Phi_n(x_m)

        Parameters
        ----------
        values : array (..., M)
            Real or complex values.
        points : array (..., M) or (..., M, D)
            Real points.
        scale, shift : number or array (...,) or (..., D)
            beta > 0 and x0.
        derivative : int or tuple of int
            Order (one an axis if D > 1).

        Returns
        -------
        array (..., K)

        Raises
        ------
        ValueError, TypeError
            As `synthesize`.

        Examples
        --------
        >>> import torch, specfast as sf
        >>> space = sf.Space([sf.Hermite(), sf.Legendre()], sf.TotalDegree(4))
        >>> points, values, coef = (torch.rand(size, dtype=torch.float64) for size in ((7, 2), (7,), (space.size,)))
        >>> both = space.adjoint(values, points) @ coef, values @ space.synthesize(coef, points)
        >>> torch.allclose(*both)
        True
        """
        u, x, beta, x0, dtype = arguments("values", values, points, scale, shift, self.families)
        orders = self._no_orders if type(derivative) is int and derivative == 0 else self._orders(derivative)
        if u.is_complex():
            return in_parts(ops.adjoint, u, x, beta, x0, self.key, orders).to(dtype)  # type: ignore[return-value]
        result = ops.adjoint(u, x, beta, x0, self.key, orders)
        return result if result.dtype is dtype else result.to(dtype)  # type: ignore[return-value]

    @takes_arrays("points", "scale", "shift")
    def vandermonde(
        self, points: ArrayT, *, scale: ArrayT | float = 1, shift: ArrayT | float = 0, derivative: Orders = 0
    ) -> ArrayT:
        """Return the functions at the points, V_mn = Phi_n(x_m): for few coefficients; needs that memory.

        Parameters
        ----------
        points : array (..., M) or (..., M, D)
            Real points.
        scale, shift : number or array (...,) or (..., D)
            beta > 0 and x0.
        derivative : int or tuple of int
            Order (one an axis if D > 1).

        Returns
        -------
        array (..., M, K)

        Raises
        ------
        ValueError, TypeError
            As `synthesize`.

        Examples
        --------
        >>> import torch, specfast as sf
        >>> sf.Space(sf.Chebyshev(degree=2)).vandermonde(torch.tensor([0.5], dtype=torch.float64)).tolist()
        [[1.0, 0.5, -0.5]]
        """
        x, _ = one_array("points", points)
        beta, x0 = (real(name, value, x.dtype, x.device, x) for name, value in (("scale", scale), ("shift", shift)))
        own = 0 if self.dim == 1 else 1  # trailing axes of scale and shift that are not leading axes of the result
        lead = max(x.dim() - 1 - own, beta.dim() - own, x0.dim() - own)
        columns = torch.eye(self.size, dtype=x.dtype, device=x.device).reshape(self.size, *(1,) * lead, self.size)
        return self.synthesize(columns, x, scale=beta, shift=x0, derivative=derivative).movedim(0, -1)  # type: ignore[return-value]

    @takes_arrays("coef", "points", "scale", "shift")
    def value_and_gradient(
        self, coef: ArrayT, points: ArrayT, *, scale: ArrayT | float = 1, shift: ArrayT | float = 0
    ) -> tuple[ArrayT, ArrayT]:
        """Return u and its gradient in x at the points, from one pass.

        Parameters
        ----------
        coef : array (..., K)
            Real or complex coefficients.
        points : array (..., M) or (..., M, D)
            Real points.
        scale, shift : number or array (...,) or (..., D)
            beta > 0 and x0.

        Returns
        -------
        value : array (..., M)
        gradient : array (..., M) for one axis, (..., M, D) for several

        Raises
        ------
        ValueError, TypeError
            As `synthesize`.

        Examples
        --------
        >>> import torch, specfast as sf
        >>> space = sf.Space([sf.Hermite()] * 3, sf.TotalDegree(4))
        >>> u, slope = space.value_and_gradient(torch.ones(space.size), torch.zeros(5, 3))
        >>> u.shape, slope.shape
        (torch.Size([5]), torch.Size([5, 3]))
        """
        orders: list[Orders] = [tuple(int(d == axis) for d in range(self.dim)) for axis in range(-1, self.dim)]
        several: Any = self.synthesize(coef, points, scale=scale, shift=shift, derivative=orders)
        u, *slopes = several
        return u, slopes[0] if self.dim == 1 else torch.stack(slopes, -1)  # type: ignore[return-value]

    @takes_arrays("coef", "scale")
    def differentiate(self, coef: ArrayT, axis: int = 0, *, scale: ArrayT | float = 1) -> ArrayT:
        """Return the coefficients of du/dx_axis, projected onto the space.

        Exact for all families but Hermite, whose derivative has one degree more: what leaves the index set is left out.

        Parameters
        ----------
        coef : array (..., K)
            Real or complex coefficients.
        axis : int
            Which axis, from 0; negative ones count from the last.
        scale : number or array (...,) or (..., D)
            beta; the derivative is that in x.

        Returns
        -------
        array (..., K)

        Raises
        ------
        ValueError, TypeError
            If there is no such axis, or the coefficients are not (..., K).

        Examples
        --------
        >>> import torch, specfast as sf
        >>> space = sf.Space(sf.Chebyshev(degree=3))
        >>> space.differentiate(torch.tensor([0.0, 0.0, 0.0, 1.0])).tolist()  # T_3' = 3 T_0 + 6 T_2
        [3.0, 0.0, 6.0, 0.0]
        """
        if not -self.dim <= axis < self.dim:
            raise ValueError(f"axis={axis}: an axis from 0 to {self.dim - 1} is expected")
        axis %= self.dim
        work, dtype = one_array("coef", coef)
        self._check_size("coef", work, self.size)
        family, (beta, _) = self.families[axis], self._scale_shift(scale, 0, real_dtype(work.dtype), work)

        def one_run(runs: Tensor) -> Tensor:
            return ops.differentiate(runs, family.name, False)

        def all_runs(c: Tensor) -> Tensor:
            return one_run(c) if self.dim == 1 else along_axis(c, self.key, axis, one_run)

        return (in_parts(all_runs, work) * (family.sign * beta[..., axis]).unsqueeze(-1)).to(dtype)  # type: ignore[return-value]

    @takes_arrays("coef", "scale", "shift", "new_scale", "new_shift")
    def change_basis(
        self,
        coef: ArrayT,
        scale: ArrayT | float,
        shift: ArrayT | float,
        new_scale: ArrayT | float,
        new_shift: ArrayT | float,
    ) -> ArrayT:
        """Return the coefficients of the L2 projection of the field onto the basis of another scale and shift.

        Exact to rounding: the product of two basis functions is a polynomial times one Gaussian (or exponential), whose
        Gauss rule has beta^2 the mean of the two squares (or beta the mean of the two). On a half-line the end must stay.
        Cost for D > 1: D K^2 a row.

        Parameters
        ----------
        coef : array (..., K)
            Real or complex coefficients.
        scale, shift : number or array (...,) or (..., D)
            beta and x0 of their basis.
        new_scale, new_shift : number or array (...,) or (..., D)
            beta and x0 of the other.

        Returns
        -------
        array (..., K)

        Raises
        ------
        ValueError, TypeError
            If the coefficients are not (..., K), a scale is not positive, or the end of a half-line would move.

        Examples
        --------
        >>> import torch, specfast as sf
        >>> space = sf.Space(sf.Hermite(degree=30))
        >>> x = torch.linspace(-2, 2, 5, dtype=torch.float64)
        >>> coef = space.project(torch.exp(-space.nodes() ** 2))
        >>> wider = space.change_basis(coef, 1.0, 0.0, 1.3, 0.1)
        >>> torch.allclose(space.synthesize(wider, x, scale=1.3, shift=0.1), torch.exp(-x**2), atol=1e-6)
        True
        """
        c, dtype = one_array("coef", coef)
        self._check_size("coef", c, self.size)
        given = real_dtype(c.dtype), c
        old, x0 = self._scale_shift(scale, shift, *given)
        new, new_x0 = self._scale_shift(new_scale, new_shift, *given)
        if self.dim == 1:
            return change_basis_1d(self, c, old[..., 0], x0[..., 0], new[..., 0], new_x0[..., 0]).to(dtype)  # type: ignore[return-value]
        maps = []
        for axis, family in enumerate(self.families):
            line = Space(family.with_degree(int(family.function_degrees(self.degrees[axis] + 1)[-1])))
            unit = torch.eye(line.size, dtype=given[0], device=c.device)
            basis = (part[..., axis].unsqueeze(-1) for part in (old, x0, new, new_x0))
            maps.append(change_basis_1d(line, unit, *basis).mT)  # (..., to, from)
        indices = torch.from_numpy(self.indices.astype(np.int64)).to(c.device)
        return multiply_restricted(maps, c, indices).to(dtype)  # type: ignore[return-value]

    # ------------------------------------------------------------------------------------------------ fit and norms

    @leaves_out_masked
    @takes_arrays("values", "points", "scale", "shift", "weights")
    def fit(
        self, values: ArrayT, points: ArrayT, *, scale: ArrayT | float = 1, shift: ArrayT | float = 0, weights: ArrayT | None = None, ridge: ArrayT | float = 0.0,
        solver: Literal["qr", "lsmr"] | None = None, tolerance: float = 1e-10, iterations: int = 1000,
    ) -> ArrayT:  # fmt: skip
        r"""Return the coefficients that fit values at any points best, by weighted least squares.

        .. math:: \min_c\; \sum_m w_m (u(x_m) - v_m)^2 + \sum_n \rho_n c_n^2

        rho is `ridge`. Values with weight 0 are ignored, NaN included; masked ones of NumPy have that weight.

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
        ridge : float or array (K,)
            0 or more; one for all coefficients or one each. It is not differentiated.
        solver : {"qr", "lsmr"}, optional
            "qr" needs the memory of the Vandermonde matrix, rows of points times M times K, and is differentiable. "lsmr" iterates on
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

        Examples
        --------
        >>> import numpy as np, specfast as sf
        >>> space = sf.Space(sf.Hermite(degree=12))
        >>> x = np.linspace(-4, 4, 60)
        >>> coef = space.fit(np.exp(-(x**2)), x)
        >>> round(float(space.synthesize(coef, np.array([0.5]))[0]), 3), round(float(np.exp(-0.25)), 3)
        (0.779, 0.779)
        """
        return fit(self, values, points, scale, shift, weights, ridge, solver, (tolerance, iterations))  # type: ignore[return-value]

    @takes_arrays("first", "second")
    def inner(self, first: ArrayT, second: ArrayT) -> ArrayT:
        """Return sum_n h_n conj(c_n) d_n, the inner product of two fields with the same scale and shift.

        Parameters
        ----------
        first, second : array (..., K)
            Coefficients c and d; leading axes broadcast.

        Returns
        -------
        array (...,)

        Raises
        ------
        ValueError, TypeError
            If these are not (..., K) of one namespace.

        Examples
        --------
        >>> import torch, specfast as sf
        >>> space = sf.Space(sf.Hermite(degree=2))
        >>> float(space.inner(torch.tensor([1.0, 2.0, 0.0]), torch.tensor([3.0, 1.0, 5.0])))
        5.0
        """
        (c, one), (d, other) = one_array("first", first), one_array("second", second)
        self._check_size("first", c, self.size)
        self._check_size("second", d, self.size)
        norms = constant(c, self.key, "squared_norms")
        return (norms * c.conj() * d).sum(-1).to(torch.promote_types(one, other))  # type: ignore[return-value]

    @takes_arrays("coef")
    def norm(self, coef: ArrayT) -> ArrayT:
        """Return the weighted L2 norm of the field, (sum_n h_n |c_n|^2)^(1/2).

        Parameters
        ----------
        coef : array (..., K)
            Coefficients c.

        Returns
        -------
        array (...,)
            Real.

        Raises
        ------
        ValueError, TypeError
            If these are not (..., K).

        Examples
        --------
        >>> import torch, specfast as sf
        >>> float(sf.Space(sf.Legendre(degree=2)).norm(torch.tensor([2.0, 0.0, 1.5])))
        2.5
        """
        squared: Any = self.inner(coef, coef)
        return squared.real**0.5  # type: ignore[no-any-return]


@builder
def squared_norms(space: SpaceRecord) -> np.ndarray:
    """Return the squared norms (K,) of the functions."""
    indices = space.indices
    norms = np.ones(len(indices))
    for axis, (family, largest) in enumerate(zip(space.families, space.degrees, strict=True)):
        norms *= family.norm_squared(largest + 1)[indices[:, axis]]
    return norms
