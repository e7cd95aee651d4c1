"""The operators in every mode of automatic differentiation, against finite differences and analytic values."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.func import grad, hessian, jacfwd, jacrev, vmap

from specfast import ops, product_ops

D = torch.float64
NAMES = ["hermite", "laguerre(0.5)", "chebyshev", "legendre"]


def leaf(*shape):
    return torch.randn(*shape, dtype=D, requires_grad=True)


def inner_points(*shape):
    return (torch.rand(*shape, dtype=D) * 0.9 + 0.05).requires_grad_()


TREE = torch.tensor([[0, 3], [0, 2]], dtype=torch.int32)  # (0, 0), (0, 1), (0, 2), (1, 0), (1, 1)


def cases(name):
    z = inner_points(3, 5)
    yield "synthesize", lambda c, z: ops.synthesize(c, z, name, 0), (leaf(2, 1, 6), z)
    yield "backward", lambda g, c, z: ops.synthesize_backward(g, c, z, name, 0), (leaf(5), leaf(2, 1, 6), z)
    yield "adjoint", lambda v, z: ops.adjoint(v, z, 6, name, 1), (leaf(3, 5), z)
    # The same through PyTorch's dispatcher.
    dispatched = torch.ops.specfast
    yield "synthesize operator", lambda c, z: dispatched.synthesize(c, z, name, 0), (leaf(2, 1, 6), z)
    yield "adjoint operator", lambda v, z: dispatched.adjoint(v, z, 6, name, 1), (leaf(3, 5), z)
    yield "basis", lambda z: ops.basis(z, 6, name, 0), (z,)
    yield "differentiate", lambda c: ops.differentiate(c, name, False), (leaf(2, 6),)
    pair, points = f"{name},hermite", inner_points(2, 4, 2)
    yield (
        "product",
        lambda c, z: product_ops.product_synthesize(c, z, TREE, [1, 2], pair, [0, 1]),
        (leaf(3, 1, 5), points),
    )
    yield (
        "product adjoint",
        lambda v, z: product_ops.product_adjoint(v, z, TREE, 5, [1, 2], pair, [0, 0]),
        (leaf(4), points),
    )


@pytest.mark.parametrize("name", NAMES)
def test_first_and_second_derivatives_in_all_modes(name):
    for _, function, arguments in cases(name):
        assert gradcheck(function, arguments, check_forward_ad=True, check_batched_grad=True)
        assert gradgradcheck(function, arguments, check_fwd_over_rev=True)


def test_functional_transforms_against_the_basis():
    c, z = torch.randn(7, dtype=D), torch.randn(5, dtype=D)
    table, slope = ops.basis(z, 7, "hermite", 0), ops.basis(z, 7, "hermite", 1)

    def value(c, z):
        return ops.synthesize(c, z, "hermite", 0)

    torch.testing.assert_close(jacfwd(value)(c, z), table)
    torch.testing.assert_close(jacrev(value)(c, z), table)
    torch.testing.assert_close(jacfwd(value, 1)(c, z), torch.diag(slope @ c))
    torch.testing.assert_close(vmap(value, (0, None))(c.repeat(3, 1), z)[1], table @ c)
    torch.testing.assert_close(vmap(value, (None, 1))(c, z[:, None])[0], table @ c)
    torch.testing.assert_close(
        vmap(grad(lambda c, z: value(c, z).sum()), (None, 0))(c, z.repeat(3, 1))[1], table.sum(0)
    )
    second = hessian(lambda z: value(c, z).sum())(z)
    torch.testing.assert_close(second, torch.diag(ops.basis(z, 7, "hermite", 2) @ c))


@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_compiled_against_analytic_values(backend):
    if backend == "inductor":
        pytest.importorskip("shutil")
        import shutil

        if not (shutil.which("g++") or shutil.which("c++")):
            pytest.skip("torch.compile's default backend needs a C++ compiler")
    c, z = leaf(7), leaf(5)
    table, slope = ops.basis(z, 7, "hermite", 0).detach(), ops.basis(z, 7, "hermite", 1).detach()

    @torch.compile(fullgraph=True, backend=backend)
    def loss(c, z):
        return ops.synthesize(c, z, "hermite", 0).sin().sum()

    grad_c, grad_z = torch.autograd.grad(loss(c, z), (c, z))
    outer = (table @ c.detach()).cos()
    torch.testing.assert_close(grad_c, table.T @ outer)
    torch.testing.assert_close(grad_z, outer * (slope @ c.detach()))
    torch._dynamo.reset()


def test_plain_tensors_pass_by_the_dispatcher_only_if_nobody_watches():
    from torch.utils._python_dispatch import TorchDispatchMode

    c, z = torch.randn(3, 4, dtype=D), torch.randn(3, 5, dtype=D)
    seen = []

    class Watching(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            seen.append(str(function))
            return function(*args, **(kwargs or {}))

    expected = torch.ops.specfast.synthesize(c, z, "hermite", 0)
    assert torch.equal(ops.synthesize(c, z, "hermite", 0), expected)
    with Watching():
        watched = ops.synthesize(c, z, "hermite", 0)
        ops.adjoint(z, z, 4, "hermite", 0)
    assert torch.equal(watched, expected)
    assert seen == ["specfast.synthesize.default", "specfast.adjoint.default"]
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        ops.synthesize(c, z, "hermite", 0)
    assert any("specfast::synthesize" in event.key for event in profile.key_averages())
    negative = torch.complex(z, z).conj().imag
    assert negative.is_neg()
    assert torch.equal(ops.synthesize(c, negative, "hermite", 0), ops.synthesize(c, -z, "hermite", 0))
    parameter = torch.nn.Parameter(c)
    (gradient,) = torch.autograd.grad(ops.synthesize(parameter, z, "hermite", 0).sum(), parameter)
    torch.testing.assert_close(gradient, ops.adjoint(torch.ones_like(z), z, 4, "hermite", 0))


def test_opcheck():
    c, z, v = leaf(6), leaf(4), leaf(4)
    for operator, arguments in (
        (torch.ops.specfast.synthesize.default, (c, z, "hermite", 0)),
        (torch.ops.specfast.synthesize_backward.default, (v, c, z, "hermite", 0)),
        (torch.ops.specfast.adjoint.default, (v, z, 6, "hermite", 0)),
        (torch.ops.specfast.basis.default, (z, 6, "hermite", 0)),
        (torch.ops.specfast.differentiate.default, (c, "hermite", False)),
        (torch.ops.specfast.product_synthesize.default, (leaf(5), leaf(4, 2), TREE, [1, 2], "hermite,hermite", [0, 0])),
        (
            torch.ops.specfast.product_derivatives.default,
            (leaf(5), leaf(4, 2), TREE, [1, 2], "hermite,hermite", [0, 0, 2, 0]),
        ),
        (
            torch.ops.specfast.product_backward.default,
            (v, leaf(5), leaf(4, 2), TREE, [1, 2], "hermite,hermite", [0, 0]),
        ),
        (torch.ops.specfast.product_adjoint.default, (v, leaf(4, 2), TREE, 5, [1, 2], "hermite,hermite", [0, 0])),
    ):
        torch.library.opcheck(operator, arguments)


def test_bad_arguments():
    c, z = torch.randn(6), torch.randn(4)
    with pytest.raises(ValueError, match="family='herm'"):
        ops.synthesize(c, z, "herm", 0)
    with pytest.raises(TypeError, match=r"float32.*float64"):
        ops.synthesize(c, z.double(), "hermite", 0)
    with pytest.raises(ValueError, match="derivative=-1"):
        ops.synthesize(c, z, "hermite", -1)
    with pytest.raises(TypeError, match="int64"):
        ops.basis(torch.arange(4), 3, "hermite", 0)
    with pytest.raises(ValueError, match="0 coefficients"):
        ops.adjoint(z, z, 0, "hermite", 0)
    with pytest.raises(ValueError, match="3 points and z has 4"):
        ops.adjoint(z[:3], z, 2, "hermite", 0)
