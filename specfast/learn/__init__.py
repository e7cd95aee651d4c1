"""From observations to a trained model: fit, load, and what the command line does with them."""

from .data import DataError, Observations, read
from .run import Run, load
from .train import check_method, fit

__all__ = ["DataError", "Observations", "Run", "check_method", "fit", "load", "read"]
