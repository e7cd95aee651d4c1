"""Choice of scale, shift, degree and index set from data."""

from .index_set_selection import GAMMAS, Candidate, choose_index_set, grow_index_set, largest_within
from .indicators import choose_degree, choose_scale, frequency_indicator, moments
from .mean_degree import balance

__all__ = [
    "GAMMAS",
    "Candidate",
    "balance",
    "choose_degree",
    "choose_index_set",
    "choose_scale",
    "frequency_indicator",
    "grow_index_set",
    "largest_within",
    "moments",
]
