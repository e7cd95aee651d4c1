"""Where a field lives, by how it looks along each axis: a ring, a line, a half-line or an interval; and the basis for it."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .field import Field
from .observations import Observations, observations

ENDS, VANISHES = 0.05, 0.02  # of the range of positions; of the largest value
EVEN = 1e-3  # of the distance of neighbours on a grid
SEAM = 3.0  # times what neighbouring values differ by elsewhere
PARTS = (0.5, 0.7, 0.95)  # of the way from the centre of the field to its end
LEAST, POWER = 1.2, 5.0  # what is taken for a power by which a field falls off
STEADY = 1.4  # by what factor the power may grow on the way
SMALL = 0.2  # of the largest value, where a field that falls off slowly ends
SAMPLE = 1 << 24  # numbers that are looked at


class Suggestion(NamedTuple):
    """A basis for one axis, why, and the ends of a ring or half-line.

    Parameters
    ----------
    basis : str
        Name of a family.
    reason : str
        What was seen.
    domain : (float, float), optional
        Of a ring or a half-line.

    Examples
    --------
    >>> Suggestion("hermite", "the field vanishes at both ends of x").domain is None
    True
    """

    basis: str
    reason: str
    domain: tuple[float, float] | None = None


def suggested_basis(data: Field | Observations) -> str:
    """Return the basis that the data suggest, a name an axis; see `suggestions`.

    Parameters
    ----------
    data : Field or Observations
        What `open` or `read` gives.

    Returns
    -------
    str

    Examples
    --------
    >>> import numpy as np, specfast as sf
    >>> x, t = np.linspace(-5, 5, 40), np.linspace(0, 1, 6)
    >>> sf.data.suggested_basis(sf.data.open(np.exp(-(x**2) / (1 + t[:, None])), x=x, t=t))
    'hermite'
    """
    names = [own.basis for own in suggestions(data)]
    return ",".join(names) if len(set(names)) > 1 else names[0]


def suggestions(data: Field | Observations) -> list[Suggestion]:
    """Return a basis for each axis, with the reason.

    A ring where the data say so, or where a grid is even and the field goes on over its ends as smoothly as elsewhere. Where it
    vanishes at both ends a line: in rational functions where it falls off like a power of less than 5, else in Hermite
    functions. A half-line where it vanishes at the far end alone and the points begin at 0, in rational functions or Laguerre's by
    the same rule. An interval otherwise.

    Parameters
    ----------
    data : Field or Observations
        What `open` or `read` gives.

    Returns
    -------
    list of Suggestion
        With `basis`, `reason` and, of a ring and a half-line, `domain`.

    Examples
    --------
    >>> import numpy as np, specfast as sf
    >>> x, t = np.arange(64) / 64, np.linspace(0, 1, 6)
    >>> wave = sf.data.read(np.sin(2 * np.pi * (x - t[:, None])), x=x, t=t)
    >>> sf.data.suggestions(wave)[0]
    Suggestion(basis='fourier', reason='the field goes on over the ends of x', domain=(0.0, 1.0))
    """
    sample = _sample(data)
    return [_of_axis(sample, axis) for axis in range(sample.dim)]


def _sample(data: Field | Observations) -> Observations:
    """Return as many trajectories as are quickly looked at."""
    row = math.prod(data.shape[1:] if isinstance(data, Field) else data.values.shape[1:])
    count = max(1, SAMPLE // max(1, row))
    if isinstance(data, Field):
        return observations(data.select(slice(0, min(data.shape[0], count))))
    return data.select(torch.arange(min(len(data), count)))


def _of_axis(data: Observations, axis: int) -> Suggestion:
    name, x = data.axes[axis], data.coordinate(axis)
    low, high = float(x.min()), float(x.max())
    ring = ring_of(data, axis)
    if name in data.periodic:
        return Suggestion("fourier", f"{name} is a ring, as the data say", ring or (low, high))
    if low == high:
        return Suggestion("chebyshev", f"all points lie at one {name}")
    at_low, at_high = (_vanishes(data, x, low, high, end) for end in (0, 1))
    if at_low and at_high:
        slowly = _power(data, x, low, high)
        if slowly is not None:
            return Suggestion("rational", f"the field falls off along {name} like {name}^-{slowly:.1f}")
        return Suggestion("hermite", f"the field vanishes at both ends of {name}")
    if ring is not None and _goes_on(data, axis):
        return Suggestion("fourier", f"the field goes on over the ends of {name}", ring)
    if 0 <= low <= ENDS * (high - low) and (half := _of_half_line(data, x, name, high, at_high)) is not None:
        return half
    if _falls_off(data, x, low, high):
        return Suggestion("rational", f"the field falls off slowly towards both ends of {name}")
    return Suggestion("chebyshev", f"the field does not vanish at the ends of {name}")


def _of_half_line(data: Observations, x: Tensor, name: str, high: float, vanishes: bool) -> Suggestion | None:
    """Return the basis of an axis that begins at 0; None where the field does not fall off far from there."""
    if vanishes or _root_mean_square(data, x > (1 - ENDS) * high) < SMALL:
        slowly = _power_towards(data, high, x)
        if slowly is not None and slowly < POWER and _one_sign(data, x > (1 - 2 * ENDS) * high):
            reason = f"{name} begins at 0 and the field falls off like {name}^-{slowly:.1f}"
            return Suggestion("rationalhalfline", reason, (0.0, math.inf))
    if vanishes:
        return Suggestion("laguerre", f"{name} begins at 0 and the field vanishes far from there", (0.0, math.inf))
    return None


def _root_mean_square(data: Observations, where: Tensor) -> float:
    """Return that of the values at some points; `where` (R or 1, M)."""
    values = data.values.masked_fill(~where[:, None, None, :], torch.nan)
    return float((values / data.largest).square().nanmean().sqrt())


def _vanishes(data: Observations, x: Tensor, low: float, high: float, end: int) -> bool:
    width = ENDS * (high - low)
    return _root_mean_square(data, x > high - width if end else x < low + width) < VANISHES


def _centre(data: Observations, x: Tensor) -> float:
    """Return the centroid of u^2, sensors taken as evenly spread."""
    weight = (data.values.nan_to_num() / data.largest).square().sum((1, 2))
    return float((weight * x).sum() / weight.sum().clamp_min(1e-300))


def _power(data: Observations, x: Tensor, low: float, high: float) -> float | None:
    """Return p of a field that falls off like |x|^-p on both sides; None where it falls off in another way.

    The power between half of the way from the centre to the end and three quarters of it is nearly that from there on: it grows
    without end where the field falls off like an exponential, and it is none where noise is all that is left.
    """
    centre = _centre(data, x)
    powers = [_power_towards(data, high - centre, x - centre), _power_towards(data, centre - low, centre - x)]
    found = [power for power in powers if power is not None]
    return max(found) if len(found) == 2 and max(found) < POWER and _smooth(data, x, low, high) else None


def _power_towards(data: Observations, reach: float, distance: Tensor) -> float | None:
    """Return the power by which a field falls off on one side, at distances up to `reach`."""
    sizes = []
    for part in PARTS:
        band = (distance > (part - ENDS) * reach) & (distance < (part + ENDS) * reach)
        sizes.append(_root_mean_square(data, band) if bool(band.any()) else 0.0)
    if min(sizes) <= 0:
        return None
    inner, outer = (math.log(sizes[i] / sizes[i + 1]) / math.log(PARTS[i + 1] / PARTS[i]) for i in range(2))
    return outer if LEAST < inner and LEAST < outer < STEADY * inner else None


def _falls_off(data: Observations, x: Tensor, low: float, high: float) -> bool:
    """Whether the field falls off like a power towards both ends, though it does not vanish there."""
    ends = [_root_mean_square(data, part) for part in (x < low + ENDS * (high - low), x > high - ENDS * (high - low))]
    return max(ends) < SMALL and _power(data, x, low, high) is not None


def _smooth(data: Observations, x: Tensor, low: float, high: float) -> bool:
    """Whether the outer values have one sign at a time: of noise, and of waves, they have both."""
    outer = (x < low + 2 * ENDS * (high - low)) | (x > high - 2 * ENDS * (high - low))
    return all(_one_sign(data, outer & side) for side in (x < 0.5 * (low + high), x > 0.5 * (low + high)))


def _one_sign(data: Observations, where: Tensor) -> bool:
    """Whether the values at some points have one sign at a time."""
    values = data.values.masked_fill(~where[:, None, None, :], torch.nan)
    return float(values.nanmean(-1).abs().nanmean()) > 0.9 * float(values.abs().nanmean(-1).nanmean())


def ring_of(data: Observations, axis: int) -> tuple[float, float] | None:
    """Return where a ring would close on which an axis' positions are evenly spread; None where they are not a grid.

    Parameters
    ----------
    data : Observations
        On a product grid, or at sensors that all trajectories share.
    axis : int
        Which axis.

    Returns
    -------
    (float, float) or None
        The first position, and the last one, where the field is the same there, or one step behind it.

    Examples
    --------
    >>> import numpy as np, specfast as sf
    >>> ring_of(sf.data.read(np.zeros((2, 4)) + 1, x=np.arange(4.0), t=np.arange(2.0)), 0)
    (0.0, 3.0)
    """
    line = _line(data, axis)
    if line is None or len(line) < 4:
        return None
    gaps = line.diff()
    step = float(gaps.mean())
    if step <= 0 or float((gaps - step).abs().max()) > EVEN * step:
        return None
    first, last = float(line[0]), float(line[-1])
    return (first, last) if _closed(data, axis) else (first, last + step)


def _line(data: Observations, axis: int) -> Tensor | None:
    """Return the positions along an axis of a grid."""
    if data.grid is not None:
        return data.grid[axis]
    if data.dim == 1 and len(data.points) == 1:
        x = data.points.reshape(-1)
        return x if bool((x.diff() > 0).all()) else None
    return None


def _along(data: Observations, axis: int) -> Tensor:
    """Return the values with the axis last, (R, T, .., n)."""
    if data.grid is None:
        return data.values
    return data.values.unflatten(-1, [len(line) for line in data.grid]).movedim(3 + axis, -1)


def _closed(data: Observations, axis: int) -> bool:
    """Whether the last position repeats the first: their values are the same, as no neighbours' are."""
    values = _along(data, axis)
    ends = (values[..., -1] - values[..., 0]).square().nanmean()
    beside = (values[..., 1:] - values[..., :-1]).square().nanmean()
    return bool(ends <= 1e-4 * beside) or bool(ends == 0)


def _goes_on(data: Observations, axis: int) -> bool:
    """Whether values and slopes go on over the ends as they do between neighbours."""
    values = _along(data, axis)
    if _closed(data, axis):
        values = values[..., :-1]
    around = torch.cat([values[..., -2:], values[..., :2]], -1)
    for order in (1, 2):
        over, elsewhere = around.diff(order).square().nanmean().sqrt(), values.diff(order).square().nanmean().sqrt()
        if not bool(over <= SEAM * elsewhere):
            return False
    return True
