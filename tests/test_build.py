"""The build goes on where nvcc is absent or broken. Needs cmake, ninja and a compiler; skips where there are none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def configure(folder, *options, **environment):
    """Run the configure step as an installation does; return the finished process."""
    cmake = shutil.which("cmake", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if cmake is None or not (shutil.which("c++") or shutil.which("g++")):
        pytest.skip("needs cmake and a C++ compiler")
    pybind11 = pytest.importorskip("pybind11")
    command = [cmake, "-S", ROOT, "-B", folder, f"-DPython_EXECUTABLE={sys.executable}", *options]
    command.append(f"-Dpybind11_DIR={pybind11.get_cmake_dir()}")
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})


def test_a_broken_nvcc_is_a_warning_or_an_error_if_cuda_was_demanded(tmp_path):
    broken = tmp_path / "nvcc"
    broken.write_text("#!/bin/sh\necho unsupported GNU version >&2\nexit 1\n")
    broken.chmod(0o755)
    option = f"-DSPECFAST_NVCC_CANDIDATE={broken}"
    automatic = configure(tmp_path / "auto", option)
    assert automatic.returncode == 0, automatic.stderr
    assert "going on without it" in automatic.stderr
    demanded = configure(tmp_path / "on", option, "-DSPECFAST_CUDA=ON")
    assert demanded.returncode != 0 and "SPECFAST_CUDA=ON" in demanded.stderr


def test_cuda_is_not_looked_for_where_it_is_off(tmp_path):
    result = configure(tmp_path / "off", "-DSPECFAST_CUDA=OFF")
    assert result.returncode == 0 and "nvcc" not in result.stdout
