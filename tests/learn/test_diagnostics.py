"""Every line of the diagnosis is provoked by what it is about, and a sound run gets none."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from fields import moving_gaussian
from test_learn import exact_decay

from specfast import learn
from specfast.data.observations import make
from specfast.learn.encode import encode

D = torch.float64


def found(model):
    return " | ".join(model.metrics["training"]["diagnosis"])


def random_fields(count, times=4, seed=0):
    """Smooth fields without any law from one time to the next."""
    generator = torch.Generator().manual_seed(seed)
    import specfast as sf

    points = torch.linspace(-0.95, 0.95, 16, dtype=D)
    coef = torch.randn(count, times, 1, 3, generator=generator, dtype=D)
    values = sf.Space(sf.Chebyshev(degree=2)).synthesize(coef, points)
    return make(values.numpy(), points.numpy(), np.arange(float(times)), ("u",))


def test_a_sound_run_gets_no_advice():
    data, *_ = moving_gaussian(20, times=6)
    assert found(learn.fit(data, steps=30, progress=False)) == ""


def test_coefficients_that_do_not_decay():
    x = np.linspace(-0.95, 0.95, 40)
    phase = np.linspace(0, 1, 6)[:, None, None, None]
    values = np.sin(25 * x + phase + np.arange(3.0)[None, :, None, None] / 5)
    data = make(values, x, np.arange(3.0), ("u",))
    assert "do not decay" in found(learn.fit(data, "chebyshev", degree=8, steps=2, progress=False))


def test_noise_that_is_fitted():
    data = random_fields(40)
    training, validation = torch.arange(3), torch.arange(3, 40)
    options = {"degree": 2, "steps": 200, "learning_rate": 1e-2, "method": "rk4", "progress": False}
    model = learn.fit(data.select(training), "chebyshev", **options)
    assert "noise is fitted" in " ".join(learn.diagnose(model, data, training, validation))


def test_both_errors_high():
    model = learn.fit(random_fields(60), "chebyshev", degree=2, steps=20, method="rk4", progress=False)
    assert "both high" in found(model)


def test_training_worse_than_validation():
    data = exact_decay(20)
    rows = torch.randperm(20, generator=torch.Generator().manual_seed(0))  # as fit splits them
    values = data.values.clone()
    noise = torch.randn(values.shape, generator=torch.Generator().manual_seed(1), dtype=D)
    values[rows[2:]] += 0.1 * values.std() * noise[rows[2:]]
    noisy = replace(data, values=values)
    model = learn.fit(noisy, "chebyshev", degree=4, steps=40, progress=False)
    assert "far above validation" in found(model)


def test_gradients_that_vanish_or_explode():
    # Mass and norm kept by two coefficients leave nothing free.
    data = exact_decay(8)
    model = learn.fit(data, "legendre", degree=1, conserved=["mass", "norm"], steps=8, progress=False)
    assert "gradients vanish" in found(model)
    model.history = [{"gradient_norm": 1e5, "loss": 1.0, "evaluations": 9, "window": 2, "step": 1}]
    assert "gradients explode" in " ".join(learn.diagnose(model, data, torch.arange(6), torch.arange(6, 8)))


def test_stiffness_shows_in_the_record():
    data = exact_decay(8)
    model = learn.fit(data, "chebyshev", degree=4, steps=2, progress=False)
    with torch.no_grad():
        model.dynamics.linear.weight.sub_(300 * torch.eye(5, dtype=D))
    trainer = learn.trainer.Trainer(
        model, data, encode(model.encoder, data), torch.arange(8), None, torch.Generator().manual_seed(0),
        learn.checkpoint.State({"steps": 40}), None,
    )  # fmt: skip
    optimiser = torch.optim.SGD(model.dynamics.parameters(), lr=0.0)
    model.history = [trainer.step(step, 8, 0.0, optimiser) for step in range(3)]
    assert "evaluations of it between two observations" in " ".join(
        learn.diagnose(model, data, torch.arange(6), torch.arange(6, 8))
    )
    model.history = [{"gradient_norm": 0.0, "loss": float("nan"), "evaluations": 9, "window": 2, "step": 1}] * 3
    assert "gave up on 3 of 3" in " ".join(learn.diagnose(model, data, torch.arange(6), torch.arange(6, 8)))


@pytest.mark.parametrize(("column", "name"), [(-2, "beta along x"), (-1, "x0 along x")])
def test_scale_and_shift_that_run_away(column, name):
    data, *_ = moving_gaussian(10, times=6)
    model = learn.fit(data, steps=2, progress=False, scale_shift_penalty=0.0)
    assert "model away" not in found(model)
    with torch.no_grad():
        model.dynamics.linear.bias[column] += 3000 if column == -1 else -150
    assert f"{name} run away" in " ".join(learn.diagnose(model, data, torch.arange(9), torch.arange(9, 10)))
