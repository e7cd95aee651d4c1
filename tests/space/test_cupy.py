"""CuPy array_api in and out, by a stand-in for CuPy whose array_api lie in host memory; on a GPU test_cuda.py has the real ones."""

import contextlib
import types

import numpy as np
import pytest
import torch

import specfast as sf
from specfast.space import array_api


class Array:
    """What is used of cupy.ndarray."""

    def __init__(self, array, index=0):
        self.array, self.device = array, types.SimpleNamespace(id=index)

    def __dlpack__(self, **options):
        return self.array.__dlpack__()

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


@pytest.fixture
def cupy(monkeypatch):
    """Put the stand-in where CuPy would be; its list has the streams that were entered."""
    streams, made = [], []

    def empty(shape, dtype):
        made.append(Array(np.full(shape, np.nan, dtype)))
        return made[-1]

    @contextlib.contextmanager
    def stream(index):
        streams.append(index)
        yield

    module = types.SimpleNamespace(ndarray=Array, empty=empty, streams=streams, made=made)
    monkeypatch.setitem(__import__("sys").modules, "cupy", module)
    monkeypatch.setattr(array_api, "_stream_of_cupy", stream)
    return module


def test_results_are_cupy_arrays_made_by_cupy(cupy):
    space = sf.Space(sf.Hermite(degree=5))
    coef, points = np.random.default_rng(0).standard_normal((3, 6)), np.linspace(-2, 2, 6)
    for method in (space.synthesize, space.adjoint):
        found = method(Array(coef), Array(points), scale=0.7)
        assert found is cupy.made[-1] and cupy.streams[-1] == 0
        np.testing.assert_allclose(found.array, method(coef, points, scale=0.7), rtol=1e-14)
    value, slope = space.value_and_gradient(Array(coef), Array(points))
    assert isinstance(value, Array) and isinstance(slope, Array)
    single = space.synthesize(Array(coef.astype(np.float32)), Array(points.astype(np.float32)))
    assert single.array.dtype == np.float32
    complex_values = space.synthesize(Array(coef + 1j * coef), Array(points))
    np.testing.assert_allclose(complex_values.array, space.synthesize(coef + 1j * coef, points))


def test_namespaces_and_devices_are_not_mixed(cupy):
    space = sf.Space(sf.Hermite(degree=5))
    coef, points = np.zeros(6), np.zeros(4)
    for other in (torch.zeros(4, dtype=torch.float64), points):
        with pytest.raises(TypeError, match="different namespaces"):
            space.synthesize(Array(coef), other)
    with pytest.raises(TypeError, match=r"different devices: \[0, 1\]"):
        space.synthesize(Array(coef), Array(points, 1))


def test_tensors_and_numpy_do_not_notice(cupy):
    space = sf.Space(sf.Hermite(degree=5))
    coef, points = torch.randn(6, dtype=torch.float64), torch.randn(4, dtype=torch.float64)
    assert isinstance(space.synthesize(coef, points), torch.Tensor)
    assert isinstance(space.synthesize(coef.numpy(), points.numpy()), np.ndarray)
    assert not cupy.streams and not cupy.made
