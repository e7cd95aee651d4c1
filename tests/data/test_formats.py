"""The same field in every format is read as the same observations."""

import importlib.util

import h5py
import numpy as np
import pandas
import pytest
import scipy.io
import torch
import xarray as xr

import specfast as sf
from specfast import data

R, T, M = 3, 5, 8
X, CLOCK = np.linspace(-1.0, 2.0, M), np.array([0.0, 0.1, 0.25, 0.5, 1.0])
U = np.sin(X + CLOCK[:, None] * np.arange(1, R + 1)[:, None, None])  # (R, T, M)
NEEDS_ZARR = pytest.mark.skipif(importlib.util.find_spec("zarr") is None, reason="needs zarr")
NEEDS_ARROW = pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="needs pyarrow")


def dataset():
    return xr.Dataset({"u": (("trajectory", "time", "x"), U)}, coords={"x": X, "time": CLOCK})


def table():
    rows = [
        {"trajectory": r, "time": t, "x": x, "u": U[r, i, j]}
        for r in range(R) for i, t in enumerate(CLOCK) for j, x in enumerate(X)
    ]  # fmt: skip
    return pandas.DataFrame(rows).sample(frac=1, random_state=0)


def netcdf4(path):
    dataset().to_netcdf(path / "u.nc", engine="h5netcdf")
    return path / "u.nc"


def netcdf3(path):
    dataset().to_netcdf(path / "u.nc", engine="scipy")
    return path / "u.nc"


def plain_hdf5(path):
    with h5py.File(path / "u.h5", "w") as file:
        file["u"], file["x"], file["t"] = U, X, CLOCK
    return path / "u.h5"


def compressed_hdf5(path):
    with h5py.File(path / "u.h5", "w") as file:
        file.create_dataset("u", data=U, chunks=(1, 2, 8), compression="gzip", shuffle=True)
        file["x"], file["t"] = X, CLOCK
    return path / "u.h5"


def in_a_group(path):
    with h5py.File(path / "u.h5", "w") as file:
        file["run/solution"], file["run/x"], file["run/t"] = U, X, CLOCK
    return path / "u.h5"


def mat(path):
    scipy.io.savemat(path / "u.mat", {"usol": U.transpose(2, 1, 0), "x": X[:, None], "t": CLOCK[None]})
    return path / "u.mat"


def mat_hdf5(path):
    with h5py.File(path / "u.mat", "w", userblock_size=512) as file:
        for name, array in (("usol", U.transpose(2, 1, 0)), ("x", X[:, None]), ("t", CLOCK[None])):
            file[name] = array.T  # MATLAB's axes are in the opposite order
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
    with (path / "u.mat").open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path / "u.mat"


def npz(path):
    np.savez(path / "u.npz", u=U, x=X, t=CLOCK)
    return path / "u.npz"


def csv(path):
    table().to_csv(path / "u.csv", index=False)
    return path / "u.csv"


def semicolons(path):
    table().rename(columns={"trajectory": "sample", "time": "t"}).to_csv(path / "u.txt", index=False, sep=";")
    return path / "u.txt"


def parquet(path):
    table().to_parquet(path / "u.parquet", index=False)
    return path / "u.parquet"


def zarr2(path):
    dataset().to_zarr(path / "u.zarr", zarr_format=2)
    return path / "u.zarr"


def zarr3(path):
    dataset().to_zarr(path / "u.zarr", zarr_format=3, consolidated=False)
    return path / "u.zarr"


FILES = [
    netcdf4, netcdf3, plain_hdf5, compressed_hdf5, in_a_group, mat, mat_hdf5, npz, csv, semicolons,
    pytest.param(parquet, marks=NEEDS_ARROW), pytest.param(zarr2, marks=NEEDS_ZARR), pytest.param(zarr3, marks=NEEDS_ZARR),
]  # fmt: skip


@pytest.mark.parametrize("make", FILES)
def test_every_format(make, tmp_path):
    read = data.read(make(tmp_path))
    assert read.values.shape == (R, T, 1, M) and read.axes == ("x",)
    assert np.array_equal(read.values[:, :, 0].numpy(), U)
    assert np.array_equal(read.points.broadcast_to(R, M).numpy(), np.broadcast_to(X, (R, M)))
    assert np.array_equal(read.times.numpy(), np.broadcast_to(CLOCK, (R, T)))


@pytest.mark.parametrize("make", FILES)
def test_some_of_it(make, tmp_path):
    field = data.open(make(tmp_path), trajectories=slice(1, 3), times=(0.1, 0.6))
    assert field.shape == (2, 3, 1, M)
    read = data.read(field)
    assert np.array_equal(read.values[:, :, 0].numpy(), U[1:3, 1:4])
    assert np.array_equal(read.times[0].numpy(), CLOCK[1:4])


def test_npy_needs_coordinates(tmp_path):
    np.save(tmp_path / "u.npy", U)
    with pytest.raises(data.DataError, match="--dims says"):
        data.open(tmp_path / "u.npy")
    said = data.read(tmp_path / "u.npy", dims=("trajectory", "time", "x"), coordinates={"x": "-1:2", "time": "0:4"})
    assert np.array_equal(said.values[:, :, 0].numpy(), U)
    assert np.array_equal(said.times[0].numpy(), np.arange(5.0))


@pytest.mark.parametrize(
    "turn", [np.asarray, torch.as_tensor, lambda a: xr.DataArray(a, dims=("trajectory", "time", "x"))]
)
def test_arrays_in_memory(turn):
    if isinstance(given := turn(U), xr.DataArray):
        read = data.read(given.assign_coords(x=X, time=CLOCK))
    else:
        read = data.read(given, x=turn(X), t=turn(CLOCK))
    assert np.array_equal(read.values[:, :, 0].numpy(), U) and np.array_equal(read.points[0].numpy(), X)
    one = data.read(U[0], x=X, t=CLOCK)  # (time, x): no trajectory axis
    assert one.values.shape == (1, T, 1, M) and np.array_equal(one.values[0, :, 0].numpy(), U[0])


def test_from_arrays_on_a_grid_and_with_channels():
    y = np.linspace(0, 1, 6)
    u = np.sin(X[:, None] + 2 * y) * np.exp(-CLOCK[:, None, None])
    read = data.Observations.from_arrays(np.stack([u, 2 * u], 1)[None], x=(X, y), t=CLOCK, channels=["p", "q"])
    assert read.axes == ("x", "y") and read.channels == ("p", "q") and read.points.shape == (1, 48, 2)
    at = read.points[0].numpy()
    assert np.allclose(
        read.values[0, :, 1].numpy(), 2 * np.sin(at[:, 0] + 2 * at[:, 1]) * np.exp(-CLOCK)[:, None], atol=1e-15
    )
    scattered = data.Observations.from_arrays(u.reshape(T, -1)[None], x=at, t=CLOCK)
    assert torch.equal(scattered.points, read.points) and torch.equal(scattered.values, read.values[:, :, :1])


def test_complex_arrays_are_one_field(tmp_path):
    z = (U + 1j * U[::-1])[:1]
    read = data.read(z, x=X, t=CLOCK)
    assert read.channels == ("u.real", "u.imag") and np.array_equal(read.values[0, :, 1].numpy(), z[0].imag)
    scipy.io.savemat(tmp_path / "z.mat", {"uu": z[0].T, "x": X, "tt": CLOCK})
    again = data.read(tmp_path / "z.mat")
    assert again.channels == ("uu.real", "uu.imag") and torch.equal(again.values, read.values)
    assert np.array_equal(data.to_dataset(read)["u"].values[0], z[0])


def test_several_variables_are_channels(tmp_path):
    both = dataset().assign(v=(("trajectory", "time", "x"), -U)).rename(u="a")
    both.to_netcdf(tmp_path / "two.nc", engine="h5netcdf")
    with pytest.raises(data.DataError, match="several could be the field: a, v; --variable"):
        data.open(tmp_path / "two.nc")
    read = data.read(tmp_path / "two.nc", variable=["v", "a"])
    assert read.channels == ("v", "a") and np.array_equal(read.values[:, :, 1].numpy(), U)
    assert data.read(tmp_path / "two.nc", variable="a").channels == ("a",)


def test_tables_of_sensors_that_differ():
    rows = []
    for r in range(2):
        for t in CLOCK[: 5 - r]:
            rows += [{"trajectory": "ab"[r], "time": t, "x": x + r, "u": np.sin(x + t)} for x in X[: 8 - 2 * r]]
    import tempfile
    from pathlib import Path

    path = Path(tempfile.mkdtemp()) / "u.csv"
    pandas.DataFrame(rows).to_csv(path, index=False)
    read = data.read(path)
    assert read.values.shape == (2, 5, 1, 8) and list(read.labels) == ["a", "b"]
    assert read.observed.tolist() == [[True] * 5, [True] * 4 + [False]]
    assert read.values[1, :4, 0, :6].isfinite().all() and read.values[1, :, 0, 6:].isnan().all()
    truth = np.sin(X[:6] + CLOCK[:4, None])
    assert np.allclose(read.values[1, :4, 0, :6].numpy(), truth, atol=1e-12)
    pandas.DataFrame([*rows, rows[3]]).to_csv(path, index=False)
    with pytest.raises(data.DataError, match=r"rows 4 and \d+ are of the same trajectory, time and position"):
        data.read(path)


def test_meshes_and_names_of_channels(tmp_path):
    u = np.stack([U, -U], 2)[0]  # (T, 2, M)
    xx, tt = np.meshgrid(X, CLOCK)
    np.savez(tmp_path / "m.npz", sol=U[0], XX=xx, TT=tt)
    read = data.read(tmp_path / "m.npz")
    assert np.array_equal(read.values[0, :, 0].numpy(), U[0]) and np.array_equal(read.points[0].numpy(), X)
    assert np.array_equal(read.times[0].numpy(), CLOCK)
    np.savez(tmp_path / "c.npz", sol=u, x=X, t=CLOCK, names=np.array(["prey", "predator"]))
    both = data.read(tmp_path / "c.npz", dims=("time", "channel", "x"))
    assert both.channels == ("prey", "predator") and np.array_equal(both.values[0, :, 1].numpy(), -U[0])


def test_a_table_with_names_of_trajectories_is_learned_from(tmp_path, capsys):
    from specfast_cli import main

    g = np.random.default_rng(0)
    rows = [
        {"well": well, "hours": t, "x": x, "density": np.exp(-(x**2) / (1 + t + 0.2 * i)) / np.sqrt(1 + t + 0.2 * i)}
        for i, well in enumerate(("A1", "A2", "B1", "B2", "C1", "C2"))
        for t in np.sort(g.uniform(0, 2, 6)) for x in np.linspace(-4, 4, 24)
    ]  # fmt: skip
    pandas.DataFrame(rows).to_csv(tmp_path / "w.csv", index=False)
    options = ["--coordinate", "trajectory=well", "time=hours"]
    assert main(["inspect", str(tmp_path / "w.csv"), *options]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.endswith("w.csv --coordinate trajectory=well time=hours --out RUN")
    out = ["--out", str(tmp_path / "run"), "--steps", "8", "--degree", "8", "--basis", "hermite"]
    assert main(["learn", str(tmp_path / "w.csv"), *options, *out]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "run"), str(tmp_path / "w.csv")]) == 0  # as the run's own data were read
    assert "on 6 trajectories" in capsys.readouterr().out
    pandas.DataFrame(rows).drop(columns="well").to_csv(tmp_path / "n.csv", index=False)
    assert main(["inspect", str(tmp_path / "n.csv"), "--coordinate", "time=hours"]) in (0, 2)
    both = pandas.DataFrame([*rows, *rows])
    both.to_csv(tmp_path / "d.csv", index=False)
    assert main(["inspect", str(tmp_path / "d.csv"), "--coordinate", "time=hours"]) == 2
    assert "--coordinate trajectory=NAME says which column tells trajectories apart" in capsys.readouterr().err


def test_fit_takes_arrays_and_files(tmp_path):
    x, t = np.linspace(-5, 5, 40), np.linspace(0, 1, 6)
    u = np.exp(-(x**2) / (1 + np.linspace(0, 1, 5)[:, None, None] + t[:, None]))
    model = sf.learn.fit(u, "hermite", x=x, t=t, steps=4, degree=6, fixed=True, progress=False)
    assert model.channels == ("u",)
    np.savez(tmp_path / "u.npz", u=u, x=x, t=t)
    again = sf.learn.fit(tmp_path / "u.npz", "hermite", steps=4, degree=6, fixed=True, progress=False)
    assert torch.equal(model.dynamics.state_dict()["linear.weight"], again.dynamics.state_dict()["linear.weight"])
