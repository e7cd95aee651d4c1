"""The studies run, at their quick sizes, and what they are made of is right."""

import math

import numpy as np
import pytest
import torch

import specfast as sf
from specfast import cli, experiments
from specfast.experiments import Settings, fields, schroedinger
from specfast.experiments.rivals.grids import at_sensors, resample
from specfast.experiments.split_steps import SplitSteps, closest_unitary, generator_of

D = torch.float64


@pytest.mark.parametrize("name", experiments.STUDIES)
def test_a_study_in_short(name, tmp_path, capsys):
    assert cli.main(["experiments", name, "--quick", "--out", str(tmp_path)]) == 0
    page = (tmp_path / f"{name}.md").read_text()
    assert page.startswith("# ") and f"specfast experiments {name} --quick" in page and "|---|" in page
    assert str(tmp_path) not in page.replace(f"{name}.png", "")
    assert "page" in capsys.readouterr().out


def test_bad_input_is_one_line(tmp_path, capsys):
    for arguments, what in (
        (["experiments", "nothing"], "'nothing' is none"),
        (["experiments", "--seeds", "0"], "--seeds 0"),
        (["experiments", "--train", "x.nc"], "name it"),
        (["experiments", "schroedinger", "--test", "x.nc", "--out", str(tmp_path)], "--train, is expected too"),
        (["experiments", "schroedinger", "--train", "absent.nc", "--out", str(tmp_path)], "absent.nc"),
    ):
        assert cli.main(arguments) == 2
        said = capsys.readouterr().err
        assert what in said and said.count("\n") == 1


def test_burgers_solves_its_equation():
    times, points = torch.linspace(0.1, 0.1004, 5, dtype=D), torch.linspace(-0.9, 0.9, 1801, dtype=D)
    data = fields.burgers(2, times, points, 0)
    u, h, dt = data.values[:, :, 0], float(points[1] - points[0]), 1e-4
    rate = (u[:, 3] - u[:, 1]) / (2 * dt)
    slope = (u[:, 2, 2:] - u[:, 2, :-2]) / (2 * h)
    bend = (u[:, 2, 2:] - 2 * u[:, 2, 1:-1] + u[:, 2, :-2]) / h**2
    wrong = rate[:, 1:-1] + u[:, 2, 1:-1] * slope - 0.1 * bend
    assert wrong.abs().max() < 1e-3 * rate.abs().max()


def test_jumps_solve_their_equation():
    """In Fourier space the rate is (3/2) (exp(-k^2 / 4) - 1) times the field."""
    x = torch.linspace(-30, 30, 2048, dtype=D)[:-1]
    starts, times = torch.tensor([[0.5, 0.3], [1.2, -0.8]], dtype=D), torch.tensor([0.0, 0.7, 2.0], dtype=D)
    u = fields.jump_solution(x.expand(2, -1), starts, times)
    wave = 2 * torch.pi * torch.fft.fftfreq(len(x), float(x[1] - x[0]), dtype=D)
    exact = torch.fft.ifft(
        torch.fft.fft(u[:, :1]) * torch.exp(1.5 * times[:, None] * (torch.exp(-(wave**2) / 4) - 1))
    ).real
    assert (u - exact).abs().max() < 1e-9
    data, _ = fields.jumps(3, times, 40, 0)
    assert data.values.shape == (3, 3, 1, 40) and data.values.isfinite().all()


def test_moving_gaussians_solve_their_equation():
    times, h = torch.tensor([0.5, 0.5001, 0.5002], dtype=D), 1e-4
    data, b = fields.moving_gaussians(4, times, 30, 2.0, 0)
    x, width = data.points, 0.5001 + b[:, None]
    u, away = data.values[:, 1, 0], data.points - 2.0 * 0.5001
    rate = (data.values[:, 2, 0] - data.values[:, 0, 0]) / (2 * h)
    slope, bend = -2 * away / width * u, (4 * away**2 / width**2 - 2 / width) * u
    assert (rate - (-2.0 * slope + bend / 4)).abs().max() < 1e-5 * rate.abs().max() and x.shape == (4, 30)


def test_own_schroedinger_fields_keep_their_norm_and_converge():
    both, weights = schroedinger.own_fields(3, 96, 0), torch.from_numpy(sf.gauss(sf.Hermite(), 96)[1])
    norm = both.abs().square() @ weights
    assert (norm[:, 1] / norm[:, 0] - 1).abs().max() < 1e-5
    assert (both[:, 1] - both[:, 0]).abs().max() > 0.1


def test_noise_has_the_size_asked_for():
    data = fields.burgers(20, torch.linspace(0, 1, 5, dtype=D), fields.chebyshev_points(50), 0)
    more = fields.noisy(data, 0.1, 0)
    size = data.values.square().mean().sqrt()
    assert math.isclose(float((more.values - data.values).square().mean().sqrt() / size), 0.1, rel_tol=0.05)
    assert fields.noisy(data, 0.0, 0) is data


def test_split_steps_keep_the_norm_and_begin_with_the_closest_unitary_map():
    rng = np.random.default_rng(0)
    unitary = torch.from_numpy(np.linalg.qr(rng.standard_normal((12, 12)) + 1j * rng.standard_normal((12, 12)))[0])
    start = torch.from_numpy(rng.standard_normal((40, 12)) + 1j * rng.standard_normal((40, 12)))
    torch.testing.assert_close(closest_unitary(start, start @ unitary.mT), unitary)
    torch.testing.assert_close(torch.matrix_exp(1j * generator_of(unitary)), unitary)
    space, (points, weights) = sf.Space(sf.Hermite(degree=11)), map(torch.from_numpy, sf.gauss(sf.Hermite(), 12))
    phi = space.basis(points).to(torch.complex128)
    model = SplitSteps(12, start @ phi.mT, (start @ unitary.mT) @ phi.mT)
    u = (start @ phi.mT).to(torch.complex64)
    exact = ((start @ unitary.mT) @ phi.mT).to(torch.complex64)
    assert (model(u) - exact).abs().max() < 1e-4 * exact.abs().max()
    with torch.no_grad():
        model.local.normal_()
    norm = [part.abs().square() @ weights.float() for part in (u, model(u))]
    assert (norm[1] / norm[0] - 1).abs().max() < 1e-4


def test_a_grid_and_back():
    data = fields.burgers(3, torch.linspace(0, 1, 4, dtype=D), fields.chebyshev_points(96), 0)
    found = at_sensors(resample(data, -1, 1, 128), data)
    inside = data.points[0].abs() < 0.98
    assert (found - data.values)[..., inside].abs().max() < 1e-4 * data.values.abs().max()


def test_files_of_another_kind_are_refused():
    data = fields.burgers(3, torch.linspace(0, 1, 2, dtype=D), fields.chebyshev_points(16), 0)
    with pytest.raises(ValueError, match="channels re, im"):
        schroedinger.fields(data, "--train")
    settings = Settings(quick=True)
    assert settings.of(1, 2) == 1
