"""Lines about facts of a run, made to happen; and their advice, which names only options that there are and that were not given."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fields import moving_gaussian
from test_learn import exact_decay

from specfast import learn
from specfast.data.observations import make
from specfast.learn import diagnostics
from specfast.learn.advice import Advice, to_try
from specfast_cli.parser import _parser

D = torch.float64


def lines(model):
    return " | ".join(model.metrics["training"]["diagnosis"])


def test_better_than_rest_where_it_was_trained_and_worse_beyond():
    data = exact_decay(2)
    model = learn.fit(data, "chebyshev", degree=4, steps=20, progress=False, hold_out_time=0.34)
    assert "nothing changes" not in lines(model)
    # The same times trained on; after them nothing changes any more, which no equation of theirs foretells.
    still = data.values.clone()
    still[:, 4:] = data.values[:, :1]
    other = learn.fit(replace(data, values=still), "chebyshev", degree=4, steps=20, progress=False, hold_out_time=0.34)
    assert "after the times trained on the forecast is worse than that nothing changes" in lines(other)
    assert "against 0 %" in lines(other) and "--local 0" in lines(other)


def test_an_encoding_that_leaves_no_noise():
    x, phase = np.linspace(-0.95, 0.95, 60), np.linspace(0, 1, 6)[:, None, None, None]
    values = np.sin(25 * x + phase + np.arange(4.0)[None, :, None, None] / 5)
    data = make(values, x, np.arange(4.0), ("u",))
    model = learn.fit(data, "chebyshev", degree=8, steps=2, progress=False)
    assert re.search(r"the encoding leaves \d+ % of the field, and not as noise", lines(model))
    noise = np.random.default_rng(0).normal(size=values.shape)
    noisy = learn.fit(make(1 + 0.3 * noise, x, np.arange(4.0), ("u",)), "chebyshev", degree=8, steps=2, progress=False)
    assert "not as noise" not in lines(noisy)


@pytest.mark.parametrize("where", ["ends", "middle"])
def test_errors_at_the_ends(where, monkeypatch):
    data = exact_decay(6)
    model = learn.fit(data, "chebyshev", degree=4, steps=2, progress=False)
    place = slice(0, 1) if where == "ends" else slice(10, 11)

    def spiked(self, data, at=None):
        predicted = data.values.clone()
        predicted[..., place] += 3.0
        return predicted

    monkeypatch.setattr(learn.Model, "predict_dataset", spiked)
    found = " ".join(learn.diagnose(model, data, torch.arange(5), torch.arange(5, 6)))
    assert ("100 % of the squared error lies at the ends of x" in found) == (where == "ends")


def test_a_solver_that_fails_is_named():
    data = exact_decay(8)
    model = learn.fit(data, "chebyshev", degree=4, steps=2, progress=False)
    with torch.no_grad():
        model.dynamics.linear.weight.add_(1e6 * torch.eye(5, dtype=D))
    found = " ".join(learn.diagnose(model, data, torch.arange(6), torch.arange(6, 8)))
    assert "gave up on the forecasts of 2 of 2 trajectories" in found and "--method etdrk4" in found
    model.solver["method"] = "etdrk4"
    assert "etdrk4" not in " ".join(learn.diagnose(model, data, torch.arange(6), torch.arange(6, 8)))


def advice(data, basis, asked=None, **options):
    model = learn.fit(data, basis, degree=6, steps=1, progress=False, **options)
    return Advice(model, data, asked or options)


def everything(given):
    names = ("higher_degree", "lower_degree", "moving_basis", "fixed_basis", "scale_shift_penalty", "exponential", "local",
             "same_everywhere", "time_dependent", "depends_on_position", "parameters")  # fmt: skip
    return to_try(*(getattr(given, name)() for name in names))


def test_what_cannot_be_or_was_done_is_not_advised():
    interval = exact_decay(4)
    found = everything(advice(interval, "chebyshev"))
    assert "--local 0" in found and "--method etdrk4" in found and "--time-dependent" in found
    for absent in ("basis", "--scale-shift-penalty", "--translation-invariant", "--depends-on-position"):
        assert absent not in found
    found = everything(advice(interval, "chebyshev", local=0, time_dependent=True))
    assert "--local" not in found and "etdrk4" not in found and "--time-dependent" not in found
    assert "--depends-on-position" in found
    assert "etdrk4" not in everything(advice(interval, "chebyshev", method="etdrk4"))
    own_times = replace(interval, times=interval.times * torch.linspace(1, 2, 4, dtype=D)[:, None])
    assert "etdrk4" not in everything(advice(own_times, "chebyshev"))
    line, *_ = moving_gaussian(4, times=5)
    found = everything(advice(line, "hermite", fixed=False))
    assert "--fixed-basis" in found and "--scale-shift-penalty" in found and "moving" not in found
    found = everything(advice(line, "hermite", fixed=True))
    assert "a moving basis (without --fixed-basis)" in found and "--scale-shift-penalty" not in found
    assert "--translation-invariant" in found
    found = everything(advice(line, "hermite", translation_invariant=True, fixed=True))
    assert "--translation-invariant" not in found and "--depends-on-position" not in found
    few = replace(interval, values=interval.values[..., ::2], points=interval.points[:, ::2])
    assert "more sensors (there are 10" in everything(advice(few, "chebyshev"))


def test_options_that_are_named_are_there(capsys):
    text = "".join(Path(module.__file__).read_text() for module in (diagnostics, learn.advice))
    with pytest.raises(SystemExit):
        _parser("learn").parse_args(["learn", "--help"])
    help_text = capsys.readouterr().out
    assert all(option in help_text for option in set(re.findall(r"--[a-z]+[a-z-]*", text)))


def test_ends_of_lines():
    assert (
        to_try(None, None) == "" and to_try("a", None) == "; try a" and to_try("a", None, "b", "c") == "; try a, b or c"
    )
