"""A moving basis: balance, location of snapshots, and the learned dynamics of scale and shift."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from fields import moving_gaussian

import specfast as sf
from specfast import learn
from specfast.adapt.mean_degree import balance
from specfast.data.observations import make
from specfast.experiments.exact_solutions import disturbed_fronts
from specfast.learn.encode import encode
from specfast.learn.model_selection import choose_encoder
from specfast.learn.moving_basis import locate, smoothed

D = torch.float64


def exact_scale_shifts(b, t, drift):
    return np.sqrt(2 / (t + b[:, None])), np.broadcast_to(drift * t, (len(b), len(t)))


def test_balance_of_gaussians_and_exponentials():
    x = torch.linspace(-8, 9, 300, dtype=D)
    space = sf.Space(sf.Hermite(degree=40))
    for width, centre in ((1.2, 0.3), (0.8, -0.5), (1.0, 0.0)):
        coef = space.fit(torch.exp(-((width * (x - centre)) ** 2) / 2), x)
        factor, offset = balance(space, coef[None], 0)
        assert float(factor) == pytest.approx(width, rel=1e-8) and float(offset) == pytest.approx(centre, abs=1e-8)
    half_line, y = sf.Space(sf.Laguerre(degree=10)), torch.linspace(0, 25, 300, dtype=D)
    for rate in (1.7, 0.9):
        factor, offset = balance(half_line, half_line.fit(torch.exp(-rate * y / 2), y)[None], 0)
        assert float(factor) == pytest.approx(rate, rel=1e-4) and float(offset) == 0
    factor, offset = balance(space, torch.zeros(1, 41, dtype=D), 0)
    assert float(factor) == 1 and float(offset) == 0
    with pytest.raises(ValueError, match="a line or half-line is expected"):
        balance(sf.Space(sf.Chebyshev(degree=4)), torch.ones(1, 5, dtype=D), 0)


def test_balance_of_each_axis_on_a_cross():
    space = sf.Space([sf.Hermite(), sf.Hermite()], sf.HyperbolicCross(24, -2.0))
    generator = torch.Generator().manual_seed(0)
    points = 8 * torch.rand(3000, 2, generator=generator, dtype=D) - 4
    field = torch.exp(-((1.1 * (points[:, 0] - 0.2)) ** 2) / 2 - (0.9 * (points[:, 1] + 0.1)) ** 2 / 2)
    coef = space.fit(field, points)[None]
    found = [tuple(map(float, balance(space, coef, axis))) for axis in range(2)]
    assert found[0] == pytest.approx((1.1, 0.2), abs=2e-3) and found[1] == pytest.approx((0.9, -0.1), abs=2e-3)


@pytest.mark.parametrize("drift", [1.0, 5.0])
def test_snapshots_are_located_each_by_itself(drift):
    data, _, b, t = moving_gaussian(12, drift=drift, sensors=64 + 16 * int(drift))
    basis = choose_encoder(data, "hermite")
    assert basis.moving
    found = locate(basis, data)
    log_scale, shift = basis.to_data_units(found)
    scale = log_scale.exp()
    beta, centre = exact_scale_shifts(b, t, drift)
    ratio = basis.ratio[0]
    assert np.abs(scale[..., 0].numpy() / (ratio * beta) - 1).max() < 0.02
    assert np.abs(beta * (shift[..., 0].numpy() - centre)).max() < 0.02
    few = data.select(torch.tensor([3, 7]))
    one = replace(few, values=few.values[:, 4:5], times=few.times[:, 4:5])
    torch.testing.assert_close(locate(basis, one), found[[3, 7], 4:5], rtol=1e-9, atol=1e-9)


def test_what_cannot_be_located_takes_the_reference():
    data, *_ = moving_gaussian(4)
    basis = choose_encoder(data, "hermite")
    values = data.values.clone()
    values[0, 3] = torch.nan
    values[1, 2, :, 3:] = torch.nan
    encoded = encode(basis, replace(data, values=values))
    for place in ((0, 3), (1, 2)):
        assert torch.equal(encoded.scale_shift[place], torch.zeros(2, dtype=D))
    assert encoded.coef.isfinite().all() and encoded.coef[0, 3].abs().max() == 0
    usable = ~values.isnan().any(-1).any(-1)
    smooth = smoothed(encoded.scale_shift, data.times, usable)
    exact = encode(basis, data).scale_shift
    assert (smooth - exact).abs().max() < 0.03  # the gaps are bridged


def test_snapshots_that_say_nothing_do_not_pull_at_the_scale_shift():
    data, *_ = moving_gaussian(6, times=12)
    values = data.values.clone()
    values[3, 4] = 0.0
    basis = choose_encoder(data, "hermite", fixed=False)
    scale_shift = encode(basis, replace(data, values=values)).scale_shift
    assert torch.equal(scale_shift[3, 4], torch.zeros(2, dtype=D))
    values[:, [2, 3, 5, 6, 7, 8, 9, 10]] = torch.nan
    gaps = replace(data, values=values)
    model = learn.fit(gaps, fixed=False, degree=4, steps=2, progress=False)
    assert model.metrics["scale_shift_penalty"] == 1e-2
    rows, encoded = torch.arange(6), encode(model.encoder, gaps)
    state = learn.checkpoint.State({"steps": 1})
    trainer = learn.trainer.Trainer(model, gaps, encoded, rows, rows, torch.Generator(), state, None)
    trainer.set_targets(None)
    exact = learn.encoder.Encoded(encoded.coef, encode(basis, data).scale_shift)
    seen = gaps.observed
    exact.scale_shift[seen] = encoded.scale_shift[seen]
    assert float(trainer.scale_shift_loss(exact, trainer.scale_shifts, trainer.usable)) < 1e-12


def test_scale_that_grows_without_bound_is_a_failed_prediction():
    data, *_ = moving_gaussian(5, times=5)
    model = learn.fit(data, steps=2, progress=False, method="rk4")
    with torch.no_grad():
        model.dynamics.linear.bias[-2] = 1e6
    figures = model.evaluate(data)
    assert figures["failed"] == list(range(5)) and figures["relative_l2"] == pytest.approx(1)


def test_the_dynamics_of_scale_and_shift_are_real(tmp_path):
    drift, kept = 1.0, 40
    data, _, b, t = moving_gaussian(kept + 20, drift=drift)
    clean, *_ = moving_gaussian(kept + 20, drift=drift, noise=0.0)
    training, tested = data.select(torch.arange(kept)), data.select(torch.arange(kept, kept + 20))
    truth = clean.select(torch.arange(kept, kept + 20)).values
    model = learn.fit(training, steps=160, progress=False)
    degree = model.encoder.space.index_set.degree
    fixed = learn.fit(training, steps=160, progress=False, fixed=True, degree=degree)
    assert model.encoder.moving and not fixed.encoder.moving

    def error(model):
        wrong = (model.predict_dataset(tested) - truth)[:, 1:]
        return float(wrong.norm() / truth[:, 1:].norm())

    assert error(model) < 0.25 * error(fixed)  # a thirtieth after 400 steps
    coef, scale, shift = model.rollout_state(tested.values[:, 0], tested.points, tested.times)
    beta, centre = exact_scale_shifts(b[kept:], t, drift)
    beta = beta * model.encoder.ratio[0]
    assert np.abs(scale[..., 0].numpy() / beta - 1).max() < 0.03
    assert np.abs((scale * shift)[..., 0].numpy() - beta * centre).max() < 0.03 * (beta * centre).max()
    # What `follow` gives is the field that `predict` gives, and survives the disk.
    field = model.encoder.space.synthesize(
        coef, tested.points[:, None, None], scale=scale[..., 0][..., None], shift=shift[..., 0][..., None]
    )
    torch.testing.assert_close(field, model.predict_dataset(tested), rtol=1e-9, atol=1e-9)
    model.save(tmp_path)
    assert torch.equal(learn.load(tmp_path).predict_dataset(tested), model.predict_dataset(tested))
    # The learned F[u] against the true one, -u_x + u_xx / 4.
    u, x, w = truth[:, 5], tested.points, torch.from_numpy(t[5] + b[kept:, None])
    z = x - drift * t[5]
    slope, curvature = -2 * z / w * u[:, 0], (4 * z**2 / w**2 - 2 / w) * u[:, 0]
    right = -drift * slope + curvature / 4
    learned = model.rhs(u, x)[:, 0]
    assert float((learned - right).norm() / right.norm()) < 0.05


def test_a_field_that_moves_off_is_followed():
    data, _, _b, _t = moving_gaussian(40, drift=5.0, end=1.0, sensors=96)
    model = learn.fit(data.select(torch.arange(30)), steps=80, progress=False)
    tested = data.select(torch.arange(30, 40))
    _, _scale, shift = model.rollout_state(tested.values[:, 0], tested.points, tested.times)
    assert model.evaluate(tested)["relative_l2"] < 0.01
    assert float((shift[:, -1, 0] - 5.0).abs().max()) < 0.05


def test_a_half_line_moves_its_scale_alone():
    # u = exp(-k x / (1 + t)): the scale falls, the end stays.
    generator = np.random.default_rng(0)
    k, t = generator.uniform(1, 3, 16), np.linspace(0, 1, 8)
    x = np.sort(generator.exponential(1.0, (16, 48)), 1)
    u = np.exp(-k[:, None, None] * x[:, None] / (1 + t[None, :, None]))
    data = make(u[:, :, None], x, t, ("u",))
    model = learn.fit(data, "laguerre", fixed=False, degree=6, steps=140, progress=False)
    assert model.encoder.moving_axes == ([0], [])
    _, scale, shift = model.rollout_state(data.values[:, 0], data.points, data.times)
    beta = 2 * k[:, None] / (1 + t)
    assert np.abs(scale[..., 0].numpy() / (model.encoder.ratio[0] * beta) - 1).max() < 0.1
    assert (shift == 0).all() and model.evaluate(data)["relative_l2"] < 0.02


def test_intervals_have_nothing_to_move():
    data, *_ = moving_gaussian(4)
    with pytest.raises(learn.DataError, match="could move"):
        learn.fit(data, "chebyshev", fixed=False, progress=False)


def test_a_field_that_does_not_decay_is_not_followed():
    x = torch.linspace(-8, 22, 120, dtype=torch.float64)
    data = disturbed_fronts(12, torch.linspace(0, 3, 8, dtype=torch.float64), x, 0)
    basis = choose_encoder(data, "hermite")
    assert not basis.moving
    encoded = encode(basis, data)
    left = basis.synthesize(encoded.coef, data.points) - data.values
    assert left.norm() < 0.02 * data.values.norm()
