"""A space whose coefficients, or whose points, are split over processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..index_sets.partition import Part
from ..ops.collectives import all_reduce, copy_to_group
from ..space import Space
from ..space.arguments import in_parts
from ..space.array_api import Orders

if TYPE_CHECKING:
    from torch.distributed.device_mesh import DeviceMesh


class SpaceShard:
    r"""One process's part of a space: :math:`u = \sum_r \sum_{n \in \Lambda_r} c_n \Phi_n`, :math:`\Lambda_r` the part of process r.

    Made by `shard`. Every process calls the same methods in the same order.

    Parameters
    ----------
    space : Space
    mesh : DeviceMesh
    indices, points : int, str or None
        Which axis of the mesh splits them.

    Attributes
    ----------
    size : int
        How many coefficients this process has, K_r.
    begin : int
        Which of the whole's coefficients the first of these is.

    Notes
    -----
    Along the axis of the mesh that splits the indices, points and values are the same in every process, and each has its own
    coefficients (..., K_r). Along the axis that splits the points, the coefficients are the same, and each has its own points and
    values. Gradients are those of the sum, over the processes along the latter, of what they make of their values, where
    what is the same in all of them (`norm`, the result of `adjoint`) counts once. Cost and messages: see docs/processes.md.

    Examples
    --------
    >>> import torch, specfast as sf
    >>> from torch.distributed.device_mesh import init_device_mesh
    >>> def job():  # in every process that torchrun starts
    ...     space = sf.Space([sf.Hermite()] * 6, sf.HyperbolicCross(32))
    ...     mesh = init_device_mesh("cpu", (torch.distributed.get_world_size(),))
    ...     shard = sf.distributed.shard(space, mesh)
    ...     coef = torch.zeros(shard.size, dtype=torch.float64, requires_grad=True)  # this process's
    ...     points = torch.linspace(-1, 1, 600, dtype=torch.float64).reshape(100, 6)
    ...     return shard.synthesize(coef, points)  # (100,), in every process
    """

    def __init__(self, space: Space, mesh: DeviceMesh, indices: int | str | None = 0, points: int | str | None = None):
        self.space, self.mesh = space, mesh
        axes = {"indices": _axis("indices", indices, mesh), "points": _axis("points", points, mesh)}
        if axes["indices"] is None and axes["points"] is None:
            raise ValueError("indices=None, points=None: an axis of the mesh for at least one of them is expected")
        if axes["indices"] == axes["points"]:
            raise ValueError(f"indices={indices!r}, points={points!r}: two different axes of the mesh are expected")
        self._group = {name: None if axis is None else mesh.get_group(axis) for name, axis in axes.items()}
        self._name = {name: None if group is None else group.group_name for name, group in self._group.items()}
        self._own, self._leading, self.begin = space, 0, 0
        if axes["indices"] is not None:
            part = Part(space.functions, mesh.get_local_rank(axes["indices"]), mesh.size(axes["indices"]))
            self._leading, self.begin = part.leading(space.dim), part.begin(space.dim)
            self._own = Space(space.families, part)
        self.size = self._own.size - self._leading

    def __repr__(self) -> str:
        return f"SpaceShard({self.size} of {self.space.size} coefficients from {self.begin}, {self.space})"

    # ------------------------------------------------------------------------------------------------------ transforms

    def synthesize(
        self, coef: Tensor, points: Tensor, *, scale: Tensor | float = 1, shift: Tensor | float = 0, derivative: Orders | list[Orders] = 0
    ) -> Tensor:  # fmt: skip
        """Return the field of all processes' coefficients at this process's points; see `Space.synthesize`.

        One message of the size of the result along the axis that splits the indices.

        Parameters
        ----------
        coef : Tensor (..., K_r)
            This process's coefficients.
        points : Tensor (..., M, D)
            Points: the same in every process along the axis that splits the indices.
        scale, shift : number or Tensor (...,) or (..., D)
            beta and x0, the same in every process.
        derivative : int or tuple of int
            Order (one an axis).

        Returns
        -------
        Tensor (..., M)
            The same in every process along the axis that splits the indices.

        Raises
        ------
        ValueError, TypeError
            As `Space.synthesize`, and where an argument is no tensor.

        Examples
        --------
        >>> import torch, specfast as sf
        >>> import torch.distributed as dist
        >>> dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)  # torchrun's processes do without a store
        >>> space = sf.Space([sf.Hermite()] * 2, sf.TotalDegree(4))
        >>> part = sf.distributed.shard(space, dist.init_device_mesh("cpu", (1,)))
        >>> part.synthesize(torch.ones(part.size), torch.zeros(5, 2)).shape
        torch.Size([5])
        >>> dist.destroy_process_group()
        """
        coef, points, scale, shift = self._placed(coef, points, scale, shift)
        own = self._own.synthesize(coef, points, scale=scale, shift=shift, derivative=derivative)
        return self._sum("indices", own)

    def value_and_gradient(
        self, coef: Tensor, points: Tensor, *, scale: Tensor | float = 1, shift: Tensor | float = 0
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Return u and its gradient in x; see `Space.value_and_gradient`. Two messages, of the sizes of the results.

        Parameters
        ----------
        coef : Tensor (..., K_r)
            This process's coefficients.
        points : Tensor (..., M, D)
            Points: the same in every process along the axis that splits the indices.
        scale, shift : number or Tensor (...,) or (..., D)
            beta and x0, the same in every process.

        Returns
        -------
        value : Tensor (..., M)
        gradient : Tensor (..., M, D)

        Raises
        ------
        ValueError, TypeError
            As `Space.value_and_gradient`, and where an argument is no tensor.

        Examples
        --------
        >>> import torch, specfast as sf
        >>> import torch.distributed as dist
        >>> dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)  # torchrun's processes do without a store
        >>> space = sf.Space([sf.Hermite()] * 2, sf.TotalDegree(4))
        >>> part = sf.distributed.shard(space, dist.init_device_mesh("cpu", (1,)))
        >>> value, slope = part.value_and_gradient(torch.ones(part.size), torch.zeros(5, 2))
        >>> value.shape, slope.shape
        (torch.Size([5]), torch.Size([5, 2]))
        >>> dist.destroy_process_group()
        """
        coef, points, scale, shift = self._placed(coef, points, scale, shift)
        value, slope = self._own.value_and_gradient(coef, points, scale=scale, shift=shift)
        return self._sum("indices", value), self._sum("indices", slope)

    def adjoint(
        self, values: Tensor, points: Tensor, *, scale: Tensor | float = 1, shift: Tensor | float = 0, derivative: Orders | list[Orders] = 0
    ) -> Tensor:  # fmt: skip
        """Return the transpose of `synthesize` applied to all processes' values, this process's coefficients of it.

        One message of the size of the result along the axis that splits the points.

        Parameters
        ----------
        values : Tensor (..., M)
            Values at this process's points.
        points : Tensor (..., M, D)
            Points: the same in every process along the axis that splits the indices.
        scale, shift : number or Tensor (...,) or (..., D)
            beta and x0, the same in every process.
        derivative : int or tuple of int
            Order (one an axis).

        Returns
        -------
        Tensor (..., K_r)

        Raises
        ------
        ValueError, TypeError
            As `Space.adjoint`, and where an argument is no tensor.

        Examples
        --------
        >>> import torch, specfast as sf
        >>> import torch.distributed as dist
        >>> dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)  # torchrun's processes do without a store
        >>> space = sf.Space([sf.Hermite()] * 2, sf.TotalDegree(4))
        >>> part = sf.distributed.shard(space, dist.init_device_mesh("cpu", (1,)))
        >>> part.adjoint(torch.ones(5), torch.zeros(5, 2)).shape
        torch.Size([15])
        >>> dist.destroy_process_group()
        """
        _check("values", values)
        _, points, scale, shift = self._placed(None, points, scale, shift)
        values = self._share("indices", values)
        own = self._own.adjoint(values, points, scale=scale, shift=shift, derivative=derivative)
        return self._sum("points", own[..., self._leading :])

    def norm(self, coef: Tensor) -> Tensor:
        """Return the weighted L2 norm of the field of all processes' coefficients. One message of the size of the result.

        Parameters
        ----------
        coef : Tensor (..., K_r)
            This process's coefficients.

        Returns
        -------
        Tensor (...,)
            Real, the same in every process.

        Raises
        ------
        ValueError, TypeError
            As `Space.norm`, and where an argument is no tensor.

        Examples
        --------
        >>> import torch, specfast as sf
        >>> import torch.distributed as dist
        >>> dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)  # torchrun's processes do without a store
        >>> space = sf.Space([sf.Hermite()] * 2, sf.TotalDegree(4))
        >>> part = sf.distributed.shard(space, dist.init_device_mesh("cpu", (1,)))
        >>> round(float(part.norm(torch.ones(part.size)) ** 2), 4) == part.size
        True
        >>> dist.destroy_process_group()
        """
        _check("coef", coef)
        own = self._padded(coef)
        return self._sum("indices", self._own.inner(own, own).real) ** 0.5

    # ---------------------------------------------------------------------------------------------------- coefficients

    def scatter(self, coef: Tensor) -> Tensor:
        """Return this process's part (..., K_r) of coefficients (..., K) that every process has.

        Parameters
        ----------
        coef : Tensor (..., K)
            All coefficients.

        Returns
        -------
        Tensor (..., K_r)
            A view of them.

        Raises
        ------
        ValueError, TypeError
            If they are no tensor (..., K).

        Examples
        --------
        >>> import torch, specfast as sf
        >>> import torch.distributed as dist
        >>> dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)  # torchrun's processes do without a store
        >>> space = sf.Space([sf.Hermite()] * 2, sf.TotalDegree(4))
        >>> part = sf.distributed.shard(space, dist.init_device_mesh("cpu", (1,)))
        >>> part.scatter(torch.ones(space.size)).shape == (part.size,)
        True
        >>> dist.destroy_process_group()
        """
        _check("coef", coef)
        self.space._check_size("coef", coef, self.space.size)
        return self._share("indices", coef)[..., self.begin : self.begin + self.size]

    def gather(self, coef: Tensor) -> Tensor:
        """Return the coefficients of all processes, in each: only where they fit there. One message of their size.

        Parameters
        ----------
        coef : Tensor (..., K_r)
            This process's coefficients.

        Returns
        -------
        Tensor (..., K)

        Raises
        ------
        ValueError, TypeError
            If they are no tensor (..., K_r).

        Examples
        --------
        >>> import torch, specfast as sf
        >>> import torch.distributed as dist
        >>> dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)  # torchrun's processes do without a store
        >>> space = sf.Space([sf.Hermite()] * 2, sf.TotalDegree(4))
        >>> part = sf.distributed.shard(space, dist.init_device_mesh("cpu", (1,)))
        >>> part.gather(torch.ones(part.size)).shape == (space.size,)
        True
        >>> dist.destroy_process_group()
        """
        _check("coef", coef)
        self.space._check_size("coef", coef, self.size)
        behind = self.space.size - self.begin - self.size
        return self._sum("indices", torch.nn.functional.pad(coef, (self.begin, behind)))

    # ----------------------------------------------------------------------------------------------------- what is sent

    def _placed(
        self, coef: Tensor | None, points: Tensor, scale: Tensor | float, shift: Tensor | float
    ) -> tuple[Any, ...]:
        """Return the arguments with their gradients summed along the axes over which they are the same."""
        _check("points", points)
        if coef is not None:
            _check("coef", coef)
            coef = self._padded(self._share("points", coef))
        both = []
        for part in (scale, shift):
            if isinstance(part, Tensor):
                part = self._share("points", self._share("indices", part))
            both.append(part)
        return (coef, self._share("indices", points), *both)

    def _padded(self, coef: Tensor) -> Tensor:
        self.space._check_size("coef", coef, self.size)
        return torch.nn.functional.pad(coef, (self._leading, 0)) if self._leading else coef

    def _share(self, axis: str, tensor: Tensor) -> Tensor:
        name = self._name[axis]
        if name is None or (not tensor.is_floating_point() and not tensor.is_complex()):
            return tensor
        return in_parts(lambda part: copy_to_group(part, name), tensor)

    def _sum(self, axis: str, tensor: Tensor) -> Tensor:
        name = self._name[axis]
        return tensor if name is None else in_parts(lambda part: all_reduce(part, name), tensor)


def _axis(name: str, given: int | str | None, mesh: DeviceMesh) -> int | None:
    """Return the number of an axis of the mesh."""
    names = mesh.mesh_dim_names or ()
    if given is None:
        return None
    if isinstance(given, str) and given in names:
        return int(names.index(given))
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given < mesh.ndim:
        raise ValueError(f"{name}={given!r}: an axis of the mesh, 0 to {mesh.ndim - 1} or one of {names}, is expected")
    return given


def _check(name: str, tensor: object) -> None:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name} is a {type(tensor).__name__}; a torch tensor is expected")


def shard(
    space: Space, mesh: DeviceMesh, *, indices: int | str | None = 0, points: int | str | None = None
) -> SpaceShard:
    """Return this process's part of a space, for coefficients or points that are split over processes.

    Parameters
    ----------
    space : Space
        The whole.
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

    Examples
    --------
    >>> import torch, specfast as sf
    >>> import torch.distributed as dist
    >>> dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)  # torchrun's processes do without a store
    >>> space = sf.Space([sf.Hermite()] * 2, sf.TotalDegree(4))
    >>> part = sf.distributed.shard(space, dist.init_device_mesh("cpu", (1,)))
    >>> part
    SpaceShard(15 of 15 coefficients from 0, Space([Hermite(), Hermite()], TotalDegree(4)))
    >>> dist.destroy_process_group()
    """
    return SpaceShard(space, mesh, indices, points)
