"""The functions at 60 digits, from mpmath's own polynomials: independent of every recurrence in the package."""

import mpmath as mp

mp.mp.dps = 60


def function(family, n, z, derivative=0):
    """Return phi_n^(derivative)(z) of a family on its standard domain."""
    z = mp.mpf(float(z))
    if derivative:
        return mp.diff(lambda t: _value(family, n, t), z, derivative)
    return _value(family, n, z)


def _value(family, n, z):
    name = family.name
    if name == "hermite":
        return mp.hermite(n, z) * mp.exp(-z * z / 2) / mp.sqrt(mp.mpf(2) ** n * mp.factorial(n) * mp.sqrt(mp.pi))
    if name.startswith("laguerre"):
        alpha = mp.mpf(family.alpha)
        norm = mp.sqrt(mp.factorial(n) / mp.gamma(n + 1 + alpha))
        return norm * mp.laguerre(n, alpha, z) * mp.exp(-z / 2)
    if name == "chebyshev":
        return mp.chebyt(n, z)
    if name == "fourier":
        wave = (n + 1) // 2 * z
        return mp.sqrt(mp.mpf(1) / 2) if n == 0 else mp.cospi(wave) if n % 2 else mp.sinpi(wave)
    if name == "twohalflines":
        value = mp.laguerre(n // 2, 0, abs(z)) * mp.exp(-abs(z) / 2) / mp.sqrt(2)
        return -value if n % 2 and z < 0 else value
    if name == "rationalhalfline":
        return 2 / (1 + z) * mp.cos(2 * n * mp.atan(mp.sqrt(z)))
    if name == "rational":
        k, i = n // 2, mp.mpc(0, 1)
        value = mp.sqrt(2 / mp.pi) * (1 + i * z) ** k / (1 - i * z) ** (k + 1)
        return value.imag if n % 2 else value.real
    return mp.sqrt(n + mp.mpf(1) / 2) * mp.legendre(n, z)
