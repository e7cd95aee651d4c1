"""Backends: each is a module with the same functions on tensors, and knows no automatic differentiation.

    synthesize(coef, z, family, derivative)          (..., K), (..., M) -> (..., M)
    adjoint(values, z, size, family, derivative)     (..., M), (..., M) -> (..., K)
    backward(gradient, coef, z, family, derivative)  (..., M), (..., K), (..., M) -> (..., K), (..., M)
    vandermonde(z, size, family, derivative)         (..., M)           -> (..., M, K)
    differentiate(coef, family, transposed)          (..., K)           -> (..., K)
    squares(z, size, family)                         (M,)               -> (M,), the sums of phi_n^2 / h_n
    product_synthesize(coef, z, tree, degrees, families, derivative)       (..., K), (..., M, D) -> (..., M)
    product_adjoint(values, z, tree, size, degrees, families, derivative)  (..., M), (..., M, D) -> (..., K)
    product_gradient(coef, z, tree, degrees, families, derivative)         (..., K), (..., M, D) -> (..., M, D)
    product_backward(gradient, coef, z, tree, degrees, families, derivative)
                                                        (..., M), (..., K), (..., M, D) -> (..., K), (..., M, D)
    product_derivatives(coef, z, tree, degrees, families, derivatives)     (..., K), (..., M, D) -> (..., J, M)

Leading axes broadcast; dtypes are float32 or float64 and agree; `family` is the name of a Family on its standard domain, as
the operators take it. A backend for the CPU is one more file here and a line in `_CPU_ORDER`. `SPECFAST_BACKEND`, read when
a kernel is first needed, forces one.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import warnings
from functools import cache
from types import ModuleType

import torch

_CPU_ORDER = ("cpu", "jit", "reference")


@cache
def _load(name: str) -> tuple[ModuleType | None, str]:
    """Return a backend and, where it cannot be used, why not."""
    try:
        return importlib.import_module(f"specfast.kernels.{name}"), "usable"
    except ImportError as error:
        return None, str(error)


@cache
def _forced() -> str | None:
    name = os.environ.get("SPECFAST_BACKEND") or None
    if name is not None and name not in _CPU_ORDER:
        raise ValueError(f"SPECFAST_BACKEND={name!r}: one of {', '.join(_CPU_ORDER)} is expected")
    return name


@cache
def _select(forced: str | None) -> ModuleType:
    if forced is not None:
        module, reason = _load(forced)
        if module is None:
            raise ImportError(f"SPECFAST_BACKEND={forced}: this backend cannot be used: {reason}")
        return module
    for name in _CPU_ORDER:
        module, reason = _load(name)
        if module is not None:
            return module
        warnings.warn(
            f"specfast: the {name} backend cannot be used ({reason}); falling back to a slower one", stacklevel=2
        )
    raise ImportError("specfast: no backend can be used")


@cache
def cpu_backend() -> ModuleType:
    """Return the backend for tensors in host memory."""
    return _select(_forced())


def backend(device: torch.device) -> ModuleType:
    """Return the backend for tensors on `device`.

    Raises
    ------
    RuntimeError
        If the device has no kernels and the reference backend was not asked for.
    """
    forced = _forced()
    if device.type == "cpu" or forced == "reference":
        return cpu_backend()
    if device.type == "cuda":
        return cuda_backend()
    raise RuntimeError(
        f"specfast has no compiled kernels for device {str(device)!r}; move the tensors to the CPU, or set"
        " SPECFAST_BACKEND=reference to run the (slow) reference kernels there"
    )


@cache
def cuda_backend() -> ModuleType:
    """Return the backend for tensors on CUDA devices.

    Raises
    ------
    RuntimeError
        If its kernels were neither built nor can be compiled by CuPy; says what to install.
    """
    module, reason = _load("cuda")
    if module is None:
        raise RuntimeError(f"specfast: the CUDA backend cannot be used: {reason}")
    module.launch.find()
    return module


def status() -> dict[str, str]:
    """Return every backend with "in use", "usable", or why it cannot be used."""
    active = _select(_forced()).__name__.rpartition(".")[2]
    states = {name: "in use" if name == active else _load(name)[1] for name in _CPU_ORDER}
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    reason = f"PyTorch sees {count} CUDA device(s)" if count else "PyTorch sees no CUDA device"
    return {**states, "cuda": f"{_launchers()}; {reason}"}


def _launchers() -> str:
    """Say how the kernels for CUDA devices can be reached."""
    try:
        from . import _cuda
    except ImportError:
        found = importlib.util.find_spec("cupy") is not None
        return (
            "to be compiled by CuPy at first use"
            if found
            else "neither built nor to be compiled (CuPy is not installed)"
        )
    return f"built for {_cuda.architectures}"
