"""On a GPU, by both launchers to the kernels: every way in which a model uses them. Skips where there is none.

That the numbers are right is tested with those of the other backends (`with_gpu`) wherever there is a GPU.
"""

import math

import numpy as np
import pytest
import torch
from gpu_backends import LAUNCHERS, launcher

import specfast as sf
from specfast.kernels import cpu, reference
from specfast.kernels.cuda import launch

D = torch.float64
pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
    pytest.mark.filterwarnings("ignore:.*CuPy compiles.*"),
]
LINE = sf.Space(sf.Hermite(degree=40))
SOLID = sf.Space([sf.Hermite(), sf.Legendre(), sf.Laguerre()], sf.HyperbolicCross(12))


@pytest.fixture(params=LAUNCHERS)
def gpu(request, monkeypatch):
    """Give the CUDA backend by one of the launchers."""
    from specfast.kernels import cuda

    own = launcher(request.param)
    monkeypatch.setattr(launch, "find", lambda: own)
    return cuda


def problem(space, *lead, points=50, device="cuda", dtype=D):
    """Return coefficients and points inside of all domains."""
    own = (points,) if space.dim == 1 else (points, space.dim)
    return torch.randn(*lead, space.size, dtype=dtype).to(device), torch.rand(*lead, *own, dtype=dtype).to(device)


def close(found, expected, bound=1e-11):
    assert found.is_cuda and found.shape == expected.shape
    assert (found.double().cpu() - expected.double().cpu()).abs().max() <= bound * expected.abs().max()


def both_orders(space, coef, points, scale, shift):
    """Return a sum, its gradients and theirs."""
    given = [part.clone().requires_grad_() for part in (coef, points, scale, shift)]
    result = space.synthesize(given[0], given[1], scale=given[2], shift=given[3])
    first = torch.autograd.grad(result.square().sum(), given, create_graph=True)
    second = torch.autograd.grad(sum(part.square().sum() for part in first), given)
    return [result, *first, *second]


@pytest.mark.parametrize("space", [LINE, SOLID], ids=["line", "solid"])
def test_a_space_and_its_derivatives(gpu, space):
    coef, points = problem(space, 5)
    own = () if space.dim == 1 else (space.dim,)
    scale, shift = 0.5 + torch.rand(5, *own, dtype=D), 0 * torch.rand(5, *own, dtype=D)
    if space.dim > 1:
        scale[:, 1] = 1
    here = both_orders(space, coef.cpu(), points.cpu(), scale, shift)
    there = both_orders(space, coef, points, scale.cuda(), shift.cuda())
    for found, expected in zip(there, here, strict=True):
        close(found, expected, 1e-9)
    for found, expected in zip(
        space.value_and_gradient(coef, points), space.value_and_gradient(coef.cpu(), points.cpu()), strict=True
    ):
        close(found, expected)


@pytest.mark.parametrize("space", [LINE, SOLID], ids=["line", "solid"])
def test_transforms_of_functions(gpu, space):
    coef, points = problem(space, 4)

    def value(c, x):
        return space.synthesize(c, x)

    close(torch.func.vmap(value)(coef, points), value(coef, points))
    tangent = torch.randn_like(coef)
    close(torch.func.jvp(lambda c: value(c, points), (coef,), (tangent,))[1], value(tangent, points))
    small, near = coef[0], points[0, :3]
    expected = torch.func.jacrev(lambda x: value(small, x))(near)
    close(torch.func.jacfwd(lambda x: value(small, x))(near), expected)


@pytest.mark.parametrize("space", [LINE, SOLID], ids=["line", "solid"])
def test_compiled(gpu, space):
    coef, points = problem(space, 3)

    def loss(c, x):
        return space.synthesize(c, x, derivative=(0,) * space.dim if space.dim > 1 else 1).square().sum()

    torch._dynamo.reset()
    given = [part.clone().requires_grad_() for part in (coef, points)]
    found = torch.autograd.grad(torch.compile(loss, fullgraph=True)(*given), given)
    expected = torch.autograd.grad(loss(*(part.cpu() for part in given)), given)
    for own, exact in zip(found, expected, strict=True):
        close(own, exact)


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_half_precision(gpu, half):
    for space in (LINE, SOLID):
        coef, points = problem(space, 3)
        found = space.synthesize(coef.to(half), points.to(half))
        assert found.is_cuda and found.dtype is half
        exact = space.synthesize(coef.to(half).float().cpu(), points.to(half).float().cpu())
        assert (found.float().cpu() - exact).abs().max() < 0.02 * exact.abs().max()
        with torch.autocast("cuda", dtype=half):
            assert space.synthesize(coef.float(), points.float()).dtype in (torch.float32, half)


def test_streams(gpu):
    for space in (LINE, SOLID):
        coef, points = problem(space, 8, points=1000)
        expected = space.synthesize(coef, points)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            other = space.synthesize(coef, points)
        torch.cuda.current_stream().wait_stream(stream)
        assert torch.equal(other, expected)


@pytest.mark.parametrize("space", [LINE, SOLID], ids=["line", "solid"])
def test_graphs(gpu, space):
    coef, points = problem(space, 8, points=500)
    values = torch.randn(8, 500, dtype=D, device="cuda")

    def work():
        return space.synthesize(coef, points), space.adjoint(values, points), space.value_and_gradient(coef, points)[1]

    expected = work()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        held = work()
    coef.mul_(2)
    graph.replay()
    for found, before, factor in zip(held, expected, (2, 1, 2), strict=True):
        torch.testing.assert_close(found, factor * before, rtol=1e-13, atol=1e-13)


def training_step(space, options):
    """Return a model, and its loss after fixed steps of the spectral ODE."""
    linear = torch.nn.Linear(space.size, space.size).double().cuda()
    ode = sf.nn.SpectralODE(
        space, lambda t, c, log_scale, shift, parameters=None: (linear(c), None, None), moving=False, method="rk4",
        options=options,
    )  # fmt: skip
    start, points = problem(space, 6)
    own = () if space.dim == 1 else (space.dim,)
    times, ones = torch.linspace(0, 1, 5, dtype=D, device="cuda"), torch.ones(6, *own, dtype=D, device="cuda")

    def loss():
        coef, _, _ = ode(start, 0 * ones, 0 * ones, times)
        return space.synthesize(coef, points.unsqueeze(1)).square().mean()

    return linear, loss


@pytest.mark.parametrize("space", [sf.Space(sf.Hermite(degree=16)), SOLID], ids=["line", "solid"])
def test_a_training_step_as_one_graph(gpu, space):
    linear, loss = training_step(space, {"steps": 2})
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


def test_nothing_is_waited_for(gpu):
    for space in (LINE, SOLID):
        coef, points = problem(space, 4)
        coef.requires_grad_()
        space.synthesize(coef, points).sum().backward()  # tables are put there
        first = coef.grad.clone()
        torch.cuda.set_sync_debug_mode("error")  # whoever waits raises
        try:
            space.synthesize(coef, points).sum().backward()
        finally:
            torch.cuda.set_sync_debug_mode("default")
        close(coef.grad, 2 * first)


def test_full_precision_whatever_the_user_allows(gpu):
    """Rows that share their points go through matrix products."""
    before = torch.get_float32_matmul_precision()
    coef, z = torch.randn(64, 200, device="cuda"), 3 * torch.randn(1, 500, device="cuda")
    exact = reference.synthesize(coef.double().cpu(), z.double().cpu(), "hermite", 0)
    torch.set_float32_matmul_precision("medium")
    try:
        close(gpu.synthesize(coef, z, "hermite", 0), exact, 1e-5)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


def test_strides_nothing_and_one_point(gpu):
    coef, z = torch.randn(41, 6, dtype=D, device="cuda").mT, torch.randn(300, 6, dtype=D, device="cuda").mT
    close(LINE.synthesize(coef, z), LINE.synthesize(coef.cpu(), z.cpu()))
    close(LINE.synthesize(coef, z[:, ::7]), LINE.synthesize(coef.cpu(), z[:, ::7].cpu()))
    close(LINE.synthesize(coef, z[:, :1]), LINE.synthesize(coef.cpu(), z[:, :1].cpu()))
    assert LINE.synthesize(coef, z[:, :0]).shape == (6, 0)
    assert LINE.adjoint(z[:, :0], z[:, :0]).abs().sum() == 0
    assert LINE.synthesize(coef[:0], z[:0]).shape == (0, 300)


def test_what_is_outside_becomes_nan(gpu):
    space = sf.Space(sf.Chebyshev(degree=5))
    coef, points = torch.ones(6, dtype=D, device="cuda"), torch.tensor([0.5, 1.5, math.nan], dtype=D, device="cuda")
    assert space.synthesize(coef, points).isnan().tolist() == [False, True, True]


def test_high_degrees(gpu):
    for name, z in (
        ("hermite", [0.0, 120.0, 199.0, 201.0]),
        ("laguerre(0.0)", [0.5, 3e4, 7.9e4]),
        ("legendre", [0.3, 1.0]),
    ):
        coef = torch.randn(20_001, dtype=D)
        own = torch.tensor(z, dtype=D)
        expected = cpu.synthesize(coef, own, name, 0)
        found = gpu.synthesize(coef.cuda(), own.cuda(), name, 0).cpu()
        assert (found - expected).abs().max() <= 1e-11 * coef.abs().sum()


def test_the_same_bits_every_time(gpu):
    coef, z = torch.randn(3, 300, dtype=D, device="cuda"), 4 * torch.randn(3, 70_000, dtype=D, device="cuda")
    for _ in range(3):
        for function in (gpu.synthesize, lambda c, z, *rest: gpu.adjoint(z, z, 300, *rest)):
            assert torch.equal(function(coef, z, "hermite", 0), function(coef, z, "hermite", 0))


@pytest.mark.skipif(
    torch.cuda.is_available() and torch.cuda.get_device_properties(0).total_memory < 40 << 30, reason="needs 40 GB"
)
def test_more_numbers_than_32_bits_count(gpu):
    rows, points = 70_000, 31_000  # 2.17e9 numbers of one result
    coef = torch.randn(rows, 3, device="cuda")
    z = torch.linspace(-3, 3, points, device="cuda").expand(rows, points)
    torch.cuda.empty_cache()
    values = gpu.synthesize(coef, z.contiguous(), "hermite", 0)
    some = torch.tensor([0, 1, 69_000, rows - 1])
    close(
        values[some.cuda()],
        reference.synthesize(coef[some.cuda()].double().cpu(), z[0].double().cpu(), "hermite", 0),
        1e-5,
    )


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_on_a_second_device(gpu):
    for space in (LINE, SOLID):
        coef, points = problem(space, 3, device="cuda:1")
        found = space.synthesize(coef, points)
        assert found.device.index == 1 and torch.cuda.current_device() == 0
        close(found, space.synthesize(coef.cpu(), points.cpu()))


def test_cupy_arrays(gpu):
    cupy = pytest.importorskip("cupy")
    for space in (LINE, SOLID):
        coef, points = problem(space, 3, device="cpu")
        expected = space.synthesize(coef.numpy(), points.numpy())
        stream = cupy.cuda.Stream(non_blocking=True)
        with stream:
            found = space.synthesize(cupy.asarray(coef.numpy()), cupy.asarray(points.numpy()))
            assert isinstance(found, cupy.ndarray)
            assert found.data.mem is not None and cupy.get_default_memory_pool().used_bytes() > 0
            np.testing.assert_allclose(cupy.asnumpy(found), expected, rtol=1e-10, atol=1e-12)
