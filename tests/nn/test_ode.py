"""The spectral ODE: gradients in all that it is handed, by both ways of differentiating it, and what it refuses."""

import pytest
import torch

import specfast as sf

D = torch.float64
LINE = sf.Space(sf.Hermite(degree=3))
PLANE = sf.Space([sf.Hermite(), sf.Hermite()], sf.TotalDegree(1))


def motion(t, coef, log_scale, shift, parameters=None):
    rate = log_scale.exp() if log_scale.dim() == coef.dim() - 1 else log_scale.exp().prod(-1)
    move = shift if shift.dim() == coef.dim() - 1 else shift.sum(-1)
    return -parameters * rate.unsqueeze(-1) * coef + 0.1 * move.unsqueeze(-1), -0.2 * log_scale, 0.3 * shift


@pytest.mark.parametrize("own_times", [False, True], ids=["shared times", "own times"])
@pytest.mark.parametrize("moving", [False, True], ids=["fixed", "moving"])
@pytest.mark.parametrize("space", [LINE, PLANE], ids=["line", "plane"])
def test_gradients_in_all_that_is_handed(space, moving, own_times):
    torch.manual_seed(0)
    own = (space.dim,) if space.dim > 1 else ()
    coef = torch.randn(3, space.size, dtype=D, requires_grad=True)
    log_scale = (0.3 * torch.randn((3, *own), dtype=D)).requires_grad_()
    shift = torch.randn((3, *own), dtype=D, requires_grad=True)
    parameter = torch.tensor(0.7, dtype=D, requires_grad=True)
    times = torch.tensor([0.0, 0.4, 1.0], dtype=D)
    if own_times:
        times = times * torch.tensor([[1.0], [1.3], [0.8]], dtype=D)
    weights, found = torch.randn(3, space.size, dtype=D), []
    for adjoint in (False, True):
        ode = sf.nn.SpectralODE(space, motion, moving=moving, adjoint=adjoint, rtol=1e-10, atol=1e-10)
        # What a differentiable computation made of a number, not a parameter of a module.
        end = ode(coef, log_scale, shift, times, 1.0 * parameter)[0][:, -1]
        found.append(torch.autograd.grad((end * weights).sum(), (coef, log_scale, shift, parameter)))
    for direct, by_adjoint in zip(*found, strict=True):
        assert direct.abs().max() > 0
        torch.testing.assert_close(by_adjoint, direct, rtol=1e-6, atol=1e-7)
    if not moving:  # c(t) = exp(-p beta t) c(0) + ..: the gradient in c(0) is known
        rate = 0.7 * (log_scale.exp() if space.dim == 1 else log_scale.exp().prod(-1))
        span = times[..., -1] - times[..., 0]
        torch.testing.assert_close(found[0][0], weights * torch.exp(-rate * span).unsqueeze(-1), rtol=1e-7, atol=1e-9)


def test_numbers_for_all_axes_and_what_is_refused():
    ode = sf.nn.SpectralODE(PLANE, lambda t, c, log_scale, shift, parameters=None: (-c, None, None), moving=False)
    times, zero = torch.tensor([0.0, 1.0], dtype=D), torch.zeros((), dtype=D)
    coef, log_scale, shift = ode(torch.ones(4, PLANE.size, dtype=D)[0], zero, zero, times)
    assert coef.shape == (2, PLANE.size) and log_scale.shape == shift.shape == (2, 2)
    good, whole = torch.zeros(4, 2, dtype=D), torch.ones(4, PLANE.size, dtype=D)
    assert ode(whole, good, good, times)[0].shape == (4, 2, PLANE.size)
    assert ode(whole[:0], good[:0], good[:0], times)[0].shape == (0, 2, PLANE.size)
    for given, message in (
        ((whole, good, good[:, :1], times), r"shift has shape \(4, 1\)"),
        ((whole, good[:, 0], good[:, 0], times), r"log_scale has shape \(4,\); \(\.\.\., 2\)"),
        ((whole[:3], good, good, times), r"coef has shape \(3, 3\) and log_scale \(4, 2\)"),
        ((whole, good, good, times.expand(3, 2)), r"times has shape \(3, 2\); \(4, T\)"),
        ((whole, good, good, times * torch.nan), "do not increase"),
    ):
        with pytest.raises(ValueError, match=message):
            ode(*given)
