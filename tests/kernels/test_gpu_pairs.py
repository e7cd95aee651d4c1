"""Functions in pairs by the kernels for GPUs, on the host or a GPU: against closed forms at 50 digits."""

import functools

import numpy as np
import pytest
import torch
from exact_pairs import derivative_matrix, table
from gpu_backends import on_gpu, on_host
from test_gpu_cross import both, check, way  # noqa: F401 - a fixture
from test_kernels import close

import specfast as sf

WAYS = on_host() + on_gpu()
pytestmark = pytest.mark.skipif(not WAYS, reason="needs the compiled module and a C++ compiler")
D, S = torch.float64, torch.float32
FAMILIES = [sf.Fourier(), sf.Rational()]
# Along the ring many times, and where its functions turn fastest; on the line up to far beyond the last oscillation.
POINTS = {
    "fourier": [0.0, 1e-9, 0.25, 0.3, -0.7, 0.999999, 1.0, -3.7, 17.125, 1234.56789],
    "rational": [0.0, 1e-9, 0.25, -0.3, 0.9, 1.0, -1.1, 37.5, -812.0, 5e4, 3e9],
}
families = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
types = pytest.mark.parametrize(("dtype", "bound"), [(D, 1e-12), (S, 5e-5)], ids=["double", "single"])


@pytest.fixture(params=WAYS)
def gpu(request):
    return request.param


@pytest.fixture(params=[1, 4], ids=["one point a thread", "four"])
def points_a_thread(request, monkeypatch):
    """Launch kernels on one axis with so many points a thread, whatever the size."""
    from specfast.kernels.cuda import functions, transforms_1d

    own = transforms_1d.geometry

    def geometry(operation, rows, points, double):
        how = own(operation, rows, points, double)
        if operation not in ("synthesize", "sweep", "vandermonde"):
            return how
        tiles = -(-points // (request.param * how.threads))
        return how._replace(points=request.param, tiles=tiles, blocks=rows * tiles)

    monkeypatch.setattr(transforms_1d, "geometry", geometry)
    monkeypatch.setattr(functions, "geometry", geometry)


@functools.cache
def exact(family, dtype, count, derivative=0):
    """Return points and the functions there."""
    z = torch.tensor(POINTS[family.name], dtype=D).to(dtype)
    return z, torch.from_numpy(table(family, z.tolist(), count, derivative))


@families
@types
@pytest.mark.parametrize("count", [1, 2, 3, 64, 129, 513, 1025])
def test_functions_and_sums(gpu, points_a_thread, family, dtype, bound, count):
    z, functions = exact(family, dtype, count)
    size = functions.abs().amax(-1, keepdim=True)
    found = gpu.vandermonde(z, count, family.name, 0)
    assert found.dtype == dtype and ((found - functions).abs() <= bound * size).all()
    coef, values = torch.randn(2, count, dtype=dtype), torch.randn(2, len(z), dtype=dtype)
    error = gpu.synthesize(coef, z, family.name, 0) - coef.double() @ functions.mT
    assert (error.abs() <= bound * size.squeeze(-1) * coef.double().norm(dim=-1, keepdim=True)).all()
    error = gpu.adjoint(values, z, count, family.name, 0) - values.double() @ functions
    assert (error.abs() <= bound * values.double().abs() @ size).all()


@families
def test_many_functions(gpu, family):
    """20001 of them: phases are found anew 40 times."""
    z, functions = exact(family, D, 20_001)
    coef, values = torch.randn(20_001, dtype=D), torch.randn(len(z), dtype=D)
    size = functions.abs().amax(-1)
    error = gpu.synthesize(coef, z, family.name, 0) - functions @ coef
    assert (error.abs() <= 1e-12 * size * coef.norm()).all()
    error = gpu.adjoint(values, z, 20_001, family.name, 0) - values @ functions
    assert (error.abs() <= 1e-12 * values.abs() @ size).all()
    error = gpu.vandermonde(z, 20_001, family.name, 0) - functions
    assert (error.abs() <= 1e-12 * size[:, None]).all()


@families
@types
@pytest.mark.parametrize("derivative", [1, 2])
@pytest.mark.parametrize("count", [1, 2, 3, 40, 129])
def test_derivatives(gpu, family, dtype, bound, derivative, count):
    z, functions = exact(family, dtype, count, derivative)
    size = functions.abs().amax() + 1
    close(gpu.vandermonde(z, count, family.name, derivative).double() + size, functions + size, bound)
    coef, values = torch.randn(count, dtype=dtype), torch.randn(len(z), dtype=dtype)
    error = gpu.synthesize(coef, z, family.name, derivative) - functions @ coef.double()
    assert error.abs().max() <= bound * size * coef.norm()
    error = gpu.adjoint(values, z, count, family.name, derivative) - values.double() @ functions
    assert error.abs().max() <= bound * size * values.abs().sum()


@families
@types
@pytest.mark.parametrize("derivative", [0, 1])
@pytest.mark.parametrize("count", [1, 2, 50, 129])
def test_both_gradients(gpu, points_a_thread, family, dtype, bound, derivative, count):
    z, functions = exact(family, dtype, count, derivative)
    slopes = exact(family, dtype, count, derivative + 1)[1]
    coef, gradient = torch.randn(3, 1, count, dtype=dtype), torch.randn(len(z), dtype=dtype)
    grad_coef, grad_z = gpu.backward(gradient, coef, z, family.name, derivative)
    expected = (gradient.double() @ functions).expand(3, 1, count)
    assert (grad_coef - expected).abs().max() <= bound * (functions.abs().max() + 1) * gradient.abs().sum()
    expected = gradient * (coef.double() @ slopes.mT).squeeze(1)
    assert (grad_z.squeeze(1) - expected).abs().max() <= bound * (slopes.abs().max() + 1) * coef.norm() * gradient.max()


@families
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 129, 1000])
def test_the_map_of_coefficients(gpu, family, count):
    matrix = torch.from_numpy(derivative_matrix(family, count))
    coef = torch.randn(3, count, dtype=D)
    for transposed, expected in ((False, coef @ matrix.mT), (True, coef @ matrix)):
        found = gpu.differentiate(coef, family.name, transposed)
        assert (found - expected).abs().max() <= 1e-14 * (1 + matrix.abs().max())


@pytest.mark.parametrize("dtype", [D, S])
def test_points_beyond_all(gpu, dtype):
    """Too many turns to say where on the ring a point is; on the line nothing is left of any function."""
    most = 2.0**42 if dtype == D else 2.0**14
    z = torch.tensor([0.5, most, -most, 1.5 * most, torch.inf, torch.nan, 0.25], dtype=dtype)
    for found in (
        gpu.synthesize(torch.ones(7, dtype=dtype), z, "fourier", 0),
        gpu.vandermonde(z, 7, "fourier", 0)[:, 3],
        gpu.backward(torch.ones(7, dtype=dtype), torch.ones(7, dtype=dtype), z, "fourier", 0)[1],
    ):
        assert found.isnan().tolist() == [False] * 3 + [True] * 3 + [False]
    # Whole turns: z = 0 again.
    close(gpu.vandermonde(z[1:3], 7, "fourier", 0), gpu.vandermonde(0 * z[1:3], 7, "fourier", 0), 1e-15)
    z = torch.tensor([0.5, 1e200 if dtype == D else 1e30, -torch.inf, torch.nan, 0.25], dtype=dtype)
    for found in (
        gpu.synthesize(torch.ones(7, dtype=dtype), z, "rational", 0),
        gpu.vandermonde(z, 7, "rational", 0)[:, 3],
    ):
        assert found[3].isnan() and found.isnan().sum() == 1 and (found[1:3] == 0).all() and (found[[0, 4]] != 0).all()


@families
def test_long_rows_and_many_tiles(gpu, family):
    z = torch.from_numpy(np.linspace(-2.5, 3.5, 700))
    functions = torch.from_numpy(table(family, z.tolist(), 41))
    coef, values = torch.randn(3, 41, dtype=D), torch.randn(3, 700, dtype=D)
    rows = z.expand(3, 700).contiguous()
    close(gpu.synthesize(coef, rows, family.name, 0), coef @ functions.mT, 1e-13)
    close(gpu.adjoint(values, rows, 41, family.name, 0), values @ functions, 1e-13)


@both
@pytest.mark.parametrize("dtype", [D, S])
@pytest.mark.parametrize(
    ("names", "index_set", "orders"),
    [
        (["fourier", "rational"], sf.HyperbolicCross(40), [0, 0]),
        (["rational", "hermite", "fourier"], sf.HyperbolicCross(14), [1, 0, 2]),
        (["fourier", "rational", "fourier", "legendre"], sf.TotalDegree(5), [0, 2, 0, 1]),
    ],
)
def test_over_index_sets(gpu, way, names, index_set, orders, dtype):  # noqa: F811
    z = 2 * torch.rand(2, 45, len(names), dtype=D) - 1
    z[0, :20] *= torch.tensor([1.0 if name in ("legendre", "hermite") else 30.0 for name in names], dtype=D)
    check(gpu, index_set, names, orders, z, dtype=dtype)


@both
def test_long_axes_of_pairs(gpu, way):  # noqa: F811
    """More wave numbers than a power is carried on for: 64 in float32, 256 in float64."""
    z = 2 * torch.rand(30, 2, dtype=D) - 1
    for dtype, size in ((S, 300), (D, 700)):
        for names in (["fourier", "rational"], ["rational", "fourier"]):
            check(gpu, sf.HyperbolicCross(size), names, [0, 0], z, channels=1, dtype=dtype)
