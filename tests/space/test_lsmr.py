"""Iterative least squares against the factorised one, and against the field that was sampled."""

import numpy as np
import pytest
import torch

import specfast as sf

LINE = sf.Space(sf.Hermite(degree=12))
PLANE = sf.Space([sf.Hermite(), sf.Legendre()], sf.HyperbolicCross(8, -1.0))


def agree(space, values, points, tolerance=1e-8, **rest):
    found = space.fit(values, points, solver="lsmr", **rest)
    expected = space.fit(values, points, solver="qr", **rest)
    assert found.shape == expected.shape and found.dtype == expected.dtype
    assert (found - expected).abs().max() <= tolerance * expected.abs().max()


def test_against_the_factorised_solution():
    x = 3 * torch.randn(2, 1, 60, dtype=torch.float64)
    v = torch.randn(2, 3, 60, dtype=torch.float64)
    scale = torch.tensor([[0.8], [1.1]], dtype=torch.float64)
    agree(LINE, v, x, scale=scale, shift=0.3)
    agree(LINE, v, x, scale=scale, ridge=0.5)
    agree(LINE, v, x, scale=scale, ridge=torch.linspace(0.0, 2.0, LINE.size, dtype=torch.float64))
    weights = torch.rand(2, 3, 60, dtype=torch.float64).round(decimals=1)
    v[weights == 0] = torch.nan
    agree(LINE, v, x, weights=weights, ridge=1e-3)
    z = torch.stack([2 * torch.randn(400), 2 * torch.rand(400) - 1], -1).double()
    agree(PLANE, torch.randn(4, 400, dtype=torch.float64), z, scale=torch.tensor([0.9, 1.0]).double())
    agree(PLANE, torch.complex(torch.randn(400), torch.randn(400)).to(torch.complex128), z, ridge=1e-2)
    agree(PLANE, torch.randn(400), z.float(), tolerance=1e-5)
    assert isinstance(PLANE.fit(np.linspace(-1.0, 1.0, 400), z.numpy(), solver="lsmr"), np.ndarray)


def test_many_unknowns_without_a_table(monkeypatch):
    space = sf.Space([sf.Hermite()] * 4, sf.HyperbolicCross(24))
    coef = torch.randn(space.size, dtype=torch.float64)
    points = torch.randn(12_000, 4, dtype=torch.float64) * 2
    values = space.synthesize(coef, points)
    monkeypatch.setattr(
        "specfast.space.least_squares.memory", lambda: 1 << 28
    )  # the table of 1,577 functions would take 151 MB
    monkeypatch.setattr(sf.Space, "vandermonde", None)
    found = space.fit(values, points, tolerance=1e-13)
    assert (space.synthesize(found, points) - values).norm() <= 1e-9 * values.norm()
    assert (found - coef).norm() <= 1e-6 * coef.norm()


def test_what_is_refused_and_what_is_warned_of():
    x, v = torch.randn(40, dtype=torch.float64), torch.randn(40, dtype=torch.float64)
    with pytest.raises(ValueError, match="solver='svd'"):
        LINE.fit(v, x, solver="svd")
    with pytest.raises(ValueError, match="cannot be differentiated"):
        LINE.fit(v.requires_grad_(), x, solver="lsmr")
    v = v.detach()
    with pytest.raises(ValueError, match=r"5 points .* do not determine 13"):
        LINE.fit(v[:5], x[:5], solver="lsmr")
    with pytest.raises(ValueError, match="as many of both"):
        LINE.fit(v[:5], x, solver="lsmr", ridge=1.0)
    with pytest.raises(ValueError, match=r"weights=-1\.0"):
        LINE.fit(v, x, weights=-torch.ones(40), solver="lsmr")
    with pytest.warns(RuntimeWarning, match="was not reached in 2 iterations"):
        LINE.fit(v, x, solver="lsmr", iterations=2)


def test_points_that_do_not_count_and_values_of_any_size():
    points = torch.randn(50_000, 2, dtype=torch.float64)
    plane = sf.Space([sf.Hermite()] * 2, sf.HyperbolicCross(6))
    coef = torch.randn(plane.size, dtype=torch.float64)
    values = plane.synthesize(coef, points)
    weights = (torch.arange(50_000) % 2).double()
    torch.testing.assert_close(plane.fit(values, points, weights=weights, solver="lsmr"), coef, rtol=1e-6, atol=1e-7)
    some, few = values[:300], points[:300]
    for size in (1e-200, 1e200):
        torch.testing.assert_close(plane.fit(size * some, few, solver="lsmr") / size, coef, rtol=1e-6, atol=1e-7)
    turned = torch.complex(some, some.flip(0)).conj()
    agree(plane, turned, few)
    with pytest.raises(ValueError, match=r"5 points \(of positive weight\) do not determine"):
        plane.fit(some, few, weights=(torch.arange(300) < 5).double(), solver="lsmr")
    spoilt = torch.where(torch.arange(300) == 7, torch.nan, some)
    assert plane.fit(spoilt, few, solver="lsmr").isnan().all()


def test_nothing_to_fit():
    points, values = torch.rand(3, 1, 80, 2).double(), torch.rand(3, 4, 80).double()
    assert PLANE.fit(values[:0], points[:0]).shape == (0, 4, PLANE.size)
    assert PLANE.fit(values[0, :1, :0], points[0, :, :0], ridge=1.0).tolist() == [[0.0] * PLANE.size]
