"""Layers as exported programs and as compiled packages: what is loaded computes what the layer does."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from test_layers import LAYERS
from torch.export import Dim

SERVE = """
import sys, torch
import specfast
program = torch.export.load(sys.argv[1])
torch.save(program.module()(*torch.load(sys.argv[2])), sys.argv[3])
"""


@pytest.mark.parametrize("name", LAYERS)
@torch.no_grad()
def test_exported_and_loaded(name, tmp_path):
    layer, given = LAYERS[name]
    torch.export.save(torch.export.export(layer, given), tmp_path / "layer.pt2")
    loaded = torch.export.load(tmp_path / "layer.pt2")
    torch.testing.assert_close(loaded.module()(*given), layer(*given), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", ["analysis on a cross", "convolution on a cross", "operator", "kan"])
@torch.no_grad()
def test_exported_for_batches_of_any_size(name):
    layer, (x,) = LAYERS[name]
    program = torch.export.export(layer, (x,), dynamic_shapes=({0: Dim("batch")},))
    wide = torch.cat([x, 2 * x, x])
    torch.testing.assert_close(program.module()(wide), layer(wide), rtol=1e-10, atol=1e-10)


@torch.no_grad()
def test_a_program_runs_in_another_process(tmp_path):
    layer, given = LAYERS["convolution on a cross"]
    torch.export.save(torch.export.export(layer, given), tmp_path / "layer.pt2")
    torch.save(given, tmp_path / "given.pt")
    files = [str(tmp_path / name) for name in ("layer.pt2", "given.pt", "result.pt")]
    subprocess.run([sys.executable, "-c", SERVE, *files], check=True, cwd=Path(__file__).parents[2])
    torch.testing.assert_close(torch.load(files[2]), layer(*given), rtol=1e-12, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["synthesis", "convolution on a cross"])
@torch.no_grad()
def test_a_compiled_package(name, tmp_path):
    if not (shutil.which("g++") or shutil.which("c++")):
        pytest.skip("AOTInductor needs a C++ compiler")
    layer, given = LAYERS[name]
    path = str(tmp_path / "layer.pt2")
    program = torch.export.export(layer, given)
    package = torch._inductor.aoti_load_package(torch._inductor.aoti_compile_and_package(program, package_path=path))
    torch.testing.assert_close(package(*given), layer(*given), rtol=1e-10, atol=1e-10)
