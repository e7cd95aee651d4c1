"""Tensors that depend on plain values alone: kept in eager code, and one operator call in a compiled graph.

A compiled graph may not hold tensors that were made while it was traced, nor trace how they are made; it calls
torch.ops.specfast.constant, which names the object that they belong to by a text.
"""

from __future__ import annotations

import contextlib
import itertools
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from ._autograd import register_constant, without_modes, without_transforms

_Function = TypeVar("_Function", bound=Callable[..., Any])
_numbers = itertools.count()
_objects: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()
_kinds: dict[str, Callable[..., np.ndarray]] = {}
_makers: list[Callable[[str], Any]] = []


def untraced(function: _Function) -> _Function:
    """Mark a function from plain values to plain values: torch.compile calls it once.

    As torch.compiler.assume_constant_result, which imports the compiler, does.
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function


@contextlib.contextmanager
def lasting() -> Iterator[None]:
    """Make tensors that may be kept: real ones while a graph is traced, not of a transform nor of inference mode."""
    with without_modes(), without_transforms(), torch.inference_mode(False), torch.no_grad():
        yield


def enrol(value: Any) -> str:
    """Return a text by which `enrolled` finds the object as long as it lives."""
    name = f"#{next(_numbers)}"
    _objects[name] = value
    return name


def enrolled(name: str) -> Any:
    """Return the object that a text names, or the one that it describes."""
    return _objects[name] if name.startswith("#") else _described(name)


@lru_cache(maxsize=256)
def _described(text: str) -> Any:
    return _makers[0](text)


def set_maker(function: Callable[[str], Any]) -> None:
    """Tell what makes an object of its description."""
    _makers[:] = [function]


def kind(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """Register how constants are made: a function (object, *integers) -> array, known by its name."""
    _kinds[function.__name__] = function
    return function


@lru_cache(maxsize=1024)
def _array(owner: str, what: str, arguments: tuple[int, ...]) -> np.ndarray:
    with lasting():
        return _kinds[what](enrolled(owner), *arguments)


def _dtype(array: np.ndarray, like: torch.dtype) -> torch.dtype:
    if array.dtype.kind == "f":
        return torch.empty((), dtype=like).real.dtype if like.is_complex else like
    return torch.int32 if array.dtype == np.int32 else torch.int64


@lru_cache(maxsize=1024)
def _kept(owner: str, what: str, arguments: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    array = _array(owner, what, arguments)
    with lasting():
        return torch.tensor(array, dtype=_dtype(array, dtype), device=device)


def _kernel(like: Tensor, owner: str, what: str, arguments: Sequence[int] | None) -> Tensor:
    # A copy: what a graph owns it may write to. Packages of AOTInductor hand on None for an empty list.
    return _kept(owner, what, tuple(arguments or ()), like.dtype, like.device).clone()


def _fake(like: Tensor, owner: str, what: str, arguments: Sequence[int]) -> Tensor:
    array = _array(owner, what, tuple(arguments))
    return like.new_empty(array.shape, dtype=_dtype(array, like.dtype))


_operator = register_constant(
    "constant", "(Tensor like, str owner, str what, int[] arguments) -> Tensor", _kernel, _fake
)


def constant(like: Tensor, owner: str, what: str, *arguments: int, on_host: bool = False) -> Tensor:
    """Return a constant of the enrolled object on the device of `like`, or in main memory; real numbers in its (real) dtype."""
    if on_host and not like.is_cpu:
        like = torch.empty(0, dtype=like.dtype, device="cpu")
    if torch.compiler.is_compiling():
        return _operator(like.detach(), owner, what, list(arguments))
    return _kept(owner, what, arguments, like.dtype, like.device)


@lru_cache(maxsize=1024)
def _vector(values: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    with lasting():
        return torch.tensor(values, dtype=dtype, device=device)


def vector(values: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the numbers as a tensor."""
    if torch.compiler.is_compiling():
        return torch.tensor(values, dtype=dtype, device=device)
    return _vector(values, dtype, device)
