"""An exponential integrator: the linear part of an equation exactly, the rest by a Runge-Kutta formula of order 4."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .fixed_steps import State, each

LARGEST_MATRIX = 512  # past which a linear part is expected as its diagonal


def _phi_matrices(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return exp, phi_1, phi_2, phi_3 of a matrix (S, S), as blocks of the exponential of one four times as large."""
    size = matrix.shape[0]
    large = matrix.new_zeros(4 * size, 4 * size)
    large[:size, :size] = matrix
    steps = torch.arange(3 * size, device=matrix.device)
    large[steps, steps + size] = 1.0
    first = torch.linalg.matrix_exp(large)[:size]
    return tuple(first.split(size, 1))  # type: ignore[return-value]


def _phi_numbers(x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return exp, phi_1, phi_2, phi_3 of numbers: phi_{k+1} = (phi_k - 1/k!) / x, by its series where |x| is small."""
    small = x.abs() < 0.5
    safe, near = torch.where(small, 1.0, x), torch.where(small, x, 0.0)
    values = [x.exp()]
    for k, factorial in ((1, 1.0), (2, 1.0), (3, 2.0)):
        # sum_j x^j / (j + k)!
        term = torch.ones_like(x) / (factorial * k)
        series = term
        for j in range(1, 16):
            term = term * near / (j + k)
            series = series + term
        values.append(torch.where(small, series, (values[-1] - 1.0 / factorial) / safe))
    return tuple(values)  # type: ignore[return-value]


class _Step:
    """The coefficients of one step of length h."""

    def __init__(self, linear: Tensor, h: Tensor):
        dense = linear.dim() == 2
        phi = _phi_matrices if dense else _phi_numbers
        self.dense = dense
        self.h = h
        self.whole, one, two, three = phi(h * linear)
        self.half, self.half_one, *_ = phi(0.5 * h * linear)
        self.weights = one - 3 * two + 4 * three, 2 * two - 4 * three, 4 * three - two

    def apply(self, function: Tensor, v: Tensor) -> Tensor:
        return v @ function.mT if self.dense else v * function

    def __call__(self, rest: Callable[[Tensor, Tensor], Tensor], t: Tensor, u: Tensor) -> Tensor:
        apply, h = self.apply, self.h
        first = rest(t, u)
        start = apply(self.half, u)
        a = start + 0.5 * h * apply(self.half_one, first)
        second = rest(t + 0.5 * h, a)
        b = start + 0.5 * h * apply(self.half_one, second)
        third = rest(t + 0.5 * h, b)
        c = apply(self.half, a) + 0.5 * h * apply(self.half_one, 2 * third - first)
        fourth = rest(t + h, c)
        early, middle, late = self.weights
        return apply(self.whole, u) + h * (apply(early, first) + apply(middle, second + third) + apply(late, fourth))


def etdrk4(
    linear: Tensor, rest: Callable[[Tensor, Tensor], Tensor], start: Tensor, times: Tensor, steps: int = 4
) -> Tensor:  # fmt: skip
    """Integrate du/dt = L u + rest(t, u) with `steps` equal steps between two times.

    No step size is too long for L, however stiff, and a linear equation is solved exactly. Order 4 in the rest.

    Parameters
    ----------
    linear : Tensor (S, S) or (S,)
        L, or its diagonal.
    rest : callable
        rest(t, u), (..., S) to (..., S).
    start : Tensor (..., S)
        u at the first time.
    times : Tensor (T,)
        Increasing.
    steps : int
        Steps between two times.

    Returns
    -------
    Tensor (T, ..., S)

    References
    ----------
    Cox and Matthews, J. Comput. Phys. 176 (2002), 430-455.

    Examples
    --------
    >>> import torch
    >>> L = torch.tensor([[-1e6]], dtype=torch.float64)
    >>> u = etdrk4(L, lambda t, u: torch.full_like(u, 1e6), torch.zeros(1, dtype=torch.float64), torch.tensor([0.0, 1.0]).double())
    >>> round(float(u[1, 0]), 12)
    1.0
    """
    made: dict[str, _Step] = {}

    def one_interval(state: State, now: tuple[Tensor, Tensor]) -> State:
        begin, h = now
        if torch.compiler.is_compiling():  # values are not known, so the coefficients are made for every interval
            step = _Step(linear, h)
        else:
            key = f"{float(h):.9g}"  # equal up to rounding
            step = made[key] if key in made else made.setdefault(key, _Step(linear, h))
        (row,) = state
        for i in range(steps):
            row = step(rest, begin + i * h, row)
        return (row,)

    (taken,) = each(one_interval, (start,), (times[:-1], times.diff() / steps))
    return torch.cat([start.unsqueeze(0), taken])
