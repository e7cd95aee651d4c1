"""Products of fields and functions of them: against quadrature that shares nothing with ours, closed forms, identities."""

import math

import mpmath
import numpy as np
import pytest
import torch
from scipy import special

import specfast as sf
from specfast.space.boxes import boxes_for_products

D = torch.float64
FAMILIES = [
    sf.Hermite(),
    sf.Laguerre(),
    sf.Laguerre(0.5, sign=-1),
    sf.Laguerre(-0.5),
    sf.Chebyshev(0, 3),
    sf.Legendre(-2, 5),
]
MIXED = [sf.Hermite(), sf.Chebyshev(0, 3), sf.Laguerre(0.5, sign=-1)]
SETS = [
    sf.TensorProduct((4, 3, 2)),
    sf.TotalDegree(5),
    sf.HyperbolicCross(8, gamma=0.0),
    sf.HyperbolicCross(8, gamma=0.5),
    sf.Indices([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [2, 0, 0], [1, 1, 0], [0, 0, 2], [0, 0, 3]]),
]


def integrals(family, degree):
    """Return the integrals of phi_j phi_k phi_n / h_n, (N + 1,) * 3, by functions and rules of SciPy and NumPy."""
    n = np.arange(degree + 1)[:, None]
    if isinstance(family, sf.Hermite):
        z = np.linspace(-16, 16, 4001)  # sums with equal steps converge faster than any power
        log = -0.5 * (n * math.log(2) + special.gammaln(n + 1) + 0.5 * math.log(math.pi))
        values, weights = special.eval_hermite(n, z) * np.exp(log - z**2 / 2), np.full(z.shape, z[1] - z[0])
    elif isinstance(family, sf.Laguerre):
        z, weights = special.roots_genlaguerre(2 * degree + 2, family.alpha)
        weights, z = weights * (2 / 3) ** (family.alpha + 1), 2 * z / 3
        log = 0.5 * (special.gammaln(n + 1) - special.gammaln(n + family.alpha + 1))
        values = special.eval_genlaguerre(n, family.alpha, z) * np.exp(log)  # the weight is exp(-3 z / 2)
    elif isinstance(family, sf.Legendre):
        z, weights = np.polynomial.legendre.leggauss(2 * degree + 2)
        values = special.eval_legendre(n, z) * np.sqrt(n + 0.5)
    else:
        angle = (np.arange(2 * degree + 2) + 0.5) * math.pi / (2 * degree + 2)
        values, weights = np.cos(n * angle), np.full(angle.shape, 1 / len(angle))
        values = values * np.where(n == 0, 1, 1.0)
        return np.einsum("q,jq,kq,nq->jkn", weights, values, values, values) * np.where(n.T == 0, 1, 2)
    return np.einsum("q,jq,kq,nq->jkn", weights, values, values, values)


def by_hand(space, c, d, scale=None):
    """Return the coefficients of the product as the sum over all pairs of members."""
    product = np.ones((space.size,) * 3)
    for axis, family in enumerate(space.families):
        own = space.indices[:, axis].astype(int)
        beta = float(scale[axis]) if scale is not None and not family.bounded else family.standard_scale_shift()[0]
        product *= integrals(family, own.max())[np.ix_(own, own, own)] * beta**family.power
    return torch.einsum("...j,...k,jkn->...n", c, d, torch.from_numpy(product).to(c.dtype))


def basis(family):
    return {} if family.bounded else {"scale": 1.7}


@pytest.mark.parametrize("degree", [0, 1, 2, 7, 24])
@pytest.mark.parametrize("family", FAMILIES, ids=repr)
def test_products_on_one_axis(family, degree):
    space = sf.Space(family.with_degree(degree))
    c, d = torch.randn(2, 3, space.size, dtype=D)
    expected = by_hand(space, c, d, [1.7])
    torch.testing.assert_close(space.multiply(c, d, **basis(family)), expected, rtol=1e-11, atol=1e-12)
    both = torch.complex(c, d)
    expected = by_hand(space, both, d.to(both.dtype), [1.7])
    torch.testing.assert_close(space.multiply(both, d, **basis(family)), expected, rtol=1e-11, atol=1e-12)
    single = space.multiply(c.float(), d.float(), **basis(family))
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), by_hand(space, c, d, [1.7]), rtol=1e-4, atol=1e-4)
    array = space.multiply(c.numpy(), d.numpy(), **basis(family))
    assert isinstance(array, np.ndarray)
    np.testing.assert_allclose(array, by_hand(space, c, d, [1.7]), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 3.0])
def test_integrals_against_mpmath(alpha):
    space, scale = sf.Space(sf.Laguerre(alpha, degree=6)), 0.6

    def phi(n, x):
        z = scale * x
        size = mpmath.sqrt(mpmath.factorial(n) / mpmath.gamma(n + alpha + 1)) * mpmath.mpf(scale) ** ((alpha + 1) / 2)
        return size * mpmath.laguerre(n, alpha, z) * mpmath.exp(-z / 2)

    unit = torch.eye(7, dtype=D)
    for j, k in ((2, 6), (5, 5), (0, 3)):
        found = space.multiply(unit[j], unit[k], scale=scale)
        for n in (0, 4, 6):
            exact = mpmath.quad(lambda x: x**alpha * phi(j, x) * phi(k, x) * phi(n, x), [0, 2, 10, 40, 200])  # noqa: B023
            assert abs(float(exact) - float(found[n])) < 1e-11


@pytest.mark.parametrize("index_set", SETS, ids=str)
def test_products_on_several_axes(index_set):
    space = sf.Space(MIXED, index_set)
    scale = torch.tensor([1.3, 1.0, 0.7], dtype=D)
    c, d = torch.randn(2, 1, space.size, dtype=D), torch.randn(3, space.size, dtype=D)
    expected = by_hand(space, c, d, scale)
    assert expected.shape == (2, 3, space.size)
    torch.testing.assert_close(space.multiply(c, d, scale=scale), expected, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("family", FAMILIES, ids=repr)
@pytest.mark.parametrize("dim", [2, 3])
def test_products_on_crosses_of_one_family(family, dim):
    space = sf.Space([family] * dim, sf.HyperbolicCross({2: 24, 3: 12}[dim]))
    c, d = torch.randn(2, space.size, dtype=D)
    expected = by_hand(space, c, d, [0.8] * dim)
    scale = {} if family.bounded else {"scale": 0.8}
    torch.testing.assert_close(space.multiply(c, d, **scale), expected, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("degree", [5, 300, 2000])
def test_products_of_chebyshev_polynomials(degree):
    c, d = np.random.default_rng(0).normal(size=(2, degree + 1))
    expected = np.polynomial.chebyshev.chebmul(c, d)[: degree + 1]  # T_j T_k = (T_{j+k} + T_{|j-k|}) / 2
    found = sf.Space(sf.Chebyshev(1, 4, degree=degree)).multiply(c, d)
    assert np.linalg.norm(found - expected) < (1e-13 + 3e-15 * degree) * np.linalg.norm(expected)


@pytest.mark.parametrize("degree", [40, 2000])
def test_squares_of_gaussians(degree):
    # exp(-x^2/2) is pi^(1/4) phi_0; its square at scale 1 has known coefficients: exp(-z^2) = sum a_m phi_2m.
    space = sf.Space(sf.Hermite(degree=degree))
    first = torch.zeros(space.size, dtype=D)
    first[0] = math.pi**0.25
    found = space.multiply(first, first)
    m = np.arange(degree // 2 + 1)
    log = 0.5 * special.gammaln(2 * m + 1) - special.gammaln(m + 1) - m * math.log(2)
    # The integral of exp(-3 z^2 / 2) H_2m: sqrt(2 pi / 3) (2m)! / m! (-1/3)^m.
    exact = math.sqrt(2 * math.pi / 3) * math.pi**-0.25 * np.exp(log) * (-1.0 / 3) ** m
    np.testing.assert_allclose(found[::2].numpy(), exact, atol=1e-13)
    assert found[1::2].abs().max() < 1e-13 if degree else True


@pytest.mark.parametrize("index_set", SETS, ids=str)
def test_one_is_neutral_on_intervals(index_set):
    space = sf.Space([sf.Legendre(0, 3), sf.Chebyshev(), sf.Legendre()], index_set)
    one, coef = torch.zeros(space.size, dtype=D), torch.randn(2, space.size, dtype=D)
    one[0] = math.sqrt(6.0)  # 1 is sqrt(3) and sqrt(2) times the first Legendre functions
    torch.testing.assert_close(space.multiply(one, coef), coef)


# ---------------------------------------------------------------------------------------------------------- large crosses


@pytest.mark.parametrize("family", [sf.Legendre(), sf.Chebyshev(), sf.Hermite(), sf.Laguerre(0.5)], ids=repr)
@pytest.mark.parametrize(
    ("dim", "degree", "gamma"), [(2, 150, 0.0), (2, 40, -1.0), (2, 64, 0.5), (3, 16, 0.0), (4, 8, 0.0), (4, 24, 0.5)]
)
def test_boxes_add_up_to_the_whole(family, dim, degree, gamma):
    space = sf.Space([family] * dim, sf.HyperbolicCross(degree, gamma))
    c, d, e = torch.randn(3, space.size, dtype=D)
    boxes = boxes_for_products(space.key, 1e-13, True)
    found, whole = (space._products(c, d, which) for which in (boxes, None))
    assert (found - whole).norm() < 1e-12 * whole.norm()
    other = space._products(d, e, boxes)
    torch.testing.assert_close(space.inner(found, e), space.inner(c, other))


def test_a_large_cross_is_multiplied_on_boxes():
    space = sf.Space([sf.Legendre()] * 4, sf.HyperbolicCross(64))
    boxes = boxes_for_products(space.key, 1e-13)
    assert len(boxes) > 1 and sum(math.prod(1.5 * n + 2 for n in box.degrees) for box in boxes) < 1e7
    c, d, e = torch.randn(3, space.size, dtype=D)
    torch.testing.assert_close(space.inner(space.multiply(c, d), e), space.inner(c, space.multiply(d, e)))
    # Against values: fields of few of the functions, whose product lies in the space.
    small = torch.from_numpy(space.indices.sum(1) <= 2)
    c, d = c * small, d * small
    points = 2 * torch.rand(20, 4, dtype=D) - 1
    inside = (space.indices.sum(1) <= 4).all() or space.index_set.contains(sf.TotalDegree(4).indices(4)).all()
    assert inside
    values = space.synthesize(c, points) * space.synthesize(d, points)
    torch.testing.assert_close(space.synthesize(space.multiply(c, d), points), values)


def test_axes_that_differ():
    space = sf.Space([sf.Hermite(), sf.Legendre(), sf.Laguerre()], sf.HyperbolicCross(20, weights=(1, 2, 4)))
    c, d = torch.randn(2, space.size, dtype=D)
    found = space._products(c, d, boxes_for_products(space.key, 1e-13, True))
    torch.testing.assert_close(found, by_hand(space, c, d, [1, 1, 1]), rtol=1e-9, atol=1e-11)


def test_tolerance_bounds_what_is_left_out():
    space = sf.Space([sf.Hermite()] * 2, sf.HyperbolicCross(256))
    c, d = torch.randn(2, space.size, dtype=D)
    whole = space._products(c, d, None)
    errors = [
        float((space._products(c, d, boxes_for_products(space.key, tolerance, True)) - whole).norm() / whole.norm())
        for tolerance in (1e-3, 1e-6, 1e-13)
    ]
    assert errors[0] < 0.1 and errors[1] < 1e-4 and errors[2] < 1e-12


# ------------------------------------------------------------------------------------------------------------ derivatives


@pytest.mark.parametrize("family", [sf.Hermite(), sf.Laguerre(0.5), sf.Chebyshev()], ids=repr)
def test_gradients_on_one_axis(family):
    space = sf.Space(family.with_degree(4))
    c, d = torch.randn(2, 2, space.size, dtype=D).requires_grad_().unbind()
    given = (c, d) if family.bounded else (c, d, torch.tensor([0.9, 1.4], dtype=D, requires_grad=True))

    def product(c, d, scale=1):
        return space.multiply(c, d, scale=scale)

    def function(c, d, scale=1):
        return space.apply(lambda u, v: torch.sin(u) * v, c, d, scale=scale)

    for call in (product, function):
        assert torch.autograd.gradcheck(call, given, check_forward_ad=True)
        assert torch.autograd.gradgradcheck(call, given)


def test_gradients_on_boxes():
    space = sf.Space([sf.Legendre(), sf.Chebyshev()], sf.HyperbolicCross(8))
    boxes = boxes_for_products(space.key, 1e-13, True)
    assert len(boxes) > 1
    c, d = torch.randn(2, space.size, dtype=D).requires_grad_().unbind()
    assert torch.autograd.gradcheck(lambda c, d: space._products(c, d, boxes), (c, d), check_forward_ad=True)
    assert torch.autograd.gradgradcheck(lambda c, d: space._products(c, d, boxes), (c, d))
    assert torch.autograd.gradcheck(lambda c: space.apply(torch.exp, c, sparse=True), (c,))


@pytest.mark.parametrize("sparse", [False, True])
def test_vmap(sparse):
    space = sf.Space([sf.Legendre()] * 2, sf.HyperbolicCross(8))
    c, d = torch.randn(2, 5, space.size, dtype=D)

    def product(c, d):
        boxes = boxes_for_products(space.key, 1e-13, True) if sparse else None
        return space._products(c, d, boxes) + space.apply(torch.sin, c, sparse=sparse)

    torch.testing.assert_close(torch.vmap(product)(c, d), product(c, d))
    torch.testing.assert_close(torch.vmap(product, (0, None))(c, d[0]), product(c, d[0]))


@pytest.mark.parametrize("sparse", [False, True])
def test_compiled(sparse):
    space = sf.Space([sf.Legendre()] * 2, sf.HyperbolicCross(8))
    c, d = torch.randn(2, 5, space.size, dtype=D)

    def product(c, d):
        return space.multiply(c, d) + space.apply(torch.sin, c, sparse=sparse)

    torch.testing.assert_close(torch.compile(product, backend="aot_eager", fullgraph=True)(c, d), product(c, d))


def test_empty_batches_and_single_functions():
    space = sf.Space([sf.Hermite()] * 2, sf.HyperbolicCross(4))
    none = torch.zeros(0, 3, space.size, dtype=D)
    assert space.multiply(none, none[0:0, :1]).shape == (0, 3, space.size)
    assert space.apply(torch.sin, none, sparse=True).shape == (0, 3, space.size)
    alone = sf.Space(sf.Legendre(degree=0))
    half = torch.full((1,), math.sqrt(0.5), dtype=D)  # 1/2
    torch.testing.assert_close(alone.multiply(half, half), half / 2)


# ------------------------------------------------------------------------------------------------------------- functions


def test_functions_of_fields():
    space = sf.Space([sf.Chebyshev(), sf.Legendre(0, 1)], sf.TensorProduct(24))
    x, y = space.grid()
    u, v = x[:, None] * y, (x[:, None] - y).cos()
    found = space.apply(lambda u, v: torch.sin(u) * v, space.project_grid(u), space.project_grid(v))
    points = torch.rand(9, 2, dtype=D)
    expected = (points[:, 0] * points[:, 1]).sin() * (points[:, 0] - points[:, 1]).cos()
    torch.testing.assert_close(space.synthesize(found, points), expected)


@pytest.mark.parametrize("family", FAMILIES, ids=repr)
@pytest.mark.parametrize("index_set", [sf.TensorProduct(9), sf.HyperbolicCross(9)], ids=str)
def test_what_is_linear_stays_so_and_scales(family, index_set):
    space = sf.Space([family] * 2, index_set)
    coef = torch.randn(3, space.size, dtype=D)
    for sparse in (False, True):
        found = space.apply(lambda u: -2 * u, coef, oversampling=1, sparse=sparse, **basis(family))
        torch.testing.assert_close(found, -2 * coef)
        product = space.apply(lambda u, v: u * v, coef, coef, oversampling=6, sparse=sparse, **basis(family))
        torch.testing.assert_close(product, space.multiply(coef, coef, **basis(family)), rtol=1e-8, atol=1e-8)


def test_cubes_are_exact_on_intervals():
    space = sf.Space(sf.Chebyshev(degree=30))
    c = np.random.default_rng(1).normal(size=31)
    expected = np.polynomial.chebyshev.chebpow(c, 3)[:31]
    np.testing.assert_allclose(space.apply(lambda u: u**3, c, oversampling=2), expected, rtol=1e-10, atol=1e-10)


def test_functions_take_arrays_of_the_namespace():
    space = sf.Space(sf.Legendre(degree=12))
    coef = np.random.default_rng(2).normal(size=(2, 13)) * 0.5 ** np.arange(13)
    seen = []
    found = space.apply(lambda u: seen.append(type(u)) or np.sin(u), coef)
    assert isinstance(found, np.ndarray) and seen == [np.ndarray]
    np.testing.assert_allclose(found, space.apply(torch.sin, torch.from_numpy(coef)))
    wave = coef + 0.3j * coef[::-1]
    absolute = space.apply(lambda u: np.abs(u) ** 2 * u, wave, oversampling=2)
    again = space.apply(lambda u: u.real**3 + u.real * u.imag**2, wave, oversampling=2)
    assert absolute.dtype == np.complex128 and again.dtype == np.float64
    np.testing.assert_allclose(absolute.real, again, atol=1e-13)
    assert space.apply(torch.sin, torch.ones(13)).dtype == torch.float32


def test_aliasing_shows_when_nodes_are_added():
    space = sf.Space(sf.Chebyshev(degree=10))
    coef = torch.zeros(11, dtype=D)
    coef[10] = 2.0  # 2 T_10: of u^2 = 2 + 2 T_20 only 2 is in the space
    exact = space.multiply(coef, coef)
    torch.testing.assert_close(exact[0], torch.tensor(2.0, dtype=D))
    few, enough, more = (space.apply(torch.square, coef, oversampling=o) for o in (1, 1.5, 3))
    assert (few - exact).abs().max() > 1
    torch.testing.assert_close(enough, exact)
    torch.testing.assert_close(more, exact)


def test_the_energy_of_burgers_is_kept():
    # u_t = -(u u_x + (u^2)_x) / 3: d/dx is antisymmetric in Hermite functions, and products are projections.
    space, scale = sf.Space(sf.Hermite(degree=40)), 1.4
    start = space.project(torch.exp(-(space.nodes(scale=scale) ** 2)), scale=scale)
    coef = start + 0.1 * torch.randn(space.size, dtype=D)  # not resolved: aliasing would count

    def rate(c):
        slope, square = space.differentiate(c, scale=scale), space.multiply(c, c, scale=scale)
        return -(space.multiply(c, slope, scale=scale) + space.differentiate(square, scale=scale)) / 3

    def aliased(c, d, scale):
        nodes = space.nodes(scale=scale)
        values = space.synthesize(c, nodes, scale=scale) * space.synthesize(d, nodes, scale=scale)
        return space.project(values, scale=scale)

    assert abs(float(space.inner(coef, rate(coef)))) < 1e-12
    coef[-1] = 0.0  # then du/dx is in the space, and the integral of u^2 du/dx is 0
    slope = space.differentiate(coef, scale=scale)
    assert abs(float(space.inner(coef, space.multiply(coef, slope, scale=scale)))) < 1e-12
    assert abs(float(space.inner(coef, aliased(coef, slope, scale)))) > 1e-2
    step, moved = 2e-3, start
    for _ in range(50):
        first = rate(moved)
        second = rate(moved + step / 2 * first)
        third = rate(moved + step / 2 * second)
        fourth = rate(moved + step * third)
        moved = moved + step / 6 * (first + 2 * second + 2 * third + fourth)
    assert float((moved - start).norm()) > 0.01
    assert abs(float(space.norm(moved) - space.norm(start))) < 1e-11


# --------------------------------------------------------------------------------------------------------------- refused


def test_what_is_refused():
    space = sf.Space(sf.Hermite(degree=3))
    coef = torch.ones(4, dtype=D)
    with pytest.raises(ValueError, match=r"second has shape \(3,\); \(..., 4\)"):
        space.multiply(coef, coef[:3])
    with pytest.raises(ValueError, match="tolerance=2"):
        space.multiply(coef, coef, tolerance=2)
    with pytest.raises(ValueError, match="scale=-1"):
        space.multiply(coef, coef, scale=-1)
    with pytest.raises(TypeError, match="namespaces"):
        space.multiply(coef, coef.numpy())
    with pytest.raises(ValueError, match="at least one field"):
        space.apply(torch.sin)
    with pytest.raises(ValueError, match=r"coef\[1\] has shape"):
        space.apply(torch.mul, coef, coef[1:])
    with pytest.raises(ValueError, match=r"oversampling=0\.5"):
        space.apply(torch.sin, coef, oversampling=0.5)
    with pytest.raises(ValueError, match="function returned"):
        space.apply(lambda u: u.sum(-1), coef)
    with pytest.raises(TypeError, match="function"):
        space.apply(lambda u: "one", coef)
    large = sf.Space([sf.Hermite()] * 8, sf.HyperbolicCross(64, gamma=0.5))
    with pytest.raises(ValueError, match="GiB"):
        large.multiply(torch.ones(large.size), torch.ones(large.size))
