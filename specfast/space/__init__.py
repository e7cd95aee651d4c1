"""Space: families and an index set; transforms, nodes, least squares, and change of basis."""

from .space import Space

__all__ = ["Space"]
