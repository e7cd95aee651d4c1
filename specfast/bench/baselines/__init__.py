"""What a good user of each library would write instead, one file a library.

A baseline takes a case and returns a function to time, or raises CannotError; a message that is empty means that the question does not arise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..work import Timed
from .blocked import blocked, gather, numba_tree, padded
from .eager import compiled, eager, forward_sum, torch_special
from .expansions import chaospy, pyapprox
from .jax_scan import jax_scan
from .layers import eager_kan, eager_synthesis, fourier_layer
from .numba_loop import numba
from .numpy_series import numpy_series, scipy_special
from .tables import basis_and_blas, precomputed_vandermonde

# By the kind of case: sums on one axis, sums over crosses, expansions of total degree, layers.
ONE_AXIS: dict[str, Callable[..., Timed]] = {
    "eager": eager, "compile": compiled, "bmm": precomputed_vandermonde, "blas": basis_and_blas, "jax": jax_scan, "numba": numba,
    "numpy": numpy_series, "scipy": scipy_special, "torch.special": torch_special,
}  # fmt: skip
CROSS: dict[str, Callable[..., Timed]] = {
    "blocked": blocked, "gather": gather, "padded": padded, "numba": numba_tree,
}  # fmt: skip
TOTAL: dict[str, Callable[..., Timed]] = {"chaospy": chaospy, "pyapprox": pyapprox}
LAYER: dict[str, Callable[..., Timed]] = {"eager": eager_synthesis, "eager KAN": eager_kan, "FNO": fourier_layer}
NAMES = tuple(dict.fromkeys((*ONE_AXIS, *CROSS, *TOTAL, *LAYER)))


def of(kind: Mapping[str, Callable[..., Timed]], case: Any) -> dict[str, Callable[[], Timed]]:
    """Return the baselines of a kind for a case."""
    return {name: partial(make, case) for name, make in kind.items()}


__all__ = ["CROSS", "LAYER", "NAMES", "ONE_AXIS", "TOTAL", "forward_sum", "of"]
