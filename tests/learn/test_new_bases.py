"""Rings, rational functions and two half-lines in the learner: fields of closed form, known terms, conserved integrals."""

import math

import numpy as np
import pytest
import torch

import specfast as sf
from specfast import learn
from specfast.learn.encoder import FieldEncoder
from specfast.learn.known_terms import KnownTerms, checked_terms

D = torch.float64
T = np.linspace(0, 1, 6)


def wave(count=6):
    """Return u_t = -u_x + u_xx / 20 on a ring of length 3 from random starts, and its data."""
    x = np.arange(24) / 8 + 1.0
    rng, k = np.random.default_rng(0), 2 * np.pi / 3
    rows = []
    for _ in range(count):
        a, b = rng.uniform(0.5, 1.5, 2)
        p, q = rng.uniform(0, 2 * np.pi, 2)
        y = x - T[:, None]
        rows.append(
            0.3
            + a * np.exp(-(k**2) * T[:, None] / 20) * np.cos(k * y + p)
            + b * np.exp(-4 * k**2 * T[:, None] / 20) * np.cos(2 * k * y + q)
        )
    return sf.data.read(np.stack(rows), x=x, t=T, periodic=["x"])


def cauchy(count=6):
    """Return u_t = -|d/dx| u: Cauchy's densities widen."""
    x, rng = np.linspace(-12, 12, 61), np.random.default_rng(1)
    width, size = rng.uniform(1, 2, (2, count, 1, 1))
    now = width + T[:, None]
    return sf.data.read(size * now / (np.pi * (now**2 + x**2)), x=x, t=T)


def test_a_ring_is_found_and_its_equation_kept():
    data = wave()
    model = learn.fit(data, steps=60, known={1: -1.0, 2: 0.05}, conserved=["mass"], progress=False)
    assert str(model.encoder).startswith("Fourier") and model.metrics["basis"] == ["x is a ring, as the data say"]
    family = model.encoder.space.families[0]
    assert (family.a, family.b) == pytest.approx((1.0, 4.0))
    assert model.evaluate(data)["relative_l2"] < 0.02
    # Points one turn on are the same.
    there, on = (model.predict_dataset(data, at=torch.linspace(a, a + 2.9, 9, dtype=D)) for a in (1.0, 4.0))
    torch.testing.assert_close(there, on)
    # Mass over the ring stays what it is at the start.
    line = model.predict_dataset(data, at=torch.arange(48, dtype=D) / 16 + 1)
    torch.testing.assert_close(line.mean(-1), line[:, :1].mean(-1).expand_as(line.mean(-1)), rtol=1e-4, atol=1e-4)


def test_a_fractional_laplacian_that_is_known():
    data = cauchy()
    model = learn.fit(data, steps=3, known={"frac:1.0": -1.0}, progress=False)
    assert str(model.encoder).startswith("Rational") and "falls off" in model.metrics["basis"][0]
    assert model.evaluate(data)["relative_l2"] < 0.01
    with pytest.raises(learn.DataError, match="between ends"):
        learn.fit(data, "chebyshev", steps=1, known={"frac:1.0": -1.0}, progress=False)


@pytest.mark.parametrize("power", [0.7, 1.0, 1.5])
@pytest.mark.parametrize("family", [sf.Hermite(), sf.Rational()], ids=str)
def test_known_terms_at_another_scale(family, power):
    """|k|^p of a field at scale beta, against its Fourier integral."""
    beta = 1.4
    encoder = FieldEncoder(sf.Space(family.with_degree(96)), (beta,), (0.3,), 1.0)
    terms = KnownTerms(encoder, checked_terms({f"frac:{power}": 2.0}, 1))
    space, x = encoder.standard, torch.linspace(-3, 3, 13, dtype=D)
    # u = exp(-y^2 / 2) of y = z / beta, in units of the data
    coef = space.project(torch.exp(-0.5 * (space.nodes() / beta) ** 2))
    found = space.synthesize(terms(coef[None], torch.zeros(0, dtype=D))[0], x * beta)
    k = np.linspace(0, 12, 20001)
    symbol = k**power * np.exp(-0.5 * k**2) * 2 / math.sqrt(2 * math.pi)
    exact = [2.0 * np.trapezoid(symbol * np.cos(k * y), k) for y in x.numpy()]
    # The result falls off like x^-(1 + p), which Hermite functions can only cut.
    np.testing.assert_allclose(found.numpy(), exact, atol=2e-3 if isinstance(family, sf.Hermite) else 2e-4)


def test_what_is_known_is_checked():
    assert checked_terms({2: 0.1}, 1) == (((2,), 0.1),)
    for bad in ({"frac:0": 1.0}, {"frac:x": 1.0}, {"fractional:1": 1.0}, {"frac:1": math.nan}, {-1: 1.0}):
        with pytest.raises(learn.DataError, match="known="):
            checked_terms(bad, 1)
    with pytest.raises(learn.DataError, match="one axis"):
        checked_terms({"frac:1": 1.0}, 2)


def test_two_half_lines_take_their_point_from_the_domain():
    x = np.linspace(-8, 9, 90)
    u = np.where(x < 0.5, -1.0, 2.0) * np.exp(-((x - 0.5) ** 2) / (4 + T[:, None]))
    data = sf.data.read(u, x=x, t=T)
    model = learn.fit(data, "twohalflines", domain=[(0.5, math.inf)], steps=3, fixed=True, progress=False)
    assert model.encoder.shift == (0.5,) and model.metrics["encoding"]["relative_l2"] < 0.01
    with pytest.raises(learn.DataError, match="meet in a point"):
        learn.fit(data, "twohalflines", domain=[(0.0, 1.0)], steps=1, progress=False)


def test_a_rational_basis_does_not_move():
    with pytest.raises(learn.DataError, match="could move"):
        learn.fit(cauchy(), "rational", fixed=False, steps=1, progress=False)
