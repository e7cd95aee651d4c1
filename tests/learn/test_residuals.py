"""What a basis leaves is told to be noise, or a field that it does not resolve; then the degree goes on."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from fields import moving_gaussian

from specfast import learn
from specfast.data import to_dataset, write
from specfast.data.observations import make
from specfast.learn.encode import encode
from specfast.learn.model_selection import choose_encoder
from specfast.learn.residuals import residual, some_snapshots
from specfast_cli import main

DEMO = Path(__file__).parents[2] / "examples" / "data" / "diffusion.nc"


def waves(k, noise, sensors=200, spread="even", axes=1, gaps=0.0, channels=1):
    """sin(k x + phase) of six trajectories and five times, of size 1 / sqrt(2), with noise of this standard deviation."""
    generator = np.random.default_rng(0)
    if axes == 1:
        x = np.linspace(-1, 1, sensors) if spread == "even" else generator.uniform(-1, 1, sensors)
        along = x
    else:
        x = generator.uniform(-1, 1, (sensors, axes))
        along = x[:, 0] + 0.5 * x[:, 1]
    phase = generator.uniform(0, 2 * np.pi, (6, 1, channels, 1)) + 0.2 * np.arange(5.0)[:, None, None]
    u = np.sin(k * along + phase)
    u = u + noise * generator.normal(size=u.shape)
    u[generator.uniform(size=u.shape) < gaps] = np.nan
    return make(u, x, np.arange(5.0), tuple("uv"[:channels]), ("x", "y")[:axes])


CASES = [{}, {"spread": "random"}, {"gaps": 0.3}, {"channels": 2}, {"axes": 2, "sensors": 400}]


def fitted(data, degree):
    encoder = choose_encoder(data, "chebyshev", degree=degree, gamma=-math.inf if data.dim > 1 else None)
    return residual(encoder, data)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("noise", [0.01, 0.2])
def test_noise_is_noise_and_as_large_as_it_is(case, noise):
    k, degree = (10, 24) if case.get("axes", 1) == 1 else (3, 9)
    found = fitted(waves(k, noise, **case), degree)
    assert found.noise == pytest.approx(noise * math.sqrt(2), rel=0.1)
    assert not found.unresolved and found.kind == "looks like noise"


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_a_field_past_the_degree_is_no_noise(case, noise):
    k, degree = (30, 20) if case.get("axes", 1) == 1 else (12, 8)
    found = fitted(waves(k, noise, **case), degree)
    assert found.relative > 0.5 and found.unresolved and found.noise < 0.5 * found.relative


def test_of_a_moving_basis():
    data, *_ = moving_gaussian(10, sensors=64, noise=0.02)
    encoder = choose_encoder(data, "hermite", degree=6, fixed=False)
    found = residual(encoder, data, encode(encoder, data).scale_shift)
    assert found.noise == pytest.approx(0.02, rel=0.15) and not found.unresolved


@pytest.mark.parametrize("spread", ["even", "random"])
@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize(("k", "sensors"), [(40, 200), (80, 300), (160, 600)])
def test_the_degree_goes_on_until_the_field_is_resolved(spread, noise, k, sensors):
    data = waves(k, noise, sensors, spread)
    encoder = choose_encoder(data, "chebyshev")
    # Coefficients of a wave fall off past n = k; what is left is noise, of which a fit keeps M - K degrees of freedom.
    assert k < encoder.space.size <= sensors // 2
    left = noise * math.sqrt(2 * (1 - encoder.space.size / sensors))
    assert residual(encoder, data).relative == pytest.approx(left, rel=0.1, abs=0.01)


def test_a_wave_packet_on_the_line_gets_the_degree_and_scale_that_it_needs():
    x, centre = np.linspace(-8, 8, 512), np.linspace(-0.5, 0.5, 6)[:, None, None, None]
    u = np.exp(-((x - centre) ** 2) / 8) * np.cos(20 * x + np.arange(5.0)[:, None, None] / 5)
    assert (
        residual(
            choose_encoder(make(u, x, np.arange(5.0), ("u",)), "hermite", fixed=True),
            make(u, x, np.arange(5.0), ("u",)),
        ).relative
        < 0.02
    )


def test_the_sensors_bound_the_degree_and_what_is_left_is_said(tmp_path, capsys):
    data, out = waves(40, 0.0, 60), tmp_path / "run"
    assert choose_encoder(data, "chebyshev").space.size <= 30
    write(to_dataset(data), tmp_path / "data.nc")
    command = ["learn", str(tmp_path / "data.nc"), "--basis", "chebyshev", "--steps", "2", "--out", str(out)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "of the field is left by the basis (unresolved)" in printed
    encoding = json.loads((out / "metrics.json").read_text())["metrics"]["encoding"]
    assert encoding["relative_l2"] > 0.5 and encoding["kind"] == "unresolved"


def test_what_was_resolved_keeps_its_degree():
    data = learn.read(DEMO)
    encoder = choose_encoder(data.select(torch.arange(64)), "hermite")
    assert encoder.space.size <= 13
    found = residual(encoder, data)
    assert found.relative < 0.004 and found.kind == "looks like noise"


def test_snapshots_are_those_observed():
    data = waves(4, 0.0)
    values = data.values.clone()
    values[:, 1:4] = torch.nan
    gaps = make(values.numpy(), data.points.numpy(), data.times.numpy(), ("u",))
    some, _ = some_snapshots(gaps, most=12)
    assert torch.equal(some.values[:, 0], gaps.values[gaps.observed])
