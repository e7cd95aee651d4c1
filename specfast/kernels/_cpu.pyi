"""Compiled CPU kernels; see specfast.kernels.cpu for their use."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

nvcc: str
openmp: bool
gpu_run: int
gpu_cross_height: int

class Plan:
    def __init__(
        self,
        tables: dict[str, Any],
        single: dict[str, Any] | None,
        differentiation: Sequence[np.ndarray],
        far: int,
        coefficients: int,
        derivative: int,
    ) -> None: ...

class TreePlan:
    def __init__(self, runs: np.ndarray, sizes: Sequence[int]) -> None: ...

class OrdersPlan:
    def __init__(self, orders: Sequence[Sequence[Plan]], slots: Sequence[int]) -> None: ...

class Field:
    @property
    def size(self) -> int: ...
    def __init__(
        self,
        plans: Sequence[Plan],
        raised: Sequence[Plan],
        domains: Sequence[int],
        columns: Sequence[Sequence[float]],
        constant: float,
        tree: np.ndarray | None,
    ) -> None: ...

class Kernels:
    names: list[str]
    @property
    def found(self) -> bool: ...
    @property
    def name(self) -> str: ...
    def __init__(self, wanted: str) -> None: ...
    def synthesize(self, plan: Plan, coef: Tensor, z: Tensor, values: Tensor) -> bool: ...
    def adjoint(self, plan: Plan, values: Tensor, z: Tensor, coef: Tensor) -> None: ...
    def backward(
        self, plan: Plan, gradient: Tensor, coef: Tensor, z: Tensor, grad_coef: Tensor, grad_z: Tensor
    ) -> None: ...
    def vandermonde(self, plan: Plan, z: Tensor, table: Tensor, by_degree: bool) -> None: ...
    def squares(self, plan: Plan, z: int, points: int, norms: int, result: int) -> None: ...
    def differentiate(self, plan: Plan, coef: Tensor, result: Tensor, transposed: bool) -> None: ...
    def cross_synthesize(self, *given: Any) -> None: ...
    def cross_adjoint(self, *given: Any) -> None: ...
    def cross_gradient(self, *given: Any) -> None: ...
    def cross_derivatives(self, *given: Any) -> None: ...
    def map_field(self, field: Field, points: Tensor, scale: Tensor, shift: Tensor) -> Tensor | None: ...
    def synthesize_field(
        self, field: Field, coef: Tensor, points: Tensor, scale: Tensor, shift: Tensor
    ) -> Tensor | None: ...
    def adjoint_field(
        self, field: Field, values: Tensor, points: Tensor, scale: Tensor, shift: Tensor
    ) -> Tensor | None: ...
    def backward_field(
        self, field: Field, gradient: Tensor, coef: Tensor, points: Tensor, scale: Tensor, shift: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor] | None: ...
    def run_fma(self, rounds: int, is_double: bool) -> int: ...

def exchange_by(table: object) -> None: ...
def new_tensors_by(empty_like: object) -> None: ...
def gpu_geometry(operation: str, rows: int, points: int, is_double: bool) -> tuple[int, int, int, int, int]: ...
def gpu_cross_geometry(
    needs: Sequence[int], adjoint: bool, is_double: bool, limit: int
) -> tuple[int, int, int, int, int]: ...
def gpu_rows(sizes: Sequence[int], strides: Sequence[Sequence[int]]) -> bytes: ...
def gpu_series(
    single: bool,
    *,
    count: int,
    start: int,
    near_limit: float,
    far_limit: float,
    end_limit: float,
    coefficients: int,
    derivative: int,
    **addresses: int,
) -> bytes: ...
def gpu_cross(
    *,
    dim: int,
    split: int,
    functions: int,
    products: int,
    runs: int,
    rectangles: int,
    parts: int,
    columns: int,
    groups: int,
    **addresses: int,
) -> bytes: ...
