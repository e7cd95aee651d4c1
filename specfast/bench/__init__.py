"""What is behind `specfast bench`: suites, baselines, the machine's own rates, comparisons and figures."""

from .cases import CASES, Case
from .hardware import machine
from .suites import SUITES, works
from .timing import WrongError, measure, table
from .work import Work

__all__ = ["CASES", "SUITES", "Case", "Work", "WrongError", "machine", "measure", "table", "works"]
