"""What studies measure besides the error of a prediction."""

from __future__ import annotations

import resource
import sys

from ..learn import Model, Observations
from ..learn.encode import encode


def encoding_error(model: Model, data: Observations) -> float:
    """Return what the encoding of the snapshots themselves leaves of them, relative; about what a prediction in this basis can reach at best."""
    encoded = encode(model.encoder, data)
    field = model.encoder.synthesize(encoded.coef, data.points, encoded.scale_shift)
    seen = ~data.values.isnan()
    return float((field - data.values)[seen].norm() / data.values[seen].norm())


def described(model: Model) -> str:
    """Return degree, and size where there are several axes, and whether the basis moves the field."""
    space = model.encoder.space
    size = f"degree {space.size - 1}" if space.dim == 1 else f"{space.size} functions"
    return size + (", moving" if model.encoder.moving else "")


def peak_memory() -> float:
    """Return the largest memory that this process has had, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9
