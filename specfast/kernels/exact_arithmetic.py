"""Sums and products with their rounding errors: plain arithmetic, for numbers that Numba compiles and for tensors alike."""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor

Number = TypeVar("Number", float, Tensor)


def exact_product(a: Number, b: Number) -> tuple[Number, Number]:
    """Return a b and its rounding error (Dekker)."""
    first, second = 134217729.0 * a, 134217729.0 * b
    a_high, b_high = first - (first - a), second - (second - b)
    a_low, b_low = a - a_high, b - b_high
    product = a * b
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def exact_sum(a: Number, b: Number) -> tuple[Number, Number]:
    """Return a + b and its rounding error (Knuth)."""
    total = a + b
    own = total - a
    return total, (a - (total - own)) + (b - own)
