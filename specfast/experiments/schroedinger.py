"""Operator learning on the line: from complex start fields at Gauss-Hermite nodes to the field at one later time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .. import nn as layers
from ..families import Hermite
from ..learn import DataError, Observations, read
from ..quadrature import gauss
from ..space import Space
from .pages import Page, Settings, Table, percent, spread
from .split_steps import SplitSteps

RATE, BATCH = 3e-3, 30


class Corrected(nn.Module):
    """Split steps, and a spectral operator for what they leave: u -> S u + N(u, S u) / 10."""

    def __init__(self, nodes: int, start: Tensor, end: Tensor, degree: int, width: int):
        super().__init__()
        self.steps = SplitSteps(nodes, start, end)
        self.operator = layers.SpectralOperator(Space(Hermite(degree=degree)), 4, 2, width=width)

    def forward(self, u: Tensor) -> Tensor:
        """Return fields (B, n), complex, from fields."""
        first = self.steps(u)
        rest = self.operator(torch.stack([u.real, u.imag, first.real, first.imag], 1))
        return first + 0.1 * torch.complex(rest[:, 0], rest[:, 1])


class Plain(nn.Module):
    """A spectral operator alone."""

    def __init__(self, degree: int, width: int):
        super().__init__()
        self.operator = layers.SpectralOperator(Space(Hermite(degree=degree)), 2, 2, width=width)

    def forward(self, u: Tensor) -> Tensor:
        """Return fields (B, n), complex, from fields."""
        found = self.operator(torch.stack([u.real, u.imag], 1))
        return torch.complex(found[:, 0], found[:, 1])


def fields(data: Observations, name: str) -> Tensor:
    """Return complex fields (R, 2, n) of observations at two times at the Gauss-Hermite nodes.

    Raises
    ------
    DataError
        If they are not of this kind.
    """
    shape, nodes = data.values.shape, gauss(Hermite(), data.values.shape[3])[0]
    if data.dim != 1 or shape[1] != 2 or shape[2] != 2 or len(data.points) != 1:
        raise DataError(f"{name}: two times and channels re, im at shared points of one axis are expected")
    order = data.points[0].argsort()
    if not np.allclose(data.points[0][order].numpy(), nodes, atol=1e-6):
        raise DataError(f"{name}: the {shape[3]} Gauss-Hermite nodes are expected as points")
    if data.values.isnan().any():
        raise DataError(f"{name}: values are missing; whole fields are expected")
    return torch.complex(data.values[:, :, 0], data.values[:, :, 1])[..., order]


def own_fields(count: int, nodes: int, seed: int) -> Tensor:
    """Return complex fields (R, 2, n) of i u_t = -u_xx / 2 - exp(-x^2) u - |u|^2 u / 2 over one unit of time, from random real starts."""
    generator = np.random.default_rng(seed)
    grid = np.linspace(-40, 40, 2048, endpoint=False)
    wave = 2 * np.pi * np.fft.fftfreq(len(grid), grid[1] - grid[0])
    space = Space(Hermite(degree=11))
    coef = generator.standard_normal((count, 12)) / (1 + np.arange(12)) * generator.uniform(0.3, 1.0, (count, 1))
    u, well, steps = space.synthesize(coef, grid).astype(complex), np.exp(-(grid**2)), 400
    start, half = u.copy(), 0.5 / steps
    for _ in range(steps):
        u = u * np.exp(1j * half * (well + 0.5 * np.abs(u) ** 2))
        u = np.fft.ifft(np.fft.fft(u) * np.exp(-0.5j * wave**2 / steps))
        u = u * np.exp(1j * half * (well + 0.5 * np.abs(u) ** 2))
    points = gauss(Hermite(), nodes)[0]
    phases = np.exp(1j * np.outer(wave, points - grid[0])) / len(grid)
    return torch.from_numpy(np.stack([np.fft.fft(start) @ phases, np.fft.fft(u) @ phases], 1))


def relative(found: Tensor, exact: Tensor, weights: Tensor) -> Tensor:
    """Return |found - exact| / |exact| in L2 of the line for every field."""
    wrong, power = (found - exact).abs().square() @ weights, exact.abs().square() @ weights
    return (wrong / power.clamp_min(1e-30)).sqrt()


def _groups(model: nn.Module) -> list[dict[str, Any]]:
    """Return the parameters with the peaks of their learning rates: phases and generators, of order one, move faster."""
    faster = {"steps.local": 10.0, "steps.linear": 2.0}
    return [{"params": [own], "peak": RATE * faster.get(name, 1.0)} for name, own in model.named_parameters()]


def train(model: nn.Module, data: Tensor, weights: Tensor, seconds: float, seed: int) -> int:
    """Train on fields and their mirror images for so many seconds; return the number of epochs."""
    generator, steps = torch.Generator().manual_seed(seed), 0
    optimiser = torch.optim.AdamW(_groups(model), weight_decay=1e-5)
    started = time.perf_counter()
    while (passed := (time.perf_counter() - started) / seconds) < 1:
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * min(1.0, passed / 0.1) * 0.5 * float(1 + np.cos(np.pi * passed))
        rows = torch.randint(len(data), (min(BATCH, len(data)),), generator=generator)
        start, end = data[rows, 0], data[rows, 1]
        if torch.rand((), generator=generator) < 0.5:
            start, end = start.flip(-1), end.flip(-1)
        loss = relative(model(start), end, weights).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        steps += 1
    return steps * BATCH // len(data)


@torch.no_grad()
def errors(model: nn.Module, data: Tensor, weights: Tensor) -> dict[str, float]:
    """Return the errors on fields: their mean in L2, all together, and as vectors of values at the nodes."""
    found, exact = model(data[:, 0]), data[:, 1]
    each, wrong = relative(found, exact, weights), (found - exact).abs()
    pooled = (wrong.square() @ weights).sum() / (exact.abs().square() @ weights).sum()
    vectors = wrong.norm(dim=1) / exact.abs().norm(dim=1).clamp_min(1e-30)
    return {"mean": float(each.mean()), "relative_l2": float(pooled.sqrt()), "at_nodes": float(vectors.mean())}


def _data(settings: Settings) -> tuple[Tensor, Tensor, str]:
    """Return what is learned from and what is judged, in complex64, and what they are."""
    if settings.train is None:
        both = own_fields(settings.of(40, 1000), settings.of(32, 128), 0)
        what = "made here: i u_t = -u_xx/2 - exp(-x^2) u - |u|^2 u/2 from random real starts"
    else:
        both, what = fields(read(str(settings.train)), "--train"), settings.train.name
    if settings.test is not None:
        return both.to(torch.complex64), fields(read(str(settings.test)), "--test").to(torch.complex64), what
    held = torch.randperm(len(both), generator=torch.Generator().manual_seed(0))
    count = max(1, len(both) // 10)
    kept, tested = both[held[count:]], both[held[:count]]
    return kept.to(torch.complex64), tested.to(torch.complex64), what + ", a tenth held out"


def study(settings: Settings) -> Page:
    """Train the operator, and the operator alone, and judge both on unseen fields."""
    data, tested, what = _data(settings)
    nodes = data.shape[2]
    if tested.shape[2] != nodes:
        raise DataError(f"--test: {tested.shape[2]} nodes; {nodes} as in --train are expected")
    weights = torch.from_numpy(gauss(Hermite(), nodes)[1]).float()
    degree, width = min(63, nodes // 2 - 1), settings.of(8, 32)
    seconds = settings.of((2.0,), (90.0, 300.0))
    kinds: list[tuple[str, Callable[[], nn.Module], float]] = [
        ("split steps and SpectralOperator", lambda: Corrected(nodes, data[:, 0], data[:, 1], degree, width), t)
        for t in seconds
    ]
    kinds += [("SpectralOperator alone", lambda: Plain(degree, width), seconds[-1])]
    kinds += [(f"dense: all {nodes} functions", lambda: Plain(nodes - 1, settings.of(8, 48)), seconds[-1])]
    rows: list[list[Any]] = []
    figures: dict[str, Any] = {}
    for name, make, allowed in kinds:
        found, started = [], 0.0
        for seed in range(settings.seeds):
            torch.manual_seed(seed)
            model = make().float()
            epochs = train(model, data, weights, allowed, seed)
            begun = time.perf_counter()
            found.append(errors(model, tested, weights))
            started = 1e3 * (time.perf_counter() - begun) / len(tested)
        means = [own["mean"] for own in found]
        figures[f"{name}, {allowed:.0f} s"] = found
        rows.append(
            [
                name,
                sum(p.numel() for p in model.parameters()),
                f"{allowed:.0f} s",
                epochs,
                spread(means),
                percent(found[0]["relative_l2"]),
                percent(found[0]["at_nodes"]),
                f"{started:.2f} ms",
            ]
        )
    if not settings.quick:
        rows.append(["published (not measured here)", 1_300_000, "180 epochs of about 5 s", 180, "1.6 %", "", "", ""])
    headings = ["model", "parameters", "training", "epochs", "mean error", "all together", "at the nodes", "a field"]
    text = (
        f"{len(data)} start fields to learn from, {len(tested)} unseen ones ({what}), {nodes} Gauss-Hermite nodes."
        f" Errors are relative, in L2 of the line; seeds: {settings.seeds}."
    )
    table = Table(
        headings, rows, "The dense model is the published family: one function a node, fixed scale, no split steps."
    )
    return Page("Operators on the line: one Schroedinger step", [text, table], figures)
