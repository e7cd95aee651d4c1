"""The short ways of small calls: how tensors are read, points placed and constants kept, against the naive formula."""

import itertools

import numpy as np
import pytest
import standard
import torch

import specfast as sf
from specfast import ops
from specfast.kernels.affine_map import vector

D = torch.float64
_cpu = pytest.importorskip("specfast.kernels._cpu")


@pytest.fixture(params=["as the type says", "by attributes"])
def reader(request):
    """How the compiled module reads tensors: by PyTorch's table of C functions where it has one, or by attributes."""
    if request.param == "by attributes":
        _cpu.exchange_by(None)
    yield
    _cpu.exchange_by(getattr(torch.Tensor, "__dlpack_c_exchange_api__", None))


def hermite(coef, z):
    """Return sums of Hermite functions by NumPy's own polynomials."""
    n = np.arange(coef.shape[-1])
    norm = np.sqrt(np.sqrt(np.pi) * 2.0**n * np.cumprod(np.maximum(n, 1)))
    tables = np.polynomial.hermite.hermvander(z, n[-1]) / norm * np.exp(-(z**2) / 2)[..., None]
    return (tables * coef[..., None, :]).sum(-1)


LAYOUTS = {
    "contiguous": lambda t: t,
    "every second": lambda t: torch.stack([t, t], -1).flatten(-2)[..., ::2],
    "turned": lambda t: t.mT.contiguous().mT,
    "broadcast": lambda t: t[:1].expand(t.shape),
    "reversed rows": lambda t: t.flip(0),
    "from within": lambda t: torch.cat([torch.zeros(1, *t.shape[1:], dtype=t.dtype), t])[1:],
}


@pytest.mark.parametrize("dtype", [D, torch.float32])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_read(reader, layout, dtype):
    coef, z = (LAYOUTS[layout](torch.randn(4, n, dtype=dtype)) for n in (9, 5))
    expected = torch.from_numpy(hermite(coef.double().numpy(), z.double().numpy())).to(dtype)
    found = standard.synthesize(coef, z, "hermite", 0)
    torch.testing.assert_close(found, expected, rtol=1e-5 if dtype != D else 1e-12, atol=1e-5 if dtype != D else 1e-12)
    back = standard.adjoint(z, z, 9, "hermite", 0)
    torch.testing.assert_close((back * coef).sum(), (found * z).sum())
    table = ops.vandermonde(z, 9, "hermite", 0)
    torch.testing.assert_close((table * coef.unsqueeze(1)).sum(-1), found)


def test_empty_and_whole_numbers_are_read(reader):
    assert standard.synthesize(torch.zeros(0, 3), torch.zeros(0, 4), "hermite", 0).shape == (0, 4)
    assert standard.synthesize(torch.zeros(2, 3), torch.zeros(2, 0), "hermite", 0).shape == (2, 0)
    with pytest.raises(TypeError, match=r"dtype torch\.int64"):
        standard.synthesize(torch.zeros(2, 3, dtype=torch.int64), torch.zeros(2, 4, dtype=torch.int64), "hermite", 0)
    cpu = pytest.importorskip("specfast.kernels.cpu")
    whole = torch.zeros(2, 4, dtype=torch.int64)
    with pytest.raises(ValueError, match="float32 or float64 in host memory"):
        cpu.KERNELS.differentiate(cpu.plan_of("hermite", 4, 0), whole, torch.empty(2, 4), False)


FAMILIES = {
    "hermite": (sf.Hermite(degree=6), lambda r: 3 * r),
    "laguerre": (sf.Laguerre(0.5, degree=6), lambda r: 0.3 + r.abs()),
    "chebyshev": (sf.Chebyshev(-1, 3, degree=6), lambda r: 1 + 1.9 * torch.tanh(r)),
    "legendre": (sf.Legendre(0, 2, degree=6), lambda r: 1 + 0.9 * torch.tanh(r)),
    "fourier": (sf.Fourier(-1, 4, degree=3), lambda r: 3 * r),
    "rational": (sf.Rational(degree=3), lambda r: 3 * r),
    "rationalhalfline": (sf.RationalHalfLine(degree=6), lambda r: 0.3 + r.abs()),
}


def by_definition(family, coef, x, scale, shift, order):
    """Return the field by the definition: the functions of z, times sign^k beta^(p + k)."""
    if family.bounded:
        scale, shift = (torch.tensor(part, dtype=D) for part in family.standard_scale_shift())
    z = family.sign * scale.unsqueeze(-1) * (x - shift.unsqueeze(-1))
    own = {"degree": family.degree}
    standard = type(family)(0.5, **own) if isinstance(family, sf.Laguerre) else type(family)(**own)
    table = sf.Space(standard).vandermonde(z, derivative=order)
    factor = family.sign**order * scale ** (family.power + order)
    return (table * coef.unsqueeze(-2)).sum(-1) * factor.unsqueeze(-1)


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("name", FAMILIES)
def test_mapped_on_one_axis(reader, name, order):
    family, onto = FAMILIES[name]
    space = sf.Space(family)
    sizes = [((), ()), ((3,), ()), ((), (3,)), ((2, 3), (3,)), ((3,), (3,))]
    for rows, own in sizes:
        coef, x = torch.randn(*rows, space.size, dtype=D), onto(torch.randn(*own, 5, dtype=D))
        scale = 0.5 + torch.rand(own, dtype=D) if not family.bounded else torch.ones((), dtype=D)
        shift = 0.1 * torch.rand(own, dtype=D) if not family.bounded else torch.zeros((), dtype=D)
        expected = by_definition(family, coef, x, scale, shift, order)
        where = {} if family.bounded else {"scale": scale, "shift": shift}
        torch.testing.assert_close(
            space.synthesize(coef, x, derivative=order, **where), expected, rtol=1e-11, atol=1e-11
        )
        spread = torch.stack([x, x], -1)[..., 0]  # every second number
        torch.testing.assert_close(
            space.synthesize(coef, spread, derivative=order, **where), expected, rtol=1e-11, atol=1e-11
        )
    # Numbers and tensors, leading axes that only scale and shift have.
    if not family.bounded:
        coef, x = torch.randn(space.size, dtype=D), onto(torch.randn(5, dtype=D))
        wide = torch.tensor([0.5, 1.0, 2.0], dtype=D)
        found = space.synthesize(coef, x, scale=wide, shift=0, derivative=order)
        expected = by_definition(family, coef, x.expand(3, 5), wide, torch.zeros(3, dtype=D), order)
        torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("orders", [(0, 0, 0), (1, 0, 2)])
def test_mapped_on_several_axes(reader, orders):
    families = [sf.Hermite(), sf.Laguerre(0.5), sf.Legendre(0, 2)]
    space = sf.Space(families, sf.HyperbolicCross(6))
    coef, raw = torch.randn(2, space.size, dtype=D), torch.randn(2, 4, 3, dtype=D)
    x = torch.stack([raw[..., 0], 0.3 + raw[..., 1].abs(), 1 + 0.9 * torch.tanh(raw[..., 2])], -1)
    scale, shift = 0.5 + torch.rand(2, 3, dtype=D), torch.tensor([0.2, 0.1, 0.0], dtype=D)
    expected = torch.zeros(2, 4, dtype=D)
    tables = []
    for axis, family in enumerate(families):
        own = family.with_degree(6)
        ones = torch.eye(7, dtype=D).reshape(7, 1, 7)
        beta, x0 = scale[:, axis], shift[axis].expand(2)
        tables.append(by_definition(own, ones, x[..., axis], beta, x0, orders[axis]).movedim(0, -1))
    for place, n in enumerate(space.indices):
        product = torch.ones(2, 4, dtype=D)
        for axis, table in enumerate(tables):
            product = product * table[..., int(n[axis])]
        expected = expected + coef[:, place, None] * product
    found = space.synthesize(coef, x, scale=scale, shift=shift, derivative=orders)
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)
    turned = x.movedim(-1, 0).contiguous().movedim(0, -1)
    torch.testing.assert_close(space.synthesize(coef, turned, scale=scale, shift=shift, derivative=orders), found)


def test_what_is_wrong_is_said_as_on_the_long_way():
    line, half, box = (
        sf.Space(sf.Hermite(degree=3)),
        sf.Space(sf.Laguerre(degree=3)),
        sf.Space(sf.Legendre(0, 2, degree=3)),
    )
    c, x = torch.ones(4, dtype=D), torch.linspace(0.1, 1.9, 5, dtype=D)
    nan = float("nan")
    cases = [
        (line, c[:3], x, {}),
        (line, torch.ones(2, 4, dtype=D), torch.ones(3, 5, dtype=D), {}),
        (line, c, x, {"scale": 0.0}),
        (line, c, x, {"scale": torch.tensor([1.0, nan], dtype=D)}),
        (line, c, torch.ones((), dtype=D), {}),
        (line, torch.ones(2, 4, dtype=D), x, {"scale": torch.ones(3, dtype=D)}),
        (half, c, x - 1, {}),
        (half, c, x, {"shift": 0.5}),
        (box, c, x + 1, {}),
        (box, c, x, {"scale": 2.0}),
        (line, c, x, {"derivative": -1}),
        (line, c, x, {"derivative": 1.5}),
    ]
    for space, coef, points, given in cases:
        messages = []
        for recorded in (False, True):  # a coefficient that is differentiated goes the long way
            with pytest.raises((ValueError, TypeError)) as error:
                space.synthesize(coef.clone().requires_grad_(recorded), points, **given)
            messages.append(str(error.value))
        assert messages[0] == messages[1], (space, given)


def test_constants_made_within_a_transform_are_plain():
    for number, make in enumerate(
        (torch.func.grad, lambda f: lambda x: torch.func.jvp(f, (x,), (x,))[1], torch.func.vmap)
    ):
        space = sf.Space([sf.Hermite(), sf.Legendre(0, 2 + number)], sf.TotalDegree(3 + number))
        coef, points = torch.randn(space.size, dtype=D), torch.rand(4, 2, dtype=D)

        def loss(c, space=space, points=points):
            return space.synthesize(c, points, scale=torch.tensor([1.5, 1.0], dtype=D)).square().sum()

        make(loss)(coef if make is not torch.func.vmap else coef.expand(2, -1))  # the first call for this space
        expected = space.synthesize(coef, points)
        assert type(expected) is torch.Tensor and not torch._C._functorch.is_functorch_wrapped_tensor(expected)
        slope = torch.autograd.functional.jacobian(loss, coef)
        torch.testing.assert_close(torch.func.grad(loss)(coef), slope)
    kept = torch.func.grad(lambda x: (x * vector((2.0, 3.25), x)).sum())(torch.ones(2, dtype=D))
    assert kept.tolist() == [2.0, 3.25]
    assert vector((2.0, 3.25), torch.ones(1, dtype=D)).tolist() == [2.0, 3.25]


def test_a_sum_of_many_small_calls_is_that_of_one():
    space = sf.Space(sf.Hermite(degree=15))
    coef, points = torch.randn(16, 16, dtype=D), torch.randn(16, 16, dtype=D)
    whole = space.synthesize(coef, points, scale=1.2, shift=0.3)
    for row, column in itertools.product(range(16), range(0, 16, 5)):
        one = space.synthesize(coef[row], points[row, column : column + 1], scale=1.2, shift=0.3)
        torch.testing.assert_close(one, whole[row, column : column + 1])
