"""One training step of the spectral ODE with our transforms and with eager PyTorch's: python benchmarks/training_step.py.

160 trajectories of 21 times, 96 sensors of their own each, degree 32, a 128-128 network, dopri5; whole trajectories.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path
from unittest import mock

import torch

from specfast.learn.checkpoint import State
from specfast.learn.choose import choose_basis
from specfast.learn.dynamics import Dynamics, Form
from specfast.learn.encode import Basis
from specfast.learn.run import Run
from specfast.learn.trainer import Trainer

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from fields import moving_gaussian

SOLVER = {"method": "dopri5", "adjoint": False, "rtol": 1e-4, "atol": 1e-5}


def eager(self, coef, points, frame=None):
    """Return what Basis.synthesize does, by the recurrence as a loop of tensor operations."""
    own = self.keywords(None if frame is None else frame.unsqueeze(-2))
    scale, shift = (torch.as_tensor(own[name], dtype=coef.dtype).unsqueeze(-1) for name in ("scale", "shift"))
    z = scale * (points[:, None, None] - shift)
    previous, current = torch.zeros_like(z), torch.exp(-0.5 * z * z) * torch.pi**-0.25
    total = coef[..., :1] * current
    for n in range(1, coef.shape[-1]):
        previous, current = current, (2 / n) ** 0.5 * z * current - ((n - 1) / n) ** 0.5 * previous
        total = total + coef[..., n : n + 1] * current
    return self.amplitude / self.unit * scale.sqrt() * total


def trainer(fixed):
    """Return a trainer at the state after encoding."""
    data, *_ = moving_gaussian(160, sensors=96)
    basis = choose_basis(data, "hermite", degree=32, fixed=fixed)
    encoded = basis.encode(data)
    dynamics = Dynamics(basis, 1, Form())
    dynamics.initialise(basis.state(encoded), data.times, data.observed)
    run, rows = Run(basis, dynamics, SOLVER, ("u",)), torch.arange(160)
    one = Trainer(run, data, encoded, rows, rows, torch.Generator().manual_seed(0), State({"steps": 1}), None)
    one.set_targets(None)
    return one


def step(one):
    """Do forward and backward over whole trajectories; return the time."""
    started = time.perf_counter()
    one.run.dynamics.zero_grad()
    loss = one.loss(torch.arange(160), 0, 20)
    loss.backward()
    return time.perf_counter() - started, float(loss.detach())


def main():
    """Print medians and their ratio; with --profile where the time goes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    for fixed in (True, False):
        one = trainer(fixed)
        ours, theirs = [], []
        step(one)
        for _ in range(options.repeats):
            ours.append(step(one))
            with mock.patch.object(Basis, "synthesize", eager):
                theirs.append(step(one))
        assert abs(ours[-1][1] / theirs[-1][1] - 1) < 1e-6
        a, b = (statistics.median(t for t, _ in times) for times in (ours, theirs))
        ratio = statistics.median(y[0] / x[0] for x, y in zip(ours, theirs, strict=True))
        name = "one scale and shift" if fixed else "following the field"
        print(f"{name}: {1e3 * a:.1f} ms, with eager transforms {1e3 * b:.1f} ms, {ratio:.1f} times")
        if options.profile:
            with torch.profiler.profile() as profile:
                step(one)
            print(profile.key_averages().table(sort_by="self_cpu_time_total", row_limit=14, max_name_column_width=48))


if __name__ == "__main__":
    main()
