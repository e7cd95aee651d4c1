"""Measuring the kernels: cases, peers, and the table of both beside the bound of the machine."""

from .cases import CASES, Case
from .measure import measure, table

__all__ = ["CASES", "Case", "measure", "table"]
