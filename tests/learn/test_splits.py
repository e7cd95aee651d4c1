"""What judges a training was never seen by it: neither by the encoder, nor by the weights."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from fields import moving_gaussian
from test_checkpoints import interrupted_after
from test_learn import exact_decay

from specfast import learn
from specfast.data import to_dataset, write
from specfast.data.observations import make
from specfast.learn.checkpoint import read_tensors
from specfast.learn.splits import split, until
from specfast_cli import main

D = torch.float64


def parts_of(data, hold_out_time=None, seed=0):
    return split(data, torch.Generator().manual_seed(seed), hold_out_time)


def observed(pattern):
    """Observations of which snapshot t of trajectory r was seen where pattern[r][t] is 1."""
    seen = torch.tensor(pattern, dtype=D)
    values = torch.where(seen > 0, 1.0, torch.nan)[:, :, None, None].expand(-1, -1, 1, 5)
    return make(values.numpy(), np.linspace(0, 1, 5), np.arange(float(seen.shape[1])), ("u",))


@pytest.mark.parametrize(
    ("count", "times", "asked", "of", "last"),
    [(12, 6, None, "trajectories", 5), (4, 6, None, "trajectories", 5), (3, 10, None, "times", 6), (1, 4, None, "times", 2),
     (12, 10, 0.5, "times", 4), (3, 10, 0.0, None, 9), (1, 3, None, None, 2), (5, 10, 0.99, "times", 1),
     (12, 6, 0.0, "trajectories", 5)],
)  # fmt: skip
def test_what_is_kept_apart(count, times, asked, of, last):
    data = observed([[1] * times] * count)
    parts = parts_of(data, asked)
    assert parts.of == of and parts.last.tolist() == [last] * count
    if of == "trajectories":
        assert sorted([*parts.training.tolist(), *parts.validation.tolist()]) == list(range(count))
    else:
        assert sorted(parts.training.tolist()) == list(range(count))
        assert parts.validation.tolist() == (list(range(count)) if of else [])


def test_times_are_counted_where_something_was_observed():
    data = observed([[1] * 10, [0, 1, 0, 1, 1, 0, 1, 0, 0, 0], [1, 1, 1] + [0] * 7])
    parts = parts_of(data)
    assert parts.last.tolist() == [6, 4, 9] and parts.validation.tolist() == [0, 1]
    assert parts.share == pytest.approx((3 + 1) / (10 + 4))
    seen = until(data, parts.last).observed.int().tolist()
    assert seen[0] == [1] * 7 + [0] * 3 and seen[1] == [0, 1, 0, 1, 1] + [0] * 5 and seen[2] == [1, 1, 1] + [0] * 7
    tested = parts.tested(data).observed.int().tolist()
    assert tested == [[1] + [0] * 6 + [1] * 3, [0, 1, 0, 0, 0, 0, 1, 0, 0, 0]]


CASES = {
    "one trajectory": (1, {}),
    "three": (3, {"fixed": False, "degree": 6}),
    "asked for": (12, {"hold_out_time": 0.4}),
    "trajectories": (12, {}),
    "copies": (3, {"translation_invariant": True, "degree": 8, "fixed": True}),
    "copies of trajectories": (12, {"translation_invariant": True, "degree": 8, "fixed": True}),
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_held_out_is_seen(tmp_path, case):
    count, options = CASES[case]
    data, *_ = moving_gaussian(count, times=10, sensors=40)
    parts = parts_of(data, options.get("hold_out_time"))
    other = data.values.clone()
    generator = torch.Generator().manual_seed(1)
    if parts.of == "times":
        other[:, int(parts.last[0]) + 1 :] = torch.rand(
            other[:, int(parts.last[0]) + 1 :].shape, generator=generator, dtype=D
        )
    else:
        other[parts.validation] = torch.rand(other[parts.validation].shape, generator=generator, dtype=D)
    found = []
    for name, values in (("first", data.values), ("second", other)):
        given = replace(data, values=values)
        model = learn.fit(given, steps=6, batch=4, progress=False, folder=tmp_path / name, **options)
        tensors, _ = read_tensors(tmp_path / name / "training.safetensors")
        losses = [(r["loss"], r["gradient_norm"]) for r in model.history if "loss" in r]
        found.append((model.encoder, losses, {key: t for key, t in tensors.items() if key.startswith("model.")}))
        assert model.metrics["validation"]["of"] == parts.of
        errors = model.metrics["validation"]["relative_l2"]
        assert errors > 0.5 if name == "second" else errors < 0.5
    (encoder, losses, weights), (encoder_2, losses_2, weights_2) = found
    assert encoder.to_dict() == encoder_2.to_dict() and losses == losses_2
    assert all(torch.equal(weights[key], weights_2[key]) for key in weights)


def test_the_error_is_that_of_held_out_times_alone():
    data = exact_decay(2)
    model = learn.fit(data, "chebyshev", degree=4, steps=10, progress=False, hold_out_time=0.34)
    found = model.metrics["validation"]
    assert found["of"] == "times" and found["share"] == pytest.approx(2 / 6) and found["trajectories"] == 2
    assert model.metrics["last_time"] == pytest.approx(float(data.times[0, 3]))
    for name, start in (("relative_l2", 0), ("from_last_trained", 3)):
        u = model.predict(data.values[:, start], data.points, data.times[0, start:])
        wrong = u[:, 4 - start :] - data.values[:, 4:]
        assert found[name] == pytest.approx(float(wrong.norm() / data.values[:, 4:].norm()), rel=1e-3)


def test_nothing_can_be_held_out():
    data = exact_decay(1)
    short = replace(data, values=data.values[:, :3], times=data.times[:, :3])
    model = learn.fit(short, "chebyshev", degree=4, steps=8, progress=False)
    assert model.metrics["validation"] is None and model.metrics["training"]["validation_relative_l2"] is None
    assert model.metrics["training"]["weights"] == "last"
    assert not any("validation" in record for record in model.history)


def test_the_last_weights_are_resumed_too(tmp_path, monkeypatch):
    data = exact_decay(2)
    for hold_out_time in (0.0, 0.3):
        given = {"degree": 4, "steps": 12, "hold_out_time": hold_out_time, "progress": False}
        whole = learn.fit(data, "chebyshev", **given)
        interrupted_after(monkeypatch, 7)
        folder = tmp_path / str(hold_out_time)
        learn.fit(data, "chebyshev", folder=folder, **given)
        monkeypatch.undo()
        resumed = learn.fit(data, "chebyshev", folder=folder, resume=True, **given)
        weights = resumed.dynamics.state_dict()
        assert all(torch.equal(tensor, weights[name]) for name, tensor in whole.dynamics.state_dict().items())
        assert resumed.metrics["validation"] == whole.metrics["validation"]
    with pytest.raises(learn.DataError, match=r"hold_out_time=0\.3"):
        learn.fit(data, "chebyshev", folder=folder, resume=True, **{**given, "hold_out_time": 0.5})


def test_the_command_line_says_what_the_error_is_of(tmp_path, capsys):
    data = exact_decay(8)

    def headline(count, times, *options):
        source, out = tmp_path / f"{count}-{times}.nc", tmp_path / "run"
        some = replace(data, values=data.values[:count, :times], times=data.times[:count, :times])
        write(to_dataset(some), source)
        arguments = ["learn", str(source), "--basis", "chebyshev", "--degree", "4", "--steps", "2", "--overwrite"]
        assert main([*arguments, "--out", str(out), *options]) == 0
        lines = capsys.readouterr().out.splitlines()
        metrics = json.loads((out / "metrics.json").read_text())["metrics"]
        return next(line for line in lines if line.startswith("relative_l2")), metrics

    line, metrics = headline(2, 6, "--hold-out", "1")
    assert line.endswith("on 1 held-out trajectory") and metrics["validation"]["of"] == "times"
    line, metrics = headline(2, 6)
    assert line.endswith("on the last 17 % of the times of 2 trajectories, never trained on")
    assert f"{metrics['validation']['relative_l2']:.5f}" in line
    line, metrics = headline(8, 6)
    assert line.endswith("on 1 trajectory kept for validation, never trained on")
    assert f"{metrics['validation']['relative_l2']:.5f}" in line
    assert headline(8, 6, "--hold-out-time", "0.5")[0].endswith(
        "the last 50 % of the times of 8 trajectories, never trained on"
    )
    line, metrics = headline(1, 3)
    assert line.endswith("on the training data (nothing was held out)") and metrics["validation"] is None
    assert "of each run alone" not in headline(2, 6, "--ensemble", "2")[0]
    with pytest.raises(AssertionError):
        headline(2, 6, "--hold-out-time", "1")
    assert "--hold-out-time 1" in capsys.readouterr().err
