"""Sums over index sets by the kernels for GPUs, on the host or a GPU: by blocks and by matrix products, against the naive formula."""

import numpy as np
import pytest
import torch
from gpu_backends import on_gpu, on_host
from test_cross import CASES, HERMITE, LAGUERRE, LEGENDRE, naive, points, random_closed_set, tree_of
from test_kernels import close

import specfast as sf
from specfast.index_sets.matricize import cuts, unfold

WAYS = on_host() + on_gpu()
pytestmark = pytest.mark.skipif(not WAYS, reason="needs the compiled module and a C++ compiler")
D, S = torch.float64, torch.float32


@pytest.fixture(params=WAYS)
def gpu(request):
    return request.param


@pytest.fixture
def way(request, monkeypatch):
    """Make one way of the two the cheaper one; return how often the other one was asked for."""
    from specfast.kernels.cuda import gemm, transforms_nd

    cost = 1e30 if request.param == "blocks" else -1.0
    monkeypatch.setattr(transforms_nd, "cost_of_matrices", lambda *_: cost)
    other = []
    if request.param == "blocks":
        for name in ("synthesize", "adjoint", "gradient"):
            monkeypatch.setattr(gemm, name, lambda *_: other.append(1))
    else:
        monkeypatch.setattr(transforms_nd, "gpu_set", lambda *_: other.append(1))
    yield request.param
    assert not other


both = pytest.mark.parametrize("way", ["blocks", "matrices"], indirect=True)


def check(gpu, index_set, families, derivative, z, channels=2, dtype=D):
    """Compare sums, their transposes and gradients with the naive formula; rows of z share coefficients."""
    dim = len(families)
    (tree, degrees), size = tree_of(index_set, dim), index_set.size(dim)
    z = z.to(dtype)
    table = naive(z, index_set, families, derivative)
    coef = torch.randn(channels, size, dtype=dtype)
    values = torch.randn(*z.shape[:-2], channels, z.shape[-2], dtype=dtype)
    z, rest = z.unsqueeze(-3), (tree, degrees, families, derivative)
    bound = 1e-12 if dtype == D else 2e-5
    scale = table.abs().amax()
    found = gpu.product_synthesize(coef, z, *rest)
    assert found.dtype == dtype
    error = (found - coef.double() @ table.mT).abs().amax()
    assert error <= bound * scale * coef.abs().sum(-1).amax()
    found = gpu.product_adjoint(values, z, tree, size, *rest[1:])
    error = (found - values.double() @ table).abs().amax()
    assert error <= bound * scale * values.abs().sum(-1).amax()
    for axis, slope in enumerate(gpu.product_gradient(coef, z, *rest).unbind(-1)):
        own = naive(z[..., 0, :, :], index_set, families, [k + (d == axis) for d, k in enumerate(derivative)])
        error = (slope - coef.double() @ own.mT).abs().amax()
        assert error <= 10 * bound * own.abs().amax() * coef.abs().sum(-1).amax()


@both
@pytest.mark.parametrize("dtype", [D, S])
@pytest.mark.parametrize("case", CASES)
def test_both_ways_and_types(gpu, way, case, dtype):
    index_set, families, derivative = CASES[case]
    check(gpu, index_set, families, derivative, points(families, 2, 45), dtype=dtype)


@both
def test_random_sets(gpu, way):
    random = np.random.default_rng(7)
    for _ in range(8):
        dim = int(random.integers(2, 6))
        index_set = random_closed_set(random, dim, int(random.integers(1, 200)))
        families = [str(name) for name in random.choice([HERMITE, LAGUERRE, LEGENDRE], dim)]
        orders = [int(k) for k in random.integers(0, 3, dim)]
        check(gpu, index_set, families, orders, points(families, 1, int(random.integers(1, 70))))


@both
@pytest.mark.parametrize("dtype", [D, S])
def test_far_out_and_near_hard_ends(gpu, way, dtype):
    families = [HERMITE, LAGUERRE, LEGENDRE]
    z = points(families, 1, 60)
    z[..., :20, 0] *= 7  # to 42: exp(-z^2 / 2) underflows
    z[..., 20:40, 1] *= 1e-6
    z[..., 40:, 2] = 1 - 1e-7 * torch.rand(20, dtype=D)
    check(gpu, sf.HyperbolicCross(60), families, [0, 1, 0], z, dtype=dtype)


def test_more_parts_and_slices_than_one(gpu, monkeypatch):
    """Few points: the set is cut; many: the points are."""
    from specfast.kernels.cuda import index_tables

    asked = []
    own = index_tables._geometry

    def geometry(*given):
        asked.append(own(*given))
        return asked[-1]

    monkeypatch.setattr(index_tables, "_geometry", geometry)
    check(
        gpu,
        sf.HyperbolicCross(24, -1.0),
        [LEGENDRE, HERMITE, HERMITE],
        [0, 0, 0],
        points([LEGENDRE, HERMITE, HERMITE], 70),
        1,
    )
    assert any(how.tiles > 1 for how in asked)


def test_a_small_memory_takes_narrower_tiles(gpu, monkeypatch):
    from specfast.kernels.cuda import transforms_nd

    families, index_set = [LEGENDRE, HERMITE, HERMITE, HERMITE], sf.HyperbolicCross(8)
    for limit in (40 << 10, 12 << 10, 4 << 10, 1 << 10):
        monkeypatch.setattr(transforms_nd, "limit", lambda _, limit=limit: limit)
        monkeypatch.setattr("specfast.kernels.cuda.index_tables.limit", lambda _, limit=limit: limit)
        check(gpu, index_set, families, [0] * 4, points(families, 40))


@both
def test_many_axes(gpu, way):
    families = [HERMITE, LEGENDRE] * 16
    index_set = sf.HyperbolicCross(4, 0.0, [2.0] * 32)
    check(gpu, index_set, families, [0] * 31 + [1], points(families, 9), 1)


@both
def test_not_a_number_stays_where_it_is(gpu, way):
    families = [HERMITE, LEGENDRE]
    z = points(families, 40)
    z[3, 0] = torch.nan
    index_set = sf.HyperbolicCross(9)
    (tree, degrees), coef = tree_of(index_set, 2), torch.randn(index_set.size(2), dtype=D)
    found = gpu.product_synthesize(coef, z, tree, degrees, families, [0, 0])
    assert found[3].isnan() and found.isnan().sum() == 1


@both
def test_a_tree_that_is_none_is_refused(gpu, way):
    coef, z = torch.randn(6, dtype=D), torch.randn(5, 2, dtype=D)
    for runs in ([[0, 3], [0, 4]], [[0, 3], [1, 3]], [[1, 6]], [[0, 0], [0, 6]], [[0, 2], [0, 2], [0, 2]]):
        with pytest.raises(ValueError, match="do not agree"):
            gpu.product_synthesize(coef, z, torch.tensor(runs, dtype=torch.int32), [1, 2], [HERMITE] * 2, [0, 0])


@pytest.mark.parametrize("gamma", [-float("inf"), -1.0, 0.0, 0.5])
@pytest.mark.parametrize("height", [None, 8])
def test_unfolding_holds_every_coefficient_once(gamma, height):
    index_set = sf.HyperbolicCross(9, gamma)
    runs, indices = index_set.tree(4), index_set.indices(4)
    for split in (1, 2, 3):
        own = unfold(runs, 4, split, height)
        assert np.array_equal(own.order[own.inverse], np.arange(len(indices)))
        for part in own.rectangles:
            block = own.order[part.first : part.first + part.size].reshape(part.end - part.begin, -1)
            row, column = np.nonzero(block < len(indices))
            assert np.array_equal(indices[block[row, column]][:, :split], own.leading[part.begin + row])
            assert np.array_equal(indices[block[row, column]][:, split:], own.trailing[part.columns[column]])
        cut = cuts(runs, 4, 8)[split - 1]
        assert cut.leading == len(own.leading) and cut.trailing == len(own.trailing)


def test_the_same_bits_twice(gpu):
    index_set, families = sf.HyperbolicCross(20), [HERMITE, LAGUERRE, LEGENDRE]
    (tree, degrees), size = tree_of(index_set, 3), index_set.size(3)
    z, coef, values = points(families, 100), torch.randn(size, dtype=D), torch.randn(100, dtype=D)
    first, second = (gpu.product_synthesize(coef, z, tree, degrees, families, [0] * 3) for _ in range(2))
    assert torch.equal(first, second)
    first, second = (gpu.product_adjoint(values, z, tree, size, degrees, families, [0] * 3) for _ in range(2))
    assert torch.equal(first, second)
    close(first, values @ naive(z, index_set, families, [0] * 3), 1e-12)


def test_what_a_set_points_to_is_kept_with_it(gpu):
    """Tables of a set may be dropped by one cache while another one still hands out their addresses."""
    from specfast.kernels.cuda import index_tables

    families, index_set = [HERMITE, LEGENDRE], sf.HyperbolicCross(20)
    z = points(families, 50)
    check(gpu, index_set, families, [0, 0], z)
    index_tables.gpu_set.cache_clear()
    for degree in range(3, 9):
        check(gpu, sf.HyperbolicCross(degree), families, [0, 0], z[:5])
    check(gpu, index_set, families, [0, 0], z)


def test_a_long_row_of_points_in_parts(gpu, monkeypatch):
    """Blocks of the adjoint go on from tile to tile of their part of a row."""
    from specfast.kernels import reference
    from specfast.kernels.cuda import transforms_1d

    own = transforms_1d.geometry

    def fewer(operation, *given):
        how = own(operation, *given)
        return how._replace(tiles=2, blocks=2) if operation == "sweep" else how

    monkeypatch.setattr(transforms_1d, "geometry", fewer)
    z, values, coef = 4 * torch.randn(900, dtype=D), torch.randn(900, dtype=D), torch.randn(50, dtype=D)
    z[700:] *= 12
    for derivative in (0, 1):
        expected = reference.backward(values, coef, z, HERMITE, derivative)
        for found, exact in zip(gpu.backward(values, coef, z, HERMITE, derivative), expected, strict=True):
            close(found, exact, 1e-12)
        close(gpu.adjoint(values, z, 50, HERMITE, derivative), expected[0], 1e-12)


@pytest.mark.parametrize("dtype", [D, S])
@pytest.mark.parametrize("largest", [4999, 0, None])
def test_long_rows_of_values_are_prepared_in_parts(gpu, monkeypatch, dtype, largest):
    """Parts or not, the bits are the same: the power of two taken out is the row's. Parts of zeros do not count, nor does infinity."""
    from specfast.kernels.cuda import transforms_1d

    z, values = torch.rand(5000, dtype=dtype), torch.randn(2, 5000, dtype=dtype) * 1e-30
    values[0, :2500], values[1, 7] = 0, torch.inf
    if largest is not None:
        values[:, largest] = 3.0
    asked, own = [], transforms_1d.geometry

    def whole(operation, *given):
        how = own(operation, *given)
        asked.append((operation, how.tiles))
        return how._replace(tiles=1, blocks=2) if operation == "values" else how

    in_parts = gpu.adjoint(values, z, 20, LEGENDRE, 0)
    monkeypatch.setattr(transforms_1d, "geometry", whole)
    in_one = gpu.adjoint(values, z, 20, LEGENDRE, 0)
    assert dict(asked)["values"] == 3
    assert torch.equal(in_parts.nan_to_num(), in_one.nan_to_num()) and not in_parts[1].isfinite().any()
    close(in_parts[0].double(), values[0].double() @ reference_table(z), 1e-12 if dtype == D else 1e-4)


def reference_table(z):
    from specfast.kernels import reference

    return reference.vandermonde(z.double(), 20, LEGENDRE, 0)


@both
def test_a_set_that_is_not_closed_downwards(gpu, way):
    """The operators take any tree: here the first index is followed by fewer trailing ones than others are."""
    runs = torch.tensor([[0, 1], [0, 3], [1, 2], [0, 2]], dtype=torch.int32)  # 00.; 10., 11.; 20.
    indices = torch.tensor([[0, 0, 0], [1, 0, 0], [1, 0, 1], [1, 0, 2], [1, 1, 0], [1, 1, 1], [2, 0, 0], [2, 0, 1]])
    families, z = [HERMITE, LEGENDRE, HERMITE], points([HERMITE, LEGENDRE, HERMITE], 30)
    coef, values, table = torch.randn(8, dtype=D), torch.randn(30, dtype=D), torch.ones((), dtype=D)
    from specfast.kernels import reference

    for axis, name in enumerate(families):
        table = table * reference.vandermonde(z[:, axis], 3, name, 0)[:, indices[:, axis]]
    rest = runs, [2, 1, 2], families, [0, 0, 0]
    close(gpu.product_synthesize(coef, z, *rest), table @ coef, 1e-12)
    close(gpu.product_adjoint(values, z, runs, 8, *rest[1:]), values @ table, 1e-12)


def test_where_a_set_needs_more_memory_than_its_first_index_says(gpu, monkeypatch):
    """Then matrix products take over."""
    from specfast.kernels.cuda import transforms_nd

    monkeypatch.setattr(transforms_nd, "how_to_sum", lambda *_: transforms_nd.Launch(0, 256, 0, 0, 0))
    monkeypatch.setattr(transforms_nd, "how_to_transpose", lambda *_: transforms_nd.Launch(0, 256, 0, 0, 0))
    check(gpu, sf.HyperbolicCross(9), [HERMITE, LEGENDRE], [0, 0], points([HERMITE, LEGENDRE], 20))


def test_coefficients_that_rows_share_are_not_copied(gpu, monkeypatch):
    from specfast.kernels.cuda import transforms_nd

    seen = []
    own = transforms_nd._Problem.coefficients
    monkeypatch.setattr(
        transforms_nd._Problem, "coefficients", lambda self, coef: seen.append(own(self, coef)) or seen[-1]
    )
    index_set, families = sf.HyperbolicCross(9), [HERMITE, LEGENDRE]
    (tree, degrees), z = tree_of(index_set, 2), points(families, 5, 1, 20)
    table = naive(z, index_set, families, [0, 0])
    for shape in ((3,), (1, 3), (5, 1), (5, 3), ()):
        coef = torch.randn(*shape, index_set.size(2), dtype=D)
        found = gpu.product_synthesize(coef, z, tree, degrees, families, [0, 0])
        close(found, (table @ coef.unsqueeze(-1)).squeeze(-1), 1e-12)
        assert len(seen[-1]) == (5 if shape and shape[0] == 5 else 1)
