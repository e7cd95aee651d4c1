"""Layers against the naive formula, in every mode of PyTorch that a model may meet."""

import copy
import io
import itertools
import pickle

import numpy as np
import pytest
import torch
from differences import assert_gradient

import specfast as sf
from specfast.nn import kan

LINE = sf.Space(sf.Hermite(degree=7))
PLANE = sf.Space([sf.Hermite(), sf.Laguerre(0.5), sf.Legendre(0, 2)], sf.HyperbolicCross(4, gamma=-1.0))
BOX = sf.Space([sf.Chebyshev(), sf.Legendre()], sf.TotalDegree(3))


def layers():
    torch.manual_seed(0)
    points = torch.rand(6, 3)
    yield (
        "synthesis",
        sf.nn.Synthesis(LINE, scale=1.3, shift=0.2, learn_scale=True),
        (torch.randn(3, 8), torch.randn(3, 5)),
    )
    yield "derivatives", sf.nn.Synthesis(PLANE, derivative=[(0, 0, 0), (2, 0, 0)]), (torch.randn(2, PLANE.size), points)
    yield "analysis", sf.nn.Analysis(LINE, scale=0.8, learn_scale=True), (torch.randn(3, 8),)
    yield "analysis on a cross", sf.nn.Analysis(PLANE), (torch.randn(3, PLANE.size),)
    yield "convolution", sf.nn.SpectralConv(LINE, 2, 3, coupling=2, learn_scale=True), (torch.randn(4, 2, 11),)
    yield "convolution on a cross", sf.nn.SpectralConv(PLANE, 2, 3, scale=1.5), (torch.randn(2, 2, 6, 5, 7),)
    yield "bounded", sf.nn.SpectralConv(BOX, 1, 2, coupling=1), (torch.randn(2, 1, 5, 6),)
    wave = {"width": 3, "layers": 2, "activation": torch.tanh}
    yield "operator", sf.nn.SpectralOperator(BOX, 1, 2, coupling=1, **wave), (torch.randn(2, 1, 5, 6),)
    yield "operator on a line", sf.nn.SpectralOperator(LINE, 2, 1, learn_scale=True, **wave), (torch.randn(2, 2, 9),)
    axes = sf.nn.KroneckerSumLinear(PLANE, 2, 3)
    torch.nn.init.normal_(axes.weight)
    yield "along axes", axes, (torch.randn(4, 2, PLANE.size),)
    line = sf.nn.KroneckerSumLinear(LINE)
    torch.nn.init.normal_(line.weight)
    yield "along one axis", line, (torch.randn(3, 1, LINE.size),)
    yield "kan", sf.nn.PolynomialKAN(4, 3, sf.Chebyshev(), 5), (torch.randn(6, 4),)
    yield "hermite kan", sf.nn.PolynomialKAN(4, 3, sf.Hermite(), 5), (torch.randn(2, 3, 4),)
    yield "laguerre kan", sf.nn.PolynomialKAN(4, 3, sf.Laguerre(0.5), 3), (torch.randn(6, 4),)


LAYERS = {name: (layer.double(), tuple(a.double() for a in given)) for name, layer, given in layers()}


@pytest.fixture(params=LAYERS)
def case(request):
    layer, given = LAYERS[request.param]
    return copy.deepcopy(layer), given


def naive_convolution(layer, x):
    """Return what the formula says, with full tables and loops over indices."""
    space, sizes = layer.space, x.shape[2:]
    basis = layer.scale_and_shift()
    beta = torch.atleast_1d(basis.get("scale", torch.ones(space.dim, dtype=x.dtype)))
    coefs, tables = x, []
    for axis, (family, nodes) in enumerate(zip(space.families, sizes, strict=True)):
        z, w = (torch.from_numpy(part) for part in sf.gauss(family, nodes))
        count = space.index_set.largest(space.dim)[axis] + 1
        own = sf.Space(
            type(family)(degree=count - 1)
            if not isinstance(family, sf.Laguerre)
            else sf.Laguerre(family.alpha, degree=count - 1)
        )
        if family.bounded:
            z_points, norm = (
                z,
                1.0
                if isinstance(family, sf.Chebyshev)
                else (1.0 if not hasattr(family, "a") else family.standard_scale_shift()[0] ** 0.5),
            )
        else:
            z_points, norm = z, beta[axis] ** family.power
        table = own.vandermonde(z_points) * norm
        tables.append(table)
        h = torch.from_numpy(family.norm_squared(count))
        coefs = torch.movedim(torch.tensordot(coefs, table * (w / norm**2).unsqueeze(1) / h, ([2], [0])), -1, -1)
    indices = [tuple(int(k) for k in n) for n in space.indices]
    member = {n: i for i, n in enumerate(indices)}
    c = torch.stack([coefs[(..., *n)] for n in indices], -1)
    mixed = torch.einsum("bik,iok->bok", c, layer.weight[..., 0])
    offsets = [(axis, step) for axis in range(space.dim) for o in range(1, layer.coupling + 1) for step in (-o, o)]
    for j, (axis, step) in enumerate(offsets):
        for n, i in member.items():
            other = member.get((*n[:axis], n[axis] + step, *n[axis + 1 :]))
            if other is not None:
                mixed[:, :, i] += c[:, :, other] @ layer.weight[:, :, i, j + 1]
    result = torch.zeros(x.shape[0], layer.out_channels, *sizes, dtype=x.dtype)
    for n, i in member.items():
        values = mixed[:, :, i]
        for axis, k in enumerate(n):
            values = values.unsqueeze(-1) * tables[axis][:, k]
        result = result + values
    return result


@pytest.mark.parametrize("name", ["convolution", "convolution on a cross", "bounded"])
def test_convolution_against_the_formula(name):
    layer, (x,) = LAYERS[name]
    torch.testing.assert_close(layer(x), naive_convolution(layer, x), rtol=1e-11, atol=1e-11)


def test_convolution_at_points_is_that_on_a_grid():
    layer = sf.nn.SpectralConv(LINE, 2, 3, scale=1.2, shift=0.3).double()
    x = layer.grid(20)[0]
    values = LINE.synthesize(torch.randn(4, 2, 8, dtype=torch.float64), x, **layer.scale_and_shift())
    torch.testing.assert_close(layer(values, x), layer(values), rtol=1e-9, atol=1e-9)
    own = x + 0.1 * torch.rand(4, 20, dtype=torch.float64)
    assert layer(values, own).shape == (4, 3, 20)
    flat = sf.nn.SpectralConv(BOX, 1, 2).double()
    points = 2 * torch.rand(60, 2, dtype=torch.float64) - 1
    coef = torch.randn(3, 1, BOX.size, dtype=torch.float64)
    expected = BOX.synthesize(flat.mix(coef), points)
    torch.testing.assert_close(flat(BOX.synthesize(coef, points), points), expected, rtol=1e-9, atol=1e-9)


def test_along_axes_against_the_formula():
    layer, (x,) = LAYERS["along axes"]
    indices = [tuple(int(k) for k in n) for n in PLANE.indices]
    member, expected = {n: i for i, n in enumerate(indices)}, torch.zeros(4, 3, PLANE.size, dtype=torch.float64)
    for n, i in member.items():
        for axis in range(PLANE.dim):
            for m in range(layer.weight.shape[-1]):
                other = member.get((*n[:axis], m, *n[axis + 1 :]))
                if other is not None:
                    expected[:, :, i] += x[:, :, other] @ layer.weight[axis, :, :, n[axis], m].T
    torch.testing.assert_close(layer(x), expected, rtol=1e-12, atol=1e-12)


def test_along_axes_holds_a_laplacian():
    """On Hermite functions -u_xx + x^2 u is (2n + 1) u: minus it, the Laplacian is what the layer learns of an oscillator without its well."""
    space = sf.Space([sf.Hermite()] * 3, sf.TotalDegree(6))
    layer = sf.nn.KroneckerSumLinear(space).double()
    line = sf.Space(sf.Hermite(degree=8))
    unit = torch.eye(9, dtype=torch.float64)
    second = line.differentiate(line.differentiate(unit)).mT[:7, :7]  # projected from a larger space: exact
    with torch.no_grad():
        layer.weight.copy_(second.expand(3, 1, 1, 7, 7))
    coef = torch.zeros(space.size, dtype=torch.float64)
    inner = torch.from_numpy(space.indices.sum(1) <= 4)
    coef[inner] = torch.randn(int(inner.sum()), dtype=torch.float64)
    x = torch.randn(40, 3, dtype=torch.float64)
    expected = sum(space.synthesize(coef, x, derivative=d) for d in ((2, 0, 0), (0, 2, 0), (0, 0, 2)))
    torch.testing.assert_close(space.synthesize(layer(coef[None])[0], x), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("family", [sf.Chebyshev(), sf.Legendre(), sf.Hermite(), sf.Laguerre(0.5)])
def test_kan_against_the_formula(family):
    layer, x = sf.nn.PolynomialKAN(5, 2, family, 6).double(), torch.randn(9, 5, dtype=torch.float64)
    squash = {"Hermite": lambda v: v, "Laguerre": torch.nn.functional.softplus}.get(type(family).__name__, torch.tanh)
    table = sf.Space(
        type(family)(degree=6) if not isinstance(family, sf.Laguerre) else sf.Laguerre(0.5, degree=6)
    ).vandermonde(squash(x))
    expected = torch.einsum("bin,oin->bo", table, layer.weight)
    torch.testing.assert_close(layer(x), expected, rtol=1e-12, atol=1e-12)


def test_kan_keeps_nothing_of_size_batch_in_degree(monkeypatch):
    monkeypatch.setattr(kan, "_BLOCK", 4096)
    layer, x = sf.nn.PolynomialKAN(16, 2, sf.Legendre(), 15), torch.randn(500, 16, requires_grad=True)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: (kept.append(t.numel()), t)[1], lambda t: t):
        y = layer(x)
    assert max(kept, default=0) <= 500 * 16
    expected = torch.autograd.grad(
        torch.einsum("bin,oin->bo", sf.Space(sf.Legendre(degree=15)).vandermonde(torch.tanh(x)), layer.weight)
        .square()
        .sum(),
        [x, layer.weight],
    )
    for got, wanted in zip(torch.autograd.grad(y.square().sum(), [x, layer.weight]), expected, strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)


def test_gradients_of_first_and_second_order(case):
    layer, given = case
    given = tuple(a.clone().requires_grad_() for a in given)
    parameters = dict(layer.named_parameters())

    def call(*values):
        own = dict(zip(parameters, values[len(given) :], strict=True))
        return torch.func.functional_call(layer, own, values[: len(given)])

    arguments = (*given, *(p.detach().clone().requires_grad_() for p in parameters.values()))
    assert torch.autograd.gradcheck(call, arguments, fast_mode=True)
    assert torch.autograd.gradgradcheck(call, arguments, fast_mode=True)


@pytest.mark.parametrize(
    ("name", "dynamic"),
    [*((name, True) for name in LAYERS), *((name, False) for name in ("derivatives", "convolution on a cross", "kan"))],
)
def test_compiles_without_a_break(name, dynamic):
    layer, given = LAYERS[name]
    layer.zero_grad()
    torch._dynamo.reset()
    # What an operator adds to its convolutions is PyTorch's own; generating code for that takes a minute.
    backend = "aot_eager" if name.startswith("operator") else "inductor"
    compiled = torch.compile(layer, fullgraph=True, dynamic=dynamic, backend=backend)
    wider = tuple(torch.cat([a, a]) if a.shape[0] != 6 or len(given) == 1 else a for a in given)
    for arguments in (given, wider) if dynamic else (given,):
        result, expected = compiled(*arguments), layer(*arguments)
        torch.testing.assert_close(result, expected, rtol=1e-10, atol=1e-10)
        parameters = [p for p in layer.parameters() if p.requires_grad]
        if parameters:
            ours, wanted = (
                torch.autograd.grad(r.square().sum(), parameters, allow_unused=True) for r in (result, expected)
            )
            for a, b in zip(ours, wanted, strict=True):
                assert (a is None) == (b is None)
                if a is not None:
                    torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)
            assert_gradient(ours, lambda own=arguments: layer(*own).square().sum(), parameters, rtol=1e-6)


def test_copies_pickles_and_states(case):
    layer, given = case
    expected = layer(*given)
    assert torch.equal(copy.deepcopy(layer)(*given), expected)
    assert torch.equal(pickle.loads(pickle.dumps(layer))(*given), expected)
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    file.seek(0)
    other = copy.deepcopy(layer)
    for parameter in other.parameters():
        torch.nn.init.zeros_(parameter)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(other(*given), expected)


def test_modes(case):
    layer, given = case
    tangents = tuple(torch.randn_like(a) for a in given)
    value, slope = torch.func.jvp(lambda *a: layer(*a), given, tangents)
    step = 1e-6
    ahead, behind = (layer(*(a + s * t for a, t in zip(given, tangents, strict=True))) for s in (step, -step))
    torch.testing.assert_close(
        slope, (ahead - behind) / (2 * step), rtol=1e-4, atol=1e-5 * float(value.detach().abs().max())
    )
    batched = tuple(torch.stack([a, a + 0.01]) for a in given)
    mapped = torch.func.vmap(lambda *a: layer(*a))(*batched)
    each = torch.stack([layer(*(a[i] for a in batched)) for i in range(2)])
    torch.testing.assert_close(mapped, each, rtol=1e-10, atol=1e-10)


def test_function_transforms(case):
    """vjp, grad, jacrev, jacfwd and hessian of a layer, along two directions of its input, against differences."""
    layer, (x, *rest) = case
    ways = torch.stack([x, torch.randn_like(x)])

    def along(s):
        return layer(torch.tensordot(s, ways, 1), *rest).flatten()

    def total(s):
        return along(s).square().sum()

    s, step = torch.tensor([0.7, 0.3], dtype=torch.float64), 1e-4
    shifts = step * torch.eye(2, dtype=torch.float64)
    slopes = torch.stack([(along(s + e) - along(s - e)) / (2 * step) for e in shifts], -1).detach()
    size = float(slopes.abs().max())
    for jacobian in (torch.func.jacrev, torch.func.jacfwd):
        torch.testing.assert_close(jacobian(along)(s).detach(), slopes, rtol=1e-4, atol=1e-5 * size)
    value, pull = torch.func.vjp(along, s)
    torch.testing.assert_close(pull(value)[0].detach(), slopes.mT @ value.detach(), rtol=1e-4, atol=1e-5 * size)
    torch.testing.assert_close(
        torch.func.grad(total)(s).detach(), 2 * slopes.mT @ value.detach(), rtol=1e-4, atol=1e-5 * size
    )
    bent = torch.stack(
        [(torch.func.grad(total)(s + e) - torch.func.grad(total)(s - e)) / (2 * step) for e in shifts]
    ).detach()
    found = torch.func.hessian(total)(s).detach()
    torch.testing.assert_close(found, bent, rtol=1e-4, atol=1e-5 * float(bent.abs().max()))


def test_half_precision_and_autocast(case):
    layer, given = case
    single = copy.deepcopy(layer).float()
    small = tuple(a.float() for a in given)
    expected = single(*small)
    with torch.autocast("cpu", torch.bfloat16):
        result = single(*small)
    assert result.isfinite().all() and (result.float() - expected).norm() <= 0.05 * expected.norm()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_in_and_out(case, dtype):
    layer, given = case
    half, single = copy.deepcopy(layer).to(dtype), copy.deepcopy(layer).to(dtype).float()
    small = tuple(a.to(dtype) for a in given)
    result, expected = half(*small), single(*(a.float() for a in small))
    assert result.dtype is dtype
    assert (result.float() - expected).norm() <= 0.02 * expected.norm()
    parameters = [p for p in half.parameters() if p.requires_grad]
    if parameters:
        slopes = torch.autograd.grad(result.float().square().sum(), parameters, allow_unused=True)
        wanted = torch.autograd.grad(expected.square().sum(), list(single.parameters()), allow_unused=True)
        for found, slope, parameter in zip(slopes, wanted, parameters, strict=True):
            assert (found is None) == (slope is None)
            if found is not None:
                assert found.dtype is parameter.dtype and (found.float() - slope).norm() <= 0.1 * slope.norm() + 2e-3


def test_an_operator_on_several_grids_is_one_operator():
    torch.manual_seed(1)
    space = sf.Space(sf.Hermite(degree=12))
    model = sf.nn.SpectralOperator(space, 1, 1, width=6, layers=2).double()
    fields = []
    for count in (60, 90):
        x = space.grid(count)[0]
        fields.append(space.fit(model(torch.exp(-(x**2)).reshape(1, 1, -1)), x))
    torch.testing.assert_close(fields[0], fields[1], rtol=0.05, atol=0.05 * float(fields[1].detach().abs().max()))


def test_an_operator_learns_a_derivative():
    torch.manual_seed(0)
    space = sf.Space(sf.Hermite(degree=10))
    model = sf.nn.SpectralOperator(space, 1, 1, width=12, layers=2, coupling=1)
    coef = torch.randn(40, 1, 9) * 0.7 ** torch.arange(9)
    padded = torch.nn.functional.pad(coef, (0, 2))
    x, y = space.synthesize_grid(padded, 24), space.synthesize_grid(padded, 24, derivative=1)
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    error = lambda: (model(x) - y).square().sum() / y.square().sum()  # noqa: E731
    before = float(error().detach())
    for _ in range(150):
        optimiser.zero_grad()
        loss = error()
        loss.backward()
        optimiser.step()
    assert float(error().detach()) < 0.02 < 0.5 < before


def test_weights_of_another_space_are_refused():
    layer = sf.nn.SpectralConv(LINE, 1, 1)
    other = sf.nn.SpectralConv(sf.Space(sf.Legendre(degree=7)), 1, 1)
    with pytest.raises(ValueError, match="another space"):
        layer.load_state_dict(other.state_dict(), strict=False)


def test_what_is_learned():
    layer = sf.nn.Synthesis(PLANE, scale=torch.tensor([2.0, 0.5, 1.0]), shift=0.1, learn_scale=True)
    layer(torch.randn(PLANE.size), torch.rand(4, 3) + 0.2).sum().backward()
    assert layer.log_scale.grad[:2].abs().min() > 0 and layer.log_scale.grad[2] == 0
    assert layer.learned_shift.grad[0] != 0 and (layer.learned_shift.grad[1:] == 0).all()
    assert not list(sf.nn.Synthesis(PLANE).parameters())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sf.nn.Synthesis("space"), "space='space'"),
        (lambda: sf.nn.Synthesis(LINE, scale=-1.0), "scale=-1.0"),
        (lambda: sf.nn.Synthesis(BOX, learn_scale=True), "learn_scale=True"),
        (lambda: sf.nn.SpectralConv(LINE, 0, 1), "in_channels=0"),
        (lambda: sf.nn.SpectralConv(LINE, 1, 1, coupling=-1), "coupling=-1"),
        (lambda: sf.nn.SpectralConv(LINE, 1, 1)(torch.zeros(2, 3, 9)), r"x has shape \(2, 3, 9\); \(B, 1, n_1\)"),
        (lambda: sf.nn.SpectralConv(LINE, 1, 1)(torch.zeros(2, 1, 7)), r"sizes=\(7,\)"),
        (lambda: sf.nn.KroneckerSumLinear(PLANE, 0), "in_channels=0"),
        (lambda: sf.nn.KroneckerSumLinear(PLANE, 1, 2.5), "out_channels=2.5"),
        (
            lambda: sf.nn.KroneckerSumLinear(LINE, 2)(torch.zeros(3, 1, 8)),
            r"coef has shape \(3, 1, 8\); \(\.\.\., 2, 8\)",
        ),
        (lambda: sf.nn.SpectralOperator(LINE, 1, 1, width=0), "width=0"),
        (lambda: sf.nn.SpectralOperator(LINE, 1, 1)(torch.zeros(2, 2, 9)), r"\(B, 1, n_1\) is expected"),
        (lambda: sf.nn.PolynomialKAN(2, 2, "chebyshev"), "family='chebyshev'"),
        (lambda: sf.nn.PolynomialKAN(2, 2, degree=-1), "degree=-1"),
        (lambda: sf.nn.PolynomialKAN(2, 2)(torch.zeros(3)), r"x has shape \(3,\)"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_a_neighbour_beyond_the_set_is_nothing():
    indices = BOX.indices.tolist()
    places = sf.nn.SpectralConv(BOX, 1, 1, coupling=2).places
    for i, j in itertools.product(range(BOX.size), range(8)):
        axis, step = j // 4, (-1, 1, -2, 2)[j % 4]
        other = [n + step * (d == axis) for d, n in enumerate(indices[i])]
        assert places[i, j] == (indices.index(other) if other in indices else BOX.size)
    assert np.array_equal(places.shape, (BOX.size, 8))
