"""Space in one and several dimensions: identities, finite differences, kinds of arrays, errors."""

import pickle

import numpy as np
import pytest
import torch

import specfast as sf

D = torch.float64
ONE_AXIS = [
    sf.Hermite(degree=12),
    sf.Laguerre(0.5, degree=12),
    sf.Laguerre(degree=12, sign=-1),
    sf.Chebyshev(0, 3, degree=12),
    sf.Legendre(-2, 5, degree=12),
    sf.Fourier(-2, 5, degree=6),
    sf.Rational(degree=6),
    sf.RationalHalfLine(degree=12),
]


def chosen(family):
    return {} if family.bounded else {"scale": 1.7, "shift": 0.3}


@pytest.mark.parametrize("family", ONE_AXIS, ids=str)
def test_one_axis_identities(family):
    space, basis = sf.Space(family), chosen(family)
    assert pickle.loads(pickle.dumps(space)) == space == sf.Space.from_dict(space.to_dict())
    points, weights = space.quadrature(**basis)
    coef = torch.randn(3, space.size, dtype=D)
    values = space.synthesize(coef, points, **basis)
    torch.testing.assert_close(space.project(values, **basis), coef)
    torch.testing.assert_close(space.fit(values, points, **basis), coef)
    torch.testing.assert_close((weights * values**2).sum(-1).sqrt(), space.norm(coef))
    torch.testing.assert_close((space.adjoint(values, points, **basis) * coef).sum(-1), (values * values).sum(-1))
    torch.testing.assert_close(space.synthesize(coef + 2j * coef, points, **basis), values * (1 + 2j))


@pytest.mark.parametrize("family", ONE_AXIS, ids=str)
def test_one_axis_derivatives(family):
    space, basis, step = sf.Space(family), chosen(family), 1e-5
    coef = torch.randn(3, space.size, dtype=D)
    coef[:, -2:] = 0  # d/dx stays in the space
    points = space.nodes(**basis)[3:7]
    above = space.synthesize(coef, points + step, **basis)
    below = space.synthesize(coef, points - step, **basis)
    value, slope = space.value_and_gradient(coef, points, **basis)
    torch.testing.assert_close(slope, (above - below) / (2 * step), atol=1e-6, rtol=1e-6)
    scale = {} if family.bounded else {"scale": 1.7}
    torch.testing.assert_close(space.synthesize(space.differentiate(coef, **scale), points, **basis), slope)
    torch.testing.assert_close(value, space.synthesize(coef, points, **basis))


def test_gradients_of_scale_and_shift():
    space = sf.Space(sf.Laguerre(0.5, degree=5))
    arguments = (
        torch.randn(2, 6, dtype=D, requires_grad=True),
        torch.rand(4, dtype=D, requires_grad=True),
        torch.tensor([0.8, 1.9], dtype=D, requires_grad=True),
    )
    assert torch.autograd.gradcheck(lambda c, x, b: space.synthesize(c, x + 1, scale=b, derivative=1), arguments)
    line = sf.Space(sf.Hermite(degree=5))
    assert torch.autograd.gradcheck(lambda c, x, b: line.synthesize(c, x, scale=b, shift=b), arguments)


def test_three_axes_of_different_families():
    space = sf.Space([sf.Hermite(), sf.Chebyshev(0, 1), sf.Laguerre()], sf.TensorProduct((3, 2, 2)))
    scale, shift = torch.tensor([1.3, 1.0, 2.0], dtype=D), torch.tensor([0.2, 0.0, 1.0], dtype=D)
    coef = torch.randn(2, space.size, dtype=D)
    points = space.nodes(scale=scale, shift=shift)
    values, gradient = space.value_and_gradient(coef, points, scale=scale, shift=shift)
    torch.testing.assert_close(space.project(values, scale=scale, shift=shift), coef)
    ahead = points[5:7] + torch.tensor([0.0, 0.0, 1e-6], dtype=D)
    numerical = (space.synthesize(coef, ahead, scale=scale, shift=shift) - values[:, 5:7]) / 1e-6
    torch.testing.assert_close(gradient[:, 5:7, 2], numerical, atol=1e-4, rtol=1e-4)


def test_hyperbolic_cross_against_the_naive_sum():
    space = sf.Space([sf.Hermite()] * 3, sf.HyperbolicCross(6, gamma=-1.0))
    coef, points = torch.randn(space.size, dtype=D), torch.randn(11, 3, dtype=D)
    tables = [torch.ops.specfast.vandermonde(points[:, d].contiguous(), 7, "hermite", 0) for d in range(3)]
    naive = sum(
        c * tables[0][:, i] * tables[1][:, j] * tables[2][:, k]
        for c, (i, j, k) in zip(coef, space.indices.tolist(), strict=True)
    )
    torch.testing.assert_close(space.synthesize(coef, points), naive)
    assert space.fit(naive, points, ridge=1e-3).shape == coef.shape


def test_namespaces_and_dtypes():
    space = sf.Space(sf.Hermite(degree=4))
    coef, points = np.ones(5), np.linspace(-1, 1, 3)
    result = space.synthesize(coef, points)
    assert isinstance(result, np.ndarray) and result.dtype == np.float64
    half = space.synthesize(torch.ones(5, dtype=torch.bfloat16), torch.zeros(2, dtype=torch.bfloat16))
    assert half.dtype == torch.bfloat16
    assert space.synthesize(torch.ones(5), torch.zeros(2, dtype=D)).dtype == D
    with pytest.raises(TypeError, match="different namespaces"):
        space.synthesize(coef, torch.zeros(3))


def test_errors_name_argument_value_and_what_is_accepted():
    space = sf.Space(sf.Hermite(degree=4))
    for call, match in (
        (lambda: sf.Hermite(degree=-1), "degree=-1"),
        (lambda: sf.Laguerre(-1.0), r"alpha=-1\.0"),
        (lambda: sf.Chebyshev(2, 1), "a=2, b=1"),
        (lambda: sf.Space(sf.Hermite()), "index_set=None"),
        (lambda: sf.Space([sf.Hermite()] * 2), "index_set=None"),
        (lambda: space.synthesize(np.ones(4), np.zeros(3)), r"coef has shape \(4,\)"),
        (lambda: space.synthesize(np.ones(5), np.zeros(3), scale=-1.0), r"scale=-1\.0"),
        (lambda: space.synthesize(np.ones(5), np.zeros(3), scale=np.nan), "scale=nan"),
        (lambda: space.fit(np.ones(3), np.zeros(3)), "ridge=0"),
        (lambda: sf.Space(sf.Chebyshev(degree=4)).synthesize(np.ones(5), np.array([0.0, 1.5])), r"points=1\.5"),
        (lambda: sf.Space(sf.Laguerre(degree=4)).synthesize(np.ones(5), np.array([-0.5])), r"points=-0\.5"),
        (lambda: sf.Space(sf.Chebyshev(degree=4)).synthesize(np.ones(5), np.zeros(1), scale=2.0), "bounded"),
        (lambda: space.synthesize(np.ones(5), np.zeros(3), derivative=-1), "derivative=-1: 1 orders"),
    ):
        with pytest.raises(ValueError, match=match):
            call()


def test_change_of_basis_is_the_exact_projection():
    for family in (sf.Hermite(degree=30), sf.Laguerre(0.5, degree=30)):
        space = sf.Space(family)
        start = torch.zeros(31, dtype=D)
        start[:4] = torch.tensor([1.0, -0.5, 0.25, 0.1])
        shift = 0.4 if isinstance(family, sf.Laguerre) else 0.5
        converted = space.change_basis(start, 1.3, 0.4, 1.1, shift)
        points = torch.linspace(0.5, 4, 9, dtype=D)
        torch.testing.assert_close(
            space.synthesize(converted, points, scale=1.1, shift=shift),
            space.synthesize(start, points, scale=1.3, shift=0.4),
            atol=1e-9,
            rtol=1e-9,
        )
        # Against the inner products by a rule so fine that it is exact whatever its scale.
        fine = sf.Space(family.with_degree(200))
        x, w = fine.quadrature(scale=1.25, shift=0.4)
        by_hand = space.adjoint(w * space.synthesize(start, x, scale=1.3, shift=0.4), x, scale=1.1, shift=shift)
        torch.testing.assert_close(converted, by_hand, atol=1e-11, rtol=0)


def test_a_scale_of_its_own_for_every_row_with_shared_points():
    line, plane = sf.Space(sf.Hermite(degree=4)), sf.Space([sf.Hermite()] * 2, sf.TotalDegree(3))
    scale, x = torch.linspace(0.5, 1.5, 5, dtype=D), torch.linspace(-2, 2, 9, dtype=D)
    coef = torch.randn(5, 5, dtype=D)
    assert line.vandermonde(x, scale=scale).shape == (5, 9, 5)
    torch.testing.assert_close(line.fit(line.synthesize(coef, x, scale=scale), x, scale=scale), coef)
    scales, points = torch.rand(4, 2, dtype=D) + 0.5, torch.randn(30, 2, dtype=D)
    coef = torch.randn(4, plane.size, dtype=D)
    torch.testing.assert_close(plane.fit(plane.synthesize(coef, points, scale=scales), points, scale=scales), coef)


def test_integers_are_numbers():
    space = sf.Space(sf.Chebyshev(degree=4))
    whole = np.arange(5)
    for method in (space.project, space.differentiate, space.norm):
        np.testing.assert_allclose(method(whole), method(whole.astype(float)))
    assert space.inner([1, 0, 0, 0, 0], [1, 0, 0, 0, 0]) == pytest.approx(np.pi)


@pytest.mark.parametrize("dtype", [torch.float32, D])
def test_an_interval_holds_its_own_ends(dtype):
    generator = np.random.default_rng(0)
    for a, width in zip(generator.uniform(-10, 1000, 50).round(2), generator.uniform(0.1, 3, 50).round(2), strict=True):
        space = sf.Space(sf.Chebyshev(a, a + width, degree=3))
        ends = torch.tensor([a, a + width], dtype=D).to(dtype).requires_grad_()
        values = space.synthesize(torch.ones(4, dtype=D), ends)
        torch.testing.assert_close(values, torch.tensor([0.0, 4.0], dtype=D), atol=0.05 if dtype != D else 1e-9, rtol=0)
        values.sum().backward()
        assert (ends.grad.abs() > 1 / width).all()


def test_no_points_in_several_dimensions():
    plane = sf.Space([sf.Hermite()] * 2, sf.TotalDegree(3))
    none = torch.zeros(0, 2, dtype=D)
    assert plane.synthesize(torch.ones(3, plane.size, dtype=D), none).shape == (3, 0)
    assert torch.equal(plane.adjoint(torch.zeros(3, 0, dtype=D), none), torch.zeros(3, plane.size, dtype=D))
    assert plane.synthesize(torch.ones(0, plane.size, dtype=D), torch.zeros(5, 2, dtype=D)).shape == (0, 5)


def test_shapes_that_do_not_fit_are_named():
    line, plane = sf.Space(sf.Hermite(degree=4)), sf.Space([sf.Hermite()] * 2, sf.TotalDegree(3))
    x = torch.zeros(6, dtype=D)
    for call, match in (
        (lambda: line.synthesize(torch.zeros(5, 5), x, scale=torch.ones(2)), "do not broadcast: coef"),
        (lambda: line.synthesize(torch.zeros(5, 5), torch.zeros(3, 6)), "do not broadcast"),
        (lambda: plane.nodes(scale=torch.ones(3)), r"scale has shape \(3,\)"),
        (lambda: line.fit(x, x + torch.arange(6), weights=-torch.ones(6)), "weights=-1"),
        (lambda: line.fit(x, x), "do not determine"),
        (lambda: line.fit(x, x, weights=torch.ones(5)), "weights has shape"),
        (lambda: line.synthesize(torch.zeros(5), x, derivative=[]), "at least one order"),
    ):
        with pytest.raises(ValueError, match=match):
            call()


def test_a_ridge_for_each_coefficient():
    space, x = sf.Space(sf.Legendre(-1, 1, degree=5)), torch.linspace(-1, 1, 9, dtype=D)
    values, ridge = torch.randn(3, 9, dtype=D), torch.tensor([0.0, 1e-3, 0.5, 1.0, 1e6, 2.0], dtype=D)
    table = space.vandermonde(x)
    expected = torch.linalg.solve(table.T @ table + ridge.diag(), table.T @ values.T).T
    torch.testing.assert_close(space.fit(values, x, ridge=ridge), expected, rtol=1e-9, atol=1e-12)
    found = space.fit(values.numpy(), x.numpy(), ridge=ridge.numpy())
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    assert torch.equal(space.fit(values, x, ridge=torch.zeros(6)), space.fit(values, x))
    with pytest.raises(ValueError, match=r"ridge has shape \(4,\)"):
        space.fit(values, x, ridge=torch.ones(4))
    with pytest.raises(ValueError, match="ridge=-1"):
        space.fit(values, x, ridge=-torch.ones(6))
