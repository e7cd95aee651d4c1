"""Values that were not observed are never taken for values; times and units are kept."""

import importlib.util

import h5netcdf
import numpy as np
import pytest
import scipy.io
import torch
import xarray as xr

import specfast as sf
from specfast import data

X, CLOCK = np.linspace(0, 1, 6), np.arange(4.0)
U = 1 + np.arange(4.0)[:, None] + X  # (time, x)
DIMS = ("time", "x")


def write(path, u, encoding=None, attributes=None, engine="h5netcdf", **coordinates):
    attributes = attributes or {}
    dataset = xr.Dataset({"u": (DIMS, u, attributes)}, coords={"x": X, "time": CLOCK} | coordinates)
    dataset.to_netcdf(path, engine=engine, encoding={"u": encoding or {"_FillValue": None}})
    return path


def absent(path):
    return data.read(path).values[0, :, 0].isnan().numpy()


HOLE = np.zeros(U.shape, dtype=bool)
HOLE[1, 2] = HOLE[3, 5] = True


@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
@pytest.mark.parametrize(
    ("mark", "attributes", "dtype"),
    [
        (-999.0, {"_FillValue": -999.0}, "f8"),
        (-999.0, {"missing_value": -999.0}, "f4"),
        (1e20, {"missing_value": np.float64(1e20)}, "f4"),  # is not 1e20 in single precision
        (-1.0, {"valid_min": 0.0}, "f8"),
        (50.0, {"valid_max": 40.0}, "f8"),
        (50.0, {"valid_range": np.array([0.0, 40.0])}, "f8"),
        (9.969209968386869e36, {}, "f4"),
        (9.969209968386869e36, {}, "f8"),
        (np.inf, {}, "f8"),
        (-np.inf, {}, "f4"),
        (np.nan, {}, "f8"),
        (-32767, {}, "i2"),
        (-2147483647, {}, "i4"),
    ],
)
def test_every_mark(mark, attributes, dtype, engine, tmp_path):
    u = U.astype(dtype)
    u[HOLE] = np.asarray(mark, dtype)
    path = tmp_path / "u.nc"
    if "_FillValue" in attributes:
        write(path, np.where(HOLE, np.nan, U), {"_FillValue": -999.0}, engine=engine)
    else:
        write(path, u, {"_FillValue": None}, attributes, engine)
    assert (absent(path) == HOLE).all()
    kept = data.read(path).values[0, :, 0].numpy()
    assert np.allclose(kept[~HOLE], U.astype(dtype)[~HOLE])


def test_packed_values_are_compared_as_they_are_stored(tmp_path):
    packed = np.round((U - 1) / 0.01).astype("i2")
    packed[HOLE] = -5
    attributes = {"scale_factor": 0.01, "add_offset": 1.0, "missing_value": np.int16(-5), "valid_max": np.int16(600)}
    with h5netcdf.File(tmp_path / "p.nc", "w") as file:
        file.dimensions = {"time": 4, "x": 6}
        for name, array in (("time", CLOCK), ("x", X)):
            file.create_variable(name, (name,), data=array)
        file.create_variable("u", DIMS, data=packed).attrs.update(attributes)
    read = data.read(tmp_path / "p.nc").values[0, :, 0].numpy()
    assert (np.isnan(read) == HOLE).all() and np.allclose(read[~HOLE], U[~HOLE], atol=0.006)


def test_masked_arrays():
    masked = np.ma.MaskedArray(U, HOLE)
    read = data.read(masked, x=X, t=CLOCK)
    assert (read.values[0, :, 0].isnan().numpy() == HOLE).all()
    space = sf.Space(sf.Legendre(degree=2))
    points = 2 * X - 1
    fitted = space.fit(masked, points)
    weights = (~HOLE).astype(float)
    assert np.allclose(fitted, space.fit(np.where(HOLE, 0.0, U), points, weights=weights))
    with pytest.raises(TypeError, match="values: a masked array"):
        space.adjoint(masked, points)
    assert np.allclose(space.adjoint(np.ma.MaskedArray(U, False), points), space.adjoint(U, points))


@pytest.mark.skipif(importlib.util.find_spec("zarr") is None, reason="needs zarr")
def test_zarr_fill_values(tmp_path):
    dataset = xr.Dataset({"u": (DIMS, np.where(HOLE, np.nan, U - 1))}, coords={"x": X, "time": CLOCK})
    for version in (2, 3):
        path = tmp_path / f"{version}.zarr"
        dataset.to_zarr(path, zarr_format=version, encoding={"u": {"_FillValue": -7.0}}, consolidated=False)
        assert (absent(path) == HOLE).all()  # and 0, which is what Zarr fills with where nobody says, is a value


def test_an_unreadable_variable_stops_nothing(tmp_path):
    import h5py

    path = write(tmp_path / "u.nc", U)
    with h5py.File(path, "a") as file:
        file.create_dataset("odd", data=np.zeros(2, dtype=[("a", "f8"), ("b", "S4")]))
        file["opaque"] = np.void(b"abc")
    assert data.read(path).values.shape == (1, 4, 1, 6)
    scipy.io.savemat(
        tmp_path / "s.mat", {"u": U, "x": X, "t": CLOCK, "settings": {"a": 1}, "names": np.array(["a", "b"], object)}
    )
    assert np.array_equal(data.read(tmp_path / "s.mat").values[0, :, 0].numpy(), U)
    with pytest.raises(data.DataError, match="settings, it cannot be read"):
        data.open(tmp_path / "s.mat", variable="settings")
    np.savez(tmp_path / "o.npz", u=np.array([{}], dtype=object))
    with pytest.raises(data.DataError, match="no array with two axes"):
        data.open(tmp_path / "o.npz")


# --------------------------------------------------------------------------------------------------------------- times


def test_dates_are_numbers_with_a_unit(tmp_path):
    dates = np.array(["2020-02-28", "2020-02-29", "2020-03-01", "2020-03-03"], "datetime64[ns]")
    for read in (
        data.read(write(tmp_path / "d.nc", U, time=dates)),
        data.read(xr.DataArray(U, coords={"time": dates, "x": X}, dims=DIMS)),
        data.read(U, x=X, t=dates),
    ):
        assert (read.times[0] - read.times[0, 0]).tolist() == [0.0, 1.0, 2.0, 4.0]
        assert read.units["time"].startswith("days since 2020-02-28")
    back = xr.decode_cf(data.to_dataset(read))
    assert (back["time"].values.astype("datetime64[D]") == dates.astype("datetime64[D]")).all()
    hours = data.read(U, x=X, t=np.array([0, 2, 4, 7], "timedelta64[h]"))
    assert hours.times[0].tolist() == [0.0, 2.0, 4.0, 7.0] and hours.units["time"] == "hours"


@pytest.mark.skipif(importlib.util.find_spec("cftime") is None, reason="needs cftime")
def test_dates_of_other_calendars(tmp_path):
    clock = ("time", [0.0, 29.0, 30.0, 60.0], {"units": "days since 2001-01-30", "calendar": "360_day"})
    path = write(tmp_path / "c.nc", U, time=clock)
    read = data.read(path)
    assert read.times[0].tolist() == [0.0, 29.0, 30.0, 60.0] and read.origin.calendar == "360_day"
    decoded = data.read(xr.open_dataset(path, engine="h5netcdf"))
    assert decoded.times[0].tolist() == [0.0, 29.0, 30.0, 60.0] and decoded.origin.calendar == "360_day"
    back = xr.decode_cf(data.to_dataset(decoded))
    assert str(back["time"].values[1]) == "2001-02-29 00:00:00"  # of 30 days


def test_units_of_time_that_cannot_be_decoded(tmp_path):
    clock = ("time", CLOCK, {"units": "fortnights since forever"})
    field = data.open(write(tmp_path / "f.nc", U, time=clock))
    assert "time: units 'fortnights since forever' cannot be decoded" in field.notes[0]
    assert data.read(field).times[0].tolist() == CLOCK.tolist()


@pytest.mark.parametrize("gap", [0.0, -1.0])
def test_times_that_do_not_increase(gap):
    with pytest.raises(
        data.DataError, match=r"does not increase strictly: times 1 and 2 of trajectory 0 are 1\.0 and (1|0)\.0"
    ):
        data.read(U, x=X, t=np.array([0.0, 1.0, 1.0 + gap, 5.0]))


def test_times_a_bit_apart():
    t = np.array([0.0, 1.0, np.nextafter(1.0, 2.0), 5.0])
    assert data.read(U, x=X, t=t).times[0].tolist() == t.tolist()


def test_one_pass_finds_gaps_and_the_largest():
    u = np.where(HOLE, np.nan, U)
    u[2] = np.nan
    read = data.read(u, x=X, t=CLOCK)
    assert read.gaps and read.largest == np.nanmax(u) and read.observed.tolist() == [[True, True, False, True]]
    assert torch.equal(read.first, torch.tensor([0]))
