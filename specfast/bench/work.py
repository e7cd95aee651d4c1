"""A piece of work to be timed: what it computes, what it costs at least, how wrong it is, and who else does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

Timed = Callable[[], Any]


class CannotError(RuntimeError):
    """A baseline cannot do a piece of work; the message says why."""


@dataclass(frozen=True)
class Unlike:
    """What a baseline does in the same place, but does not compute the same: it is timed, and its result not compared."""

    function: Timed

    def __call__(self) -> Any:
        """Do it."""
        return self.function()


@dataclass(frozen=True)
class Work:
    """A piece of work.

    Attributes
    ----------
    suite, name : str
        Where it belongs, and one line that says what it is; the name is its key in files.
    dtype : torch.dtype
        For the peak.
    terms : float
        Terms, or indices times points, of what is computed; what "G terms/s" counts.
    operations : float, optional
        Operations of the FMA pipe without which it cannot be done; None where nothing is known.
    bytes : float
        What has to be read and written once.
    make : callable
        Makes the function to be timed, with its data.
    error : callable
        error(result of a call) -> its error relative to the largest value of an independent, slower computation.
    tolerance : float
        A larger error fails the benchmark.
    baselines : mapping of name to callable
        Each makes what is to be timed instead, or raises CannotError.
    """

    suite: str
    name: str
    dtype: torch.dtype
    terms: float
    operations: float | None
    bytes: float
    make: Callable[[], Timed]
    error: Callable[[Any], float]
    tolerance: float
    baselines: Mapping[str, Callable[[], Timed]] = field(default_factory=dict)


def relative_error(found: Any, expected: Any) -> float:
    """Return the largest difference over the largest value, of arrays or of lists of such; infinite where a result is not finite."""
    if isinstance(expected, (list, tuple)):
        return max(relative_error(one, other) for one, other in zip(found, expected, strict=True))
    one, other = (torch.as_tensor(part).detach().double() for part in (found, expected))
    wrong = (one.reshape(other.shape) - other).abs().max()
    return float(wrong / other.abs().max().clamp_min(1e-300)) if wrong.isfinite() else float("inf")
