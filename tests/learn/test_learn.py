"""The learner end to end: closed-form data, the protocol, saving and loading, bad input."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

import specfast as sf
from specfast import learn
from specfast.data.observations import make
from specfast.learn.checkpoint import read_tensors, write_tensors
from specfast.learn.encode import encode
from specfast.learn.error_measures import compare
from specfast.learn.model_selection import choose_encoder
from specfast_cli import main

DEMO = Path(__file__).parents[2] / "examples" / "data" / "diffusion.nc"
D = torch.float64


def write(path, u=None, x=None, time=None, dims=("trajectory", "time", "point"), name="u"):
    u = np.random.default_rng(0).normal(size=(4, 3, 12)) if u is None else u
    x = np.linspace(-0.9, 0.9, 12) if x is None else x
    time = np.arange(3.0) if time is None else time
    dataset = xr.Dataset({name: (dims, u), "x": ((dims[-1],), x)}, coords={"time": (("time",), time)})
    dataset.to_netcdf(path, engine="h5netcdf")
    return str(path)


def exact_decay(count=12):
    """c_n(t) = c_n(0) exp(-n t / 4) on Chebyshev polynomials: a linear equation with a known solution."""
    generator = torch.Generator().manual_seed(0)
    space, times = sf.Space(sf.Chebyshev(degree=4)), torch.linspace(0, 1, 6, dtype=D)
    start = torch.randn(count, 1, 5, generator=generator, dtype=D)
    coef = start * torch.exp(-torch.arange(5) * times[:, None] / 4)
    points = torch.linspace(-0.95, 0.95, 20, dtype=D)
    return make(space.synthesize(coef, points)[:, :, None].numpy(), points.numpy(), times.numpy(), ("u",))


def test_ode_against_the_exponential():
    space = sf.Space(sf.Hermite(degree=3))

    class Growth(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.rate = torch.nn.Parameter(torch.tensor(0.7, dtype=D))

        def forward(self, t, coef, log_scale, shift, parameters=None):
            return -self.rate * coef, 0.1 * torch.ones_like(log_scale), 0.2 * torch.ones_like(shift)

    coef, scale, shift = torch.randn(3, 2, 4, dtype=D), torch.full((3,), 1.5, dtype=D).log(), torch.zeros(3, dtype=D)
    common = torch.linspace(0, 1, 4, dtype=D)
    own = common * torch.tensor([[1.0], [0.5], [2.0]], dtype=D)
    for times in (common, own):
        for adjoint in (False, True):
            model = Growth()
            ode = sf.nn.SpectralODE(space, model, rtol=1e-8, atol=1e-10, adjoint=adjoint)
            c, b, x0 = ode(coef, scale, shift, times)
            t = times.expand(3, 4)
            torch.testing.assert_close(c, coef[:, None] * torch.exp(-0.7 * t)[:, :, None, None], rtol=1e-6, atol=1e-8)
            torch.testing.assert_close(b.exp(), 1.5 * torch.exp(0.1 * t), rtol=1e-6, atol=1e-8)
            torch.testing.assert_close(x0, 0.2 * t, rtol=1e-6, atol=1e-8)
            c[:, -1].sum().backward()
            expected = (-t[:, -1] * torch.exp(-0.7 * t[:, -1]) * coef.sum((1, 2))).sum()
            torch.testing.assert_close(model.rate.grad, expected, rtol=1e-5, atol=1e-7)


def test_encoding_ignores_what_was_not_observed():
    data = exact_decay()
    damaged = data.values.clone()
    damaged[:, :, :, ::3] = torch.nan
    partial = make(damaged.numpy(), data.points.numpy(), data.times.numpy(), ("u",))
    basis = choose_encoder(data, "chebyshev", degree=4)
    torch.testing.assert_close(encode(basis, partial).coef, encode(basis, data).coef, rtol=1e-4, atol=1e-5)


def measure(predicted, data):
    """Return the figures of a prediction."""
    return compare(predicted, data, data.largest).figures()


def test_measure_counts_failures_as_error_one_and_leaves_the_start_out():
    data = exact_decay(3)
    predicted = data.values.clone()
    assert measure(predicted, data)["relative_l2"] == 0
    predicted[:, 0] += 5
    assert measure(predicted, data)["relative_l2"] == 0
    predicted[1] = torch.nan
    result = measure(predicted, data)
    power = data.values[:, 1:].square().sum((1, 2, 3))
    assert result["failed"] == [1]
    assert result["relative_l2"] == pytest.approx(float((power[1] / power.sum()).sqrt()))


def test_learns_a_linear_equation_and_survives_the_disk(tmp_path):
    data = exact_decay()
    model = learn.fit(data, "chebyshev", degree=4, steps=40, batch=8, progress=False)
    figures = model.evaluate(data)
    assert figures["relative_l2"] < 0.02
    model.save(tmp_path / "model")
    again = learn.load(tmp_path / "model")
    assert torch.equal(again.predict_dataset(data), model.predict_dataset(data))
    # The learned F[u] against the true one: d/dt of the field.
    start = data.values[:, 0]
    later = data.values[:, 1]
    slope = (later - start) / float(data.times[0, 1])
    learned = model.rhs(0.5 * (start + later), data.points)
    assert float((learned - slope).norm() / slope.norm()) < 0.1


def test_a_late_first_snapshot_and_a_trajectory_observed_once():
    data = exact_decay(6)
    values = data.values.clone()
    values[0, :2] = torch.nan
    values[1, 1:] = torch.nan
    gaps = make(values.numpy(), data.points.numpy(), data.times.numpy(), ("u",))
    model = learn.fit(gaps, "chebyshev", degree=4, steps=10, progress=False)
    figures = model.evaluate(gaps)
    assert figures["observed_once"] == [1] and not figures["failed"]
    assert model.predict_dataset(gaps)[0, :2].isnan().all() and model.predict_dataset(gaps)[0, 2:].isfinite().all()


def plane(path, scattered):
    """Heat equation with drift on the plane: one Gaussian a trajectory."""
    rng, count, t = np.random.default_rng(0), 16, np.linspace(0, 0.5, 5)
    if scattered:
        x, y = rng.uniform(-4, 5, (count, 1, 120)), rng.uniform(-4, 4, (count, 1, 120))
    else:
        grid = np.meshgrid(np.linspace(-4, 5, 13), np.linspace(-4, 4, 11), indexing="ij")
        x, y = (g.reshape(1, 1, -1) for g in grid)
    x0, y0, width = rng.normal(0, 0.3, (count, 1, 1)), rng.normal(0, 0.3, (count, 1, 1)), 1 + t[:, None]
    u = np.exp(-((x - x0 - t[:, None]) ** 2 + (y - y0) ** 2) / (2 * width)) / width
    if scattered:
        places = {"x": (("trajectory", "point"), x[:, 0]), "y": (("trajectory", "point"), y[:, 0])}
        u[0, :, ::7] = np.nan
    else:
        u = u.reshape(count, 5, 13, 11)
        places = {"x": ("x", grid[0][:, 0]), "y": ("y", grid[1][0])}
    dims = ("trajectory", "time", *(("point",) if scattered else ("x", "y")))
    dataset = xr.Dataset({"u": (dims, u), **places}, coords={"time": t})
    dataset.to_netcdf(path, engine="h5netcdf")
    return path


@pytest.mark.parametrize("scattered", [False, True], ids=["grid", "sensors"])
def test_two_axes_from_file_to_report(tmp_path, scattered, capsys):
    source, out = plane(tmp_path / "plane.nc", scattered), tmp_path / "model"
    assert main(["learn", str(source), "--hold-out", "4", "--steps", "60", "--out", str(out)]) == 0
    assert "terms" in capsys.readouterr().out
    held_out = json.loads((out / "metrics.json").read_text())["metrics"]["held_out"]
    assert held_out["relative_l2"] < 0.1 and not held_out["failed"]
    assert (out / "fields.png").stat().st_size > 5000
    model = learn.load(out)
    # One Gaussian of variance 1 to 1.5 around (0.25, 0): its own basis has beta = 1 / sqrt(variance).
    assert all(0.7 < scale < 1.1 for scale in model.encoder.scale)
    assert abs(model.encoder.shift[0] - 0.25) < 0.4 and abs(model.encoder.shift[1]) < 0.4
    assert main(["evaluate", str(out), str(DEMO)]) == 2
    assert "space axes" in capsys.readouterr().err
    assert main(["learn", str(source), "--basis", "hermite,hermite,hermite", "--out", str(tmp_path / "r")]) == 2
    assert "3 are given" in capsys.readouterr().err


def test_one_domain_is_for_the_axes_that_take_one():
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(40, 2, generator=generator, dtype=D)
    values = torch.exp(-points.square().sum(-1)).expand(5, 3, 1, -1)
    data = make(values.numpy(), points.numpy(), np.arange(3.0), ("u",), ("x", "y"))
    for domain in ([(-2.0, 2.0)], [(-np.inf, np.inf), (-2.0, 2.0)], [None, (-2.0, 2.0)]):
        families = choose_encoder(data, "hermite,chebyshev", degree=4, domain=domain).space.families
        assert families[1] == sf.Chebyshev(-2.0, 2.0)
    with pytest.raises(learn.DataError, match="whole line"):
        choose_encoder(data, "hermite", degree=4, domain=[(-2.0, 2.0)])


def test_an_axis_of_each_kind(tmp_path):
    # The heat equation along x, nothing happens along y.
    rng, t = np.random.default_rng(1), np.linspace(0, 0.4, 4)
    x, y = (g.ravel() for g in np.meshgrid(np.linspace(-4, 4, 15), np.linspace(0, 2, 9), indexing="ij"))
    amplitude = rng.uniform(0.5, 1.5, (12, 1, 1))
    u = amplitude * np.exp(-(x**2) / (2 * (1 + t[:, None]))) / np.sqrt(1 + t[:, None]) * (1 + 0.5 * y)
    data = make(u[:, :, None], np.stack([x, y], -1), t, ("u",), ("x", "y"))
    model = learn.fit(data, "hermite,chebyshev", domain=None, steps=30, progress=False)
    assert [type(f).__name__ for f in model.encoder.space.families] == ["Hermite", "Chebyshev"]
    assert model.evaluate(data)["relative_l2"] < 0.05


def test_nothing_depends_on_the_units_of_x_and_u():
    reference = learn.read(DEMO).select(torch.arange(12))
    errors = []
    for length, origin, size in ((1, 0, 1), (1e6, 3e6, 1e-200), (1e-9, 0, 1e200)):
        x, u = reference.points * length + origin, reference.values * size
        data = make(u.numpy(), x.numpy(), reference.times.numpy(), ("u",))
        model = learn.fit(data, steps=5, progress=False)
        errors.append(model.evaluate(data)["relative_l2"])
        assert model.encoder.scale[0] * length == pytest.approx(0.8, rel=0.3)
    assert max(errors) < 0.02 and errors == pytest.approx([errors[0]] * 3, rel=1e-3)


def test_snapshots_without_observations_do_not_change_the_degree():
    data = learn.read(DEMO).select(torch.arange(16))
    values = data.values.clone()
    values[:, 1::2] = torch.nan
    partial = make(values.numpy(), data.points.numpy(), data.times.numpy(), ("u",))
    assert choose_encoder(partial, "hermite").space.size >= choose_encoder(data, "hermite").space.size - 2


def test_a_bounded_basis_holds_the_positions_of_those_held_out(tmp_path):
    for seed in range(3):
        options = ["--basis", "legendre", "--hold-out", "3", "--steps", "2", "--seed", str(seed), "--overwrite"]
        assert main(["learn", str(DEMO), *options, "--out", str(tmp_path / "model")]) == 0


def test_damaged_runs_are_named(tmp_path, capsys):
    out = tmp_path / "model"
    assert main(["learn", str(DEMO), "--steps", "1", "--out", str(out)]) == 0
    kept = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    weights, notes = read_tensors(out / "weights.safetensors")
    config = notes["config"]

    def with_config(changed):
        write_tensors(out / "weights.safetensors", weights, {"config": changed})

    def with_text(name, text):
        (out / name).write_text(text)

    damages = (
        lambda: with_text("metrics.json", "{}"),
        lambda: with_config({"format": 1}),
        lambda: with_config(config | {"format": 99}),
        lambda: with_config(config | {"fingerprint": "another space"}),
        lambda: with_config(config | {"encoder": config["encoder"] | {"scale": [1.0, 2.0]}}),
        lambda: with_text("data.json", "{}"),
        lambda: with_text("data.json", kept["data.json"].decode().replace("[]", "[99]")),
        lambda: with_text("weights.safetensors", "none"),
    )
    for number, damage in enumerate(damages):
        damage()
        capsys.readouterr()
        assert main(["report", str(out)]) == 2, number
        error = capsys.readouterr().err
        assert len(error.splitlines()) == 1 and error.startswith("specfast: "), error
        for name, content in kept.items():
            (out / name).write_bytes(content)


def test_command_line_from_file_to_report(tmp_path, capsys):
    out = tmp_path / "model"
    assert main(["learn", str(DEMO), "--basis", "hermite", "--hold-out", "8", "--steps", "30", "--out", str(out)]) == 0
    assert "relative_l2" in capsys.readouterr().out
    metrics = json.loads((out / "metrics.json").read_text())["metrics"]
    assert metrics["held_out"]["relative_l2"] < 0.2 and metrics["held_out"]["trajectories"] == 8
    assert main(["evaluate", str(out), str(DEMO), "--json", str(tmp_path / "e.json")]) == 0
    assert json.loads((tmp_path / "e.json").read_text())["trajectories"] == 80
    (out / "report.html").unlink()
    assert main(["report", str(out)]) == 0
    assert "data:image/png" in (out / "report.html").read_text()
    assert main(["info"]) == 0
    assert "backend" in capsys.readouterr().out


def test_bad_input_gives_one_line_and_exit_code_2(tmp_path, capsys):
    good, out = write(tmp_path / "good.nc"), tmp_path / "model"
    (tmp_path / "text.nc").write_text("not a NetCDF file")
    never = np.ones((4, 3, 12))
    never[2] = np.nan
    negative = write(tmp_path / "negative.nc")
    cases = [
        ([str(tmp_path / "none.nc")], "no such file"),
        ([str(tmp_path / "text.nc")], "not of a format that is read"),
        ([write(tmp_path / "d.nc", dims=("model", "time", "point"))], "dimensions"),
        ([write(tmp_path / "t.nc", time=np.array([0.0, 2.0, 1.0]))], "does not increase"),
        ([write(tmp_path / "n.nc", u=never)], "never observed: 2"),
        ([negative, "--basis", "laguerre"], "left of the half-line"),
        ([good, "--basis", "chebyshev", "--domain=-0.5,0.5"], "does not contain"),
        ([good, "--basis", "fourrier"], "basis='fourrier'"),
        ([good, "--hold-out", "9"], "--hold-out 9"),
        ([good, "--method", "euler7"], "method='euler7'"),
        ([write(tmp_path / "z.nc", u=np.zeros((4, 3, 12)))], "u is zero"),
        ([write(tmp_path / "e.nc", x=np.full(12, 5.0))], "all points lie at 5"),
        ([good, "--method", "scipy_solver"], "method='scipy_solver'"),
        ([good, "--degree", "100000"], "GiB"),
        ([good, "--degree", "-3"], "degree=-3"),
        ([good, "--gamma", "2"], "gamma=2"),
        ([good, "--gamma", "auto"], "gamma=auto: data on one axis"),
        ([good, "--basis", "chebyshev", "--domain", "-0.5,0.5"], "does not contain"),
        ([good, "--steps", "0"], "--steps 0"),
        ([good, "--degree", "0"], "degree=0"),
        ([good, "--seed", "-1"], "--seed -1"),
        ([good, "--known", "1=-1", "1=2"], "an order is given twice"),
        ([good, "--known", "999=2"], "orders from 0 to 10"),
        ([good, "--known", "1,0=2"], "1 orders"),
        ([good, "--scale-shift-penalty", "-1"], "--scale-shift-penalty -1"),
        ([good, "--ensemble", "1"], "--ensemble 1"),
        ([good, "--fixed-basis", "--moving-basis"], "one of the two"),
        ([good, "--basis", "chebyshev", "--moving-basis"], "could move"),
        ([good, "--local", "--moving-basis"], "local=2"),
        ([good, "--basis", "chebyshev", "--conserve", "norm"], "orthonormal"),
    ]
    for arguments, expected in cases:
        assert main(["learn", *arguments, "--out", str(out)]) == 2, arguments
        error = capsys.readouterr().err
        assert expected in error and len(error.splitlines()) == 1, (arguments, error)
        assert not out.exists(), arguments
    assert main(["learn", good, "--out", str(tmp_path / "text.nc" / "model")]) == 2
    assert "not a folder" in capsys.readouterr().err
    out.mkdir()
    (out / "config.json").write_text("{}")
    assert main(["learn", good, "--out", str(out)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    for arguments in (["learn", good], ["learn", good, "--out", "r", "--degree", "x"], ["train"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2 and len(capsys.readouterr().err.splitlines()) == 1
    for command in ("evaluate", "report"):
        rest = [good] if command == "evaluate" else []
        assert main([command, str(tmp_path / "nothing"), *rest]) == 2
        assert "no run here" in capsys.readouterr().err


def test_a_slower_backend_serves_where_nothing_was_compiled():
    code = (
        "import sys, warnings; sys.modules['specfast.kernels._cpu'] = None\n"
        "import torch, specfast as sf\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    for _ in range(2): value = sf.Space(sf.Hermite(degree=3)).synthesize(torch.ones(4), torch.zeros(1))\n"
        "print(len([w for w in caught if 'falling back' in str(w.message)]), round(float(value), 4))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() in (["1", "0.2200"], ["1", "0.22"]), result.stdout + result.stderr


def decay_with_a_rate(path, count=100):
    """u_t = -p u with p of its own for every trajectory, as a file."""
    generator = np.random.default_rng(0)
    rate, x, time = generator.uniform(0.2, 2.0, (count, 1)), np.linspace(-0.9, 0.9, 20), np.linspace(0, 1, 6)
    start = generator.normal(size=(count, 2)) @ np.stack([x**0, x])
    u = start[:, None] * np.exp(-rate * time)[:, :, None]
    dataset = xr.Dataset(
        {"u": (("trajectory", "time", "point"), u), "parameters": (("trajectory", "parameter"), rate)},
        coords={"x": (("point",), x), "time": (("time",), time)},
    )
    dataset.to_netcdf(path, engine="h5netcdf")
    return dataset


def test_parameters_of_the_equation_are_inputs(tmp_path):
    dataset = decay_with_a_rate(tmp_path / "p.nc")
    data = learn.read(tmp_path / "p.nc")
    held, kept = data.select(torch.arange(20)), data.select(torch.arange(20, 100))
    model = learn.fit(
        kept, "chebyshev", degree=1, steps=300, batch=40, hidden=(32,), learning_rate=3e-3, progress=False
    )
    model.save(tmp_path / "model")
    again = learn.load(tmp_path / "model")
    found = again.evaluate(held)["relative_l2"]
    without = learn.fit(
        replace(kept, parameters=None),
        "chebyshev",
        degree=3,
        steps=250,
        batch=12,
        hidden=(32,),
        progress=False,
    )
    assert found < 0.12 < 0.2 < without.evaluate(replace(held, parameters=None))["relative_l2"]
    u, points = held.values[:, 0], held.points
    slope = -held.parameters[:, :, None] * u
    assert (again.rhs(u, points, held.parameters) - slope).norm() < 0.3 * slope.norm()
    with pytest.raises(ValueError, match="parameters have shape None"):
        again.rhs(u, points)
    with pytest.raises(learn.DataError, match="parameters none; the model was trained with parameter0"):
        again.evaluate(replace(held, parameters=None))
    for bad, message in (
        (dataset.assign(parameters=(("trajectory",), np.ones(100))), "parameters have dimensions"),
        (dataset.assign(parameters=(("trajectory", "parameter"), np.full((100, 1), np.nan))), "finite"),
    ):
        bad.to_netcdf(tmp_path / "bad.nc", engine="h5netcdf")
        with pytest.raises(learn.DataError, match=message):
            learn.read(tmp_path / "bad.nc")


def test_a_folder_is_read_as_zarr_or_named(tmp_path):
    if not importlib.util.find_spec("zarr"):
        (tmp_path / "data.zarr").mkdir()
        with pytest.raises(learn.DataError, match="pip install zarr"):
            learn.read(tmp_path / "data.zarr")
        return
    dataset = decay_with_a_rate(tmp_path / "p.nc")
    dataset.to_zarr(tmp_path / "data.zarr")
    assert torch.equal(learn.read(tmp_path / "data.zarr").values, learn.read(tmp_path / "p.nc").values)
