"""Baselines that need a grid: trained on the same observations, for as long, and judged at the same sensors.

fourier       FNO of the package neuraloperator (left out where that is not installed), a map from one time to the next
convolutions  a residual network of convolutions, likewise
grid_ode      a neural ODE for the values on the grid
"""

from .grids import Grid, resample
from .models import BASELINES, make
from .rollout import Baseline, check, train

__all__ = ["BASELINES", "Baseline", "Grid", "check", "make", "resample", "train"]
