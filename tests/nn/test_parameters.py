"""Where parameters of layers are and of which type, and that they can be drawn anew."""

import pytest
import torch

import specfast as sf

LINE = sf.Space(sf.Hermite(degree=7))
PLANE = sf.Space([sf.Hermite(), sf.Laguerre(0.5), sf.Legendre(0, 2)], sf.HyperbolicCross(4, gamma=-1.0))
MIXED = torch.tensor([2.0, 0.5, 1.0])
MAKERS = {
    "scaled": lambda **where: sf.nn.ScaledLayer(PLANE, MIXED, 0.25, True, **where),
    "synthesis": lambda **where: sf.nn.Synthesis(PLANE, scale=1.3, shift=0.2, learn_scale=True, **where),
    "analysis": lambda **where: sf.nn.Analysis(LINE, scale=0.8, **where),
    "convolution": lambda **where: sf.nn.SpectralConv(PLANE, 2, 3, coupling=2, learn_scale=True, **where),
    "operator": lambda **where: sf.nn.SpectralOperator(LINE, 2, 1, width=3, layers=2, coupling=1, **where),
    "along axes": lambda **where: sf.nn.KroneckerSumLinear(PLANE, 2, 3, **where),
    "kan": lambda **where: sf.nn.PolynomialKAN(4, 3, sf.Hermite(), 5, **where),
}
RANDOM = ("convolution", "operator", "kan")


def state(layer):
    return {**dict(layer.named_parameters()), **dict(layer.named_buffers())}


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_dtype(name, dtype):
    layer, usual = MAKERS[name](dtype=dtype), state(MAKERS[name]())
    for key, part in state(layer).items():
        assert part.dtype == (dtype if usual[key].is_floating_point() else usual[key].dtype), key
        assert part.shape == usual[key].shape and part.device.type == "cpu"


def test_a_scale_in_double_keeps_its_digits():
    layer = sf.nn.Synthesis(LINE, scale=1.3, shift=0.1, dtype=torch.float64)
    basis = layer.scale_and_shift()
    assert abs(float(basis["scale"]) - 1.3) < 1e-15 and float(basis["shift"]) == 0.1


@pytest.mark.parametrize("name", MAKERS)
def test_made_without_memory_and_filled_later(name):
    made = MAKERS[name](device="meta", dtype=torch.float64)
    assert all(part.is_meta for part in state(made).values())
    made = made.to_empty(device="cpu")
    torch.manual_seed(3)
    made.reset_parameters()
    torch.manual_seed(3)
    assert_same(state(made), state(MAKERS[name](dtype=torch.float64)))
    with torch.device("meta"):
        assert all(part.is_meta for part in state(MAKERS[name]()).values()) or name == "scaled"


@pytest.mark.parametrize("name", MAKERS)
def test_reset_is_what_a_new_layer_has(name):
    torch.manual_seed(1)
    layer = MAKERS[name]()
    first = {key: part.detach().clone() for key, part in state(layer).items()}
    with torch.no_grad():
        for part in layer.parameters():
            part.add_(1)
    torch.manual_seed(1)
    assert layer.reset_parameters() is None
    assert_same(first, state(layer))
    assert all(part.is_leaf for part in layer.parameters())
    torch.manual_seed(2)
    layer.reset_parameters()
    changed = [key for key, part in layer.named_parameters() if not torch.equal(part, first[key])]
    assert bool(changed) == (name in RANDOM)


def test_values_for_a_seed_are_those_of_earlier_versions():
    torch.manual_seed(0)
    expected = torch.randn(3, 4, 6) * (4 * 6) ** -0.5
    torch.manual_seed(0)
    assert torch.equal(MAKERS["kan"]().weight, expected)
    torch.manual_seed(0)
    expected = torch.randn(2, 3, PLANE.size, 13) * 13**-0.5 / 2
    torch.manual_seed(0)
    torch.testing.assert_close(MAKERS["convolution"]().weight.detach(), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("dtype", [torch.complex64, torch.int32, "float32"])
def test_a_type_that_parameters_cannot_have(name, dtype):
    with pytest.raises(ValueError, match="a real floating-point dtype is expected"):
        MAKERS[name](dtype=dtype)


@pytest.mark.cuda
@pytest.mark.parametrize("name", MAKERS)
def test_on_a_gpu(name):
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    layer = MAKERS[name](device="cuda", dtype=torch.float64)
    assert all(part.is_cuda for part in state(layer).values())
    layer.reset_parameters()
