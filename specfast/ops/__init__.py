"""The kernels as torch operators, torch.ops.specfast, with exact derivatives of every order."""

from .channel_matmul import mix
from .fields import adjoint, synthesize, synthesize_backward
from .functions import differentiate, vandermonde
from .grid_transform import grid_adjoint, grid_synthesize

__all__ = [
    "adjoint",
    "differentiate",
    "grid_adjoint",
    "grid_synthesize",
    "mix",
    "synthesize",
    "synthesize_backward",
    "vandermonde",
]
