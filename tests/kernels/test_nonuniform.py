"""Sums by a nonuniform FFT against the functions' formulas, forced at small sizes; and what is left to the direct sums."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

import specfast as sf
from specfast.families import family_by_name
from specfast.kernels import reference

pytest.importorskip("finufft")
cpu = pytest.importorskip("specfast.kernels.cpu")
from specfast.kernels import nonuniform  # noqa: E402

D, S = torch.float64, torch.float32
NAMES = ["chebyshev", "fourier", "rational"]


@pytest.fixture
def forced(monkeypatch):
    """Take the nonuniform FFT at every size; return how often it was taken."""
    calls = []
    for name in ("synthesize", "adjoint"):
        own = getattr(nonuniform, name)
        monkeypatch.setattr(nonuniform, name, lambda *given, own=own: calls.append(1) or own(*given))
    monkeypatch.setattr(nonuniform, "LEAST", 0)
    monkeypatch.setattr(nonuniform, "COST", nonuniform.Cost(0.0, 0.0, 0.0, 0.0))
    return calls


def points(name, *shape):
    z = torch.rand(*shape, dtype=D, generator=torch.Generator().manual_seed(3))
    return 2 * z - 1 if name == "chebyshev" else 6 * z - 3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [1, 2, 3, 40, 41])
@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize(("rows", "own"), [((), ()), ((3,), ()), ((2, 3), (3,)), ((), (4,))])
def test_sums(forced, name, size, order, rows, own):
    z = points(name, *own, 25)
    table = reference.vandermonde(z, size, name, order)
    coef, values = torch.randn(*rows, size, dtype=D), torch.randn(*rows, 25, dtype=D)
    scale = 1e-12 * table.abs().max()
    found = cpu.synthesize(coef, z, name, order)
    assert (found - (table @ coef.unsqueeze(-1)).squeeze(-1)).abs().max() <= scale * coef.abs().sum(-1).max()
    found = cpu.adjoint(values, z, size, name, order)
    expected = (table.mT @ values.unsqueeze(-1)).squeeze(-1)
    assert (found - expected).abs().max() <= scale * values.abs().sum(-1).max()
    grad_coef, grad_z = cpu.backward(values, coef, z, name, order)
    slope = reference.vandermonde(z, size, name, order + 1)
    assert (grad_coef - expected).abs().max() <= scale * values.abs().sum(-1).max()
    expected = values * (slope @ coef.unsqueeze(-1)).squeeze(-1)
    assert (grad_z - expected).abs().max() <= 1e-12 * slope.abs().max() * coef.abs().sum(-1).max() * values.abs().max()
    assert forced


@pytest.mark.parametrize("name", NAMES)
def test_many_functions_against_the_formula(forced, name):
    # cos(k t), sin(k t) at k up to 5,000, the argument reduced in integers of 2^-60 turns.
    count, z = 10_001, points(name, 9)
    coef = torch.randn(count, dtype=D)
    table = reference.vandermonde(z, count, name, 0)
    for dtype, bound in ((D, 1e-12), (S, 1e-6)):
        exact = z if dtype == D else z.float().double()
        own = table if dtype == D else reference.vandermonde(exact, count, name, 0)
        found = cpu.synthesize(coef.to(dtype), z.to(dtype), name, 0)
        assert found.dtype == dtype
        assert (found - own @ coef).abs().max() < bound * coef.abs().sum()


@pytest.mark.parametrize(
    "family", [sf.Chebyshev(0, 3), sf.Fourier(0, 3), sf.Rational(), sf.RationalHalfLine()], ids=str
)
def test_derivatives_through_a_space(forced, family):
    space = sf.Space(family.with_degree(4))
    x = (0.2 + 2.5 * torch.rand(6, dtype=D)).requires_grad_()
    coef = torch.randn(2, space.size, dtype=D, requires_grad=True)
    assert gradcheck(space.synthesize, (coef, x), check_forward_ad=True)
    assert gradgradcheck(space.synthesize, (coef, x))
    assert gradcheck(lambda v: space.adjoint(v, x), (torch.randn(6, dtype=D, requires_grad=True),))
    assert forced


def test_what_is_left_to_the_direct_sums(forced):
    coef = torch.ones(5, dtype=D)
    z = torch.tensor([0.5, torch.nan, -0.25], dtype=D)
    found = cpu.synthesize(coef, z, "chebyshev", 0)
    assert found[1].isnan() and not found[[0, 2]].isnan().any()
    assert cpu.synthesize(coef, torch.tensor([2.0, 0.0], dtype=D), "chebyshev", 0)[0].isnan()
    cpu.synthesize(coef, torch.zeros(3, dtype=D), "hermite", 0)
    assert not forced
    torch.use_deterministic_algorithms(True)
    try:
        cpu.synthesize(coef, torch.zeros(3, dtype=D), "chebyshev", 0)
    finally:
        torch.use_deterministic_algorithms(False)
    assert not forced
    sf.Space(sf.Chebyshev(0, 3, degree=4)).synthesize(coef, torch.linspace(0, 3, 7, dtype=D))
    assert forced


def test_modes_are_transposed_by_sums():
    generator = np.random.default_rng(0)
    for name in NAMES:
        family = family_by_name(name).exponential_form
        for count in (1, 2, 5, 6):
            coef = torch.from_numpy(generator.standard_normal(count))
            modes = family.modes(coef)
            sums = torch.complex(*torch.from_numpy(generator.standard_normal((2, len(modes)))))
            # Re sum C_k e_k against a_k Re H_k + b_k Im H_k, C = a - i b.
            left = float((modes.real * sums.real - modes.imag * sums.imag).sum())
            assert left == pytest.approx(float((coef * family.from_modes(sums, count)).sum()))
