"""Matrix products of float32 in float32: PyTorch may be told to round their factors to ten bits (TF32), which no sum here survives."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Compute products on a card in full float32, whatever the user allows elsewhere; the setting is put back."""
    setting = torch.backends.cuda.matmul
    if device.type != "cuda" or (before := setting.fp32_precision) in ("ieee", "none"):
        yield
        return
    setting.fp32_precision = "ieee"
    try:
        yield
    finally:
        setting.fp32_precision = before
