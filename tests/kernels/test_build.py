"""The build goes on where nvcc is absent or broken. Needs cmake, ninja and a compiler; skips where there are none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


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


def nvcc():
    found = shutil.which("nvcc") or shutil.which("nvcc", path="/usr/local/cuda/bin")
    if found is None:
        pytest.skip("needs nvcc")
    return found


def test_kernels_for_gpus_compile_without_a_warning(tmp_path):
    """To the intermediate code from which the machine code of every GPU is made, that of the oldest."""
    command = [nvcc(), "-std=c++17", "-O1", "-Xcompiler", "-Wall,-Wextra", "-Werror", "all-warnings"]
    command += ["-gencode", "arch=compute_80,code=compute_80", "-c", str(ROOT / "csrc/cuda/launch.cu")]
    done = subprocess.run([*command, "-o", str(tmp_path / "launch.o")], capture_output=True, text=True)
    assert done.returncode == 0 and "warning" not in done.stderr, done.stderr[-2000:]


def test_kernels_for_gpus_are_one_text_without_a_library(tmp_path):
    """What CuPy hands to NVRTC: no header of the system, no host code."""
    launcher = pytest.importorskip("specfast.kernels.cuda.launch")
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        pytest.skip("needs a C++ compiler")
    text = tmp_path / "kernels.cpp"
    text.write_text(launcher.source())
    command = [compiler, "-E", "-P", "-D__CUDACC_RTC__", "-H", str(text)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr.strip(), done.stderr[:500]  # -H lists every header that is read
    assert "std::" not in done.stdout and "<<<" not in done.stdout and "__constant__" not in done.stdout
    from specfast.kernels import _cpu

    if "works" in _cpu.nvcc:
        from specfast.kernels import _cuda

        assert "sm_80" in _cuda.architectures and "compute_80" in _cuda.architectures


def test_cuda_is_not_looked_for_where_it_is_off(tmp_path):
    result = configure(tmp_path / "off", "-DSPECFAST_CUDA=OFF")
    assert result.returncode == 0 and "nvcc" not in result.stdout
