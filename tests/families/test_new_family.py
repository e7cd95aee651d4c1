"""A family that is one new file works everywhere: kernels of every backend, rules, spaces, layers."""

import numpy as np
import pytest
import torch
from second_kind import SecondKind
from test_kernels import with_gpu

import specfast as sf
from specfast.families import FAMILIES, family_by_name
from specfast.families.registry import register_family
from specfast.kernels import jit

D = torch.float64


@pytest.fixture(autouse=True)
def registered():
    register_family(SecondKind)
    family_by_name.cache_clear()
    yield
    del FAMILIES["SecondKind"]
    family_by_name.cache_clear()


def exact(z, size):
    """Return sqrt(2/pi) sin((n + 1) t) / sin(t), z = cos t."""
    angle = np.arccos(z)[:, None]
    return np.sqrt(2 / np.pi) * np.sin((np.arange(size) + 1) * angle) / np.sin(angle)


@with_gpu
def test_kernels(backend):
    z = torch.cos(torch.linspace(1e-3, 3.14, 70, dtype=D))
    table, coef = torch.from_numpy(exact(z.numpy(), 300)), torch.randn(300, dtype=D)
    found = backend.vandermonde(z, 300, "secondkind", 0)
    assert (found - table).abs().max() < 1e-11 * table.abs().max()
    scale = 1e-12 * table.abs().max() * coef.abs().sum()
    assert (backend.synthesize(coef, z, "secondkind", 0) - table @ coef).abs().max() < scale
    assert (backend.adjoint(z, z, 300, "secondkind", 0) - z @ table).abs().max() < 1e-11 * table.abs().sum(0).max()
    # d/dt of sin((n + 1) t) / sin(t), over dz/dt = -sin(t).
    n, angle = np.arange(9) + 1, np.arccos(z.numpy())[5:-5, None]
    slope = (n * np.cos(n * angle) * np.sin(angle) - np.sin(n * angle) * np.cos(angle)) / -(np.sin(angle) ** 3)
    found = backend.vandermonde(z[5:-5], 9, "secondkind", 1).numpy()
    np.testing.assert_allclose(found, np.sqrt(2 / np.pi) * slope, rtol=1e-7, atol=1e-8)


def test_rules_spaces_and_layers():
    family = SecondKind(1.0, 4.0)
    z, w = sf.gauss(family, 40)
    gram = exact(z, 40).T @ (w[:, None] * exact(z, 40))
    np.testing.assert_allclose(gram, np.eye(40), atol=1e-12)
    space = sf.Space(family.with_degree(20))
    x = torch.linspace(1, 4, 90, dtype=D)
    coef = space.fit(torch.exp(-x), x)
    torch.testing.assert_close(space.synthesize(coef, x), torch.exp(-x), atol=1e-12, rtol=0)
    torch.testing.assert_close(space.synthesize(coef, x, derivative=1), -torch.exp(-x), atol=1e-9, rtol=0)
    torch.testing.assert_close(space.project(torch.exp(-space.nodes())), coef, atol=1e-12, rtol=0)
    assert eval(repr(space), {"Space": sf.Space, "SecondKind": SecondKind}) == space
    plane = sf.Space([family, sf.Hermite()], sf.HyperbolicCross(5))
    given = [torch.randn(plane.size, dtype=D, requires_grad=True), 1 + 3 * torch.rand(4, 2, dtype=D)]
    assert torch.autograd.gradcheck(lambda c, p: plane.synthesize(c, p), (given[0], given[1].requires_grad_()))
    layer = sf.nn.PolynomialKAN(3, 2, SecondKind(), degree=4)
    assert layer(torch.randn(5, 3)).shape == (5, 2)
    assert jit.evaluate(jit.tables(family, 5), 3, 0.3) == pytest.approx(exact(np.array([0.3]), 4)[0, 3])


def test_products():
    # U_1 U_2 = U_1 + U_3, of sqrt(2/pi) U_n
    unit = torch.eye(4, dtype=D)
    found = sf.Space(SecondKind(degree=3)).multiply(unit[1], unit[2])
    torch.testing.assert_close(found, np.sqrt(2 / np.pi) * (unit[1] + unit[3]))
    cross = sf.Space([SecondKind()] * 2, sf.HyperbolicCross(12))
    c, d, e = torch.randn(3, cross.size, dtype=D)
    torch.testing.assert_close(cross.inner(cross.multiply(c, d), e), cross.inner(c, cross.multiply(d, e)))
