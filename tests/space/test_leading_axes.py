"""Leading axes that broadcast in every way, problems without rows or points, and what a backward pass needs of a space that is gone."""

import gc
import itertools

import numpy as np
import pytest
import torch

import specfast as sf

D = torch.float64
LINE = sf.Space(sf.Hermite(degree=3))
PLANE = sf.Space([sf.Hermite(), sf.Hermite()], sf.TotalDegree(2))
FOUR = sf.Space([sf.Hermite()] * 4, sf.TotalDegree(2))
LEADS = [(), (1,), (2,), (3, 1), (3, 2), (1, 1)]


def by_table(space, coef, x, scale, shift, derivative=None):
    """Return the field by the table of functions, all arguments of the full leading axes."""
    several = int(space.dim > 1)
    lead = torch.broadcast_shapes(
        coef.shape[:-1], x.shape[: x.dim() - 1 - several], *(p.shape[: p.dim() - several] for p in (scale, shift))
    )
    points = x.expand(*lead, *x.shape[x.dim() - 1 - several :])
    own = [part.expand(*lead, *part.shape[part.dim() - several :]) for part in (scale, shift)]
    table = space.vandermonde(points, scale=own[0], shift=own[1], derivative=derivative or (0,) * space.dim)
    return (table * coef.unsqueeze(-2)).sum(-1)


def arguments(space, *leads):
    own = (space.dim,) if space.dim > 1 else ()
    coef = torch.randn(*leads[0], space.size, dtype=D, requires_grad=True)
    x = torch.randn(*leads[1], 4, *own, dtype=D, requires_grad=True)
    scale = (0.5 + torch.rand((*leads[2], *own), dtype=D)).requires_grad_()
    shift = torch.randn((*leads[3], *own), dtype=D, requires_grad=True)
    return coef, x, scale, shift


@pytest.mark.parametrize("space", [LINE, PLANE], ids=["line", "plane"])
def test_values_derivatives_and_gradients(space):
    torch.manual_seed(0)
    orders = [(0,) * space.dim, *(tuple(int(d == axis) for d in range(space.dim)) for axis in range(space.dim))]
    listed = [order[0] for order in orders] if space.dim == 1 else orders
    combinations = list(itertools.product(LEADS, repeat=4))
    for which in torch.randperm(len(combinations))[:120].tolist():
        coef, x, scale, shift = given = arguments(space, *combinations[which])
        found = space.synthesize(coef, x, scale=scale, shift=shift, derivative=listed)
        expected = torch.stack([by_table(space, *given, order) for order in orders])
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(
            space.synthesize(coef, x, scale=scale, shift=shift), expected[0], rtol=1e-10, atol=1e-10
        )
        weights = torch.randn_like(expected)
        ours = torch.autograd.grad((found * weights).sum(), given)
        wanted = torch.autograd.grad((expected * weights).sum(), given)
        for a, b in zip(ours, wanted, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)
        one = torch.autograd.grad(
            (space.synthesize(coef, x, scale=scale, shift=shift) * weights[0]).sum(), given, create_graph=True
        )
        for a, b in zip(one, torch.autograd.grad((by_table(space, *given) * weights[0]).sum(), given), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


def test_points_alone_have_leading_axes():
    coef, x = torch.randn(4, dtype=D), torch.randn(2, 5, dtype=D)
    u, slope = LINE.value_and_gradient(coef, x)
    assert u.shape == slope.shape == (2, 5)
    torch.testing.assert_close(u, LINE.vandermonde(x) @ coef)
    torch.testing.assert_close(slope, LINE.vandermonde(x, derivative=1) @ coef)
    mapped = torch.func.vmap(lambda points: LINE.synthesize(coef, points, derivative=[0, 1]))(x)
    torch.testing.assert_close(mapped, torch.stack([u, slope], 1))
    torch._dynamo.reset()
    compiled = torch.compile(lambda c, y: LINE.synthesize(c, y, derivative=[0, 1]), fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(coef, x), torch.stack([u, slope]))


@pytest.mark.parametrize("space", [LINE, PLANE, FOUR], ids=["line", "plane", "four axes"])
@pytest.mark.parametrize(("rows", "points"), [((), 0), ((0,), 0), ((0,), 3), ((2, 0), 3)])
def test_without_rows_or_points(space, rows, points):
    own = (space.dim,) if space.dim > 1 else ()
    x = torch.zeros(*rows, points, *own, dtype=D, requires_grad=True)
    coef = torch.ones(space.size, dtype=D, requires_grad=True)
    scale = torch.ones(own, dtype=D, requires_grad=True)
    u = space.synthesize(coef, x, scale=scale)
    assert u.shape == (*rows, points)
    for gradient, like in zip(torch.autograd.grad(u.sum(), (coef, x, scale)), (coef, x, scale), strict=True):
        assert gradient.shape == like.shape and not gradient.any()
    values = torch.zeros(*rows, points, dtype=D, requires_grad=True)
    c = space.adjoint(values, x, scale=scale)
    assert c.shape == (*rows, space.size) and not c.any()
    assert all(not part.any() for part in torch.autograd.grad(c.sum(), (values, x, scale)))


def test_a_space_that_is_gone_before_the_backward_pass():
    def loss(coef, x):
        own = sf.Space([sf.Hermite(), sf.Hermite()], sf.Indices([[0, 0], [0, 1], [1, 0], [2, 0]]))
        return own.synthesize(coef, x).sum() + own.synthesize_grid(coef, 4).sum()

    coef, x = torch.ones(4, dtype=D, requires_grad=True), torch.rand(3, 2, dtype=D, requires_grad=True)
    value = loss(coef, x)
    gc.collect()
    found = torch.autograd.grad(value, (coef, x), create_graph=True)
    gc.collect()
    (second,) = torch.autograd.grad(found[1].sum(), x)
    kept = sf.Space([sf.Hermite(), sf.Hermite()], sf.Indices([[0, 0], [0, 1], [1, 0], [2, 0]]))
    again = torch.autograd.grad(
        kept.synthesize(coef, x).sum() + kept.synthesize_grid(coef, 4).sum(), (coef, x), create_graph=True
    )
    torch.testing.assert_close(found, again)
    torch.testing.assert_close(second, torch.autograd.grad(again[1].sum(), x)[0])


def test_tensors_without_memory():
    with pytest.raises(ValueError, match="with memory"):
        LINE.synthesize(torch._efficientzerotensor((4,), dtype=D), torch.rand(3, dtype=D))
    nowhere = torch.empty(0, dtype=D).as_strided((0,), (0,))
    assert LINE.synthesize(torch.ones(4, dtype=D), torch.rand(3, dtype=D), scale=nowhere.unsqueeze(-1)[:, 0]).shape == (
        0,
        3,
    )
    with pytest.raises(ValueError, match="coef"):
        LINE.synthesize(torch.tensor(1.0, dtype=D), torch.rand(3, dtype=D))


@pytest.mark.parametrize("space", [LINE, PLANE], ids=["line", "plane"])
def test_tensors_that_say_where_they_are_under_another_default_device(space):
    """What is computed with tensors on the CPU does not depend on the default device, nor do later calls."""
    own = (space.dim,) if space.dim > 1 else ()
    coef, x = torch.randn(5, space.size, dtype=D), torch.randn(9, *own, dtype=D)
    many, ones = torch.randn(4000, space.size, dtype=D), torch.ones(9, dtype=D)
    calls = [
        lambda: space.synthesize(coef, x),
        lambda: space.synthesize(many, x, scale=1.25, shift=0.5),
        lambda: space.adjoint(ones, x),
        lambda: torch.stack([part.sum() for part in space.value_and_gradient(coef, x)]),
        lambda: space.vandermonde(x),
        lambda: space.differentiate(coef, 0),
        lambda: torch.from_numpy(np.asarray(space.synthesize(coef.numpy(), x.numpy(), scale=1.5))),
    ]
    expected = [call() for call in calls]
    with torch.device("meta"):
        inside = [call() for call in calls]
    for found in (inside, [call() for call in calls]):
        for a, b in zip(found, expected, strict=True):
            torch.testing.assert_close(a, b)
