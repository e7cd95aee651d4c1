"""Scale and shift of every snapshot: those for which the expansion's mean degree is least, times a ratio of the data set."""

from __future__ import annotations

from dataclasses import replace

import torch
from scipy.interpolate import make_smoothing_spline
from torch import Tensor

from ..adapt.mean_degree import balance
from ..data import Observations
from ..index_sets import HyperbolicCross, TensorProduct
from ..space import Space
from .encoder import FieldEncoder, max_degree

ITERATIONS = 12
_LARGEST_STEP = 0.5  # of log beta, and three of z for x0, in one iteration
_FAR = 3.0  # |log beta| counted from the reference, past which nothing is believed


def locate(encoder: FieldEncoder, data: Observations) -> Tensor:
    """Return log beta and x0 (R, T, 2 D) in units of the reference, every snapshot by itself.

    Starts from the centroid and variance of u^2 at the sensors; then each round fits the coefficients and moves on by
    `balance`. A snapshot with too few observations, or one that runs away, takes the reference.
    """
    scales, shifts = encoder.moving_axes
    points = encoder.reference_points(data.points)
    log_scale, shift = _start(encoder, data, points)
    # The rounds run with the ratio taken out: balance is where the mean degree is least, not where F is.
    ratio = data.values.new_tensor(encoder.ratio or (1.0,) * encoder.space.dim).log()
    plain = replace(encoder, space=_smaller(encoder.space), ratio=(), ridge=())
    for _ in range(ITERATIONS):
        coef = plain.coefficients(data, torch.cat([log_scale, shift], -1))
        for axis in scales:
            factor, offset = balance(plain.space, coef, axis)
            if axis in shifts:
                shift[..., axis] += 3.0 * torch.tanh(offset / 3.0) * (-log_scale[..., axis]).exp()
            log_scale[..., axis] += _LARGEST_STEP * torch.tanh(factor.log() / _LARGEST_STEP)
        for axis in shifts:
            x = _along(points, axis, data.dim)
            low, high = x.amin(-1, keepdim=True), x.amax(-1, keepdim=True)
            shift[..., axis] = torch.minimum(torch.maximum(shift[..., axis], 2 * low - high), 2 * high - low)
    enough = (~data.values.isnan()).any(2).sum(-1) >= plain.space.size
    enough &= (data.values.nan_to_num() != 0).any(-1).any(-1)
    believed = enough & (log_scale.abs() < _FAR).all(-1) & shift.isfinite().all(-1)
    found = torch.cat([log_scale, shift], -1).where(believed.unsqueeze(-1), 0.0)
    return found + torch.cat([ratio, torch.zeros_like(ratio)])


def _smaller(space: Space) -> Space:
    """Return a space of half the degree, but at least 8: the mean degree needs no more, and noise rules the highest."""
    own = max_degree(space)
    degree = min(own, max(8, own // 2))
    sets = space.index_set
    if space.dim == 1 or not isinstance(sets, HyperbolicCross):
        return Space(space.families, TensorProduct(degree))
    return Space(space.families, HyperbolicCross(degree, sets.gamma))


def _along(points: Tensor, axis: int, dim: int) -> Tensor:
    """Return the positions (R or 1, M) along one axis."""
    return points if dim == 1 else points[..., axis]


def _start(encoder: FieldEncoder, data: Observations, points: Tensor) -> tuple[Tensor, Tensor]:
    """Return log beta and x0 (R, T, D) from the moments of u^2, the sensors weighted by their distance from the next ones."""
    scales, shifts = encoder.moving_axes
    shape = (*data.values.shape[:2], encoder.space.dim)
    log_scale, shift = data.values.new_zeros(shape), data.values.new_zeros(shape)
    power = (data.values / encoder.amplitude).nan_to_num().square().sum(2)
    power = power * _cells(points, data.dim).unsqueeze(1)
    mass = power.sum(-1).clamp_min(1e-300)
    for axis in scales:
        x = _along(points, axis, data.dim).unsqueeze(1)
        if axis in shifts:
            shift[..., axis] = (power * x).sum(-1) / mass
        distance = x - shift[..., axis].unsqueeze(-1)
        spread = (power * distance.square()).sum(-1) / mass
        of_this_shape = 0.5 if axis in shifts else 2.0  # a Gaussian, or an exponential
        found = (of_this_shape / spread.clamp_min(1e-300)).sqrt()
        log_scale[..., axis] = found.nan_to_num(1.0, 1.0, 1.0).clamp(0.1, 10.0).log()
    return log_scale, shift


def _cells(points: Tensor, dim: int) -> Tensor:
    """Return the length (R or 1, M) that each sensor stands for on one axis; on several, all the same."""
    if dim > 1:
        return points.new_ones(points.shape[:2])
    x, order = points.sort(-1)
    gaps = x.diff(dim=-1)
    edge = torch.zeros_like(x[:, :1])
    lengths = 0.5 * (torch.cat([edge, gaps], -1) + torch.cat([gaps, edge], -1))
    return torch.zeros_like(lengths).scatter(-1, order, lengths)


SMOOTHED = 5  # snapshots that a spline needs
NEARLY = 1e-3  # of the mean interval: closer times are one


def smoothed(scale_shift: Tensor, times: Tensor, usable: Tensor) -> Tensor:
    """Return scales and shifts (R, T, 2 D) smoothed in time along each trajectory, by splines whose smoothness cross-validation chooses.

    Snapshots that were not observed get the spline's value; trajectories with fewer than five observed stay as they are. What
    was observed at nearly one time is one observation.
    """
    result = scale_shift.clone()
    for row in range(len(scale_shift)):
        seen = usable[row]
        t = times[row, seen]
        if len(t) < SMOOTHED:
            continue
        t = (t - t[0]) / (t[-1] - t[0])
        apart = t.diff() > NEARLY / len(t)
        group = torch.cat([torch.zeros(1, dtype=torch.int64), apart.cumsum(0)])
        count = group.bincount().double()
        if len(count) < SMOOTHED:
            continue
        centre = (torch.zeros_like(count).index_add(0, group, t) / count).numpy()
        everywhere = ((times[row] - times[row, seen][0]) / (times[row, seen][-1] - times[row, seen][0])).clamp(0, 1)
        for column in range(scale_shift.shape[-1]):
            y = scale_shift[row, seen, column]
            if y.std() > 0:
                mean = (torch.zeros_like(count).index_add(0, group, y) / count).numpy()
                weight = None if apart.all() else count.numpy()
                result[row, :, column] = torch.from_numpy(
                    make_smoothing_spline(centre, mean, weight)(everywhere.numpy())
                )
    return result
