"""Sharp fronts and fast change: a travelling front, a jump, one bump that becomes two; how the error falls with the degree, and what helps."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import learn
from ..families import Chebyshev, Hermite, TwoHalfLines
from ..space import Space
from .exact_solutions import SPEED, disturbed_fronts, fisher_front, splitting_bumps
from .measures import described, encoding_error
from .pages import Figure, Page, Settings, Table, percent, plain_ticks, spread

Curve = list[tuple[int, float]]
SCALES = np.geomspace(0.15, 6.0, 40)


def best_hermite(u: Tensor, x: Tensor, degree: int, shift: float = 0.0) -> tuple[float, float]:
    """Return the least error of Hermite functions of a degree over all scales, and that scale."""
    space = Space(Hermite(degree=degree))

    def error(beta: float) -> float:
        found = space.synthesize(space.fit(u, x, scale=beta, shift=shift, ridge=1e-12), x, scale=beta, shift=shift)
        return float((found - u).norm() / u.norm())

    return min((error(beta), beta) for beta in SCALES)


def best_chebyshev(u: Tensor, x: Tensor, degree: int) -> float:
    """Return the error of Chebyshev polynomials on the interval of the points."""
    space = Space(Chebyshev(float(x.min()) - 0.01, float(x.max()) + 0.01, degree=degree))
    return float((space.synthesize(space.fit(u, x, ridge=1e-12), x) - u).norm() / u.norm())


# ------------------------------------------------------------------------------------------------ a travelling front


def front_curves(degrees: list[int]) -> dict[str, Curve]:
    """Return the errors of one disturbed front at t = 2, by degree: as it is, and with the known front taken off."""
    x = torch.linspace(-12, 24, 1201, dtype=torch.float64)
    u = disturbed_fronts(1, torch.tensor([0.0, 2.0], dtype=torch.float64), x, 3).values[0, 1, 0]
    rest = u - fisher_front(x, 2.0)
    part = float(rest.norm() / u.norm())
    centre = float((rest.square() * x).sum() / rest.square().sum())
    return {
        "Hermite": [(n, best_hermite(u, x, n, 6.0)[0]) for n in degrees],
        "Chebyshev": [(n, best_chebyshev(u, x, n)) for n in degrees],
        "Hermite, front taken off": [(n, part * best_hermite(rest, x, n, centre)[0]) for n in degrees],
    }


def _learned_fronts(settings: Settings) -> Table:
    """Learn disturbed fronts as they are, and the remainder of them when the known one is taken off."""
    times = torch.linspace(0, 3, settings.of(5, 16), dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    x = (30 * torch.rand(settings.of(50, 120), generator=generator, dtype=torch.float64) - 8).sort().values
    data, tested = disturbed_fronts(settings.of(6, 60), times, x, 0), disturbed_fronts(settings.of(3, 20), times, x, 1)
    known = fisher_front(x, times[:, None])[None, :, None]
    size = float((tested.values - known)[:, 1:].norm() / tested.values[:, 1:].norm())
    rows: list[list[Any]] = []
    for name, family, taken, fixed in (
        ("as it is", "hermite", False, None), ("as it is", "chebyshev", False, None),
        ("front taken off", "hermite", True, None), ("front taken off, fixed basis", "hermite", True, True),
    ):  # fmt: skip
        given, unseen = (replace(own, values=own.values - known) if taken else own for own in (data, tested))
        errors, started = [], time.perf_counter()
        for seed in range(settings.seeds):
            model = learn.fit(
                given, family, fixed=fixed, time_dependent=taken, steps=settings.of(15, 300), seed=seed, progress=False
            )  # fmt: skip
            errors.append(model.evaluate(unseen)["relative_l2"] * (size if taken else 1.0))
        seconds = (time.perf_counter() - started) / settings.seeds
        floor = encoding_error(model, unseen) * (size if taken else 1.0)
        rows.append([name, family, described(model), f"{seconds:.0f} s", percent(floor), spread(errors)])
    caption = (
        f"Fronts of u_t = u_xx + u - u^2, which travel at {SPEED:.2f}, with a bump ahead of them: {len(data)} to learn from, {len(tested)} unseen,"
        f" {len(x)} sensors on (-8, 22), {len(times)} times to 3. All errors are relative to the whole field. Without the front the equation depends on time."
    )
    return Table(["front", "family", "basis", "training", "best fit", "error"], rows, caption)


# ------------------------------------------------------------------------------------------------ a jump


def jump_errors(degree: int) -> dict[str, tuple[float, float]]:
    """Return errors of sign(x - 1/2) exp(-x^2 / 2), in all and farther than 1 from the jump, by what is done."""
    x = torch.linspace(-9, 9, 6000, dtype=torch.float64)
    u = torch.where(x < 0.5, -1.0, 1.0) * torch.exp(-(x**2) / 2)
    away = (x - 0.5).abs() > 1
    result: dict[str, tuple[float, float]] = {}

    def note(name: str, found: Tensor) -> None:
        wrong = found - u
        result[name] = float(wrong.norm() / u.norm()), float(wrong[away].norm() / u[away].norm())

    space = Space(Hermite(degree=degree))
    for name, shift in (("Hermite, x0 = 0", 0.0), ("Hermite, x0 at the jump", 0.5)):
        beta = best_hermite(u, x, degree, shift)[1]
        coef = space.fit(u, x, scale=beta, shift=shift, ridge=1e-12)
        note(name, space.synthesize(coef, x, scale=beta, shift=shift))
        if shift:
            tail = torch.exp(-36 * (torch.arange(degree + 1, dtype=torch.float64) / (degree + 1)) ** 8)
            note(f"{name}, tail filtered", space.synthesize(tail * coef, x, scale=beta, shift=shift))
    line, fitted = Space(TwoHalfLines(degree=max(1, degree // 2))), []
    for beta in SCALES * 4:
        c = line.fit(u, x, scale=beta, shift=0.5, ridge=1e-12)
        own = line.synthesize(c, x, scale=beta, shift=0.5)
        fitted.append((float((own - u).norm()), own))
    note("TwoHalfLines that meet at the jump, half the degree", min(fitted, key=lambda pair: pair[0])[1])
    return result


def _jumps(degrees: list[int]) -> Table:
    found = {n: jump_errors(n) for n in degrees}
    rows = [
        [name, *(f"{percent(found[n][name][0])} / {percent(found[n][name][1])}" for n in degrees)]
        for name in found[degrees[0]]
    ]
    caption = (
        "The field sign(x - 1/2) exp(-x^2/2): error in all / farther than 1 from the jump, each at the best scale."
    )
    return Table(["a jump", *(f"degree {n}" for n in degrees)], rows, caption)


# ------------------------------------------------------------------------------------------------ one bump becomes two


def degree_needed(distance: float, error: float = 1e-3) -> int:
    """Return the least degree, of a few, with which two bumps exp(-(x -+ distance)^2) are represented to an error at the best scale."""
    x = torch.linspace(-distance - 6, distance + 6, 1201, dtype=torch.float64)
    u = torch.exp(-((x - distance) ** 2)) + torch.exp(-((x + distance) ** 2))
    for degree in (4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384):
        if best_hermite(u, x, degree)[0] < error:
            return degree
    raise ArithmeticError(f"two bumps {2 * distance:g} apart: a degree above 384 would be needed")


def _bumps(settings: Settings) -> Table:
    """Learn the wave equation over longer and longer times."""
    rows: list[list[Any]] = []
    for last in settings.of((2.0,), (2.0, 4.0, 8.0)):
        times = torch.linspace(0, last, settings.of(5, 17), dtype=torch.float64)
        sensors = settings.of(48, 160)
        data, tested = (
            splitting_bumps(settings.of(6, 80), times, sensors, 0),
            splitting_bumps(settings.of(3, 20), times, sensors, 1),
        )
        errors, started = [], time.perf_counter()
        for seed in range(settings.seeds):
            model = learn.fit(data, "hermite", steps=settings.of(15, 300), seed=seed, progress=False)
            errors.append(model.evaluate(tested)["relative_l2"])
        seconds = (time.perf_counter() - started) / settings.seeds
        needed = degree_needed(last)
        rows.append(
            [
                f"{last:g}",
                needed,
                described(model),
                f"{seconds:.0f} s",
                percent(encoding_error(model, tested)),
                spread(errors),
            ]
        )
    caption = "u_tt = u_xx from bumps at rest, observed as u and u_t: at time t two bumps stand 2 t apart. The degree is that for an error of 0.1 % of two bumps exp(-x^2) at that distance, at the best scale."
    return Table(["last time", "degree for 0.1 %", "basis", "training", "best fit", "error"], rows, caption)


def study(settings: Settings) -> Page:
    """Measure how errors fall with the degree, and learn three problems."""
    degrees = settings.of([4, 8], [4, 8, 16, 32, 64])
    curves = front_curves(degrees)
    front = Table(
        ["a travelling front", *(f"degree {n}" for n in degrees)],
        [[name, *(percent(error) for _, error in curve)] for name, curve in curves.items()],
        "Best approximation of one disturbed front at t = 2 on (-12, 24), at the best scale, relative to the whole field.",
    )
    distances = settings.of((0.0, 2.0), (0.0, 1.0, 2.0, 4.0, 8.0, 16.0))
    needed = [(distance, degree_needed(distance)) for distance in distances]
    jumps = _jumps(settings.of([8], [16, 64, 256]))
    parts = [front, _learned_fronts(settings), jumps, _bumps(settings)]
    figure = Figure(
        "sharp",
        _figure(curves, needed),
        "Left: error of a front by degree; right: the degree that two bumps need for 0.1 %",
    )
    figures = {"front": curves, "needed": needed}
    return Page(
        "Sharp fronts and fast change",
        [
            f"{settings.of(15, 300)} optimiser steps, all other options at their defaults; seeds: {settings.seeds}.",
            *parts,
            figure,
        ],
        figures,
    )


def _figure(curves: dict[str, Curve], needed: list[tuple[float, int]]) -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
    for name, curve in curves.items():
        left.loglog([n for n, _ in curve], [e for _, e in curve], ".-", label=name)
    plain_ticks(left.xaxis, [n for n, _ in curve])
    left.set_xlabel("degree")
    left.set_ylabel("relative L2 error")
    left.legend(fontsize=8)
    right.plot([2 * distance for distance, _ in needed], [n for _, n in needed], ".-")
    right.set_xlabel("distance of the bumps (each exp(-x^2))")
    right.set_ylabel("degree for 0.1 %")
    return figure
