"""Functions in pairs for Numba: the real and imaginary part of s w^k, by complex multiplications (see csrc/pairs.hpp)."""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from .exact_arithmetic import exact_product, exact_sum

_compiled = njit(nogil=True, cache=True, error_model="numpy")
_BLOCK = 64  # powers between two that are found anew


_exact_product: Any = _compiled(exact_product)
_exact_sum: Any = _compiled(exact_sum)


@_compiled
def _half_turns(z):
    """Return cosine and sine of pi z."""
    turned = z - 2.0 * math.floor(0.5 * z + 0.5)
    return math.cos(math.pi * turned), math.sin(math.pi * turned)


@_compiled
def _rational_leap(z, re, im):
    """Return w^_BLOCK by squaring w = (1 + iz) / (1 - iz), computed as re + i im, with the rounding error of each power."""
    square, square_low = _exact_product(z, z)
    a, a_low = _exact_sum(1.0, -re)
    b, b_low = _exact_sum(1.0, re)
    p, p_low = _exact_product(b, square)
    q, q_low = _exact_product(im, square)
    s, s_low = _exact_sum(2.0 * z, -q)
    re_error = ((a - p) + (((a_low - p_low) - b * square_low) - b_low * square)) / (1.0 + square)
    im_error = ((s - im) + ((s_low - q_low) - im * square_low)) / (1.0 + square)
    power = 1
    while power < _BLOCK:
        xx, xx_low = _exact_product(re, re)
        yy, yy_low = _exact_product(im, im)
        next_re, sum_low = _exact_sum(xx, -yy)
        next_im, im_low = _exact_product(2.0 * re, im)
        re_error, im_error = (
            2.0 * (re * re_error - im * im_error) + (sum_low + (xx_low - yy_low)),
            2.0 * (re * im_error + im * re_error) + im_low,
        )
        re, im = next_re, next_im
        power *= 2
    return re + re_error, im + im_error


@_compiled
def fill_pairs(ring, z, scale, count, out):
    """Write phi_0 .. phi_{count-1} at one point; `ring` says of which of the two kinds they are."""
    if ring:
        first_re, first_im = 1.0, 0.0
        step_re, step_im = _half_turns(z)
        leap_re, leap_im = _half_turns(_BLOCK * z)
    else:
        inverse = 1.0 / (1.0 + z * z)
        first_re, first_im = inverse, z * inverse
        step_re, step_im = (1.0 - z) * (1.0 + z) * inverse, 2.0 * z * inverse
        leap_re, leap_im = _rational_leap(z, step_re, step_im) if count > 2 * _BLOCK else (1.0, 0.0)
    re, im, n, k = first_re, first_im, 0, 0
    while n < count:
        out[n] = scale[n] * re
        n += 1
        if n < count and (k > 0 or not ring):
            out[n] = scale[n] * im
            n += 1
        k += 1
        if k % _BLOCK == 0:
            first_re, first_im = first_re * leap_re - first_im * leap_im, first_re * leap_im + first_im * leap_re
            re, im = first_re, first_im
        else:
            re, im = re * step_re - im * step_im, re * step_im + im * step_re
