"""Later files are matched to a model by names and units, or refused; forecasts look like the data they start from."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr
from fields import moving_gaussian

import specfast as sf
from specfast import data, learn
from specfast.data.match import Signature, matched
from specfast_cli import main

X, Y, CLOCK = np.linspace(-3, 3, 14), np.linspace(-2, 2, 12), np.linspace(0, 0.5, 5)


def plane(count=6, seed=0):
    """Return two channels of u_t = -u_x + u_yy / 4 + ..: Gaussians that move and spread, not the same along x and y."""
    g = np.random.default_rng(seed)
    a, b = g.uniform(0.5, 1.5, (2, count, 1, 1, 1))
    t = CLOCK[:, None, None]
    p = a * np.exp(-((X[:, None] - t) ** 2) - Y**2 / (b + t)) / np.sqrt(b + t)
    q = b * np.exp(-(X[:, None] ** 2) / (a + t) - (Y + t) ** 2)
    dims = ("trajectory", "time", "x", "y")
    return xr.Dataset(
        {"p": (dims, p, {"units": "m"}), "q": (dims, q)}, coords={"x": ("x", X, {"units": "km"}), "y": Y, "time": CLOCK}
    )


@pytest.fixture(scope="module")
def model():
    given = learn.fit(plane(), "hermite", variable=["p", "q"], degree=6, steps=8, fixed=True, progress=False)
    return given


def test_channels_and_axes_in_another_order_give_the_same(model):
    usual = data.read(plane(3, 1), variable=["p", "q"])
    for given in (
        data.read(plane(3, 1), variable=["q", "p"]),
        data.read(plane(3, 1).transpose("trajectory", "time", "y", "x"), variable=["p", "q"]),
        data.read(plane(3, 1).transpose("y", "time", "trajectory", "x"), variable=["q", "p"]),
    ):
        assert model.evaluate(given)["relative_l2"] == pytest.approx(model.evaluate(usual)["relative_l2"], rel=1e-9)


def test_what_does_not_match_is_refused(model):
    given = plane(3, 1)
    for bad, match in (
        (data.read(given, variable=["p"]), "channels p; the model was trained with p, q"),
        (data.read(given.rename(q="r"), variable=["p", "r"]), "channels p, r"),
        (data.read(given.rename(x="z"), variable=["p", "q"]), "space axes z, y; the model was trained with x, y"),
        (data.read(given.isel(y=0, drop=True), variable=["p", "q"]), "space axes x"),
        (data.read(given.assign_coords(x=("x", X, {"units": "m"})), variable=["p", "q"]), "x is in 'm'; .* 'km'"),
        (replace(data.read(given, variable=["p", "q"]), parameters=torch.ones(3, 1)), "parameters parameter0"),
    ):
        with pytest.raises(data.DataError, match=match):
            model.evaluate(bad)


def test_parameters_by_name_and_times_by_unit():
    one = data.read(
        np.ones((2, 3, 4)), x=np.arange(4.0), t=np.arange(3.0), parameters=[[1, 2], [3, 4]], parameter_names=["k", "nu"],
        units={"time": "days since 2000-01-01"},
    )  # fmt: skip
    wanted = Signature(("u",), ("x",), ("nu", "k"), {"time": "hours since 1990-01-01"})
    found = matched(one, wanted)
    assert found.parameters.tolist() == [[2, 1], [4, 3]] and found.times[0].tolist() == [0.0, 24.0, 48.0]
    assert found.units["time"] == "hours since 2000-01-01"
    with pytest.raises(data.DataError, match="time is in 'days since 2000-01-01'; the model was trained with 'm'"):
        matched(one, replace(wanted, units={"time": "m"}))
    assert Signature.from_dict(json.loads(json.dumps(wanted.to_dict()))) == wanted


# ----------------------------------------------------------------------------------------------------------- forecasts


def test_a_grid_is_given_back(model):
    given = plane(3, 1).transpose("y", "time", "trajectory", "x")
    predicted = learn.forecast(model, data.read(given, variable=["q", "p"]))
    assert predicted["p"].dims == given["p"].dims and predicted["p"].attrs["units"] == "m"
    difference = (predicted.p - given.p).transpose("trajectory", "time", "x", "y")
    assert difference.shape == (3, 5, 14, 12) and float(abs(difference).max()) < 0.6
    assert np.allclose(predicted.x, given.x) and predicted.x.attrs["units"] == "km"
    assert list(predicted.data_vars) == ["q", "p"]
    wrong = np.linalg.norm(difference.isel(time=slice(1, None))) / np.linalg.norm(given.p.isel(time=slice(1, None)))
    assert wrong < 0.1


def test_other_times_and_places(model):
    read = data.read(plane(2, 3), variable=["p", "q"])
    usual = learn.forecast(model, read)
    finer = learn.forecast(model, read, times=np.linspace(0, 1.0, 9))
    assert np.allclose(finer.p.sel(time=0.5), usual.p.sel(time=0.5), atol=1e-3) and finer.sizes["time"] == 9
    assert "the forecast goes 1 beyond the start, training trajectories 0.5" in finer.attrs["extrapolation"]
    rows = torch.tensor([row for row in range(6) if row not in model.metrics["validation"]["rows"]])
    assert "extrapolation" not in learn.forecast(model, data.read(plane(6), variable=["p", "q"]).select(rows)).attrs
    grid = learn.forecast(model, read, at=[torch.linspace(-1, 1, 3), torch.linspace(-1, 1, 4)])
    assert grid.p.dims == ("trajectory", "time", "x", "y") and grid.p.shape == (2, 5, 3, 4)
    points = learn.forecast(model, read, at=torch.tensor([[-1.0, -1.0], [1.0, 1.0]]))
    assert points.p.dims == ("trajectory", "time", "point")
    assert np.allclose(points.p.values[..., 0], grid.p.sel(x=-1, y=-1).values)
    with pytest.raises(data.DataError, match="before the first observed"):
        learn.forecast(model, read, times=[-2.0, -1.0])
    with pytest.raises(data.DataError, match="that increase"):
        learn.forecast(model, read, times=[1.0, 0.0])


def test_own_times_and_sensors(tmp_path):
    given, *_ = moving_gaussian(6, times=6, sensors=24)
    given = replace(given, times=given.times * torch.linspace(1, 2, 6, dtype=torch.float64)[:, None])
    model = learn.fit(given, degree=6, steps=4, fixed=True, progress=False)
    predicted = learn.forecast(model, given)
    assert predicted["u"].shape == (6, 6, 24) and predicted["x"].dims == ("trajectory", "point")
    data.write(predicted, tmp_path / "p.nc")
    again = data.read(tmp_path / "p.nc")
    assert torch.equal(again.times, given.times) and torch.equal(again.points, given.points)
    assert torch.equal(again.values, torch.as_tensor(predicted["u"].values)[:, :, None])


def test_one_array_without_trajectories_complex_and_dated(tmp_path):
    x, t = np.linspace(-5, 5, 30), np.arange("2020-01-01", "2020-01-07", dtype="datetime64[D]").astype("datetime64[ns]")
    z = np.exp(-(x**2) / 2 - 1j * 0.1 * np.arange(6.0)[:, None])
    array = xr.DataArray(z, coords={"t": t, "x": x}, dims=("t", "x"), name="psi", attrs={"long_name": "wave"})
    model = learn.fit(array, "hermite", degree=5, steps=4, fixed=True, progress=False)
    predicted = learn.forecast(model, data.read(array))
    assert (
        predicted.psi.dims == ("t", "x")
        and predicted.psi.dtype == complex
        and predicted.psi.attrs["long_name"] == "wave"
    )
    back = xr.decode_cf(predicted)
    assert (back.t.values.astype("datetime64[D]") == t.astype("datetime64[D]")).all()
    assert back.psi.sel(t="2020-01-03").shape[-1] == 30


def test_command_line(tmp_path, capsys):
    plane().to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    plane(2, 1).isel(time=slice(0, 1)).transpose("time", "y", "x", "trajectory").to_netcdf(
        tmp_path / "b.nc", engine="h5netcdf"
    )
    run = str(tmp_path / "run")
    options = ["--basis", "hermite", "--degree", "4", "--steps", "4", "--out", run, "--fixed-basis"]
    assert main(["learn", str(tmp_path / "a.nc"), "--variable", "p", "q", *options]) == 0
    capsys.readouterr()
    arguments = [
        "predict",
        run,
        str(tmp_path / "b.nc"),
        "--variable",
        "q",
        "p",
        "--times",
        "0:1:0.25",
        "--out",
        str(tmp_path / "c.nc"),
    ]
    assert main(arguments) == 0
    told = capsys.readouterr()
    assert "beyond what was seen: the forecast goes 1 beyond the start" in told.err
    with xr.open_dataset(tmp_path / "c.nc", engine="h5netcdf") as found:
        assert found.p.dims == ("time", "y", "x", "trajectory") and found.time.values.tolist() == [
            0,
            0.25,
            0.5,
            0.75,
            1.0,
        ]
        assert "extrapolation" in found.attrs and found.attrs["Conventions"] == "CF-1.8"
    xr.Dataset(coords={"x": [0.0, 1.0], "y": [0.0]}).to_netcdf(tmp_path / "at.nc", engine="h5netcdf")
    assert main([*arguments, "--overwrite", "--at", str(tmp_path / "at.nc")]) == 0
    with xr.open_dataset(tmp_path / "c.nc", engine="h5netcdf") as found:
        assert found.sizes == {"time": 5, "y": 1, "x": 2, "trajectory": 2}
    assert main(["predict", run, str(tmp_path / "b.nc"), "--variable", "p", "--out", str(tmp_path / "d.nc")]) == 2
    assert "channels p; the model was trained with p, q" in capsys.readouterr().err
    assert not (tmp_path / "d.nc").exists()
    assert main(["convert", str(tmp_path / "a.nc"), "--variable", "p", "--out", str(tmp_path / "p.csv")]) == 0
    assert np.allclose(
        data.read(tmp_path / "p.csv").values.numpy(), data.read(tmp_path / "a.nc", variable="p").values.numpy()
    )
    assert main(["inspect", str(tmp_path / "a.nc"), "--variable", "p"]) == 0
    told = capsys.readouterr().out
    assert "trajectories 6" in told and "axis x       -3 to 3 km" in told and "noise" in told


def test_spread_and_channel_axis():
    given, *_ = moving_gaussian(8, times=5, sensors=24)
    ensemble = sf.learn.fit_ensemble(given, count=2, degree=5, steps=4, fixed=True, progress=False)
    predicted = learn.forecast(ensemble, given)
    assert set(predicted.data_vars) == {"u", "u_spread"} and float(predicted.u_spread.max()) > 0
