"""Ctrl-C at any moment: one line that says what is true, and exit code 130; the second time the process ends at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

NOTHING = "interrupted; nothing was written"


class Written:
    """What a command has written so far: the line that an interrupt is answered with."""

    def __init__(self) -> None:
        self._line: str | Callable[[], str] = NOTHING

    def say(self, line: str | Callable[[], str]) -> None:
        """Set the line, or what finds it out when it is wanted."""
        self._line = line

    @property
    def line(self) -> str:
        """What is to be said now."""
        return self._line if isinstance(self._line, str) else self._line()


written = Written()


def stamp(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from that which replaces it; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def end(number: int, frame: FrameType | None) -> None:
    """End the process: nothing has begun, and what is being imported may swallow an exception or print it."""
    if os.environ.get("RANK", "0") == "0":
        os.write(2, f"specfast: {NOTHING}\n".encode())
    os._exit(130)


def _raise_once(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # what is done now may take long, too
    raise KeyboardInterrupt


class Interrupts:
    """Answers Ctrl-C while a command runs; what did so before does again afterwards.

    A signal that is ignored, or that somebody else answers, is left alone.
    """

    def __init__(self) -> None:
        before = signal.getsignal(signal.SIGINT)
        self._before = before
        self._ours = before is signal.default_int_handler and threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Interrupts:
        written.say(NOTHING)
        self._answer(end)
        return self

    def work_begins(self) -> None:
        """From here on an interrupt is an exception: there may be something to keep."""
        self._answer(_raise_once)

    def __exit__(self, *error: object) -> None:
        if self._ours:
            signal.signal(signal.SIGINT, self._before)

    def _answer(self, handler: Callable[[int, FrameType | None], None]) -> None:
        if self._ours:
            signal.signal(signal.SIGINT, handler)
