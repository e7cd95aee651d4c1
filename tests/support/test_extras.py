"""Without the packages of an extra: what does not need them works, what does says what to install."""

import subprocess
import sys

import pytest

BLOCK = """
import importlib.abc, sys
class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in {names!r} else find(name, package)
"""
EXTRA = ["scipy", "torchdiffeq", "xarray", "h5netcdf", "h5py", "safetensors", "tqdm", "matplotlib", "jinja2"]


def run(code, names=EXTRA):
    """Run code in a process that has none of these packages."""
    words = [sys.executable, "-c", BLOCK.format(names=names) + code]
    return subprocess.run(words, capture_output=True, text=True)


def test_spaces_and_layers_need_torch_numpy_and_numba_alone():
    code = (
        "import torch, specfast as sf\n"
        "plane = sf.Space([sf.Hermite(), sf.Legendre()], sf.HyperbolicCross(6))\n"
        "coef = torch.randn(plane.size, requires_grad=True)\n"
        "plane.synthesize(coef, torch.rand(4, 2)).sum().backward()\n"
        "plane.project(torch.randn(plane.size)); plane.condition_number()\n"
        "sf.nn.SpectralConv(plane, 2, 2)(torch.randn(1, 2, 7, 8))\n"
        "plane.fit(torch.randn(99), torch.rand(99, 2), ridge=1e-3)\n"
        "print('done')\n"
    )
    result = run(code)
    assert result.stdout == "done\n", result.stderr


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import specfast as sf; sf.learn", "specfast.learn needs scipy, torchdiffeq, xarray"),
        (
            "import specfast as sf; sf.adapt.choose_scale(1.0, lambda b: abs(b - 2) + 1)",
            "adapt.choose_scale needs scipy",
        ),
    ],
)
def test_what_is_missing_is_named_with_the_extra(code, said):
    result = run(code)
    last = result.stderr.strip().splitlines()[-1]
    assert "ImportError" in last and said in last and "specfast[learn]" in last, result.stderr
