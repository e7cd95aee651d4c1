"""A space whose first use is in a compiled graph."""

import pytest
import torch

import specfast as sf

D = torch.float64
SPACES = {
    "line": lambda: sf.Space(sf.Hermite(degree=6)),
    "cross": lambda: sf.Space([sf.Hermite(), sf.Laguerre(0.5)], sf.HyperbolicCross(5)),
    "listed": lambda: sf.Space([sf.Legendre(), sf.Hermite()], sf.Indices([[0, 0], [0, 1], [1, 0], [2, 0]])),
    "box": lambda: sf.Space([sf.Legendre(), sf.Chebyshev()], sf.TensorProduct((3, 4))),
}
USES = {
    "synthesize": lambda space, c, x: space.synthesize(c, x, scale=1.2 if not space.families[0].bounded else 1.0),
    "value and gradient": lambda space, c, x: space.value_and_gradient(c, x)[1],
    "adjoint": lambda space, c, x: space.adjoint(c[:1].expand(3), x),
    "grid": lambda space, c, x: space.synthesize_grid(c, 9),
    "project grid": lambda space, c, x: space.project_grid(c.sum() * torch.ones((9,) * space.dim, dtype=D)),
    "nodes of the grid": lambda space, c, x: space.grid(9)[0] * c.sum(),
    "project": lambda space, c, x: space.project(c),
    "nodes": lambda space, c, x: space.nodes() * c.sum(),
    "differentiate": lambda space, c, x: space.differentiate(c),
    "inner": lambda space, c, x: space.inner(c, 2 * c),
}


@pytest.mark.parametrize("kind", SPACES)
@pytest.mark.parametrize("use", USES)
def test_in_a_graph(kind, use):
    torch._dynamo.reset()
    space, call = SPACES[kind](), USES[use]
    coef = torch.randn(space.size, dtype=D)
    points = torch.rand(3 if space.dim == 1 else (3, space.dim), dtype=D)
    compiled = torch.compile(lambda c, x: call(space, c, x), fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(coef, points), call(SPACES[kind](), coef, points), rtol=1e-12, atol=1e-12)


def test_a_layer_that_is_compiled_at_once():
    torch._dynamo.reset()
    space = sf.Space([sf.Hermite(), sf.Legendre()], sf.HyperbolicCross(5))
    layer, x = sf.nn.SpectralOperator(space, 1, 1, width=3, layers=1, coupling=1), torch.randn(2, 1, 7, 8)
    compiled = torch.compile(layer, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(x), layer(x))
