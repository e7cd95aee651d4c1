"""Kepler's equation, by which the phase of functions between their turning points gives their zeros."""

from __future__ import annotations

import math

import numpy as np


def solve_kepler(target: np.ndarray) -> np.ndarray:
    """Solve t - sin t = target on [0, 2 pi] by Newton's method, from the cube root that is right for small t."""
    t: np.ndarray = np.minimum(np.cbrt(6 * target), math.pi)
    t = np.where(target > math.pi, 2 * math.pi - np.minimum(np.cbrt(6 * (2 * math.pi - target)), math.pi), t)
    for _ in range(8):
        t = np.clip(t - (t - np.sin(t) - target) / np.maximum(1 - np.cos(t), 1e-12), 0, 2 * math.pi)
    return t
