"""What studies measure besides the error of a prediction."""

from __future__ import annotations

import resource
import sys

from ..learn import Observations, Run


def encoding_error(run: Run, data: Observations) -> float:
    """Return what the encoding of the snapshots themselves leaves of them, relative; about what a prediction in this basis can reach at best."""
    encoded = run.basis.encode(data)
    field = run.basis.synthesize(encoded.coef, data.points, encoded.frame)
    seen = ~data.values.isnan()
    return float((field - data.values)[seen].norm() / data.values[seen].norm())


def described(run: Run) -> str:
    """Return degree, and size where there are several axes, and whether the basis follows the field."""
    space = run.basis.space
    size = f"degree {space.size - 1}" if space.dim == 1 else f"{space.size} functions"
    return size + (", follows" if run.basis.follows else "")


def peak_memory() -> float:
    """Return the largest memory that this process has had, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9
