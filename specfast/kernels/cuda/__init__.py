"""The CUDA backend: sums on one axis, over index sets, and the two launchers (nvcc, NVRTC) of its kernels."""

from . import launch
from .functions import vandermonde
from .transforms_1d import adjoint, backward, differentiate, run_fma, squares, synthesize
from .transforms_nd import (
    product_adjoint,
    product_backward,
    product_derivatives,
    product_gradient,
    product_synthesize,
)

__all__ = [
    "adjoint",
    "backward",
    "differentiate",
    "launch",
    "product_adjoint",
    "product_backward",
    "product_derivatives",
    "product_gradient",
    "product_synthesize",
    "run_fma",
    "squares",
    "synthesize",
    "vandermonde",
]
