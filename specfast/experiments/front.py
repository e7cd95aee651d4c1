"""Bounded domain: a sharp front that is carried along, beside grid methods."""

from __future__ import annotations

import torch

from . import comparison
from .exact_solutions import carried_fronts, chebyshev_points
from .pages import Page, Settings


def study(settings: Settings) -> Page:
    """Train all on the first half of the times at three noise levels; judge on unseen trajectories without noise over all times."""
    times, points = torch.linspace(0, 1, 11, dtype=torch.float64), chebyshev_points(settings.of(24, 192))
    made = carried_fronts(settings.of(6, 80), times, points, 0), carried_fronts(settings.of(3, 20), times, points, 1)
    what = "u_t = -(3/5) u_x + u_xx / 500, fronts of widths 0.06 to 0.14 somewhere in the left half, made here"
    problem = comparison.Problem("A sharp front on an interval", what, *made, settings.of(20, 800), "front")
    return comparison.page(problem, settings)
