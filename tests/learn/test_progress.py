"""What a training says while it runs, on a terminal and in a log."""

import io
import sys
import time
from pathlib import Path

import pytest

from specfast.learn import progress
from specfast_cli import main

DEMO = str(Path(__file__).parents[2] / "examples" / "data" / "diffusion.nc")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_lines_come_at_growing_intervals_and_at_the_last_step(clock, capsys):
    shown = progress.Progress(1000, 100, 0.5, shown=True)
    at = []
    for step in range(101, 1001):
        clock[0] += 1
        shown.update(1e-3, 0.25 if step == 105 else None)
        if line := capsys.readouterr().err:
            at.append(step - 100)
            last = line
    shown.close()
    # 10 s, then 20, 40 and 60 later, and 60 from then on; the last step has one of its own.
    assert at == [10, 30, 70, *range(130, 900, 60), 900]
    assert last.startswith(
        "specfast: step 1000 of 1000, loss 1.0e-03, validation 0.2500, elapsed 15:00, remaining 00:00"
    )


def test_remaining_time_counts_the_steps_of_this_call_alone(clock, capsys):
    shown = progress.Progress(300, 100, 0.5, shown=True)
    for _ in range(100):
        clock[0] += 1
        shown.update(0.1)
    assert "step 170 of 300, loss 1.0e-01, validation 0.5000, elapsed 01:10, remaining 02:10" in capsys.readouterr().err


def test_a_terminal_gets_a_bar_and_silence_is_silent(monkeypatch, capsys):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    shown = progress.Progress(3, 0, 0.5, shown=True)
    for _ in range(3):
        shown.update(0.1, 0.2)
    shown.close()
    text = terminal.getvalue()
    assert "\r" in text and "3/3" in text and "validation 0.2000" in text and "step 3 of 3" not in text
    monkeypatch.undo()
    quiet = progress.Progress(1, 0, 0.5, shown=False)
    quiet.update(0.1)
    quiet.close()
    with progress.phase("reading", shown=False):
        pass
    assert capsys.readouterr().err == ""


def test_a_phase_is_named_where_it_takes_long(monkeypatch, capsys):
    monkeypatch.setattr(progress, "SLOW", 0.05)
    with progress.phase("choosing the basis"):
        deadline = time.monotonic() + 20
        found = ""
        while not found and time.monotonic() < deadline:
            time.sleep(0.01)
            found = capsys.readouterr().err
    assert found == "specfast: choosing the basis ..\n"
    monkeypatch.setattr(progress, "SLOW", 1000.0)
    with progress.phase("reading"):
        pass
    assert capsys.readouterr().err == ""


def test_a_log_of_the_command_line_has_lines_without_carriage_returns(tmp_path, capfd):
    assert main(["learn", DEMO, "--steps", "4", "--degree", "6", "--fixed-basis", "--out", str(tmp_path / "run")]) == 0
    said = capfd.readouterr().err
    assert "\r" not in said
    assert "specfast: step 4 of 4, loss " in said and "validation" in said and "remaining 00:00" in said
