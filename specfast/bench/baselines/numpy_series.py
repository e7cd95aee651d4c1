"""NumPy's and SciPy's polynomials, normalised by their users: factorials overflow near degree 150 to 170."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import eval_hermite, eval_laguerre, eval_legendre, gammaln

from ...families import Hermite, Laguerre, Legendre
from ..cases import Case
from ..work import CannotError, Timed
from .eager import start_of

SCIPY = {Hermite: eval_hermite, Laguerre: eval_laguerre, Legendre: eval_legendre}
NUMPY = {
    Hermite: np.polynomial.hermite.hermval, Laguerre: np.polynomial.laguerre.lagval, Legendre: np.polynomial.legendre.legval,
}  # fmt: skip


def _norms(case: Case) -> Any:
    n = np.arange(case.shape[2])
    if isinstance(case.family, Hermite):
        return np.exp(-0.5 * (n * np.log(2) + gammaln(n + 1) + 0.5 * np.log(np.pi)))
    if isinstance(case.family, Legendre):
        return np.sqrt(n + 0.5)
    return np.ones(len(n))


def _check(case: Case) -> None:
    if case.operation != "synthesize" or case.channels > 1 or case.shared:
        raise CannotError("")
    if type(case.family) not in SCIPY or getattr(case.family, "alpha", 0) != 0:
        raise CannotError("not there")
    if case.terms > 1e8:
        raise CannotError("too long")


def numpy_series(case: Case) -> Timed:
    """numpy.polynomial's Clenshaw sums, of all rows at once."""
    _check(case)
    coef, z, _ = (part.numpy() for part in case.data())
    own, series = (coef * _norms(case)).T[:, :, None], NUMPY[type(case.family)]  # type: ignore[index]

    def run() -> Any:
        with np.errstate(all="ignore"):
            return series(z, own, tensor=False) * start_of(np, case.family, z)

    return run


def scipy_special(case: Case) -> Timed:
    """scipy.special's polynomials, a degree at a time."""
    _check(case)
    coef, z, _ = (part.numpy() for part in case.data())
    own, polynomial = coef * _norms(case), SCIPY[type(case.family)]  # type: ignore[index]

    def run() -> Any:
        with np.errstate(all="ignore"):
            total = np.zeros_like(z)
            for n in range(case.shape[2]):
                total += own[:, n : n + 1] * polynomial(n, z)
            return total * start_of(np, case.family, z)

    return run
