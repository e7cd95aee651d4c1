"""Functions in pairs at 50 digits, by their closed forms: cosines and sines, and the powers of (1 + iz) / (1 - iz)."""

import mpmath as mp
import numpy as np


def table(family, points, count, derivative=0):
    """Return phi_n^(derivative)(z), n < count, as float64 (M, count), of a family in pairs on its standard domain; order 0 to 2."""
    with mp.workdps(50):
        return np.array([_row(family, mp.mpf(float(z)), count, derivative) for z in points])


def _row(family, z, count, derivative):
    ring, numbers = _is_ring(family), []
    for k in range(count // 2 + 1):
        value = (_ring if ring else _line)(z, k, derivative)
        numbers += [value.real / mp.sqrt(2)] if ring and k == 0 else [value.real, value.imag]
    return [float(number) for number in numbers[:count]]


def _is_ring(family):
    """A ring has one function of wave number 0, the line two."""
    return family.function_count(0) == 1


def _ring(z, k, derivative):
    return mp.expjpi(k * z) * (1j * mp.pi * k) ** derivative


def _line(z, k, derivative):
    up, down = 1 + 1j * z, 1 - 1j * z
    theta = 2 * mp.atan(z)
    value = mp.sqrt(2 / mp.pi) * mp.cos(theta / 2) * mp.expj((k + mp.mpf(1) / 2) * theta)
    slope = 1j * k / up + 1j * (k + 1) / down  # of the logarithm
    return value * (1, slope, slope**2 + k / up**2 - (k + 1) / down**2)[derivative]


def derivative_matrix(family, count):
    """Return D with (D c)_j the coefficients of (sum c_n phi_n)', j, n < count, pair by pair as the formulas read."""
    ring, size = _is_ring(family), count + 8
    matrix = np.zeros((size, size))

    def place(k, imaginary):
        return 2 * k + imaginary - (1 if ring else 0)

    def add(to, frm, factor):
        """Add `factor` (imaginary) times f_to to f_frm', both as pairs of real functions: i (R + iS) = -S + iR."""
        if ring and frm == 0:
            return
        if place(frm, 1) < size and place(to, 1) < size:
            matrix[place(to, 1), place(frm, 0)] -= factor
            matrix[place(to, 0), place(frm, 1)] += factor

    for k in range(size // 2 + 1):
        if ring:
            add(k, k, np.pi * k)
        else:
            add(k, k, (2 * k + 1) / 2)
            add(k + 1, k, (k + 1) / 2)
            if k > 0:
                add(k - 1, k, k / 2)
    return matrix[:count, :count]
