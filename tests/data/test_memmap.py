"""Data larger than memory give what the same data in memory give."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
import xarray
from fields import moving_gaussian

from specfast import learn
from specfast.data import memmap
from specfast.learn.encode import encode

LIMITED = """
import resource, sys, torch, torchdiffeq, scipy.optimize, scipy.interpolate
import specfast as sf
from specfast.learn.encode import encode
from specfast import learn
from specfast.data import memmap
from specfast.learn.encode import encode

torch.randn(512, 512) @ torch.randn(512, 512)
memmap.LARGEST = memmap.BLOCK = 1 << 24
used = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, 2 * ((used << 10) + (450 << 20),))
data = learn.read(sys.argv[1])
kept, held = data.select(torch.arange(1600)), data.select(torch.arange(1600, 2000))
run = learn.fit(kept, degree=8, fixed=True, steps=4, progress=False)
print(run.evaluate(held)["relative_l2"])
torch.empty(1 << 26, dtype=torch.float64)  # what the values would take is refused
"""


def write(path, count, sensors):
    """Write u_t = u_xx / 4 from Gaussians, (count, 21, sensors) in float32."""
    g, x, t = np.random.default_rng(0), np.linspace(-6, 6, sensors), np.linspace(0, 1, 21)
    a, b = g.uniform(0.5, 1.5, (2, count, 1, 1))
    u = np.empty((count, 21, sensors), np.float32)
    for row in range(count):
        u[row] = a[row] * np.exp(-(x**2) / (b[row] + t[:, None])) / np.sqrt(b[row] + t[:, None])
    dims = ("trajectory", "time", "point")
    xarray.Dataset({"u": (dims, u)}, coords={"x": ("point", x), "time": t}).to_netcdf(path, engine="h5netcdf")


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
def test_a_file_larger_than_the_memory_allowed(tmp_path):
    write(tmp_path / "large.nc", 2000, 1600)  # 513 MiB as float64, and once more for the part that is kept
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "large.nc")], capture_output=True, text=True, check=False,
        env=os.environ | {"MALLOC_MMAP_THRESHOLD_": "131072"},  # what is freed is given back, not kept in pieces
    )  # fmt: skip
    assert done.stdout, done.stderr
    assert float(done.stdout) < 0.02
    assert "can't allocate" in done.stderr


def test_kept_in_files_or_in_memory_is_the_same(tmp_path, monkeypatch):
    data, *_ = moving_gaussian(12, sensors=40)
    data.values[3, 4, 0, ::2] = torch.nan
    given = {"degree": 5, "steps": 6, "batch": 4, "progress": False}
    usual = learn.fit(data, **given)
    monkeypatch.setattr(memmap, "LARGEST", 0)
    monkeypatch.setattr(memmap, "BLOCK", 1 << 13)
    apart = learn.fit(data.select(torch.arange(12)), **given)
    assert torch.allclose(encode(apart.encoder, data).coef, encode(usual.encoder, data).coef, rtol=1e-12, atol=1e-12)
    # The solver's steps are shared by those that are integrated together.
    assert apart.evaluate(data)["relative_l2"] == pytest.approx(usual.evaluate(data)["relative_l2"], rel=1e-2)
    assert torch.allclose(
        apart.predict_dataset(data), usual.predict_dataset(data), rtol=1e-2, atol=1e-3, equal_nan=True
    )


def test_no_room_is_said():
    with pytest.raises(MemoryError, match=r"524288\.0 GiB of data .* TMPDIR"):
        memmap.empty((1 << 20, 1 << 26))
