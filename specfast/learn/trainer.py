"""The steps of a training: windows that grow, the loss and its parts, what is kept on the way."""

from __future__ import annotations

import copy
import inspect
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..data import DataError, Observations
from ..nn.ode import StiffError, is_of_solver
from .checkpoint import Log, State, forget, pack, save_state, unpack
from .distributed import Processes
from .encoder import Encoded
from .model import Model
from .moving_basis import SMOOTHED, smoothed
from .progress import Progress
from .splits import Judged

# Of the scales and shifts, when chosen. More costs up to twice the error, less gains nothing, from no noise to 10 % (docs/results/scale_shift.md).
WEIGHTS = (1e-3, 1e-1)
PATIENCE = 10  # steps in a row on which the solver may fail


class _Objective(nn.Module):
    """The loss of a batch as a module, which DistributedDataParallel wants."""

    def __init__(self, model: nn.Module, loss: Callable[..., Tensor]):
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, rows: Tensor, start: int, window: int) -> Tensor:
        """Return this process's share of the loss."""
        return self.loss(rows, start, window)


def _in_parallel(objective: nn.Module, group: torch.distributed.ProcessGroup | None) -> nn.Module:
    """Return the objective under DistributedDataParallel; its buffers are constants and are not sent."""
    parallel = nn.parallel.DistributedDataParallel
    name = "forward_sync_buffers"  # from PyTorch 2.13 on
    name = name if name in inspect.signature(parallel.__init__).parameters else "broadcast_buffers"
    return parallel(objective, process_group=group, **{name: False})  # type: ignore[arg-type]


class Trainer:
    """Does the steps of a training, measures them, and keeps the best weights."""

    def __init__(
        self, model: Model, data: Observations, encoded: Encoded, training: Tensor, judged: Judged | None, generator: torch.Generator,
        state: State, folder: Path | None, processes: Processes | None = None,
    ):  # fmt: skip
        self.processes = processes = processes or Processes()
        self.objective: nn.Module = _Objective(model.dynamics, self.loss)
        if processes.count > 1:
            self.objective = _in_parallel(self.objective, processes.group)
        self.model, self.data, self.encoded = model, data, encoded
        self.training, self.judged, self.generator = training, judged, generator
        self.state, self.folder = state, folder
        self.steps: int = state.settings["steps"]
        self.usable = data.observed
        self.gaps = data.gaps
        self.before = state.seconds
        self.started = time.monotonic()
        self.scale_shifts: Tensor | None = None
        self.scale_shift_penalty = 0.0
        self.given_up = 0  # steps in a row on which the solver failed
        self.not_finite = 0  # steps in a row on which the loss, or its gradient, was no number

    def set_targets(self, weight: float | None) -> None:
        """Smooth the scales and shifts of the snapshots, which the loss holds the predicted ones to, and weight that part."""
        scale_shift = self.encoded.scale_shift
        if scale_shift is None:
            return
        self.scale_shifts = smoothed(scale_shift, self.data.times, self.usable)
        often = self.usable & (self.usable.sum(1, keepdim=True) >= SMOOTHED) & self.trained_on()[:, None]
        if weight is None and not often.any():
            weight = 1e-2  # nothing was smoothed that could tell
        elif weight is None:
            rough = (self.scale_shifts - scale_shift)[often].square().sum(-1).median()
            weight = self.processes.said_by_first(
                lambda: float((self.left_over(scale_shift) / rough.clamp_min(1e-12)).clamp(*WEIGHTS))
            )
        self.scale_shift_penalty = weight
        self.model.metrics["scale_shift_penalty"] = weight

    def trained_on(self) -> Tensor:
        """Return which trajectories (R,) are."""
        return torch.zeros(len(self.usable), dtype=torch.bool).index_fill(0, self.training, True)

    def left_over(self, scale_shift: Tensor) -> Tensor:
        """Return what the encoding leaves of the values trained on, squared and relative."""
        encoder, left, power = (
            self.model.encoder,
            torch.zeros((), dtype=torch.float64),
            torch.zeros((), dtype=torch.float64),
        )
        trained_on = self.trained_on()
        for rows, some in self.data.blocks():
            own = trained_on[rows]
            field = encoder.synthesize(self.encoded.coef[rows], some.points, scale_shift[rows])
            left += ((field - some.values) / encoder.amplitude)[own].nan_to_num().square().sum()
            power += (some.values / encoder.amplitude)[own].nan_to_num().square().sum()
        return left / power

    def train(self, batch: int, learning_rate: float, progress: bool) -> None:
        """Run the optimiser to the last step, or until interrupted; leave the best weights in the model."""
        state, model = self.state, self.model.dynamics
        optimiser = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=1e-2)
        if state.tensors:
            best = unpack(state.tensors, model, optimiser, self.generator)
        else:
            best = copy.deepcopy(model.state_dict())
            state.history.append({"step": 0} | self.validated())
            self.is_best(state.history[-1])
            if self.folder is not None:  # not before there is something in its place
                forget(self.folder)
            self.keep(best, optimiser, state.step)
        log, every = Log(self.folder, state.history), max(1, self.steps // 40)
        shown = Progress(self.steps, state.step, None if self.judged is None else state.best_error, progress)
        done, interrupted = state.step, False
        try:
            for step in range(state.step, self.steps):
                record = self.step(step, batch, learning_rate, optimiser)
                done = step + 1
                if done % every == 0 or done == self.steps:
                    record |= self.validated()
                    if self.is_best(record):
                        best = copy.deepcopy(model.state_dict())
                    state.history.append(record)
                    self.keep(best, optimiser, done)
                    log.write(record)
                shown.update(record["loss"], record.get("validation"))
        except KeyboardInterrupt:
            interrupted = True
        finally:
            shown.close()
            log.close()
        model.load_state_dict(best)
        self.model.metrics["training"] = self.summary(done) | {"interrupted": interrupted}

    def step(self, step: int, batch: int, learning_rate: float, optimiser: torch.optim.Optimizer) -> dict[str, Any]:
        """Do one step; return its record."""
        warm = min(1.0, (step + 1) / 50)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * warm * 0.5 * (1 + math.cos(math.pi * (step + 1) / self.steps))
        window, rows, start = self.batch(step, batch)
        calls, norm, loss = self.model.evaluations, torch.tensor(0.0), torch.tensor(math.nan)
        if len(rows):
            optimiser.zero_grad()
            loss = self.descend(rows, start, window)
            if loss.isfinite():
                norm = nn.utils.clip_grad_norm_(self.model.dynamics.parameters(), 1.0)
            self.check_finite(loss, norm)
            if loss.isfinite() and norm.isfinite():
                optimiser.step()
        return {
            "step": step + 1, "loss": float(loss.detach()), "gradient_norm": float(norm), "window": window,
            "evaluations": self.model.evaluations - calls, "seconds": self.seconds(),
        }  # fmt: skip

    def check_finite(self, loss: Tensor, norm: Tensor) -> None:
        """End a training whose loss, or its gradient, is no number step after step: it would never become one."""
        self.not_finite = 0 if loss.isfinite() and norm.isfinite() else self.not_finite + 1
        if self.not_finite == PATIENCE:
            what = "gradient" if loss.isfinite() else "loss"
            raise StiffError(
                f"the {what} was not finite on {PATIENCE} steps in a row: the learned equation grows without bound; try a smaller"
                " learning rate, a lower --degree or --method dopri5, and look for faulty observations"
            )

    def descend(self, rows: Tensor, start: int, window: int) -> Tensor:
        """Return the loss of a batch, with its gradient in the parameters; NaN where the solver failed."""
        share, failure = torch.tensor(math.nan), None
        try:
            share = self.objective(rows, start, window)
        except StiffError as error:  # these weights are poor, the next batch may be fine
            failure = error
        if self.processes.any_failed(failure is not None):
            self.given_up += 1
            if self.given_up == PATIENCE:
                raise StiffError(f"{PATIENCE} steps in a row failed; {failure or 'in another process'}") from failure
            return torch.tensor(math.nan)
        self.given_up = 0
        try:
            share.backward()
        except AssertionError as error:
            if not is_of_solver(error):
                raise
            raise StiffError(f"the adjoint equation could not be integrated ({error}); try adjoint=False") from error
        if self.processes.count > 1:  # what was averaged is to be a sum
            torch._foreach_mul_(
                [p.grad for p in self.model.dynamics.parameters() if p.grad is not None], self.processes.count
            )
        return self.processes.sum(share.detach())

    def seconds(self) -> float:
        """Return the time spent so far, that before the training was resumed included."""
        return self.before + time.monotonic() - self.started

    def summary(self, done: int) -> dict[str, Any]:
        """Return what the model's metrics say of its training."""
        return {
            "steps": done, "seconds": self.seconds(), "trajectories": len(self.training),
            "validation_relative_l2": None if self.judged is None else self.state.best_error,
            "weights": "last" if self.judged is None else "of least validation error",
        }  # fmt: skip

    def keep(self, best: dict[str, Tensor], optimiser: torch.optim.Optimizer, done: int) -> None:
        """Record where the training stands, and write the best weights and a checkpoint."""
        state, model = self.state, self.model.dynamics
        state.step, state.seconds = done, self.seconds()
        self.model.history = state.history
        if self.folder is None:
            return
        state.tensors = pack(model, best, optimiser, self.generator)
        current = copy.deepcopy(model.state_dict())
        model.load_state_dict(best)
        self.model.metrics["training"] = self.summary(done)
        self.model.save(self.folder)
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
        """Return this process's share of the mean relative squared error over a window."""
        span = slice(start, start + window + 1)
        times = self.data.times[rows, span]
        shared = bool((times == times[:1]).all())  # for the batch, not for a share of it
        rows = self.processes.own(rows)
        part, size = (
            self.data.select(rows),
            self.model.encoder.amplitude,
        )  # taken out, so that no square over- or underflows
        truth = part.values[:, span] / size
        seen = ~truth.isnan() if self.gaps else None
        power = (truth if seen is None else truth.nan_to_num()).square().sum((2, 3))
        with_scale_shift = self.usable[rows, span]
        total, number, scale_shifts = self.processes.sum(
            torch.stack([power.sum(), _count(power), with_scale_shift.sum().double()])
        )
        state = self.model.roll_out(
            self.encoded.at(rows, start), times[0] if shared else part.times[:, span], part.parameters, self.processes.norm
        )  # fmt: skip
        wrong = self.model.encoder.synthesize(state.coef, part.points, state.scale_shift) / size - truth
        if seen is not None:
            wrong = torch.where(seen, wrong, 0.0)
        # Floored at a thousandth of the typical snapshot, so that an empty field does not rule.
        floor = 1e-3 * total / number
        misfit = (wrong.square().sum((2, 3)) / (power + floor).clamp_min(1e-300)).sum() / number
        if self.scale_shifts is None:
            return misfit
        return misfit + self.scale_shift_penalty * self.scale_shift_loss(
            state, self.scale_shifts[rows, span], with_scale_shift
        ) / scale_shifts.clamp_min(1)

    def scale_shift_loss(self, state: Encoded, wanted: Tensor, seen: Tensor) -> Tensor:
        """Return the sum of (log beta - log beta*)^2 + beta*^2 (x0 - x0*)^2 over axes, and trajectories and times seen."""
        assert state.scale_shift is not None
        log_scale, shift = (state.scale_shift - wanted).chunk(2, -1)
        stretch = wanted.chunk(2, -1)[0].exp()
        return (log_scale.square() + (stretch * shift).square()).sum(-1)[seen].sum()

    def validated(self) -> dict[str, float]:
        """Return the `error`, which the first process finds for all, as what a record says of it; nothing where nothing judges."""
        return {} if self.judged is None else {"validation": self.processes.said_by_first(self.error)}

    def is_best(self, record: dict[str, Any]) -> bool:
        """Return whether the weights that a record is of are the best so far: by validation, or where nothing judges the last."""
        if self.judged is None:
            return True
        better = bool(record["validation"] < self.state.best_error)
        self.state.best_error = min(self.state.best_error, record["validation"])
        return better

    def error(self) -> float:
        """Return relative_l2 of forecasts of what was kept from training."""
        assert self.judged is not None
        try:
            return float(self.model.errors(*self.judged).figures()["relative_l2"])
        except DataError:
            return math.inf


def _count(tensor: Tensor) -> Tensor:
    return torch.tensor(float(tensor.numel()), dtype=torch.float64)
