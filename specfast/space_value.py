"""What a space is: families and an index set; and how the arguments of its transforms are brought into shape."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from ._constants import constant, enrol, kind, set_maker, vector
from ._domain import check_points, check_scale, onto_ends, to_standard
from .arrays import (
    check_broadcast,
    common_kind,
    computing_dtype,
    real_dtype,
    to_dtype,
    to_torch,
)
from .families import Family, family_from_dict
from .index_sets import IndexSet, TensorProduct, index_set_from_dict
from .placement import place, plainly


class SpaceValue:
    """Families and an index set: an immutable, hashable value without arrays."""

    families: tuple[Family, ...]
    index_set: IndexSet
    dim: int
    size: int
    _largest: tuple[int, ...]
    _names: str
    _powers: tuple[float, ...]
    _signs: tuple[float, ...]
    _bounded: tuple[bool, ...]
    _bounded_all: bool
    _unbounded: bool
    _own_scale: tuple[float, ...]
    _own_shift: tuple[float, ...]
    _owner: str

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
        own = tuple(family.with_degree(None) for family in listed)
        bounds = [family.standard_scale_shift() for family in own]
        # Plain values beside the two that define the space: what transforms need at every call, and compiled graphs can hold.
        for name, value in {
            "families": own,
            "index_set": index_set,
            "dim": len(own),
            "size": index_set.size(len(own)),
            "_largest": index_set.largest(len(own)),
            "_names": ",".join(family.name for family in own),
            "_powers": tuple(float(family.power) for family in own),
            "_signs": tuple(float(family.sign) for family in own),
            "_bounded": tuple(family.bounded for family in own),
            "_unbounded": all(family.domain == (-float("inf"), float("inf")) for family in own),
            "_bounded_all": all(family.bounded for family in own),
            "_own_scale": tuple(scale for scale, _ in bounds),
            "_own_shift": tuple(shift for _, shift in bounds),
        }.items():
            object.__setattr__(self, name, value)
        # Listed indices are many: their space is named, not described.
        object.__setattr__(self, "_owner", json.dumps(self.to_dict()) if index_set.described else enrol(self))

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
    def indices(self) -> np.ndarray:
        """The indices, an array (K, D) in lexicographic order, of the smallest signed integer type."""
        return self.index_set.indices(self.dim)

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

    def _normalisation(self, beta: Tensor) -> Tensor:
        """Return prod_d beta_d^p, with a last axis of length 1."""
        return self._power(beta, self._powers)

    def _factor(self, beta: Tensor, orders: tuple[int, ...]) -> Tensor:
        """Return prod_d sign_d^k_d beta_d^(p_d + k_d), with a last axis of length 1."""
        sign = self._sign(orders)
        power = self._power(beta, tuple(p + k for p, k in zip(self._powers, orders, strict=True)))
        return power if sign == 1.0 else sign * power

    def _chain_factor(self, beta: Tensor, orders: tuple[int, ...]) -> Tensor:
        """Return prod_d sign_d^k_d beta_d^k_d, what the chain rule gives, with a last axis of length 1."""
        return self._sign(orders) * self._power(beta, tuple(float(k) for k in orders))

    @staticmethod
    def _power(beta: Tensor, powers: tuple[float, ...]) -> Tensor:
        if len(powers) == 1:
            return beta.sqrt() if powers[0] == 0.5 else beta ** powers[0]
        return (beta ** vector(powers, beta.dtype, beta.device)).prod(-1, keepdim=True)

    def _sign(self, orders: tuple[int, ...]) -> float:
        result = 1.0
        for sign, order in zip(self._signs, orders, strict=True):
            result *= sign**order
        return result

    def _beta(self, scale: Any, device: torch.device, dtype: torch.dtype) -> Tensor:
        return self._scale_shift(to_torch("scale", scale, device), torch.zeros((), device=device), dtype)[0]

    def _grid_sizes(self, sizes: int | Sequence[int] | None) -> list[int]:
        """Return the numbers of nodes, one an axis."""
        counts = [n + 1 for n in self._largest]
        if sizes is None:
            return counts
        given = [int(n) for n in sizes] if isinstance(sizes, (Sequence, np.ndarray)) else [int(sizes)] * self.dim
        if len(given) != self.dim or any(n < count for n, count in zip(given, counts, strict=True)):
            raise ValueError(
                f"sizes={tuple(given)}: {self.dim} numbers of nodes, one an axis, of at least {tuple(counts)} are expected"
            )
        return given

    def _tree(self, like: Tensor) -> tuple[Tensor, list[int]]:
        """Return the tree of the index set and its largest entries, as the operators take them."""
        return constant(like, self._owner, "index_tree", on_host=True), list(self._largest)

    def _orders(self, derivative: Any) -> tuple[int, ...]:
        if type(derivative) is int and derivative == 0:
            return (0,) * self.dim
        if isinstance(derivative, (int, np.integer)) and not isinstance(derivative, bool):
            if self.dim > 1 and derivative != 0:
                raise ValueError(f"derivative={derivative}: {self.dim} orders, one an axis, are expected")
            orders = (int(derivative),) * self.dim
        else:
            given = tuple(derivative) if isinstance(derivative, (tuple, list, np.ndarray)) else (derivative,)
            if not all(isinstance(d, (int, np.integer)) and not isinstance(d, bool) for d in given):
                raise ValueError(
                    f"derivative={derivative!r}: {self.dim} orders of 0 or more, one an axis, are expected"
                )
            orders = tuple(int(d) for d in given)
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
        beta, x0 = (
            to_dtype(part.unsqueeze(-1) if self.dim == 1 or part.dim() == 0 else part, dtype) for part in (scale, shift)
        )
        if any(self._bounded):
            bounded = vector(self._bounded, torch.bool, beta.device)
            beta = torch.where(bounded, vector(self._own_scale, dtype, beta.device), beta)
            x0 = torch.where(bounded, vector(self._own_shift, dtype, beta.device), x0)
        if self.dim == 1:
            return beta, x0
        return beta.expand(*beta.shape[:-1], self.dim), x0.expand(*x0.shape[:-1], self.dim)

    def _quickly(
        self, coef: Any, points: Any, scale: Any, shift: Any, orders: tuple[int, ...]
    ) -> tuple[Tensor, Tensor] | None:  # fmt: skip
        """Return what `_prepare` does, z and the coefficients times their factor, in a tenth of the time; None if it cannot."""
        given = plainly(coef, points, scale, shift, self.dim)
        if given is None or coef.shape[-1] != self.size:
            return None
        if type(scale) is int and scale == 1 and type(shift) is int and shift == 0:
            if self._unbounded and coef.shape[:-1] == points.shape[: -min(2, self.dim)]:
                return coef, points
        elif self._bounded_all:
            return None  # refused there
        return place(self._owner, coef, points, *given, orders)

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
        dtype = torch.promote_types(tensor.dtype, x.dtype)
        for other in (beta, x0):
            if other.dim() > 0 and other.is_floating_point():
                dtype = torch.promote_types(dtype, other.dtype)
        if not (dtype.is_floating_point or dtype.is_complex):
            dtype = torch.get_default_dtype()
        work = computing_dtype(real_dtype(dtype))
        beta, x0 = self._scale_shift(beta, x0, work)
        z = to_standard(to_dtype(x, work), beta, x0, self.families)
        check_points(z, x, self.families)
        z = onto_ends(z, x.dtype, self.families)
        factor = self._factor(beta, orders)
        return wanted, tensor, z, factor, dtype


@kind
def index_tree(space: Any) -> np.ndarray:
    """Return the tree of the index set."""
    return space.index_set.tree(space.dim)


@kind
def squared_norms(space: Any) -> np.ndarray:
    """Return the squared norms (K,) of the functions."""
    indices = space.indices
    norms = np.ones(len(indices))
    for axis, (family, largest) in enumerate(zip(space.families, space.index_set.largest(space.dim), strict=True)):
        norms *= family.norm_squared(largest + 1)[indices[:, axis]]
    return norms


set_maker(lambda text: SpaceValue.from_dict(json.loads(text)))
