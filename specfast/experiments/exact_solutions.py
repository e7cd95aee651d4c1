"""Observations of known solutions, made here."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..learn import Observations


def burgers(count: int, times: Tensor, points: Tensor, seed: int) -> Observations:
    """Return u = -(1/5) Phi_x / Phi of u_t + u u_x = u_xx / 10, for `count` pairs of a, b uniform on (0, 1).

    Phi = 5 + (2 + a)/2 exp(-pi^2 t/10) cos(pi x + pi) + (1 + b)/2 exp(-2 pi^2 t/5) cos(2 pi x) (Cole and Hopf).
    """
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.rand(2, count, 1, 1, generator=generator, dtype=torch.float64)
    t, x = times[:, None], points[None, :]
    first, second = torch.exp(-(np.pi**2) * t / 10), torch.exp(-2 * np.pi**2 * t / 5)
    value = 5 + (2 + a) / 2 * first * torch.cos(np.pi * x + np.pi) + (1 + b) / 2 * second * torch.cos(2 * np.pi * x)
    slope = -np.pi * (2 + a) / 2 * first * torch.sin(np.pi * x + np.pi) - np.pi * (1 + b) * second * torch.sin(
        2 * np.pi * x
    )
    u = -slope / (5 * value)
    return Observations(u.unsqueeze(2), points.expand(1, -1), times.expand(count, -1), ("u",))


def moving_gaussians(
    count: int, times: Tensor, sensors: int, drift: float, seed: int, noise: float = 0.0, in_scale_shifts: bool = False
) -> tuple[Observations, Tensor]:
    """Return u = a (t + b)^(-1/2) exp(-(x - drift t)^2 / (t + b)) of u_t = -drift u_x + u_xx / 4 at sensors of each trajectory's own, and b.

    a is uniform on (0.6, 1.4), b on (1, 3); the balanced scale and shift are sqrt(2 / (t + b)) and drift t. The noise is relative.
    With `in_frames` the values are beta^(-1/2) u(x0 + z / beta, t) at fixed places z on (-4, 4): what who moves and stretches with the field sees.
    """
    generator = torch.Generator().manual_seed(seed)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=generator, dtype=torch.float64)

    a, b, end = uniform(0.6, 1.4, count, 1, 1), uniform(1, 3, count, 1, 1), float(times[-1])
    half = 2 * (3 + end) ** 0.5
    x = uniform(-half, half + drift * end, count, sensors).sort(1).values
    t, place = times[None, :, None], x[:, None, :]
    u = a * (t + b) ** -0.5 * torch.exp(-((place - drift * t) ** 2) / (t + b))
    if in_scale_shifts:
        x = (8 * torch.rand(count, sensors, generator=generator, dtype=torch.float64) - 4).sort(1).values
        u = a * ((t + b) * 2) ** -0.25 * torch.exp(-(x[:, None] ** 2) / 2)
    data = Observations(u.unsqueeze(2), x, times.expand(count, -1), ("u",))
    return noisy(data, noise, seed + 1), b[:, 0, 0]


def allen_cahn(count: int, times: Tensor, points: Tensor, seed: int, modes: int = 64) -> Observations:
    """Return u of u_t = u_xx / 50 + u - u^3 on (-1, 1) without flux through the ends.

    The starts are a + b cos(pi (x+1)/2) + c cos(pi (x+1)) with numbers uniform on (-1/2, 1/2). Solved in cosines, the product at twice as many points,
    by SciPy's DOP853 to a relative 1e-9.
    """
    from scipy.fft import dct, idct
    from scipy.integrate import solve_ivp

    generator = torch.Generator().manual_seed(seed)
    starts = (torch.rand(count, 3, generator=generator, dtype=torch.float64) - 0.5).numpy()
    wave = np.pi * np.arange(modes) / 2

    def rate(_: float, flat: np.ndarray) -> np.ndarray:
        c = flat.reshape(count, modes)
        padded = np.pad(c, ((0, 0), (0, modes)))
        padded[:, 1:] *= 0.5  # scipy's inverse counts each twice but the first
        u = idct(padded * 4 * modes, axis=1)
        cube = dct(u**3, axis=1)[:, :modes] / (2 * modes)
        cube[:, 0] *= 0.5
        return (c * (1 - wave**2 / 50) - cube).ravel()

    first = np.zeros((count, modes))
    first[:, :3] = starts
    found = solve_ivp(
        rate, (0, float(times[-1])), first.ravel(), method="DOP853", t_eval=times.numpy(), rtol=1e-9, atol=1e-12
    )
    c = torch.from_numpy(found.y.reshape(count, modes, -1)).movedim(2, 1)
    u = c @ torch.cos(torch.from_numpy(wave)[:, None] * (points[None] + 1))
    return Observations(u.unsqueeze(2), points.expand(1, -1), times.expand(count, -1), ("u",))


def carried_fronts(count: int, times: Tensor, points: Tensor, seed: int) -> Observations:
    """Return u = (h/2) erfc((x - p - 3t/5) / w), w^2 = (t + b) / 125, of u_t = -(3/5) u_x + u_xx / 500.

    h is uniform on (0.5, 1.5), p on (-0.7, 0), b on (1/2, 3/2).
    """
    generator = torch.Generator().manual_seed(seed)
    h, p, b = torch.rand(3, count, 1, 1, generator=generator, dtype=torch.float64)
    t, x = times[:, None], points[None, :]
    u = (0.5 + h) / 2 * torch.erfc((x - 0.7 * (p - 1) - 0.6 * t) / ((t + 0.5 + b) / 125).sqrt())
    return Observations(u.unsqueeze(2), points.expand(1, -1), times.expand(count, -1), ("u",))


SPEED = 5 / 6**0.5


def fisher_front(x: Tensor, time: float | Tensor = 0.0) -> Tensor:
    """Return (1 + exp((x - 5t/sqrt(6)) / sqrt(6)))^(-2), the travelling front of u_t = u_xx + u - u^2 (Ablowitz and Zeppetella)."""
    return (1 + torch.exp((x - SPEED * time) / 6**0.5)) ** -2


def disturbed_fronts(count: int, times: Tensor, points: Tensor, seed: int, modes: int = 768) -> Observations:
    """Return u of u_t = u_xx + u - u^2 from the travelling front plus a exp(-(x - p)^2 / s), at points within (-20, 40).

    a is uniform on (0, 0.3), p on (0, 6), s on (1, 3). Solved in cosines on (-60, 80), where nothing happens at the ends, by SciPy's DOP853.
    """
    from scipy.fft import dct, idct
    from scipy.integrate import solve_ivp

    generator = torch.Generator().manual_seed(seed)
    a, p, s = torch.rand(3, count, 1, generator=generator, dtype=torch.float64)
    low, length = -60.0, 140.0
    grid = low + length * (torch.arange(2 * modes, dtype=torch.float64) + 0.5) / (2 * modes)
    start = fisher_front(grid) + 0.3 * a * torch.exp(-((grid - 6 * p) ** 2) / (1 + 2 * s))
    wave = np.pi * np.arange(modes) / length

    def analysed(u: np.ndarray) -> np.ndarray:
        c = dct(u, axis=1)[:, :modes] / (2 * modes)
        c[:, 0] *= 0.5
        return c  # type: ignore[no-any-return]

    def rate(_: float, flat: np.ndarray) -> np.ndarray:
        c = flat.reshape(count, modes)
        padded = np.pad(c, ((0, 0), (0, modes))) * 2 * modes
        padded[:, 0] *= 2
        return (c * (1 - wave**2) - analysed(idct(padded, axis=1) ** 2)).ravel()

    first = analysed(start.numpy()).ravel()
    found = solve_ivp(rate, (0, float(times[-1])), first, method="DOP853", t_eval=times.numpy(), rtol=1e-8, atol=1e-10)
    c = torch.from_numpy(found.y.reshape(count, modes, -1)).movedim(2, 1)
    u = c @ torch.cos(torch.from_numpy(wave)[:, None] * (points[None] - low))
    return Observations(u.unsqueeze(2), points.expand(1, -1), times.expand(count, -1), ("u",))


def splitting_bumps(count: int, times: Tensor, sensors: int, seed: int) -> Observations:
    """Return u = (g(x - t) + g(x + t)) / 2 and u_t of u_tt = u_xx from bumps g = a exp(-(x - m)^2 / s), at rest at first.

    a is uniform on (1/2, 3/2), m on (-1, 1), s on (1, 2). The sensors lie within 4 of where the last bumps are.
    """
    generator = torch.Generator().manual_seed(seed)
    a, m, s = torch.rand(3, count, 1, 1, generator=generator, dtype=torch.float64)
    a, m, s = 0.5 + a, 2 * m - 1, 1 + s
    reach = 5 + float(times[-1])
    x = (2 * reach * torch.rand(count, sensors, generator=generator, dtype=torch.float64) - reach).sort(1).values
    ahead, behind = (x[:, None] - m - sign * times[:, None] for sign in (1, -1))
    right, left = (a * torch.exp(-(part**2) / s) for part in (ahead, behind))
    rate = (right * ahead - left * behind) / s
    return Observations(torch.stack([(right + left) / 2, rate], 2), x, times.expand(count, -1), ("u", "u_t"))


def packet(x: Tensor, time: Tensor, wave: Tensor) -> Tensor:
    """Return (1 + it)^(-1/2) exp(i k (x - k t) - (x - 2 k t)^2 / (4 (1 + it))) of i psi_t = -psi_xx, complex, for broadcast x, t and k."""
    width = torch.complex(torch.ones_like(time), time)
    phase = torch.complex(-((x - 2 * wave * time) ** 2), torch.zeros_like(x - wave * time)) / (4 * width)
    return torch.exp(phase + 1j * wave * (x - wave * time)) / width.sqrt()


def packets(
    count: int, dim: int, times: Tensor, sensors: int, seed: int, waves: tuple[float, float] = (0.5, 1.0)
) -> tuple[Observations, Tensor]:
    """Return products of packets of i psi_t = -Laplace psi as channels re, im, and their wave numbers (R, D).

    Wave numbers are uniform on `waves`; sensors are drawn, for each trajectory, around the middle of the middle packet's way.
    """
    generator = torch.Generator().manual_seed(seed)
    wave = waves[0] + (waves[1] - waves[0]) * torch.rand(count, dim, generator=generator, dtype=torch.float64)
    middle = 0.5 * (waves[0] + waves[1]) * float(times[-1])
    x = middle + 1.7 * torch.randn(count, sensors, dim, generator=generator, dtype=torch.float64)
    psi = packet(x[:, None], times[None, :, None, None], wave[:, None, None]).prod(-1)
    values = torch.stack([psi.real, psi.imag], 2)
    names = tuple(f"x{d + 1}" for d in range(dim))
    return Observations(values, x, times.expand(count, -1), ("re", "im"), names), wave


def feller(count: int, times: Tensor, sensors: int, seed: int) -> Observations:
    """Return u = sum over two of a exp(-x / (t + b)) / (t + b) of u_t = (x u_x)_x on [0, inf), Feller's diffusion, at sensors within 25.

    a is uniform on (1/2, 3/2) for both, b on (1/2, 1) and (3/2, 3).
    """
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.rand(2, count, 1, 1, 2, generator=generator, dtype=torch.float64)
    width = times[:, None, None] + torch.tensor([0.5, 1.5]) + b * torch.tensor([0.5, 1.5])
    x = 25 * torch.rand(count, sensors, generator=generator, dtype=torch.float64).square().sort(1).values
    u = ((0.5 + a) / width * torch.exp(-x[:, None, :, None] / width)).sum(-1)
    return Observations(u.unsqueeze(2), x, times.expand(count, -1), ("u",))


def noisy(data: Observations, level: float, seed: int) -> Observations:
    """Return observations with Gaussian noise of `level` times the root mean square of all values."""
    from dataclasses import replace

    if level == 0:
        return data
    generator = torch.Generator().manual_seed(seed)
    size = float(data.values[~data.values.isnan()].square().mean().sqrt())
    noise = torch.randn(data.values.shape, generator=generator, dtype=data.values.dtype)
    return replace(data, values=data.values + level * size * noise)


def until(data: Observations, last: int) -> Observations:
    """Return the first `last` times of observations."""
    from dataclasses import replace

    return replace(data, values=data.values[:, :last], times=data.times[:, :last])


def chebyshev_points(count: int) -> Tensor:
    """Return Chebyshev's points of the first kind on (-1, 1), ascending."""
    return -torch.cos(torch.pi * (torch.arange(count, dtype=torch.float64) + 0.5) / count)


def jump_starts(count: int, generator: torch.Generator) -> Tensor:
    """Return variances, uniform on (0.3, 1.3), and means, on (-1, 1), of normal densities (R, 2)."""
    return torch.rand(count, 2, generator=generator, dtype=torch.float64) * torch.tensor([1.0, 2.0]) + torch.tensor(
        [0.3, -1.0]
    )


def jumps(count: int, times: Tensor, sensors: int, seed: int, noise: float = 0.0) -> tuple[Observations, Tensor]:
    """Return u of u_t = (3/2) (J * u - u) at sensors of each trajectory's own, J a normal density of variance 1/2, and the starts' (R, 2).

    A normal density of variance v around m, with these (v, m), becomes exp(-3t/2) sum_k (3t/2)^k / k! times those of variance v + k/2.
    """
    generator = torch.Generator().manual_seed(seed)
    starts = jump_starts(count, generator)
    x = (14 * torch.rand(count, sensors, generator=generator, dtype=torch.float64) - 7).sort(1).values
    u = jump_solution(x, starts, times)
    data = Observations(u.unsqueeze(2), x, times.expand(count, -1), ("u",))
    return noisy(data, noise, seed + 1), starts


def jump_solution(x: Tensor, starts: Tensor, times: Tensor, terms: int = 40) -> Tensor:
    """Return the solution of `jumps` (R, T, M) at points (R, M)."""
    order = torch.arange(terms, dtype=torch.float64)
    mean = 1.5 * times[:, None]
    weights = torch.exp(order * mean.clamp_min(1e-300).log() - mean - torch.lgamma(order + 1))  # (T, terms)
    variance = starts[:, :1] + order / 2  # (R, terms)
    square = (x - starts[:, 1:]).square().unsqueeze(-1)
    densities = torch.exp(-square / (2 * variance[:, None])) / (2 * torch.pi * variance[:, None]).sqrt()
    return torch.einsum("tk,rmk->rtm", weights, densities)
