"""The CUDA backend where there is no GPU, its kernels compiled by the host's compiler, and where there is one, by both launchers."""

import ctypes
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path
from unittest import mock

import pytest
import torch

ROOT = Path(__file__).parents[2]
LAUNCHERS = ("NvccLauncher", "NvrtcLauncher")


@functools.cache
def library():
    """Return the kernels as a library of the host; None without a compiler."""
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        return None
    path = Path(tempfile.mkdtemp()) / "host_gpu.so"
    header = ROOT / "tests" / "cuda" / "host_gpu.hpp"
    options = ["-std=c++17", "-O2", "-fPIC", "-shared", "-pthread", "-ffp-contract=fast", "-Wall", "-Wextra", "-Werror"]
    options += ["-Wno-unused-function", f'-DSPECFAST_HOST_GPU="{header}"']
    source = ROOT / "tests" / "cuda" / "host_gpu.cpp"
    subprocess.run([compiler, *options, str(source), "-o", str(path)], check=True)
    return ctypes.CDLL(str(path))


class HostLauncher:
    """Launches kernels on the host."""

    def launch(self, name, how, arguments, device):
        """Run a kernel to its end."""
        given = (ctypes.c_int64 * len(arguments))(*arguments)
        memory, blocks = ctypes.c_int64(how.memory), ctypes.c_int64(how.blocks)
        assert library().host_launch(name.encode(), blocks, how.threads, memory, len(arguments), given) == 0, name


@functools.cache
def launcher(name):
    """Return a launcher of the kernels on a GPU; skips where it cannot be used."""
    from specfast.kernels.cuda import launch

    try:
        return getattr(launch, name)()
    except ImportError as error:
        pytest.skip(f"{name}: {error}")


def moved(value, device):
    """Return a tensor of numbers on a device; index trees, of 32-bit integers, stay in host memory."""
    if isinstance(value, tuple):
        return tuple(moved(part, device) for part in value)
    return value.to(device) if isinstance(value, torch.Tensor) and value.dtype != torch.int32 else value


class OnHost:
    """The CUDA backend as the others are, with its kernels on the host."""

    __name__ = "specfast.kernels.cuda, on the host"
    device = "cpu"

    def find(self):
        """Return the launcher."""
        return HostLauncher()

    def __getattr__(self, name):
        from specfast.kernels import cuda
        from specfast.kernels.cuda import launch

        function = getattr(cuda, name)

        def call(*args):
            with mock.patch.object(launch, "find", self.find):
                return moved(function(*(moved(arg, self.device) for arg in args)), "cpu")

        return call


class OnGpu(OnHost):
    """The CUDA backend by one of the launchers, on tensors in host memory."""

    device = "cuda"

    def __init__(self, own):
        self.own = own
        self.__name__ = f"specfast.kernels.cuda, {own}"

    def find(self):
        """Return the launcher."""
        return launcher(self.own)


def on_host():
    """Return the backend as a list of parameters: empty where it cannot run."""
    try:
        import specfast.kernels._cpu  # noqa: F401
    except ImportError:
        return []
    return [pytest.param(OnHost(), id="gpu")] if shutil.which("c++") or shutil.which("g++") else []


def on_gpu():
    """Return the backend by both launchers as a list of parameters: empty where there is no GPU."""
    if not torch.cuda.is_available():
        return []
    marks = [pytest.mark.cuda, pytest.mark.filterwarnings("ignore:.*CuPy compiles.*")]
    return [pytest.param(OnGpu(name), id=name.lower(), marks=marks) for name in LAUNCHERS]
