"""The CUDA backend on the host: its kernels compiled by the host's compiler, its launches carried out by threads."""

import ctypes
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path
from unittest import mock

import pytest

ROOT = Path(__file__).parents[1]


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


class OnHost:
    """The CUDA backend as the others are, with its kernels on the host."""

    __name__ = "specfast.kernels.cuda, on the host"

    def __getattr__(self, name):
        from specfast.kernels import cuda, doors

        function = getattr(cuda, name)

        def call(*args):
            with mock.patch.object(doors, "find", HostDoor):
                return function(*args)

        return call


def on_host():
    """Return the backend as a list of parameters: empty where it cannot run."""
    try:
        import specfast.kernels._cpu  # noqa: F401
    except ImportError:
        return []
    return [pytest.param(OnHost(), id="card")] if shutil.which("c++") or shutil.which("g++") else []
