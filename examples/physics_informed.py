"""A physics-informed loss with second derivatives: a network and automatic differentiation, and a spectral sum in its place.

    python examples/physics_informed.py [--steps 300]

Solves -u_xx - u_yy + u + u^3 = f on the plane, f such that u is known. The network is differentiated twice for every step; the
sum gives u, u_xx and u_yy from one pass over its coefficients, and its scale is learned with them.
"""

import argparse
import time

import torch
from torch import nn

import specfast as sf


def exact(x):
    """Return u and f at points (M, 2)."""
    a, b = x[:, 0], x[:, 1]
    u = (1 + a + a * b) * torch.exp(-(a**2) / 2 - b**2)
    grow = torch.exp(-(a**2) / 2 - b**2)
    u_aa = ((1 + a + a * b) * (a**2 - 1) - 2 * a * (1 + b)) * grow
    u_bb = ((1 + a + a * b) * (4 * b**2 - 2) - 4 * a * b) * grow
    return u, -u_aa - u_bb + u + u**3


class Network(nn.Module):
    """u by a perceptron, second derivatives by differentiating it twice."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1)).double()

    def forward(self, x):
        """Return u, u_xx, u_yy at points (M, 2)."""
        x = x.requires_grad_()
        u = self.net(x)[:, 0] * torch.exp(-x.square().sum(-1) / 4)
        slope = torch.autograd.grad(u.sum(), x, create_graph=True)[0]
        second = [torch.autograd.grad(slope[:, d].sum(), x, create_graph=True)[0][:, d] for d in range(2)]
        return u, *second


class Sum(nn.Module):
    """u by a sum of Hermite functions over a hyperbolic cross: the same, in the network's place."""

    def __init__(self):
        super().__init__()
        space = sf.Space([sf.Hermite(), sf.Hermite()], sf.HyperbolicCross(16, gamma=-2.0))
        self.coef = nn.Parameter(torch.zeros(space.size, dtype=torch.float64))
        self.fields = sf.nn.Synthesis(space, derivative=[(0, 0), (2, 0), (0, 2)], learn_scale=True).double()

    def forward(self, x):
        """Return u, u_xx, u_yy at points (M, 2)."""
        return self.fields(self.coef, x)


def train(model, steps):
    """Return the relative error, and seconds an evaluation of the loss with its gradient."""
    torch.manual_seed(1)
    x = 2 * torch.randn(2000, 2, dtype=torch.float64)
    f, calls = exact(x)[1], 0
    optimiser = torch.optim.LBFGS(model.parameters(), max_iter=steps, history_size=50, line_search_fn="strong_wolfe")

    def loss():
        nonlocal calls
        calls += 1
        optimiser.zero_grad()
        u, u_xx, u_yy = model(x)
        residual = (-u_xx - u_yy + u + u**3 - f).square().mean()
        residual.backward()
        return residual

    start = time.perf_counter()
    optimiser.step(loss)
    seconds = (time.perf_counter() - start) / calls
    x = torch.cartesian_prod(torch.linspace(-4, 4, 41), torch.linspace(-4, 4, 41)).double()
    u = exact(x)[0]
    return float((model(x)[0] - u).detach().norm() / u.norm()), seconds


def main(steps=300):
    """Train both and print what came out."""
    results = {}
    for name, model in (("network", Network()), ("specfast", Sum())):
        error, seconds = train(model, steps)
        size = sum(p.numel() for p in model.parameters())
        print(f"{name:9} {size} parameters: error {error:.1e}, {1e3 * seconds:.1f} ms an evaluation")
        results[name] = error
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300)
    main(parser.parse_args().steps)
