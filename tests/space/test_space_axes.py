"""Several axes: nodes and projection on crosses, differentiation and change of basis, against dense linear algebra."""

import numpy as np
import pytest
import torch

import specfast as sf

D = torch.float64
MIXED = [sf.Hermite(), sf.Chebyshev(0, 3), sf.Laguerre(0.5, sign=-1)]
SETS = [
    sf.TensorProduct((3, 4, 2)),
    sf.TotalDegree(6),
    sf.HyperbolicCross(8, gamma=-1.0),
    sf.HyperbolicCross(8, gamma=0.5),
]
SCALE, SHIFT = torch.tensor([1.3, 1.0, 0.7], dtype=D), torch.tensor([0.2, 0.0, 1.0], dtype=D)
BASIS = {"scale": SCALE, "shift": SHIFT}


def dense(space, points):
    """Return Phi_k(x_m) from one-dimensional values of mpmath-tested functions, multiplied explicitly."""
    columns = []
    for axis, family in enumerate(space.families):
        line = sf.Space(family.with_degree(int(space.indices[:, axis].max())))
        basis = {} if family.bounded else {"scale": float(SCALE[axis]), "shift": float(SHIFT[axis])}
        columns.append(line.vandermonde(points[:, axis], **basis)[:, space.indices[:, axis].copy()])
    return torch.stack(columns).prod(0)


@pytest.mark.parametrize("index_set", SETS, ids=str)
def test_project_inverts_the_dense_table(index_set):
    space = sf.Space(MIXED, index_set)
    points, values = space.nodes(**BASIS), torch.randn(2, space.size, dtype=D)
    assert points.shape == (space.size, 3) and len(np.unique(points.numpy(), axis=0)) == space.size
    table = dense(space, points)
    expected = torch.linalg.solve(table, values.mT).mT
    torch.testing.assert_close(space.project(values, **BASIS), expected, rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(space.project(values * 1j, **BASIS), expected * 1j, rtol=1e-9, atol=1e-10)


def test_leja_nodes_are_nested_and_the_condition_is_that_of_the_table():
    family, small, large = sf.Hermite(), sf.HyperbolicCross(4, gamma=0.0), sf.HyperbolicCross(16, gamma=0.0)
    inner, outer = (set(map(tuple, sf.Space([family] * 2, s).nodes().tolist())) for s in (small, large))
    assert inner < outer
    space = sf.Space([family] * 2, large)
    table = space.vandermonde(space.nodes()).numpy()
    assert 0.3 < space.condition_number() / np.linalg.cond(table, 1) <= 1 + 1e-9
    with pytest.raises(ValueError, match="Gauss nodes"):
        sf.Space(sf.Hermite(degree=3)).condition_number()


@pytest.mark.parametrize("index_set", SETS, ids=str)
def test_differentiate_along_every_axis(index_set):
    space = sf.Space(MIXED, index_set)
    inside = sf.Space(MIXED, sf.TotalDegree(1))
    coef = torch.randn(2, space.size, dtype=D)
    coef[:, space.indices.sum(1) > inside.indices.sum(1).max()] = 0  # so that no derivative leaves the set
    points = torch.rand(7, 3, dtype=D) * torch.tensor([4.0, 2.9, -3.0]) + torch.tensor([-2.0, 0.05, 0.99])
    for axis in range(3):
        orders = tuple(int(d == axis) for d in range(3))
        expected = space.synthesize(coef, points, **BASIS, derivative=orders)
        result = space.synthesize(space.differentiate(coef, axis, scale=SCALE), points, **BASIS)
        torch.testing.assert_close(result, expected)
    with pytest.raises(ValueError, match="axis=3"):
        space.differentiate(coef, 3)


@pytest.mark.parametrize("index_set", SETS, ids=str)
def test_change_of_basis_is_the_projection_within_the_set(index_set):
    families = [sf.Hermite(), sf.Laguerre(0.5)]
    degree = (7, 9) if isinstance(index_set, sf.TensorProduct) else None
    space = sf.Space(families, sf.TensorProduct(degree) if degree else index_set)
    old, new = torch.tensor([1.3, 0.9], dtype=D), torch.tensor([[1.0, 1.2], [1.5, 0.8]], dtype=D)
    shift, new_shift = torch.tensor([0.1, 0.5], dtype=D), torch.tensor([0.4, 0.5], dtype=D)
    coef = torch.randn(2, space.size, dtype=D)
    fine = sf.Space(families, sf.TensorProduct(60))
    for row in range(2):
        points, weights = fine.quadrature(scale=0.5 * (old + new[row]), shift=shift)
        values = weights * space.synthesize(coef[row], points, scale=old, shift=shift)
        expected = space.adjoint(values, points, scale=new[row], shift=new_shift)
        result = space.change_basis(coef, old, shift, new, new_shift)[row]
        torch.testing.assert_close(result, expected, rtol=1e-9, atol=1e-10)


def test_gradients_pass_through_projection_differentiation_and_conversion():
    space = sf.Space([sf.Hermite()] * 2, sf.HyperbolicCross(4))
    coef = torch.randn(space.size, dtype=D, requires_grad=True)
    scale = torch.tensor([0.9, 1.2], dtype=D, requires_grad=True)
    shift = torch.tensor([0.3, -0.2], dtype=D, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v, b: space.project(v, scale=b), (coef, scale))
    assert torch.autograd.gradcheck(lambda c, b: space.differentiate(c, 1, scale=b), (coef, scale))
    assert torch.autograd.gradcheck(lambda c, b, s: space.change_basis(c, b, s, 1.0, 0.0), (coef, scale, shift))
