"""The studies run, at their quick sizes, and what they are made of is right."""

import math

import numpy as np
import pytest
import torch

import specfast as sf
import specfast_cli as cli
from specfast import experiments
from specfast.experiments import Settings, exact_solutions, schroedinger, sharp, six_axes, tails
from specfast.experiments.baselines.grids import at_sensors, resample
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
        (["experiments", "tails", "--train", "x.nc", "--out", str(tmp_path)], "tails makes its own fields"),
        (["experiments", "schroedinger", "--train", "absent.nc", "--out", str(tmp_path)], "absent.nc"),
    ):
        assert cli.main(arguments) == 2
        said = capsys.readouterr().err
        assert what in said and said.count("\n") == 1


def test_burgers_solves_its_equation():
    times, points = torch.linspace(0.1, 0.1004, 5, dtype=D), torch.linspace(-0.9, 0.9, 1801, dtype=D)
    data = exact_solutions.burgers(2, times, points, 0)
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
    u = exact_solutions.jump_solution(x.expand(2, -1), starts, times)
    wave = 2 * torch.pi * torch.fft.fftfreq(len(x), float(x[1] - x[0]), dtype=D)
    exact = torch.fft.ifft(
        torch.fft.fft(u[:, :1]) * torch.exp(1.5 * times[:, None] * (torch.exp(-(wave**2) / 4) - 1))
    ).real
    assert (u - exact).abs().max() < 1e-9
    data, _ = exact_solutions.jumps(3, times, 40, 0)
    assert data.values.shape == (3, 3, 1, 40) and data.values.isfinite().all()


def test_moving_gaussians_solve_their_equation():
    times, h = torch.tensor([0.5, 0.5001, 0.5002], dtype=D), 1e-4
    data, b = exact_solutions.moving_gaussians(4, times, 30, 2.0, 0)
    x, width = data.points, 0.5001 + b[:, None]
    u, away = data.values[:, 1, 0], data.points - 2.0 * 0.5001
    rate = (data.values[:, 2, 0] - data.values[:, 0, 0]) / (2 * h)
    slope, bend = -2 * away / width * u, (4 * away**2 / width**2 - 2 / width) * u
    assert (rate - (-2.0 * slope + bend / 4)).abs().max() < 1e-5 * rate.abs().max() and x.shape == (4, 30)


def _residual(u, x, times, rate):
    """Return |u_t - rate(u, u_x, u_xx)| / |u_t| at the middle of three times, by central differences in both, for u (R, 3, M)."""
    h, dt = float(x[1] - x[0]), float(times[2] - times[0])
    now, slope = u[:, 1], (u[:, 1, 2:] - u[:, 1, :-2]) / (2 * h)
    bend = (now[:, 2:] - 2 * now[:, 1:-1] + now[:, :-2]) / h**2
    exact = ((u[:, 2] - u[:, 0]) / dt)[:, 1:-1]
    return float((exact - rate(x[1:-1], now[:, 1:-1], slope, bend)).abs().max() / exact.abs().max())


SOME = torch.tensor([0.0, 0.999, 1.0, 1.001], dtype=D)


@pytest.mark.parametrize(
    ("make", "low", "high", "rate"),
    [
        (exact_solutions.allen_cahn, -1, 1, lambda x, u, slope, bend: bend / 50 + u - u**3),
        (exact_solutions.carried_fronts, -1, 1, lambda x, u, slope, bend: -0.6 * slope + bend / 500),
        (exact_solutions.disturbed_fronts, -10, 20, lambda x, u, slope, bend: bend + u - u**2),
    ],
)
def test_fields_solve_their_equations(make, low, high, rate):
    x = torch.linspace(low, high, 2001, dtype=D)
    data = make(3, SOME, x, 0)
    assert _residual(data.values[:, 1:, 0], x, SOME[1:], rate) < 5e-4


def test_fronts_begin_with_the_travelling_one_which_stays():
    x = torch.linspace(-15, 30, 400, dtype=D)
    start = exact_solutions.disturbed_fronts(2, SOME, x, 0).values[:, 0, 0] - exact_solutions.fisher_front(x)
    assert (start > -1e-5).all() and 0.01 < start.max() < 0.31
    h = 1e-3
    front = torch.stack([exact_solutions.fisher_front(x + h * k) for k in (-1, 0, 1)])
    rate = (exact_solutions.fisher_front(x, h) - exact_solutions.fisher_front(x, -h)) / (2 * h)
    bend = (front[2] - 2 * front[1] + front[0]) / h**2
    assert (rate - (bend + front[1] - front[1] ** 2)).abs().max() < 1e-6


def test_no_flux_through_the_ends():
    x = torch.tensor([-1, -1 + 1e-4, 1 - 1e-4, 1], dtype=D)
    u = exact_solutions.allen_cahn(3, SOME, x, 0).values[:, :, 0]
    assert ((u[..., 1] - u[..., 0]).abs() < 1e-6).all() and ((u[..., 3] - u[..., 2]).abs() < 1e-6).all()


def test_fellers_diffusion_solves_its_equation():
    times = torch.tensor([0.5, 0.5001, 0.5002], dtype=D)
    data, h = exact_solutions.feller(3, times, 60, 0), 1e-3
    generator = torch.Generator().manual_seed(0)
    a, b = torch.rand(2, 3, 1, 1, 2, generator=generator, dtype=D)
    width = torch.tensor([0.5, 1.5], dtype=D) * (1 + b) + 0.5001
    u = lambda x: ((0.5 + a) / width * torch.exp(-x[:, None, :, None] / width)).sum(-1)[:, 0]  # noqa: E731
    x = data.points
    torch.testing.assert_close(data.values[:, 1, 0], u(x), rtol=1e-7, atol=0)
    flux = [(x + s * h / 2) * (u(x + (s + 1) * h / 2) - u(x + (s - 1) * h / 2)) / h for s in (-1, 1)]
    rate = (data.values[:, 2, 0] - data.values[:, 0, 0]) / 2e-4
    assert (rate - (flux[1] - flux[0]) / h).abs().max() < 1e-5 * rate.abs().max()


def test_splitting_bumps_are_waves_at_rest_at_first():
    times = torch.tensor([0.0, 0.999, 1.0, 1.001], dtype=D)
    data = exact_solutions.splitting_bumps(3, times, 50, 0)
    u, rate = data.values[:, :, 0], data.values[:, :, 1]
    assert (rate[:, 0] == 0).all()
    assert ((u[:, 3] - u[:, 1]) / 2e-3 - rate[:, 2]).abs().max() < 1e-5
    generator = torch.Generator().manual_seed(0)
    a, m, s = torch.rand(3, 3, 1, generator=generator, dtype=D)
    bump = lambda x: (0.5 + a) * torch.exp(-((x - 2 * m + 1) ** 2) / (1 + s))  # noqa: E731
    torch.testing.assert_close(u[:, 2], (bump(data.points - 1) + bump(data.points + 1)) / 2)


def test_a_packet_solves_schroedingers_equation():
    x, h = torch.linspace(-3, 4, 30, dtype=D), 1e-3
    wave, t = torch.tensor(0.8, dtype=D), torch.tensor(0.6, dtype=D)
    psi = lambda x, t: exact_solutions.packet(x, t, wave)  # noqa: E731
    rate = (psi(x, t + h) - psi(x, t - h)) / (2 * h)
    bend = (psi(x + h, t) - 2 * psi(x, t) + psi(x - h, t)) / h**2
    assert (1j * rate + bend).abs().max() < 1e-5
    data, waves = exact_solutions.packets(2, 2, torch.tensor([0.0, 0.6], dtype=D), 20, 0)
    parts = [exact_solutions.packet(data.points[..., d], t, waves[:, d, None]) for d in range(2)]
    torch.testing.assert_close(torch.complex(*data.values[:, 1].unbind(1)), parts[0] * parts[1])


def test_voigts_function_is_a_convolution_and_solves_its_equation():
    """Its Fourier transform is exp(-v k^2 / 2 - w |k|), so it is that of a normal density times exp(-t |k|)."""
    x = torch.linspace(-400, 400, 2**15 + 1, dtype=D)[:-1]
    wave = 2 * torch.pi * torch.fft.fftfreq(len(x), float(x[1] - x[0]), dtype=D)
    start = torch.exp(-(x**2) / 1.4) / (1.4 * torch.pi) ** 0.5
    found = torch.fft.ifft(torch.fft.fft(start) * torch.exp(-1.5 * wave.abs())).real
    exact = tails.voigt(x, torch.tensor(0.7, dtype=D), torch.tensor(1.5, dtype=D))
    assert (found - exact).abs()[x.abs() < 50].max() < 1e-5


def test_gaussians_in_their_scale_shifts_stand_still():
    times = torch.linspace(0, 2, 5, dtype=D)
    data, b = exact_solutions.moving_gaussians(3, times, 40, 2.0, 0, in_scale_shifts=True)
    beta = (2 / (times + b[:, None])).sqrt()
    x = 2.0 * times[:, None] + data.points[:, None] / beta[..., None]
    shape = data.values[:, :, 0] * beta[..., None].sqrt() * (times + b[:, None])[..., None].sqrt()
    expected = torch.exp(-((x - 2.0 * times[:, None]) ** 2) / (times + b[:, None])[..., None])
    ratio = shape / expected
    assert (ratio / ratio[:, :1, :1] - 1).abs().max() < 1e-12 and ((0.6 < ratio) & (ratio < 1.4)).all()


def test_starts_on_several_axes_are_the_packets():
    space = sf.Space([sf.Hermite()] * 2, sf.TensorProduct(24))
    wave = torch.tensor([[0.5, 0.7]], dtype=D)
    x = torch.randn(30, 2, dtype=D)
    exact = exact_solutions.packet(x, torch.zeros((), dtype=D), wave).prod(-1)
    found = space.synthesize(six_axes.starts(space, wave, 0.1)[0], x, scale=six_axes.SCALE, shift=0.1)
    torch.testing.assert_close(torch.complex(found[0], found[1]), exact, rtol=0, atol=1e-8)


def test_jumps_are_what_two_half_lines_are_for():
    found = sharp.jump_errors(16)
    whole, halves = found["Hermite, x0 at the jump"], found["TwoHalfLines that meet at the jump, half the degree"]
    assert halves[0] < 0.01 * whole[0]


def test_own_schroedinger_fields_keep_their_norm_and_converge():
    both, weights = schroedinger.own_fields(3, 96, 0), torch.from_numpy(sf.gauss(sf.Hermite(), 96)[1])
    norm = both.abs().square() @ weights
    assert (norm[:, 1] / norm[:, 0] - 1).abs().max() < 1e-5
    assert (both[:, 1] - both[:, 0]).abs().max() > 0.1


def test_noise_has_the_size_asked_for():
    data = exact_solutions.burgers(20, torch.linspace(0, 1, 5, dtype=D), exact_solutions.chebyshev_points(50), 0)
    more = exact_solutions.noisy(data, 0.1, 0)
    size = data.values.square().mean().sqrt()
    assert math.isclose(float((more.values - data.values).square().mean().sqrt() / size), 0.1, rel_tol=0.05)
    assert exact_solutions.noisy(data, 0.0, 0) is data


def test_split_steps_keep_the_norm_and_begin_with_the_closest_unitary_map():
    rng = np.random.default_rng(0)
    unitary = torch.from_numpy(np.linalg.qr(rng.standard_normal((12, 12)) + 1j * rng.standard_normal((12, 12)))[0])
    start = torch.from_numpy(rng.standard_normal((40, 12)) + 1j * rng.standard_normal((40, 12)))
    torch.testing.assert_close(closest_unitary(start, start @ unitary.mT), unitary)
    torch.testing.assert_close(torch.matrix_exp(1j * generator_of(unitary)), unitary)
    space, (points, weights) = sf.Space(sf.Hermite(degree=11)), map(torch.from_numpy, sf.gauss(sf.Hermite(), 12))
    phi = space.vandermonde(points).to(torch.complex128)
    model = SplitSteps(12, start @ phi.mT, (start @ unitary.mT) @ phi.mT)
    u = (start @ phi.mT).to(torch.complex64)
    exact = ((start @ unitary.mT) @ phi.mT).to(torch.complex64)
    assert (model(u) - exact).abs().max() < 1e-4 * exact.abs().max()
    with torch.no_grad():
        model.local.normal_()
    norm = [part.abs().square() @ weights.float() for part in (u, model(u))]
    assert (norm[1] / norm[0] - 1).abs().max() < 1e-4


def test_a_grid_and_back():
    data = exact_solutions.burgers(3, torch.linspace(0, 1, 4, dtype=D), exact_solutions.chebyshev_points(96), 0)
    found = at_sensors(resample(data, -1, 1, 128), data)
    inside = data.points[0].abs() < 0.98
    assert (found - data.values)[..., inside].abs().max() < 1e-4 * data.values.abs().max()


def test_files_of_another_kind_are_refused():
    data = exact_solutions.burgers(3, torch.linspace(0, 1, 2, dtype=D), exact_solutions.chebyshev_points(16), 0)
    with pytest.raises(ValueError, match="channels re, im"):
        schroedinger.fields(data, "--train")
    settings = Settings(quick=True)
    assert settings.of(1, 2) == 1
