"""What a space is: families and an index set; and how the arguments of its transforms are brought into shape."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from ._domain import check_points, check_scale, onto_ends, to_standard
from .arrays import (
    check_broadcast,
    common_kind,
    computing_dtype,
    real_dtype,
    to_torch,
)
from .families import Family, family_from_dict
from .fibres import tree_tensor
from .index_sets import IndexSet, TensorProduct, index_set_from_dict
from .product_grids import GridTransform


class SpaceValue:
    """Families and an index set: an immutable, hashable value without arrays."""

    families: tuple[Family, ...]
    index_set: IndexSet

    def __init__(self, families: Family | Sequence[Family], index_set: IndexSet | None = None):
        listed = (families,) if isinstance(families, Family) else tuple(families)
        if not listed or not all(isinstance(family, Family) and type(family) is not Family for family in listed):
            raise TypeError(f"families={families!r}: Hermite, Laguerre, Chebyshev or Legendre families are expected")
        if index_set is None:
            if len(listed) != 1 or listed[0].degree is None:
                raise ValueError("index_set=None: an index set, or for one axis a family with a degree, is expected")
            index_set = TensorProduct(listed[0].degree)
        elif not isinstance(index_set, IndexSet):
            raise TypeError(
                f"index_set={index_set!r}: a TensorProduct, TotalDegree, HyperbolicCross or Indices is expected"
            )
        index_set._axis_weights(len(listed))
        index_set.check(len(listed))
        object.__setattr__(self, "families", tuple(family.with_degree(None) for family in listed))
        object.__setattr__(self, "index_set", index_set)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a Space is immutable; {name} cannot be set")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SpaceValue) and (self.families, self.index_set) == (other.families, other.index_set)

    def __hash__(self) -> int:
        return hash((self.families, self.index_set))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.families, self.index_set)

    def __repr__(self) -> str:
        return f"Space({list(self.families)}, {self.index_set})"

    @property
    def dim(self) -> int:
        """Number of axes D."""
        return len(self.families)

    @property
    def indices(self) -> np.ndarray:
        """The indices, an array (K, D) in lexicographic order, of the smallest signed integer type."""
        return self.index_set.indices(self.dim)

    @property
    def size(self) -> int:
        """Number of coefficients K."""
        return self.index_set.size(self.dim)

    @property
    def fingerprint(self) -> str:
        """A short text that differs between spaces; stored beside weights."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """Return the space as plain values that JSON can hold."""
        return {"families": [f.to_dict() for f in self.families], **self.index_set.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the space that `to_dict` described."""
        rest = {key: value for key, value in values.items() if key != "families"}
        return cls([family_from_dict(f) for f in values["families"]], index_set_from_dict(rest))

    @property
    def _names(self) -> str:
        return ",".join(f.name for f in self.families)

    def _normalisation(self, beta: Tensor) -> Tensor:
        """Return prod_d beta_d^p, with a last axis of length 1."""
        power = torch.tensor([f.power for f in self.families], dtype=beta.dtype, device=beta.device)
        return (beta**power).prod(-1, keepdim=True)

    def _factor(self, beta: Tensor, orders: tuple[int, ...]) -> Tensor:
        """Return prod_d sign_d^k_d beta_d^(p_d + k_d), with a last axis of length 1."""
        power = torch.tensor([f.power + k for f, k in zip(self.families, orders, strict=True)], device=beta.device)
        return self._sign(orders) * (beta ** power.to(beta.dtype)).prod(-1, keepdim=True)

    def _chain_factor(self, beta: Tensor, orders: tuple[int, ...]) -> Tensor:
        """Return prod_d sign_d^k_d beta_d^k_d, what the chain rule gives, with a last axis of length 1."""
        power = torch.tensor(orders, dtype=beta.dtype, device=beta.device)
        return self._sign(orders) * (beta**power).prod(-1, keepdim=True)

    def _sign(self, orders: tuple[int, ...]) -> float:
        sign = 1.0
        for family, order in zip(self.families, orders, strict=True):
            sign *= float(family.sign) ** order
        return sign

    def _beta(self, scale: Any, device: torch.device, dtype: torch.dtype) -> Tensor:
        return self._scale_shift(to_torch("scale", scale, device), torch.zeros((), device=device), dtype)[0]

    def _grid_transform(self, sizes: int | Sequence[int] | None) -> GridTransform:
        counts = [n + 1 for n in self.index_set.largest(self.dim)]
        if sizes is None:
            given = counts
        else:
            given = [int(n) for n in sizes] if isinstance(sizes, Sequence) else [int(sizes)] * self.dim
        return GridTransform(self.families, self.index_set, tuple(given))

    def _norm_squared(self) -> np.ndarray:
        indices = self.indices
        norms = np.ones(len(indices))
        for axis, family in enumerate(self.families):
            norms *= family.norm_squared(self.index_set.largest(self.dim)[axis] + 1)[indices[:, axis]]
        return norms

    def _tree(self, like: Tensor) -> tuple[Tensor, list[int]]:
        """Return the tree of the index set and its largest entries, as the operators take them."""
        return tree_tensor(self.index_set, self.dim, like.device), list(self.index_set.largest(self.dim))

    def _orders(self, derivative: Any) -> tuple[int, ...]:
        if isinstance(derivative, (int, np.integer)) and not isinstance(derivative, bool):
            if self.dim > 1 and derivative != 0:
                raise ValueError(f"derivative={derivative}: {self.dim} orders, one an axis, are expected")
            orders = (int(derivative),) * self.dim
        else:
            orders = tuple(int(d) for d in derivative)
        if len(orders) != self.dim or min(orders) < 0:
            raise ValueError(f"derivative={derivative!r}: {self.dim} orders of 0 or more, one an axis, are expected")
        return orders

    def _check_size(self, name: str, tensor: Tensor, size: int) -> None:
        if tensor.dim() < 1 or tensor.shape[-1] != size:
            raise ValueError(f"{name} has shape {tuple(tensor.shape)}; (..., {size}) is expected")

    def _scale_shift(self, scale: Tensor, shift: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Return beta and x0 with an axis for the dimensions, (..., D), those of bounded axes filled in."""
        for name, given in (("scale", scale), ("shift", shift)):
            if given.is_complex():
                raise TypeError(f"{name} is complex; real numbers are expected")
            if self.dim > 1 and given.dim() > 0 and given.shape[-1] not in (1, self.dim):
                raise ValueError(f"{name} has shape {tuple(given.shape)}; (..., {self.dim}) or a number is expected")
        check_scale(scale, shift, self.families)
        beta = (scale.unsqueeze(-1) if self.dim == 1 else torch.atleast_1d(scale)).to(dtype)
        x0 = (shift.unsqueeze(-1) if self.dim == 1 else torch.atleast_1d(shift)).to(dtype)
        if any(f.bounded for f in self.families):
            bounded = torch.tensor([f.bounded for f in self.families], device=beta.device)
            own = torch.tensor([f.standard_scale_shift() for f in self.families], dtype=dtype, device=beta.device)
            beta, x0 = torch.where(bounded, own[:, 0], beta), torch.where(bounded, own[:, 1], x0)
        return beta.expand(*beta.shape[:-1], self.dim), x0.expand(*x0.shape[:-1], self.dim)

    def _prepare(
        self, name: str, array: Any, points: Any, scale: Any, shift: Any, orders: tuple[int, ...]
    ) -> tuple[str, Tensor, Tensor, Tensor, torch.dtype]:
        """Return the kind, the array, z, the factor beta^(p + order) on the coefficients, and the result's dtype."""
        wanted = common_kind(**{name: array, "points": points, "scale": scale, "shift": shift})
        x = to_torch("points", points)
        tensor = to_torch(name, array, x.device)
        beta, x0 = to_torch("scale", scale, x.device), to_torch("shift", shift, x.device)
        if x.is_complex():
            raise TypeError("points are complex; real ones are expected")
        if x.dim() < min(self.dim, 2) or (self.dim > 1 and x.shape[-1] != self.dim):
            expected = "(..., M)" if self.dim == 1 else f"(..., M, {self.dim})"
            raise ValueError(f"points have shape {tuple(x.shape)}; {expected} is expected")
        own = 0 if self.dim == 1 else 1
        leads = {
            name: tuple(tensor.shape[:-1]), "points": tuple(x.shape[: -1 - own]),
            "scale": tuple(beta.shape[: beta.dim() - own]), "shift": tuple(x0.shape[: x0.dim() - own]),
        }  # fmt: skip
        check_broadcast(leads)
        dtype = torch.result_type(tensor, x)
        for other in (beta, x0):
            if other.dim() > 0 and other.is_floating_point():
                dtype = torch.promote_types(dtype, other.dtype)
        if not (dtype.is_floating_point or dtype.is_complex):
            dtype = torch.get_default_dtype()
        work = computing_dtype(real_dtype(dtype))
        beta, x0 = self._scale_shift(beta, x0, work)
        z = to_standard(x.to(work), beta, x0, self.families)
        check_points(z, x, self.families)
        z = onto_ends(z, x.dtype, self.families)
        factor = self._factor(beta, orders)
        return wanted, tensor, z, factor, dtype
