r"""Fields on a space: values, transpose and gradients, by the backend of a device.

.. math:: u(x) = \prod_d s_d^{k_d} \beta_d^{p_d + k_d} \sum_n c_n \prod_d \varphi_{n_d}^{(k_d)}(z_d), \qquad z = s \beta (x - x_0)

    synthesize(coef (..., K), x (..., M[, D]), scale, shift, space, orders)              (..., M)
    adjoint(values (..., M), x, scale, shift, space, orders)                             (..., K), the transpose
    backward(gradient (..., M), coef, x, scale, shift, space, orders)                    gradients in coef, x, scale and shift

Leading axes broadcast; scale and shift are (...,) on one axis and (..., D) or a number on several. `space` is a key
(`space_key`), `orders` has D numbers. With J D of them `synthesize` gives J derivatives (..., J, M) in one pass.

A backend may have kernels for all of it (`fused`); otherwise the affine map is done by PyTorch around its kernels on the
standard domain, which is what the functions here do for any backend.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from types import ModuleType

import torch
from torch import Tensor

from .. import kernels
from ..families import family_by_name
from . import backend
from .affine_map import (
    check_points,
    check_scale,
    factor,
    gradients_through_map,
    onto_ends,
    scale_and_shift,
    to_standard,
    vector,
)
from .kept import lasting
from .space_key import SpaceRecord, record

Gradients = tuple[Tensor, Tensor, Tensor, Tensor]


def fused(x: Tensor) -> ModuleType | None:
    """Return the kernels of x's device that do all in one call, each None where a case is not for it."""
    return _fused_on_cpu(kernels.cpu_backend()) if x.is_cpu else getattr(backend(x.device), "fused", None)


@cache
def _fused_on_cpu(on_cpu: ModuleType) -> ModuleType | None:
    return getattr(on_cpu, "fused", None)


def synthesize(coef: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, orders: Sequence[int]) -> Tensor:
    """Return u^(k) at the points, or several derivatives of it on a new axis before the last."""
    on_device, own = backend(x.device), _Problem(x, scale, shift, space)
    if len(orders) == own.record.dim:
        return own.synthesize(on_device, coef * factor(own.beta, own.record.families, orders), orders)
    return own.derivatives(on_device, coef, orders)


def adjoint(values: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, orders: Sequence[int]) -> Tensor:
    """Return the transpose of `synthesize`."""
    on_device, own = backend(x.device), _Problem(x, scale, shift, space)
    return factor(own.beta, own.record.families, orders) * own.adjoint(on_device, values, orders)


def backward(
    gradient: Tensor, coef: Tensor, x: Tensor, scale: Tensor, shift: Tensor, space: str, orders: Sequence[int]
) -> Gradients:  # fmt: skip
    """Return the gradients of sum_m gradient_m u_m in coef, x, scale and shift, (..., K), (..., M[, D]), (...,[ D]) twice.

    Leading axes are those of all arguments together: what was broadcast is not summed here.
    """
    on_device, own = backend(x.device), _Problem(x, scale, shift, space)
    families, lead = own.record.families, _lead(gradient, coef, x, scale, shift, own.record.dim)
    power = factor(own.beta, families, orders)
    grad_coef, grad_z = own.backward(on_device, gradient, coef * power, orders)
    grad_coef = (grad_coef * power).expand(*lead, -1)
    grad_z = grad_z.expand(*lead, *grad_z.shape[-own.axes :])
    inner = (grad_coef * coef).sum(-1)
    return grad_coef, *own.through_map(grad_z, inner, orders)


def _lead(gradient: Tensor, coef: Tensor, x: Tensor, scale: Tensor, shift: Tensor, dim: int) -> torch.Size:
    """Return the leading axes of all arguments together."""
    own = int(dim > 1)
    shapes = [gradient.shape[:-1], coef.shape[:-1], x.shape[: x.dim() - 1 - own]]
    shapes += [part.shape[: max(part.dim() - own, 0)] for part in (scale, shift)]
    return torch.broadcast_shapes(*shapes)


class _Problem:
    """Points on the standard domain, and a backend's kernels there for one axis or several."""

    def __init__(self, x: Tensor, scale: Tensor, shift: Tensor, space: str):
        self.record = record(space)
        families = self.record.families
        check_scale(scale, shift, families)
        self.x = x
        self.beta, self.x0 = scale_and_shift(scale, shift, families)
        z = to_standard(x, self.beta, self.x0, families)
        check_points(z, x, families)
        self.z = onto_ends(z, x.dtype, families)
        self.axes = 1 if self.record.dim == 1 else 2  # of points

    def _tree(self) -> tuple[Tensor, list[int], list[str]]:
        return tree_of(self.record), list(self.record.degrees), list(self.record.names)

    def synthesize(self, kernels: ModuleType, coef: Tensor, orders: Sequence[int]) -> Tensor:
        """Return the sums of a series in z."""
        if self.record.dim == 1:
            return kernels.synthesize(coef, self.z, self.record.names[0], orders[0])  # type: ignore[no-any-return]
        return kernels.product_synthesize(coef, self.z, *self._tree(), list(orders))  # type: ignore[no-any-return]

    def adjoint(self, kernels: ModuleType, values: Tensor, orders: Sequence[int]) -> Tensor:
        """Return the transposed sums."""
        size = self.record.size
        if self.record.dim == 1:
            return kernels.adjoint(values, self.z, size, self.record.names[0], orders[0])  # type: ignore[no-any-return]
        tree, *rest = self._tree()
        return kernels.product_adjoint(values, self.z, tree, size, *rest, list(orders))  # type: ignore[no-any-return]

    def backward(
        self, kernels: ModuleType, gradient: Tensor, coef: Tensor, orders: Sequence[int]
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Return the gradients of the sums in the series' coefficients and in z."""
        if self.record.dim == 1:
            return kernels.backward(gradient, coef, self.z, self.record.names[0], orders[0])  # type: ignore[no-any-return]
        return kernels.product_backward(gradient, coef, self.z, *self._tree(), list(orders))  # type: ignore[no-any-return]

    def derivatives(self, kernels: ModuleType, coef: Tensor, orders: Sequence[int]) -> Tensor:
        """Return several derivatives (..., J, M) from one pass."""
        dim, families = self.record.dim, self.record.families
        tuples = [tuple(orders[i : i + dim]) for i in range(0, len(orders), dim)]
        if dim == 1:
            series = differentiated(kernels, coef, self.record.names[0], [own for (own,) in tuples])
            scaled = torch.stack([series[j] * factor(self.beta, families, own) for j, own in enumerate(tuples)])
            # The axis of the derivatives goes before all leading axes, those that points alone have too.
            missing = max(self.z.dim() + 1 - scaled.dim(), 0)
            scaled = scaled.reshape(len(tuples), *(1,) * missing, *scaled.shape[1:])
            result: Tensor = kernels.synthesize(scaled, self.z, self.record.names[0], 0)
            return result.movedim(0, -2)
        result = kernels.product_derivatives(coef, self.z, *self._tree(), [list(own) for own in tuples])
        powers = torch.stack([factor(self.beta, families, own) for own in tuples], -2)  # (..., J, 1)
        return result * powers

    def through_map(self, grad_z: Tensor, inner: Tensor, orders: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients in x, scale and shift, of that in z; `inner` is sum_n c_n dL/dc_n."""
        families, one = self.record.families, self.record.dim == 1
        grad_z, x = (part.unsqueeze(-1) if one else part for part in (grad_z, self.x))
        signs = vector(tuple(float(family.sign) for family in families), grad_z)
        grad_x = grad_z * (signs * self.beta).unsqueeze(-2)
        rest = gradients_through_map(grad_x, inner, x, self.beta, self.x0, families, orders)
        grad_scale, grad_shift = (part.squeeze(-1) if one else part for part in rest)
        return grad_x.squeeze(-1) if one else grad_x, grad_scale, grad_shift


def differentiated(kernels: ModuleType, coef: Tensor, name: str, orders: Sequence[int]) -> Tensor:
    """Return the coefficients (J, ..., K and more) of derivatives in z of a series on one axis."""
    more = family_by_name(name).count_with_derivative(0, max(orders))
    current = torch.nn.functional.pad(coef, (0, more))
    found = [current]
    for _ in range(max(orders)):
        found.append(kernels.differentiate(found[-1], name, False))
    return torch.stack([found[order] for order in orders])


def tree_of(own: SpaceRecord) -> Tensor:
    """Return the tree of an index set, in host memory."""
    return _tree_of(own.key)


@lru_cache(maxsize=256)
def _tree_of(key: str) -> Tensor:
    with lasting():
        return torch.from_numpy(record(key).tree.copy())
