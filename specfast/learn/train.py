"""Training: encode once, fit the linear part, then short windows before whole trajectories."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from ..nn.ode import EXPONENTIAL, StiffError
from .checkpoint import Log, State, fingerprint, forget, load_state, pack, save_state, unpack
from .choose import choose_basis
from .data import DataError, Observations
from .diagnose import diagnose
from .dynamics import Dynamics, Form
from .encode import Encoded
from .locate import SMOOTHED, smoothed
from .run import Run, load

PATIENCE = 10  # steps in a row on which the solver may fail


def fit(
    data: Observations,
    basis: str = "hermite",
    *,
    degree: int | None = None,
    gamma: float | None = None,
    domain: Sequence[tuple[float, float]] | None = None,
    extent: Observations | None = None,
    fixed: bool | None = None,
    frame_weight: float | None = None,
    position: bool = False,
    time_dependent: bool = False,
    known: Mapping[Any, float] | None = None,
    conserved: Sequence[str] = (),
    at_nodes: bool = False,
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
    folder: str | Path | None = None,
    resume: bool = False,
) -> Run:
    r"""Learn d(c, beta, x0)/dt = F(c, beta) from observations and return the best model by a validation split.

    The loss is the mean over trajectories and times of |u - u_hat|^2 / |u|^2 at the observed points, plus, where the basis
    follows the field, lambda [(log beta - log beta*)^2 + beta*^2 (x0 - x0*)^2] with beta*, x0* those of the snapshots,
    smoothed in time.

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
    fixed : bool, optional
        One scale and shift for the whole data set (True), or a basis that follows each field (False). Default: the latter
        where the frequency indicator gains clearly by it.
    frame_weight : float, optional
        lambda; default: the ratio of what the encoding leaves of u to what the smoothing leaves of log beta and beta x0,
        each squared, from 1e-3 to 1.
    position : bool
        Whether F depends on x0, too: an equation that is not the same everywhere.
    time_dependent : bool
        Whether F depends on t.
    known : mapping of order to number, optional
        Terms of the equation that are known: {1: -1.0, 2: 0.25} for -u_x + u_xx / 4; on several axes the orders are
        tuples, {(2, 0): 0.25}. What is learned is the rest.
    conserved : sequence of {"mass", "norm"}
        Integrals that the equation keeps, of u and of u^2; so will the predictions.
    at_nodes : bool
        Let the network act at the nodes of the space, on u, its first and second derivatives (and the place, with `position`),
        the same at each, instead of on the coefficients: for local equations. The basis is fixed.
    steps, batch, hidden, learning_rate : training
        Number of optimiser steps, trajectories a step, widths of the network, peak of the learning rate.
    method, adjoint, rtol, atol : solver
        See SpectralODE.
    seed : int
        Fixes the split, the batches and the initial weights.
    progress : bool
        Show a progress bar with loss and remaining time.
    folder : path, optional
        Where the best weights so far and a checkpoint are written, forty times in all, and log.jsonl. An interrupt
        (Ctrl-C) ends the training; the run returned has the best weights so far and ``metrics["training"]["interrupted"]``.
    resume : bool
        Go on from the checkpoint in `folder`, with the same data and settings. The result is that of a training that was
        never interrupted, bit for bit.

    Raises
    ------
    DataError
        If the data cannot be learned from, or there is no such training to resume.
    StiffError
        If the solver gives up on one batch after the other; the message says what to try.
    """
    folder = None if folder is None else Path(folder)
    check_method(method)
    form = Form(
        tuple(hidden),
        data.parameter_count,
        time_dependent,
        position,
        _known_terms(known, data.dim),
        tuple(conserved),
        at_nodes,
    )
    if at_nodes:
        if fixed is False:
            raise DataError("at_nodes=True: nodes stay where they are; fixed=False cannot go with it")
        fixed = True
    settings: dict[str, Any] = {
        "data": fingerprint(data), "basis": basis, "degree": degree, "gamma": gamma, "domain": domain and [d and list(d) for d in domain],
        "fixed": fixed, "frame_weight": frame_weight, "form": json.loads(json.dumps(form.to_dict())),
        "steps": steps, "batch": batch, "learning_rate": learning_rate, "method": method,
        "adjoint": adjoint, "rtol": rtol, "atol": atol, "seed": seed,
    }  # fmt: skip
    if frame_weight is not None and not 0 <= frame_weight < math.inf:
        raise DataError(f"frame_weight={frame_weight}: a number of 0 or more is expected")
    if method == EXPONENTIAL and (data.times != data.times[:1]).any():
        raise DataError(f"method={method!r}: times shared by all trajectories are expected, these have their own")
    if resume and folder is None:
        raise DataError("resume=True: a folder to resume from is expected")
    usable = data.observed
    if not (usable[:, 1:] & usable[:, :-1]).any():
        raise DataError("no trajectory is observed at two neighbouring times; an evolution cannot be learned")
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(data), generator=generator)
    held = max(1, len(data) // 10) if len(data) > 3 else 0
    validation, training = order[:held], order[held:]
    if resume:
        assert folder is not None
        state, run = load_state(folder, settings), load(folder)
        encoded = run.basis.encode(data)
    else:
        state = State(settings)
        chosen = choose_basis(data, basis, degree=degree, gamma=gamma, domain=domain, extent=extent, fixed=fixed)
        encoded = chosen.encode(data)
        dynamics = Dynamics(chosen, len(data.channels), form)
        parameters = None if data.parameters is None else data.parameters[training]
        dynamics.initialise(chosen.state(encoded)[training], data.times[training], usable[training], parameters)
        solver = {"method": method, "adjoint": adjoint, "rtol": rtol, "atol": atol}
        run = Run(chosen, dynamics, solver, data.channels)
        run.ode()
        if folder is not None:
            forget(folder)
    trainer = _Trainer(run, data, encoded, training, validation if held else training, generator, state, folder)
    trainer.set_targets(frame_weight)
    run.metrics["last_time"] = float(data.times[:, -1].max())
    trainer.train(min(batch, len(training)), learning_rate, progress)
    finished = not run.metrics["training"]["interrupted"]
    run.metrics["training"]["diagnosis"] = (
        diagnose(run, data, training, trainer.validation, encoded) if finished else []
    )
    return run


def _known_terms(known: Mapping[Any, float] | None, dim: int) -> tuple[tuple[tuple[int, ...], float], ...]:
    terms = []
    for orders, number in (known or {}).items():
        orders = (orders,) if isinstance(orders, int) else tuple(orders)
        if (
            len(orders) != dim
            or not all(isinstance(k, int) and 0 <= k <= 10 for k in orders)
            or not math.isfinite(number)
        ):
            raise DataError(f"known={{{orders}: {number}}}: {dim} orders from 0 to 10 and a finite number are expected")
        terms.append((orders, float(number)))
    return tuple(terms)


def check_method(method: str) -> None:
    """Raise DataError for a solver that torchdiffeq does not have or cannot differentiate."""
    from torchdiffeq._impl.odeint import SOLVERS

    usable = [name for name in SOLVERS if name != "scipy_solver"] + [EXPONENTIAL]
    if method not in usable:
        raise DataError(f"method={method!r}: one of {', '.join(usable)} is expected")


class _Trainer:
    def __init__(
        self, run: Run, data: Observations, encoded: Encoded, training: Tensor, validation: Tensor, generator: torch.Generator,
        state: State, folder: Path | None,
    ):  # fmt: skip
        self.run, self.data, self.encoded = run, data, encoded
        self.training, self.validation, self.generator = training, validation, generator
        self.state, self.folder = state, folder
        self.steps: int = state.settings["steps"]
        self.usable = data.observed
        self.gaps, self.validating = data.gaps, data.select(validation)
        self.before = state.seconds
        self.started = time.monotonic()
        self.frames: Tensor | None = None
        self.frame_weight = 0.0
        self.given_up = 0  # steps in a row on which the solver failed

    def set_targets(self, weight: float | None) -> None:
        """Smooth the frames of the snapshots, which the loss holds the predicted ones to, and weight that part."""
        frame = self.encoded.frame
        if frame is None:
            return
        self.frames = smoothed(frame, self.data.times, self.usable)
        often = self.usable & (self.usable.sum(1, keepdim=True) >= SMOOTHED)
        if weight is None and not often.any():
            weight = 1e-2  # nothing was smoothed that could tell
        elif weight is None:
            rough = (self.frames - frame)[often].square().sum(-1).median()
            weight = float((self.left_over(frame) / rough.clamp_min(1e-12)).clamp(1e-3, 1.0))
        self.frame_weight = weight
        self.run.metrics["frame_weight"] = weight

    def left_over(self, frame: Tensor) -> Tensor:
        """Return what the encoding leaves of the observed values, squared and relative."""
        basis, left, power = self.run.basis, torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
        for rows, some in self.data.blocks():
            field = basis.synthesize(self.encoded.coef[rows], some.points, frame[rows])
            left += ((field - some.values) / basis.amplitude).nan_to_num().square().sum()
            power += (some.values / basis.amplitude).nan_to_num().square().sum()
        return left / power

    def train(self, batch: int, learning_rate: float, progress: bool) -> None:
        """Run the optimiser to the last step, or until interrupted; leave the best weights in the run."""
        state, model = self.state, self.run.dynamics
        optimiser = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=1e-2)
        if state.tensors:
            best = unpack(state.tensors, model, optimiser, self.generator)
        else:
            best, state.best_error = copy.deepcopy(model.state_dict()), self.error()
            state.history.append({"step": 0, "validation": state.best_error})
            self.keep(best, optimiser, state.step)
        log, every = Log(self.folder, state.history), max(1, self.steps // 40)
        bar = tqdm(total=self.steps, initial=state.step, disable=not progress, unit="step", desc="learning")
        done, interrupted = state.step, False
        try:
            for step in range(state.step, self.steps):
                record = self.step(step, batch, learning_rate, optimiser)
                done = step + 1
                bar.update()
                if done % every == 0 or done == self.steps:
                    record["validation"] = self.error()
                    if record["validation"] < state.best_error:
                        best, state.best_error = copy.deepcopy(model.state_dict()), record["validation"]
                    state.history.append(record)
                    self.keep(best, optimiser, done)
                    log.write(record)
                    bar.set_postfix(loss=f"{record['loss']:.1e}", validation=f"{record['validation']:.4f}")
        except KeyboardInterrupt:
            interrupted = True
        finally:
            bar.close()
            log.close()
        model.load_state_dict(best)
        self.run.metrics["training"] = self.summary(done) | {"interrupted": interrupted}

    def step(self, step: int, batch: int, learning_rate: float, optimiser: torch.optim.Optimizer) -> dict[str, Any]:
        """Do one step; return its record."""
        warm = min(1.0, (step + 1) / 50)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * warm * 0.5 * (1 + math.cos(math.pi * (step + 1) / self.steps))
        window, rows, start = self.batch(step, batch)
        calls, norm, loss = self.run.evaluations, torch.tensor(0.0), torch.tensor(math.nan)
        if len(rows):
            optimiser.zero_grad()
            try:
                loss = self.loss(rows, start, window)
                loss.backward()
                self.given_up = 0
            except StiffError as error:  # these weights are poor, the next batch may be fine
                loss, self.given_up = torch.tensor(math.nan), self.given_up + 1
                if self.given_up == PATIENCE:
                    raise StiffError(f"{PATIENCE} steps in a row failed; {error}") from error
            if loss.isfinite():
                norm = torch.nn.utils.clip_grad_norm_(self.run.dynamics.parameters(), 1.0)
                optimiser.step()
        return {
            "step": step + 1, "loss": float(loss.detach()), "gradient_norm": float(norm), "window": window,
            "evaluations": self.run.evaluations - calls, "seconds": self.seconds(),
        }  # fmt: skip

    def seconds(self) -> float:
        """Return the time spent so far, that before the training was resumed included."""
        return self.before + time.monotonic() - self.started

    def summary(self, done: int) -> dict[str, Any]:
        """Return what the run's metrics say of its training."""
        return {
            "steps": done, "seconds": self.seconds(), "validation_relative_l2": self.state.best_error,
            "trajectories": len(self.training),
        }  # fmt: skip

    def keep(self, best: dict[str, Tensor], optimiser: torch.optim.Optimizer, done: int) -> None:
        """Record where the training stands, and write the best weights and a checkpoint."""
        state, model = self.state, self.run.dynamics
        state.step, state.seconds = done, self.seconds()
        self.run.history = state.history
        if self.folder is None:
            return
        state.tensors = pack(model, best, optimiser, self.generator)
        current = copy.deepcopy(model.state_dict())
        model.load_state_dict(best)
        self.run.metrics["training"] = self.summary(done)
        self.run.save(self.folder)
        model.load_state_dict(current)
        save_state(self.folder, state)

    def batch(self, step: int, batch: int) -> tuple[int, Tensor, int]:
        """Return window length, trajectories, first time: windows of 2, 5, 10 steps, then whole trajectories."""
        longest = self.data.values.shape[1] - 1
        part = step / self.steps
        window = min(longest, 2 if part < 0.25 else 5 if part < 0.5 else 10 if part < 0.7 else longest)
        start = int(torch.randint(longest - window + 1, (), generator=self.generator))
        picked = torch.randperm(len(self.training), generator=self.generator)[:batch]
        rows = self.training[picked]
        return window, rows[self.usable[rows, start]], start

    def loss(self, rows: Tensor, start: int, window: int) -> Tensor:
        """Return the mean relative squared error over a window."""
        part, span = self.data.select(rows), slice(start, start + window + 1)
        state = self.run.roll_out(self.encoded.at(rows, start), part.times[:, span], part.parameters)
        field = self.run.basis.synthesize(state.coef, part.points, state.frame)
        size = self.run.basis.amplitude  # taken out, so that no square over- or underflows
        truth = part.values[:, span] / size
        wrong, power = field / size - truth, truth.square()
        if self.gaps:
            seen = ~truth.isnan()
            wrong, power = torch.where(seen, wrong, 0.0), torch.where(seen, power, 0.0)
        wrong, power = wrong.square().sum((2, 3)), power.sum((2, 3))
        # Floored at a thousandth of the typical snapshot, so that an empty field does not rule.
        misfit = (wrong / (power + 1e-3 * power.mean()).clamp_min(1e-300)).mean()
        return misfit if self.frames is None else misfit + self.frame_weight * self.frame_loss(state, rows, span)

    def frame_loss(self, state: Encoded, rows: Tensor, span: slice) -> Tensor:
        """Return the mean of (log beta - log beta*)^2 + beta*^2 (x0 - x0*)^2 over axes, trajectories and times."""
        assert state.frame is not None and self.frames is not None
        wanted = self.frames[rows, span]
        log_scale, shift = (state.frame - wanted).chunk(2, -1)
        stretch = wanted.chunk(2, -1)[0].exp()
        seen = self.usable[rows, span]
        return (log_scale.square() + (stretch * shift).square()).sum(-1)[seen].sum() / seen.sum().clamp_min(1)

    def error(self) -> float:
        """Return relative_l2 on the validation trajectories."""
        try:
            known = self.encoded.at(self.validation, slice(None))
            return self.run.errors(self.validating, known).figures()["relative_l2"]
        except DataError:
            return math.inf
