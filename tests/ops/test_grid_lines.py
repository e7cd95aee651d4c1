"""Every way to sum along an axis of a grid, against NumPy's polynomials; which way is taken; what it costs in digits."""

import functools
import itertools
import math

import numpy as np
import pytest
import torch
from exact import function
from numpy.polynomial import chebyshev, hermite, legendre
from second_kind import SecondKind

import specfast as sf
from specfast.families import FAMILIES, family_by_name
from specfast.families.registry import register_family
from specfast.ops import grid_lines
from specfast.ops.grid_lines import Axis, Lines

D, CPU = torch.float64, torch.device("cpu")
WAYS = {
    "chebyshev": ("dense", "folded", "fast", "afresh"),
    "legendre": ("dense", "folded", "afresh"),
    "hermite": ("dense", "folded", "afresh"),
    "fourier": ("dense", "fast", "afresh"),
    "rational": ("dense", "folded", "fast", "afresh"),
}
CASES = [(name, way) for name, ways in WAYS.items() for way in ways]


@pytest.fixture
def forced(monkeypatch):
    """Return a function that forces a way."""
    return lambda way: monkeypatch.setattr(grid_lines, "way_of", lambda *_: way)


def rule(name, nodes):
    """Return NumPy's Gauss rule, ascending, with weights that hold the functions' exponential; for pairs trapezoidal sums."""
    if name == "fourier":
        return np.linspace(0, 2, nodes, endpoint=False), np.full(nodes, 2 / nodes)
    if name == "rational":
        angle = -np.pi + (np.arange(nodes) + 0.5) * 2 * np.pi / nodes
        return np.tan(angle / 2), np.pi / nodes * (1 + np.tan(angle / 2) ** 2)
    z, weights = {"chebyshev": chebyshev.chebgauss, "legendre": legendre.leggauss, "hermite": hermite.hermgauss}[name](
        nodes
    )
    order = np.argsort(z)
    z, weights = z[order], weights[order]
    return z, weights * np.exp(z**2) if name == "hermite" else weights


def table(name, z, size, order):
    """Return phi_k^(order)(z_q), (nodes, size), from NumPy's series, or mpmath."""
    if name in ("fourier", "rational"):
        return np.array([[exact(name, k, float(point), order) for k in range(size)] for point in z])
    unit = np.eye(size + order)
    if name == "chebyshev":
        return np.stack([chebyshev.chebval(z, chebyshev.chebder(row, order)) for row in unit[:size]], 1)
    if name == "legendre":
        columns = [legendre.legval(z, legendre.legder(row, order)) for row in unit[:size]]
        return np.stack(columns, 1) * np.sqrt(np.arange(size) + 0.5)
    k = np.arange(size + order)
    norms = np.array([math.sqrt(math.sqrt(math.pi) * 2.0**i * math.factorial(i)) for i in k])
    found = hermite.hermvander(z, size + order - 1) * np.exp(-0.5 * z**2)[:, None] / norms
    for _ in range(order):  # phi_k' = sqrt(k / 2) phi_{k-1} - sqrt((k + 1) / 2) phi_{k+1}
        n = np.arange(found.shape[1] - 1)
        below = np.concatenate([np.zeros((len(z), 1)), found[:, : len(n) - 1]], 1)
        found = np.sqrt(n / 2) * below - np.sqrt((n + 1) / 2) * found[:, 1:]
    return found[:, :size]


@functools.lru_cache(maxsize=1 << 16)
def exact(name, k, z, order):
    return float(function(family_by_name(name), k, z, order))


def norms(name, size):
    """Return h_k."""
    return np.where(np.arange(size) == 0, math.pi, math.pi / 2) if name == "chebyshev" else np.ones(size)


@pytest.mark.parametrize(("name", "way"), CASES)
@pytest.mark.parametrize("nodes", [1, 2, 3, 8, 13])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_every_way_is_the_product(name, way, nodes, dtype, forced):
    forced(way)
    rng = np.random.default_rng(nodes)
    tolerance = 1e-12 if dtype is torch.float64 else 2e-6
    z, weights = rule(name, nodes)
    for order, weighted, length, rest in itertools.product(
        (0, 1, 2, 3), (False, True), {1, (nodes + 1) // 2, nodes}, (1, 3)
    ):
        axis = Axis(family_by_name(name), nodes, nodes, order, weighted)
        if way == "fast" and length + axis.raised > nodes:
            continue
        matrix = table(name, z, length, order)
        if weighted:
            matrix = matrix * weights[:, None] / norms(name, length)
        series = torch.from_numpy(rng.standard_normal((2, 2, length, rest))).to(dtype)
        values = torch.from_numpy(rng.standard_normal((2, 2, nodes, rest))).to(dtype)
        for found, expected, terms in (
            (axis.forward(series), matrix @ series.numpy(), np.abs(matrix) @ np.abs(series.numpy())),
            (axis.transposed(values, length), matrix.T @ values.numpy(), np.abs(matrix.T) @ np.abs(values.numpy())),
        ):
            assert found.dtype is dtype and found.shape == expected.shape
            assert np.abs(found.double().numpy() - expected).max() <= tolerance * terms.max() + 1e-14


@pytest.mark.parametrize(("name", "way"), CASES)
def test_strides_and_empty_lines(name, way, forced):
    forced(way)
    torch.manual_seed(0)
    axis = Axis(family_by_name(name), 12, 9, 1, True)
    series, values = torch.randn(4, 3, 9, 5, dtype=D), torch.randn(4, 3, 12, 5, dtype=D)
    for summed, lines in ((axis.forward, series), (lambda part: axis.transposed(part, 7), values)):
        kept, expected = lines.clone(), summed(lines)
        for other in (
            lines.mT.contiguous().mT,
            lines.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0),
            torch.stack([lines, lines], -1)[..., 0],
        ):
            torch.testing.assert_close(summed(other), expected, rtol=1e-13, atol=1e-13)
        torch.testing.assert_close(summed(lines[:, 1:2, :, 2:3]), expected[:, 1:2, :, 2:3], rtol=1e-13, atol=1e-13)
        assert torch.equal(lines, kept)
        for empty in (lines[:0], lines[:, :0], lines[..., :0]):
            assert summed(empty).shape == (*empty.shape[:2], expected.shape[2], empty.shape[3])


@pytest.mark.parametrize(("name", "way"), CASES)
def test_in_pieces_and_at_once(name, way, forced, monkeypatch):
    forced(way)
    torch.manual_seed(6)
    axis = Axis(family_by_name(name), 12, 9, 1, True)
    for rest in (1, 5, 150):
        series, values = torch.randn(4, 3, 9, rest, dtype=D), torch.randn(4, 3, 12, rest, dtype=D)
        both = []
        for piece in (1 << 17, 130):
            monkeypatch.setattr(grid_lines, "_PIECE", piece)
            monkeypatch.setattr(grid_lines, "_SHARED_PIECE", piece)
            both.append((axis.forward(series), axis.transposed(values, 7)))
        for one, other in zip(*both, strict=True):
            torch.testing.assert_close(other, one, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("way", ["folded", "fast"])
def test_all_modes_of_differentiation(way, monkeypatch):
    # Hermite functions have no transform of their own.
    monkeypatch.setattr(grid_lines, "way_of", lambda axis, *_: "folded" if axis.family.name == "hermite" else way)
    torch.manual_seed(1)
    space = sf.Space([sf.Chebyshev(), sf.Hermite()], sf.TensorProduct((3, 2)))
    for operator, size, rest in (
        (torch.ops.specfast.grid_synthesize.default, space.size, ([5, 4], [1, 0], False, 2)),
        (torch.ops.specfast.grid_adjoint.default, 20, ([5, 4], [0, 1], True, 2)),
    ):
        tensor = torch.randn(2, size, dtype=D, requires_grad=True)
        torch.library.opcheck(operator, (tensor, space.key, *rest))

        def function(part, operator=operator, rest=rest):
            return operator(part, space.key, *rest) ** 2

        assert torch.autograd.gradcheck(function, tensor, check_forward_ad=True, check_batched_grad=True)
        assert torch.autograd.gradgradcheck(function, tensor, check_fwd_over_rev=True)
        several = torch.randn(3, size, 2, dtype=D)
        mapped = torch.func.vmap(function, in_dims=-1)(several)
        torch.testing.assert_close(mapped, torch.stack([function(several[..., i]) for i in range(2)]))
        there = torch.func.jvp(
            torch.func.grad(lambda part: function(part).sum()), (several[..., 0],), (several[..., 1],)
        )
        torch.testing.assert_close(there[1], 2 * _transposed(operator, space.key, rest, several[..., 1]))


def _transposed(operator, key, rest, tensor):
    """Return B^T B applied to a tensor: half of the second derivative of the sum of squares of B."""
    matrix = operator(torch.eye(tensor.shape[-1], dtype=D), key, *rest)
    return tensor @ matrix @ matrix.mT


def test_a_layer_whose_transforms_are_fast_compiles_and_takes_complex_numbers():
    torch.manual_seed(2)
    layer = sf.nn.SpectralConv(sf.Space(sf.Chebyshev(degree=300)), 2, 3)
    x = torch.randn(400, 2, 512, requires_grad=True)
    axis = Axis(sf.Chebyshev(), 512, 301, 0, True)
    assert grid_lines.way_of(axis, Lines(800, 301, False, torch.float32, CPU, 1)) == "fast"
    results = []
    for call in (layer, torch.compile(layer, fullgraph=True, backend="aot_eager")):
        value = call(x)
        results.append((value, *torch.autograd.grad((value**2).sum(), (x, layer.weight))))
    for eager, compiled in zip(*results, strict=True):
        torch.testing.assert_close(compiled, eager)
    space, coef = layer.space, torch.randn(2, 301, dtype=torch.complex128)
    values = space.synthesize_grid(coef, 512, derivative=1)
    angle = (2 * np.arange(511, -1, -1) + 1) * np.pi / 1024
    k = np.arange(301)
    slope = k * np.sin(k * angle[:, None]) / np.sin(angle)[:, None]
    np.testing.assert_allclose(values.numpy(), coef.numpy() @ slope.T, rtol=0, atol=1e-11 * 300**2)
    torch.testing.assert_close(space.project_grid(space.synthesize_grid(coef, 512)), coef, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_20_000_nodes(dtype):
    nodes = 20_000
    rng = np.random.default_rng(3)
    space = sf.Space(sf.Chebyshev(degree=nodes - 1))
    coef, values = (torch.from_numpy(rng.standard_normal((2, nodes))).to(dtype) for _ in range(2))
    chosen = rng.integers(0, nodes, 40)
    # cos(k angle) of an angle that is a whole number of (pi / 2 n): reduced before it is rounded.
    k = np.arange(nodes)

    def cosines(node, degree):
        return (-1.0) ** (degree % 2) * np.cos((degree * (2 * node + 1)) % (4 * nodes) * (math.pi / (2 * nodes)))

    tolerance = 1e-12 if dtype is torch.float64 else 1e-6
    found = space.synthesize_grid(coef).double().numpy()
    expected = np.stack([coef.double().numpy() @ cosines(node, k) for node in chosen], 1)
    assert np.abs(found[:, chosen] - expected).max() < tolerance * np.abs(found).max()
    found = space.project_grid(values).double().numpy()
    sums = np.stack([values.double().numpy() @ cosines(k, degree) for degree in chosen], 1)
    expected = sums * np.where(chosen == 0, 1, 2) / nodes
    assert np.abs(found[:, chosen] - expected).max() < tolerance * np.abs(found).max()
    assert (space.project(space.synthesize_grid(coef)) - coef).abs().max() < 2 * tolerance * coef.abs().max()


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-12), (torch.float32, 5e-7)])
def test_a_derivative_by_the_fast_transform_is_as_exact_as_by_the_table(dtype, bound, forced):
    nodes, size = 256, 200
    space, k = sf.Space(sf.Chebyshev(degree=size - 1)), np.arange(size)
    coef = torch.from_numpy(np.random.default_rng(4).standard_normal(size)).to(dtype)
    angle = (2 * np.arange(nodes - 1, -1, -1) + 1)[:, None] * np.pi / (2 * nodes)
    sine, cosine = np.sin(k * angle), np.cos(k * angle)
    # T_k' = k sin(k t) / sin(t), z = cos(t); and once more.
    slopes = {
        1: k * sine / np.sin(angle),
        2: k * (sine * np.cos(angle) - k * cosine * np.sin(angle)) / np.sin(angle) ** 3,
    }
    for order, way in itertools.product(slopes, ("dense", "folded", "fast")):
        forced(way)
        found = space.synthesize_grid(coef, nodes, derivative=order).double().numpy()
        expected = slopes[order] @ coef.double().numpy()
        assert np.abs(found - expected).max() < bound * np.abs(expected).max(), (order, way)


def test_a_family_says_that_it_has_a_transform(forced):
    register_family(SecondKind)
    family_by_name.cache_clear()
    try:
        space = sf.Space(SecondKind(degree=20))
        coef, values = torch.randn(3, 21, dtype=D), torch.randn(3, 24, dtype=D)
        expected = [space.synthesize_grid(coef, 24, derivative=order) for order in range(3)], space.project_grid(values)
        forced("fast")
        for order in range(3):
            found = space.synthesize_grid(coef, 24, derivative=order)
            torch.testing.assert_close(found, expected[0][order], rtol=0, atol=1e-12 * float(found.abs().max()))
        torch.testing.assert_close(space.project_grid(values), expected[1], rtol=1e-12, atol=1e-12)
    finally:
        del FAMILIES["SecondKind"]
        family_by_name.cache_clear()


def test_which_way():
    def way(family, nodes, length=None, count=64, dtype=D, order=0):
        length = length or nodes
        return grid_lines.way_of(Axis(family, nodes, length, order, False), Lines(count, length, False, dtype, CPU, 1))

    assert {way(family, 16) for family in (sf.Chebyshev(), sf.Hermite(), sf.Laguerre())} == {"dense"}
    assert way(sf.Chebyshev(), 1024) == way(sf.Chebyshev(), 50_000) == way(sf.Chebyshev(), 1024, order=2) == "fast"
    assert way(sf.Hermite(), 1024) == way(sf.Legendre(), 1024, dtype=torch.float32) == "folded"
    assert way(sf.Hermite(), 1300) == "folded"  # half of a table may be kept where the whole may not
    assert way(sf.Laguerre(), 1024) == "dense" and way(sf.Laguerre(), 1300) == way(sf.Hermite(), 5000) == "afresh"
    assert way(sf.Chebyshev(), 509) != "fast"  # a prime: its FFT takes ten times as long


def test_results_hardly_depend_on_the_number_of_threads():
    torch.manual_seed(5)
    space = sf.Space(sf.Chebyshev(degree=1023))
    coef = torch.randn(64, 1024, dtype=D)
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results.append(space.synthesize_grid(coef))
    finally:
        torch.set_num_threads(before)
    # Not bit by bit: PyTorch's FFT does not promise that.
    for other in results[1:]:
        torch.testing.assert_close(other, results[0], rtol=0, atol=1e-13 * float(results[0].abs().max()))
