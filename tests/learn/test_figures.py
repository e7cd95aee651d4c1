"""What the figures of a report hold: each trajectory at its own times, all channels, complex fields, the basis's share."""

import math
import struct
from dataclasses import replace

import numpy as np
import pytest
import torch

from specfast import learn
from specfast.data.complex_channels import complex_pairs
from specfast.data.observations import Observations, make
from specfast.learn import components, figures
from specfast.learn.error_measures import compare
from specfast.learn.report import draw, write_report


def spreading(count=5, times=None, channels=("u",), axes=1, sensors=24):
    """Gaussians that spread, the channels' sizes 1, 2, ..; `times` (R, T) or (T,)."""
    generator = np.random.default_rng(0)
    times = np.linspace(0, 1, 5) if times is None else times
    times = np.broadcast_to(times, (count, np.shape(times)[-1]))
    points = generator.uniform(-3, 3, (sensors, axes))
    width = 1 + times[:, :, None]
    u = np.exp(-(points**2).sum(1) / width) / width
    u = u * generator.uniform(0.5, 1.5, (count, 1, 1))
    values = np.stack([(c + 1) * u for c in range(len(channels))], 2)
    names = ("x", "y", "z")[:axes]
    return make(values, points[:, 0] if axes == 1 else points, times.copy(), channels, names)


def shown(data, runs=1, **options):
    options = {
        "degree": 6 if data.dim == 1 else 2,
        "fixed": True,
        "steps": 1,
        "hidden": (4,),
        "progress": False,
    } | options
    models = tuple(learn.fit(data, seed=seed, **options) for seed in range(runs))
    ensemble = learn.Ensemble(models)
    return figures.Shown(ensemble, data, ensemble.predict_dataset(data)[0])


def drawn(given):
    """Return the matplotlib figure of every name."""
    return {name: make_figure(given) for name, _, _, make_figure in figures.choose(given)}


def legend(axis):
    return [text.get_text() for text in axis.get_legend().get_texts()]


def test_each_trajectory_is_shown_at_its_own_observed_times():
    own = np.stack([np.linspace(start, start + 1, 5) for start in (0.0, 10.0, 20.0, 30.0, 40.0)])
    data = spreading(times=own)
    values = data.values.clone()
    values[1, 0], values[2, 3:] = torch.nan, torch.nan  # begins later, ends sooner
    given = shown(replace(data, values=values))
    found = drawn(given)
    panels = found["fields"].axes
    assert [axis.get_title() for axis in panels] == ["trajectory 0", "trajectory 1", "trajectory 2"]
    assert legend(panels[0]) == ["t = 0", "t = 0.25", "t = 0.75", "t = 1"]
    assert legend(panels[1]) == ["t = 10.2", "t = 10.5", "t = 10.8", "t = 11"]
    assert legend(panels[2]) == ["t = 20", "t = 20.2", "t = 20.5"]
    assert [len(axis.lines) for axis in panels] == [8, 8, 6]
    x, times, basis = (found["error"].axes[0].lines[i].get_xdata() for i in (0, 0, 1))
    assert min(times) > 0 and max(times) == pytest.approx(41, abs=10) and len(basis) >= len(x)


def test_errors_are_binned_where_times_differ():
    times = torch.tensor([[0.0, 1.0, 2.0, 3.0], [10.0, 11.0, 12.0, 13.0]], dtype=torch.float64)
    data = Observations(torch.ones(2, 4, 1, 3, dtype=torch.float64), torch.rand(1, 3), times, ("u",))
    squares = torch.tensor([[0.0, 1.0, 4.0, 9.0], [0.0, 16.0, 25.0, 36.0]])
    power = torch.full((2, 4), 100.0)
    counted = torch.tensor([[False, True, True, True]] * 2)
    # Four intervals from 1 to 13: {1, 2, 3} and {11, 12, 13}; at 3 s each.
    when, errors = figures.over_time(data, squares, power, counted)
    assert when == pytest.approx([2.0, 12.0])
    assert errors == pytest.approx([math.sqrt(14 / 300), math.sqrt(77 / 300)])
    shared = replace(data, times=times[:1].expand(2, -1))
    when, errors = figures.over_time(shared, squares, power, counted)
    assert when == [1.0, 2.0, 3.0]
    assert errors == pytest.approx([math.sqrt(17 / 200), math.sqrt(29 / 200), math.sqrt(45 / 200)])
    assert figures.over_time(shared, squares, power, torch.zeros_like(counted)) == ([], [])


def test_the_error_figure_is_what_evaluation_gives_and_what_the_basis_leaves():
    data = spreading(8)
    given = shown(data, degree=2)
    axis = drawn(given)["error"].axes[0]
    prediction, basis, end = axis.lines
    metrics = given.ensemble.evaluate(data)
    assert prediction.get_ydata() == pytest.approx([100 * e for e in metrics["per_time"][1:]])
    assert prediction.get_xdata() == pytest.approx(data.times[0, 1:].tolist())
    # Least squares by numpy in the same three functions, snapshot by snapshot.
    space = given.ensemble.models[0].encoder.space
    encoder = given.ensemble.models[0].encoder
    table = space.vandermonde(data.points[0], scale=encoder.scale[0], shift=encoder.shift[0]).numpy()
    u = data.values[:, :, 0].numpy()
    left = u - (table @ np.linalg.lstsq(table, u.reshape(-1, 24).T, rcond=None)[0]).T.reshape(u.shape)
    wanted = np.sqrt((left**2).sum((0, 2)) / (u**2).sum((0, 2)))
    assert basis.get_ydata() == pytest.approx(100 * wanted, rel=1e-2)
    assert legend(axis) == ["prediction", "what the basis leaves", "end of the training data"]
    assert end.get_xdata()[0] == 1.0
    assert axis.get_xlabel() == "time" and axis.get_ylabel() == "relative L2 error (%)"


def test_all_channels_up_to_four_rows_and_which_are_left_out():
    two = drawn(shown(spreading(channels=("u", "v"))))["fields"]
    assert len(two.axes) == 6 and [axis.get_ylabel() for axis in two.axes[::3]] == ["u", "v"]
    assert all(axis.get_legend() is not None for axis in two.axes)
    line = two.axes[0].lines[0].get_ydata(), two.axes[3].lines[0].get_ydata()
    assert 2 * np.asarray(line[0]) == pytest.approx(np.asarray(line[1]))
    given = shown(spreading(channels=("a", "b", "c", "d", "e", "f")))
    six = drawn(given)["fields"]
    assert len(six.axes) == 12 and six.get_suptitle() == "not shown: e, f"
    assert "Not shown: e, f." in figures.choose(given)[0][2]


def test_complex_fields_are_modulus_and_phase():
    data = spreading(3, channels=("psi.real", "psi.imag"))
    phase = 0.7 * data.times[:, :, None]
    size = data.values[:, :, 0]
    data = replace(data, values=torch.stack([size * phase.cos(), size * phase.sin()], 2))
    figure = drawn(shown(data))["fields"]
    modulus, angle = figure.axes[0], figure.axes[3]
    assert modulus.get_ylabel() == "|psi|" and angle.get_ylabel() == "phase of psi (rad)"
    last = -2  # the observed dots at the last time
    assert np.asarray(modulus.lines[last].get_ydata()) == pytest.approx(size[0, -1].numpy())
    seen = np.asarray(angle.lines[last].get_ydata())
    assert np.isfinite(seen).any() and seen[np.isfinite(seen)] == pytest.approx(0.7)
    assert (np.isnan(seen) == (size[0, -1] <= 0.01 * size.max()).numpy()).all()


def test_which_channels_are_complex():
    assert complex_pairs(("re", "im")) == [("u", 0, 1)]
    assert complex_pairs(("n", "psi.imag", "psi.real", "phi.real")) == [("psi", 2, 1)]
    assert complex_pairs(("a.real", "b.real", "a.imag", "b.imag")) == [("a", 0, 2), ("b", 1, 3)]
    assert complex_pairs(("u", "im", ".real", ".imag")) == []
    data = spreading(2, channels=("a", "b", "c", "psi.real", "psi.imag", "d"))
    rows, left_out = components.components(data)
    assert [row.label for row in rows] == ["a", "b", "c"] and left_out == ["psi", "d"]


def test_a_phase_is_not_joined_over_its_leap():
    angles = torch.tensor([3.0, 3.1, -3.1, -3.0])
    assert components.unbroken(angles).isnan().tolist() == [False, False, True, False]


def test_one_trajectory_and_an_ensemble_with_its_band():
    data = spreading(1)
    figure = drawn(shown(data, runs=2))["fields"]
    (axis,) = figure.axes
    assert legend(axis) == ["t = 0", "t = 0.25", "t = 0.75", "t = 1"] and len(axis.collections) == 4


def test_two_axes_have_a_map_for_every_channel():
    data = spreading(3, channels=("u", "v"), axes=2, sensors=40)
    values = data.values.clone()
    values[0, 0], values[0, 2:, 1] = torch.nan, torch.nan  # a snapshot, and a channel in most
    figure = drawn(shown(replace(data, values=values)))["fields"]
    maps, bars = figure.axes[:12], figure.axes[12:]
    assert [axis.get_title() for axis in maps[:4]] == [
        "observed, t = 0.25", "observed, t = 0.75", "observed, t = 1", "predicted, t = 0.25",
    ]  # fmt: skip
    assert [bar.get_ylabel() for bar in bars] == ["u", "v"]
    assert maps[-1].get_xlabel() == "x" and maps[0].get_ylabel() == "y"


def test_three_axes_have_values_against_values():
    figure = drawn(shown(spreading(4, channels=("u", "v"), axes=3, sensors=60)))["fields"]
    assert len(figure.axes) == 6 and figure.axes[3].get_ylabel() == "predicted v"
    assert len(figure.axes[0].lines) == 5 and len(legend(figure.axes[5])) == 4


def test_units_are_at_the_axes():
    found = drawn(shown(replace(spreading(2), units={"x": "m", "time": "s", "u": "K"}), fixed=False))
    fields, error, moving = found["fields"].axes[0], found["error"].axes[0], found["scale_shift"].axes
    assert (fields.get_xlabel(), fields.get_ylabel(), legend(fields)[0]) == ("x (m)", "u (K)", "t = 0 s")
    assert error.get_xlabel() == "time (s)"
    assert [axis.get_ylabel() for axis in moving] == ["beta along x (1/m)", "x0 along x (m)"]


def test_a_moving_basis_has_its_scales_with_legends():
    found = drawn(shown(spreading(4), fixed=False))
    axes = found["scale_shift"].axes
    assert [axis.get_ylabel() for axis in axes] == ["beta along x", "x0 along x"]
    assert all(legend(axis) == ["trajectory 0", "trajectory 1", "trajectory 2"] for axis in axes)


def test_the_page_is_whole_and_leaves_matplotlib_as_it_was(tmp_path):
    import matplotlib

    before = matplotlib.get_backend(auto_select=False), matplotlib.rcParams["axes.facecolor"]
    matplotlib.rcParams["axes.facecolor"] = "red"
    try:
        given = shown(spreading(2))
        (tmp_path / "scale_shift.png").write_text("of a run before")
        page = write_report(given.ensemble, given.data, tmp_path)
        assert matplotlib.rcParams["axes.facecolor"] == "red"
    finally:
        matplotlib.rcParams["axes.facecolor"] = before[1]
    assert matplotlib.get_backend(auto_select=False) == before[0]
    text = page.read_text(encoding="utf-8")
    assert f"<title>specfast report of {tmp_path.name}</title>" in text
    assert "http" not in text and text.count("<img") == 4
    image = (tmp_path / "fields.png").read_bytes()
    width, height = struct.unpack(">II", image[16:24])
    assert f'width="{width}" height="{height}"' in text
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "coefficients.png", "error.png", "fields.png", "loss.png", "report.html",
    ]  # fmt: skip
    assert draw(given)["fields"][2] == image  # the style is fixed


def test_failed_predictions_are_error_one():
    data = spreading(2)
    given = shown(data)
    broken = replace(given, predicted=torch.full_like(data.values, torch.nan))
    curve = figures.error(broken).axes[0].lines[0]
    assert curve.get_ydata() == pytest.approx([100.0] * 4)
    assert compare(broken.predicted, data, 1.0).failed.all()
