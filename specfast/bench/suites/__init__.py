"""What is measured, by suite."""

from __future__ import annotations

import importlib

from ..work import Work

# Name, and what it is about in one line.
SUITES = {
    "recurrence": "tables of functions, Gauss rules",
    "transform": "sums on one axis, their transposes and gradients",
    "cross": "sums over hyperbolic crosses on two to ten axes",
    "layer": "layers in PyTorch models, forward and backward",
    "learn": "a training step of the spectral neural ODE",
}


def works(name: str, quick: bool) -> list[Work]:
    """Return the pieces of work of a suite.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    if name not in SUITES:
        raise ValueError(f"bench: {name!r} is none; {', '.join(SUITES)} are expected")
    return importlib.import_module(f"specfast.bench.suites.{name}").works(quick)  # type: ignore[no-any-return]
