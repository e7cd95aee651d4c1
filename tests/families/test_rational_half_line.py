"""Rational functions on the half-line: integrals, products, another scale, its own transform, the learner; by closed forms."""

import math

import mpmath as mp
import numpy as np
import pytest
import torch
from exact import function

import specfast as sf
from specfast.kernels import reference

D = torch.float64
FAMILY = sf.RationalHalfLine()


def test_integrals_of_what_falls_off_faster():
    for n in range(1, 12):  # phi_n - (-1)^n phi_0 falls off like 1 / z^2
        exact = mp.quad(lambda y, n=n: 2 * (mp.chebyt(n, y) - (-1) ** n) / (1 + y), [-1, 0, 1])
        assert FAMILY.integrals(12)[n] == pytest.approx(float(exact), rel=1e-13)
    space = sf.Space(FAMILY.with_degree(30))
    u = (1 + space.nodes(scale=3.0)).pow(-3)
    found = torch.from_numpy(FAMILY.integrals(31)) @ space.project(u, scale=3.0) / 3.0**0.5
    assert float(found) == pytest.approx(0.5, rel=1e-12)


def test_functions_at_the_ends_of_their_range():
    z = torch.tensor([0.0, 1e-300, 1e-20, 1e20, 1e289], dtype=D)
    found = sf.Space(FAMILY.with_degree(300)).vandermonde(z) * (1 + z).unsqueeze(-1) / 2
    n = torch.arange(301)
    torch.testing.assert_close(found[:3], torch.ones(3, 301, dtype=D), rtol=1e-13, atol=0)
    torch.testing.assert_close(found[3:], (1 - 2.0 * (n % 2)).double().expand(2, -1), rtol=1e-12, atol=0)
    outside = torch.tensor([-1e-9, -5.0, math.inf], dtype=D)
    with pytest.raises(ValueError, match="points in the half-line of RationalHalfLine are expected"):
        sf.Space(FAMILY.with_degree(3)).vandermonde(outside)
    assert not reference.vandermonde(outside, 300, FAMILY.name, 0).any()


@pytest.mark.parametrize("order", [1, 2])
def test_derivatives_stay_in_the_space_but_for_their_order(order):
    space = sf.Space(FAMILY.with_degree(20))
    coef = torch.randn(21, dtype=D)
    coef[21 - order :] = 0
    slope = coef
    for _ in range(order):
        slope = space.differentiate(slope)
    x = torch.tensor([0.0, 0.2, 1.0, 4.5], dtype=D)
    exact = [math.fsum(float(c * function(FAMILY, n, z, order)) for n, c in enumerate(coef.tolist())) for z in x[1:]]
    np.testing.assert_allclose(space.synthesize(slope, x)[1:], exact, rtol=1e-11)
    torch.testing.assert_close(space.synthesize(slope, x), space.synthesize(coef, x, derivative=order))


@pytest.mark.parametrize("scale", [0.1, 0.8, 2.0, 15.0])
def test_another_scale(scale):
    space, fine = sf.Space(FAMILY.with_degree(9)), sf.Space(FAMILY.with_degree(3000))
    coef = torch.randn(2, 10, dtype=D)
    x, w = fine.quadrature(scale=scale)
    values = space.synthesize(coef, x)
    exact = space.adjoint(values * w, x, scale=scale) / torch.from_numpy(FAMILY.norm_squared(10))
    torch.testing.assert_close(space.change_basis(coef, 1.0, 0.0, scale, 0.0), exact, rtol=1e-11, atol=1e-11)


def test_products():
    space = sf.Space(FAMILY.with_degree(12))
    first, second = (space.project((1 + space.nodes()) ** -p) for p in (2, 3))
    torch.testing.assert_close(space.multiply(first, second), space.project((1 + space.nodes()) ** -5))


def test_a_field_with_a_heavy_tail_is_learned():
    x, t = np.linspace(0, 30, 80), np.linspace(0, 1, 7)
    size, place = np.random.default_rng(0).uniform(0.5, 1.5, (2, 8, 1, 1))
    data = sf.learn.read(size / (place + x + t[:, None]) ** 2, x=x, t=t)  # u_t = u_x
    model = sf.learn.fit(data, steps=40, progress=False, known={1: 1.0})
    assert str(model.encoder).startswith("RationalHalfLine") and "falls off" in model.metrics["basis"][0]
    assert model.metrics["encoding"]["relative_l2"] < 1e-3
    assert model.evaluate(data)["relative_l2"] < 0.02
