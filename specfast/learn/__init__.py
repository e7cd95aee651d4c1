"""From observations to a trained model: fit, load, and what the command line does with them."""

from .data import DataError, Observations, read
from .diagnose import diagnose
from .ensemble import Ensemble, fit_ensemble, load_ensemble
from .run import Run, load
from .train import check_method, fit

__all__ = [
    "DataError",
    "Ensemble",
    "Observations",
    "Run",
    "check_method",
    "diagnose",
    "fit",
    "fit_ensemble",
    "load",
    "load_ensemble",
    "read",
]
