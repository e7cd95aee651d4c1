"""What a training says of itself while it runs: a bar on a terminal, elsewhere a line now and then that suits a log."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

FIRST, LONGEST = 10.0, 60.0  # seconds to the first line; between two lines, which double until then
SLOW = 3.0  # seconds after which a phase is named
_LINE = "specfast: step {n_fmt} of {total_fmt}{postfix}, elapsed {elapsed}, remaining {remaining}"


def moves_back() -> bool:
    """Return whether a carriage return on standard error overwrites the line: on a terminal, and in a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules


def note(line: str) -> None:
    """Write a line to standard error, beside a bar if there is one."""
    tqdm.write(f"specfast: {line}", file=sys.stderr)
    sys.stderr.flush()


@contextmanager
def phase(what: str, shown: bool = True) -> Iterator[None]:
    """Name what is being done in one line, should it take longer than a few seconds."""
    timer = threading.Timer(SLOW, note, [f"{what} .."])
    timer.daemon = True
    if shown:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Progress:
    """Shows how far a training is.

    Parameters
    ----------
    total, done : int
        Steps in all, and those done before.
    validation : float, optional
        The best error so far, where anything is kept to judge by.
    shown : bool
        Whether to show anything.
    """

    def __init__(self, total: int, done: int, validation: float | None, shown: bool):
        bar = shown and moves_back()
        self.bar = tqdm(total=total, initial=done, disable=not bar, unit="step", desc="learning")
        self.lines = shown and not bar
        self.total, self.before, self.done, self.validation = total, done, done, validation
        self.started = time.monotonic()
        self.next, self.interval = FIRST, FIRST
        if shown and done >= total:
            note(f"nothing is left to do: all {total} steps are done")

    def update(self, loss: float, validation: float | None = None) -> None:
        """Count a step, with its loss and, where it was measured, the error of validation."""
        self.done += 1
        self.validation = self.validation if validation is None else validation
        found = f"loss {loss:.1e}" + ("" if self.validation is None else f", validation {self.validation:.4f}")
        self.bar.set_postfix_str(found, refresh=False)
        self.bar.update()
        elapsed = time.monotonic() - self.started
        if not self.lines or (elapsed < self.next and self.done < self.total):
            return
        self.interval = min(2 * self.interval, LONGEST)
        self.next = elapsed + self.interval
        line = tqdm.format_meter(self.done, self.total, elapsed, initial=self.before, postfix=found, bar_format=_LINE)
        print(line, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the bar as it stands."""
        self.bar.close()
