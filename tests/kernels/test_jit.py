"""Functions for users' own njit code, of every family by its tables."""

import numba
import numpy as np
import pytest
from exact import function
from test_accuracy import functions

import specfast as sf
from specfast.kernels import jit

POINTS = [
    (sf.Hermite(), [-45.0, -3.0, 0.0, 0.7, 44.0, 60.0]),
    (sf.Laguerre(0.5), [0.0, 1e-4, 7.9, 8.1, 1500.0, 4400.0]),
    (sf.Chebyshev(), [-1.0, -0.9999, 0.1, 0.9981, 1.0]),
    (sf.Legendre(), [-1.0, -0.9999, 0.1, 0.9981, 1.0]),
    (sf.Fourier(), [-1.0, 0.0, 0.3, 7.9]),
    (sf.Rational(), [-40.0, 0.0, 0.3, 1e6]),
    (sf.RationalHalfLine(), [0.0, 1e-9, 0.3, 2.0, 1e6]),
    (sf.TwoHalfLines(), [-40.0, 0.0, 0.3, 700.0]),
]


@pytest.mark.parametrize(("family", "points"), POINTS, ids=[family.name for family, _ in POINTS])
def test_evaluate_and_fill(family, points):
    tables = jit.tables(family, 1001)
    for z in points:
        exact = [float(value) for value in functions(family, z, 1001)]
        size = max(map(abs, exact))
        assert jit.evaluate(tables, 1000, z) == pytest.approx(exact[1000], abs=1e-11 * size)
        assert jit.evaluate(tables, 3, z) == pytest.approx(float(function(family, 3, z)), rel=1e-12, abs=1e-300)
        out = np.empty(1001)
        jit.fill(tables, z, out)
        np.testing.assert_allclose(out, exact, atol=1e-11 * size, rtol=0)


def test_outside_the_domain():
    hermite, laguerre, chebyshev, legendre, fourier, rational, half, _ = (jit.tables(family, 6) for family, _ in POINTS)
    assert np.isnan(jit.evaluate(fourier, 3, 1e15)) and jit.evaluate(rational, 3, 1e200) == 0
    assert (
        jit.evaluate(half, 3, -1e-9) == 0
        and jit.evaluate(half, 3, 1e300) == 0
        and np.isnan(jit.evaluate(half, 3, np.nan))
    )
    assert np.isnan(jit.evaluate(chebyshev, 3, 1.5)) and np.isnan(jit.evaluate(legendre, 3, -2.0))
    assert np.isnan(jit.evaluate(hermite, 2, np.nan))
    assert jit.evaluate(laguerre, 2, -1.0) == 0 and jit.evaluate(hermite, 5, np.inf) == 0


def test_in_the_users_own_code():
    tables = jit.tables(sf.Hermite(), 7)

    @numba.njit
    def integral(n, count):
        total, step = 0.0, 20.0 / count
        for i in range(count):
            total += jit.evaluate(tables, n, -10.0 + (i + 0.5) * step) ** 2 * step
        return total

    assert integral(6, 400) == pytest.approx(1.0, abs=1e-12)


def test_bad_arguments():
    with pytest.raises(ValueError, match="count=0"):
        jit.tables(sf.Hermite(), 0)
    with pytest.raises(TypeError, match="family='hermite'"):
        jit.tables("hermite", 3)
