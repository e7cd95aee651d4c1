"""Files larger than memory are left where they lie, or read a part at a time; numbers are the same."""

import os
import subprocess
import sys

import h5py
import numpy as np
import pytest
import torch

from specfast import data
from specfast.data import memmap

X, CLOCK = np.linspace(0, 1, 16), np.linspace(0, 1, 6)
U = np.sin(6 * X - CLOCK[:, None] * np.arange(1, 8)[:, None, None]).astype("f4")

READ = """
import sys
import specfast as sf
data = sf.data.read(sys.argv[1])
print(tuple(data.values.shape), float(data.largest))
print(next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def write(path, u=U, **options):
    with h5py.File(path, "w") as file:
        file.create_dataset("tensor", data=u, **options)
        file["x-coordinate"], file["t-coordinate"] = X, np.append(CLOCK, 1.2)
    return path


@pytest.mark.parametrize("options", [{}, {"chunks": (2, 6, 16), "compression": "gzip"}])
def test_left_in_the_file_or_copied_is_the_same(options, tmp_path, monkeypatch):
    usual = data.read(write(tmp_path / "u.hdf5", **options))
    monkeypatch.setattr(memmap, "LARGEST", 0)
    monkeypatch.setattr(memmap, "BLOCK", 1 << 9)
    large = data.read(tmp_path / "u.hdf5")
    assert large.values.dtype == torch.float32 and usual.values.dtype == torch.float64
    assert torch.equal(large.values.double(), usual.values) and large.largest == usual.largest
    assert torch.equal(large.select(torch.tensor([5, 2])).values, usual.values[[5, 2]])
    some = data.read(tmp_path / "u.hdf5", trajectories=slice(1, 6, 2), times=(0.2, 0.8))
    assert torch.equal(some.values.double(), usual.values[1:6:2, 1:5])
    assert next(part.values.dtype for _, part in large.blocks()) == torch.float64
    # What is written to them stays in memory, and is not lost when they are looked at again.
    large.values[0, 0] = torch.nan
    again = torch.equal(data.read(tmp_path / "u.hdf5").values.double(), usual.values)
    assert again and large.values[0, 0].isnan().all()


def test_infinite_values_in_place_are_marked(tmp_path, monkeypatch):
    u = U.copy()
    u[2, 3, 4] = np.inf
    monkeypatch.setattr(memmap, "LARGEST", 0)
    read = data.read(write(tmp_path / "u.hdf5", u))
    assert read.values[2, 3, 0, 4].isnan() and int(read.values.isnan().sum()) == 1


def test_one_long_trajectory_is_read_in_parts(tmp_path, monkeypatch):
    path = write(tmp_path / "u.hdf5", U[:1], chunks=(1, 1, 16))
    monkeypatch.setattr(memmap, "BLOCK", 1 << 8)
    field = data.open(path)
    assert [(t.start, t.stop) for _, t in field.blocks(memmap.BLOCK // 8)] == [(0, 2), (2, 4), (4, 6)]
    assert np.array_equal(data.read(field).values[0, :, 0].numpy(), U[0].astype(np.float64))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_large_file_takes_little_memory(tmp_path):
    path = tmp_path / "sparse.hdf5"
    with h5py.File(path, "w") as file:  # 6 GiB, of which nearly nothing is on disk
        tensor = file.create_dataset("tensor", (16000, 101, 1000), "f4")
        for row in range(0, 16000, 1000):
            tensor[row] = 2.0
        file["x-coordinate"], file["t-coordinate"] = np.linspace(0, 1, 1000), np.linspace(0, 1, 102)
    assert os.stat(path).st_size > 6e9
    done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=False)
    assert "trajectories never observed" not in done.stderr and done.stdout, done.stderr
    assert done.stdout.startswith("(16000, 101, 1, 1000) 2.0") and int(done.stdout.split()[-1]) < 1.5 * 2**20
