"""What the machine can do: FMAs a second by type of number, with one thread and with all; bytes a second copied."""

from __future__ import annotations

import contextlib
import platform
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from .work import Timed

DTYPES = (torch.float32, torch.float64)
COPIED = 1 << 27  # bytes, beyond any cache


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Let PyTorch and our kernels use so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def peak(dtype: torch.dtype, seconds: float = 1e-3) -> tuple[Timed, int]:
    """Return a loop of independent FMAs on all of PyTorch's threads, and how many a call of it does."""
    from ..kernels import cpu

    cpu.run_fma(1000, dtype)
    started = time.perf_counter()
    cpu.run_fma(100_000, dtype)
    rounds = max(1000, int(100_000 * seconds / (time.perf_counter() - started)))
    return lambda: cpu.run_fma(rounds, dtype), cpu.run_fma(rounds, dtype)


def _rate(dtype: torch.dtype) -> float:
    loop, count = peak(dtype, 5e-3)
    return count / _median(loop)


def _median(function: Timed, repeats: int = 9) -> float:
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _bandwidth() -> float:
    """Return bytes a second of a copy, those read and those written."""
    source = torch.ones(COPIED // 8, dtype=torch.float64)
    target = torch.empty_like(source)
    return 2 * COPIED / _median(lambda: target.copy_(source))


def with_peak_memory(function: Timed) -> tuple[Any, int | None]:
    """Return the result of a call, and by how many bytes the process was larger at most while it ran; None where the system does not say."""
    try:
        Path("/proc/self/clear_refs").write_text("5")  # forget the largest size so far
        before = _status("VmRSS")
    except OSError:
        return function(), None
    result = function()
    return result, max(0, _status("VmHWM") - before)


def _status(name: str) -> int:
    """Return a size of this process in bytes."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return 1024 * int(line.split()[1])


def machine() -> dict[str, Any]:
    """Return names and versions, and rates in G FMAs a second and GB/s, with one thread and with all."""
    import numpy

    from .. import __version__
    from ..kernels import cpu
    from ..support.machine import processor

    rates: dict[str, Any] = {}
    for count in dict.fromkeys((1, torch.get_num_threads())):
        with threads(count):
            rates[str(count)] = {
                **{str(dtype)[6:]: _rate(dtype) / 1e9 for dtype in DTYPES},
                "copy": _bandwidth() / 1e9,
            }
    return {
        "processor": processor(),
        "instructions": cpu.instruction_set,
        "threads": torch.get_num_threads(),
        "rates": rates,
        "versions": {
            "specfast": __version__, "torch": torch.__version__, "numpy": numpy.__version__, "Python": platform.python_version(),
        },
    }  # fmt: skip


def described(found: dict[str, Any]) -> str:
    """Return what `machine` found, to be read."""
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    lines = [f"{found['processor']}, kernels for {found['instructions']}, {found['threads']} threads; {versions}", ""]
    lines += ["| threads | float32, G FMAs/s | float64 | copy, GB/s |", "|---|---|---|---|"]
    for count, rates in found["rates"].items():
        lines.append(f"| {count} | {rates['float32']:.1f} | {rates['float64']:.1f} | {rates['copy']:.1f} |")
    return "\n".join(lines)
