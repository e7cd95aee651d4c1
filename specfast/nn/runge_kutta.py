"""Runge-Kutta formulas with equal steps between two times: no decision depends on values, so that graphs can hold them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..ops.constant_cache import untraced

State = tuple[Tensor, ...]

# nodes, rows of the matrix, weights; "rk4" is the 3/8 rule, as in torchdiffeq
Tableau = tuple[tuple[float, ...], tuple[tuple[float, ...], ...], tuple[float, ...]]
TABLEAUS: dict[str, Tableau] = {
    "euler": ((0.0,), ((),), (1.0,)),
    "midpoint": ((0.0, 0.5), ((), (0.5,)), (0.0, 1.0)),
    "heun2": ((0.0, 1.0), ((), (1.0,)), (0.5, 0.5)),
    "heun3": ((0.0, 1 / 3, 2 / 3), ((), (1 / 3,), (0.0, 2 / 3)), (0.25, 0.0, 0.75)),
    "rk4": (
        (0.0, 1 / 3, 2 / 3, 1.0),
        ((), (1 / 3,), (-1 / 3, 1.0), (1.0, -1.0, 1.0)),
        (1 / 8, 3 / 8, 3 / 8, 1 / 8),
    ),
}


@untraced
def _tableau(method: str) -> Tableau:
    """Return a formula; a graph takes its numbers as constants."""
    return TABLEAUS[method]


def _combined(start: State, slopes: list[State], h: Tensor, numbers: tuple[float, ...]) -> State:
    """Return start + h sum_i numbers_i slopes_i; h is () or (B,), B the first axis of every part."""
    results = []
    for place, part in enumerate(start):
        total = None
        for number, slope in zip(numbers, slopes, strict=True):
            if number != 0.0:
                term = number * slope[place]
                total = term if total is None else total + term
        step = h if h.dim() == 0 else h.to(part.dtype).reshape(-1, *(1,) * (part.dim() - 1))
        results.append(part if total is None else part + step * total)
    return tuple(results)


def runge_kutta(
    rhs: Callable[[Tensor, State], State], start: State, times: Tensor, method: str, steps: int = 1
) -> State:  # fmt: skip
    """Integrate dy/dt = rhs(t, y) by `steps` equal steps between two times.

    Parameters
    ----------
    rhs : callable
        rhs(t, state) -> slopes, both tuples of tensors.
    start : tuple of Tensor
        The state at the first time.
    times : Tensor (T,) or (B, T)
        Increasing; with (B, T) the first axis of every part of the state is B, each row with times of its own.
    method : str
        euler, midpoint, heun2, heun3 or rk4.
    steps : int
        Steps between two times.

    Returns
    -------
    tuple of Tensor (T, ...)

    References
    ----------
    Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, section II.1.

    Examples
    --------
    >>> import torch
    >>> times = torch.linspace(0, 1, 3, dtype=torch.float64)
    >>> (y,) = runge_kutta(lambda t, y: (-y[0],), (torch.ones(1, dtype=torch.float64),), times, "rk4", steps=10)
    >>> round(float(y[-1, 0]), 6)
    0.367879
    """
    nodes, matrix, weights = _tableau(method)

    def one_step(state: State, now: State) -> State:
        begin, h = now
        slopes: list[State] = []
        for node, row in zip(nodes, matrix, strict=True):
            slopes.append(rhs(begin + node * h, _combined(state, slopes, h, row)))
        return _combined(state, slopes, h, weights)

    times = times.movedim(-1, 0)
    if len(times) == 1:
        return tuple(part.unsqueeze(0) for part in start)
    h = (times[1:] - times[:-1]) / steps
    parts = torch.arange(steps, dtype=h.dtype, device=h.device).reshape(-1, *(1,) * (h.dim() - 1))
    begins = (times[:-1].unsqueeze(1) + h.unsqueeze(1) * parts).flatten(0, 1)
    taken = each(one_step, start, (begins, h.repeat_interleave(steps, 0)))
    return tuple(
        torch.cat([first.unsqueeze(0), part[steps - 1 :: steps]]) for first, part in zip(start, taken, strict=True)
    )


def each(step: Callable[[State, State], State], start: State, inputs: tuple[Tensor, ...]) -> State:
    """Return the states (n, ...) after each of n steps, one a row of the inputs (n, ...).

    A compiled graph holds the step once (PyTorch's scan), so that it does not grow with n.
    """
    if torch.compiler.is_compiling():
        inputs[0].unbind(0)  # fixes n: compiled code for a scan of any length fails within the compiler (2.13)
        from torch._higher_order_ops.scan import scan

        def one(state: State, row: tuple[Tensor, ...]) -> tuple[State, State]:
            state = step(state, row)
            return state, tuple(part.clone() for part in state)

        taken: State = scan(one, start, inputs)[1]
        return taken
    states = []
    for row in zip(*(part.unbind(0) for part in inputs), strict=True):
        start = step(start, row)
        states.append(start)
    return tuple(torch.stack(parts) for parts in zip(*states, strict=True))
