"""Matrix products in the precision of their factors, whatever the user allows elsewhere.

PyTorch may be told to round factors of float32 to ten bits (TF32), for the whole process.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import torch

_lock = threading.Lock()
_inside: list[str] = []  # the setting as it was before the first of those that are inside


@contextlib.contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Compute products on a GPU in full float32; the setting is put back when the last of all threads leaves."""
    setting = torch.backends.cuda.matmul
    if device.type != "cuda":
        yield
        return
    with _lock:
        _inside.append(setting.fp32_precision if not _inside else _inside[0])
        if _inside[0] not in ("ieee", "none"):
            setting.fp32_precision = "ieee"
    try:
        yield
    finally:
        with _lock:
            before = _inside.pop()
            if not _inside and before not in ("ieee", "none"):
                setting.fp32_precision = before
