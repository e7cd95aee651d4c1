"""Tables of functions on a GPU, and the types and tables that kernels take of a family."""

from __future__ import annotations

import torch
from torch import Tensor

from ...families import family_by_name
from .launch import geometry, run
from .tables import Series, held, series

FUNCTIONS_AT_ONCE = 1 << 24  # numbers


class Types:
    """The type of the arithmetic for data of a type, and the ending of the kernels' names."""

    def __init__(self, family: str, count: int, data: torch.dtype):
        self.single = data == torch.float32 and family_by_name(family).single_suffices(count)
        self.work = torch.float32 if self.single else torch.float64
        self.suffix = ("f" if self.single else "d") + ("f" if data == torch.float32 else "d")


def tables_of(family: str, size: int, derivative: int, data: torch.dtype, device: torch.device) -> tuple[Series, Types]:
    """Return the tables of a family, and the types that a kernel computes in."""
    own = family_by_name(family)
    types = Types(family, own.count_with_derivative(size, derivative), data)
    return held(series(family, size, derivative, types.single, device)), types


def vandermonde(z: Tensor, size: int, family: str, derivative: int) -> Tensor:
    """Return phi_n^(derivative)(z) (..., M, K)."""
    result = z.new_empty((*z.shape, size))
    if result.numel() == 0:
        return result
    tables, types = tables_of(family, size, derivative, z.dtype, z.device)
    flat, places = z.contiguous().reshape(-1), result.reshape(-1, size)
    direct = derivative == 0 and types.work == z.dtype
    step = len(flat) if direct else max(1, FUNCTIONS_AT_ONCE // (3 * tables.terms))
    for begin in range(0, len(flat), step):
        part, to = flat[begin : begin + step], places[begin : begin + step]
        how = geometry("vandermonde", 1, len(part), not types.single)
        functions = to if direct else part.new_empty((len(part), tables.terms), dtype=types.work)
        name = f"{tables.prefix}vandermonde_{types.suffix}_{how.points}"
        run(name, how, z.device, tables.packed, len(part), part, functions)
        if not direct:
            scratch = part.new_empty((len(part), 2, tables.terms), dtype=torch.float64)
            how = geometry("rows", len(part), 0, not types.single)
            name = f"finish_vandermonde_{types.suffix}"
            run(name, how, z.device, tables.packed, len(part), functions, scratch, to)
    return result
