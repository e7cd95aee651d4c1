"""Tensors that may be kept, whatever modes, transforms or traces are at work when they are made."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import lru_cache

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes


@contextlib.contextmanager
def lasting() -> Iterator[None]:
    """Make tensors that may be kept: real ones while a graph is traced, not of a transform nor of inference mode."""
    with _disable_current_modes(), torch._C._DisableFuncTorch(), torch.inference_mode(False), torch.no_grad():
        yield


@lru_cache(maxsize=1024)
def kept_vector(values: tuple[float, ...] | float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return numbers, or one, as a tensor that is kept."""
    with lasting():
        return torch.tensor(values, dtype=dtype, device=device)
