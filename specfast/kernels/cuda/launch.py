"""Two ways to the same kernels for GPUs: those that were built with the package, and those that CuPy compiles at first use.

Both take a kernel's name, how it is launched, and its arguments as 64-bit integers (addresses among them), on a stream of the GPU.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor


class Launch(NamedTuple):
    """How a kernel is launched: blocks, threads, bytes of a block's memory, points a thread (or tile), tiles of a row (or parts)."""

    blocks: int
    threads: int
    memory: int
    points: int
    tiles: int


class Launcher(Protocol):
    """A way to the kernels."""

    def launch(self, name: str, how: Launch, arguments: Sequence[int], device: torch.device) -> None:
        """Put a kernel into the current stream of a device."""


class NvccLauncher:
    """The module `_cuda`, compiled with the package."""

    def __init__(self) -> None:
        from .. import _cuda

        if (trouble := _cuda.trouble()) is not None:
            raise ImportError(trouble)
        self._launch = _cuda.launch

    def launch(self, name: str, how: Launch, arguments: Sequence[int], device: torch.device) -> None:
        """Put a kernel into the current stream of a device."""
        with torch.cuda.device(device):
            stream = torch.cuda.current_stream(device).cuda_stream
            self._launch(name, how.blocks, how.threads, how.memory, list(arguments), stream)


class NvrtcLauncher:
    """The same source, compiled by CuPy for the GPU at hand and kept on disk."""

    def __init__(self) -> None:
        import cupy

        text = source()
        # CuPy's cache does not see what a text stands for; the hash makes another text another entry.
        options = ("--std=c++17", f"-DSPECFAST_SOURCE_{hashlib.sha256(text.encode()).hexdigest()[:16]}")
        self._cupy, self._module = cupy, cupy.RawModule(code=text, options=options)
        warnings.warn(
            "specfast: its CUDA kernels were not built with it; CuPy compiles them now, once for this GPU (the result is kept on disk)",
            stacklevel=2,
        )

    @cache  # noqa: B019 - one object a process
    def _function(self, name: str, index: int) -> Any:
        function = self._module.get_function(name)
        if name.startswith("cross"):  # once, so that no thread sees another one's limit
            most = self._cupy.cuda.Device(index).attributes["MaxSharedMemoryPerBlockOptin"]
            function.max_dynamic_shared_size_bytes = most
        return function

    @cache  # noqa: B019 - one object a process
    def _stream(self, address: int, index: int) -> Any:
        """Return torch's stream as CuPy sees it."""
        with warnings.catch_warnings():  # CuPy 14 wants another name, which 13 does not have
            warnings.simplefilter("ignore", DeprecationWarning)
            return self._cupy.cuda.ExternalStream(address, index)

    def launch(self, name: str, how: Launch, arguments: Sequence[int], device: torch.device) -> None:
        """Put a kernel into the current stream of a device."""
        import numpy as np

        cupy = self._cupy
        index = torch.cuda.current_device() if device.index is None else device.index
        stream = torch.cuda.current_stream(device).cuda_stream
        with cupy.cuda.Device(index), self._stream(stream, index):
            given = tuple(np.int64(argument) for argument in arguments)
            self._function(name, index)((how.blocks,), (how.threads,), given, shared_mem=how.memory)


def source_folder() -> Path:
    """Return where the kernels' sources are: beside the compiled module, or in the source tree."""
    from .. import _cpu

    for folder in (Path(_cpu.__file__).parent / "csrc", Path(__file__).parents[3] / "csrc"):
        if (folder / "cuda" / "kernels.cu").is_file():
            return folder
    raise FileNotFoundError("specfast: the sources of the CUDA kernels were not installed")


def source() -> str:
    """Return all kernels as one text: every header of ours in its place, those of the system for compilers that have them."""
    seen: set[Path] = set()

    def expanded(path: Path) -> str:
        path = path.resolve()
        if path in seen:
            return ""
        seen.add(path)
        lines = []
        for line in path.read_text().splitlines():
            found = re.match(r'\s*#include "(.*)"', line)
            if found and (path.parent / found[1]).is_file():
                lines.append(expanded(path.parent / found[1]))
            elif line.strip() != "#pragma once":
                lines.append(line)
        return "\n".join(lines)

    return expanded(source_folder() / "cuda" / "kernels.cu") + "\n"


def wanted_extra() -> str:
    """Return what is to be installed for the CUDA of this PyTorch."""
    version = (torch.version.cuda or "13").partition(".")[0]
    return f"specfast[cuda{version}]" if version in ("12", "13") else f"CuPy for CUDA {version}"


@cache
def find() -> Launcher:
    """Return the launcher that is there.

    Raises
    ------
    RuntimeError
        If there is none; says what to install.
    """
    reasons = []
    for name, launcher in (("nvcc", NvccLauncher), ("NVRTC", NvrtcLauncher)):
        try:
            return launcher()
        except ImportError as error:
            reasons.append(f"{name}: {error}")
    raise RuntimeError(
        f"specfast: no kernels for CUDA tensors ({'; '.join(reasons)}); install {wanted_extra()}, or set"
        " SPECFAST_BACKEND=reference to run the (slow) reference kernels there"
    )


def geometry(operation: str, row_count: int, points: int, double: bool) -> Launch:
    """Return how a kernel on one axis is launched."""
    from .. import _cpu

    return Launch(*_cpu.gpu_geometry(operation, row_count, points, double))


def run(name: str, how: Launch, device: torch.device, *arguments: Tensor | int | None) -> None:
    """Put a kernel into the current stream; tensors are handed on by their addresses."""
    given = [0 if a is None else a.data_ptr() if isinstance(a, Tensor) else a for a in arguments]
    find().launch(name, how, given, device)
