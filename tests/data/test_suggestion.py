"""Where a field lives, by how it looks along an axis."""

import numpy as np
import pytest

import specfast as sf
from specfast.learn.basis_choice import choose_basis

T = np.linspace(0, 1, 6)
t = T[:, None]
LINE, HALF, BOX, RING = np.linspace(-10, 10, 101), np.linspace(0, 20, 101), np.linspace(-1, 1, 101), np.arange(64) / 16
CASES = {
    "cauchy": (1 / ((LINE - t) ** 2 + 1), LINE, "rational"),
    "cauchy that spreads": ((1 + t) / (LINE**2 + (1 + t) ** 2), LINE, "rational"),
    "gauss": (np.exp(-((LINE - t) ** 2)), LINE, "hermite"),
    "soliton": (1 / np.cosh(LINE - t), LINE, "hermite"),
    "packet": (np.cos(5 * LINE) * np.exp(-(LINE**2) / 8 - t), LINE, "hermite"),
    "noise": (np.exp(-((LINE - t) ** 2)) + 1e-3 * np.random.default_rng(0).standard_normal((6, 101)), LINE, "hermite"),
    "decay": (np.exp(-HALF / 2 - t), HALF, "laguerre"),
    "heavy tail on a half-line": (1 / (1 + HALF + t) ** 2, HALF, "rationalhalfline"),
    "slow tail on a half-line": (1 / (1 + HALF / (1 + t)) ** 1.5, HALF, "rationalhalfline"),
    "hump on a half-line": (HALF * np.exp(-HALF - t), HALF, "laguerre"),
    "front": (np.tanh(5 * (BOX - t)), BOX, "chebyshev"),
    "parabola": ((1 - BOX**2) * np.exp(-t), BOX, "chebyshev"),
    "offset": (1 + BOX**2 + 0.1 * t, BOX, "chebyshev"),
    "closed ring": (-np.sin(np.pi * BOX) * np.exp(-t), BOX, "fourier"),
    "ring": (2 + np.cos(np.pi * (RING - t) / 2), RING, "fourier"),
    "scattered wave": (2 + np.cos(np.pi * (np.sort(RING**1.3) - t) / 2), np.sort(RING**1.3), "chebyshev"),
}


@pytest.mark.parametrize("case", CASES)
def test_suggestions(case):
    u, x, basis = CASES[case]
    (found,) = sf.data.suggestions(sf.data.read(u, x=x, t=T))
    assert found.basis == basis and "x" in found.reason
    scaled = sf.data.suggestions(sf.data.read(1e-6 * u, x=x, t=60 * T))[0]
    assert scaled == found


def test_where_a_ring_closes():
    for name, ends in (("closed ring", (-1.0, 1.0)), ("ring", (0.0, 4.0))):
        u, x, _ = CASES[name]
        assert sf.data.suggestions(sf.data.read(u, x=x, t=T))[0].domain == pytest.approx(ends)
    u, x, _ = CASES["front"]
    said = sf.data.read(u, x=x, t=T, periodic=["x"])
    assert sf.data.suggestions(said)[0].reason == "x is a ring, as the data say"


def test_what_is_asked_for_comes_first():
    u, x, _ = CASES["gauss"]
    data = sf.data.read(u, x=x, t=T)
    assert choose_basis(data, "legendre", None).names == ("legendre",)
    assert choose_basis(data, "auto", [(-12.0, 12.0)]).names == ("chebyshev",)
    ring = choose_basis(data, "fourier", None)  # nothing at either end: the same there
    assert ring.domains[0] == pytest.approx((-10.0, 10.0)) and ring.reasons == ()
    with pytest.raises(sf.data.DataError, match="or auto is expected"):
        choose_basis(data, "fourrier", None)
    with pytest.raises(sf.data.DataError, match="basis: 2 are given"):
        choose_basis(data, "auto,hermite", None)
