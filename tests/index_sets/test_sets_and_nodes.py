"""Index sets against brute force, Gauss rules against mpmath and orthonormality, Leja points."""

import itertools
import math

import mpmath as mp
import numpy as np
import pytest
import torch
from exact import function

import specfast as sf
from specfast.kernels import backend


def brute_force(degree, gamma, dim, weights):
    members = []
    for n in itertools.product(range(degree + 1), repeat=dim):
        entries = [max(1.0, w * k) for w, k in zip(weights, n, strict=True)]
        mix, largest = math.prod(entries), max(entries)
        if gamma == -math.inf:
            inside = largest <= degree
        else:
            inside = mix * largest**-gamma <= degree ** (1 - gamma) * (1 + 1e-12)
        if inside or not any(n):
            members.append(n)
    return np.array(members)


@pytest.mark.parametrize("gamma", [-math.inf, -2.0, 0.0, 0.5, 0.75])
@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0), (0.5, 2.0, 1.0)])
def test_hyperbolic_cross_against_brute_force(gamma, weights):
    result = sf.HyperbolicCross(9, gamma, weights).indices(3)
    np.testing.assert_array_equal(result, brute_force(9, gamma, 3, weights))


def test_sizes():
    gammas = (-math.inf, -1, 0, 0.5)
    for dim, degree, sizes in (
        (2, 10, [121, 59, 48, 41]),
        (3, 20, [9261, 758, 411, 278]),
        (4, 20, [194481, 3266, 1377, 792]),
    ):
        assert [len(sf.HyperbolicCross(degree, g).indices(dim)) for g in gammas] == sizes
    assert len(sf.TotalDegree(4).indices(3)) == math.comb(7, 3)
    assert len(sf.TensorProduct((2, 3)).indices(2)) == 12
    assert sf.HyperbolicCross(0).indices(3).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("gamma", [1.0, 2, math.nan])
def test_bad_gamma(gamma):
    with pytest.raises(ValueError, match="gamma="):
        sf.HyperbolicCross(4, gamma)


def test_a_set_beyond_memory_is_refused():
    with pytest.raises(ValueError, match="memory"):
        sf.TensorProduct(10_000).indices(4)


FAMILIES = [sf.Hermite(), sf.Laguerre(), sf.Laguerre(-0.9), sf.Laguerre(50.0), sf.Chebyshev(), sf.Legendre()]
PAIRED = [sf.Fourier(), sf.Rational()]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)
@pytest.mark.parametrize("n", [1, 2, 40, 1000])
def test_gauss_orthonormality(family, n):
    z, w = sf.gauss(family, n)
    table = torch.ops.specfast.vandermonde(torch.from_numpy(z), n, family.name, 0).numpy()
    gram = (table * w[:, None]).T @ table
    norms = family.norm_squared(n)
    assert np.all(np.diff(z) > 0) and np.all(w > 0)
    np.testing.assert_allclose(gram, np.diag(norms), atol=2e-12)


@pytest.mark.parametrize("family", [sf.Hermite(), sf.Laguerre(), sf.Laguerre(-0.9), sf.Laguerre(20.0), sf.Legendre()])
def test_gauss_against_mpmath(family):
    n = 200
    z, w = sf.gauss(family, n)
    for i in (0, 57, 130, 199):
        below, above = (function(family, n, z[i] + side * 2e-14 * max(abs(z[i]), 0.1)) for side in (-1, 1))
        assert below * above < 0
        squares = mp.fsum(function(family, k, z[i]) ** 2 for k in range(n))
        assert abs(float(1 / squares) / w[i] - 1) < 1e-12


@pytest.mark.parametrize(
    "family", [sf.Hermite(), sf.Laguerre(), sf.Laguerre(-0.9), sf.Laguerre(50.0), sf.Chebyshev(), sf.Legendre()]
)
def test_gauss_orthonormality_at_20000(family):
    n, chosen = 20_000, [0, 1, 7, 9_999, 19_998, 19_999]
    z, w = sf.gauss(family, n)
    assert np.all(np.diff(z) > 0) and np.isfinite(w).all() and np.all(w > 0)
    single = torch.zeros(len(chosen), n, dtype=torch.float64)
    single[range(len(chosen)), chosen] = 1
    values = backend(torch.device("cpu")).synthesize(single, torch.from_numpy(z), family.name, 0).numpy()
    norms = family.norm_squared(n)[chosen]
    np.testing.assert_allclose((values * w) @ values.T, np.diag(norms), atol=1e-11)


@pytest.mark.parametrize("family", PAIRED, ids=lambda f: f.name)
@pytest.mark.parametrize("degree", [0, 1, 20, 500])
def test_gauss_orthonormality_of_pairs(family, degree):
    n = family.function_count(degree)
    z, w = sf.gauss(family, n)
    table = torch.ops.specfast.vandermonde(torch.from_numpy(z), n, family.name, 0).numpy()
    assert np.all(np.diff(z) > 0) and np.all(w > 0)
    np.testing.assert_allclose((table * w[:, None]).T @ table, np.eye(n), atol=2e-12)


def test_gauss_weights_beyond_float64_are_refused():
    with pytest.raises(ValueError, match="exceed float64"):
        sf.gauss(sf.Laguerre(150.0), 1000)


@pytest.mark.parametrize("family", FAMILIES + PAIRED, ids=lambda f: f.name)
def test_leja_points_are_nested_and_distinct(family):
    long, short = sf.leja(family, 40), sf.leja(family, 7)
    np.testing.assert_array_equal(long[:7], short)
    assert np.min(np.diff(np.sort(long))) > 1e-3
    low, high = family.domain
    assert np.all((long >= low) & (long <= high))


def test_bad_counts():
    with pytest.raises(ValueError, match="n=0"):
        sf.gauss(sf.Hermite(), 0)
    with pytest.raises(TypeError, match=r"n=2\.5"):
        sf.gauss(sf.Hermite(), 2.5)
    with pytest.raises(TypeError, match="family='hermite'"):
        sf.gauss("hermite", 3)
