"""Equal steps of the spectral ODE against torchdiffeq's, exact solutions, and compiled whole."""

import math

import pytest
import torch
from differences import assert_gradient
from torchdiffeq import odeint

import specfast as sf
from specfast.nn.exponential import etdrk4
from specfast.nn.runge_kutta import TABLEAUS, runge_kutta

D = torch.float64
SPACE = sf.Space(sf.Hermite(degree=5))


class Motion(torch.nn.Module):
    """A small right-hand side for coefficients, scale and shift, with a linear part."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer = torch.nn.Linear(8, 12, dtype=D), torch.nn.Linear(12, 8, dtype=D)
        self.rates = torch.nn.Parameter(-torch.linspace(0.1, 2, 8, dtype=D))

    def forward(self, t, coef, log_scale, shift, parameters=None):
        state = torch.cat([coef, log_scale.unsqueeze(-1), shift.unsqueeze(-1)], -1)
        slope = state * self.rates + 0.3 * self.outer(torch.tanh(self.inner(state))) * torch.cos(t).unsqueeze(-1)
        return slope[..., :6], slope[..., 6], slope[..., 7]

    def linear_part(self):
        return self.rates


def starts(rows=4):
    return torch.randn(rows, 6, dtype=D), torch.rand(rows, dtype=D) - 0.5, torch.randn(rows, dtype=D)


@pytest.mark.parametrize("method", TABLEAUS)
@pytest.mark.parametrize("steps", [1, 3])
def test_the_same_as_torchdiffeq(method, steps):
    motion, times = Motion(), torch.tensor([0.0, 0.25, 0.5, 0.75], dtype=D)
    calls = []
    ode = sf.nn.SpectralODE(
        SPACE, motion, method=method, options={"steps": steps}, on_evaluation=lambda: calls.append(1)
    )
    coef, log_scale, shift = starts()
    found = ode(coef, log_scale, shift, times)

    def rhs(t, state):
        return motion(t, *state)

    expected = odeint(rhs, (coef, log_scale, shift), times, method=method, options={"step_size": 0.25 / steps})
    expected = [part.movedim(0, 1) for part in expected]
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    assert len(calls) == 3 * steps * len(TABLEAUS[method][0])


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("midpoint", 2), ("heun2", 2), ("heun3", 3), ("rk4", 4)])
def test_orders_against_an_exact_solution(method, order):
    # y' = y cos t + t has no closed form here; y' = y cos t has: exp(sin t).
    times, errors = torch.tensor([0.0, 1.0, 3.0], dtype=D), []
    for steps in (40, 80):
        (y,) = runge_kutta(lambda t, y: (y[0] * torch.cos(t),), (torch.ones(2, dtype=D),), times, method, steps)
        errors.append(float((y[:, 0] - torch.exp(torch.sin(times))).abs().max()))
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.25)


def test_times_of_each_trajectory_s_own():
    motion, base = Motion(), torch.tensor([0.0, 0.3, 0.7], dtype=D)
    times = torch.stack([base, 1.5 * base, base + 0.2, base])
    coef, scale, shift = starts()
    ode = sf.nn.SpectralODE(SPACE, motion, method="rk4", options={"steps": 40})
    found = ode(coef, scale, shift, times)
    one_by_one = [ode(coef[i], scale[i], shift[i], times[i]) for i in range(4)]
    for part, rows in zip(found, zip(*one_by_one, strict=True), strict=True):
        torch.testing.assert_close(part, torch.stack(rows), rtol=1e-12, atol=1e-12)
    exact = sf.nn.SpectralODE(SPACE, motion, rtol=1e-10, atol=1e-12)(coef, scale, shift, times)
    for part, expected in zip(found, exact, strict=True):
        torch.testing.assert_close(part, expected, rtol=1e-6, atol=1e-6)


def test_what_steps_do_not_go_with():
    motion = Motion()
    for options, given, message in (
        ({"steps": 0}, {"method": "rk4"}, "an integer of 1 or more"),
        ({"steps": 2.5}, {"method": "rk4"}, "an integer of 1 or more"),
        ({"steps": 2}, {"method": "dopri5"}, "chooses its steps"),
        ({"steps": 2, "step_size": 0.1}, {"method": "rk4"}, "'steps' alone"),
        ({"steps": 2}, {"method": "rk4", "adjoint": True}, "adjoint=False"),
    ):
        with pytest.raises(ValueError, match=message):
            sf.nn.SpectralODE(SPACE, motion, options=options, **given)


@pytest.mark.parametrize(
    ("method", "backend", "dynamic"),
    [("midpoint", "inductor", True), ("rk4", "aot_eager", False), ("etdrk4", "aot_eager", True)],
)
def test_compiled_whole(method, backend, dynamic):
    """One graph holds the integration and the sum at points; values and gradients are those of the loop."""
    torch._dynamo.reset()
    motion = Motion()
    ode = sf.nn.SpectralODE(SPACE, motion, method=method, options={"steps": 2})

    def loss(coef, log_scale, shift, times, points):
        c, log_beta, x0 = ode(coef, log_scale, shift, times)
        return SPACE.synthesize(c, points.unsqueeze(1), scale=log_beta.exp(), shift=x0).square().mean()

    # Code for the loop's body takes the compiler a quarter of a minute; what is traced is the same.
    compiled = torch.compile(loss, fullgraph=True, backend=backend, dynamic=dynamic)
    times, parameters = torch.tensor([0.0, 0.2, 0.5, 0.6], dtype=D), list(motion.parameters())
    for rows in (4, 6) if dynamic and backend != "inductor" else (4,):
        given = (*starts(rows), times, torch.randn(rows, 7, dtype=D))
        found, expected = compiled(*given), loss(*given)
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
        ours, wanted = (torch.autograd.grad(value, parameters) for value in (found, expected))
        for a, b in zip(ours, wanted, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)
        assert_gradient(ours, lambda own=given: loss(*own), parameters)


def test_coefficients_of_another_space_are_refused():
    coef, scale, shift = starts()
    for method, options in (("dopri5", None), ("rk4", {"steps": 2})):
        ode = sf.nn.SpectralODE(SPACE, Motion(), method=method, options=options)
        with pytest.raises(ValueError, match=r"coef has shape \(4, 5\); \(\.\.\., 6\)"):
            ode(coef[:, :5], scale, shift, torch.tensor([0.0, 1.0], dtype=D))


@pytest.mark.parametrize("method", ["etdrk4", "rk4", "midpoint"])
def test_gradients_in_the_times(method):
    """Equal intervals share what is made of their length; their derivatives do not."""
    motion = Motion()
    ode = sf.nn.SpectralODE(SPACE, motion, method=method, options={"steps": 8})
    coef, scale, shift = starts(2)
    times = torch.tensor([0.0, 0.25, 0.5, 0.75], dtype=D, requires_grad=True)

    def last(times):
        c, beta, x0 = ode(coef, scale, shift, times)
        return c[:, -1].sum() + beta[:, -1].sum() + x0[:, -1].sum()

    (found,) = torch.autograd.grad(last(times), times)
    step = 1e-6 * torch.eye(4, dtype=D)
    with torch.no_grad():
        expected = torch.stack([(last(times + e) - last(times - e)) / 2e-6 for e in step])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", ["etdrk4", "rk4", "dopri5"])
def test_single_precision_with_times_in_double(method):
    motion = Motion().float()
    options = None if method == "dopri5" else {"steps": 2}
    ode = (
        sf.nn.SpectralODE(SPACE, lambda *a: motion(a[0].float(), *a[1:]), method=method, options=options)
        if (method != "etdrk4")
        else sf.nn.SpectralODE(SPACE, Single(motion), method=method, options=options)
    )
    start = tuple(part.float() for part in starts(3))
    base = torch.tensor([0.0, 0.3, 0.7], dtype=D)
    for times in (base, torch.stack([base, 2 * base, base + 1]))[: 1 if method == "etdrk4" else 2]:
        coef, scale, shift = ode(*start, times)
        assert coef.dtype == scale.dtype == shift.dtype == torch.float32 and coef.isfinite().all()


class Single(torch.nn.Module):
    """A right-hand side in single precision whose solver counts time in double."""

    def __init__(self, motion):
        super().__init__()
        self.motion = motion

    def forward(self, t, *state):
        return self.motion(t.float(), *state)

    def linear_part(self):
        return self.motion.linear_part()


def test_one_time_and_no_trajectory():
    one, start = torch.tensor([0.5], dtype=D), torch.randn(2, 3, dtype=D)
    assert torch.equal(runge_kutta(lambda t, y: y, (start,), one, "rk4")[0], start[None])
    assert torch.equal(etdrk4(torch.zeros(3, dtype=D), lambda t, u: u, start, one), start[None])
    for method in ("rk4", "midpoint"):
        ode = sf.nn.SpectralODE(SPACE, Motion(), method=method)
        coef, scale, shift = ode(*starts(0), torch.zeros(0, 3, dtype=D))
        assert coef.shape == (0, 3, 6) and scale.shape == shift.shape == (0, 3)
