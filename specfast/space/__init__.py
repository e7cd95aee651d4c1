"""Space: families and an index set; transforms, nodes, least squares, and change of basis."""

from .arguments import ScaleShift
from .space import Space

__all__ = ["ScaleShift", "Space"]
