"""A training step of the spectral neural ODE: 160 trajectories of 21 times, 96 sensors of their own, degree 32, a 128-128 network, dopri5."""

from __future__ import annotations

from functools import partial
from typing import Any
from unittest import mock

import torch
from torch import Tensor

from ...data.match import Signature
from ...learn import Observations
from ...learn.checkpoint import State
from ...learn.dynamics import Dynamics, DynamicsConfig
from ...learn.encode import encode
from ...learn.encoder import FieldEncoder
from ...learn.model import Model
from ...learn.model_selection import choose_encoder
from ...learn.trainer import Trainer
from ..baselines.eager import forward_sum
from ..work import Timed, Work, relative_error

SOLVER = {"method": "dopri5", "adjoint": False, "rtol": 1e-4, "atol": 1e-5}


def _gaussians(count: int, times: int, sensors: int) -> Observations:
    """Return u = (t + b)^(-1/2) exp(-(x - t)^2 / (t + b)) at sensors of each trajectory's own."""
    generator = torch.Generator().manual_seed(0)
    b = 1 + 2 * torch.rand(count, 1, 1, generator=generator, dtype=torch.float64)
    x = (12 * torch.rand(count, sensors, generator=generator, dtype=torch.float64) - 5).sort(1).values
    t = torch.linspace(0, 2, times, dtype=torch.float64)
    width = t[:, None] + b
    u = width**-0.5 * torch.exp(-((x[:, None] - t[:, None]) ** 2) / width)
    return Observations(u.unsqueeze(2), x, t.expand(count, -1), ("u",))


def _eager(self: FieldEncoder, coef: Tensor, points: Tensor, scale_shift: Tensor | None = None) -> Tensor:
    """Do what FieldEncoder.synthesize does, by the recurrence as a loop of tensor operations."""
    own = self.basis(None if scale_shift is None else scale_shift.unsqueeze(-2))
    scale, shift = (torch.as_tensor(own[name], dtype=coef.dtype).unsqueeze(-1) for name in ("scale", "shift"))
    z = scale * (self.reference_points(points)[:, None, None] - shift)
    return self.amplitude * scale.sqrt() * forward_sum(coef, z, self.space.families[0])


def _trainer(quick: bool, fixed: bool) -> Trainer:
    """Return a trainer at the state after encoding."""
    data = _gaussians(*((6, 4, 40) if quick else (160, 21, 96)))
    encoder = choose_encoder(data, "hermite", degree=8 if quick else 32, fixed=fixed)
    encoded = encode(encoder, data)
    torch.manual_seed(0)
    dynamics = Dynamics(encoder, 1, DynamicsConfig())
    dynamics.initialise(encoder.state(encoded), data.times, data.observed)
    model, rows = Model(encoder, dynamics, SOLVER, Signature(("u",), ("x",))), torch.arange(len(data))
    trainer = Trainer(model, data, encoded, rows, None, torch.Generator().manual_seed(0), State({"steps": 1}), None)
    trainer.set_targets(None)
    return trainer


def _step(trainer: Trainer, synthesize: Any = None) -> Timed:
    rows, last = torch.arange(len(trainer.data)), trainer.data.values.shape[1] - 1

    def run() -> list[Tensor]:
        loss = trainer.loss(rows, 0, last)
        return [loss.detach(), *torch.autograd.grad(loss, list(trainer.model.dynamics.parameters()))]

    if synthesize is None:
        return run

    def patched() -> list[Tensor]:
        with mock.patch.object(FieldEncoder, "synthesize", synthesize):
            return run()

    return patched


def _work(quick: bool, fixed: bool) -> Work:
    trainer = _trainer(quick, fixed)
    data, size = trainer.data, trainer.model.encoder.space.size
    before = trainer.model.evaluations
    expected = _step(trainer, _eager)()
    calls = trainer.model.evaluations - before
    weights = sum(p.numel() for p in trainer.model.dynamics.parameters())
    # Network and its two gradients, and the sums at the sensors forward and back; where the basis is fixed, all times share its functions.
    terms = 3.0 * len(data) * calls * weights
    operations = terms + (2 if fixed else 5) * float(data.values.numel() * size)
    return Work(
        "learn",
        f"training step, {'fixed' if fixed else 'moving'} basis, {len(data)} trajectories, float64",
        torch.float64,
        terms,
        operations,
        8.0 * (data.values.numel() + weights),
        lambda: _step(trainer),
        lambda result: relative_error(result, expected),
        1e-8,
        {"eager": partial(_step, trainer, _eager)},
    )


def works(quick: bool) -> list[Work]:
    """Return the suite."""
    return [_work(quick, fixed) for fixed in (True, False)]
