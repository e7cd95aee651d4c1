"""Arrays of any kind in, the same kind out: NumPy and CuPy arrays become torch tensors on the same memory, and back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

_REAL = {torch.complex32: torch.float16, torch.complex64: torch.float32, torch.complex128: torch.float64}


def kind(value: Any) -> str | None:
    """Return "torch", "numpy" or "cupy"; None for plain numbers, lists and anything else."""
    if isinstance(value, Tensor):
        return "torch"
    if isinstance(value, np.ndarray):
        return "numpy"
    cupy = sys.modules.get("cupy")
    if cupy is not None and isinstance(value, cupy.ndarray):
        return "cupy"
    return None


def common_kind(**named: Any) -> str:
    """Return the one kind of the arrays among the arguments ("torch" if there is none).

    Raises
    ------
    TypeError
        If kinds or devices are mixed.
    """
    if all(
        type(value) is int or type(value) is float or (type(value) is Tensor and value.is_cpu)
        for value in named.values()
    ):
        return "torch"
    kinds = {name: kind(value) for name, value in named.items()}
    present = {k for k in kinds.values() if k is not None}
    if len(present) > 1:
        listed = ", ".join(f"{name} is {k}" for name, k in kinds.items() if k is not None)
        raise TypeError(f"arrays of different kinds: {listed}; arrays of one kind are expected")
    devices = {
        name: str(value.device) for name, value in named.items() if isinstance(value, Tensor) and value.dim() > 0
    }
    if len(set(devices.values())) > 1:
        listed = ", ".join(f"{name} is on {device}" for name, device in devices.items())
        raise TypeError(f"tensors on different devices: {listed}; one device is expected")
    return present.pop() if present else "torch"


def to_torch(name: str, value: Any, device: torch.device | None = None) -> Tensor:
    """Return `value` as a tensor, sharing memory where there is any.

    Raises
    ------
    TypeError
        If it is not an array or number of floating-point, complex or integer type.
    """
    if isinstance(value, Tensor):
        return value
    if type(value) is float:
        return torch.tensor(value, dtype=torch.float64, device=device)
    if type(value) is int:
        return torch.tensor(value, device=device)
    if kind(value) == "cupy":
        return torch.from_dlpack(value)
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "fciub" or array.dtype.itemsize > (16 if array.dtype.kind == "c" else 8):
            raise TypeError
        if any(stride < 0 for stride in array.strides) or not array.dtype.isnative:
            array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
        if not array.flags.writeable:
            array = array.copy()
        return torch.as_tensor(array, device=device)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name}: an array of numbers is expected, not {type(value).__name__}") from error


def as_tensors(**named: Any) -> list[Any]:
    """Return NumPy arrays as tensors on the same memory and plain numbers as they are.

    Raises
    ------
    TypeError
        If kinds are mixed, or something is no array of numbers.
    """
    common_kind(**named)
    return [value if type(value) in (int, float) else to_torch(name, value) for name, value in named.items()]


def to_kind(tensor: Tensor, wanted: str) -> Any:
    """Return the tensor as an array of the wanted kind, sharing memory."""
    if wanted == "numpy":
        return tensor.detach().cpu().numpy()
    if wanted == "cupy":
        import cupy

        return cupy.from_dlpack(tensor.detach())
    return tensor


def floating(tensor: Tensor) -> Tensor:
    """Return integers as float64, anything else as it is."""
    return tensor if tensor.is_floating_point() or tensor.is_complex() else tensor.double()


def check_broadcast(leads: dict[str, tuple[int, ...]]) -> None:
    """Raise ValueError if leading axes do not broadcast."""
    for axis in range(1, 1 + max(map(len, leads.values()))):
        sizes = {shape[-axis] for shape in leads.values() if len(shape) >= axis} - {1}
        if len(sizes) > 1:
            listed = ", ".join(f"{name} {shape}" for name, shape in leads.items())
            raise ValueError(f"leading axes do not broadcast: {listed}")


def real_dtype(dtype: torch.dtype) -> torch.dtype:
    """Return the real counterpart of a complex dtype."""
    return _REAL.get(dtype, dtype)


def computing_dtype(dtype: torch.dtype) -> torch.dtype:
    """Return the dtype in which a real result of `dtype` is computed: half precision in float32."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def apply_to_parts(function: Callable[[Tensor], Tensor], tensor: Tensor) -> Tensor:
    """Apply a real linear map of the last axis, leading axes broadcasting, to a real or complex tensor."""
    if not tensor.is_complex():
        return function(tensor)
    return torch.complex(function(tensor.real), function(tensor.imag))


def parts_to(tensor: Tensor, real: torch.dtype) -> Tensor:
    """Convert to the given real dtype, or its complex counterpart."""
    return to_dtype(tensor, real.to_complex() if tensor.is_complex() else real)


def to_dtype(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Convert; a tensor of that dtype at once."""
    return tensor if tensor.dtype is dtype else tensor.to(dtype)
