"""Arrays of any kind in, the same kind out: NumPy and CuPy arrays become torch tensors on the same memory, and back.

CuPy arrays are worked on in CuPy's current stream, and results lie in memory from its allocator.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

_Method = TypeVar("_Method", bound=Callable[..., Any])
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
    if type(value) is float or type(value) is int:
        kind_of = torch.float64 if type(value) is float else torch.int64
        # Filled where it is: a copy to a card would be waited for, and cannot be part of a graph.
        elsewhere = device is not None and device.type != "cpu"
        return torch.full((), value, dtype=kind_of, device=device) if elsewhere else torch.tensor(value, dtype=kind_of)
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
    return tensor


def takes_cupy(method: _Method) -> _Method:
    """Let a method on tensors take CuPy arrays: in CuPy's current stream, results in memory from its allocator.

    Raises
    ------
    TypeError
        If the arrays are on different devices, or (by the method itself) of different kinds.
    """

    @functools.wraps(method)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        if torch.compiler.is_compiling() or "cupy" not in sys.modules:
            return method(self, *args, **kwargs)
        kinds = [kind(value) for value in (*args, *kwargs.values())]
        if "cupy" not in kinds or "torch" in kinds or "numpy" in kinds:
            return method(self, *args, **kwargs)
        given = [value for value in (*args, *kwargs.values()) if kind(value) == "cupy"]
        devices = sorted({int(value.device.id) for value in given})
        if len(devices) > 1:
            raise TypeError(f"arrays on different devices: {devices}; one device is expected")
        with _stream_of_cupy(devices[0]):
            result = method(self, *map(_from_cupy, args), **{name: _from_cupy(value) for name, value in kwargs.items()})
            return tuple(map(_to_cupy, result)) if isinstance(result, tuple) else _to_cupy(result)

    return wrapped  # type: ignore[return-value]


@contextlib.contextmanager
def _stream_of_cupy(index: int) -> Any:
    """Make CuPy's current stream on a device PyTorch's."""
    import cupy

    with cupy.cuda.Device(index):
        address = cupy.cuda.get_current_stream().ptr
        device = torch.device("cuda", index)
        own = torch.cuda.ExternalStream(address, device) if address else torch.cuda.default_stream(device)
        with torch.cuda.stream(own):
            yield


def _from_cupy(value: Any) -> Any:
    return torch.from_dlpack(value) if kind(value) == "cupy" else value


def _to_cupy(tensor: Any) -> Any:
    import cupy

    if not isinstance(tensor, Tensor):
        return tensor
    result = cupy.empty(tuple(tensor.shape), dtype=str(tensor.dtype).removeprefix("torch."))
    torch.from_dlpack(result).copy_(tensor.detach())
    return result


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
