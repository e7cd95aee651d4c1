"""Training of baselines: short windows before whole trajectories, for so many seconds, the learning rate chosen by validation."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...learn import Observations
from ...learn.error_measures import compare
from .grids import Grid, at_sensors, resample
from .models import make

RATES = (3e-3, 1e-3, 3e-4)
_TRIAL = 0.1  # of the time goes to every learning rate that is tried
BATCH = 32
CHECKS = 20  # of what was held back, in a training


@dataclass
class Baseline:
    """A trained model, and how it sees fields."""

    name: str
    model: nn.Module
    grid: tuple[float, float, int]
    size: float  # values are divided by it
    seconds: float
    rate: float

    @property
    def parameters(self) -> int:
        """How many numbers were learned."""
        return sum(p.numel() for p in self.model.parameters())

    @torch.no_grad()
    def predict(self, data: Observations) -> Tensor:
        """Return fields (R, T, C, M) at the sensors from the first snapshots alone."""
        own = resample(data, *self.grid)
        rows = [
            self.model((own.values[i : i + 1, 0] / self.size).float(), data.times[i].float()) for i in range(len(data))
        ]
        values = torch.cat(rows).double() * self.size
        return at_sensors(Grid(values, own.low, own.high), data)

    def error(self, data: Observations) -> dict[str, Any]:
        """Return the figures of `Model.evaluate` for this model."""
        return compare(self.predict(data), data, self.size).figures()


def _loss(model: nn.Module, values: Tensor, times: Tensor) -> Tensor:
    found = model(values[:, 0], times)[:, 1:]
    wrong, power = (found - values[:, 1:]).square().sum((2, 3)), values[:, 1:].square().sum((2, 3))
    return (wrong / (power + 1e-6)).mean()


@torch.no_grad()
def _validated(model: nn.Module, held: Tensor, times: Tensor) -> float:
    return float(_loss(model, held, times).nan_to_num(torch.inf))


def _fit(
    model: nn.Module,
    values: Tensor,
    held: Tensor,
    times: Tensor,
    seconds: float,
    rate: float,
    generator: torch.Generator,
) -> float:
    """Train for so many seconds; the learning rate falls to 0 by a cosine of the time that has passed.

    The best of 20 states by what was held back is kept; its loss there is returned.
    """
    parameters: list[Tensor] = list(model.parameters())
    best, checked = float("inf"), 0
    kept = [p.detach().clone() for p in parameters]
    optimiser = torch.optim.AdamW(model.parameters(), rate, weight_decay=1e-5)
    started, count = time.perf_counter(), values.shape[1]
    while (passed := (time.perf_counter() - started) / seconds) < 1:
        window = min(count, 2 if passed < 0.15 else 3 if passed < 0.3 else 5 if passed < 0.5 else count)
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, passed / 0.05) * 0.5 * float(1 + torch.cos(torch.tensor(torch.pi * passed)))
        rows = torch.randint(len(values), (min(BATCH, len(values)),), generator=generator)
        begin = int(torch.randint(count - window + 1, (1,), generator=generator))
        part = slice(begin, begin + window)
        loss = _loss(model, values[rows, part], times[part])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if passed * CHECKS > checked + 1:
            checked, error = int(passed * CHECKS), _validated(model, held, times)
            if error < best:
                best, kept = error, [p.detach().clone() for p in parameters]
    error = _validated(model, held, times)
    if best < error:
        with torch.no_grad():
            torch._foreach_copy_(parameters, kept)
    return min(best, error)


def train(
    name: str, data: Observations, grid: tuple[float, float, int], seconds: float, seed: int = 0
) -> Baseline | None:
    """Return a baseline trained on observations with times in common; None where its package is not installed.

    A tenth of the trajectories (of three or fewer none, which then serve for both) is kept back to choose the learning rate and the best state.
    What the trials take is part of `seconds`.

    Raises
    ------
    ValueError
        If the data have gaps, or times of their own or not equally distant.
    """
    check(data)
    torch.manual_seed(seed)
    if make(name, len(data.channels), grid[2]) is None:
        return None
    generator = torch.Generator().manual_seed(seed)
    own = resample(data, *grid).values
    size = float(own.square().mean().sqrt())
    values, times = (own / size).float(), data.times[0].float()
    order = torch.randperm(len(values), generator=generator)
    count = max(1, len(order) // 10) if len(order) > 3 else 0
    held, kept = (values[order[:count]], values[order[count:]]) if count else (values, values)
    best: tuple[float, float] | None = None
    for rate in RATES:
        torch.manual_seed(seed)
        trial = make(name, len(data.channels), grid[2])
        assert trial is not None
        error = _fit(trial, kept, held, times, _TRIAL * seconds, rate, generator)
        if best is None or error < best[0]:
            best = error, rate
    assert best is not None
    torch.manual_seed(seed)
    model = make(name, len(data.channels), grid[2])
    assert model is not None
    _fit(model, kept, held, times, (1 - _TRIAL * len(RATES)) * seconds, best[1], generator)
    return Baseline(name, model, grid, size, seconds, best[1])


def check(data: Observations) -> None:
    """Refuse what maps from one time to the next on a grid cannot be trained with."""
    steps = data.times.diff(dim=1)
    if (data.times != data.times[:1]).any() or (steps - steps[:1, :1]).abs().max() > 1e-6 * steps.abs().max():
        raise ValueError("baselines on grids: equally distant times shared by all trajectories are expected")
    if data.gaps:
        raise ValueError("baselines on grids: values without gaps (NaN) are expected")
