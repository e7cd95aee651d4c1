"""The basis of each axis where the user leaves it to the data, and the ring of a Fourier axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from ..data import DataError, Observations, ring_of, suggestions
from ..families import FAMILIES

BASES = {name.lower(): family for name, family in FAMILIES.items()}
AUTO = "auto"

Interval = tuple[float, float] | None


class BasisChoice(NamedTuple):
    """The names of the families, a domain an axis (None where there is none), and why, where it was not said."""

    names: tuple[str, ...]
    domains: tuple[Interval, ...]
    reasons: tuple[str, ...]


def choose_basis(
    data: Observations, names: str, domain: Sequence[tuple[float, float]] | None, rows: Tensor | None = None
) -> BasisChoice:
    """Return a family for every axis: those that are named, and what the data suggest where the name is "auto".

    Parameters
    ----------
    data : Observations
        What is to be learned from.
    names : str
        One family for all axes, or one an axis joined by commas; "auto" leaves it to the data.
    domain : sequence of (float, float) or None
        What was asked for: one for all axes that take one, or one an axis.
    rows : Tensor of integers, optional
        The trajectories that decide; default: all.

    Returns
    -------
    BasisChoice

    Raises
    ------
    DataError
        If a number of names or domains does not fit, or there is no family of a name.

    Examples
    --------
    >>> import numpy as np, specfast as sf
    >>> x, t = np.arange(64) / 64, np.linspace(0, 1, 6)
    >>> data = sf.data.read(np.sin(2 * np.pi * (x - t[:, None])), x=x, t=t)
    >>> choose_basis(data, "auto", None)
    BasisChoice(names=('fourier',), domains=((0.0, 1.0),), reasons=('the field goes on over the ends of x',))
    """
    listed = [name.strip() for name in names.split(",")]
    intervals: Sequence[Interval] = domain if domain is not None else [None]
    for label, count in (("basis", len(listed)), ("domain", len(intervals))):
        if count not in (1, data.dim):
            raise DataError(f"{label}: {count} are given; one, or one for each of the {data.dim} axes, is expected")
    chosen = [listed[d % len(listed)] for d in range(data.dim)]
    for name in chosen:
        if name != AUTO and name not in BASES:
            raise DataError(f"basis={name!r}: one of {', '.join(BASES)} or {AUTO} is expected")
    given: list[Interval] = [intervals[d % len(intervals)] for d in range(data.dim)]
    reasons = []
    if AUTO in chosen:
        found = suggestions(data if rows is None else data.select(rows))
        for axis, own in enumerate(found):
            if chosen[axis] == AUTO:
                chosen[axis] = own.basis
                reasons.append(own.reason)
                if given[axis] is None:
                    given[axis] = own.domain
                elif not _takes(own.basis):  # an interval was asked for
                    chosen[axis], reasons[-1] = "chebyshev", f"an interval is given for {data.axes[axis]}"
    for axis, name in enumerate(chosen):
        if given[axis] is None and BASES[name].periodic:
            given[axis] = ring_of(data, axis)
    if len(intervals) == 1 and any(map(_takes, chosen)):  # one interval is for those that take one
        given = [own if _takes(name) else None for name, own in zip(chosen, given, strict=True)]
    return BasisChoice(tuple(chosen), tuple(given), tuple(reasons))


def _takes(name: str) -> bool:
    """Whether a basis takes a domain."""
    return not BASES[name].learns_shift
