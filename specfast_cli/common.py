"""What several commands need: checks of paths, and lines of output."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from specfast.learn import Ensemble


def check_writable(folder: Path, option: str = "--out") -> None:
    """Raise before hours of training what could only be raised after them."""
    nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise OSError(f"{option} {folder}: {nearest} is not a folder that can be written to")


def print_spread(ensemble: Ensemble, figures: dict[str, Any]) -> None:
    if len(ensemble) > 1:
        own = ", ".join(f"{error:.5f}" for error in figures["members"])
        print(f"ensemble     spread {figures['spread']:.5f} of the field; its {len(ensemble)} runs alone: {own}")


def say(line: str) -> None:
    """Write to standard error; of several processes, which fail together, the first does."""
    if os.environ.get("RANK", "0") == "0":
        print(f"specfast: {line}", file=sys.stderr)
