"""A neural ODE in physical space, and the same with its finite differences swapped for spectral derivatives.

    python examples/neural_ode.py [--steps 600]

du/dt is a learned sum of terms of u, u_x and u_xx at every point, from solutions of Burgers' equation u_t = -u u_x + u_xx / 4 on
the line. What changes is how u_x and u_xx are found: differences on an equidistant box, or the derivatives of the sum through the
values at Gauss nodes (sf.nn.Analysis, then sf.nn.Synthesis).
"""

import argparse
import time

import torch
from torch import nn
from torchdiffeq import odeint

import specfast as sf

D = torch.float64


def waves(points, times, count, seed):
    """Return solutions (T, count, n): the N-waves of Cole and Hopf, u = (x / s) / (1 + sqrt(s / a) exp(x^2 / s)), s = t0 + t."""
    generator = torch.Generator().manual_seed(seed)
    a, t0 = torch.rand(2, count, 1, generator=generator, dtype=D)
    s = 1 + t0 + times.reshape(-1, 1, 1)
    return points / s / (1 + torch.sqrt(s / 10 ** (1 + 2 * a)) * torch.exp(points**2 / s))


class Differences(nn.Module):
    """u_x and u_xx by central differences on equidistant points; zero beyond the box."""

    def __init__(self, points):
        super().__init__()
        self.points, self.step = points, float(points[1] - points[0])

    def forward(self, u):
        """Return u_x, u_xx of values u (..., n)."""
        left, right = nn.functional.pad(u, (1, 0))[..., :-1], nn.functional.pad(u, (0, 1))[..., 1:]
        return (right - left) / (2 * self.step), (left - 2 * u + right) / self.step**2


class Spectral(nn.Module):
    """u_x and u_xx of the sum of Hermite functions through the values at Gauss nodes."""

    def __init__(self, degree, scale):
        super().__init__()
        space = sf.Space(sf.Hermite(degree=degree))
        self.analysis = sf.nn.Analysis(space, scale=scale).double()
        self.slopes = sf.nn.Synthesis(space, scale=scale, derivative=[1, 2]).double()
        self.points = self.analysis.nodes()

    def forward(self, u):
        """Return u_x, u_xx of values u (..., n)."""
        return self.slopes(self.analysis(u), self.points)


class Motion(nn.Module):
    """The right-hand side; `derivatives` is what is swapped."""

    def __init__(self, derivatives):
        super().__init__()
        self.derivatives = derivatives
        self.terms = nn.Linear(6, 1).double()
        nn.init.zeros_(self.terms.weight)

    def forward(self, t, u):
        """Return du/dt (B, n) of u (B, n)."""
        u_x, u_xx = self.derivatives(u)
        return self.terms(torch.stack([u, u_x, u_xx, u * u, u * u_x, u_x * u_x], -1))[..., 0]


def train(derivatives, steps):
    """Return the relative error on unseen waves, the terms u_xx and u u_x that were learned, and seconds a step."""
    torch.manual_seed(0)
    motion, times = Motion(derivatives), torch.linspace(0, 1, 6, dtype=D)
    truth = waves(derivatives.points, times, 32, 0)
    optimiser = torch.optim.Adam(motion.parameters(), 2e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    options = {"step_size": 0.05}
    start = time.perf_counter()
    for _ in range(steps):
        optimiser.zero_grad()
        (odeint(motion, truth[0], times, method="rk4", options=options) - truth).square().mean().backward()
        optimiser.step()
        schedule.step()
    seconds = (time.perf_counter() - start) / steps
    with torch.no_grad():
        truth = waves(derivatives.points, times, 16, 1)
        found = odeint(motion, truth[0], times, method="rk4", options=options)
    terms = motion.terms.weight.detach()[0]
    return float((found - truth)[1:].norm() / truth[1:].norm()), float(terms[2]), float(terms[4]), seconds


def main(steps=600):
    """Train both and print what came out."""
    results = {}
    for name, derivatives in (
        ("differences", Differences(torch.linspace(-6, 6, 31, dtype=D))),
        ("more of them", Differences(torch.linspace(-6, 6, 61, dtype=D))),
        ("specfast", Spectral(30, 1.2)),
    ):
        error, diffusion, advection, seconds = train(derivatives, steps)
        print(
            f"{name:13} {len(derivatives.points)} points: error {error:.4f}, {diffusion:+.3f} u_xx {advection:+.3f} u u_x, "
            f"{1e3 * seconds:.0f} ms a step"
        )
        results[name] = error
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=600)
    main(parser.parse_args().steps)
