"""Arrays in, arrays of the same namespace out: NumPy and CuPy arrays become torch tensors on the same memory, and back.

CuPy arrays are worked on in CuPy's current stream, and results lie in memory from its allocator.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any, Literal, Protocol, TypeVar, overload

import numpy as np
import torch
from torch import Tensor


class OtherArray(Protocol):
    """An array of another namespace, such as CuPy's."""

    def __dlpack__(self, *, stream: int | None = None) -> object:
        """Return the memory as a capsule."""

    def __dlpack_device__(self) -> tuple[int, int]:
        """Return the kind and the number of the device."""


# An array of any of the namespaces.
Array = Tensor | np.ndarray | OtherArray
# What methods of a space take, and return in kind. Inside, `takes_arrays` has made tensors of them, which a checker cannot know.
ArrayT = TypeVar("ArrayT", bound=Array)
# Orders of differentiation: one on one axis, one an axis on several.
Orders = int | tuple[int, ...]
# Which arrays a method gives that is given none.
Namespace = Literal["torch", "numpy"]

_Method = TypeVar("_Method", bound=Callable[..., Any])
_REAL = {torch.complex32: torch.float16, torch.complex64: torch.float32, torch.complex128: torch.float64}


def namespace_of(value: object) -> str | None:
    """Return "torch", "numpy" or "cupy"; None for plain numbers, lists and anything else."""
    if isinstance(value, Tensor):
        return "torch"
    if isinstance(value, np.ndarray):
        return "numpy"
    cupy = sys.modules.get("cupy")
    if cupy is not None and isinstance(value, cupy.ndarray):
        return "cupy"
    return None


def common_namespace(**named: object) -> str:
    """Return the one namespace of the arrays among the arguments ("torch" if there is none).

    Raises
    ------
    TypeError
        If namespaces or devices are mixed.
    """
    if all(
        type(value) is int or type(value) is float or (type(value) is Tensor and value.is_cpu)
        for value in named.values()
    ):
        return "torch"
    namespaces = {name: namespace_of(value) for name, value in named.items()}
    present = {k for k in namespaces.values() if k is not None}
    if len(present) > 1:
        listed = ", ".join(f"{name} is {k}" for name, k in namespaces.items() if k is not None)
        raise TypeError(f"arrays of different namespaces: {listed}; arrays of one (torch, numpy or cupy) are expected")
    devices = {
        name: str(value.device) for name, value in named.items() if isinstance(value, Tensor) and value.dim() > 0
    }
    if len(set(devices.values())) > 1:
        listed = ", ".join(f"{name} is on {device}" for name, device in devices.items())
        raise TypeError(f"tensors on different devices: {listed}; one device is expected")
    return present.pop() if present else "torch"


def to_torch(name: str, value: object, device: torch.device | None = None) -> Tensor:
    """Return `value` as a tensor, sharing memory where there is any.

    Raises
    ------
    TypeError
        If it is not an array or number of floating-point, complex or integer type.
    """
    if isinstance(value, Tensor):
        return value
    if type(value) is float or type(value) is int:
        dtype = torch.float64 if type(value) is float else torch.int64
        # Filled where it is: a copy to a GPU would be waited for, and cannot be part of a graph.
        elsewhere = device is not None and device.type != "cpu"
        if elsewhere:
            return torch.full((), value, dtype=dtype, device=device)
        return torch.tensor(value, dtype=dtype, device="cpu")
    try:
        if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
            raise TypeError(
                f"{name}: a masked array with {int(np.ma.getmaskarray(value).sum())} values left out; Space.fit takes those"
                " with weight 0, here all values are expected"
            )
        array = np.asarray(value)
        if array.dtype.kind not in "fciub" or array.dtype.itemsize > (16 if array.dtype.kind == "c" else 8):
            raise TypeError
        if any(stride < 0 for stride in array.strides) or not array.dtype.isnative:
            array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
        if not array.flags.writeable:
            array = array.copy()
        return torch.as_tensor(array, device="cpu" if device is None else device)
    except (TypeError, ValueError) as error:
        if "masked" in str(error):
            raise
        raise TypeError(f"{name}: an array of numbers is expected, not {type(value).__name__}") from error


def check_namespace(namespace: str) -> str:
    """Return the namespace that an argument asks for, or raise an error that names what is accepted."""
    if namespace not in ("torch", "numpy"):
        raise ValueError(f"namespace={namespace!r}: 'torch' or 'numpy' is expected")
    return namespace


@overload
def to_namespace(result: Tensor, wanted: str) -> Array: ...
@overload
def to_namespace(result: tuple[Tensor, ...], wanted: str) -> tuple[Array, ...]: ...
@overload
def to_namespace(result: object, wanted: str) -> object: ...
def to_namespace(result: object, wanted: str) -> object:
    """Return a tensor, or a tuple of tensors, as arrays of the wanted namespace; NumPy shares the memory."""
    if isinstance(result, tuple):
        return tuple(to_namespace(part, wanted) for part in result)
    if not isinstance(result, Tensor) or wanted == "torch":
        return result
    return result.detach().cpu().numpy() if wanted == "numpy" else _to_cupy(result)


# What a method on tensors can be handed as it is: arrays of other namespaces, lists and subclasses of tensors are looked at.
_READY = frozenset({Tensor, torch.nn.Parameter, int, float, type(None), tuple, str})


def takes_arrays(*names: str) -> Callable[[_Method], _Method]:
    """Let a method on tensors and numbers take NumPy and CuPy arrays too, for the arguments named; results are of their namespace.

    CuPy arrays are worked on in CuPy's current stream, and results lie in memory from its allocator. Methods raise TypeError where
    namespaces or devices are mixed.
    """

    def decorate(method: _Method) -> _Method:
        positional = list(inspect.signature(method).parameters)[1:]
        wanted = frozenset(names)

        @functools.wraps(method)
        def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
            for value in args:
                if type(value) not in _READY:
                    break
            else:
                for name, value in kwargs.items():
                    if type(value) not in _READY and name in wanted:
                        break
                else:
                    return method(self, *args, **kwargs)
            if torch.compiler.is_compiling() and all(isinstance(value, Tensor) for value in args):
                return method(self, *args, **kwargs)
            given = {**dict(zip(positional, args, strict=False)), **kwargs}
            own = {name: value for name, value in given.items() if name in wanted}

            def call(turned: dict[str, Any]) -> Any:
                replaced = [turned.get(name, value) for name, value in zip(positional, args, strict=False)]
                return method(self, *replaced, **{name: turned.get(name, value) for name, value in kwargs.items()})

            return through_tensors(call, own)

        return wrapped  # type: ignore[return-value]

    return decorate


def leaves_out_masked(method: _Method) -> _Method:
    """Let a method of values, points and weights give masked values the weight 0."""

    @functools.wraps(method)
    def wrapped(self: Any, values: Any, points: Any, **rest: Any) -> Any:
        if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
            seen = (~np.ma.getmaskarray(values)).astype(np.float64)
            given = rest.get("weights")
            rest["weights"] = seen if given is None else np.asarray(given) * seen
            values = values.filled(0)
        return method(self, values, points, **rest)

    return wrapped  # type: ignore[return-value]


def through_tensors(call: Callable[..., object], arrays: dict[str, object]) -> object:
    """Call a function with tensors for arrays of any namespace, by name; its results are of that namespace again."""
    namespace = common_namespace(**arrays)
    if namespace == "cupy":
        arrays_of_cupy: list[Any] = [value for value in arrays.values() if namespace_of(value) == "cupy"]
        devices = sorted({int(value.device.id) for value in arrays_of_cupy})
        if len(devices) > 1:
            raise TypeError(f"arrays on different devices: {devices}; one device is expected")
        with _stream_of_cupy(devices[0]):
            return to_namespace(call({name: _from_cupy(value) for name, value in arrays.items()}), "cupy")
    turned = {
        name: value if value is None or type(value) in (int, float) else to_torch(name, value)
        for name, value in arrays.items()
    }
    return to_namespace(call(turned), namespace)


@contextlib.contextmanager
def _stream_of_cupy(index: int) -> Iterator[None]:
    """Make CuPy's current stream on a device PyTorch's."""
    import cupy

    with cupy.cuda.Device(index):
        address = cupy.cuda.get_current_stream().ptr
        device = torch.device("cuda", index)
        own = torch.cuda.ExternalStream(address, device) if address else torch.cuda.default_stream(device)
        with torch.cuda.stream(own):
            yield


def _from_cupy(value: Any) -> Any:
    return torch.from_dlpack(value) if namespace_of(value) == "cupy" else value


def _to_cupy(tensor: Tensor) -> OtherArray:
    import cupy

    result = cupy.empty(tuple(tensor.shape), dtype=str(tensor.dtype).removeprefix("torch."))
    torch.from_dlpack(result).copy_(tensor.detach())
    return result  # type: ignore[no-any-return]


def floating(tensor: Tensor) -> Tensor:
    """Return integers as float64, anything else as it is."""
    return tensor if tensor.is_floating_point() or tensor.is_complex() else tensor.double()


def real_dtype(dtype: torch.dtype) -> torch.dtype:
    """Return the real counterpart of a complex dtype."""
    return _REAL.get(dtype, dtype)


def computing_dtype(dtype: torch.dtype) -> torch.dtype:
    """Return the dtype in which a real result of `dtype` is computed: half precision in float32."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def to_dtype(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Convert; a tensor of that dtype at once."""
    return tensor if tensor.dtype is dtype else tensor.to(dtype)
