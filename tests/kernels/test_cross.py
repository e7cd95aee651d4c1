"""Sums over index trees against the naive formula, for every backend, and the trees themselves against brute force."""

import itertools
import math

import numpy as np
import pytest
import torch
from test_kernels import backends, close, cpu, with_gpu

import specfast as sf
from specfast.index_sets import FunctionsOf, index_set_from_dict
from specfast.kernels import reference

HERMITE, LAGUERRE, CHEBYSHEV, LEGENDRE = "hermite", "laguerre(0.5)", "chebyshev", "legendre"
FOURIER, RATIONAL, HALF = "fourier", "rational", "rationalhalfline"
REACH = {HERMITE: (-6.0, 6.0), LAGUERRE: (0.0, 30.0), CHEBYSHEV: (-1.0, 1.0), LEGENDRE: (-1.0, 1.0)}
REACH |= {FOURIER: (-1.0, 3.0), RATIONAL: (-6.0, 6.0), HALF: (0.0, 30.0)}
CASES = {
    "two axes": (sf.HyperbolicCross(30), [HERMITE, LAGUERRE], [1, 0]),
    "tensor product": (sf.TensorProduct((5, 2, 7)), [HERMITE, CHEBYSHEV, LAGUERRE], [0, 1, 2]),
    "wide cross": (sf.HyperbolicCross(14, -1.0), [LEGENDRE, CHEBYSHEV, HERMITE], [0, 0, 0]),
    "total degree": (sf.TotalDegree(6), [HERMITE] * 4, [0, 2, 0, 0]),
    "six axes": (sf.HyperbolicCross(6), [HERMITE, LEGENDRE] * 3, [0] * 6),
    "weights": (sf.HyperbolicCross(8, 0.5, [3.0, 0.5, 1.0]), [HERMITE] * 3, [0, 0, 1]),
    "one function": (sf.HyperbolicCross(0), [HERMITE] * 3, [0, 0, 0]),
    "long segments": (sf.HyperbolicCross(150), [HERMITE, LEGENDRE], [0, 0]),
    "segments and products": (sf.HyperbolicCross(40), [LAGUERRE, HERMITE, LEGENDRE], [0, 0, 0]),
    "products alone": (sf.HyperbolicCross(16), [LEGENDRE, HERMITE, HERMITE, CHEBYSHEV], [0, 0, 0, 1]),
    "channel": (FunctionsOf(sf.HyperbolicCross(12), [FOURIER, CHEBYSHEV]), [FOURIER, CHEBYSHEV], [1, 0]),
    "strip": (FunctionsOf(sf.TotalDegree(6), [HERMITE, FOURIER, RATIONAL]), [HERMITE, FOURIER, RATIONAL], [0, 2, 1]),
    "rational half-line": (sf.TotalDegree(7), [HALF, HERMITE, HALF], [1, 0, 2]),
    "cut pairs": (sf.TensorProduct((5, 4, 2)), [FOURIER, RATIONAL, FOURIER], [1, 2, 0]),
    "given": (sf.Indices([[0, 0], [0, 1], [1, 0], [2, 0], [1, 1], [3, 0]]), [HERMITE] * 2, [0, 0]),
}


def points(families, *shape):
    columns = [torch.empty(shape, dtype=torch.float64).uniform_(*REACH[name]) for name in families]
    return torch.stack(columns, -1)


def naive(z, index_set, families, derivative):
    """Return all products of functions (..., M, K) as the formula says."""
    indices = index_set.indices(len(families)).astype(np.int64)
    result = torch.ones((), dtype=torch.float64)
    for axis, (name, order) in enumerate(zip(families, derivative, strict=True)):
        table = reference.vandermonde(z[..., axis].double(), int(indices[:, axis].max()) + 1, name, order)
        result = result * table[..., torch.from_numpy(indices[:, axis])]
    return result


def tree_of(index_set, dim):
    return torch.tensor(index_set.tree(dim)), list(index_set.largest(dim))


@with_gpu
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("channels", [1, 3, 6])
def test_sums_against_the_naive_formula(backend, case, channels):
    if channels > 1 and "host" in backend.__name__:
        pytest.skip("a block after the other")
    index_set, families, derivative = CASES[case]
    dim = len(families)
    (tree, degrees), size = tree_of(index_set, dim), index_set.size(dim)
    z = points(families, 2, 1, 43)
    table = naive(z, index_set, families, derivative)
    coef = torch.randn(2, channels, size, dtype=torch.float64)
    values = torch.randn(2, channels, 43, dtype=torch.float64)
    expected = torch.einsum("bcmk,bck->bcm", table.expand(2, channels, -1, -1), coef)
    close(backend.product_synthesize(coef, z, tree, degrees, families, derivative), expected, 1e-12)
    close(
        backend.product_adjoint(values, z, tree, size, degrees, families, derivative),
        torch.einsum("bcmk,bcm->bck", table.expand(2, channels, -1, -1), values),
        1e-12,
    )
    slopes = [[k + (d == axis) for d, k in enumerate(derivative)] for axis in range(dim)]
    tables = torch.stack([naive(z, index_set, families, orders) for orders in slopes], -2)
    close(
        backend.product_gradient(coef, z, tree, degrees, families, derivative),
        torch.einsum("bcmdk,bck->bcmd", tables.expand(2, channels, -1, -1, -1), coef),
        1e-12,
    )
    grad_coef, grad_z = backend.product_backward(values, coef, z, tree, degrees, families, derivative)
    close(grad_coef, torch.einsum("bcmk,bcm->bck", table.expand(2, channels, -1, -1), values), 1e-12)
    close(
        grad_z,
        torch.einsum("bcm,bcmdk,bck->bcmd", values, tables.expand(2, channels, -1, -1, -1), coef),
        1e-12,
    )


def random_closed_set(random, dim, size):
    """Grow a downward-closed set one free neighbour at a time, some axes much sooner than others."""
    own = sf.Indices([[0] * dim])
    preference = random.random(dim) ** 3
    while own.size(dim) < size:
        free = own.neighbours(dim)
        weight = np.exp(-free @ (1 / (0.1 + preference)))
        chosen = free[random.choice(len(free), min(len(free), 3), replace=False, p=weight / weight.sum())]
        own = sf.Indices(np.concatenate([own.indices(dim), chosen]))
    return own


@backends
@pytest.mark.parametrize("case", CASES)
def test_several_derivatives_in_one_pass(backend, case):
    index_set, families, _ = CASES[case]
    dim = len(families)
    tree, degrees = tree_of(index_set, dim)
    tuples = [[2 * (d == axis) for d in range(dim)] for axis in range(dim)] + [[0] * dim, [1] * dim, [0] * dim]
    z, coef = points(families, 2, 1, 43), torch.randn(3, index_set.size(dim), dtype=torch.float64)
    result = backend.product_derivatives(coef, z, tree, degrees, families, tuples)
    assert result.shape == (2, 3, len(tuples), 43)
    for place, orders in enumerate(tuples):
        table = naive(z, index_set, families, orders)
        close(result[:, :, place], torch.einsum("bcmk,ck->bcm", table.expand(2, 3, -1, -1), coef), 1e-12)
    single = backend.product_derivatives(coef.float(), z.float(), tree, degrees, families, tuples)
    assert single.dtype == torch.float32 and (single - result).abs().max() < 2e-3 * result.abs().max()
    assert backend.product_derivatives(coef, z[:, :, :0], tree, degrees, families, tuples).shape == (
        2,
        3,
        len(tuples),
        0,
    )


@pytest.mark.skipif(cpu is None, reason="the compiled backend is not built")
def test_random_sets_against_the_naive_formula():
    random = np.random.default_rng(3)
    for _ in range(30):
        dim = int(random.integers(2, 6))
        index_set = random_closed_set(random, dim, int(random.integers(1, 260)))
        families = [str(name) for name in random.choice(list(REACH), dim)]
        (tree, degrees), size = tree_of(index_set, dim), index_set.size(dim)
        count = int(random.integers(1, 80))
        z, rest = points(families, count), (tree, degrees, families, [0] * dim)
        table = naive(z, index_set, families, [0] * dim)
        channels = int(random.integers(1, 6))
        coef = torch.randn(channels, size, dtype=torch.float64)
        values = torch.randn(channels, count, dtype=torch.float64)
        close(cpu.product_synthesize(coef, z, *rest), coef @ table.mT, 1e-12)
        close(cpu.product_adjoint(values, z, tree, size, *rest[1:]), values @ table, 1e-12)
        slopes = [[int(d == axis) for d in range(dim)] for axis in range(dim)]
        tables = torch.stack([naive(z, index_set, families, orders) for orders in slopes], -2)
        gradient = torch.einsum("mdk,ck->cmd", tables, coef)
        close(cpu.product_gradient(coef, z, *rest), gradient, 1e-12)
        grad_coef, grad_z = cpu.product_backward(values, coef, z, *rest)
        close(grad_coef, values @ table, 1e-12)
        close(grad_z, values.unsqueeze(-1) * gradient, 1e-12)
        single = cpu.product_backward(values.float(), coef.float(), z.float(), *rest)
        assert [part.dtype for part in single] == [torch.float32] * 2


@backends
def test_float32(backend):
    index_set, families = sf.HyperbolicCross(12, -1.0), [HERMITE, LEGENDRE, LAGUERRE]
    (tree, degrees), z = tree_of(index_set, 3), points(families, 70).float()
    table = naive(z.double(), index_set, families, [0, 0, 0])
    coef, values = torch.randn(5, table.shape[1]), torch.randn(5, 70)
    rest = degrees, families, [0, 0, 0]
    close(backend.product_synthesize(coef, z, tree, *rest).double(), coef.double() @ table.mT, 3e-6)
    close(backend.product_adjoint(values, z, tree, len(table.T), *rest).double(), values.double() @ table, 3e-6)
    assert backend.product_gradient(coef, z, tree, *rest).dtype == torch.float32


@backends
def test_strides_sharing_and_no_points(backend):
    index_set, families = sf.HyperbolicCross(5), [HERMITE, HERMITE]
    (tree, degrees), size = tree_of(index_set, 2), index_set.size(2)
    rest = degrees, families, [0, 0]
    z = points(families, 3, 2, 9).permute(1, 2, 0, 3)[:, ::2]  # (2, 5, 3, 2): rows and points lie across
    z = z.movedim(2, 1)  # (2, 3, 5, 2)
    table = naive(z, index_set, families, [0, 0])
    coef = torch.randn(4, 1, 1, 2 * size, dtype=torch.float64)[..., ::2]
    close(backend.product_synthesize(coef, z, tree, *rest), torch.einsum("abmk,ck->cabm", table, coef[:, 0, 0]), 1e-13)
    one = torch.randn(size, dtype=torch.float64)
    close(backend.product_synthesize(one, z, tree, *rest), table @ one, 1e-13)
    values = torch.randn(5, dtype=torch.float64)
    close(backend.product_adjoint(values, z, tree, size, *rest), torch.einsum("abmk,m->abk", table, values), 1e-13)
    assert backend.product_synthesize(coef, z[:, :, :0], tree, *rest).shape == (4, 2, 3, 0)
    assert backend.product_gradient(coef[:0], z, tree, *rest).shape == (0, 2, 3, 5, 2)
    nothing = backend.product_backward(values[:0], one, z[:, :, :0], tree, *rest)
    assert torch.equal(nothing[0], torch.zeros(2, 3, size, dtype=torch.float64)) and nothing[1].shape == (2, 3, 0, 2)
    one_each = backend.product_backward(values, one, z, tree, *rest)
    close(one_each[0], torch.einsum("abmk,m->abk", table, values), 1e-13)
    nothing = backend.product_adjoint(values[:0], z[:, :, :0], tree, size, *rest)
    assert torch.equal(nothing, torch.zeros(2, 3, size, dtype=torch.float64))


@backends
def test_far_out_near_ends_and_not_a_number(backend):
    # exp(-z^2/2) underflows at 38.6; phi_800 of degree 800 does not. Points of one tile are in all regimes.
    index_set, families = sf.HyperbolicCross(800), [HERMITE, "laguerre(0.0)"]
    (tree, degrees), size = tree_of(index_set, 2), index_set.size(2)
    z = torch.tensor([[39.2, 0.3], [0.4, 900.0], [-38.9, 700.0], [1.0, 1e-4], [2.0, 0.0], [60.0, 2.0]]).double()
    coef = torch.randn(size, dtype=torch.float64)
    table = naive(z, index_set, families, [0, 0])
    result = backend.product_synthesize(coef, z, tree, degrees, families, [0, 0])
    assert result[0].abs() > 1e-3
    scale = table.abs() @ coef.abs()
    assert ((result - table @ coef).abs() <= 1e-11 * scale + 1e-300).all()
    sums = backend.product_adjoint(torch.ones(6).double(), z, tree, size, degrees, families, [0, 0])
    assert ((sums - table.sum(0)).abs() <= 1e-11 * table.abs().max()).all()
    bad = z.clone()
    bad[2, 1] = torch.nan
    again = backend.product_synthesize(coef, bad, tree, degrees, families, [0, 0])
    assert again[2].isnan()
    close(again[[0, 1, 3, 4, 5]], result[[0, 1, 3, 4, 5]], 1e-11)


@pytest.mark.skipif(cpu is None, reason="the compiled backend is not built")
def test_same_bits_at_any_number_of_threads():
    index_set, families = sf.HyperbolicCross(12), [HERMITE] * 4
    (tree, degrees), size = tree_of(index_set, 4), index_set.size(4)
    z = points(families, 3000)
    coef, values = torch.randn(6, size, dtype=torch.float64), torch.randn(6, 3000, dtype=torch.float64)
    rest = degrees, families, [0] * 4
    threads, results = torch.get_num_threads(), []
    try:
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            results.append(
                (
                    cpu.product_synthesize(coef, z, tree, *rest),
                    cpu.product_adjoint(values, z, tree, size, *rest),
                    cpu.product_gradient(coef, z, tree, *rest),
                )
            )
    finally:
        torch.set_num_threads(threads)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize(
    "tree",
    [[[0, 3], [0, 9]], [[0, 3], [1, 2]], [[1, 3], [0, 2]], [[0, 3], [0, 0]], [[0, 3], [0, 2], [0, 1]], [[0, -1]]],
)
@pytest.mark.skipif(cpu is None, reason="the compiled backend is not built")
def test_what_is_no_tree_is_refused(tree):
    runs = torch.tensor(tree, dtype=torch.int32)
    with pytest.raises(ValueError, match="do not agree"):
        cpu.product_synthesize(torch.ones(5).double(), torch.zeros(4, 2).double(), runs, [1, 2], [HERMITE] * 2, [0, 0])


@pytest.mark.skipif(cpu is None, reason="the compiled backend is not built")
def test_a_tree_is_cut_into_blocks_once():
    index_set, families = sf.HyperbolicCross(9), [HERMITE, LEGENDRE]
    (tree, degrees), z = tree_of(index_set, 2), torch.rand(7, 2, dtype=torch.float64)
    coef, values = torch.randn(index_set.size(2), dtype=z.dtype), torch.randn(7, dtype=z.dtype)
    cpu.product_synthesize(coef, z, tree, degrees, families, [0, 0])
    before = cpu._tree_plan.cache_info().misses
    cpu.product_adjoint(values, z, tree, len(coef), degrees, families, [1, 0])
    cpu.product_backward(values, coef, z, tree, degrees, families, [0, 0])
    cpu.product_derivatives(coef, z, tree, degrees, families, [[0, 0], [1, 0]])
    assert cpu._tree_plan.cache_info().misses == before


def members(index_set, dim):
    """Return what a rule says, index by index."""
    degree = index_set.axis_degrees(dim)
    weights = index_set._axis_weights(dim)
    for n in itertools.product(*(range(d + 1) for d in degree)):
        entries = [w * k for w, k in zip(weights, n, strict=True)]
        if isinstance(index_set, sf.TotalDegree):
            inside = sum(entries) <= max(degree) * (1 + 1e-12)
        elif isinstance(index_set, sf.TensorProduct):
            inside = True
        else:
            costs, bound = [max(1.0, e) for e in entries], max(1, max(degree))
            slack = 1 + 1e-12
            if index_set.gamma == -math.inf:
                inside = max(costs) <= bound * slack
            else:
                inside = math.prod(costs) * max(costs) ** -index_set.gamma <= bound ** (1 - index_set.gamma) * slack
        if inside:
            yield n


def test_trees_counts_neighbours_and_positions_against_brute_force():
    random = np.random.default_rng(0)
    for trial in range(90):
        dim, degree = int(random.integers(1, 5)), int(random.integers(0, 8))
        weights = None if trial % 2 else random.choice([0.3, 0.5, 1.0, 1.7, 3.0], dim)
        gamma = random.choice([-math.inf, -4, -1, -0.5, 0, 0.25, 0.75])
        index_set = [
            sf.TensorProduct([int(n) for n in random.integers(0, 5, dim)]),
            sf.TotalDegree(degree, weights),
            sf.HyperbolicCross(degree, gamma, weights),
        ][trial % 3]
        expected = np.array(list(members(index_set, dim)))
        assert index_set.size(dim) == len(expected)
        np.testing.assert_array_equal(index_set.indices(dim), expected)
        assert index_set.largest(dim) == tuple(expected.max(0))
        assert index_set_from_dict(index_set.to_dict()) == index_set
        given = sf.Indices(expected[random.permutation(len(expected))])
        np.testing.assert_array_equal(given.indices(dim), expected)
        inside = set(map(tuple, expected.tolist()))
        beyond = {(*n[:d], n[d] + 1, *n[d + 1 :]) for n in inside for d in range(dim)} - inside
        free = {n for n in beyond if all(n[d] == 0 or (*n[:d], n[d] - 1, *n[d + 1 :]) in inside for d in range(dim))}
        found = index_set.neighbours(dim).tolist()
        assert len(found) == len(free) and set(map(tuple, found)) == free
        places = index_set.positions(np.concatenate([expected[::-1], np.array(sorted(free))]))
        assert places.tolist() == [*range(len(expected))][::-1] + [-1] * len(free)


def test_large_sets_are_counted_without_a_list():
    assert sf.HyperbolicCross(32, 0.0, [2.0] * 64).size(64) == 11_384_369
    assert sf.TensorProduct(9).size(20) == 10**20
    assert sf.TotalDegree(10).size(30) == math.comb(40, 10)
    assert sf.HyperbolicCross(16).size(10) == len(sf.HyperbolicCross(16).indices(10)) == 417_664
    space = sf.Space([sf.Hermite()] * 12, sf.HyperbolicCross(60))
    assert space.size > 10**7  # and nothing is built
    with pytest.raises(ValueError, match=r"100000000000000000000 indices.* GiB.*memory"):
        sf.TensorProduct(9).tree(20)


def test_a_set_of_its_own(tmp_path):
    given = sf.Indices([[2, 0], [0, 0], [1, 0], [0, 1]])
    assert given.indices(2).tolist() == [[0, 0], [0, 1], [1, 0], [2, 0]] and given.dim == 2
    assert given.union(sf.TotalDegree(1), 2) == given
    bigger = given.union(sf.TensorProduct(1), 2)
    assert bigger.size(2) == 5 and bigger.contains([1, 1])
    for index_set in (given, sf.HyperbolicCross(7, -math.inf, [1.0, 2.0]), sf.TensorProduct((2, 5))):
        index_set.save(tmp_path / "set.npz")
        assert sf.load_index_set(tmp_path / "set.npz") == index_set
    (tmp_path / "other.npz").write_text("no set")
    with pytest.raises(ValueError, match="not an index set"):
        sf.load_index_set(tmp_path / "other.npz")
    space = sf.Space([sf.Hermite(), sf.Legendre()], given)
    assert sf.Space.from_dict(space.to_dict()) == space and hash(space) == hash(sf.Space(space.families, given))
    coef = torch.randn(4, dtype=torch.float64)
    torch.testing.assert_close(space.project(space.synthesize(coef, space.nodes())), coef)


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([[0, 0], [1, 1]], r"\[0, 1\] is missing|\[1, 0\] is missing"),
        ([[0, 0], [0, -1]], r"indices=\[0, -1\]: entries of 0 or more"),
        ([[0, 0], [1, 0], [1, 0]], r"indices=\[1, 0\]: is there twice"),
        ([[1, 0]], "is missing"),
        ([0, 1], r"shape \(2,\)"),
        (np.zeros((0, 2), int), r"shape \(0, 2\)"),
    ],
)
def test_sets_that_are_none(indices, message):
    with pytest.raises(ValueError, match=message):
        sf.Indices(indices)


def test_other_arguments_that_are_refused():
    with pytest.raises(TypeError, match="integers are expected"):
        sf.Indices([[0.0, 1.0]])
    with pytest.raises(ValueError, match=r"degree=.* degrees, one an axis"):
        sf.Space([sf.Hermite()] * 3, sf.Indices([[0, 0], [0, 1]]))


def test_value_and_gradient_in_x():
    space = sf.Space([sf.Hermite(), sf.Laguerre(sign=-1), sf.Chebyshev(0, 2)], sf.HyperbolicCross(6, -1.0))
    coef = torch.randn(space.size, dtype=torch.float64)
    x = torch.stack([torch.randn(9), -5 * torch.rand(9), 2 * torch.rand(9)], -1).double()
    keywords = {"scale": torch.tensor([0.7, 1.3, 1.0]).double(), "shift": torch.tensor([0.2, 0.5, 0.0]).double()}
    u, slope = space.value_and_gradient(coef, x, **keywords)
    x.requires_grad_()
    again = space.synthesize(coef, x, **keywords)
    (expected,) = torch.autograd.grad(again.sum(), x)
    torch.testing.assert_close(u, again)
    torch.testing.assert_close(slope, expected)
    first = space.synthesize(coef, x, **keywords, derivative=[(1, 0, 0), (0, 1, 0), (0, 0, 1)])
    torch.testing.assert_close(slope, first.movedim(0, -1).detach())


def test_a_list_of_derivatives():
    torch.manual_seed(2)
    space = sf.Space([sf.Hermite(), sf.Laguerre(sign=-1), sf.Chebyshev(0, 2)], sf.HyperbolicCross(8))
    x = torch.rand(2, 1, 9, 3, dtype=torch.float64) * torch.tensor([1.0, -4.0, 2.0])
    scale = torch.tensor([[1.5, 0.7, 1.0]], dtype=torch.float64).expand(2, 1, 3)
    coef = torch.randn(2, 4, space.size, dtype=torch.complex128)
    wanted = [(0, 0, 0), (2, 0, 0), (0, 2, 0), (0, 1, 1), (2, 0, 0)]
    together = space.synthesize(coef, x, scale=scale, derivative=wanted)
    single = torch.stack([space.synthesize(coef, x, scale=scale, derivative=own) for own in wanted])
    torch.testing.assert_close(together, single, rtol=1e-12, atol=1e-12 * float(single.abs().max()))
    line, y = sf.Space(sf.Laguerre(0.5, degree=12)), torch.rand(3, 7, dtype=torch.float64)
    own = torch.randn(3, 13, dtype=torch.float64)
    each = torch.stack([line.synthesize(own, y, scale=2.0, derivative=k) for k in (3, 0, 1)])
    torch.testing.assert_close(line.synthesize(own, y, scale=2.0, derivative=[3, 0, 1]), each, rtol=1e-11, atol=1e-11)
    many = sf.Space([sf.Hermite(), sf.Hermite()], sf.HyperbolicCross(3))
    own = torch.randn(many.size, dtype=torch.float64)
    orders = [(k % 7, k) for k in range(40)] * 8
    several = many.synthesize(own, x[0, 0, :, :2], derivative=orders)
    torch.testing.assert_close(several[25], many.synthesize(own, x[0, 0, :, :2], derivative=orders[25]))
    far = [(0, k) for k in range(258)]
    assert many.synthesize(own, x[0, 0, :1, :2], derivative=far).shape == (258, 1)
    with pytest.raises(ValueError, match=r"derivative=\[\]"):
        space.synthesize(coef, x, derivative=[])
    with pytest.raises(ValueError, match="3 orders of 0 or more"):
        space.synthesize(coef, x, derivative=[(0, 0)])
