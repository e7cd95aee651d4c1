"""Bounded domain: viscous Burgers on (-1, 1), inside the training window and to twice its length, beside grid methods."""

from __future__ import annotations

import torch

from . import comparison
from .exact_solutions import burgers, chebyshev_points
from .pages import Page, Settings


def study(settings: Settings) -> Page:
    """Train all on the first half of the times at three noise levels; judge on unseen trajectories without noise over all times."""
    times, points = torch.linspace(0, 1, 11, dtype=torch.float64), chebyshev_points(settings.of(24, 96))
    made = burgers(settings.of(6, 80), times, points, 0), burgers(settings.of(3, 20), times, points, 1)
    data, tested, what = comparison.given(settings, (*made, "the closed form of Cole and Hopf, made here"))
    problem = comparison.Problem("Burgers on an interval", what, data, tested, settings.of(20, 1200), "bounded")
    return comparison.page(problem, settings)
