"""Figures of several panels, made without pyplot; and which times of a trajectory are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..data import Observations

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TRAJECTORIES = 3  # in a figure


def panels(rows: int, columns: int, width: float, height: float, **options: Any) -> tuple[Figure, list[list[Any]]]:
    """Return a figure and its axes by rows, each of a width and a height in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    FigureCanvasAgg(figure)  # attaches itself
    return figure, figure.subplots(rows, columns, squeeze=False, **options).tolist()


def observed_times(data: Observations, row: int, count: int) -> list[int]:
    """Return which of the times at which one trajectory is observed are shown: `count` at most, the first and last among them."""
    seen = data.observed[row].nonzero()[:, 0].tolist()
    last = len(seen) - 1
    return [seen[i] for i in sorted({round(k * last / max(1, count - 1)) for k in range(count)})]
