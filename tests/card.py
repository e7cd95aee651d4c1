"""The CUDA backend where there is no card, its kernels compiled by the host's compiler, and where there is one, by both doors."""

import ctypes
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path
from unittest import mock

import pytest
import torch

ROOT = Path(__file__).parents[1]
DOORS = ("Built", "Compiled")


@functools.cache
def library():
    """Return the kernels as a library of the host; None without a compiler."""
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        return None
    path = Path(tempfile.mkdtemp()) / "host_card.so"
    header = ROOT / "tests" / "cuda" / "host_card.hpp"
    options = ["-std=c++17", "-O2", "-fPIC", "-shared", "-pthread", "-ffp-contract=fast", "-Wall", "-Wextra", "-Werror"]
    options += ["-Wno-unused-function", f'-DSPECFAST_HOST_CARD="{header}"']
    source = ROOT / "tests" / "cuda" / "host_card.cpp"
    subprocess.run([compiler, *options, str(source), "-o", str(path)], check=True)
    return ctypes.CDLL(str(path))


class HostDoor:
    """Launches kernels on the host."""

    def launch(self, name, how, arguments, device):
        """Run a kernel to its end."""
        given = (ctypes.c_int64 * len(arguments))(*arguments)
        memory, blocks = ctypes.c_int64(how.memory), ctypes.c_int64(how.blocks)
        assert library().host_launch(name.encode(), blocks, how.threads, memory, len(arguments), given) == 0, name


@functools.cache
def door(name):
    """Return a door to the kernels on a card; skips where it is shut."""
    from specfast.kernels import doors

    try:
        return getattr(doors, name)()
    except ImportError as error:
        pytest.skip(f"{name}: {error}")


def moved(value, device):
    """Return a tensor of numbers on a device; index trees, of 32-bit integers, stay in main memory."""
    if isinstance(value, tuple):
        return tuple(moved(part, device) for part in value)
    return value.to(device) if isinstance(value, torch.Tensor) and value.dtype != torch.int32 else value


class OnHost:
    """The CUDA backend as the others are, with its kernels on the host."""

    __name__ = "specfast.kernels.cuda, on the host"
    device = "cpu"

    def find(self):
        """Return the door."""
        return HostDoor()

    def __getattr__(self, name):
        from specfast.kernels import cuda, doors

        function = getattr(cuda, name)

        def call(*args):
            with mock.patch.object(doors, "find", self.find):
                return moved(function(*(moved(arg, self.device) for arg in args)), "cpu")

        return call


class OnCard(OnHost):
    """The CUDA backend by one of the doors, on tensors in main memory."""

    device = "cuda"

    def __init__(self, own):
        self.own = own
        self.__name__ = f"specfast.kernels.cuda, {own}"

    def find(self):
        """Return the door."""
        return door(self.own)


def on_host():
    """Return the backend as a list of parameters: empty where it cannot run."""
    try:
        import specfast.kernels._cpu  # noqa: F401
    except ImportError:
        return []
    return [pytest.param(OnHost(), id="card")] if shutil.which("c++") or shutil.which("g++") else []


def on_card():
    """Return the backend by both doors as a list of parameters: empty where there is no card."""
    if not torch.cuda.is_available():
        return []
    marks = [pytest.mark.cuda, pytest.mark.filterwarnings("ignore:.*CuPy compiles.*")]
    return [pytest.param(OnCard(name), id=name.lower(), marks=marks) for name in DOORS]
