"""Gauss rules of thousands to a million nodes against mpmath's arithmetic, integrals in closed form and the rules' own laws."""

import math
from dataclasses import dataclass

import mpmath as mp
import numpy as np
import pytest
from large_rules import MILLION
from second_kind import SecondKind

import specfast as sf
from specfast.families import FAMILIES, family_by_name
from specfast.families.gauss_nodes import Stretch
from specfast.families.registry import register_family
from specfast.quadrature import MAX_NODES, rules
from specfast.quadrature.phase import rule_by_phase

LINE_AND_INTERVAL = [sf.Hermite(), sf.Legendre()]
HALF_LINES = [sf.Laguerre(alpha) for alpha in (-0.9, 0.0, 0.5, 10.0)]
ALL = [*LINE_AND_INTERVAL, *HALF_LINES]
named = pytest.mark.parametrize("family", ALL, ids=lambda f: f.name)


def zero_and_weight(family, n, z):
    """Return the zero of phi_n nearest to z, and its weight, in 40 digits: two steps of Newton's method on the classical recurrence."""
    with mp.workdps(40):
        z, kind, alpha = mp.mpf(float(z)), family.name.partition("(")[0], mp.mpf(getattr(family, "alpha", 0))
        for _ in range(2):
            before, value = mp.mpf(0), mp.mpf(1)
            for k in range(n):
                if kind == "hermite":
                    before, value = value, z * value - mp.mpf(k) / 2 * before
                elif kind == "legendre":
                    before, value = value, ((2 * k + 1) * z * value - k * before) / (k + 1)
                else:
                    before, value = value, ((2 * k + 1 + alpha - z) * value - (k + alpha) * before) / (k + 1)
            if kind == "hermite":
                slope = n * before
                weight = mp.exp(z * z + mp.loggamma(n)) * mp.sqrt(mp.pi) / (n * mp.mpf(2) ** (n - 1) * before**2)
            elif kind == "legendre":
                slope = n * (before - z * value) / (1 - z * z)
                weight = 2 / ((1 - z * z) * slope**2)
            else:
                slope = (n * value - (n + alpha) * before) / z
                weight = mp.exp(mp.loggamma(n + alpha + 1) - mp.loggamma(n + 1) + z) / (z * slope**2)
            z, found = z - value / slope, weight
        return z, found


@named
def test_against_mpmath_from_thousands_of_nodes(family):
    for n, chosen in ((6000, (0, 3, 4000)), (6001, (3000, 3001, 6000))):
        z, w = sf.gauss(family, n)
        for i in chosen:
            exact, weight = zero_and_weight(family, n, z[i])
            assert z[i] == exact == 0 or abs(z[i] / exact - 1) < 1e-14
            assert abs(w[i] / weight - 1) < 1e-13


@named
def test_against_mpmath_at_a_million_nodes(family):
    z, w = sf.gauss(family, 1_000_000)
    chosen = [row[1:] for row in MILLION if row[0] == family.name]
    assert len(chosen) == 3
    for i, exact, weight in chosen:
        assert abs(z[i] / mp.mpf(exact) - 1) < 1e-14
        assert abs(w[i] / mp.mpf(weight) - 1) < 2e-13


@named
def test_where_both_ways_meet_they_agree(family):
    n = rules._MANY
    z, w = sf.gauss(family, n)
    kept, weights = rules._by_newton(family, n)
    half = slice(n // 2, None) if family.symmetric else slice(None)
    np.testing.assert_allclose(z[half], kept, rtol=1e-13, atol=0)
    # The recurrence knows the weights at rounded nodes, which differ near the ends of an interval.
    rounding = 4e-16 / (1 - kept**2) if family.bounded else 0
    assert np.all(np.abs(w[half] / weights - 1) < 1e-12 + rounding)


@pytest.mark.parametrize("n", [20_000, 100_001, 1_000_000])
def test_integrals_in_closed_form(n):
    z, w = sf.gauss(sf.Hermite(), n)
    for width in (0.1, 1.0, 30.0):  # of Gaussians within the reach of the nodes
        assert w @ np.exp(-((z / width) ** 2)) == pytest.approx(width * math.sqrt(math.pi), rel=1e-13)
    assert w @ (z**4 * np.exp(-(z**2))) == pytest.approx(0.75 * math.sqrt(math.pi), rel=1e-13)
    z, w = sf.gauss(sf.Legendre(), n)
    for power in (0, 2, 1000):
        assert w @ z**power == pytest.approx(2 / (power + 1), rel=1e-12)
    assert w @ (1 / (1 + 25 * z**2)) == pytest.approx(0.4 * math.atan(5), rel=1e-13)
    z, w = sf.gauss(sf.Chebyshev(), n)
    assert w @ z**20 == pytest.approx(math.pi * math.comb(20, 10) / 2**20, rel=1e-13)
    for family in HALF_LINES:
        z, w = sf.gauss(family, n)
        for width in (0.1, 1.0, 100.0):
            exact = math.exp((family.alpha + 1) * math.log(width) + math.lgamma(family.alpha + 1))
            assert w @ np.exp(-z / width) == pytest.approx(exact, rel=2e-13)


@pytest.mark.parametrize("family", [*ALL, sf.Chebyshev()], ids=lambda f: f.name)
@pytest.mark.parametrize("n", [6000, 6001, 1_000_000])
def test_laws_of_rules(family, n):
    z, w = sf.gauss(family, n)
    assert z.dtype == w.dtype == np.float64 and len(z) == len(w) == n
    low, high = family.domain
    assert np.all(np.diff(z) > 0) and z[0] > low and z[-1] < high and np.all(w > 0) and np.isfinite(w).all()
    if family.symmetric:
        np.testing.assert_array_equal(z, -z[::-1])
        np.testing.assert_array_equal(w, w[::-1])
        assert n % 2 == 0 or z[n // 2] == 0
    if n == 6000:  # near the ends of an interval those of a million are closer than float64 tells apart
        more = sf.gauss(family, n + 1)[0]
        assert np.all(more[:-1] < z) and np.all(z < more[1:])


@pytest.mark.parametrize("alpha", [-0.999, -0.5, 1e-9, 2.0, 50.0])
@pytest.mark.parametrize("n", [6000, 300_000])
def test_any_alpha(alpha, n):
    z, w = sf.gauss(sf.Laguerre(alpha), n)
    assert w @ np.exp(-z) == pytest.approx(math.gamma(alpha + 1), rel=1e-12)


@pytest.mark.parametrize("alpha", [-0.9, 0.0, 0.5, 10.0])
def test_three_nodes_of_laguerre(alpha):
    z, w = sf.gauss(sf.Laguerre(alpha), 3)
    for power in range(6):
        assert w @ (z**power * np.exp(-z)) == pytest.approx(math.gamma(alpha + power + 1), rel=1e-13)


@pytest.mark.parametrize("gap", [1e-12, 1e-9, 1e-6, 1e-4])
@pytest.mark.parametrize("n", [1, 2, 40, 7000])
def test_alpha_close_to_its_end(gap, n):
    family = sf.Laguerre(-1 + gap)
    z, w = sf.gauss(family, n)
    for power in range(2):  # the first node holds nearly all of the first
        exact = math.gamma(family.alpha + 1 + power)
        assert w @ (z**power * np.exp(-z)) == pytest.approx(exact, rel=1e-12)
    with pytest.raises(ValueError, match="1 to 100000 nodes"):
        sf.gauss(family, 100_001)


def test_too_many():
    assert MAX_NODES == 1_000_000
    with pytest.raises(ValueError, match="n=1000001: 1 to 1000000 nodes"):
        sf.gauss(sf.Hermite(), 1_000_001)
    with pytest.raises(ValueError, match="exceed float64"):
        sf.gauss(sf.Laguerre(150.0), 1_000_000)


@dataclass(frozen=True, init=False, repr=False)
class ByEquation(SecondKind):
    """sin((n + 1) t) / sin(t) by its differential equation: u = sin((n + 1) t) has u'' + (n + 1)^2 u = 0."""

    wrong = 1.0

    def gauss_rule(self, n):
        return None

    def normal_form(self, n):
        square = self.wrong * (n + 1.0) ** 2
        return (
            Stretch("middle", lambda d: np.full_like(d, square), math.pi / 4, np.sin, lambda d: np.cos(d) ** 2),
            Stretch("hard", lambda d: np.full_like(d, square), math.pi / 4, np.cos, lambda d: np.sin(d) ** 2, 0.5),
        )


@dataclass(frozen=True, init=False, repr=False)
class ByRecurrence(SecondKind):
    """The same without an equation, from approximate zeros."""

    def gauss_rule(self, n):
        return None

    def gauss_start(self, n):
        return SecondKind.gauss_rule(self, n)[0]


@pytest.fixture
def own_families():
    for cls in (ByEquation, ByRecurrence):
        register_family(cls)
    family_by_name.cache_clear()
    yield
    for cls in (ByEquation, ByRecurrence):
        del FAMILIES[cls.__name__]
    family_by_name.cache_clear()
    rules._kept_rule.cache_clear()


@pytest.mark.parametrize(("cls", "n"), [(ByEquation, 7001), (ByEquation, 300_000), (ByRecurrence, 7001)])
def test_families_of_users(own_families, cls, n):
    exact, weights = SecondKind().gauss_rule(n)
    z, w = sf.gauss(cls(), n)
    np.testing.assert_allclose(z, exact, rtol=0, atol=1e-15)
    bulk = np.abs(exact) < 0.9
    np.testing.assert_allclose(w[bulk], weights[bulk], rtol=1e-12)
    np.testing.assert_allclose(w, weights, rtol=1e-6)


def test_a_family_of_no_equation_is_refused_where_it_would_take_minutes(own_families):
    with pytest.raises(ValueError, match="n=100001: 1 to 100000 nodes are expected of a family of no"):
        sf.gauss(ByRecurrence(), 100_001)


def test_a_wrong_equation_is_told(own_families, monkeypatch):
    monkeypatch.setattr(ByEquation, "wrong", 1.001)
    with pytest.raises(ArithmeticError, match=r"family=byequation, n=8000: .*differ by"):
        sf.gauss(ByEquation(), 8000)


def test_a_wrong_measure_is_told(own_families, monkeypatch):
    middle, end = ByEquation().normal_form(8000)
    monkeypatch.setattr(
        ByEquation, "normal_form", lambda self, n: (middle, Stretch(end.end, end.q, end.length, end.z, np.sin, 0.5))
    )
    with pytest.raises(ArithmeticError, match="wrong by"):
        sf.gauss(ByEquation(), 8000)


def test_few_nodes_have_no_phase():
    with pytest.raises(ArithmeticError, match="not resolved"):
        rule_by_phase(sf.Hermite().normal_form(50), 50, symmetric=True)
