"""Nodes in one dimension: Gauss rules, and nested Leja points."""

from .leja_points import leja
from .rules import MAX_NODES, gauss, gauss_by_name

__all__ = ["MAX_NODES", "gauss", "gauss_by_name", "leja"]
