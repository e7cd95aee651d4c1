"""What a call must not do once its tables are there: bring numbers to the device, or let other settings change its arithmetic."""

import collections
import traceback

import pytest
import standard
import torch

import specfast as sf
from specfast.kernels.fields import tree_of
from specfast.kernels.precision import full_precision

D = torch.float64
LINE = sf.Space(sf.Hermite(degree=20))
SOLID = sf.Space([sf.Hermite(), sf.Legendre(), sf.Laguerre(sign=-1)], sf.HyperbolicCross(8))
spaces = pytest.mark.parametrize("space", [LINE, SOLID], ids=["line", "solid"])


def problem(space):
    own = (50,) if space.dim == 1 else (50, space.dim)
    points = torch.rand(4, *own, dtype=D)
    if space.dim > 1:
        points[..., 2] *= -1
    return torch.randn(4, space.size, dtype=D), points, torch.randn(4, 50, dtype=D)


@spaces
def test_nothing_is_made_of_numbers_of_the_host(space, monkeypatch):
    """On a GPU that would be a copy that is waited for, and could not be part of a CUDA graph."""
    from specfast.kernels import affine_map, cpu

    # As on a GPU: values are not looked at, and no kernel of host memory does all in one call.
    monkeypatch.setattr(affine_map, "can_look", lambda tensor: False)
    monkeypatch.setattr(cpu, "fused", None)
    coef, points, values = problem(space)

    def work():
        space.synthesize(coef, points)
        space.adjoint(values, points)
        space.value_and_gradient(coef, points)
        given = coef.clone().requires_grad_()
        space.synthesize(given, points).sum().backward()

    work()
    seen = collections.Counter()

    def watched(function):
        def call(*args, **kwargs):
            frames = [
                f for f in traceback.extract_stack() if "/specfast/" in f.filename and "site-packages" not in f.filename
            ]
            seen[f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "elsewhere"] += 1
            return function(*args, **kwargs)

        return call

    for owner, name in ((torch, "tensor"), (torch, "from_numpy"), (torch, "as_tensor"), (torch.Tensor, "new_tensor")):
        monkeypatch.setattr(owner, name, watched(getattr(owner, name)))
    work()
    assert not seen


@spaces
def test_autocast_does_not_reach_the_kernels(space):
    coef, points, values = (part.float() for part in problem(space))
    expected = space.synthesize(coef, points), space.adjoint(values, points)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = space.synthesize(coef, points), space.adjoint(values, points)
    for own, exact in zip(found, expected, strict=True):
        assert own.dtype is torch.float32 and (own - exact).abs().max() <= 1e-6 * exact.abs().max()


def test_autocast_does_not_reach_matrix_products_of_shared_points():
    coef, z, values = torch.randn(64, 40), 3 * torch.randn(1, 300), torch.randn(64, 300)
    own = (*standard.unit(z), standard.key("hermite", 40), [0])
    for operator, given in ((torch.ops.specfast.synthesize, coef), (torch.ops.specfast.adjoint, values)):
        exact = operator(given, z, *own)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = operator(given, z, *own)
        assert found.dtype is torch.float32 and (found - exact).abs().max() <= 1e-5 * exact.abs().max()


def test_trees_stay_in_main_memory_whatever_the_default_device():
    space = sf.Space([sf.Hermite(), sf.Legendre()], sf.HyperbolicCross(5))
    with torch.device("meta"):
        assert tree_of(space._record).is_cpu


def test_the_setting_of_matrix_products_is_put_back():
    gpu, setting = torch.device("cuda"), torch.backends.cuda.matmul
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with full_precision(gpu):
            with full_precision(gpu):
                assert setting.fp32_precision == "ieee"
            assert setting.fp32_precision == "ieee"
        assert setting.fp32_precision == "tf32" and torch.get_float32_matmul_precision() == "medium"
        with full_precision(torch.device("cpu")):
            assert setting.fp32_precision == "tf32"
    finally:
        torch.set_float32_matmul_precision(before)
