"""Observations at irregular times, and at nearly equal ones: an equation is learned from all of them, and closed forms say how well."""

import math

import numpy as np
import pytest
import torch

import specfast as sf
from specfast import learn
from specfast.data.observations import make
from specfast.learn import trainer
from specfast.learn.dynamics import Dynamics, DynamicsConfig
from specfast.learn.encode import encode
from specfast.learn.model_selection import choose_encoder
from specfast.learn.moving_basis import smoothed
from specfast.nn import StiffError

D = torch.float64
POINTS = torch.linspace(-0.95, 0.95, 40, dtype=D)
SPACE = sf.Space(sf.Chebyshev(degree=4))


def decay(times, count=12, noise=1e-3, seed=0):
    """c_n(t) = c_n(0) exp(-n t / 4), seen with noise."""
    generator = torch.Generator().manual_seed(seed)
    times = torch.as_tensor(times, dtype=D)
    start = torch.randn(count, 1, 5, generator=generator, dtype=D)
    u = SPACE.synthesize(start * torch.exp(-torch.arange(5) * times[:, None] / 4), POINTS)
    u = u + noise * torch.randn(u.shape, generator=generator, dtype=D)
    return make(u[:, :, None].numpy(), POINTS.numpy(), times.numpy(), ("u",))


def twice(gap):
    """Return times of which every other one is there twice, but for a gap."""
    plain = np.linspace(0, 2, 11)
    return np.sort(np.concatenate([plain, plain[::2] + gap]))


TIMES = {
    "irregular": np.sort(np.random.default_rng(0).uniform(0, 2, 14)),
    "as a logarithm": np.concatenate([[0.0], np.geomspace(1e-5, 2, 12)]),
    "1e-4 apart": twice(1e-4),
    "1e-9 apart": twice(1e-9),
    "two at the start": np.concatenate([[0.0, 1e-9], np.linspace(0.2, 2, 10)]),
}


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize(
    "options", [{}, {"method": "rk4"}, {"method": "etdrk4"}, {"local": 0}], ids=["dopri5", "rk4", "etdrk4", "local"]
)
def test_a_training_ends_well(name, options):
    model = learn.fit(decay(TIMES[name]), "chebyshev", degree=4, steps=40, progress=False, **options)
    losses = [record["loss"] for record in model.history if "loss" in record]
    assert all(math.isfinite(loss) for loss in losses)
    exact = decay(np.linspace(0, 2, 9), noise=0.0, seed=1)
    assert model.evaluate(exact)["relative_l2"] < 0.04


@pytest.mark.parametrize("gap", [1e-4, 1e-9])
def test_a_moving_basis_ends_well(gap):
    generator, times = np.random.default_rng(0), twice(gap)
    a, b = generator.uniform(0.6, 1.4, 8), generator.uniform(1, 3, 8)
    x = np.sort(generator.uniform(-5, 7, (8, 60)), 1)

    def field(t, x):
        width = t[None, :, None] + b[:, None, None]
        return a[:, None, None] / np.sqrt(width) * np.exp(-((x[:, None] - t[None, :, None]) ** 2) / width)

    u = field(times, x)
    noisy = make((u + 2e-3 * generator.normal(size=u.shape))[:, :, None], x, times, ("u",))
    model = learn.fit(noisy, degree=8, fixed=False, steps=40, progress=False)
    assert all(math.isfinite(record["loss"]) for record in model.history if "loss" in record)
    plain = np.linspace(0, 2, 9)
    assert model.evaluate(make(field(plain, x)[:, :, None], x, plain, ("u",)))["relative_l2"] < 0.04


@pytest.mark.parametrize("name", ["1e-4 apart", "1e-9 apart"])
def test_the_linear_part_is_that_of_the_equation(name):
    data = decay(TIMES[name], count=40)
    encoder = choose_encoder(data, "chebyshev", degree=4, domain=[(-1.0, 1.0)])
    encoded = encode(encoder, data)
    dynamics = Dynamics(encoder, 1, DynamicsConfig())
    dynamics.initialise(encoder.state(encoded), data.times, data.observed)
    found = dynamics.linear_part()
    torch.testing.assert_close(found, -torch.diag(torch.arange(5, dtype=D)) / 4, rtol=0, atol=0.02)


def test_smoothing_takes_nearly_equal_times_for_one():
    times = torch.as_tensor(twice(1e-9), dtype=D)
    noise = 1e-2 * torch.randn(len(times), generator=torch.Generator().manual_seed(0), dtype=D)
    values = (times + noise)[None, :, None]
    found = smoothed(values, times[None], torch.ones(1, len(times), dtype=torch.bool))
    assert (found[0, :, 0] - times).abs().max() < 2e-2


def test_equal_times_are_named():
    u = np.ones((3, 4, 1, 5))
    x = np.linspace(0, 1, 5)
    with pytest.raises(
        learn.DataError, match=r"times 1 and 2 are 0\.5 and 0\.5; of two observations at one time their mean"
    ):
        make(u, x, np.array([0.0, 0.5, 0.5, 1.0]), ("u",))
    own = np.array([[0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 1.5]])
    with pytest.raises(learn.DataError, match=r"times 2 and 3 of trajectory 2 are 2\.0 and 1\.5$"):
        make(u, x, own, ("u",))


def test_a_loss_that_is_never_a_number_ends_the_training(monkeypatch):
    given, plain = [], trainer.Trainer.loss

    def loss(self, *args):
        given.append(args)
        return plain(self, *args) * (math.nan if len(given) > 5 else 1.0)

    monkeypatch.setattr(trainer.Trainer, "loss", loss)
    with pytest.raises(StiffError, match="loss was not finite on 10 steps in a row"):
        learn.fit(decay(np.linspace(0, 1, 6)), "chebyshev", degree=4, steps=100, progress=False)
    assert len(given) == 15
