"""Files that invite a silent wrong answer: each is read as it is meant, or refused."""

from dataclasses import replace

import h5py
import numpy as np
import pandas
import pytest
import torch
import xarray as xr

from specfast import data, learn
from specfast_cli import main

X, CLOCK = np.linspace(0, 1, 8), np.arange(6.0)
U = 1 + np.sin(3 * X + CLOCK[:, None] + np.arange(5.0)[:, None, None])  # (5, 6, 8)
DIMS = ("trajectory", "time", "x")


def saved(path, dataset, **encoding):
    dataset.to_netcdf(path, engine="h5netcdf", encoding=encoding or None)
    return path


def table(path, text):
    path.write_text(text)
    return path


# ------------------------------------------------------------------------------------------------------- coordinates


def test_packed_times_are_unpacked(tmp_path):
    given = xr.Dataset({"u": (DIMS, U)}, coords={"x": X, "time": 0.2 * CLOCK})
    path = saved(tmp_path / "p.nc", given, time={"dtype": "i2", "scale_factor": 0.01})
    assert np.allclose(data.read(path).times[0].numpy(), 0.2 * CLOCK)


def test_square_coordinates_are_turned_by_their_names():
    u, own = U[:, :5], np.arange(5.0) + 10 * np.arange(5.0)[:, None]  # (trajectory, time)
    given = xr.Dataset({"u": (DIMS, u), "t": (("time", "trajectory"), own.T)}, coords={"x": X})
    assert np.array_equal(data.read(given).times.numpy(), own)
    places = np.arange(5.0) + 0.1 * np.arange(5.0)[:, None]  # (trajectory, point)
    points = xr.Dataset(
        {"u": (("trajectory", "time", "point"), U[:, :, :5]), "x": (("point", "trajectory"), places.T)},
        coords={"time": CLOCK},
    )
    assert np.array_equal(data.read(points).points.numpy(), places)
    moving = points.assign(x=(("time", "point"), np.ones((6, 5)))).isel(time=slice(0, 5))
    with pytest.raises(data.DataError, match="change in time"):
        data.read(moving)


@pytest.mark.parametrize("what", ["x", "t"])
def test_masked_coordinates_are_refused(what):
    given = {"x": X, "t": CLOCK}
    given[what] = np.ma.MaskedArray(given[what], [False, False, True, *[False] * (len(given[what]) - 3)])
    with pytest.raises(data.DataError, match="not finite"):
        data.read(U, **given)


def test_every_group_has_its_own_coordinates(tmp_path):
    with h5py.File(tmp_path / "g.h5", "w") as file:
        for number in (1, 2):
            file[f"run{number}/u"], file[f"run{number}/x"], file[f"run{number}/t"] = (
                number * U,
                X + 100 * number,
                CLOCK * number,
            )
        file["loop"] = h5py.SoftLink("/")
    with pytest.raises(data.DataError, match="several arrays could be the field: run1/u, run2/u"):
        data.open(tmp_path / "g.h5")
    for asked in ({"variable": "run2/u"}, {"group": "run2"}):
        read = data.read(tmp_path / "g.h5", **asked)
        assert (
            np.array_equal(read.values[:, :, 0].numpy(), 2 * U) and read.times[0, 1] == 2 and read.points[0, 0] == 200
        )
    with pytest.raises(data.DataError, match="--group run3: one of run1, run2"):
        data.open(tmp_path / "g.h5", group="run3")


def test_numbered_groups_are_in_order_of_their_numbers_and_keep_their_grids(tmp_path):
    with h5py.File(tmp_path / "n.h5", "w") as file:
        for number in range(12):
            file[f"{number}/data"] = np.full((6, 8, 1), float(number + 1))
            file[f"{number}/grid/x"], file[f"{number}/grid/t"] = X + number, CLOCK
    read = data.read(tmp_path / "n.h5")
    assert read.values[:, 0, 0, 0].tolist() == list(range(1, 13)) and read.points[:, 0].tolist() == list(range(12))


def test_a_user_block_alone_does_not_make_a_matlab_file(tmp_path):
    square = np.arange(64.0).reshape(8, 8) + 1
    with h5py.File(tmp_path / "b.h5", "w", userblock_size=512) as file:
        file["u"], file["x"], file["t"] = square, X, np.arange(8.0)
    read = data.read(tmp_path / "b.h5", dims=("time", "x"))
    assert np.array_equal(read.values[0, :, 0].numpy(), square)


# ----------------------------------------------------------------------------------------------------------- dates


def test_months_and_long_spans():
    months = data.read(U[0, :3], x=X, t=np.array(["2000-01", "2000-02", "2000-03"], "datetime64[M]"))
    assert months.times[0].tolist() == [0.0, 31.0, 60.0]
    centuries = data.read(U[0, :2], x=X, t=np.array(["1000-01-01", "1600-01-01"], "datetime64[D]"))
    assert centuries.times[0].tolist() == [0.0, 219145.0]
    for bad in (np.array([0, "NaT", 2], "timedelta64[s]"), np.array([0, 1, 2], "timedelta64[M]")):
        with pytest.raises(data.DataError, match=r"NaT|no fixed length"):
            data.read(U[0, :3], x=X, t=bad)


def test_times_of_their_own_are_chosen_by_their_values():
    own = CLOCK + 0.4 * np.arange(5.0)[:, None]
    read = data.read(U, x=X, t=own, times=(0.7, 2.5))
    inside = (own >= 0.7) & (own <= 2.5)
    begin = np.flatnonzero(inside.any(0))[0]
    assert read.observed.tolist() == inside[:, begin : begin + read.values.shape[1]].tolist()
    with pytest.raises(data.DataError, match="a step of 1 or more"):
        data.open(U, x=X, t=CLOCK, trajectories=slice(None, None, -1))


# ----------------------------------------------------------------------------------------------------------- marks


@pytest.mark.parametrize(("dtype", "mark"), [("u1", np.int16(-999)), ("i2", 1e20), ("i2", -0.5)])
def test_marks_that_cannot_be_stored_mark_nothing(dtype, mark, tmp_path):
    whole = np.arange(48).reshape(6, 8).astype(dtype)
    given = xr.Dataset({"u": (("time", "x"), whole, {"missing_value": mark})}, coords={"x": X, "time": CLOCK})
    assert not data.read(saved(tmp_path / "m.nc", given)).gaps


def test_a_mark_in_words_and_a_range_of_unpacked_values(tmp_path):
    whole = np.arange(48.0).reshape(6, 8)
    whole[2, 3] = -999
    given = xr.Dataset({"u": (("time", "x"), whole, {"missing_value": "-999"})}, coords={"x": X, "time": CLOCK})
    assert int(data.read(saved(tmp_path / "w.nc", given, u={"_FillValue": None})).values.isnan().sum()) == 1
    packed = xr.Dataset(
        {"u": (("time", "x"), (100 * np.linspace(0, 2, 48)).astype("i2").reshape(6, 8))}, coords={"x": X, "time": CLOCK}
    )
    packed.u.attrs.update({"scale_factor": 0.01, "valid_range": np.array([0.0, 1.0])})
    read = data.read(saved(tmp_path / "r.nc", packed, u={"_FillValue": None})).values
    assert float(read.nan_to_num().max()) == pytest.approx(1.0, abs=0.05) and 20 < int(read.isnan().sum()) < 28


# ---------------------------------------------------------------------------------------------------------- tables


def test_tables_that_invite_a_mistake(tmp_path):
    rows = [(t, x, 1 + t + x) for t in (0, 1) for x in (0, 1, 2)]
    lines = "".join(f"{t},{x},{u},{-u},\n" for t, x, u in rows)
    trailing = data.read(table(tmp_path / "a.csv", "t,x,u,v\n" + lines))
    assert trailing.channels == ("u", "v") and trailing.values[0, 1, 0].tolist() == [2, 3, 4]
    warm = data.read(table(tmp_path / "b.csv", "T,time,x\n" + "".join(f"{u},{t},{x}\n" for t, x, u in rows)))
    assert warm.channels == ("T",) and warm.times[0].tolist() == [0, 1]
    density = "t,x,n\n" + "".join(f"{t},{x},{u}\n" for t, x, u in rows)
    assert data.read(table(tmp_path / "c.csv", density), variable="n").channels == ("n",)
    comma = "t;x;u\n" + "".join(f"{t};{x};{u},5\n" for t, x, u in rows)
    assert data.read(table(tmp_path / "d.csv", comma)).values[0, 0, 0].tolist() == [1.5, 2.5, 3.5]
    frame = pandas.DataFrame(rows, columns=["t", "x", "u"])
    frame.to_csv(tmp_path / "e.csv")
    assert data.read(tmp_path / "e.csv").channels == ("u",)
    counted = "index,t,time,x,u\n" + "".join(f"{i},{t},{10 * t},{x},{u}\n" for i, (t, x, u) in enumerate(rows))
    assert data.read(table(tmp_path / "g.csv", counted)).channels == ("u",)
    for text, message in (
        ("t,x,u\n0,0,1\n0,1,<0.1\n1,0,2\n1,1,3\n", "column u holds '<0.1' in row 2"),
        ("trajectory,t,x,u\n1,0,0,1\n,1,0,2\n2,0,0,3\n2,1,0,4\n", "trajectory is missing in row 2"),
    ):
        with pytest.raises(data.DataError, match=message):
            data.read(table(tmp_path / "f.csv", text))
    with pytest.raises(data.DataError, match="--coordinate x=nope"):
        data.open(tmp_path / "e.csv", coordinates={"x": "nope"})


# ------------------------------------------------------------------------------------------------- units, and back again


def test_forecasts_at_times_in_the_unit_of_the_data():
    x = np.linspace(-4, 4, 30)
    u = np.exp(-(x**2) / (1 + 0.2 * CLOCK[:, None] + np.arange(6)[:, None, None]))
    given = data.read(u, x=x, t=CLOCK, units={"time": "days since 2000-01-01"})
    model = learn.fit(given, degree=6, steps=4, fixed=True, progress=False)
    hours = replace(given, times=24 * given.times, units={"time": "hours since 2000-01-01"})
    usual, other = learn.forecast(model, given, times=[0, 1, 2]), learn.forecast(model, hours, times=[0, 24, 48])
    assert other.time.values.tolist() == [0, 24, 48] and np.allclose(usual.u, other.u, rtol=1e-9)
    assert learn.beyond(model, hours, hours.times, hours.points) == learn.beyond(
        model, given, given.times, given.points
    )


def test_positions_in_the_order_of_the_data():
    x, y = np.linspace(-3, 3, 10), np.linspace(-2, 2, 8)
    u = np.exp(-(x[:, None] ** 2) - 0.5 * y**2 - 0.1 * CLOCK[:, None, None] * np.arange(1, 5)[:, None, None, None])
    given = xr.DataArray(u, dims=("trajectory", "time", "x", "y"), coords={"x": x, "y": y, "time": CLOCK}, name="u")
    model = learn.fit(given, degree=4, steps=4, fixed=True, progress=False)
    one = learn.forecast(model, data.read(given), at=[torch.tensor([0.5, 1.0]), torch.tensor([0.0])])
    turned = learn.forecast(
        model,
        data.read(given.transpose("y", "x", "time", "trajectory")),
        at=[torch.tensor([0.0]), torch.tensor([0.5, 1.0])],
    )
    assert turned.u.dims == ("y", "x", "time", "trajectory")
    assert np.allclose(one.u.transpose("y", "x", "time", "trajectory"), turned.u)


def test_what_convert_writes_is_read_again(tmp_path, capsys):
    rows = [
        (w, t, x, np.cos(x + t)) for w in "ab" for t in (0.0, 1.0 + (w == "b")) for x in (0.0, 1.0, 3.0 + (w == "b"))
    ]
    pandas.DataFrame(rows, columns=["well", "hours", "position_um", "density"]).to_csv(tmp_path / "l.csv", index=False)
    options = ["--coordinate", "trajectory=well", "time=hours", "x=position_um"]
    given = data.read(tmp_path / "l.csv", coordinates={"trajectory": "well", "time": "hours", "x": "position_um"})
    for end in ("nc", "csv"):
        assert main(["convert", str(tmp_path / "l.csv"), "--out", str(tmp_path / f"o.{end}"), *options]) == 0
        again = data.read(tmp_path / f"o.{end}", coordinates={"x": "position_um"} if end == "csv" else None)
        assert again.channels == ("density",) and torch.equal(again.times, given.times)
        assert torch.equal(again.values.nan_to_num(), given.values.nan_to_num())
    both = xr.Dataset(
        {"a": (DIMS, U, {"units": "K"}), "b": (DIMS, -U, {"units": "m", "flag": True})}, coords={"x": X, "time": CLOCK}
    )
    two = data.read(both, variable=["a", "b"])
    data.write(data.to_dataset(replace(two, origin=data.Origin())), tmp_path / "two.nc")
    read = data.read(tmp_path / "two.nc")
    assert read.units["a"] == "K" and read.units["b"] == "m"
    data.write(data.to_dataset(two), tmp_path / "kept.nc")  # flags, which NetCDF cannot hold, are left out


def test_a_model_that_depends_on_time_wants_its_own_reference():
    x = np.linspace(-4, 4, 30)
    u = np.exp(-(x**2) / (1 + CLOCK[:, None] + np.arange(6)[:, None, None]))
    given = data.read(u, x=x, t=CLOCK, units={"time": "days since 2000-01-01"})
    model = learn.fit(given, degree=4, steps=2, fixed=True, progress=False, time_dependent=True)
    with pytest.raises(data.DataError, match="times count from 2010-07-01"):
        model.evaluate(replace(given, units={"time": "days since 2010-07-01"}))


def test_a_forecast_that_grows_out_of_all_that_was_seen_is_remarked_on():
    x = np.linspace(-4, 4, 30)
    u = np.exp(0.5 * CLOCK[:, None] - x**2 / (1 + np.arange(4)[:, None, None]))
    model = learn.fit(u, x=x, t=CLOCK, degree=6, steps=4, fixed=True, progress=False)
    far = learn.forecast(model, data.read(u, x=x, t=CLOCK), times=np.arange(0.0, 12.0))
    assert "the forecast reaches" in far.attrs["extrapolation"]
