r"""Zeros and weights of a family of a differential equation by the phase of its solutions: O(n), about a microsecond a node.

u'' + q u = 0 has the solutions sqrt(W) sin(phi), phi' = 1 / W, for one W > 0 that does not oscillate: it is known on a few
dozen panels, however many zeros there are. Zeros lie at phi = k pi, and the weights are pi W times the measure (`Stretch`).
Where q varies little over a wave, W = (q + W'' / (2 W) - (W' / (2 W))^2)^(-1/2) is iterated; closer to an end the complex
solution f = sqrt(W) exp(i phi), W = |f|^2, is continued from there by collocation. phi at the end follows from u' / u of
the solution that is small beyond a turning point, or regular at a hard end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.chebyshev import chebder, chebval

from ..families.gauss_nodes import Stretch

# Points a panel. Panels are halved until all is resolved to rounding.
_POINTS = 28
# Waves that one panel of collocation may have, in radians, and must have for the iteration: below, differentiation is noise.
_FEW, _MANY = 8.0, 60.0
_RESOLVED = 1e-14
# Zeros evaluated together, so that they stay in the cache.
_CHUNK = 8192


def _matrices(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return Chebyshev points on [-1, 1], ends among them, and what gives coefficients, derivative, and mean from -1.

    All is right to rounding: what is wrong here shows in every node.
    """
    k, last = np.arange(count), count - 1
    cosines = np.sin((last - 2 * k) * (math.pi / (2 * last)))  # cos(k pi / last), its argument within a quarter turn
    points, sign = -cosines, (-1.0) ** k
    ends = np.where((k == 0) | (k == last), 0.5, 1.0)
    turns = np.outer(k, k) % (2 * last)
    to_coef = 2 / last * cosines[np.minimum(turns, 2 * last - turns)] * np.outer(sign * ends, ends)
    slope = chebval(points, chebder(np.eye(count))).T @ to_coef
    return points, to_coef, slope, np.array([_means(float(x), count) for x in points]) @ to_coef


def _means(x: float, count: int) -> list[float]:
    """Return the means of T_0 .. over [-1, x], in integers of 2^-120: their primitives cancel near -1."""
    one = 1 << 120
    at = int(math.ldexp(x, 60)) << 60
    values = [one, at]  # T_k(x)
    for _ in range(count):
        values.append((at * values[-1] >> 119) - values[-2])
    if x == -1:
        return [(-1.0) ** k for k in range(count)]
    found = [1.0, (at - one) / (2 * one)]
    for k in range(2, count):
        # 2 int T_k = T_{k+1} / (k + 1) - T_{k-1} / (k - 1), which is 2 (-1)^k / (k^2 - 1) at -1.
        twice = values[k + 1] // (k + 1) - values[k - 1] // (k - 1) - 2 * (-1) ** k * one // (k * k - 1)
        found.append(twice / (2 * (at + one)))
    return found


_X, _TO_COEF, _SLOPE, _MEAN = _matrices(_POINTS)
_PRIMITIVE = (_X + 1)[:, None] * _MEAN


@dataclass(frozen=True)
class _Panel:
    """Chebyshev series in the phase, from 0 at the panel's inner point to `total`: of (d - low) / phase, and of W."""

    low: float
    total: float
    ratio: np.ndarray
    amplitude: np.ndarray

    def at(self, phase: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return d and W where the phase has grown by `phase` from the panel's inner point."""
        x = phase * (2 / self.total) - 1
        return self.low + phase * _clenshaw(self.ratio, x), _clenshaw(self.amplitude, x)


def _resolved(values: np.ndarray) -> bool:
    """Return whether the last Chebyshev coefficients of values at the points are rounding."""
    coef = _TO_COEF @ values
    return bool(np.abs(coef[-3:]).max() <= _RESOLVED * np.abs(coef).max())


def _iterated(stretch: Stretch, low: float, high: float) -> np.ndarray | None:
    """Return W at the points of [low, high] by iteration; None where it does not converge to rounding."""
    half = (high - low) / 2
    q = stretch.whole_q(low + half * (_X + 1))
    if q.min() <= 0 or half * math.sqrt(q.min()) < _MANY or not _resolved(q**-0.5):
        return None
    w = q**-0.5
    for _ in range(8):
        first = _SLOPE @ w / half
        second = _SLOPE @ first / half
        inverse = q + second / (2 * w) - (first / (2 * w)) ** 2
        if inverse.min() <= 0:
            return None
        moved = inverse**-0.5
        change = np.abs(moved / w - 1).max()
        w = moved
        if change < 4e-15:
            return w if _resolved(w) else None
    return None


def _continued(
    stretch: Stretch, start: float, stop: float, value: np.ndarray, slope: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return solutions (points, S) and their slopes from their values (S,) at start, by collocation up to stop, on one panel."""
    half = (stop - start) / 2
    q = stretch.whole_q(start + half * (_X + 1))[:, None]
    inner = half * _PRIMITIVE
    straight = value + slope * (half * (_X + 1))[:, None]
    second = np.linalg.solve(np.eye(_POINTS) + q * (inner @ inner), -q * straight)
    first = inner @ second
    return straight + inner @ first, slope + first


def _waves(stretch: Stretch, low: float, high: float) -> float:
    """Return about how many radians, or powers of e, lie between two points."""
    return float((high - low) * np.sqrt(np.abs(stretch.whole_q(low + (high - low) / 2 * (_X + 1))).max()))


def _march(stretch: Stretch, start: float, stop: float, value: float, slope: float) -> tuple[float, float]:
    """Return u and u' at stop, up to one factor, from those at start."""
    at, size = start, stop - start
    while at < stop:
        size = min(size, stop - at)
        while _waves(stretch, at, at + size) > _FEW:
            size /= 2
        values, slopes = _continued(stretch, at, at + size, np.array([value]), np.array([slope]))
        value, slope = float(values[-1, 0]), float(slopes[-1, 0])
        scale = abs(value) + abs(slope) * size
        value, slope = value / scale, slope / scale
        at, size = at + size if at + size < stop else stop, 2 * size
    return value, slope


def _from_the_end(stretch: Stretch) -> tuple[float, float, float]:
    """Return a distance d before the first zero, and u and u' there up to one factor."""
    if stretch.end == "soft":
        depth = stretch.length
        while depth * math.sqrt(-float(stretch.q(np.array(-depth)))) > 80:
            depth /= 2
        return 0.0, *_march(stretch, -depth, 0.0, 1.0, math.sqrt(-float(stretch.q(np.array(-depth)))))
    alpha, wave = stretch.alpha, math.sqrt(float(stretch.q(np.zeros(1))[0]))
    near = math.sqrt(alpha + 1) / wave
    # u = d^(alpha + 1/2) f(y), y = (d / near)^2: y f'' + (alpha + 1) f' + near^2 / 4 (r_0 + r_1 y + r_2 y^2) f = 0, by powers of y.
    regular = near**2 / 4 * stretch.q(near * np.sqrt([0.0, 0.5, 1.0]))
    r = np.array([[1, 0, 0], [-3, 4, -1], [2, -4, 2]]) @ regular
    f, value, slope = np.array([1.0, 0.0, 0.0]), 1.0, 0.0  # the last three coefficients, f(1), f'(1)
    for j in range(1, 40):
        f = np.array([-float(r @ f) / (j * (j + alpha)), f[0], f[1]])
        value, slope = value + float(f[0]), slope + j * float(f[0])
    start = (value, ((alpha + 0.5) * value + 2 * slope) / near)
    far = max(near, alpha / wave)
    return far, *(_march(stretch, near, far, *start) if far > near else start)


def _panels(stretch: Stretch, end: float) -> tuple[list[_Panel], tuple[float, float]]:
    """Return panels from `end` to the stretch's length, made from there towards the end, and W and W' at `end`."""
    found: list[_Panel] = []
    stop, size = stretch.length, stretch.length - end
    edge: tuple[float, float] | None = None  # at `stop`
    while stop > end:
        low = stop - size if stop - size > end + 1e-3 * size else end
        ends, w = _amplitude(stretch, low, stop, edge)
        panel = None if w is None else _panel(low, stop, w)
        if panel is None:
            size = (stop - low) / 2
            if size < 1e-9 * stop:
                raise ArithmeticError(f"the phase is not resolved at a distance of {stop:g} from an end")
            continue
        found.append(panel)
        edge, stop, size = ends, low, 2 * (stop - low)
    assert edge is not None
    return found[::-1], edge


def _amplitude(
    stretch: Stretch, low: float, high: float, edge: tuple[float, float] | None
) -> tuple[tuple[float, float], np.ndarray | None]:
    """Return W and W' at low, and W at the points of [low, high], None if another panel is needed; edge: W and W' at high."""
    w = _iterated(stretch, low, high)
    if w is not None:
        return (float(w[0]), float(_SLOPE[0] @ w) * 2 / (high - low)), w
    if edge is None or _waves(stretch, low, high) > _FEW:
        return (math.nan, math.nan), None
    root = math.sqrt(edge[0])
    value, slope = np.array([root, 0.0]), np.array([edge[1] / (2 * root), 1 / root])
    values, slopes = (part[::-1] for part in _continued(stretch, high, low, value, slope))
    w = (values**2).sum(1)
    return (float(w[0]), 2 * float((values[0] * slopes[0]).sum())), w


def _panel(low: float, high: float, w: np.ndarray) -> _Panel | None:
    """Return the inverse of the phase on a panel, from W at its points; None where it is not resolved."""
    if not (_resolved(w) and _resolved(1 / w)):
        return None
    mean, along = _MEAN @ (1 / w), (high - low) * (_X + 1) / 2
    phase, total = along * mean, float(mean[-1]) * (high - low)
    wanted = total * (_X + 1) / 2
    coef = _TO_COEF @ np.stack([mean, w], axis=1)
    y, step = np.interp(wanted, phase, along), wanted
    # Newton's method squares the error: after a step of 1e-9 it is rounding.
    for _ in range(12):
        x = np.clip(2 / (high - low) * y - 1, -1, 1)
        means, amplitude = (np.cos(np.arccos(x)[:, None] * np.arange(_POINTS)) @ coef).T
        if np.all(np.abs(step) <= 1e-9 * y):
            break
        step = (y * means - wanted) * amplitude
        y = np.clip(y - step, 0, high - low)
    ratio = 1 / means
    if not (_resolved(ratio) and _resolved(amplitude)):
        return None
    return _Panel(low, total, _TO_COEF @ ratio, _TO_COEF @ amplitude)


@dataclass(frozen=True)
class _Wave:
    """The phase on a stretch: panels from the inner point, and the phase where each begins and the last ends."""

    panels: list[_Panel]
    starts: np.ndarray

    def zeros(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return d and W at the phases pi, 2 pi, .., count pi."""
        d, w = np.empty(count), np.empty(count)
        bounds = np.clip(np.floor(self.starts / math.pi).astype(int), 0, count)
        bounds[-1] = count
        for panel, start, first, last in zip(self.panels, self.starts, bounds, bounds[1:], strict=False):
            for low in range(first, last, _CHUNK):
                k = np.arange(low + 1, min(low + _CHUNK, last) + 1)
                d[low : low + len(k)], w[low : low + len(k)] = panel.at(k * math.pi - start)
        return d, w


def _wave(stretch: Stretch, zero_in_the_middle: bool) -> _Wave:
    """Return the phase of u on a stretch: k pi at its k-th zero from the end, a zero in the middle not counted."""
    if stretch.end == "middle":
        panels, _ = _panels(stretch, 0.0)
        first = 0.0 if zero_in_the_middle else math.pi / 2
    else:
        end, value, slope = _from_the_end(stretch)
        panels, (w, w_slope) = _panels(stretch, end)
        # u = sqrt(W) sin(phi): u' / u = cot(phi) / W + W' / (2 W).
        first = math.atan2(value, w * slope - w_slope / 2 * value) % math.pi
    return _Wave(panels, np.cumsum([first, *(panel.total for panel in panels)]))


def rule_by_phase(stretches: tuple[Stretch, Stretch], n: int, symmetric: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights of the rule, those z >= 0 alone where symmetric.

    Parameters
    ----------
    stretches : (Stretch, Stretch)
        The lower and the upper one; both end where they meet.
    n : int
        Number of nodes.
    symmetric : bool
        Whether the lower one begins in the middle of a symmetric domain.

    Returns
    -------
    nodes, weights : numpy.ndarray
        Nodes ascending.

    Raises
    ------
    ArithmeticError
        If the two stretches do not find n zeros together: n is too small, or the equation not that of the functions.

    Examples
    --------
    >>> import specfast as sf
    >>> nodes, weights = rule_by_phase(sf.Legendre().normal_form(1000), 1000, symmetric=True)
    >>> len(nodes), round(2 * float(weights.sum()), 12)
    (500, 2.0)
    """
    lower, upper = (_wave(stretch, bool(n % 2)) for stretch in stretches)
    zeros = n // 2 if symmetric else n
    lack = float(lower.starts[-1]) + float(upper.starts[-1]) - (zeros + 1) * math.pi
    if not abs(lack) < 1e-6:
        raise ArithmeticError(f"the phases from the two ends differ by {lack:.1e} where they meet")
    # A zero belongs to the stretch it lies on.
    below = min(int(lower.starts[-1] / math.pi), zeros)
    first, last = lower.zeros(below), upper.zeros(zeros - below)
    if symmetric and n % 2:
        zero = np.zeros(1)
        first = np.append(zero, first[0]), np.append(lower.panels[0].at(zero)[1], first[1])
    parts = [(part.z(d), math.pi * w * part.measure(d)) for part, (d, w) in zip(stretches, (first, last), strict=True)]
    return np.append(parts[0][0], parts[1][0][::-1]), np.append(parts[0][1], parts[1][1][::-1])


def _clenshaw(coef: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return a Chebyshev series at points."""
    current, previous, twice = np.full_like(x, coef[-1]), np.zeros_like(x), 2 * x
    new = np.empty_like(x)
    for c in coef[-2:0:-1]:
        np.multiply(twice, current, out=new)
        new -= previous
        new += c
        new, current, previous = previous, new, current
    value: np.ndarray = x * current - previous + coef[0]
    return value
