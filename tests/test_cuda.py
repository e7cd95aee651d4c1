"""On a card: both doors to the kernels, in every way that a model uses them. Skips where there is none."""

import pytest
import torch

import specfast as sf
from specfast.kernels import doors, reference

D = torch.float64
pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
CASES = [
    ("hermite", -6, 6), ("hermite", -45, 45), ("laguerre(0.5)", 0, 60), ("laguerre(-0.9)", 0.01, 2500),
    ("chebyshev", -1, 1), ("legendre", -1, 1),
]  # fmt: skip


@pytest.fixture(params=["Built", "Compiled"])
def card(request, monkeypatch):
    """Give the CUDA backend by one of the doors."""
    from specfast.kernels import cuda

    try:
        door = getattr(doors, request.param)()
    except ImportError as error:
        pytest.skip(f"{request.param}: {error}")
    monkeypatch.setattr(doors, "find", lambda: door)
    return cuda


def close(found, expected, dtype):
    bound = 1e-11 if dtype == D else 2e-5
    assert found.is_cuda and found.dtype == dtype and found.shape == expected.shape
    assert (found.double().cpu() - expected).abs().max() <= bound * expected.abs().max()


@pytest.mark.filterwarnings("ignore:.*CuPy compiles.*")
@pytest.mark.parametrize("dtype", [D, torch.float32])
@pytest.mark.parametrize("derivative", [0, 1, 2])
@pytest.mark.parametrize(("name", "low", "high"), CASES)
def test_kernels_against_the_reference(card, name, low, high, derivative, dtype):
    for rows, points in ((3, 300), (40, 3000)):  # one and four points a thread
        z = torch.linspace(low, high, points, dtype=dtype).repeat(rows, 1)
        z[1] = z[1].flip(0)
        coef, values = torch.randn(2, 1, 70, dtype=dtype), torch.randn(2, rows, points, dtype=dtype)
        on = [part.cuda() for part in (coef, values, z)]
        exact = [part.double() for part in (coef, values, z)]
        close(
            card.synthesize(on[0], on[2], name, derivative),
            reference.synthesize(exact[0], exact[2], name, derivative),
            dtype,
        )
        sums = reference.adjoint(exact[1], exact[2], 70, name, derivative)
        close(card.adjoint(on[1], on[2], 70, name, derivative), sums, dtype)
        pairs = zip(
            card.backward(on[1], on[0], on[2], name, derivative),
            reference.backward(exact[1], exact[0], exact[2], name, derivative),
            strict=True,
        )
        for found, expected in pairs:
            close(found, expected, dtype)
    close(card.basis(on[2][0], 70, name, derivative), reference.basis(exact[2][0], 70, name, derivative), dtype)
    again = [card.adjoint(on[1], on[2], 70, name, derivative) for _ in range(2)]
    assert torch.equal(*again)


@pytest.mark.filterwarnings("ignore:.*CuPy compiles.*")
def test_a_space_on_a_card(card):
    space = sf.Space(sf.Hermite(degree=40))
    coef, points = torch.randn(5, 41, dtype=D), torch.randn(5, 200, dtype=D)
    scale, shift = 0.5 + torch.rand(5, dtype=D), torch.randn(5, dtype=D)
    here = [part.clone().requires_grad_() for part in (coef, points, scale, shift)]
    there = [part.cuda().requires_grad_() for part in (coef, points, scale, shift)]
    results = [space.synthesize(c, x, scale=b, shift=s, derivative=1) for c, x, b, s in (here, there)]
    torch.testing.assert_close(results[1].cpu(), results[0], rtol=1e-11, atol=1e-11)
    first = [
        torch.autograd.grad(r.square().sum(), g, create_graph=True) for r, g in zip(results, (here, there), strict=True)
    ]
    second = [
        torch.autograd.grad(sum(p.square().sum() for p in f), g) for f, g in zip(first, (here, there), strict=True)
    ]
    for ours, theirs in zip((*first[1], *second[1]), (*first[0], *second[0]), strict=True):
        torch.testing.assert_close(ours.cpu(), theirs, rtol=1e-9, atol=1e-9)
    half = space.synthesize(coef.cuda().bfloat16(), points.cuda().bfloat16())
    assert half.is_cuda and half.dtype is torch.bfloat16
    plane = sf.Space([sf.Hermite(), sf.Legendre()], sf.TotalDegree(4))
    coef, points = torch.randn(15, dtype=D), torch.rand(6, 2, dtype=D)
    value, slope = plane.value_and_gradient(coef.cuda(), points.cuda())
    expected = plane.value_and_gradient(coef, points)
    torch.testing.assert_close(value.cpu(), expected[0], rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(slope.cpu(), expected[1], rtol=1e-11, atol=1e-11)


@pytest.mark.filterwarnings("ignore:.*CuPy compiles.*")
def test_streams_and_graphs(card):
    coef, z = torch.randn(8, 33, dtype=D, device="cuda"), torch.randn(8, 1000, dtype=D, device="cuda")
    expected = card.synthesize(coef, z, "hermite", 0)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        other = card.synthesize(coef, z, "hermite", 0)
    torch.cuda.current_stream().wait_stream(stream)
    assert torch.equal(other, expected)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        held = card.synthesize(coef, z, "hermite", 0)
    coef.mul_(2)
    graph.replay()
    torch.testing.assert_close(held, 2 * expected, rtol=1e-14, atol=1e-14)


@pytest.mark.filterwarnings("ignore:.*CuPy compiles.*")
def test_a_training_step_as_one_graph(card):
    space, linear = sf.Space(sf.Hermite(degree=16)), torch.nn.Linear(17, 17).double().cuda()
    ode = sf.nn.SpectralODE(
        space, lambda t, c, scale, shift, parameters=None: (linear(c), None, None), adaptive=False, method="rk4",
        options={"steps": 2},
    )  # fmt: skip
    start, points = torch.randn(6, 17, dtype=D, device="cuda"), torch.randn(6, 1, 50, dtype=D, device="cuda")
    times, ones = torch.linspace(0, 1, 5, dtype=D, device="cuda"), torch.ones(6, dtype=D, device="cuda")

    def loss():
        coef, _, _ = ode(start, ones, 0 * ones, times)
        return space.synthesize(coef, points).square().mean()

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            linear.zero_grad(set_to_none=True)
            loss().backward()
    torch.cuda.current_stream().wait_stream(stream)
    expected = linear.weight.grad.clone()
    graph = torch.cuda.CUDAGraph()
    linear.zero_grad(set_to_none=True)
    with torch.cuda.graph(graph):
        loss().backward()
    graph.replay()
    torch.testing.assert_close(linear.weight.grad, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.filterwarnings("ignore:.*CuPy compiles.*")
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_on_a_second_device(card):
    coef, z = torch.randn(3, 20, dtype=D), torch.randn(3, 100, dtype=D)
    found = card.synthesize(coef.to("cuda:1"), z.to("cuda:1"), "hermite", 0)
    assert found.device.index == 1
    close(found, reference.synthesize(coef, z, "hermite", 0), D)
