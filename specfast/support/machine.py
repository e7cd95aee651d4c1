"""The machine this runs on."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def processor() -> str:
    """Return the name of this machine's processor."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                family = "AVX-512" if "avx512f" in Path("/proc/cpuinfo").read_text() else "AVX2 or less"
                return f"{name} ({family})"
    except OSError:
        pass
    return platform.processor() or platform.machine()


def memory() -> int:
    """Return this machine's memory in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
