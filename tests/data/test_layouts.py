"""Files laid out as the well-known collections are, made small, are read as what was written."""

import shutil

import h5py
import numpy as np
import pytest

from specfast import data

N, T, NX, NY = 3, 4, 6, 5
X, Y, CLOCK = np.linspace(0, 1, NX), np.linspace(0, 2, NY), np.linspace(0, 0.3, T)
ROW = np.arange(1.0, N + 1)
U1 = np.sin(X - ROW[:, None, None] * CLOCK[:, None])  # (N, T, NX)
U2 = np.sin(X[:, None] - ROW[:, None, None, None] * CLOCK[:, None, None]) * np.cos(Y)  # (N, T, NX, NY)


def values(read, channel=0):
    grid = [len(axis) for axis in read.grid] if read.grid is not None else [-1]
    return read.values[:, :, channel].reshape(*read.values.shape[:2], *grid).numpy()


# ------------------------------------------------------------------------------------------------------------ PDEBench


def pdebench(path, old=False):
    with h5py.File(path, "w") as file:
        file["tensor"] = (U1[None] if old else U1).astype("f4")
        file["x-coordinate"] = X.astype("f4")
        file["t-coordinate"] = np.append(CLOCK, 0.4).astype("f4")  # one entry too many
        file.attrs["beta"] = 0.4
    return path


@pytest.mark.parametrize("old", [False, True])
def test_pdebench_one_array(old, tmp_path):
    field = data.open(pdebench(tmp_path / "1D_Advection_Sols_beta0.4.hdf5", old))
    assert field.layout == "PDEBench" and field.shape == (N, T, 1, NX)
    assert any("t-coordinate has 5 entries for 4 times" in note for note in field.notes)
    assert any("beta = 0.4" in note for note in field.notes)
    read = data.read(field)
    assert read.channels == ("u",) and np.allclose(values(read), U1, atol=1e-6)
    assert np.allclose(read.times[0].numpy(), CLOCK, atol=1e-7)


def test_pdebench_groups(tmp_path):
    with h5py.File(tmp_path / "2D_diff-react_NA_NA.h5", "w") as file:
        for row in range(N):
            group = file.create_group(f"{row:04d}")
            group["data"] = np.stack([U2[row], -U2[row]], -1).astype("f4")
            group["grid/x"], group["grid/y"], group["grid/t"] = X, Y, CLOCK
            group.attrs["config"] = "sim:\n  k: 5.0e-3"
    read = data.read(tmp_path / "2D_diff-react_NA_NA.h5")
    assert read.channels == ("u", "v") and read.axes == ("x", "y") and list(read.labels) == ["0000", "0001", "0002"]
    assert np.allclose(values(read), U2, atol=1e-6) and np.allclose(values(read, 1), -U2, atol=1e-6)
    some = data.read(tmp_path / "2D_diff-react_NA_NA.h5", trajectories=slice(1, 3))
    assert np.allclose(values(some), U2[1:], atol=1e-6)


def test_pdebench_flows(tmp_path):
    with h5py.File(tmp_path / "2D_CFD.hdf5", "w") as file:
        for factor, name in enumerate(("Vx", "Vy", "density", "pressure"), 1):
            file[name] = (factor * U2).astype("f4")
        file["x-coordinate"], file["y-coordinate"], file["t-coordinate"] = X, Y, np.append(CLOCK, 0.4)
        file.attrs["eta"], file.attrs["zeta"] = 0.01, 0.01
    read = data.read(tmp_path / "2D_CFD.hdf5")
    assert read.channels == ("density", "pressure", "Vx", "Vy") and np.allclose(values(read), 3 * U2, atol=1e-6)
    one = data.read(tmp_path / "2D_CFD.hdf5", variable="Vy")
    assert one.channels == ("Vy",) and np.allclose(values(one), 2 * U2, atol=1e-6)


def test_pdebench_without_time_is_refused(tmp_path):
    with h5py.File(tmp_path / "2D_DarcyFlow.hdf5", "w") as file:
        file["tensor"], file["nu"] = U2[:, :1], U2[:, 0]
        file["x-coordinate"], file["y-coordinate"] = X, Y
    with pytest.raises(data.DataError, match="nothing changes in time"):
        data.open(tmp_path / "2D_DarcyFlow.hdf5")


# ------------------------------------------------------------------------------------------------------------ The Well


def the_well(path, boundary="PERIODIC"):
    with h5py.File(path, "w") as file:
        file.attrs.update({"dataset_name": "waves", "grid_type": "cartesian", "n_spatial_dims": 2, "n_trajectories": N})
        file.attrs["simulation_parameters"] = ["speed", "viscosity"]
        dimensions = file.create_group("dimensions")
        dimensions.attrs["spatial_dims"] = ["x", "y"]
        for name, column in (("time", CLOCK), ("x", X), ("y", Y)):
            dimensions[name] = column.astype("f4")
            dimensions[name].attrs["sample_varying"] = False
        for name, kind in (("x", boundary), ("y", "WALL")):
            group = file.create_group(f"boundary_conditions/{name}_{kind.lower()}")
            group.attrs.update(
                {"bc_type": kind, "associated_dims": [name], "associated_fields": [], "sample_varying": False}
            )
        scalars = file.create_group("scalars")
        scalars.attrs["field_names"] = ["speed", "viscosity"]
        scalars["speed"], scalars["viscosity"] = ROW, 0.1
        scalars["speed"].attrs.update({"sample_varying": True, "time_varying": False})
        scalars["viscosity"].attrs.update({"sample_varying": False, "time_varying": False})
        field(file, "t0_fields", "height", U2)
        field(file, "t0_fields", "ground", U2[0, 0], sample=False, time=False)
        field(file, "t0_fields", "mean", U2[:, :, :, 0], dims=(True, False))
        field(file, "t1_fields", "velocity", np.stack([U2, 2 * U2], -1))
        field(file, "t2_fields", "stress", np.stack([np.stack([U2, 3 * U2], -1)] * 2, -2))
    return path


def field(file, group, name, array, sample=True, time=True, dims=(True, True)):
    own = file.require_group(group)
    own.attrs["field_names"] = [*own.attrs.get("field_names", []), name]
    own[name] = array.astype("f4")
    own[name].attrs.update({"sample_varying": sample, "time_varying": time, "dim_varying": list(dims)})


def test_the_well(tmp_path):
    opened = data.open(the_well(tmp_path / "w.hdf5"))
    assert opened.layout == "The Well" and opened.periodic == ("x",)
    assert {"ground does not change in time and is left out", "viscosity = 0.1 in all trajectories"} <= set(
        opened.notes
    )
    read = data.read(opened)
    tensors = ("stress_xx", "stress_xy", "stress_yx", "stress_yy")
    assert read.channels == ("height", "velocity_x", "velocity_y", *tensors)
    for channel, factor in enumerate((1, 1, 2, 1, 3, 1, 3)):
        assert np.allclose(values(read, channel), factor * U2, atol=1e-5)
    shutil.copy(tmp_path / "w.hdf5", tmp_path / "flat.hdf5")
    with h5py.File(tmp_path / "flat.hdf5", "a") as file:  # the components of a tensor as one axis
        whole = file["t2_fields/stress"][...]
        attributes = dict(file["t2_fields/stress"].attrs)
        del file["t2_fields/stress"]
        file["t2_fields/stress"] = whole.reshape(*whole.shape[:4], 4)
        file["t2_fields/stress"].attrs.update(attributes)
    flat = data.read(tmp_path / "flat.hdf5")
    assert flat.channels == read.channels and (flat.values == read.values).all()
    assert read.parameter_names == ("speed",) and read.parameters[:, 0].tolist() == ROW.tolist()
    assert data.open(tmp_path / "w.hdf5", variable="velocity").channels == ("velocity_x", "velocity_y")


# ------------------------------------------------------------------------------------------------------------ PDEArena


def pdearena(path):
    with h5py.File(path, "w") as file:
        for split, sign in (("train", 1), ("valid", -1)):
            group = file.create_group(split)
            for factor, name in enumerate(("u", "vx", "vy"), 1):
                group[name] = (sign * factor * U2).astype("f4")
            group["t"], group["x"], group["y"] = np.tile(CLOCK, (N, 1)), np.tile(X, (N, 1)), np.tile(Y, (N, 1))
            group["dt"], group["buo_y"] = np.full(N, CLOCK[1]), ROW / 10
    return path


def test_pdearena(tmp_path):
    opened = data.open(pdearena(tmp_path / "NavierStokes2D.h5"))
    assert opened.layout == "PDEArena" and "group train of train, valid; --group takes another" in opened.notes
    read = data.read(opened)
    assert read.channels == ("u", "vx", "vy") and np.allclose(values(read, 2), 3 * U2, atol=1e-6)
    assert read.parameter_names == ("buo_y",) and np.allclose(read.parameters[:, 0].numpy(), ROW / 10)
    assert np.allclose(values(data.read(tmp_path / "NavierStokes2D.h5", group="valid")), -U2, atol=1e-6)
    with pytest.raises(data.DataError, match="--group test: one of train, valid"):
        data.open(tmp_path / "NavierStokes2D.h5", group="test")


def test_kuramoto_sivashinsky_of_one_axis(tmp_path):
    with h5py.File(tmp_path / "KS.h5", "w") as file:
        group = file.create_group("train")
        group[f"pde_{T}-{NX}"] = U1
        lengths = 64 + 0.1 * ROW
        group["dx"], group["dt"] = lengths / NX, np.full(N, 0.1)
        group["x"] = np.stack([np.arange(NX) * dx for dx in lengths / NX])
    read = data.read(tmp_path / "KS.h5")
    assert read.periodic == ("x",) and np.allclose(read.values[:, :, 0].numpy(), U1)
    assert np.allclose(read.points.numpy(), np.arange(NX) * (lengths / NX)[:, None])  # each its own
    assert np.allclose(read.times[0].numpy(), 0.1 * np.arange(T))


def test_one_axis_with_its_grid_in_attributes(tmp_path):
    """As the files of LPSDA are, with the equation's numbers beside it."""
    with h5py.File(tmp_path / "CE.h5", "w") as file:
        array = file.create_group("train").create_dataset(f"pde_{T}-{NX}", data=U1)
        array.attrs.update({"x": X, "dx": X[1], "dt": 0.1, "nt": T, "nx": NX, "tmin": 0.0, "tmax": 0.3})
        file["train/alpha"], file["train/beta"] = ROW, np.full(N, 0.4)
    read = data.read(tmp_path / "CE.h5")
    assert np.allclose(values(read), U1) and np.allclose(read.times[0].numpy(), CLOCK)
    assert read.parameter_names == ("alpha",) and read.parameters[:, 0].tolist() == ROW.tolist()


# ------------------------------------------------------------------------------------------------- NetCDF, as CF has it


def test_stations_with_longitudes(tmp_path):
    import xarray as xr

    lon, lat = np.linspace(5, 9, NX), np.linspace(50, 53, NX)
    xr.Dataset(
        {"temperature": (("time", "station"), U1[0], {"units": "K"}), "height": ("station", lat)},
        coords={"lon": ("station", lon), "lat": ("station", lat), "time": CLOCK, "station": list("abcdef")},
    ).to_netcdf(tmp_path / "s.nc", engine="h5netcdf")
    read = data.read(tmp_path / "s.nc")
    assert read.channels == ("temperature",) and read.axes == ("lon", "lat") and read.units["temperature"] == "K"
    assert np.allclose(read.points[0].numpy(), np.stack([lon, lat], -1)) and np.allclose(
        read.values[0, :, 0].numpy(), U1[0]
    )


def test_ambiguous_lengths_are_refused(tmp_path):
    square = np.random.default_rng(0).normal(size=(NX, NX))
    np.savez(tmp_path / "s.npz", u=square, x=X, t=np.arange(NX))
    with pytest.raises(data.DataError, match=r"more than one axis .* --dims x,time"):
        data.open(tmp_path / "s.npz")
    read = data.read(tmp_path / "s.npz", dims=("x", "time"))
    assert np.array_equal(read.values[0, :, 0].numpy(), square.T)


# ------------------------------------------------------------------------------------------ Li et al.'s MATLAB files


def test_navier_stokes_of_li_et_al(tmp_path):
    """U (trajectory, x, y, time), t; no x and y."""
    import scipy.io

    u = U2.transpose(0, 2, 3, 1)
    scipy.io.savemat(tmp_path / "ns.mat", {"a": u[..., 0], "u": u, "t": CLOCK})
    with pytest.raises(data.DataError, match="--dims"):
        data.open(tmp_path / "ns.mat")
    read = data.read(tmp_path / "ns.mat", dims=("trajectory", "x", "y", "time"), coordinates={"x": "0:1", "y": "0:2"})
    assert np.allclose(values(read), U2)
