"""A spectral neural ODE on six axes: 100,000 complex coefficients of a hyperbolic cross, learned from scattered sensors."""

from __future__ import annotations

import math
import time

import torch
from torch import Tensor, nn

from ..adapt import largest_within
from ..families import Hermite
from ..index_sets import HyperbolicCross
from ..nn import KroneckerSumLinear, SpectralODE
from ..quadrature import gauss
from ..space import Space
from .exact_solutions import packet
from .measures import peak_memory
from .pages import Settings, Table, percent

WAVES = (0.4, 0.8)
SCALE = 2**-0.5
LAST = 0.4


def starts(space: Space, wave: Tensor, shift: float) -> Tensor:
    """Return the coefficients (R, 2, K) of the packets at time 0: of each axis by its Gauss rule, their products, real and imaginary parts."""
    count = max(space.index_set.largest(space.dim)) + 1
    nodes, weights = (torch.from_numpy(part) for part in gauss(Hermite(), count + 8))
    line, x = Space(Hermite(degree=count - 1)), nodes / SCALE + shift
    psi = packet(x, torch.zeros((), dtype=torch.float64), wave.unsqueeze(-1))  # (R, D, n)
    table = line.vandermonde(x, scale=SCALE, shift=shift) * (weights / SCALE).unsqueeze(-1)  # (n, N + 1)
    each = psi @ table.to(psi.dtype)  # (R, D, N + 1)
    indices = torch.from_numpy(space.indices.astype("int64"))
    product = torch.ones(len(wave), space.size, dtype=psi.dtype)
    for axis in range(space.dim):
        product = product * each[:, axis, indices[:, axis]]
    return torch.stack([product.real, product.imag], 1)


def observed(wave: Tensor, times: Tensor, sensors: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return sensors (R, M, D) around the packets' way, and the fields (R, T, 2, M) there."""
    dim = wave.shape[1]
    middle = (WAVES[0] + WAVES[1]) * 0.5 * LAST
    x = middle + 1.2 * torch.randn(len(wave), sensors, dim, generator=generator, dtype=torch.float64)
    psi = packet(x[:, None], times[None, :, None, None], wave[:, None, None]).prod(-1)
    return x, torch.stack([psi.real, psi.imag], 2)


class _Model(nn.Module):
    """The linear right-hand side, a matrix an axis and pair of channels, integrated by equal steps."""

    def __init__(self, space: Space):
        super().__init__()
        self.rate = KroneckerSumLinear(space, 2, 2)
        self.ode = SpectralODE(
            space, lambda t, c, log_scale, shift, parameters=None: (self.rate(c), None, None), moving=False, method="rk4",
            options={"steps": 1},
        )  # fmt: skip

    def forward(self, coef: Tensor, times: Tensor) -> Tensor:
        """Return the coefficients (B, T, 2, K)."""
        zero = coef.new_zeros(len(coef), self.rate.space.dim)
        return self.ode(coef, zero, zero, times)[0]  # type: ignore[no-any-return]


def _train(model: _Model, space: Space, shift: float, settings: Settings, times: Tensor) -> float:
    """Train on batches of 16 packets, each with sensors of its own; return the seconds a step."""
    generator, steps, batch = torch.Generator().manual_seed(0), settings.of(3, 100), 4
    wave = WAVES[0] + (WAVES[1] - WAVES[0]) * torch.rand(16, space.dim, generator=generator, dtype=torch.float64)
    coef = starts(space, wave, shift).float()
    x, u = (part.float() for part in observed(wave, times, settings.of(32, 512), generator))
    optimiser = torch.optim.Adam(model.parameters(), 0.1, betas=(0.8, 0.98))
    started = time.perf_counter()
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 0.1 * 0.5 * (1 + math.cos(math.pi * step / steps))
        rows = torch.randperm(len(wave), generator=generator)[:batch]
        found = space.synthesize(model(coef[rows], times.float()), x[rows][:, None, None], scale=SCALE, shift=shift)
        loss = (found - u[rows]).square().sum() / u[rows].square().sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return (time.perf_counter() - started) / steps


@torch.no_grad()
def _errors(model: _Model, space: Space, shift: float, times: Tensor, sensors: int) -> tuple[float, float, float]:
    """Return the error of the prediction, that of nothing changing, and that of the space itself at time 0, on unseen packets."""
    generator = torch.Generator().manual_seed(9)
    wave = WAVES[0] + (WAVES[1] - WAVES[0]) * torch.rand(4, space.dim, generator=generator, dtype=torch.float64)
    coef = starts(space, wave, shift).float()
    x, u = (part.float() for part in observed(wave, times, sensors, generator))
    found = space.synthesize(model(coef, times.float()), x[:, None, None], scale=SCALE, shift=shift)
    wrong, still = found - u, u[:, :1] - u
    size = u[:, 1:].norm()
    return (
        float(wrong[:, 1:].norm() / size),
        float(still[:, 1:].norm() / size),
        float(wrong[:, 0].norm() / u[:, 0].norm()),
    )


def table(settings: Settings) -> Table:
    """Train in the cross of gamma -1 with at most 100,000 coefficients on six axes; judge on unseen packets at unseen sensors."""
    dim = settings.of(3, 6)
    cross = largest_within(lambda n: HyperbolicCross(n, -1.0), dim, settings.of(200, 100_000))
    space, shift = Space([Hermite()] * dim, cross), 0.5 * (WAVES[0] + WAVES[1]) * LAST
    times = torch.linspace(0, LAST, 5, dtype=torch.float64)
    torch.manual_seed(0)
    model = _Model(space)
    seconds = _train(model, space, shift, settings, times)
    error, still, floor = _errors(model, space, shift, times, settings.of(50, 1000))
    weights = sum(p.numel() for p in model.parameters())
    rows = [
        [
            dim, cross.degree, space.size, weights, percent(error), percent(still), percent(floor), f"{seconds:.2f} s",
            f"{peak_memory():.1f} GB",
        ]
    ]  # fmt: skip
    headings = [
        "axes",
        "degree",
        "K",
        "weights",
        "error",
        "if nothing changed",
        "start in this space",
        "a step",
        "memory",
    ]
    caption = (
        f"16 packets, wave numbers on {WAVES}, five times to {LAST}, {settings.of(32, 512)} sensors each, {settings.of(3, 100)} steps of four packets, float32, one seed;"
        " the right-hand side is `sf.nn.KroneckerSumLinear`, zero at first. Starts are projected by Gauss rules axis by axis;"
        f" errors at {settings.of(50, 1000)} sensors of 4 unseen packets; memory"
        " is the largest the process has had, the studies above among it."
    )
    return Table(headings, rows, caption)
