"""From observations to a trained model: fit, load, and what the command line does with them."""

from ..support.extras import require

require(["scipy", "torchdiffeq", "xarray", "h5netcdf", "safetensors", "tqdm"], "specfast.learn")

from ..data import DataError, Observations, read
from .diagnostics import diagnose
from .ensemble import Ensemble, fit_ensemble, load_ensemble
from .error_measures import persistence
from .extrapolation import beyond
from .forecasts import failed_forecasts, forecast
from .model import Model, load
from .train import check_method, fit

__all__ = [
    "DataError",
    "Ensemble",
    "Model",
    "Observations",
    "beyond",
    "check_method",
    "diagnose",
    "failed_forecasts",
    "fit",
    "fit_ensemble",
    "forecast",
    "load",
    "load_ensemble",
    "persistence",
    "read",
]
