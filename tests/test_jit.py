"""Scalar functions for users' own njit code, and the Numba backend beside threads and processes."""

import numba
import numpy as np
import pytest
from exact import function
from test_accuracy import functions

import specfast as sf
from specfast.kernels import jit

SCALARS = [
    (sf.Hermite(), jit.HERMITE, lambda n, z: jit.hermite_function(n, z), [-45.0, -3.0, 0.0, 0.7, 44.0, 60.0]),
    (sf.Laguerre(0.5), jit.LAGUERRE, lambda n, z: jit.laguerre_function(n, z, 0.5), [0.0, 1e-4, 7.9, 8.1, 1500.0, 4400.0]),
    (sf.Chebyshev(), jit.CHEBYSHEV, lambda n, z: jit.chebyshev(n, z), [-1.0, -0.9999, 0.1, 0.9981, 1.0]),
    (sf.Legendre(), jit.LEGENDRE, lambda n, z: jit.legendre(n, z), [-1.0, -0.9999, 0.1, 0.9981, 1.0]),
]  # fmt: skip


@pytest.mark.parametrize(("family", "code", "scalar", "points"), SCALARS, ids=[s[0].name for s in SCALARS])
def test_scalar_functions_and_fill(family, code, scalar, points):
    for z in points:
        exact = [float(value) for value in functions(family, z, 1001)]
        size = max(map(abs, exact))
        assert scalar(1000, z) == pytest.approx(exact[1000], abs=1e-11 * size)
        assert scalar(3, z) == pytest.approx(float(function(family, 3, z)), rel=1e-12, abs=1e-300)
        out = np.empty(1001)
        jit.fill(code, 1000, z, out, 0.5)
        np.testing.assert_allclose(out, exact, atol=1e-11 * size, rtol=0)


def test_outside_the_domain():
    assert (
        np.isnan(jit.chebyshev(3, 1.5))
        and np.isnan(jit.legendre(3, -2.0))
        and np.isnan(jit.hermite_function(2, np.nan))
    )
    assert jit.laguerre_function(2, -1.0, 0.0) == 0 and jit.hermite_function(5, np.inf) == 0


def test_in_the_users_own_code():
    @numba.njit
    def integral(n, count):
        total, step = 0.0, 20.0 / count
        for i in range(count):
            total += jit.hermite_function(n, -10.0 + (i + 0.5) * step) ** 2 * step
        return total

    assert integral(6, 400) == pytest.approx(1.0, abs=1e-12)
