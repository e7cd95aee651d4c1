"""Observations of closed-form solutions."""

import numpy as np

from specfast.data.observations import make


def moving_gaussian(count=60, times=21, sensors=64, drift=1.0, end=2.0, noise=1e-3, seed=0):
    """Return data of u_t = -drift u_x + u_xx / 4, with a, b of every trajectory and the times.

    u = a (t + b)^(-1/2) exp(-(x - drift t)^2 / (t + b)), whose balanced scale and shift are sqrt(2 / (t + b)) and drift t.
    """
    generator = np.random.default_rng(seed)
    a, b = generator.uniform(0.6, 1.4, count), generator.uniform(1, 3, count)
    t = np.linspace(0, end, times)
    half = 2 * np.sqrt(3 + end)
    x = np.sort(generator.uniform(-half, half + drift * end, (count, sensors)), 1)
    width = t[None, :, None] + b[:, None, None]
    u = a[:, None, None] / np.sqrt(width) * np.exp(-((x[:, None] - drift * t[None, :, None]) ** 2) / width)
    u = u + noise * np.sqrt((u**2).mean()) * generator.normal(size=u.shape)
    return make(u[:, :, None], x, t, ("u",)), a, b, t
