"""A Fourier neural operator on the line, and the same with its Fourier layers swapped for spectral convolutions.

    python examples/neural_operator.py [--steps 600]

Learns u(0) -> u(1) of u_t = u_xx / 2 + (x u)_x, particles in a well, from sums of two Gaussians, whose evolution is known. Fields on
a line do not end at a box, nor are they periodic: the Fourier layer needs a box wide enough for all of them, ours needs none.
"""

import argparse
import math
import time

import torch
from torch import nn

import specfast as sf


class Fourier(nn.Module):
    """The spectral convolution of a Fourier neural operator on equidistant points."""

    def __init__(self, in_channels, out_channels, modes):
        super().__init__()
        self.modes, self.out_channels = modes, out_channels
        self.weight = nn.Parameter(torch.randn(in_channels, out_channels, modes, dtype=torch.cfloat) / in_channels)

    def forward(self, x):
        """Return (B, out_channels, n) of x (B, in_channels, n)."""
        c = torch.fft.rfft(x)[..., : self.modes]
        return torch.fft.irfft(torch.einsum("bik,iok->bok", c, self.weight), n=x.shape[-1])


class Operator(nn.Module):
    """Four layers, each the given convolution beside a pointwise map; positions are part of the input."""

    def __init__(self, convolution, positions, width=24):
        super().__init__()
        self.register_buffer("positions", positions)
        self.lift, self.lower = nn.Conv1d(2, width, 1), nn.Conv1d(width, 1, 1)
        self.spectral = nn.ModuleList(convolution(width) for _ in range(4))
        self.pointwise = nn.ModuleList(nn.Conv1d(width, width, 1) for _ in range(4))

    def forward(self, u):
        """Return u(1) (B, n) of u(0) (B, n)."""
        field = self.lift(torch.stack([u, self.positions.expand_as(u)], 1))
        for spectral, pointwise in zip(self.spectral, self.pointwise, strict=True):
            field = field + nn.functional.gelu(spectral(field) + pointwise(field))
        return self.lower(field)[:, 0]


def pairs(count, points, seed):
    """Return u(0) and u(1) (count, n) at the points (n,)."""
    generator = torch.Generator().manual_seed(seed)
    a, b, x0 = torch.rand(3, count, 2, 1, generator=generator)
    a, b, x0 = 2 * a - 1, 0.5 + b, 6 * x0 - 3

    def at(t):
        left = math.exp(-t)
        width = b * left**2 + 1 - left**2
        return (a * (b / width) ** 0.5 * torch.exp(-((points - x0 * left) ** 2) / width)).sum(1)

    return at(0.0), at(1.0)


def train(model, points, steps):
    """Return the relative error on unseen fields, and seconds a step."""
    u, target = pairs(256, points, 0)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    start = time.perf_counter()
    for step in range(steps):
        some = torch.arange(step % 8, 256, 8)
        optimiser.zero_grad()
        (model(u[some]) - target[some]).square().mean().backward()
        optimiser.step()
        schedule.step()
    seconds = (time.perf_counter() - start) / steps
    with torch.no_grad():
        u, target = pairs(64, points, 1)
        return float((model(u) - target).norm() / target.norm()), seconds


def main(steps=600):
    """Train both and print what came out."""
    torch.manual_seed(0)
    box = torch.linspace(-8, 8, 65)[:-1]
    fourier = Operator(lambda width: Fourier(width, width, modes=16), box / 8)

    space = sf.Space(sf.Hermite(degree=20))
    nodes = space.grid(24)[0].float()
    ours = Operator(lambda width: sf.nn.SpectralConv(space, width, width, coupling=1), nodes / 8)

    results = {}
    for name, model, points in (("Fourier layers", fourier, box), ("specfast", ours, nodes)):
        error, seconds = train(model, points, steps)
        size = sum(p.numel() * (2 if p.is_complex() else 1) for p in model.parameters())
        print(f"{name:15} {len(points)} points, {size} parameters: error {error:.4f}, {1e3 * seconds:.1f} ms a step")
        results[name] = error
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=600)
    main(parser.parse_args().steps)
