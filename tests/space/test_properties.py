"""Random shapes, strides, dtypes, degrees: the sums against the table, and the transpose against the sums."""

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from specfast.families import family_by_name
from specfast.kernels import backend, reference

LINES = {
    "hermite": (-9.0, 9.0), "laguerre(0.5)": (0.0, 60.0), "chebyshev": (-1.0, 1.0), "legendre": (-1.0, 1.0),
    "fourier": (-3.0, 3.0), "rational": (-20.0, 20.0), "twohalflines": (-60.0, 60.0),
}  # fmt: skip


@st.composite
def problems(draw):
    """Return a family, an order, and broadcastable coef (..., K), values and z (..., M) with arbitrary strides."""
    name = draw(st.sampled_from(sorted(LINES)))
    dtype = draw(st.sampled_from([torch.float32, torch.float64]))
    lead = draw(st.lists(st.integers(0, 3), max_size=3))
    size, points = draw(st.integers(1, 40)), draw(st.integers(0, 70))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))

    def array(length):
        shape = [draw(st.sampled_from([n, 1])) if n else n for n in lead[draw(st.integers(0, len(lead))) :]]
        step = draw(st.integers(1, 3))
        whole = torch.rand(*shape, max(1, length * step), generator=generator, dtype=torch.float64)
        part = whole[..., : length * step : step]
        return part.flip(0).to(dtype).mT.contiguous().mT if shape and draw(st.booleans()) else part.to(dtype)

    low, high = LINES[name]
    coef, values, z = array(size) - 0.5, array(points) - 0.5, low + (high - low) * array(points)
    return family_by_name(name), draw(st.integers(0, 2)), coef, values, z


@given(problems())
@settings(max_examples=150, deadline=None)
def test_sums_and_their_transpose(problem):
    family, derivative, coef, values, z = problem
    kernels = backend(z.device)
    tolerance = (3e-5 if z.dtype == torch.float32 else 1e-12) * (1 + coef.shape[-1]) ** (2 * derivative)
    table = reference.vandermonde(z.double(), coef.shape[-1], family.name, derivative)
    sums = kernels.synthesize(coef, z, family.name, derivative)
    expected = (table @ coef.double().unsqueeze(-1)).squeeze(-1)
    assert sums.dtype == z.dtype and sums.shape == expected.shape
    assert torch.allclose(sums.double(), expected, rtol=tolerance, atol=tolerance)
    transposed = kernels.adjoint(values, z, coef.shape[-1], family.name, derivative)
    by_hand = (table.mT @ values.double().unsqueeze(-1)).squeeze(-1)
    assert transposed.shape == by_hand.shape
    scale = math.sqrt(1 + z.shape[-1])
    assert torch.allclose(transposed.double(), by_hand, rtol=scale * tolerance, atol=scale * tolerance)
