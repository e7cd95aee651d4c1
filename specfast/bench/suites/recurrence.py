"""Tables of functions by the recurrence, and Gauss rules."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor

from ... import ops
from ...families import Chebyshev, Family, Hermite, Laguerre, Legendre
from ...kernels import reference
from ...quadrature.rules import compute_rule
from ..work import CannotError, Timed, Work, relative_error


def _operations(family: Family) -> int:
    """Return the FMAs of a term: one for a z + b, one with the two terms before; Chebyshev's 2 z is always the same."""
    return 1 if isinstance(family, Chebyshev) else 2


def _points(family: Family, count: int, dtype: torch.dtype) -> Tensor:
    z = torch.linspace(-1, 1, count, dtype=torch.float64)
    return ((z + 1) * 20 if isinstance(family, Laguerre) else 4 * z if isinstance(family, Hermite) else z).to(dtype)


def _eager(family: Family, z: Tensor, size: int) -> Timed:
    from ..baselines.eager import recurrence, start_of

    a, b, c, constant = recurrence(family, size)

    def run() -> Tensor:
        rows = [constant * start_of(torch, family, z)]
        previous = torch.zeros_like(z)
        for n in range(size - 1):
            rows.append((a[n] * z + b[n]) * rows[-1] - c[n] * previous)
            previous = rows[-2]
        return torch.stack(rows, -1)

    return run


def _numpy(family: Family, z: Tensor, size: int) -> Timed:
    from scipy.special import gammaln

    if isinstance(family, Hermite):
        n = np.arange(size)
        norm = np.exp(-0.5 * (n * np.log(2) + gammaln(n + 1) + 0.5 * np.log(np.pi)))
        make, start = np.polynomial.hermite.hermvander, lambda x: np.exp(-0.5 * x * x)
    elif isinstance(family, Chebyshev):
        make, start, norm = np.polynomial.chebyshev.chebvander, np.ones_like, np.ones(size)
    else:
        raise CannotError("")
    x = z.numpy()

    def run() -> np.ndarray:
        with np.errstate(all="ignore"):
            return make(x, size - 1) * norm * start(x)[:, None]  # type: ignore[no-any-return]

    return run


def _table(family: Family, points: int, size: int, dtype: torch.dtype) -> Work:
    z, item = _points(family, points, dtype), torch.empty((), dtype=dtype).element_size()
    expected = lambda: reference.vandermonde(z[:100].double(), size, family.name, 0)  # noqa: E731
    return Work(
        "recurrence",
        f"table, {family.name}, {points} points, {size} functions, {str(dtype)[6:]}",
        dtype,
        points * size,
        float(points * size * _operations(family)),
        item * points * (size + 1),
        lambda: lambda: ops.vandermonde(z, size, family.name, 0),
        lambda result: relative_error(result[:100], expected()),
        1e-10 if dtype == torch.float64 else 1e-4,
        {"eager": partial(_eager, family, z, size), "numpy": partial(_numpy, family, z, size)},
    )


def _rule_error(family: Family, result: tuple[np.ndarray, np.ndarray]) -> float:
    """Return the largest entry of the functions' Gram matrix under the rule, less that which it should be, at some degrees."""
    z, weights = (torch.from_numpy(np.asarray(part)) for part in result)
    highest = len(z) if len(z) <= 10_000 else 20  # a table of all functions of a million nodes fits no memory
    some = torch.linspace(0, highest - 1, 20).long()
    table = ops.vandermonde(z, highest, family.name, 0)[:, some]
    gram = (table * weights.unsqueeze(-1)).mT @ table
    exact = torch.diag(torch.from_numpy(family.norm_squared(highest))[some])
    return float((gram - exact).abs().max())


def _scipy_rule(family: Family, count: int) -> Timed:
    from scipy.special import roots_hermite, roots_laguerre, roots_legendre

    roots = {Hermite: roots_hermite, Laguerre: roots_laguerre, Legendre: roots_legendre}[type(family)]  # type: ignore[index]
    if count > 2000 and not isinstance(family, Hermite):
        raise CannotError("too long")
    _, weights = roots(count)
    if not np.isfinite(weights).all() or (isinstance(family, (Hermite, Laguerre)) and (weights == 0).any()):
        raise CannotError("weights underflow")

    def run() -> tuple[np.ndarray, np.ndarray]:
        z, w = roots(count)
        start = np.exp(z * z) if isinstance(family, Hermite) else np.exp(z) if isinstance(family, Laguerre) else 1.0
        return z, w * start

    return run


def _rule(family: Family, count: int) -> Work:
    return Work(
        "recurrence",
        f"Gauss rule, {family.name}, {count} nodes, float64",
        torch.float64,
        float(count),
        None,
        16.0 * count,
        lambda: lambda: compute_rule(family.name, count),  # what `gauss` keeps for the next call
        partial(_rule_error, family),
        1e-10,
        {"scipy": partial(_scipy_rule, family, count)},
    )


def works(quick: bool) -> list[Work]:
    """Return the suite."""
    shapes = ((500, 64),) if quick else ((4096, 128), (1000, 4096))
    families: tuple[Family, ...] = (Hermite(), Laguerre(), Chebyshev(), Legendre())
    tables = [_table(f, *shape, torch.float64) for shape in shapes for f in families]
    tables += [_table(Hermite(), *shape, torch.float32) for shape in shapes]
    counts = (100,) if quick else (1000, 10_000, 1_000_000)
    return tables + [_rule(f, n) for n in counts for f in (Hermite(), Laguerre(), Legendre())]
