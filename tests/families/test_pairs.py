"""Families with two functions of a degree: rings, rational functions, two half-lines; in spaces, layers and projections."""

import math

import mpmath as mp
import numpy as np
import pytest
import torch

import specfast as sf
from specfast.index_sets import FunctionsOf, Part

D = torch.float64
PAIRED = [sf.Fourier(-1, 3), sf.Rational(), sf.TwoHalfLines()]
names = pytest.mark.parametrize("family", PAIRED, ids=lambda family: family.name)


def free(family):
    return {} if family.bounded else {"scale": 1.3}


def fine(space, **basis):
    """Return a rule of many more nodes than the space has."""
    return sf.Space(space.families[0].with_degree(400)).quadrature(**basis)


@names
def test_counts(family):
    for degree in (0, 1, 5):
        count = family.function_count(degree)
        degrees = family.function_degrees(count)
        assert degrees[0] == 0 and degrees[-1] == degree and (np.diff(degrees) >= 0).all()
        assert sf.Space(family.with_degree(degree)).size == count
        assert (degrees == degree).sum() == (1 if family.paired == 1 and degree == 0 else 2)


@pytest.mark.parametrize(
    "index_set", [sf.HyperbolicCross(6), sf.TotalDegree(5, [1.0, 2.0]), sf.TensorProduct((3, 4))], ids=str
)
@names
def test_a_degree_brings_all_of_its_functions(family, index_set):
    families = [family, sf.Hermite()]
    space = sf.Space(families, index_set)
    own = [f.function_degrees(40) for f in families]
    wanted = {
        (i, j)
        for n, m in index_set.indices(2).tolist()
        for i in np.flatnonzero(own[0] == n)
        for j in np.flatnonzero(own[1] == m)
    }
    assert set(map(tuple, space.indices.tolist())) == wanted and space.size == len(wanted)
    assert sf.Space.from_dict(space.to_dict()) == space
    listed = sf.Space(families, sf.Indices(index_set.indices(2)))
    assert np.array_equal(listed.indices, space.indices)
    parts = [Part(space.functions, part, 3) for part in range(3)]
    assert sum(part.own_size(2) for part in parts) == space.size
    assert isinstance(space.functions, FunctionsOf) and space.functions.counts_functions


@names
def test_products_are_projections(family):
    space = sf.Space(family.with_degree(6))
    first, second = torch.randn(2, space.size, dtype=D)
    x, w = fine(space, **free(family))
    if family.half is not None:  # exp(-3 |z| / 2)
        x, w = fine(space, scale=1.3 * 1.5)
    values = space.synthesize(first, x, **free(family)) * space.synthesize(second, x, **free(family))
    torch.testing.assert_close(
        space.multiply(first, second, **free(family)), space.adjoint(values * w, x, **free(family))
    )


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (2.0, 0.0), (0.3, 1.5), (1.7, -4.0), (15.0, 0.0)])
def test_change_of_basis_of_rational_functions(scale, shift):
    space = sf.Space(sf.Rational(degree=9))
    coef = torch.randn(2, space.size, dtype=D)
    x, w = sf.Space(sf.Rational(degree=4000)).quadrature()
    exact = space.adjoint(space.synthesize(coef, x) * w, x, scale=scale, shift=shift)
    found = space.change_basis(coef, 1.0, 0.0, scale, shift)
    torch.testing.assert_close(found, exact, rtol=1e-11, atol=1e-11)
    with pytest.raises(ValueError, match="nodes"):
        space.change_basis(coef, 1.0, 0.0, 1e7, 0.0)


def test_change_of_basis_of_two_half_lines_keeps_the_point():
    space = sf.Space(sf.TwoHalfLines(degree=9))
    coef = torch.randn(space.size, dtype=D)
    x, w = sf.Space(sf.TwoHalfLines(degree=40)).quadrature(scale=1.3, shift=0.5)  # (1 + 1.6) / 2: exact
    exact = space.adjoint(space.synthesize(coef, x, shift=0.5) * w, x, scale=1.6, shift=0.5)
    torch.testing.assert_close(space.change_basis(coef, 1.0, 0.5, 1.6, 0.5), exact)
    with pytest.raises(ValueError, match="cannot move"):
        space.change_basis(coef, 1.0, 0.5, 1.6, 0.0)


def test_a_jump_is_no_obstacle_where_half_lines_meet():
    x = torch.linspace(-9, 9, 4000, dtype=D)
    u = torch.where(x < 0.5, -1.0, 1.0) * torch.exp(-(x**2) / 2)
    space = sf.Space(sf.TwoHalfLines(degree=32))
    where = {"scale": 4.0, "shift": 0.5}
    coef = space.fit(u, x, ridge=1e-12, **where)
    assert (space.synthesize(coef, x, **where) - u).norm() < 1e-9 * u.norm()
    slope = space.synthesize(coef, x, derivative=1, **where)  # of each side
    assert (slope + x * u).norm() < 1e-6 * u.norm()


@names
def test_fractional_laplacian_of_power_2_is_the_second_derivative(family):
    if family.half is not None:
        with pytest.raises(ValueError, match="between ends"):
            family.fractional_laplacian(4, 1.0)
        return
    size, wide = family.function_count(5), family.function_count(9)
    second = torch.ops.specfast.vandermonde(torch.from_numpy(sf.gauss(family, wide + 2)[0]), size, family.name, 2)
    z, w = (torch.from_numpy(part) for part in sf.gauss(family, wide + 2))
    functions = torch.ops.specfast.vandermonde(z, size, family.name, 0)
    exact = -(functions.T * w) @ second
    np.testing.assert_allclose(family.fractional_laplacian(size, 2.0), exact, atol=1e-10)


def test_fractional_laplacians_against_their_symbols():
    def hermite(n, k):
        return mp.hermite(n, k) * mp.exp(-k * k / 2) / mp.sqrt(mp.mpf(2) ** n * mp.factorial(n) * mp.sqrt(mp.pi))

    found = sf.Hermite().fractional_laplacian(8, 1.3)
    for m, n in ((0, 0), (2, 4), (1, 3), (5, 5), (7, 1)):  # Fourier transforms are (-i)^n phi_n
        sign = (-1) ** ((m - n) // 2)
        integral = 2 * mp.quad(lambda k, m=m, n=n: k ** mp.mpf("1.3") * hermite(m, k) * hermite(n, k), [0, 1, 3, 14])
        assert float(sign * integral) == pytest.approx(found[m, n], abs=1e-12)
    assert found[0, 1] == 0
    # |k| of Cauchy's density t / (pi (t^2 + x^2)) is minus its derivative by t.
    space = sf.Space(sf.Rational(degree=20))
    x = space.nodes()
    matrix = torch.from_numpy(space.families[0].fractional_laplacian(space.size, 1.0))
    found = space.synthesize(matrix @ space.project(1 / (math.pi * (1 + x**2))), x)
    torch.testing.assert_close(found, (1 - x**2) / (math.pi * (1 + x**2) ** 2), rtol=0, atol=1e-12)
    ring = sf.Fourier().fractional_laplacian(5, 0.7)
    np.testing.assert_allclose(np.diag(ring), (math.pi * np.array([0, 1, 1, 2, 2])) ** 0.7)


@names
def test_layers(family):
    torch.manual_seed(0)
    kan = sf.nn.PolynomialKAN(3, 2, family.on_standard_domain(), degree=4)
    assert kan(torch.randn(5, 3)).shape == (5, 2) and kan.weight.shape[-1] == family.function_count(4)
    space = sf.Space([family, sf.Chebyshev()], sf.TensorProduct(3))
    layer = sf.nn.SpectralConv(space, 2, 3, coupling=1)
    x = torch.randn(4, 2, 12, 6)
    layer(x).square().mean().backward()
    assert layer(x).shape == (4, 3, 12, 6) and layer.weight.grad.isfinite().all()
    operator = sf.nn.SpectralOperator(space, 2, 1, width=6, layers=1)
    assert operator(x).isfinite().all()
    line = sf.Space(family.with_degree(4))
    coef = torch.randn(3, line.size)
    analysed = sf.nn.Analysis(line)(line.synthesize(coef, line.nodes().float()))
    torch.testing.assert_close(analysed, coef, rtol=1e-4, atol=1e-5)


def test_a_ring_closes():
    space = sf.Space(sf.Fourier(1, 4, degree=5))
    coef, x = torch.randn(space.size, dtype=D), torch.linspace(1, 4, 7, dtype=D)
    for order in (0, 1, 2):
        there, again = (space.synthesize(coef, x + turns * 3, derivative=order) for turns in (0, -5))
        torch.testing.assert_close(there, again)
    with pytest.raises(ValueError, match="interval sets them"):
        space.synthesize(coef, x, scale=2.0)
    with pytest.raises(ValueError, match="a < b"):
        sf.Fourier(2, 2)
    assert torch.isnan(space.synthesize(coef, torch.tensor([1e300], dtype=D))).all()
