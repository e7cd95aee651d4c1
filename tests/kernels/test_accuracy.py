"""Accuracy over the whole range, against the recurrence in 40-digit arithmetic: far out, at the hard ends, at high degree."""

import math
from functools import lru_cache

import mpmath as mp
import numpy as np
import pytest
import torch
from exact import function
from test_kernels import with_gpu

import specfast as sf


@lru_cache(maxsize=4096)
def functions(family, z, count):
    """Return phi_0(z) .. phi_{count-1}(z) as mpmath numbers, by the plain recurrence at 40 digits and more."""
    with mp.workdps(40 + (count > 2000) * 20):
        z, one = mp.mpf(float(z)), mp.mpf(1)
        if family.half is not None:
            one_side = functions(family.half, abs(z), count // 2 + 1)
            sign = -1 if z < 0 else 1
            return [one_side[n // 2] * (sign if n % 2 else 1) / mp.sqrt(2) for n in range(count)]
        if family.paired or isinstance(family, sf.RationalHalfLine):
            return [function(family, n, float(z)) for n in range(count)]
        alpha = mp.mpf(getattr(family, "alpha", 0.0))
        if isinstance(family, sf.Hermite):
            current = mp.exp(-z * z / 2) / mp.sqrt(mp.sqrt(mp.pi))
        elif isinstance(family, sf.Laguerre):
            current = mp.exp(-z / 2) / mp.sqrt(mp.gamma(alpha + 1))
        else:
            current = one if isinstance(family, sf.Chebyshev) else mp.sqrt(one / 2)
        previous, result = mp.mpf(0), []
        for n in range(count):
            result.append(current)
            if isinstance(family, sf.Hermite):
                step = mp.sqrt(mp.mpf(2) / (n + 1)) * z * current - mp.sqrt(mp.mpf(n) / (n + 1)) * previous
            elif isinstance(family, sf.Laguerre):
                w = mp.sqrt((n + 1) * (n + alpha + 1))
                step = ((2 * n + alpha + 1 - z) * current - mp.sqrt(n * (n + alpha)) * previous) / w
            elif isinstance(family, sf.Chebyshev):
                step = (2 if n else 1) * z * current - previous
            else:
                a, c = mp.sqrt((2 * n + 1) * (2 * n + 3)) / (n + 1), mp.mpf(n) / (n + 1)
                step = a * z * current - c * mp.sqrt(mp.mpf(2 * n + 3) / abs(2 * n - 1)) * previous
            previous, current = current, step
        return result


def turning_point(family, n):
    if isinstance(family, sf.Hermite):
        return math.sqrt(2 * n + 1)
    if isinstance(family, sf.Laguerre):
        middle = 2 * n + family.alpha + 1
        return middle + math.sqrt(middle**2 - family.alpha**2 + 1)
    return 1.0


def places(family, n, dtype):
    """Return points close to the ends, in the middle and to 1.2 times the turning point."""
    reach = turning_point(family, n)
    if isinstance(family, sf.Hermite):
        points = [0.0, 1e-3, 8.99, 9.01, 25.99, 26.01, *(f * reach for f in (0.3, 0.7, 0.97, 1.0, 1.1, 1.2))]
        points += [-p for p in points[5:9]]
    elif isinstance(family, sf.Laguerre):
        points = [0.0, 1e-6, 1e-3, 0.3, 3.99, 4.01, 7.99, 8.01, 63.0, 65.0, 79.0, 81.0, 649.0, 651.0]
        points = [p for p in points if p < 1.2 * reach] + [f * reach for f in (0.5, 0.97, 1.0, 1.2)]
    elif isinstance(family, sf.TwoHalfLines):
        points = [0.0, 1e-6, -1e-3, 0.3, -3.99, 4.01, -7.99, 8.01, -63.0, 65.0, 649.0, -651.0, 1000.0, -2000.0]
    elif isinstance(family, sf.RationalHalfLine):
        points = [0.0, 1e-12, 1e-9, 1e-5, 1e-3, 0.051, 0.054, 0.3, 1.0, 1.4, 7.7, 18.9, 19.1, 300.0, 1e5, 1e9, 1e30]
    elif family.paired:
        points = [0.0, 1e-9, 1e-3, 0.3, 0.5, 0.77, 1.0, 1.4999, 2.0, -1.7, 100.3, -1e4]
    else:
        gaps = [0.0, 1e-9, 1e-6, 1e-4, 1.9e-3, 2.1e-3, 9e-3, 1.1e-2, 0.1, 0.5]
        points = [1 - g for g in gaps] + [-1 + g for g in gaps[:6]] + [0.0, 0.3]
    return torch.tensor(points, dtype=torch.float64).to(dtype)


CASES = [
    (sf.Hermite(), torch.float64, 1000), (sf.Laguerre(-0.9), torch.float64, 1000), (sf.Laguerre(), torch.float64, 1000),
    (sf.Laguerre(50.0), torch.float64, 1000), (sf.Chebyshev(), torch.float64, 1000), (sf.Legendre(), torch.float64, 1000),
    (sf.Hermite(), torch.float32, 1000), (sf.Laguerre(-0.9), torch.float32, 1000), (sf.Laguerre(), torch.float32, 1000),
    (sf.Laguerre(10.0), torch.float32, 1000), (sf.Laguerre(50.0), torch.float32, 200),
    (sf.Chebyshev(), torch.float32, 1000), (sf.Legendre(), torch.float32, 1000),
    (sf.Chebyshev(), torch.float32, 60), (sf.Legendre(), torch.float32, 60), (sf.Laguerre(), torch.float32, 60),
    (sf.Fourier(), torch.float64, 2000), (sf.Rational(), torch.float64, 2001),
    (sf.Fourier(), torch.float32, 2000), (sf.Rational(), torch.float32, 2001),
    (sf.TwoHalfLines(), torch.float64, 2001), (sf.TwoHalfLines(), torch.float32, 2001),
    (sf.RationalHalfLine(), torch.float64, 1000), (sf.RationalHalfLine(), torch.float32, 1000),
    (sf.RationalHalfLine(), torch.float32, 60),
]  # fmt: skip
HIGH = (
    [(family, torch.float64, 20000) for family in (sf.Hermite(), sf.Laguerre(-0.9), sf.Laguerre(50.0), sf.Legendre())]
    + [(sf.RationalHalfLine(), torch.float64, 20000)]
    + [
        (family, torch.float64, 40000)
        for family in (sf.Fourier(), sf.Rational())  # functions, of degree 20,000
    ]
)


def errors(backend, family, dtype, n, points):
    """Return the largest errors of basis, synthesize and adjoint, relative to max_k<=n |phi_k(z)| (times sum |c|).

    In float32 on an interval relative to max_k<=n |phi_k(y)| for y between z and the near end, which is phi_n(1).
    """
    generator = torch.Generator().manual_seed(1)
    coef = (torch.rand(n + 1, generator=generator, dtype=torch.float64) - 0.5).to(dtype)
    table = backend.vandermonde(points, n + 1, family.name, 0)
    sums = backend.synthesize(coef, points, family.name, 0)
    each = backend.adjoint(torch.eye(len(points), dtype=dtype), points, n + 1, family.name, 0)
    worst = np.zeros(3)
    for m, z in enumerate(points.tolist()):
        exact = functions(family, z, n + 1)
        size = max(map(abs, exact))
        if dtype == torch.float32 and family.bounded:
            size = max(size, functions(family, 1.0, n + 1)[-1])
        if size < 1e-290 or (dtype == torch.float32 and size < 1e-30):
            continue
        truth = torch.tensor([float(value / size) for value in exact], dtype=torch.float64)
        total = float(mp.fdot(zip(map(float, coef), exact, strict=True)) / size)
        scale = float(size)
        found = (
            (table[m].double() / scale - truth).abs().max(),
            (sums[m].double() / scale - total).abs() / coef.double().abs().sum(),
            (each[m].double() / scale - truth).abs().max(),
        )
        worst = np.maximum(worst, [float(f) for f in found])
    return worst


@with_gpu
@pytest.mark.parametrize(("family", "dtype", "n"), CASES, ids=lambda v: getattr(v, "name", str(v)))
def test_accuracy_at_degree_1000(backend, family, dtype, n):
    bound = 1e-12 if dtype == torch.float64 else 2e-5
    if backend.__name__.endswith("reference"):
        # The plain recurrence in float64 everywhere: what it loses near a hard end is known, and float32 is a cast.
        bound = 1e-11 if dtype == torch.float64 else 1e-6
    assert errors(backend, family, dtype, n, places(family, n, dtype)).max() < bound


@pytest.mark.slow
@pytest.mark.parametrize(("family", "dtype", "n"), HIGH, ids=lambda v: getattr(v, "name", str(v)))
def test_accuracy_at_degree_20000(family, dtype, n):
    from specfast.kernels import cpu

    points = places(family, n, dtype)[1::3]
    assert errors(cpu, family, dtype, n, points).max() < 1e-12


if __name__ == "__main__":
    from specfast.kernels import cpu

    print("largest error relative to max_k<=n |phi_k(z)|: functions, synthesize (of sum |c|), adjoint")
    for family, dtype, n in CASES + HIGH:
        points = places(family, n, dtype)
        print(
            f"{family.name:15} {str(dtype)[6:]:8} n = {n:<6}",
            *(f"{e:9.1e}" for e in errors(cpu, family, dtype, n, points)),
        )
