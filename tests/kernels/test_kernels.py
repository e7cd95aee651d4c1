"""Every backend against mpmath and against the plain sum, over the whole range of arguments."""

import numpy as np
import pytest
import torch
from exact import function
from gpu_backends import on_gpu, on_host

import specfast as sf
from specfast.kernels import jit, reference

try:
    from specfast.kernels import cpu, matrix_product
except ImportError:
    cpu = None

BACKENDS = [pytest.param(reference, id="reference"), pytest.param(jit, id="jit")]
if cpu is not None:
    BACKENDS.append(pytest.param(cpu, id="cpu"))
FAMILIES = [
    (sf.Hermite(), -14.0, 14.0),
    (sf.Laguerre(), 0.0, 200.0),
    (sf.Laguerre(-0.9), 0.01, 200.0),
    (sf.Laguerre(50.0), 0.0, 300.0),
    (sf.Chebyshev(), -1.0, 1.0),
    (sf.Legendre(), -1.0, 1.0),
    (sf.Fourier(), -3.0, 4.7),
    (sf.Rational(), -9.0, 12.0),
    (sf.TwoHalfLines(), -150.0, 200.0),
    (sf.RationalHalfLine(), 0.0, 6.0),
]
families = pytest.mark.parametrize(("family", "low", "high"), FAMILIES, ids=[f.name for f, _, _ in FAMILIES])
backends = pytest.mark.parametrize("backend", BACKENDS)
with_gpu = pytest.mark.parametrize("backend", BACKENDS + on_host() + on_gpu())


def close(result, expected, tolerance):
    assert result.shape == expected.shape
    assert (result - expected).abs().max() <= tolerance * expected.abs().max()


@with_gpu
@families
@pytest.mark.parametrize("derivative", [0, 1, 2])
def test_basis_against_mpmath(backend, family, low, high, derivative):
    z = torch.linspace(low, high, 9, dtype=torch.float64)[1:-1]
    degrees = [0, 1, 2, 5, 40]
    expected = torch.tensor(
        [[float(function(family, n, x, derivative)) for n in degrees] for x in z], dtype=torch.float64
    )
    close(backend.vandermonde(z, 41, family.name, derivative)[:, degrees], expected, 2e-12)


@with_gpu
@families
@pytest.mark.parametrize("derivative", [0, 1, 3])
def test_sums_against_basis(backend, family, low, high, derivative):
    z = torch.linspace(low, high, 37, dtype=torch.float64)
    table = backend.vandermonde(z, 50, family.name, derivative)
    coef, values = torch.randn(3, 50, dtype=torch.float64), torch.randn(3, 37, dtype=torch.float64)
    close(backend.synthesize(coef, z, family.name, derivative), coef @ table.T, 1e-12)
    close(backend.adjoint(values, z, 50, family.name, derivative), values @ table, 1e-12)


@with_gpu
@families
@pytest.mark.parametrize("derivative", [0, 1])
def test_backward_against_basis(backend, family, low, high, derivative):
    z = torch.linspace(low, high, 2 * 37, dtype=torch.float64).reshape(2, 37)
    values, slopes = (backend.vandermonde(z, 50, family.name, derivative + k) for k in (0, 1))
    coef, gradient = torch.randn(3, 1, 50, dtype=torch.float64), torch.randn(37, dtype=torch.float64)
    grad_coef, grad_z = backend.backward(gradient, coef, z, family.name, derivative)
    close(grad_coef, (gradient @ values).expand(3, 2, 50), 1e-12)
    close(grad_z, gradient * (slopes @ coef.unsqueeze(-1)).squeeze(-1), 1e-12)


@with_gpu
def test_far_beyond_underflow_of_the_gaussian(backend):
    # exp(-z^2/2) underflows at 38.6; phi_1000 does not before 60.
    family, n = sf.Hermite(), 1000
    z = torch.tensor([0.0, 25.9, 26.1, 40.0, 44.0, 45.0, 50.0, 60.0], dtype=torch.float64)
    coef = torch.zeros(n + 1, dtype=torch.float64)
    coef[n] = 1
    expected = np.array([float(function(family, n, x)) for x in z])
    for result in (
        backend.synthesize(coef, z, family.name, 0),
        backend.adjoint(torch.eye(len(z), dtype=torch.float64), z, n + 1, family.name, 0)[:, n],
        backend.vandermonde(z, n + 1, family.name, 0)[:, n],
    ):
        np.testing.assert_allclose(result.numpy(), expected, rtol=2e-12, atol=1e-14)


@with_gpu
def test_laguerre_beyond_underflow_of_the_exponential(backend):
    family, n = sf.Laguerre(), 600
    z = torch.tensor([0.5, 649.0, 651.0, 1500.0, 2300.0, 2500.0], dtype=torch.float64)
    expected = np.array([float(function(family, n, x)) for x in z])
    coef = torch.zeros(n + 1, dtype=torch.float64)
    coef[n] = 1
    np.testing.assert_allclose(backend.synthesize(coef, z, family.name, 0).numpy(), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.skipif(cpu is None, reason="the compiled backend is not built")
def test_degree_20000_agrees_between_backends_and_with_the_differential_equation():
    # phi'' = (z^2 - 2n - 1) phi holds for no wrong value.
    n, z = 20000, torch.tensor([0.3, 100.0, 199.0, 205.0, 300.0, 1e9], dtype=torch.float64)
    coef = torch.zeros(n + 1, dtype=torch.float64)
    coef[n] = 1
    value = cpu.synthesize(coef, z, "hermite", 0)
    second = cpu.synthesize(coef, z, "hermite", 2)
    assert torch.isfinite(value).all() and value[-1] == 0 and value[1].abs() > 0.05
    np.testing.assert_allclose(second[:-1], (z[:-1] ** 2 - 2 * n - 1) * value[:-1], atol=1e-12 * 2 * n)


@with_gpu
@pytest.mark.parametrize("name", ["hermite", "laguerre(0.0)", "chebyshev"])
def test_invalid_points_stay_in_their_own_element(backend, name):
    family = sf.families.family_by_name(name)
    z = torch.tensor([0.5, torch.nan, 0.25, torch.inf, -torch.inf, -2.0], dtype=torch.float64)
    result = backend.synthesize(torch.ones(5, dtype=torch.float64), z, family.name, 0)
    alone = backend.synthesize(torch.ones(5, dtype=torch.float64), z[[0, 2]], family.name, 0)
    assert torch.equal(result[[0, 2]], alone)
    assert result[1].isnan()
    outside = result[3:5]
    assert outside.isnan().all() if name == "chebyshev" else (outside == 0).all()
    if name.startswith("laguerre"):
        assert result[5] == 0


@with_gpu
@families
@pytest.mark.parametrize("rows", [3, 4, 9, 700])
def test_rows_that_share_their_points(backend, family, low, high, rows):
    if rows > 9 and "host" in backend.__name__:
        pytest.skip("a block after the other")
    z = torch.cat([torch.linspace(low, high, 70, dtype=torch.float64), torch.tensor([low, high], dtype=torch.float64)])
    if family.name == "hermite":
        z = torch.cat([z, torch.tensor([27.0, 39.0, 41.0], dtype=torch.float64)])  # beyond exp(-z^2/2) in float64
    z = z.repeat(2, 1)
    z[1] = z[1].flip(0)
    coef = (
        torch.randn(rows, 2, 90, dtype=torch.float64) * torch.logspace(-3, 3, rows, dtype=torch.float64)[:, None, None]
    )
    for derivative in (0, 1):
        table = reference.vandermonde(z, 90, family.name, derivative)
        expected = torch.einsum("rbk,bmk->rbm", coef, table)
        found = backend.synthesize(coef, z, family.name, derivative)
        assert ((found - expected).abs() <= 1e-11 * expected.abs().amax(-1, keepdim=True)).all()
        one = backend.synthesize(coef[:, 0], z[0], family.name, derivative)
        assert ((one - expected[:, 0]).abs() <= 1e-11 * expected[:, 0].abs().amax(-1, keepdim=True)).all()
    values = torch.randn(rows, len(z[0]), dtype=torch.float64)
    sums = backend.adjoint(values, z[0], 90, family.name, 1)
    close(sums, values @ table[0], 1e-11)


@with_gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_strides_broadcasting_and_empty_shapes(backend, dtype):
    family = sf.Hermite()
    coef = torch.randn(4, 1, 20, dtype=dtype)[:, :, ::2]
    z = torch.randn(9, 3, dtype=dtype).T
    expected = torch.einsum("bk,cmk->bcm", coef[:, 0].double(), reference.vandermonde(z.double(), 10, family.name, 0))
    close(backend.synthesize(coef, z, family.name, 0).double(), expected, 1e-6 if dtype == torch.float32 else 1e-13)
    values = torch.randn(4, 3, 9, dtype=dtype).transpose(0, 1)
    by_hand = torch.einsum("cbm,cmk->cbk", values.double(), reference.vandermonde(z.double(), 10, family.name, 0))
    close(
        backend.adjoint(values, z[:, None], 10, family.name, 0).double(),
        by_hand,
        1e-6 if dtype == torch.float32 else 1e-13,
    )
    assert backend.synthesize(coef, z[:, :0], family.name, 0).shape == (4, 3, 0)
    assert torch.equal(
        backend.adjoint(values[..., :0], z[:, None, :0], 5, family.name, 0), torch.zeros(3, 4, 5, dtype=dtype)
    )
    assert backend.synthesize(coef[:0], z, family.name, 0).shape == (0, 3, 9)


@pytest.mark.skipif(cpu is None, reason="the compiled backend is not built")
def test_same_bits_at_any_number_of_threads():
    coef, z = torch.randn(3, 64, dtype=torch.float64), 5 * torch.randn(3, 5000, dtype=torch.float64)
    threads, results = torch.get_num_threads(), []
    try:
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            results.append((cpu.synthesize(coef, z, "hermite", 0), cpu.adjoint(z, z, 64, "hermite", 0)))
    finally:
        torch.set_num_threads(threads)
    for result in results[1:]:
        assert torch.equal(result[0], results[0][0])
        assert torch.equal(result[1], results[0][1])


@pytest.mark.skipif(cpu is None, reason="the compiled backend is not built")
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-11), (torch.float32, 1e-4)])
@pytest.mark.parametrize("family", [sf.Hermite(), sf.Laguerre(), sf.Legendre()], ids=lambda f: f.name)
@pytest.mark.parametrize("size", [7, 300, 513])
def test_tables_of_mixed_points(family, size, dtype, tolerance):
    """Near, far and end points among each other, few and many, where degrees fill more than one panel; either order of axes."""
    far = {"hermite": 30.0, "laguerre(0.0)": 900.0, "legendre": 1.0}[family.name]
    low = 0.0 if isinstance(family, sf.Laguerre) else -1.0
    for outside in (0, 3, 40):  # of 100 points: none, moved out, sorted
        z = torch.linspace(0.3, 0.8, 100, dtype=torch.float64)
        z[7 : 7 + outside] = torch.linspace(low * far, far, outside, dtype=torch.float64)
        expected = reference.vandermonde(z.to(dtype).double(), size, family.name, 0)
        assert expected.isfinite().all()
        for result in (
            cpu.vandermonde(z.to(dtype), size, family.name, 0),
            matrix_product.fill_vandermonde(
                z.to(dtype), size, family.name, 0, torch.empty((size, 100), dtype=dtype), by_degree=True
            ).mT,
        ):
            close(result.double(), expected, tolerance)
        slopes = cpu.vandermonde(z, size, family.name, 1)
        close(slopes, reference.vandermonde(z, size, family.name, 1), 1e-10)


@pytest.mark.skipif(cpu is None, reason="the compiled backend is not built")
def test_a_table_beyond_the_caches_holds_the_same_bits():
    z = torch.linspace(-9, 9, 3000, dtype=torch.float64)
    for size in (1024, 1001):  # the first is written past the caches
        table = cpu.vandermonde(z, size, "hermite", 0)
        for begin in range(0, 3000, 500):
            assert torch.equal(table[begin : begin + 500], cpu.vandermonde(z[begin : begin + 500], size, "hermite", 0))
