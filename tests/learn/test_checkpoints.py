"""A training that is interrupted, killed or resumed: the remainder loads, and what comes out has the same bits."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from test_learn import exact_decay

import specfast as sf
from specfast import learn
from specfast.learn import trainer
from specfast_cli import main


def fit(folder=None, resume=False, steps=20, **options):
    return learn.fit(
        exact_decay(10),
        "chebyshev",
        steps=steps,
        batch=4,
        hidden=(16,),
        progress=False,
        folder=folder,
        resume=resume,
        **options,
    )


def same(first, second):
    a, b = first.dynamics.state_dict(), second.dynamics.state_dict()
    return all(torch.equal(a[name], b[name]) for name in a)


def interrupted_after(monkeypatch, count):
    steps, plain = iter(range(count)), trainer.Trainer.step

    def step(self, *args):
        if next(steps, None) is None:
            raise KeyboardInterrupt
        return plain(self, *args)

    monkeypatch.setattr(trainer.Trainer, "step", step)


def test_an_interrupt_keeps_the_best_weights_and_resuming_changes_no_bit(tmp_path, monkeypatch):
    whole = fit()
    interrupted_after(monkeypatch, 13)
    stopped = fit(tmp_path / "model")
    assert stopped.metrics["training"]["interrupted"] and stopped.metrics["training"]["steps"] == 13
    assert same(stopped, learn.load(tmp_path / "model"))
    monkeypatch.undo()
    resumed = fit(tmp_path / "model", resume=True)
    assert same(whole, resumed) and not resumed.metrics["training"]["interrupted"]
    drop = ("seconds",)
    history = [
        [{k: v for k, v in record.items() if k not in drop} for record in model.history] for model in (whole, resumed)
    ]
    assert history[0] == history[1]
    lines = [json.loads(line) for line in (tmp_path / "model" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [record["step"] for record in resumed.history]
    assert {"loss", "validation", "gradient_norm", "evaluations", "seconds"} <= set(lines[-1])
    again = fit(tmp_path / "model", resume=True)  # nothing is left to do
    assert same(whole, again)


def test_only_the_same_training_is_resumed(tmp_path, monkeypatch):
    with pytest.raises(learn.DataError, match="no training to resume"):
        fit(tmp_path, resume=True)
    interrupted_after(monkeypatch, 5)
    fit(tmp_path)
    monkeypatch.undo()
    with pytest.raises(learn.DataError, match="started with seed=0"):
        fit(tmp_path, resume=True, seed=1)
    with pytest.raises(learn.DataError, match="other data"):
        learn.fit(
            exact_decay(9), "chebyshev", steps=20, batch=4, hidden=(16,), progress=False, folder=tmp_path, resume=True
        )
    state = tmp_path / "training.safetensors"
    kept = state.read_bytes()
    for broken in (kept[: len(kept) // 2], b"", b"not a checkpoint at all"):
        state.write_bytes(broken)
        with pytest.raises(learn.DataError, match="checkpoint cannot be read") as error:
            fit(tmp_path, resume=True)
        assert "\n" not in str(error.value)


def test_the_command_line_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    demo, out = str(Path(__file__).parents[2] / "examples" / "data" / "diffusion.nc"), tmp_path / "model"
    command = ["learn", demo, "--steps", "6", "--out", str(out)]
    interrupted_after(monkeypatch, 3)
    assert main(command) == 130
    assert "--resume goes on" in capsys.readouterr().err
    monkeypatch.undo()
    assert main(command) == 2  # a run is there
    assert main([*command, "--resume", "--overwrite"]) == 2
    assert main([*command, "--resume"]) == 0
    assert learn.load(out).metrics["training"]["steps"] == 6


@pytest.mark.slow
def test_a_run_that_is_killed_loads_and_goes_on(tmp_path):
    script = (
        "import sys; sys.path[:0] = sys.argv[1].split(':'); import test_checkpoints as t;"
        "t.fit(t.Path(sys.argv[2]), resume=sys.argv[3] == 'resume', steps=120); print('done')"
    )

    def start(resume):
        words = [
            sys.executable,
            "-c",
            script,
            f"{Path(__file__).parent}:{Path(__file__).parents[1] / 'helpers'}",
            str(tmp_path / "model"),
            resume,
        ]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    chance, folder = random.Random(0), tmp_path / "model"
    for _ in range(4):
        process = start("resume" if (folder / "training.safetensors").exists() else "start")
        deadline = time.monotonic() + 60
        while process.poll() is None and not (folder / "log.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(chance.uniform(0, 1.5))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert learn.load(folder).dynamics.state_dict()
    process = start("resume")
    output, errors = process.communicate(timeout=120)
    assert "done" in output, errors
    assert same(learn.load(folder), fit(steps=120))


def test_predictions_are_written_as_they_are_read(tmp_path):
    demo, out = str(Path(__file__).parents[2] / "examples" / "data" / "diffusion.nc"), tmp_path / "model"
    assert main(["learn", demo, "--steps", "4", "--out", str(out)]) == 0
    target = tmp_path / "p.nc"
    assert main(["predict", str(out), demo, "--out", str(target)]) == 0
    assert main(["predict", str(out), demo, "--out", str(target)]) == 2  # there already
    given, found, model = learn.read(demo), learn.read(target), sf.learn.load(out)
    torch.testing.assert_close(found.values, model.predict_dataset(given), equal_nan=True)
    assert torch.equal(found.times, given.times) and torch.equal(found.points, given.points)
