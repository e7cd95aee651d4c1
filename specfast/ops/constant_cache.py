"""Tensors that depend on plain values alone: kept in eager code, and one operator call in a compiled graph.

A compiled graph may not hold tensors that were made while it was traced, nor trace how they are made; it calls
torch.ops.specfast.constant, which names the space that they belong to by its key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from ..kernels.kept import lasting
from ..kernels.space_key import record
from .register import register_constant

_Function = TypeVar("_Function", bound=Callable[..., Any])
_builders: dict[str, Callable[..., np.ndarray]] = {}


def untraced(function: _Function) -> _Function:
    """Mark a function from plain values to plain values: torch.compile calls it once.

    As torch.compiler.assume_constant_result, which imports the compiler, does.
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function


def builder(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """Register how constants are made: a function (SpaceRecord, *integers) -> array, known by its name."""
    _builders[function.__name__] = function
    return function


@lru_cache(maxsize=1024)
def _array(owner: str, what: str, arguments: tuple[int, ...]) -> np.ndarray:
    with lasting():
        return _builders[what](record(owner), *arguments)


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
    """Return a constant of the space `owner` on the device of `like`, or in host memory; real numbers in its (real) dtype."""
    if on_host and not like.is_cpu:
        like = torch.empty(0, dtype=like.dtype, device="cpu")
    if torch.compiler.is_compiling():
        return _operator(like.detach(), owner, what, list(arguments))
    return _kept(owner, what, arguments, like.dtype, like.device)
