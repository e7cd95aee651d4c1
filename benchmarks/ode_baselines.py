"""A training step of one spectral ODE with every solver that is installed: python benchmarks/ode_baselines.py

160 trajectories of 21 times, 96 sensors of their own each, degree 32, c' = -n/16 c + a 128-128 network of c, in float64. A step is the
solution, the values at the sensors, the loss, and its gradient in the network. The error is that of the solution against one
with tolerance 1e-10. torchode and diffrax (which sums in JAX, with a loop over the recurrence unrolled and compiled) are run where
they are installed; ours with torchdiffeq's moving solver, and with equal steps, as a loop and compiled whole.
"""

import argparse
import importlib.util
import statistics
import time

import torch
from torch import nn

import specfast as sf

D = torch.float64
ROWS, TIMES, SENSORS, DEGREE = 160, 21, 96, 32


class Motion(nn.Module):
    """The right-hand side, of coefficients alone."""

    def __init__(self):
        super().__init__()
        self.inner, self.middle, self.outer = (
            nn.Linear(a, b).double() for a, b in ((DEGREE + 1, 128), (128, 128), (128, DEGREE + 1))
        )
        self.register_buffer("rates", -torch.arange(DEGREE + 1, dtype=D) / 16)

    def forward(self, t: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        """Return dc/dt."""
        hidden = torch.tanh(self.middle(torch.tanh(self.inner(c))))
        return self.rates * c + 0.5 * self.outer(hidden)


class Problem:
    """The same numbers for everyone."""

    def __init__(self):
        torch.manual_seed(0)
        self.space, self.motion = sf.Space(sf.Hermite(degree=DEGREE)), Motion()
        self.start = torch.randn(ROWS, DEGREE + 1, dtype=D) * 0.8 ** torch.arange(DEGREE + 1)
        self.times, self.points = torch.linspace(0, 2, TIMES, dtype=D), 3 * torch.randn(ROWS, SENSORS, dtype=D)
        self.truth = torch.randn(ROWS, TIMES, SENSORS, dtype=D)

    def loss(self, coef):
        """Return the loss of coefficients (B, T, K)."""
        return (self.space.synthesize(coef, self.points.unsqueeze(1)) - self.truth).square().mean()

    def step(self, solve):
        """Return a function that does one step, and the solution."""
        parameters = list(self.motion.parameters())

        def one():
            torch.autograd.grad(self.loss(solve(self.start)), parameters)

        with torch.no_grad():
            return one, solve(self.start)


def ours(problem, **options):
    """Return a step with SpectralODE."""

    def dynamics(t, c, log_scale, shift, parameters=None):
        return problem.motion(t, c), None, None

    ode = sf.nn.SpectralODE(problem.space, dynamics, moving=False, **options)
    none = torch.zeros(ROWS, dtype=D)
    return problem.step(lambda start: ode(start, none, none, problem.times)[0])


def compiled(problem, method, steps):
    """Return a step with equal steps, as one compiled graph of solution and loss."""

    def dynamics(t, c, log_scale, shift, parameters=None):
        return problem.motion(t, c), None, None

    ode = sf.nn.SpectralODE(problem.space, dynamics, moving=False, method=method, options={"steps": steps})
    none, parameters = torch.zeros(ROWS, dtype=D), list(problem.motion.parameters())
    whole = torch.compile(
        lambda start, times: problem.loss(ode(start, none, none, times)[0]), fullgraph=True, dynamic=False
    )

    def one():
        torch.autograd.grad(whole(problem.start, problem.times), parameters)

    with torch.no_grad():
        return one, ode(problem.start, none + 1, none, problem.times)[0]


def torchode(problem, tolerance):
    """Return a step with torchode, whose trajectories have steps of their own."""
    import torchode as to

    term = to.ODETerm(problem.motion)
    controller = to.IntegralController(atol=0.1 * tolerance, rtol=tolerance, term=term)
    solver = to.AutoDiffAdjoint(to.Dopri5(term=term), controller)
    times = problem.times.expand(ROWS, TIMES)

    def solve(start):
        return solver.solve(to.InitialValueProblem(y0=start, t_eval=times)).ys

    return problem.step(solve)


def diffrax(problem, tolerance):
    """Return a step with diffrax, compiled whole."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import diffrax as dx
    import jax.numpy as jnp

    layers = [
        (jnp.asarray(one.weight.detach().numpy()), jnp.asarray(one.bias.detach().numpy()))
        for one in (problem.motion.inner, problem.motion.middle, problem.motion.outer)
    ]
    start, times, points, truth, rates = (
        jnp.asarray(part.numpy())
        for part in (problem.start, problem.times, problem.points, problem.truth, problem.motion.rates)
    )

    def slope(t, c, layers):
        hidden = c
        for weight, bias in layers[:2]:
            hidden = jnp.tanh(hidden @ weight.T + bias)
        return rates * c + 0.5 * (hidden @ layers[2][0].T + layers[2][1])

    def solve(layers):
        controller = dx.PIDController(rtol=tolerance, atol=0.1 * tolerance)
        found = dx.diffeqsolve(
            dx.ODETerm(slope), dx.Dopri5(), times[0], times[-1], None, start, layers,
            saveat=dx.SaveAt(ts=times), stepsize_controller=controller, max_steps=256,
        )  # fmt: skip
        return found.ys

    def loss(layers):
        coef, z = solve(layers), points
        before, now = jnp.zeros_like(z), jnp.exp(-0.5 * z * z) * jnp.pi**-0.25
        total = coef[..., 0, None] * now
        for n in range(1, DEGREE + 1):
            before, now = now, (2 / n) ** 0.5 * z * now - ((n - 1) / n) ** 0.5 * before
            total = total + coef[..., n, None] * now
        return ((total - truth.swapaxes(0, 1)) ** 2).mean()

    gradient = jax.jit(jax.grad(loss))

    def one():
        jax.block_until_ready(gradient(layers))

    return one, torch.from_numpy(jax.numpy.array(solve(layers)).__array__().copy()).movedim(0, 1)


def contenders(problem):
    """Yield a name, and a function that makes the step."""
    for tolerance in (1e-3, 1e-4, 1e-5):
        given = {"rtol": tolerance, "atol": 0.1 * tolerance}
        yield f"specfast, dopri5 of torchdiffeq, {tolerance:g}", lambda given=given: ours(problem, **given)
        if importlib.util.find_spec("torchode"):
            yield f"torchode, dopri5, {tolerance:g}", lambda t=tolerance: torchode(problem, t)
        if importlib.util.find_spec("diffrax"):
            yield f"diffrax, dopri5, {tolerance:g}", lambda t=tolerance: diffrax(problem, t)
    for method, steps in (("midpoint", 1), ("rk4", 1), ("rk4", 2)):
        name = f"specfast, {method}, {steps} between times"
        yield name, lambda m=method, s=steps: ours(problem, method=m, options={"steps": s})
        yield f"{name}, compiled", lambda m=method, s=steps: compiled(problem, m, s)


def main():
    """Print error and median time of all, measured in turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    problem = Problem()
    exact = ours(problem, rtol=1e-10, atol=1e-12)[1]
    steps, errors = {}, {}
    for name, make in contenders(problem):
        steps[name], found = make()
        errors[name] = float((found - exact).norm() / exact.norm())
        steps[name]()
    times = {name: [] for name in steps}
    for turn in range(options.repeats):
        for name in list(steps) if turn % 2 else reversed(steps):
            started = time.perf_counter()
            steps[name]()
            times[name].append(time.perf_counter() - started)
    for name in steps:
        print(f"{name:45} error {errors[name]:.1e}  {1e3 * statistics.median(times[name]):7.1f} ms")


if __name__ == "__main__":
    main()
