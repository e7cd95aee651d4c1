"""Write examples/data/diffusion.nc: a closed-form field on the real line at scattered sensors, with noise.

u(x, t) = sum over two packets of a (1 + t / b)^(-1/2) exp(-(x - m)^2 / (4 (b + t))), the heat equation u_t = u_xx.
Run as: python examples/make_demo_data.py
"""

from pathlib import Path

import numpy as np
import xarray as xr


def field(x, t, amplitude, width, centre):
    """Return the sum of packets (trajectory, time, point) of parameters (trajectory, packet)."""
    spread = width[:, :, None, None] + t[None, None, :, None]
    packet = (width[:, :, None, None] / spread) ** 0.5 * np.exp(
        -((x[:, None, None, :] - centre[:, :, None, None]) ** 2) / (4 * spread)
    )
    return (amplitude[:, :, None, None] * packet).sum(1)


def main():
    """Write the file."""
    rng = np.random.default_rng(0)
    trajectories, sensors, times = 80, 48, np.linspace(0, 1, 11)
    x = np.sort(rng.normal(0, 2.8, (trajectories, sensors)), axis=1)
    amplitude = rng.uniform(0.5, 1.5, (trajectories, 2))
    width = rng.uniform(0.4, 0.8, (trajectories, 2))
    centre = rng.uniform(-1.5, 1.5, (trajectories, 2))
    u = field(x, times, amplitude, width, centre)
    u = u + 1e-3 * np.abs(u).max() * rng.standard_normal(u.shape)
    dataset = xr.Dataset(
        {
            "u": (("trajectory", "time", "point"), u.astype("float32")),
            "x": (("trajectory", "point"), x),
        },
        coords={"time": times},
        attrs={"title": "heat equation on the real line, closed form, 48 scattered sensors a trajectory, 0.1 % noise"},
    )
    target = Path(__file__).parent / "data" / "diffusion.nc"
    target.parent.mkdir(exist_ok=True)
    dataset.to_netcdf(target, engine="h5netcdf", encoding={"u": {"zlib": True}})


if __name__ == "__main__":
    main()
