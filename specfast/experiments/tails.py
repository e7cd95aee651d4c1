"""Fractional diffusion: tails that fall off like a power, where Hermite functions are the wrong basis, and what to take instead."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import learn
from ..learn import Observations
from ..learn.error_measures import compare
from . import baselines
from .measures import encoding_error
from .pages import Figure, Page, Settings, Table, percent, spread

NOISE = 1e-3
REACH = 10.0  # of the sensors that are learned from
LENGTH = 2.0  # y = x / sqrt(x^2 + LENGTH^2)


def voigt(x: Tensor, variance: Tensor, width: Tensor) -> Tensor:
    """Return the convolution of a normal density with Cauchy's of that half width."""
    from scipy.special import wofz

    sigma = variance.sqrt()
    z = torch.complex(x.broadcast_to(torch.broadcast_shapes(x.shape, width.shape)), width.broadcast_to(
        torch.broadcast_shapes(x.shape, width.shape)
    )) / (sigma * 2**0.5)  # fmt: skip
    return torch.from_numpy(np.real(wofz(z.numpy()))) / (sigma * (2 * torch.pi) ** 0.5)


def cauchy(count: int, times: Tensor, x: Tensor, seed: int) -> Observations:
    """Return u of u_t = -(-d^2/dx^2)^(1/2) u at points (R or 1, M): normal densities become Voigt's, with tails t / (pi x^2).

    Variances of the starts are uniform on (0.3, 1.3), means on (-1, 1), amplitudes on (1/2, 3/2).
    """
    generator = torch.Generator().manual_seed(seed)
    variance, mean, size = torch.rand(3, count, 1, 1, generator=generator, dtype=torch.float64)
    place = x[:, None] - (2 * mean - 1)
    u = (0.5 + size) * voigt(place, 0.3 + variance, times[:, None])
    return Observations(u.unsqueeze(2), x, times.expand(count, -1), ("u",))


def _mapped(data: Observations) -> Observations:
    """Return the same observations at y = x / sqrt(x^2 + L^2), which takes the line to (-1, 1)."""
    return replace(data, points=data.points / (data.points.square() + LENGTH**2).sqrt())


@dataclass(frozen=True)
class _Basis:
    """A family, how points are handed to it, and the largest degree it is given (None: it chooses)."""

    name: str
    family: str
    change: Callable[[Observations], Observations]
    known: dict[str, float] | None = None


BASES = (
    _Basis("Hermite", "hermite", lambda data: data),
    _Basis("Chebyshev in x / sqrt(x^2 + 4)", "chebyshev", _mapped),
    _Basis("rational", "rational", lambda data: data),
    _Basis("rational, the equation known", "rational", lambda data: data, {"frac:1.0": -1.0}),
)


def _errors(model: learn.Model, basis: _Basis, near: Observations, far: Observations) -> tuple[float, float]:
    """Return the errors at the sensors, and behind them; both start from the sensors."""
    start, behind = basis.change(near), basis.change(far)
    first = compare(model.predict_dataset(start), near, near.largest).figures()["relative_l2"]
    found = model.predict_dataset(start, at=behind.points[0])
    return first, compare(found, far, far.largest).figures()["relative_l2"]


def study(settings: Settings) -> Page:
    """Learn from sensors on (-10, 10); judge there and at 10 < |x| < 30."""
    times = torch.linspace(0, 2, settings.of(5, 21), dtype=torch.float64)
    count, steps = settings.of(6, 80), settings.of(15, 1200)
    generator = torch.Generator().manual_seed(0)
    x = (
        (2 * REACH * torch.rand(count, settings.of(40, 120), generator=generator, dtype=torch.float64) - REACH)
        .sort(1)
        .values
    )
    near = cauchy(settings.of(3, 30), times, torch.linspace(-REACH, REACH, 241, dtype=torch.float64)[None], 99)
    side = torch.linspace(REACH + 0.5, 3 * REACH, 40, dtype=torch.float64)
    far = cauchy(settings.of(3, 30), times, torch.cat([-side.flip(0), side])[None], 99)
    rows: list[list[Any]] = []
    found: dict[str, list[tuple[float, float]]] = {}
    allowed = settings.of(1.0, 0.0)
    for basis in BASES:
        for seed in range(settings.seeds):
            data = basis.change(_noisy(cauchy(count, times, x, 1 + seed), seed))
            started = time.perf_counter()
            model = learn.fit(
                data, basis.family, domain=[(-1.0, 1.0)] if basis.family == "chebyshev" else None, steps=steps, seed=seed,
                known=basis.known, progress=False,
            )  # fmt: skip
            seconds = time.perf_counter() - started
            allowed = allowed if settings.quick else max(allowed, seconds)
            errors = _errors(model, basis, near, far)
            found.setdefault(basis.name, []).append(errors)
        degree = f"degree {model.encoder.degree}"
        rows.append(
            [
                basis.name,
                degree,
                f"{seconds:.0f} s",
                percent(encoding_error(model, basis.change(_last(near)))),
                *_spreads(found[basis.name]),
            ]
        )
    for name in baselines.BASELINES:
        for seed in range(settings.seeds):
            baseline = baselines.train(
                name,
                _noisy(cauchy(count, times, x, 1 + seed), seed),
                (-REACH, REACH, settings.of(32, 128)),
                allowed,
                seed,
            )
            if baseline is None:
                break
            error = baseline.error(near)["relative_l2"]
            found.setdefault(name, []).append((error, 1.0))
        if name not in found:
            rows.append([name, "not installed", "", "", "", ""])
            continue
        box = f"{settings.of(32, 128)} points on -{REACH:g} to {REACH:g}"
        rows.append([name, box, f"{allowed:.0f} s", "", _spreads(found[name])[0], "knows nothing"])
    headings = ["model", "basis or grid", "training", "best fit of the degree", "error, within 10", "error, 10 to 30"]
    text = (
        f"u_t = -(-d^2/dx^2)^(1/2) u from normal densities: the solutions are Voigt's, with tails t / (pi x^2). {count} trajectories, {x.shape[1]} scattered"
        f" sensors within {REACH:g}, {len(times)} times, {percent(NOISE)} noise; {len(near)} unseen ones without. The best fit of the degree is"
        f" what least squares leave of the unseen fields themselves, within 10, at the last time. Predictions start from values within 10. {steps} steps, seeds: {settings.seeds}."
    )
    figures = {name: [one[0] for one in own] for name, own in found.items()}
    figure = Figure("tails", _figure(settings), "Best approximation of the field at t = 2 against the degree")
    return Page("Heavy tails: fractional diffusion", [text, Table(headings, rows), figure], figures)


def _noisy(data: Observations, seed: int) -> Observations:
    from .exact_solutions import noisy

    return noisy(data, NOISE, seed + 1)


def _last(data: Observations) -> Observations:
    return replace(data, values=data.values[:, -1:], times=data.times[:, -1:])


def _spreads(found: list[tuple[float, float]]) -> list[str]:
    return [spread([one[k] for one in found]) for k in range(2)]


def approximation(settings: Settings) -> dict[str, list[tuple[int, float]]]:
    """Return the errors, within 30, of the best approximations of Voigt's function of variance 1 at t = 2, by degree."""
    from ..families import Chebyshev, Hermite, Rational
    from ..space import Space

    x = torch.linspace(-30, 30, 3001, dtype=torch.float64)
    y = x / (x.square() + LENGTH**2).sqrt()
    one, width = torch.ones((), dtype=torch.float64), torch.full((), 2.0, dtype=torch.float64)
    u = voigt(x, one, width)
    result: dict[str, list[tuple[int, float]]] = {"Hermite": [], "Chebyshev, mapped": [], "rational": []}
    for degree in settings.of((4, 8), (4, 8, 16, 32, 64, 128)):
        line, interval = Space(Hermite(degree=degree)), Space(Chebyshev(degree=degree))
        best = min(
            float((line.synthesize(line.fit(u, x, scale=beta, ridge=1e-10), x, scale=beta) - u).norm() / u.norm())
            for beta in np.geomspace(0.1, 2, 25)
        )
        result["Hermite"].append((degree, best))
        pairs = Space(Rational(degree=degree // 2))  # as many functions
        best = min(
            float((pairs.synthesize(pairs.fit(u, x, scale=beta, ridge=1e-12), x, scale=beta) - u).norm() / u.norm())
            for beta in np.geomspace(0.1, 2, 25)
        )
        result["rational"].append((degree, best))
        found = interval.synthesize(interval.fit(u, y, ridge=1e-12), y)
        result["Chebyshev, mapped"].append((degree, float((found - u).norm() / u.norm())))
    return result


def _figure(settings: Settings) -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for name, pairs in approximation(settings).items():
        axis.loglog([n for n, _ in pairs], [e for _, e in pairs], ".-", label=name)
    axis.set_xlabel("degree")
    axis.set_ylabel("relative L2 error within 30")
    axis.legend(fontsize=8)
    return figure
