"""The operators in every mode of automatic differentiation, against finite differences and analytic values."""

import itertools
import math

import numpy as np
import pytest
import standard
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.func import grad, hessian, jacfwd, jacrev, vmap

import specfast as sf
from specfast import ops
from specfast.families import family_by_name

D = torch.float64
NAMES = ["hermite", "laguerre(0.5)", "chebyshev", "legendre", "fourier", "rational", "rationalhalfline"]


def leaf(*shape):
    return torch.randn(*shape, dtype=D, requires_grad=True)


def inner_points(*shape):
    return (torch.rand(*shape, dtype=D) * 0.9 + 0.05).requires_grad_()


def cases(name):
    z, size = inner_points(3, 5), 7 if name == "fourier" else 6
    yield "synthesize", lambda c, z: standard.synthesize(c, z, name, 0), (leaf(2, 1, size), z)
    yield "backward", lambda g, c, z: standard.gradients(g, c, z, name, 0), (leaf(5), leaf(2, 1, size), z)
    yield "adjoint", lambda v, z: standard.adjoint(v, z, size, name, 1), (leaf(3, 5), z)
    # The same through PyTorch's dispatcher.
    dispatched, own = torch.ops.specfast, (*standard.unit(z), standard.key(name, size))
    yield "synthesize operator", lambda c, z: dispatched.synthesize(c, z, *own, [0]), (leaf(2, 1, size), z)
    yield "adjoint operator", lambda v, z: dispatched.adjoint(v, z, *own, [1]), (leaf(3, 5), z)
    yield "basis", lambda z: ops.vandermonde(z, 6, name, 0), (z,)
    yield "differentiate", lambda c: ops.differentiate(c, name, False), (leaf(2, 6),)
    plane = sf.Space([family_by_name(name), sf.Hermite()], sf.TotalDegree(2))
    pair, size = plane.key, plane.size
    scale, shift = (0.5 + torch.rand(2, 2, dtype=D)).requires_grad_(), (-0.1 * torch.rand(2, dtype=D)).requires_grad_()
    given = (inner_points(2, 4, 2), scale, shift)
    if family_by_name(name).bounded:
        shift.data[0] = 0
    yield "product", lambda c, *rest: ops.synthesize(c, *rest, pair, [0, 1]), (leaf(3, 1, size), *given)
    yield "product adjoint", lambda v, *rest: ops.adjoint(v, *rest, pair, [1, 0]), (leaf(4), *given)
    yield "several", lambda c, *rest: ops.synthesize(c, *rest, pair, [0, 0, 1, 0, 0, 2]), (leaf(size), *given)


@pytest.mark.parametrize("name", NAMES)
def test_first_and_second_derivatives_in_all_modes(name):
    for _, function, arguments in cases(name):
        assert gradcheck(function, arguments, check_forward_ad=True, check_batched_grad=True)
        assert gradgradcheck(function, arguments, check_fwd_over_rev=True)


def test_functional_transforms_against_the_basis():
    c, z = torch.randn(7, dtype=D), torch.randn(5, dtype=D)
    table, slope = ops.vandermonde(z, 7, "hermite", 0), ops.vandermonde(z, 7, "hermite", 1)

    def value(c, z):
        return standard.synthesize(c, z, "hermite", 0)

    torch.testing.assert_close(jacfwd(value)(c, z), table)
    torch.testing.assert_close(jacrev(value)(c, z), table)
    torch.testing.assert_close(jacfwd(value, 1)(c, z), torch.diag(slope @ c))
    torch.testing.assert_close(vmap(value, (0, None))(c.repeat(3, 1), z)[1], table @ c)
    torch.testing.assert_close(vmap(value, (None, 1))(c, z[:, None])[0], table @ c)
    torch.testing.assert_close(
        vmap(grad(lambda c, z: value(c, z).sum()), (None, 0))(c, z.repeat(3, 1))[1], table.sum(0)
    )
    second = hessian(lambda z: value(c, z).sum())(z)
    torch.testing.assert_close(second, torch.diag(ops.vandermonde(z, 7, "hermite", 2) @ c))


@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_compiled_against_analytic_values(backend):
    if backend == "inductor":
        pytest.importorskip("shutil")
        import shutil

        if not (shutil.which("g++") or shutil.which("c++")):
            pytest.skip("torch.compile's default backend needs a C++ compiler")
    c, z = leaf(7), leaf(5)
    table, slope = ops.vandermonde(z, 7, "hermite", 0).detach(), ops.vandermonde(z, 7, "hermite", 1).detach()

    key = standard.key("hermite", 7)

    @torch.compile(fullgraph=True, backend=backend)
    def loss(c, z):
        return ops.synthesize(c, z, *standard.unit(z), key, [0]).sin().sum()

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

    expected = torch.ops.specfast.synthesize(c, z, *standard.unit(z), standard.key("hermite", 4), [0])
    assert torch.equal(standard.synthesize(c, z, "hermite", 0), expected)
    own = (*standard.unit(z), standard.key("hermite", 4), [0])
    with Watching():
        watched = ops.synthesize(c, z, *own)
        ops.adjoint(z, z, *own)
    assert torch.equal(watched, expected)
    assert seen == ["specfast.synthesize.default", "specfast.adjoint.default"]
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        standard.synthesize(c, z, "hermite", 0)
    assert any("specfast::synthesize" in event.key for event in profile.key_averages())
    negative = torch.complex(z, z).conj().imag
    assert negative.is_neg()
    assert torch.equal(standard.synthesize(c, negative, "hermite", 0), standard.synthesize(c, -z, "hermite", 0))
    parameter = torch.nn.Parameter(c)
    (gradient,) = torch.autograd.grad(standard.synthesize(parameter, z, "hermite", 0).sum(), parameter)
    torch.testing.assert_close(gradient, standard.adjoint(torch.ones_like(z), z, 4, "hermite", 0))


def checked():
    """Return arguments for every operator, by name."""
    c, z, v, plane = leaf(6), leaf(4), leaf(4), leaf(4, 2)
    one, pair = (*standard.unit(z), standard.key("hermite", 6)), (*standard.unit(z), LINE.key)
    given = {
        "synthesize": (c, z, *one, [0]),
        "synthesize on two axes": (leaf(LINE.size), plane, *pair, [0, 0]),
        "several derivatives": (leaf(LINE.size), plane, *pair, [0, 0, 2, 0]),
        "synthesize_backward": (v, c, z, *one, [0]),
        "synthesize_backward on two axes": (v, leaf(LINE.size), plane, *pair, [0, 0]),
        "adjoint": (v, z, *one, [0]),
        "adjoint on two axes": (v, plane, *pair, [0, 0]),
        "vandermonde": (z, 6, "hermite", 0),
        "differentiate": (c, "hermite", False),
        "grid_synthesize": (leaf(3, LINE.size), LINE.key, [4, 5], [1, 0], False, 2),
        "grid_adjoint": (leaf(3, 20), LINE.key, [4, 5], [0, 0], True, 3),
        "mix": (leaf(2, 3, 4), leaf(3, 5, 4)),
        "constant": (z.detach(), LINE.key, "gauss_weights", []),
    }
    operators = {"several derivatives": "synthesize"}
    return {
        name: (getattr(torch.ops.specfast, operators.get(name, name.split()[0])).default, arguments)
        for name, arguments in given.items()
    }


LINE = sf.Space([sf.Hermite(), sf.Hermite()], sf.TensorProduct((2, 3)))
OVER_PROCESSES = {"all_reduce", "copy_to_group"}  # in test_sharded_space


def test_no_operator_is_left_out():
    import specfast.distributed.sharded_space  # noqa: F401

    names = {
        name.split("::")[1].split(".")[0] for name in torch._C._dispatch_get_all_op_names() if "specfast::" in name
    }
    assert names == {operator.name().split("::")[1] for operator, _ in checked().values()} | OVER_PROCESSES


@pytest.mark.parametrize("name", checked())
def test_opcheck(name):
    operator, arguments = checked()[name]
    torch.library.opcheck(operator, arguments)


@pytest.mark.parametrize("name", ["several derivatives", "grid_synthesize", "grid_adjoint", "mix"])
def test_operators_of_layers_in_all_modes(name):
    operator, arguments = checked()[name]
    places = [i for i, a in enumerate(arguments) if isinstance(a, torch.Tensor) and a.is_floating_point()]

    def function(*tensors):
        given = list(arguments)
        for place, tensor in zip(places, tensors, strict=True):
            given[place] = tensor
        return operator(*given)

    tensors = [arguments[place] for place in places]
    assert gradcheck(function, tensors, check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(function, tensors, check_fwd_over_rev=True)
    twice = tuple(torch.stack([t, 2 * t]).detach() for t in tensors)
    for axes in itertools.product([0, None], repeat=len(twice)):
        if any(axis == 0 for axis in axes):
            given = [both if axis == 0 else both[1] for both, axis in zip(twice, axes, strict=True)]
            torch.testing.assert_close(vmap(function, axes)(*given)[1], function(*(both[1] for both in twice)))


def test_a_product_of_channels_against_the_sum():
    first, second = torch.randn(2, 3, 4, 5, dtype=D), torch.randn(4, 6, 5, dtype=D)
    expected = torch.einsum("abik,iok->abok", first, second)
    torch.testing.assert_close(torch.ops.specfast.mix(first, second), expected)
    torch.testing.assert_close(torch.ops.specfast.mix(first.mT.contiguous().mT, second), expected)
    whole = [torch.randn(*shape, dtype=torch.complex128, requires_grad=True) for shape in ((2, 3, 2), (3, 2, 2))]
    assert gradcheck(torch.ops.specfast.mix, whole)
    for wrong, error in (
        ((first, second[:2]), ValueError),
        ((first[0, 0], second), ValueError),
        ((first, second.float()), TypeError),
    ):
        with pytest.raises(error, match="mix: "):
            torch.ops.specfast.mix(*wrong)


def test_bad_arguments():
    c, z = torch.randn(6), torch.randn(4)
    with pytest.raises(ValueError, match="family='herm'"):
        standard.synthesize(c, z, "herm", 0)
    with pytest.raises(TypeError, match=r"float32.*float64"):
        standard.synthesize(c, z.double(), "hermite", 0)
    with pytest.raises(ValueError, match=r"derivative=\[-1\]"):
        standard.synthesize(c, z, "hermite", -1)
    with pytest.raises(TypeError, match="int64"):
        ops.vandermonde(torch.arange(4), 3, "hermite", 0)
    with pytest.raises(ValueError, match="0 coefficients"):
        ops.differentiate(torch.empty(0), "hermite", False)
    with pytest.raises(ValueError, match=r"values has shape \(3,\); \(..., 4\)"):
        standard.adjoint(z[:3], z, 2, "hermite", 0)
    with pytest.raises(ValueError, match=r"coef has shape \(5,\); \(..., 6\)"):
        ops.synthesize(c[:5], z, *standard.unit(z), standard.key("hermite", 6), [0])
    plane, given = standard.unit(z), torch.zeros(4, 3)
    with pytest.raises(ValueError, match=r"points has shape \(4, 3\); \(..., M, 2\)"):
        ops.synthesize(torch.ones(LINE.size), given, *plane, LINE.key, [0, 0])
    with pytest.raises(ValueError, match=r"derivative=\[0\]; 2 orders"):
        ops.synthesize(torch.ones(LINE.size), given[:, :2], *plane, LINE.key, [0])
    with pytest.raises(ValueError, match=r"leading axes do not broadcast: coef \(2,\), points \(3,\)"):
        ops.synthesize(torch.ones(2, 6), torch.ones(3, 4), *plane, standard.key("hermite", 6), [0])
    with pytest.raises(ValueError, match="no space that is alive"):
        ops.synthesize(c, z, *plane, "#123456", [0])


def test_nested_transforms():
    torch.manual_seed(4)
    plane = sf.Space([sf.Hermite(), sf.Laguerre()], sf.HyperbolicCross(3))
    line = sf.Space(sf.Legendre(degree=5))
    for space, x in ((plane, torch.rand(2, 2).double()), (line, torch.rand(3).double())):
        coef = torch.randn(space.size, dtype=torch.float64)
        square = lambda y, s=space, c=coef: (s.synthesize(c, y) ** 2).sum()  # noqa: E731
        single, rows = ((0,), x.numel()) if space.dim == 1 else ((0, 0), x.shape[0])
        # u^2 has the second derivatives 2 u_i u_j + 2 u u_ij, point by point.
        orders = np.eye(space.dim, dtype=int)
        u = space.synthesize(coef, x, derivative=single if space.dim > 1 else 0)
        expected = torch.zeros(rows, space.dim, rows, space.dim, dtype=torch.float64)
        for i, j in itertools.product(range(space.dim), repeat=2):
            one, two, both = (
                space.synthesize(coef, x, derivative=tuple(int(k) for k in o))
                for o in (orders[i], orders[j], orders[i] + orders[j])
            )
            expected[range(rows), i, range(rows), j] = 2 * one * two + 2 * u * both
        expected = expected.reshape(*x.shape, *x.shape)
        for outer, inner in itertools.product((torch.func.jacfwd, torch.func.jacrev), repeat=2):
            torch.testing.assert_close(outer(inner(square))(x), expected, rtol=1e-10, atol=1e-10)
        t = torch.ones_like(x)
        along = lambda f, t=t: lambda y: torch.func.jvp(f, (y,), (t,))[1]  # noqa: E731
        third = along(along(along(lambda y, s=space, c=coef: s.synthesize(c, y).sum())))(x)
        tuples = [tuple(int(k) for k in o) for o in itertools.product(range(4), repeat=space.dim) if sum(o) == 3]
        weights = [math.factorial(3) / math.prod(map(math.factorial, o)) for o in tuples]
        wanted = sum(w * space.synthesize(coef, x, derivative=o).sum() for w, o in zip(weights, tuples, strict=True))
        torch.testing.assert_close(third, wanted, rtol=1e-10, atol=1e-10)


def test_what_is_kept_in_inference_mode_serves_training():
    space = sf.Space([sf.Hermite(), sf.Legendre()], sf.HyperbolicCross(9, -0.37))
    coef = torch.randn(space.size, dtype=torch.float64, requires_grad=True)
    x = torch.rand(4, 2, dtype=torch.float64)
    calls = [
        lambda: space.synthesize(coef, x),
        lambda: space.synthesize_grid(coef, 13),
        lambda: space.project_grid(coef.sum() * torch.ones(10, 11).double()),
        lambda: space.project(coef),
        lambda: space.norm(coef),
        lambda: space.differentiate(coef, 1),
    ]
    for call in calls:
        with torch.inference_mode():
            call()
        result = call().sum()
        (gradient,) = torch.autograd.grad(result, coef)
        # All of these are homogeneous of degree 1 (Euler).
        torch.testing.assert_close((gradient * coef).sum(), result)
        assert float(gradient.detach().norm()) > 0


def test_under_a_fake_mode_only_shapes_are_found():
    from torch._subclasses.fake_tensor import FakeTensorMode

    space = sf.Space([sf.Hermite(), sf.Legendre()], sf.HyperbolicCross(7, -0.41))
    with FakeTensorMode(allow_non_fake_inputs=True):
        assert space.synthesize_grid(torch.randn(3, space.size), 12).shape == (3, 12, 12)
        assert space.project(torch.randn(3, space.size)).shape == (3, space.size)
    coef = torch.randn(space.size, dtype=torch.float64)
    torch.testing.assert_close(space.project_grid(space.synthesize_grid(coef, 12)), coef)
