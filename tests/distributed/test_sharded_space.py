"""Parts of index sets, and spaces split over processes, against the whole in one process."""

import pickle

import numpy as np
import pytest
import torch
import torch.distributed as dist
from several import in_processes
from test_kernels import backends
from torch.distributed.device_mesh import init_device_mesh

import specfast as sf
from specfast.distributed import shard as split
from specfast.index_sets.partition import Part
from specfast.ops.collectives import all_reduce, copy_to_group

D = torch.float64
SETS = [
    (sf.HyperbolicCross(32), 4),
    (sf.HyperbolicCross(16, gamma=-1.0), 3),
    (sf.TensorProduct(9), 2),
    (sf.TotalDegree(6), 5),
    (sf.HyperbolicCross(12, weights=(1, 2, 1, 3, 1.0)), 5),
    (sf.Indices(sf.TotalDegree(5).indices(3)), 3),
]


@pytest.mark.parametrize(("whole", "dim"), SETS)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_parts_are_the_whole_in_even_pieces(whole, dim, count):
    parts = [Part(whole, part, count) for part in range(count)]
    own = [part.indices(dim)[part.leading(dim) :] for part in parts]
    assert np.array_equal(np.concatenate(own), whole.indices(dim))
    assert [part.begin(dim) for part in parts] == list(np.cumsum([0] + [len(some) for some in own])[:-1])
    for part in parts:
        assert part.own_size(dim) == part.size(dim) - part.leading(dim)
        # Nodes of the tree: leaves, and how many leading entries differ from the index before.
        tree = part.tree(dim)[part.leading(dim) :]
        work = int((tree[:, 1] + dim - 1 - tree[:, 0]).sum())
        longest = whole.largest(dim)[-1] + dim
        nodes = whole.tree(dim)
        assert abs(work - int((nodes[:, 1] + dim - 1 - nodes[:, 0]).sum()) / count) <= longest + dim
        assert pickle.loads(pickle.dumps(part)) == part


@backends
@pytest.mark.parametrize(("whole", "dim"), SETS)
def test_sums_over_parts_against_the_naive_formula(backend, whole, dim):
    families = [sf.Hermite(), sf.Legendre(), sf.Laguerre(0.5), sf.Chebyshev(), sf.Hermite()][:dim]
    names = [family.name for family in families]
    z, coef = 0.1 + 0.8 * torch.rand(7, dim, dtype=D), torch.randn(whole.size(dim), dtype=D)
    products = torch.ones(7, len(coef), dtype=D)
    for axis, family in enumerate(families):
        table = sf.Space(family.with_degree(40)).vandermonde(z[:, axis])
        products = products * table[:, torch.from_numpy(whole.indices(dim)[:, axis].astype(int))]
    none, values = [0] * dim, torch.randn(7, dtype=D)
    for part in (Part(whole, number, 3) for number in range(3)):
        own = slice(part.begin(dim), part.begin(dim) + part.own_size(dim))
        padded = torch.cat([torch.zeros(part.leading(dim), dtype=D), coef[own]])
        tree, degrees = torch.from_numpy(part.tree(dim).copy()), list(part.largest(dim))
        found = backend.product_synthesize(padded, z, tree, degrees, names, none)
        torch.testing.assert_close(found, products[:, own] @ coef[own], rtol=1e-11, atol=1e-11)
        found = backend.product_adjoint(values, z, tree, len(padded), degrees, names, none)[part.leading(dim) :]
        torch.testing.assert_close(found, values @ products[:, own], rtol=1e-11, atol=1e-11)
        both = backend.product_backward(values, padded, z, tree, degrees, names, none)
        torch.testing.assert_close(both[0][part.leading(dim) :], found, rtol=1e-11, atol=1e-11)


def test_parts_that_cannot_be():
    with pytest.raises(ValueError, match="part=3: 0 to 2"):
        Part(sf.TotalDegree(4), 3, 3)
    with pytest.raises(ValueError, match="one has no tree"):
        sf.Space(sf.Hermite(), Part(sf.TotalDegree(4), 0, 2))
    few = [Part(sf.TotalDegree(2), part, 9) for part in range(9)]  # of which some have nothing
    assert sum(part.own_size(2) for part in few) == 6 and min(part.own_size(2) for part in few) == 0
    assert [part.begin(2) for part in few] == list(np.cumsum([0] + [part.own_size(2) for part in few])[:-1])
    space = sf.Space([sf.Hermite()] * 3, Part(sf.HyperbolicCross(8), 1, 3))
    assert sf.Space.from_dict(space.to_dict()) == space


FAMILIES = [sf.Hermite(), sf.Laguerre(0.5), sf.Legendre(0, 2), sf.Hermite()]
SPACE = sf.Space(FAMILIES, sf.HyperbolicCross(12, gamma=-0.5))


def drawn(points=6, rows=2):
    torch.manual_seed(1)
    coef = torch.randn(rows, SPACE.size, dtype=D)
    where = torch.rand(points, 4, dtype=D)
    scale, shift = 0.5 + torch.rand(4, dtype=D), torch.zeros(4, dtype=D)
    return [t.requires_grad_() for t in (coef, where, scale, shift)]


def close(found, expected):
    return bool(torch.allclose(found, expected, rtol=1e-10, atol=1e-10))


def split_indices():
    """Everything that a shard does, against the whole; returns a name and a verdict for each."""
    shard = split(SPACE, init_device_mesh("cpu", (dist.get_world_size(),)))
    coef, points, scale, shift = drawn()
    own = coef.detach()[..., shard.begin : shard.begin + shard.size].clone().requires_grad_()
    place = {"scale": scale, "shift": shift}
    verdict = {}
    for orders in ((0, 0, 0, 0), (1, 0, 2, 0), [(0, 0, 0, 0), (0, 1, 0, 1)]):
        found = shard.synthesize(own, points, derivative=orders, **place)
        expected = SPACE.synthesize(coef, points, derivative=orders, **place)
        verdict[f"synthesize {orders}"] = close(found, expected)
        weights = torch.linspace(0, 1, expected.numel(), dtype=D).reshape(expected.shape)
        first = torch.autograd.grad((found**2 * weights).sum(), [own, points, scale, shift], create_graph=True)
        wanted = torch.autograd.grad((expected**2 * weights).sum(), [coef, points, scale, shift], create_graph=True)
        cut = [wanted[0][..., shard.begin : shard.begin + shard.size], *wanted[1:]]
        verdict[f"gradients {orders}"] = all(map(close, first, cut))
        # A function of the gradients that is the same everywhere: that in c is each process's own, so its part is summed.
        name = dist.group.WORLD.group_name
        again = torch.autograd.grad(
            all_reduce((first[0] ** 2).sum(), name) + sum((g**2).sum() for g in first[1:]), [own, points, scale]
        )
        second = torch.autograd.grad(sum((g**2).sum() for g in wanted), [coef, points, scale])
        verdict[f"second {orders}"] = all(
            map(close, again, [second[0][..., shard.begin : shard.begin + shard.size], *second[1:]])
        )
    value, slope = shard.value_and_gradient(own, points, **place)
    expected = SPACE.value_and_gradient(coef, points, **place)
    verdict["value and gradient"] = close(value, expected[0]) and close(slope, expected[1])
    values = torch.rand(2, 6, dtype=D, requires_grad=True)
    found, expected = shard.adjoint(values, points, **place), SPACE.adjoint(values, points, **place)
    part = slice(shard.begin, shard.begin + shard.size)
    verdict["adjoint"] = close(found, expected[..., part])
    name = dist.group.WORLD.group_name
    both = [
        torch.autograd.grad(loss, [values, points, scale])
        for loss in (all_reduce((found**3).sum(), name), (expected**3).sum())
    ]
    verdict["gradients of the adjoint"] = all(map(close, *both))
    verdict["gather"] = close(shard.gather(own), coef) and close(shard.scatter(coef), own)
    verdict["norm"] = close(shard.norm(own), SPACE.norm(coef))
    zero = torch.zeros_like(own)
    zero[:, 0] = float(shard.begin == 0)
    zero.requires_grad_()
    (slope,) = torch.autograd.grad(shard.norm(zero)[0], zero)
    verdict["gradient of the norm at zero"] = bool(slope.isfinite().all())
    verdict["complex"] = close(
        shard.synthesize(own * (1 + 2j), points, **place), SPACE.synthesize(coef * (1 + 2j), points, **place)
    )
    push = torch.randn_like(coef)
    moved = torch.func.jvp(
        lambda c, x: shard.synthesize(c, x), (own, points), (push[..., part], torch.ones_like(points))
    )
    expected = torch.func.jvp(lambda c, x: SPACE.synthesize(c, x), (coef, points), (push, torch.ones_like(points)))
    verdict["jvp"] = all(map(close, moved, expected))
    mapped = torch.func.vmap(lambda c: shard.synthesize(c, points))(own)
    verdict["vmap"] = close(mapped, SPACE.synthesize(coef, points))
    compiled = torch.compile(lambda c, x: shard.synthesize(c, x).square().sum(), fullgraph=True, backend="aot_eager")
    grads = [
        torch.autograd.grad(loss, [c, points])
        for loss, c in ((compiled(own, points), own), (SPACE.synthesize(coef, points).square().sum(), coef))
    ]
    verdict["compiled"] = close(grads[0][0], grads[1][0][..., part]) and close(grads[0][1], grads[1][1])
    small = shard.synthesize(own.float(), points.float())
    verdict["float32"] = bool(torch.allclose(small.double(), SPACE.synthesize(coef, points), rtol=1e-3, atol=1e-3))
    for operator in (all_reduce, copy_to_group):
        torch.library.opcheck(operator, (values, name))
    verdict["identity and its transpose"] = close(copy_to_group(values, name), values)
    return verdict


def split_both():
    """Indices along one axis of the mesh, points along the other: a least-squares gradient is that of the whole."""
    mesh = init_device_mesh("cpu", (2, dist.get_world_size() // 2), mesh_dim_names=("parts", "places"))
    shard = split(SPACE, mesh, indices="parts", points="places")
    coef, points, scale, shift = drawn(points=8)
    mine = mesh.get_local_rank("places")
    own_points = points.detach()[mine::2].clone().requires_grad_()
    part = slice(shard.begin, shard.begin + shard.size)
    own = coef.detach()[..., part].clone().requires_grad_()
    found = shard.synthesize(own, own_points, scale=scale, shift=shift)
    expected = SPACE.synthesize(coef, points, scale=scale, shift=shift)
    verdict = {"synthesize": close(found, expected[..., mine::2])}
    ours = torch.autograd.grad((found**2).sum(), [own, own_points, scale])
    wanted = torch.autograd.grad((expected**2).sum(), [coef, points, scale])
    verdict["gradients"] = all(map(close, ours, [wanted[0][..., part], wanted[1][mine::2], wanted[2]]))
    values = torch.randn(2, 8, dtype=D)
    found = shard.adjoint(values[:, mine::2], own_points, scale=scale, shift=shift)
    verdict["adjoint"] = close(found, SPACE.adjoint(values, points, scale=scale, shift=shift)[..., part])
    only_points = split(SPACE, mesh, indices=None, points=1)
    verdict["points alone"] = only_points.size == SPACE.size and close(
        only_points.adjoint(values[:, mine::2], own_points), SPACE.adjoint(values, points)
    )
    for wrong in ({"indices": "rows"}, {"indices": None}, {"indices": 0, "points": 0}, {"indices": 2}):
        try:
            split(SPACE, mesh, **wrong)
            verdict[str(wrong)] = False
        except ValueError:
            pass
    return verdict


@pytest.mark.parametrize("count", [2, 4])
def test_split_over_processes(count):
    for verdict in in_processes(count, split_indices):
        assert all(verdict.values()), verdict
        assert len(verdict) == 21


def test_indices_and_points_split():
    for verdict in in_processes(4, split_both):
        assert all(verdict.values()), verdict
