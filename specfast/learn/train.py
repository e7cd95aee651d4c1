"""Training: encode once, fit the linear part, then short windows before whole trajectories."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from tqdm import tqdm

from .choose import choose_basis
from .data import DataError, Observations
from .dynamics import Dynamics
from .run import Run, measure


def fit(
    data: Observations,
    basis: str = "hermite",
    *,
    degree: int | None = None,
    gamma: float | None = None,
    domain: Sequence[tuple[float, float]] | None = None,
    extent: Observations | None = None,
    steps: int = 2400,
    batch: int = 64,
    hidden: Sequence[int] = (128, 128),
    learning_rate: float = 1e-3,
    method: str = "dopri5",
    adjoint: bool = False,
    rtol: float = 1e-4,
    atol: float = 1e-5,
    seed: int = 0,
    progress: bool = True,
) -> Run:
    r"""Learn dc/dt = F(c) from observations and return the best model by a validation split.

    The loss is the mean over trajectories and times of |u - u_hat|^2 / |u|^2 at the observed points.

    Parameters
    ----------
    data : Observations
        What `read` returns.
    basis : {"hermite", "laguerre", "chebyshev", "legendre"}
        The family of all axes, or one an axis joined by commas; scale and shift are chosen from the data.
    degree : int, optional
        Degree of the space; default: from the frequency indicator of the data.
    gamma : float, optional
        Shape of the hyperbolic cross for two or more axes; default -1.
    domain : sequence of (float, float), optional
        Intervals of bounded axes, (end, inf) of half-lines; one for all axes or one an axis.
    extent : Observations, optional
        Observations whose positions the domain must hold too, such as those held out.
    steps, batch, hidden, learning_rate : training
        Number of optimiser steps, trajectories a step, widths of the network, peak of the learning rate.
    method, adjoint, rtol, atol : solver
        See SpectralODE.
    seed : int
        Fixes the split, the batches and the initial weights.
    progress : bool
        Show a progress bar with loss and remaining time.

    Raises
    ------
    DataError
        If the data cannot be learned from.
    """
    check_method(method)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    usable = data.observed
    if not (usable[:, 1:] & usable[:, :-1]).any():
        raise DataError("no trajectory is observed at two neighbouring times; an evolution cannot be learned")
    chosen = choose_basis(data, basis, degree=degree, gamma=gamma, domain=domain, extent=extent)
    coef = chosen.encode(data)
    order = torch.randperm(len(data), generator=generator)
    held = max(1, len(data) // 10) if len(data) > 3 else 0
    validation, training = order[:held], order[held:]
    dynamics = Dynamics(len(data.channels), chosen.space.size, hidden)
    dynamics.initialise(coef[training], data.times[training], usable[training])
    solver = {"method": method, "adjoint": adjoint, "rtol": rtol, "atol": atol}
    run = Run(chosen, dynamics, solver, data.channels, tuple(hidden))
    trainer = _Trainer(run, data, coef, training, validation if held else training, generator)
    trainer.train(steps, min(batch, len(training)), learning_rate, progress)
    return run


def check_method(method: str) -> None:
    """Raise DataError for a solver that torchdiffeq does not have or cannot differentiate."""
    from torchdiffeq._impl.odeint import SOLVERS

    usable = [name for name in SOLVERS if name != "scipy_solver"]
    if method not in usable:
        raise DataError(f"method={method!r}: one of {', '.join(usable)} is expected")


class _Trainer:
    def __init__(
        self, run: Run, data: Observations, coef: Tensor, training: Tensor, validation: Tensor, generator: torch.Generator
    ):  # fmt: skip
        self.run, self.data, self.coef = run, data, coef
        self.training, self.validation, self.generator = training, validation, generator
        self.usable = data.observed

    def train(self, steps: int, batch: int, learning_rate: float, progress: bool) -> None:
        run, started = self.run, time.monotonic()
        optimiser = torch.optim.AdamW(run.dynamics.parameters(), lr=learning_rate, weight_decay=1e-2)
        best, best_error = copy.deepcopy(run.dynamics.state_dict()), self.error()
        run.history.append({"step": 0, "validation": best_error})
        every = max(1, steps // 40)
        bar = tqdm(total=steps, disable=not progress, unit="step", desc="learning")
        for step, (window, rows, start) in enumerate(self.batches(steps, batch), 1):
            warm = min(1.0, step / 50)
            for group in optimiser.param_groups:
                group["lr"] = learning_rate * warm * 0.5 * (1 + math.cos(math.pi * step / steps))
            optimiser.zero_grad()
            try:
                loss = self.loss(rows, start, window)
                loss.backward()
            except AssertionError:  # torchdiffeq: step underflow; these weights are poor, the next batch may be fine
                loss = torch.tensor(math.nan)
            if loss.isfinite():
                torch.nn.utils.clip_grad_norm_(run.dynamics.parameters(), 1.0)
                optimiser.step()
            bar.update()
            if step % every == 0 or step == steps:
                error = self.error()
                run.history.append({"step": step, "loss": float(loss.detach()), "validation": error})
                bar.set_postfix(loss=f"{float(loss.detach()):.1e}", validation=f"{error:.4f}")
                if error < best_error:
                    best, best_error = copy.deepcopy(run.dynamics.state_dict()), error
        bar.close()
        run.dynamics.load_state_dict(best)
        run.metrics["training"] = {
            "steps": steps, "seconds": time.monotonic() - started, "validation_relative_l2": best_error,
            "trajectories": len(self.training),
        }  # fmt: skip

    def batches(self, steps: int, batch: int) -> Iterator[tuple[int, Tensor, int]]:
        """Yield window length, trajectories, first time: windows of 2, 5, 10 steps, then whole trajectories."""
        longest = self.data.values.shape[1] - 1
        for step in range(steps):
            part = step / steps
            window = min(longest, 2 if part < 0.25 else 5 if part < 0.5 else 10 if part < 0.7 else longest)
            start = int(torch.randint(longest - window + 1, (), generator=self.generator))
            picked = torch.randperm(len(self.training), generator=self.generator)[:batch]
            rows = self.training[picked]
            rows = rows[self.usable[rows, start]]
            if len(rows):
                yield window, rows, start

    def loss(self, rows: Tensor, start: int, window: int) -> Tensor:
        """Return the mean relative squared error over a window."""
        part, span = self.data.select(rows), slice(start, start + window + 1)
        coef = self.run.roll_out(self.coef[rows, start], part.times[:, span])
        field = self.run.basis.synthesize(coef, part.points)
        seen = ~part.values[:, span].isnan()
        size = self.run.basis.amplitude  # taken out, so that no square over- or underflows
        truth = torch.where(seen, part.values[:, span] / size, 0.0)
        wrong = torch.where(seen, field / size - truth, 0.0).square().sum((2, 3))
        power = truth.square().sum((2, 3))
        # Floored at a thousandth of the typical snapshot, so that an empty field does not rule.
        return (wrong / (power + 1e-3 * power.mean()).clamp_min(1e-300)).mean()

    def error(self) -> float:
        """Return relative_l2 on the validation trajectories."""
        try:
            return measure(self.run.forecast(self.data.select(self.validation)), self.data.select(self.validation))[
                "relative_l2"
            ]
        except DataError:
            return math.inf
