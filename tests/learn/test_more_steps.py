"""A run that goes on with another number of steps than it was begun with."""

import math
from pathlib import Path

import pytest
from test_checkpoints import fit, interrupted_after, same

from specfast import learn
from specfast.learn import trainer
from specfast_cli import main

DEMO = str(Path(__file__).parents[2] / "examples" / "data" / "diffusion.nc")


def rates_and_windows(monkeypatch):
    """Return a list that will hold (step, learning rate, window) of every step."""
    seen, plain = [], trainer.Trainer.step

    def step(self, number, batch, learning_rate, optimiser):
        record = plain(self, number, batch, learning_rate, optimiser)
        seen.append((number + 1, optimiser.param_groups[0]["lr"], record["window"]))
        return record

    monkeypatch.setattr(trainer.Trainer, "step", step)
    return seen


def test_a_finished_run_goes_on_as_a_training_of_the_new_number_of_steps(tmp_path, monkeypatch):
    first = fit(tmp_path / "a", steps=20)
    seen = rates_and_windows(monkeypatch)
    more = fit(tmp_path / "a", resume=True, steps=60)
    assert [step for step, _, _ in seen] == list(range(21, 61))
    for step, rate, _ in seen:
        wanted = 3e-3 * min(1.0, step / 50) * math.cos(math.pi * step / 120) ** 2
        assert rate == pytest.approx(wanted, abs=1e-12)
    training = more.metrics["training"]
    assert training["steps"] == 60 and not training["interrupted"]
    assert training["validation_relative_l2"] <= first.metrics["training"]["validation_relative_l2"]
    steps = [record["step"] for record in more.history]
    assert steps == sorted(steps) and steps[-1] == 60 and 20 in steps
    whole = seen.copy()
    seen.clear()
    monkeypatch.undo()
    seen = rates_and_windows(monkeypatch)
    fit(steps=60)
    assert [window for _, _, window in seen[20:]] == [window for _, _, window in whole]


def test_a_raised_run_that_is_interrupted_goes_on_bit_for_bit(tmp_path, monkeypatch):
    fit(tmp_path / "a", steps=20)
    fit(tmp_path / "b", steps=20)
    whole = fit(tmp_path / "a", resume=True, steps=50)
    interrupted_after(monkeypatch, 11)
    assert fit(tmp_path / "b", resume=True, steps=50).metrics["training"]["steps"] == 31
    monkeypatch.undo()
    assert same(whole, fit(tmp_path / "b", resume=True, steps=50))


def test_fewer_steps_than_are_done_are_refused(tmp_path, monkeypatch):
    interrupted_after(monkeypatch, 10)
    fit(tmp_path, steps=20)
    monkeypatch.undo()
    with pytest.raises(learn.DataError, match="10 steps are done; as many or more are expected, not 9"):
        fit(tmp_path, resume=True, steps=9)
    assert fit(tmp_path, resume=True, steps=15).metrics["training"]["steps"] == 15


@pytest.mark.parametrize("several", [[], ["--ensemble", "2"]])
def test_the_command_line_raises_runs(tmp_path, capsys, several):
    out = tmp_path / "run"
    command = ["learn", DEMO, "--degree", "6", "--fixed-basis", "--out", str(out), *several]
    assert main([*command, "--steps", "4"]) == 0
    capsys.readouterr()
    (out / "report.html").unlink()
    assert main([*command, "--steps", "4", "--resume"]) == 0  # nothing is left to do
    said = capsys.readouterr()
    count = 2 if several else 1
    assert said.err.count("nothing is left to do: all 4 steps are done") == count
    assert said.err.count("run 2 of 2") == count - 1
    assert "report" in said.out and (out / "report.html").is_file()
    assert main([*command, "--steps", "3", "--resume"]) == 2
    assert "4 steps are done" in capsys.readouterr().err
    assert main([*command, "--steps", "7", "--resume"]) == 0
    runs = learn.load_ensemble(out).models
    assert [run.metrics["training"]["steps"] for run in runs] == [7] * count
    assert "7 steps" in capsys.readouterr().out
