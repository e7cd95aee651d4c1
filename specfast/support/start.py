"""An interrupt of ``python -m specfast`` while the package, and PyTorch with it, is imported: one line, no traceback."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def _end(number: int, frame: FrameType | None) -> None:
    if os.environ.get("RANK", "0") == "0":
        os.write(2, b"specfast: interrupted; nothing was written\n")
    os._exit(130)


def end_if_interrupted() -> None:
    """Let an interrupt end the process if it was started as ``python -m specfast``, whose package comes before its main."""
    given = getattr(sys, "orig_argv", [])
    started = "-m" in given and given[given.index("-m") + 1 :][:1] == ["specfast"]
    # While a module given with -m is sought, sys.argv[0] is -m.
    if started and sys.argv[:1] == ["-m"] and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def main_begins() -> None:
    """Give interrupts back to Python's own handler."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)
