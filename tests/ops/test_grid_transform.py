"""Transforms on tensor grids of Gauss nodes, axis by axis, against the naive sum and against projection of known fields."""

import math

import numpy as np
import pytest
import torch

import specfast as sf
from specfast.ops import grid_lines

FAMILIES = [sf.Hermite(), sf.Laguerre(0.5), sf.Chebyshev(0, 2), sf.Legendre(-1, 3), sf.Fourier(-1, 3), sf.Rational()]
FAMILIES.append(sf.RationalHalfLine())
SETS = [
    (2, sf.HyperbolicCross(9)),
    (3, sf.HyperbolicCross(7, gamma=-1.0)),
    (3, sf.TensorProduct((2, 0, 4))),
    (4, sf.TotalDegree(3)),
    (2, sf.Indices([[0, 0], [0, 1], [1, 0], [2, 0]])),
    (2, sf.TensorProduct(0)),
]


def naive(space, coef, lines, scale, orders):
    """Return sum_n c_n prod_d phi_n(x_d) with one-dimensional spaces, full tensor of coefficients and einsum."""
    full = torch.zeros(*coef.shape[:-1], *(n + 1 for n in space.index_set.largest(space.dim)), dtype=coef.dtype)
    full[(..., *space.indices.T.astype(np.int64))] = coef
    for axis, (family, line) in enumerate(zip(space.families, lines, strict=True)):
        count = full.shape[full.dim() - space.dim + axis]
        own = sf.Space(family.with_degree(count - 1))
        beta = 1.0 if family.bounded else scale[axis]
        table = own.vandermonde(line, scale=beta, derivative=orders[axis]).to(coef.dtype)
        full = torch.movedim(torch.tensordot(full, table, ([full.dim() - space.dim + axis], [1])), -1, axis - space.dim)
    return full


@pytest.mark.parametrize(("dim", "index_set"), SETS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_against_the_full_tensor(dim, index_set, dtype):
    torch.manual_seed(0)
    space = sf.Space(FAMILIES[:dim], index_set)
    sizes = [n + 1 + d for d, n in enumerate(index_set.largest(dim))]
    scale = torch.tensor([1.5, 0.7, 1.0, 1.0][:dim], dtype=torch.float64)
    scale[[f.bounded for f in space.families]] = 1.0
    orders = (1, 0, 2, 0)[:dim]
    coef = torch.randn(2, space.size, dtype=dtype)
    lines = space.grid(sizes, scale=scale)
    result = space.synthesize_grid(coef, sizes, scale=scale, derivative=orders)
    expected = naive(space, coef, lines, scale, orders)
    torch.testing.assert_close(result, expected, rtol=1e-12, atol=1e-12 * float(expected.abs().max()))
    values = space.synthesize_grid(coef, sizes, scale=scale)
    torch.testing.assert_close(space.project_grid(values, scale=scale), coef, rtol=1e-11, atol=1e-11)


def test_nodes_of_a_product_are_its_grid():
    space = sf.Space(FAMILIES[:3], sf.TensorProduct((3, 2, 4)))
    shift = torch.tensor([0.5, -1.0, 0.0], dtype=torch.float64)
    scale = torch.tensor([2.0, 0.5, 1.0], dtype=torch.float64)
    lines = space.grid(scale=scale, shift=shift)
    mesh = torch.stack(torch.meshgrid(*lines, indexing="ij"), -1).reshape(-1, 3)
    torch.testing.assert_close(space.nodes(scale=scale, shift=shift), mesh)


def test_projection_of_a_gaussian_onto_a_cross():
    # exp(-x^2 - y^2) has Hermite coefficients known in closed form: sqrt(2/3) pi^(1/4) (-1/3)^k sqrt((2k)!) / (2^k k!) an axis.
    space = sf.Space([sf.Hermite(), sf.Hermite()], sf.HyperbolicCross(12, gamma=-1.0))
    x, y = (line.unsqueeze(0) for line in space.grid(60))
    values = torch.exp(-(x.mT**2) - y**2)
    k = np.arange(7)
    even = [
        math.sqrt(2 / 3) * math.pi**0.25 * (-1 / 3) ** i * math.sqrt(math.factorial(2 * i)) / (2**i * math.factorial(i))
        for i in k
    ]
    line = np.zeros(13)
    line[::2] = even
    expected = torch.from_numpy(line[space.indices[:, 0]] * line[space.indices[:, 1]])
    torch.testing.assert_close(space.project_grid(values), expected, rtol=0, atol=1e-14)


def test_long_axes_take_no_table(monkeypatch):
    torch.manual_seed(1)
    space = sf.Space([sf.Hermite(), sf.Legendre()], sf.HyperbolicCross(20))
    coef = torch.randn(3, space.size, dtype=torch.float64)
    expected = space.synthesize_grid(coef, 24, derivative=(1, 0))
    monkeypatch.setattr(grid_lines, "_LARGEST_TABLE", 0)
    monkeypatch.setattr(grid_lines, "_LARGEST_HALF", 0)
    torch.testing.assert_close(space.synthesize_grid(coef, 24, derivative=(1, 0)), expected, rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(space.project_grid(space.synthesize_grid(coef, 24)), coef, rtol=1e-11, atol=1e-11)


def test_kinds_and_types():
    space = sf.Space([sf.Hermite(), sf.Hermite()], sf.HyperbolicCross(5))
    coef = np.random.default_rng(0).standard_normal((4, space.size)).astype(np.float32)
    values = space.synthesize_grid(coef)
    assert isinstance(values, np.ndarray) and values.dtype == np.float32 and values.shape == (4, 6, 6)
    np.testing.assert_allclose(space.project_grid(values), coef, rtol=0, atol=1e-5)
    half = space.synthesize_grid(torch.from_numpy(coef).bfloat16())
    assert half.dtype is torch.bfloat16
    line = sf.Space(sf.Hermite(degree=6))
    own = torch.randn(7, dtype=torch.float64)
    torch.testing.assert_close(line.synthesize_grid(own, 9), line.synthesize(own, line.grid(9)[0]))
    assert space.synthesize_grid(np.zeros((0, space.size))).shape == (0, 6, 6)
    assert space.project_grid(np.zeros((2, 0, 8, 8))).shape == (2, 0, space.size)
    product = sf.Space([sf.Hermite()] * 2, sf.TensorProduct(4))
    assert product.project(np.zeros((0, 25))).shape == (0, 25)
    assert space.synthesize_grid(coef, np.array([8, 9])).shape == (4, 8, 9)
    with pytest.raises(ValueError, match="2 orders of 0 or more"):
        space.synthesize_grid(coef, derivative=[(0, 0), (1, 0)])


def test_long_axes_in_single_precision():
    torch.manual_seed(2)
    space = sf.Space(sf.Legendre(), sf.TensorProduct(1100))
    coef = torch.randn(space.size)
    exact = space.synthesize(coef.double(), space.grid(1200)[0])
    values = space.synthesize_grid(coef, 1200)
    assert (values - exact).abs().max() < 1e-6 * exact.abs().max()
    assert (space.project_grid(values) - coef).abs().max() < 1e-5 * coef.abs().max()


def test_derivatives_by_autograd():
    space = sf.Space([sf.Hermite(), sf.Laguerre()], sf.HyperbolicCross(4))
    coef = torch.randn(2, space.size, dtype=torch.float64, requires_grad=True)
    scale = torch.tensor([1.2, 0.8], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda c, s: space.synthesize_grid(c, 6, scale=s), (coef, scale))
    values = torch.randn(2, 6, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v, s: space.project_grid(v, scale=s), (values, scale))


@pytest.mark.parametrize("sizes", [3, [6], [6, 3], [0, 6]])
def test_too_few_nodes(sizes):
    space = sf.Space([sf.Hermite(), sf.Hermite()], sf.HyperbolicCross(4))
    for call in (space.grid, lambda n: space.synthesize_grid(np.zeros(space.size), n)):
        with pytest.raises(ValueError, match=r"sizes=.* at least \(5, 5\)"):
            call(sizes)
    with pytest.raises(ValueError, match="sizes="):
        space.project_grid(np.zeros((5, 4)))
    with pytest.raises(ValueError, match="values have shape"):
        space.project_grid(np.zeros(5))
    with pytest.raises(ValueError, match="coef has shape"):
        space.synthesize_grid(np.zeros(3))
