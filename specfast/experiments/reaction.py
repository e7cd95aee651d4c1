"""Bounded domain: reaction and diffusion with no flux through the ends, beside grid methods."""

from __future__ import annotations

import torch

from . import comparison
from .exact_solutions import allen_cahn, chebyshev_points
from .pages import Page, Settings


def study(settings: Settings) -> Page:
    """Train all on the first half of the times at three noise levels; judge on unseen trajectories without noise over all times."""
    times, points = torch.linspace(0, 2, 11, dtype=torch.float64), chebyshev_points(settings.of(24, 96))
    made = allen_cahn(settings.of(6, 80), times, points, 0), allen_cahn(settings.of(3, 20), times, points, 1)
    what = "u_t = u_xx / 50 + u - u^3 without flux through the ends, from three random cosines, made here"
    problem = comparison.Problem("Reaction and diffusion", what, *made, settings.of(20, 1200), "reaction", local=0)
    return comparison.page(problem, settings)
