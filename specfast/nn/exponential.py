"""An exponential integrator: the linear part of an equation exactly, the rest by a Runge-Kutta formula of order 4."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .runge_kutta import State, each

LARGEST_MATRIX = 512  # past which a linear part is expected as its diagonal


def _phi_matrices(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return exp, phi_1, phi_2, phi_3 of matrices (..., S, S), as blocks of the exponential of one four times as large."""
    size = matrix.shape[-1]
    ones = torch.ones(3 * size, dtype=matrix.dtype, device=matrix.device).diag(size)
    large = nn.functional.pad(matrix, (0, 3 * size, 0, 3 * size)) + ones
    first = torch.linalg.matrix_exp(large)[..., :size, :]
    return tuple(first.split(size, -1))


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


def _coefficients(linear: Tensor, h: Tensor) -> State:
    """Return what a step of length h needs of L: exp(h L), exp(h L / 2), phi_1(h L / 2), and the three weights.

    With h (n,) those of n steps, on a new first axis.
    """
    phi = _phi_matrices if linear.dim() == 2 else _phi_numbers
    h = h.reshape(*h.shape, *(1,) * linear.dim())
    whole, one, two, three = phi(h * linear)
    half, half_one, *_ = phi(0.5 * h * linear)
    return whole, half, half_one, one - 3 * two + 4 * three, 2 * two - 4 * three, 4 * three - two


def _step(
    rest: Callable[[Tensor, Tensor], Tensor], dense: bool, coefficients: State, t: Tensor, h: Tensor, u: Tensor
) -> Tensor:  # fmt: skip
    """Return the state after a step."""

    def apply(function: Tensor, v: Tensor) -> Tensor:
        return v @ function.mT if dense else v * function

    whole, half, half_one, early, middle, late = coefficients
    first = rest(t, u)
    start = apply(half, u)
    a = start + 0.5 * h * apply(half_one, first)
    second = rest(t + 0.5 * h, a)
    b = start + 0.5 * h * apply(half_one, second)
    third = rest(t + 0.5 * h, b)
    c = apply(half, a) + 0.5 * h * apply(half_one, 2 * third - first)
    fourth = rest(t + h, c)
    return apply(whole, u) + h * (apply(early, first) + apply(middle, second + third) + apply(late, fourth))


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
    if len(times) == 1:
        return start.unsqueeze(0)
    h = (times.diff() / steps).to(start.dtype)
    # Where values are not known, or differentiated, every interval has its own coefficients.
    each_its_own = torch.compiler.is_compiling() or h.requires_grad
    if each_its_own:
        inputs = _coefficients(linear, h)
    else:
        # Equal up to rounding is equal: intervals of a regular series share one set.
        lengths, places = torch.unique(_rounded(h.detach()), return_inverse=True)
        sets = [_coefficients(linear, h[(places == place).nonzero()[0, 0]]) for place in range(len(lengths))]
        inputs = (places,)

    def one_interval(state: State, now: State) -> State:
        begin, length, *own = now
        coefficients = tuple(own) if each_its_own else sets[int(own[0])]
        (row,) = state
        for i in range(steps):
            row = _step(rest, linear.dim() == 2, coefficients, begin + i * length, length, row)
        return (row,)

    (taken,) = each(one_interval, (start,), (times[:-1], h, *inputs))
    return torch.cat([start.unsqueeze(0), taken])


def _rounded(h: Tensor) -> Tensor:
    """Return numbers with some seven digits kept."""
    mantissa, exponent = torch.frexp(h)
    return torch.ldexp((mantissa * 2**24).round(), exponent)
