"""Equations as sums of terms: recovered from fields of closed form, with error bars, on one axis and two, real and complex."""

import json

import numpy as np
import pytest
import torch

from specfast import learn
from specfast.learn.encoder import FieldEncoder
from specfast.learn.terms.equation import Coefficient, Equation
from specfast.learn.terms.library import Factor, Term, candidates
from specfast.learn.terms.rates import Fields, TermRates
from specfast_cli import main

import specfast as sf  # isort: skip

D = torch.float64
T = np.linspace(0, 1, 21)


def ring(count=4, noise=0.0, seed=0, times=T):
    """Return u_t = -u_x + u_xx / 20 on a ring of length 3 from random starts."""
    x, rng, k = np.arange(32) * 3 / 32, np.random.default_rng(seed), 2 * np.pi / 3
    t = times[:, None]
    rows = []
    for _ in range(count):
        u = rng.uniform(-1, 1) + 0 * x - 0 * t
        for mode in (1, 2, 3):
            size, phase = rng.uniform(0.5, 1.5), rng.uniform(0, 2 * np.pi)
            u = u + size * np.exp(-((mode * k) ** 2) * t / 20) * np.cos(mode * k * (x - t) + phase)
        rows.append(u)
    u = np.stack(rows)
    return learn.read(u + noise * rng.standard_normal(u.shape), x=x, t=times, periodic=["x"])


def values_of(model, field=0):
    """Return each term's number by its text."""
    names, axes = model.dynamics.fields.names, model.signature.axes
    return {
        term.text(names, axes): value.item()
        for term, value in zip(model.dynamics.terms, model.dynamics.values[field], strict=True)
        if value != 0
    }


def test_drift_and_diffusion_on_a_ring():
    model = learn.fit(ring(), model="terms", progress=False)
    assert values_of(model) == pytest.approx({"u_x": -1.0, "u_xx": 0.05}, rel=1e-4)
    later = ring(times=np.linspace(0, 3, 31), seed=5)
    assert model.evaluate(later)["relative_l2"] < 1e-3
    assert model.metrics["validation"]["relative_l2"] < 1e-3
    assert sum(own["chosen"] for own in model.metrics["terms"]["candidates"]) == 1


def test_what_is_known_is_not_sought():
    model = learn.fit(ring(), model="terms", known={1: -1.0}, progress=False)
    assert values_of(model) == pytest.approx({"u_xx": 0.05}, rel=1e-4)
    assert "- 1 [d/dx]" in str(model.equation())
    assert model.evaluate(ring(seed=3))["relative_l2"] < 1e-3


def test_error_bars_hold_the_truth():
    pulls = []
    for seed in range(4):
        model = learn.fit(ring(6, 0.02, seed), model="terms", basis="fourier", degree=5, progress=False)
        assert set(values_of(model)) == {"u_x", "u_xx"}
        deviations = torch.tensor(model.metrics["terms"]["standard_deviations"])[0, :, 0]
        pulls += ((model.dynamics.values[0] - torch.tensor([-1.0, 0.05])) / deviations).tolist()
    assert np.sqrt(np.mean(np.square(pulls))) < 2 and np.mean(np.abs(pulls) < 3) > 0.9


def test_growth_that_saturates_is_cubic_or_quadratic():
    """u_t = u - u^2 at every place: u = u0 e^t / (1 + u0 (e^t - 1))."""
    x, rng = np.arange(24) / 24, np.random.default_rng(0)
    start = rng.uniform(0.3, 0.7, (4, 1, 1)) + 0.2 * np.cos(2 * np.pi * x + rng.uniform(0, 6, (4, 1, 1)))
    grown = np.exp(T)[:, None]
    data = learn.read(start * grown / (1 + start * (grown - 1)), x=x, t=T, periodic=["x"])
    model = learn.fit(data, model="terms", progress=False)
    assert values_of(model) == pytest.approx({"u": 1.0, "u^2": -1.0}, rel=1e-3)


def test_a_complex_field_in_a_well():
    """A coherent state of i u_t = -u_xx / 2 + x^2 u / 2."""
    x, t = np.linspace(-6, 6, 80), np.linspace(0, 2, 41)
    phase = np.exp(-1j * t)[:, None]
    u = np.stack([
        np.exp(-(x**2) / 2 + np.sqrt(2) * a * phase * x - 0.5j * t[:, None] - (a**2 * phase**2 + abs(a) ** 2) / 2)
        for a in (0.7, 0.4 + 0.6j)
    ])  # fmt: skip
    model = learn.fit(learn.read(u, x=x, t=t), model="terms", progress=False)
    found = values_of(model)
    assert set(found) == {"u_xx", "x^2 u"}
    assert abs(found["u_xx"] - 0.5j) < 1e-3 and abs(found["x^2 u"] + 0.5j) < 1e-3
    assert str(model.equation()).replace("(", "").startswith("u_t = 0.5") and "i u_xx" in str(model.equation())


def test_two_fields_on_two_axes():
    """u_t = u_xx / 50 + v, v_t = v_yy / 30 - u on a torus: waves that turn into each other only where they decay alike."""
    x = np.arange(10) / 10
    k, t = 2 * np.pi, np.linspace(0, 1, 16)
    rng, rows = np.random.default_rng(0), []
    grid = np.meshgrid(x, x, indexing="ij")
    for _ in range(3):
        u = np.zeros((2, len(t), 10, 10))
        for m, n in ((0, 1), (1, 0), (1, 1)):
            matrix = np.array([[-((k * m) ** 2) / 50, 1.0], [-1.0, -((k * n) ** 2) / 30]])
            start, (a, b) = rng.standard_normal(2), rng.uniform(0, 6, 2)
            states = np.stack([torch.linalg.matrix_exp(torch.tensor(matrix * s)).numpy() @ start for s in t], 1)
            u += states[:, :, None, None] * np.cos(k * m * grid[0] + a) * np.cos(k * n * grid[1] + b)
        rows.append(u.transpose(1, 0, 2, 3))
    values = torch.tensor(np.stack(rows)).flatten(-2)
    points = torch.tensor(np.stack([g.reshape(-1) for g in grid], -1))[None]
    data = learn.Observations(values, points, torch.tensor(t).expand(3, -1), ("u", "v"), ("x", "y"))
    model = learn.fit(data, "fourier", domain=[(0.0, 1.0)], degree=2, model="terms", progress=False)
    assert values_of(model, 0) == pytest.approx({"u_xx": 0.02, "v": 1.0}, rel=1e-2)
    assert values_of(model, 1) == pytest.approx({"v_yy": 1 / 30, "u": -1.0}, rel=1e-2)


def test_terms_against_values():
    """Each projected term against the projection of its own values, in the data's units of x."""
    space = sf.Space(sf.Hermite(degree=9))
    encoder, coef = FieldEncoder(space, (1.7,), (0.4,), 2.0), torch.randn(3, 2, 10, dtype=D) / 4.0 ** torch.arange(10)
    terms = candidates(1, 2, complex_fields=False, place=[True], constant=False)
    found = TermRates(encoder, terms)(coef)
    x, w = sf.Space(sf.Hermite(degree=80)).quadrature(scale=1.7, shift=0.4)
    unit = encoder.amplitude / 1.7**0.5  # of coefficients in space's own scale
    where = {"scale": 1.7, "shift": 0.4}
    for j, term in enumerate(terms):
        value = x ** term.powers[0]
        for factor in term.factors:
            own = coef[:, factor.field] * unit
            value = value * space.synthesize(own, x, derivative=factor.orders[0], **where)
        expected = space.adjoint(value * w, x, **where) / unit
        torch.testing.assert_close(found[:, j], expected, rtol=0, atol=1e-3 * float(expected.abs().max()))
        if len(term.factors) == 1:  # for products of more the nodes are nearly enough
            torch.testing.assert_close(found[:, j], expected, rtol=1e-9, atol=1e-11 * float(expected.abs().max()))


def test_channels_of_complex_fields():
    fields = Fields(("b.imag", "a.real", "b.real", "a.imag"))
    assert fields.complex and fields.names == ("a", "b")
    coef = torch.randn(2, 4, 3, dtype=D)
    torch.testing.assert_close(fields.to_channels(fields.of(coef)), coef)
    assert not Fields(("re", "im", "n")).complex and Fields(("re", "im", "n")).names == ("re", "im", "n")


def test_the_text_of_an_equation():
    terms = (
        Term((0,), (Factor(0, (2,)),)), Term((0,), (Factor(0, (0,)), Factor(0, (1,)))), Term((2,), (Factor(0, (0,)),)),
        Term((0,), (Factor(0, (0,)), Factor(0, (0,)), Factor(0, (0,), True))), Term((0,), ()),
    )  # fmt: skip
    numbers = (
        Coefficient(0.09981, 0.00023),
        Coefficient(-1.0, None),
        Coefficient(0.5j, 0.001 + 0.002j),
        Coefficient(1 + 2j, None),
        Coefficient(3.0, 0.5),
    )
    equation = Equation(("u",), ("x",), terms, (numbers,), units=(("time", "s"), ("u", "K"), ("x", "m")))
    assert str(equation) == "u_t = 0.09981(23) u_xx - 1 u u_x + 0.5000(20)i x^2 u + (1 + 2i) u^2 u* + 3.00(50)"
    assert r"0.09981(23)\, u_{xx}" in equation.latex() and r"\bar u" in equation.latex()
    found = equation.to_dict()["equations"][0]["terms"]
    assert found[0]["unit"] == "(s)^-1 (m)^2" and found[1]["unit"] == "(K)^-1 (s)^-1 (m)"
    assert json.loads(json.dumps(found))[2]["value"] == [0.0, 0.5]
    for term in terms:
        assert Term.from_dict(json.loads(json.dumps(term.to_dict()))) == term


def test_it_is_saved_and_read(tmp_path):
    model = learn.fit(ring(), model="terms", folder=tmp_path, progress=False)
    again = learn.load(tmp_path)
    assert str(again.equation()) == str(model.equation())
    assert torch.equal(again.predict_dataset(ring(seed=2)), model.predict_dataset(ring(seed=2)))


def test_what_cannot_be():
    with pytest.raises(learn.DataError, match="model='sums'"):
        learn.fit(ring(), model="sums", progress=False)
    with pytest.raises(learn.DataError, match="local cannot go with it"):
        learn.fit(ring(), model="terms", local=1, progress=False)
    network = learn.fit(ring(), steps=1, progress=False)
    with pytest.raises(learn.DataError, match="right-hand side is a network"):
        network.equation()


def test_a_network_is_trained_where_terms_do_not_forecast():
    terms = learn.fit(ring(), model="auto", steps=2, progress=False)
    assert terms.metrics["training"]["steps"] == 0 and set(values_of(terms)) == {"u_x", "u_xx"}
    x, t, rng = np.arange(24) / 24, np.linspace(0, 1, 9), np.random.default_rng(0)
    data = learn.read(rng.standard_normal((8, 9, 24)), x=x, t=t, periodic=["x"])
    noise = learn.fit(data, model="auto", steps=2, progress=False)
    assert noise.metrics["terms"]["candidates"] and noise.metrics["training"]["steps"] in (0, 2)


def test_the_command_line(tmp_path, capsys):
    x, t = np.arange(32) * 3 / 32, T
    path = tmp_path / "ring.npz"
    np.savez(path, u=ring().values[:, :, 0].numpy(), x=x, t=t)
    assert (
        main(
            [
                "learn",
                str(path),
                "--model",
                "terms",
                "--basis",
                "fourier",
                "--domain",
                "0,3",
                "--out",
                str(tmp_path / "run"),
            ]
        )
        == 0
    )
    assert "equation     u_t = " in capsys.readouterr().out
    page = (tmp_path / "run" / "report.html").read_text()
    assert "u_xx" in page and "(chosen)" in page and not (tmp_path / "run" / "loss.png").exists()
    assert main(["evaluate", str(tmp_path / "run"), str(path), "--json", str(tmp_path / "found.json")]) == 0
    assert "u_xx" in json.loads((tmp_path / "found.json").read_text())["equation"]["text"]
