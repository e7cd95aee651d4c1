"""Index sets against brute force, Gauss rules against mpmath and orthonormality, Leja points."""

import itertools
import math

import mpmath as mp
import numpy as np
import pytest
import torch

import specfast as sf


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


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)
@pytest.mark.parametrize("n", [1, 2, 40, 1000])
def test_gauss_orthonormality(family, n):
    z, w = sf.gauss(family, n)
    table = torch.ops.specfast.basis(torch.from_numpy(z), n, family.name, 0).numpy()
    gram = (table * w[:, None]).T @ table
    norms = family.norm_squared(n)
    assert np.all(np.diff(z) > 0) and np.all(w > 0)
    np.testing.assert_allclose(gram, np.diag(norms), atol=2e-12)


@pytest.mark.parametrize("family", [sf.Hermite(), sf.Laguerre(), sf.Legendre()], ids=lambda f: f.name)
def test_gauss_against_mpmath(family):
    n = 30
    z, w = sf.gauss(family, n)
    polynomial = {"hermite": mp.hermite, "legendre": mp.legendre}.get(family.name, lambda k, x: mp.laguerre(k, 0, x))
    for i in (0, 7, 15, 29):
        root = mp.findroot(lambda x: polynomial(n, x), mp.mpf(z[i]))
        assert abs(float(root) - z[i]) < 1e-13 * max(1, abs(z[i]))
    # The weights integrate phi_0^2 to 1 and a Gaussian-type product exactly.
    start = torch.ops.specfast.basis(torch.from_numpy(z), 1, family.name, 0).numpy()[:, 0]
    assert abs((w * start**2).sum() - 1) < 1e-13


def test_gauss_at_degree_10000():
    n = 10_000
    z, w = sf.gauss(sf.Hermite(), n)
    table = torch.ops.specfast.basis(torch.from_numpy(z[::20].copy()), n, "hermite", 0).numpy()
    chosen = [0, 1, 4999, 9998, 9999]
    full = np.concatenate(
        [
            torch.ops.specfast.basis(torch.from_numpy(z[i : i + 500]), n, "hermite", 0).numpy()[:, chosen]
            for i in range(0, n, 500)
        ]
    )
    assert np.isfinite(table).all() and np.isfinite(w).all() and (w > 0).all()
    np.testing.assert_allclose((full * w[:, None]).T @ full, np.eye(5), atol=1e-11)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)
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
