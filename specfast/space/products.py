"""Products of fields, and functions of them, from coefficients to coefficients."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce

import torch
from torch import Tensor

from .. import ops
from ..kernels.space_key import record
from ..ops.constant_cache import constant, untraced
from .arguments import in_parts, one_array
from .array_api import ArrayT, common_namespace, real_dtype, takes_arrays, through_tensors, to_namespace, to_torch
from .boxes import Box, boxes_for_products, whole_grid, within_memory
from .nodes import SpaceWithNodes

_TOLERANCE = {torch.float64: 1e-13, torch.float32: 1e-6}


@untraced
def _sizes_for_products(key: str, degrees: tuple[int, ...]) -> list[int]:
    """Return how many nodes an axis make a product of two fields exact."""
    return [family.product_rule(n + 1, 3)[0] for family, n in zip(record(key).families, degrees, strict=True)]


class SpaceWithProducts(SpaceWithNodes):
    """A space with products of its fields; use `Space`."""

    @takes_arrays("first", "second", "scale")
    def multiply(
        self, first: ArrayT, second: ArrayT, *, scale: ArrayT | float = 1, tolerance: float | None = None
    ) -> ArrayT:  # fmt: skip
        r"""Return the coefficients of the product of two fields, projected onto the space: the Galerkin product.

        .. math:: e_n = \frac{\beta^p}{h_n} \sum_{j, k \in \Lambda} c_j d_k \int \Phi_j \Phi_k \Phi_n\, w\, dz

        Exact to rounding, without aliasing: values on Gauss nodes at the scale of products of three functions, 3/2 as many as
        functions an axis. The shift moves both fields and the product alike.

        Parameters
        ----------
        first, second : array (..., K)
            Real or complex coefficients c and d of two fields with the same scale and shift; leading axes broadcast.
        scale : number or array (...,) or (..., D)
            beta.
        tolerance : float, optional
            Integrals of three normalised one-dimensional functions up to this may be taken for 0, on sets that are no
            TensorProduct. Default 1e-13 in float64, 1e-6 in float32.

        Returns
        -------
        array (..., K)

        Raises
        ------
        ValueError, TypeError
            On shapes, namespaces or dtypes that do not fit, or if the grid would not fit into memory.

        Notes
        -----
        On one axis and on a TensorProduct the cost is that of three `synthesize_grid`: O(N^2) and D n^(D + 1). On other sets
        fields are multiplied on boxes whose products add up to the whole one, or on the tensor grid of (3 N / 2)^D nodes where
        that takes less. For Chebyshev and Legendre axes and a regular cross of degree N boxes have about N nodes each on two
        axes, and up to N^(3/2) on more. (The product of two N^(1/2) x N^(1/2) matrices is a product of fields on three axes, so
        that no way is linear in K.) Integrals of Hermite and Laguerre functions are not 0 where degrees are far apart; they fall
        off fast enough for boxes above degrees of some hundreds, and so on two axes alone: beyond, the grid is the tensor grid,
        and one that needs more than half of memory is refused. A larger `tolerance` makes boxes smaller.

        Examples
        --------
        >>> import torch, specfast as sf
        >>> space = sf.Space(sf.Chebyshev(degree=4))
        >>> one, two = torch.eye(5, dtype=torch.float64)[1:3]
        >>> space.multiply(one, two).abs().round(decimals=9).tolist()  # T_1 T_2 = (T_1 + T_3) / 2
        [0.0, 0.5, 0.0, 0.5, 0.0]
        """
        (c, one), (d, other) = one_array("first", first), one_array("second", second)
        self._check_size("first", c, self.size)
        self._check_size("second", d, self.size)
        work = torch.promote_types(real_dtype(c.dtype), real_dtype(d.dtype))
        c, d = (part.to(work.to_complex() if part.is_complex() else work) for part in (c, d))
        if tolerance is None:
            tolerance = _TOLERANCE[work]
        elif not 0 <= tolerance < 1:
            raise ValueError(f"tolerance={tolerance}: a number of at least 0 and below 1 is expected")
        beta, _ = self._scale_shift(scale, 0, work, c)
        result = self._products(c, d, boxes_for_products(self.key, float(tolerance)))
        return (result * self._normalisation(beta)).to(torch.promote_types(one, other))  # type: ignore[return-value]

    def apply(
        self,
        function: Callable[..., ArrayT],
        *coef: ArrayT,
        scale: ArrayT | float = 1,
        oversampling: float = 3.0,
        sparse: bool = False,
    ) -> ArrayT:
        r"""Return the coefficients of f(u, v, ..), a function of the values of fields, projected onto the space.

        .. math:: e_n = \frac{1}{h_n} \sum_q w_q\, f(u(x_q), v(x_q), \dots)\, \Phi_n(x_q)

        Parameters
        ----------
        function : callable
            Takes the values of each field on a tensor grid, (..., n_1, .., n_D), arrays of the namespace that was given, and
            returns as many values, number by number.
        *coef : array (..., K)
            Real or complex coefficients of one field or several, of the same scale and shift.
        scale : number or array (...,) or (..., D)
            beta. The shift moves fields and result alike.
        oversampling : float
            Nodes of the grid, in functions along each axis; 1 or more.
        sparse : bool
            Whether to add up projections on small grids in place of the one tensor grid, as `multiply` does.

        Returns
        -------
        array (..., K)

        Raises
        ------
        ValueError, TypeError
            On shapes, namespaces or dtypes that do not fit, a function that changes the shape, or if the grid does not fit
            into memory.

        Notes
        -----
        On an interval the result is exact for polynomials f of a degree up to 2 * oversampling - 1. What f(u) has beyond is
        aliased: that part falls as the coefficients of f(u) do, and shows as a change of the result when `oversampling` is
        raised. Hermite and Laguerre nodes are those of the fields themselves, since f(u) may fall off as slowly as they do;
        at them even products of two fields are not exact: for random coefficients errors are 10 % at 2, 2e-5 at 2.5 and 4e-11
        at 3 for a degree of 32, and 2e-2, 4e-4 and 8e-6 for one of 8. `multiply` is exact.

        The one tensor grid is not small on many axes. With `sparse` the grids are those of a product of two fields, and u on
        each is cut to the degrees that the grid holds: as good for polynomials f of degree 2; for others an error is left that
        no oversampling takes away. For a cube and random coefficients that fall off as prod (1 + n_d)^(-2), it was 2e-4
        (Legendre, a cross of degree 64 on two axes) and 1e-3 (16, on four); for exp(u) - 1, 1e-6 and 1e-5. Compare with
        ``sparse=False`` where that is feasible.

        Examples
        --------
        >>> import torch, specfast as sf
        >>> space = sf.Space(sf.Chebyshev(degree=20))
        >>> coef = space.project(space.nodes())
        >>> sine = space.apply(torch.sin, coef)
        >>> float(space.synthesize(sine, torch.tensor([0.5], dtype=torch.float64))[0].round(decimals=9))  # sin(0.5)
        0.479425539
        """
        if not coef:
            raise ValueError("coef: the coefficients of at least one field are expected")
        if not 1 <= oversampling < math.inf:
            raise ValueError(f"oversampling={oversampling}: a finite number of 1 or more is expected")
        named = {f"coef[{place}]": part for place, part in enumerate(coef)}
        wanted = common_namespace(**named, scale=scale)

        def on_tensors(*values: Tensor) -> Tensor:
            given = function(*(to_namespace(part, wanted) for part in values))
            return to_torch("function", given) if wanted != "cupy" else torch.from_dlpack(given)

        def call(turned: dict[str, Tensor]) -> Tensor:
            beta = turned.pop("scale")
            return self._apply(on_tensors, list(turned.values()), beta, oversampling, sparse)

        return through_tensors(call, {**named, "scale": scale})  # type: ignore[return-value]

    # ------------------------------------------------------------------------------------------------------------ inside

    def _products(self, c: Tensor, d: Tensor, boxes: Sequence[Box] | None) -> Tensor:
        """Return the products at scale 1, on the boxes or on the whole grid."""

        def sizes(box: Box) -> list[int]:
            return _sizes_for_products(box.key, box.degrees)

        return self._on_boxes(boxes or whole_grid(self.key), torch.mul, [c, d], sizes, 3)

    def _apply(
        self, function: Callable[..., Tensor], coef: list[Tensor], scale: Tensor | float, oversampling: float, sparse: bool
    ) -> Tensor:  # fmt: skip
        given = [one_array(f"coef[{place}]", part) for place, part in enumerate(coef)]
        for place, (part, _) in enumerate(given):
            self._check_size(f"coef[{place}]", part, self.size)
        work = reduce(torch.promote_types, (real_dtype(part.dtype) for part, _ in given))
        beta, _ = self._scale_shift(scale, 0, work, given[0][0])
        norm = self._normalisation(beta)
        fields = [part.to(work.to_complex() if part.is_complex() else work) * norm for part, _ in given]
        boxes = boxes_for_products(self.key, _TOLERANCE[work], True) if sparse else whole_grid(self.key)

        def sizes(box: Box) -> list[int]:
            return [math.ceil(oversampling * (n + 1)) for n in box.degrees]

        def checked(*values: Tensor) -> Tensor:
            result = function(*values)
            grid = values[0].shape[-self.dim :]
            if not isinstance(result, Tensor) or result.shape[-self.dim :] != grid:
                found = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
                raise ValueError(f"function returned {found}; values (..., {', '.join(map(str, grid))}) are expected")
            return result.to(work.to_complex() if result.is_complex() else work)

        result = self._on_boxes(boxes, checked, fields, sizes, 2) / norm
        dtype = real_dtype(reduce(torch.promote_types, (own for _, own in given)))
        return result.to(dtype.to_complex() if result.is_complex() else dtype)

    def _on_boxes(
        self, boxes: Sequence[Box], function: Callable[..., Tensor], coef: list[Tensor],
        sizes_of: Callable[[Box], list[int]], factors: int,
    ) -> Tensor:  # fmt: skip
        """Return the sum over boxes of the projection of a function of fields, at scale 1."""
        none, members, parts = list(self._no_orders), [], []
        for box in boxes:
            sizes = within_memory(tuple(sizes_of(box)))
            inside = coef if box.whole else [self._into_box(part, box) for part in coef]
            grids = (in_parts(ops.grid_synthesize, part, box.key, sizes, none, False, factors) for part in inside)
            product = function(*(grid.unflatten(-1, sizes) for grid in grids)).flatten(-self.dim)
            found = in_parts(ops.grid_adjoint, product, box.key, sizes, none, True, factors)
            if box.whole:
                return found
            members.append(constant(found, self.key, "box_members", *box.degrees))
            own = found.index_select(-1, constant(found, self.key, "box_places", *box.degrees))
            parts.append(box.weight * own)
        every = torch.cat(parts, -1)
        return every.new_zeros((*every.shape[:-1], self.size)).index_add(-1, torch.cat(members), every)

    def _into_box(self, coef: Tensor, box: Box) -> Tensor:
        """Return the coefficients of the members in a box among those of all of its indices, the others 0."""
        chosen = coef.index_select(-1, constant(coef, self.key, "box_members", *box.degrees))
        places = constant(coef, self.key, "box_places", *box.degrees)
        return coef.new_zeros((*coef.shape[:-1], math.prod([n + 1 for n in box.degrees]))).index_copy(
            -1, places, chosen
        )
