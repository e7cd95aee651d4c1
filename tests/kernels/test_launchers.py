"""The ways to the kernels for GPUs, as far as they can be gone without one."""

import ctypes
import ctypes.util
import importlib.util
import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("specfast.kernels._cpu")

from specfast.kernels.cuda import launch


def test_without_a_launcher_the_error_says_what_to_install(monkeypatch):
    def absent(self):
        raise ImportError("not built")

    launch.find.cache_clear()
    monkeypatch.setattr(launch.NvccLauncher, "__init__", absent)
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setattr(torch.version, "cuda", "12.6")
    try:
        with pytest.raises(RuntimeError, match=r"specfast\[cuda12\].*SPECFAST_BACKEND=reference"):
            launch.find()
    finally:
        launch.find.cache_clear()


class Module:
    """Stands in for CuPy's compiled source."""

    def __init__(self, code, options):
        self.code, self.options = code, options
        Module.made.append(self)

    made: list = []  # noqa: RUF012


def test_the_text_for_cupy_names_its_hash(monkeypatch):
    """CuPy's cache looks at the text it is given and at options, not at what a text includes."""
    monkeypatch.setitem(sys.modules, "cupy", type("cupy", (), {"RawModule": Module}))
    with pytest.warns(UserWarning, match="CuPy compiles them now"):
        launch.NvrtcLauncher()
    own = Module.made[-1]
    assert '#include "' not in own.code  # those of the system are for other compilers
    assert own.options[0] == "--std=c++17" and own.options[1].startswith("-DSPECFAST_SOURCE_")
    monkeypatch.setattr(launch, "source", lambda: own.code + "\n")
    with pytest.warns(UserWarning, match="CuPy compiles them now"):
        launch.NvrtcLauncher()
    assert Module.made[-1].options != own.options


def nvrtc():
    """Return NVIDIA's run-time compiler; skips where there is none."""
    names = [ctypes.util.find_library("nvrtc")]
    if (package := importlib.util.find_spec("nvidia")) is not None:
        for folder in package.submodule_search_locations or []:
            names += [str(path) for path in Path(folder).glob("**/libnvrtc.so.*")]
    for name in filter(None, names):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    pytest.skip("needs NVRTC")


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90", "sm_100"])
def test_the_run_time_compiler_takes_the_text(architecture):
    library, program, size = nvrtc(), ctypes.c_void_p(), ctypes.c_size_t()
    text = launch.source().encode()
    assert library.nvrtcCreateProgram(ctypes.byref(program), text, b"kernels.cu", 0, None, None) == 0
    options = [b"--std=c++17", f"--gpu-architecture={architecture}".encode()]
    failed = library.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
    library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    library.nvrtcGetProgramLog(program, log)
    assert not failed and b"warning" not in log.value, log.value.decode()[:2000]
    assert library.nvrtcGetCUBINSize(program, ctypes.byref(size)) == 0 and size.value > 1000
