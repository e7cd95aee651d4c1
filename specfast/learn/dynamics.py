"""The learned right-hand side: a linear part and a network, on the standardised state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..nn.exponential import LARGEST_MATRIX
from .collocation import CollocationNetwork
from .conservation import ConservationLaws
from .encoder import FieldEncoder
from .known_terms import KnownTerms, Orders
from .low_rank import LocalLowRank
from .mlp import perceptron, start_near_zero
from .terms.dynamics import TermDynamics
from .terms.library import Term

# More coefficients than this, and the linear part couples neighbours in the index set and a few combinations of all.
DENSE = 2000


@dataclass(frozen=True)
class DynamicsConfig:
    """What the right-hand side depends on, and what is known of it.

    Attributes
    ----------
    hidden : tuple of int
        Widths of the network.
    parameters : int
        How many parameters of the equation are inputs.
    time_dependent : bool
        Time is an input.
    depends_on_position : bool
        x0 is an input where the basis moves; without it the equation is the same everywhere.
    known : tuple of (orders, number)
        Terms number * d^orders u / dx^orders of the equation that are known; ("frac", p) for (-d^2/dx^2)^(p/2).
    conserved : tuple of str
        "mass" (the integral of u), "norm" (that of u^2).
    local : int, optional
        The network acts at the nodes, on u and its derivatives up to this order, instead of on the coefficients.
    terms : tuple of Term
        The right-hand side is a sum of these, and of what is known.
    """

    hidden: tuple[int, ...] = (128, 128)
    parameters: int = 0
    time_dependent: bool = False
    depends_on_position: bool = False
    known: tuple[tuple[Orders, float], ...] = ()
    conserved: tuple[str, ...] = ()
    local: int | None = None
    terms: tuple[Term, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {**asdict(self), "terms": [term.to_dict() for term in self.terms]}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> DynamicsConfig:
        """Return what `to_dict` described."""
        values = dict(values)
        known = tuple((tuple(orders), float(number)) for orders, number in values["known"])
        lists = {name: tuple(values[name]) for name in ("hidden", "conserved")}
        terms = tuple(Term.from_dict(term) for term in values["terms"])
        return DynamicsConfig(**{**values, **lists, "known": known, "terms": terms})


class Dynamics(nn.Module):
    r"""d state/dt = s (A y + b + network(y)) / T + what is known, for the state (c, log beta, x0), c of all channels together.

    y is the state without x0, unless `config.depends_on_position`, standardised by mean and size s; where the basis is fixed
    the state is c. Parameters of the equation and time, standardised likewise, are further inputs of A and the network.
    The linear part starts from least squares on differences of the encoded snapshots, which count by their intervals, the
    network from nearly zero.

    Parameters
    ----------
    encoder : FieldEncoder
        How the field is written.
    channels : int
        Components of the field.
    config : DynamicsConfig
        What the right-hand side depends on.
    """

    mean: Tensor
    size: Tensor
    rate: Tensor
    extra_mean: Tensor
    extra_size: Tensor

    def __init__(self, encoder: FieldEncoder, channels: int, config: DynamicsConfig):
        super().__init__()
        self.config, self.dim = config, encoder.space.dim
        self.scales, self.shifts = encoder.moving_axes
        self.places = encoder.space.size
        self.width = channels * encoder.space.size
        self.state = self.width + len(self.scales) + len(self.shifts)
        self.seen = self.state if config.depends_on_position else self.width + len(self.scales)
        extra = config.parameters + config.time_dependent
        for name, count in (("mean", self.state), ("extra_mean", extra)):
            self.register_buffer(name, torch.zeros(count, dtype=torch.float64))
        for name, count in (("size", self.state), ("extra_size", extra)):
            self.register_buffer(name, torch.ones(count, dtype=torch.float64))
        self.register_buffer("rate", torch.ones((), dtype=torch.float64))
        inputs = self.seen + extra
        dense = self.state <= DENSE
        self.linear: nn.Module = (
            nn.Linear(inputs, self.state, dtype=torch.float64)
            if dense
            else LocalLowRank(encoder.space, channels, inputs, self.state)
        )
        self.nodes: CollocationNetwork | None = None
        if config.local is not None:
            self.nodes = CollocationNetwork(
                encoder, channels, config.hidden, extra, config.depends_on_position, config.local
            )
        else:
            self.network = perceptron(inputs, config.hidden, self.state)
        self.known = KnownTerms(encoder, config.known) if config.known else None
        self.conserved = ConservationLaws(encoder, config.conserved) if config.conserved else None

    def inputs(self, t: Tensor, state: Tensor, parameters: Tensor | None) -> Tensor:
        """Return the standardised inputs (..., seen + extra) of a state (..., state)."""
        y = ((state - self.mean) / self.size)[..., : self.seen]
        extra = [] if parameters is None else [parameters.expand(*y.shape[:-1], -1)]
        if self.config.time_dependent:
            extra.append(t.expand(y.shape[:-1]).unsqueeze(-1))
        if not extra:
            return y
        return torch.cat([y, (torch.cat(extra, -1) - self.extra_mean) / self.extra_size], -1)

    def linear_part(self) -> Tensor:
        """Return the matrix of the linear part on (c, log beta, x0) in a row, or its diagonal where that is large."""
        columns = [*range(self.width)]
        if self.scales:
            columns += [self.width + d for d in self.scales] + [self.width + self.dim + d for d in self.shifts]
        total = self.width + 2 * self.dim * bool(self.scales)
        if isinstance(self.linear, LocalLowRank) or total > LARGEST_MATRIX:
            diagonal = self.linear.local[:, 0] if isinstance(self.linear, LocalLowRank) else self._weight().diagonal()
            whole = self.size.new_zeros(total)
            places = torch.tensor(columns[: len(diagonal)])
            return whole.index_put((places,), diagonal * self.rate)
        matrix = self._weight() * self.rate * self.size[:, None] / self.size[: self.seen]
        if self.known is not None:
            block = torch.block_diag(*[self.known.at_reference()] * (self.width // self.known.size))
            matrix = matrix + nn.functional.pad(block, (0, self.seen - self.width, 0, self.state - self.width))
        rows, seen = torch.tensor(columns), torch.tensor(columns[: self.seen])
        return matrix.new_zeros(total, total).index_put((rows[:, None], seen[None]), matrix)

    def _weight(self) -> Tensor:
        assert isinstance(self.linear, nn.Linear)
        return self.linear.weight[:, : self.seen]

    def slope(self, y: Tensor) -> Tensor:
        """Return the learned part of d state/dt (..., state) from standardised inputs."""
        learned: Tensor = self.linear(y) if self.nodes is not None else self.linear(y) + self.network(y)
        return learned * (self.size * self.rate)

    def forward(
        self, t: Tensor, coef: Tensor, log_scale: Tensor, shift: Tensor, parameters: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:  # fmt: skip
        """Return dc/dt, d(log beta)/dt and dx0/dt for coefficients (..., C, K), log beta and x0 counted from the reference."""
        scale_shift = self.scale_shift_of(log_scale, shift)
        y = self.inputs(t, torch.cat([coef.flatten(-2), scale_shift], -1), parameters)
        learned = self.slope(y)
        slope, moves = learned[..., : self.width].unflatten(-1, coef.shape[-2:]), learned[..., self.width :]
        if self.nodes is not None:
            slope = slope + self.nodes(coef, y[..., self.seen :] if y.shape[-1] > self.seen else None)
        if self.known is not None:
            slope = slope + self.known(coef, scale_shift) + self.known.compensation(coef, scale_shift, moves)
        if self.conserved is not None:
            slope = self.conserved(coef, slope, scale_shift, moves)
        if not self.scales:
            return slope, None, None
        first = len(self.scales)
        return slope, self._spread(moves[..., :first], self.scales), self._spread(moves[..., first:], self.shifts)

    def scale_shift_of(self, log_scale: Tensor, shift: Tensor) -> Tensor:
        """Return the moving ones among log beta and x0, in a row."""
        if not self.scales:
            return log_scale.new_zeros(*log_scale.shape[: log_scale.dim() - (self.dim > 1)], 0)
        if self.dim == 1:
            log_scale, shift = log_scale.unsqueeze(-1), shift.unsqueeze(-1)
        return torch.cat([log_scale[..., self.scales], shift[..., self.shifts]], -1)

    def _spread(self, moves: Tensor, axes: list[int]) -> Tensor:
        """Return (..., D), or (...,) on one axis, with zeros where nothing moves."""
        columns = dict(zip(axes, moves.unbind(-1), strict=True))
        still = torch.zeros_like(moves[..., 0]) if axes else moves.new_zeros(moves.shape[:-1])
        spread = [columns.get(axis, still) for axis in range(self.dim)]
        return spread[0] if self.dim == 1 else torch.stack(spread, -1)

    @torch.no_grad()
    def initialise(self, state: Tensor, times: Tensor, usable: Tensor, parameters: Tensor | None = None) -> None:
        """Standardise by the encoded snapshots (R, T, state), usable (R, T), and fit the linear part to their slopes."""
        seen = state[usable]
        spread = seen.std(0, correction=0)
        floor = torch.full_like(spread, 0.02)  # of log beta and x0 in units of the width
        floor[: self.width] *= spread[: self.width].max().clamp_min(1e-12)
        self.mean.copy_(seen.mean(0))
        self.size.copy_((spread**2 + floor**2).sqrt())
        self.rate.fill_(2.0 / float((times[:, -1] - times[:, 0]).median()))
        self._standardise_extra(times[usable], parameters)
        pair = usable[:, 1:] & usable[:, :-1]
        step = times.diff(dim=-1)[pair].unsqueeze(-1)
        middle = (0.5 * (state[:, 1:] + state[:, :-1]))[pair]
        weight = _weights(step)
        rise = (state[:, 1:] - state[:, :-1])[pair] * (weight / step)
        rise = (rise - self._known_rise(middle, rise, weight)) / (self.size * self.rate)
        own = None if parameters is None else parameters[:, None].expand(-1, pair.shape[1], -1)[pair]
        y = self.inputs((0.5 * (times[:, 1:] + times[:, :-1]))[pair], middle, own)
        if isinstance(self.linear, LocalLowRank):
            self.linear.initialise(y, rise, weight)
        else:
            assert isinstance(self.linear, nn.Linear)
            _least_squares(self.linear, y, rise, weight)
        if self.nodes is not None:
            self.nodes.initialise(
                *(part.unflatten(-1, (-1, self.places)) for part in (middle, rise * self.size * self.rate))
            )
            return
        start_near_zero(self.network)

    def _known_rise(self, state: Tensor, rise: Tensor, weight: Tensor) -> Tensor:
        """Return what is known of weighted slopes (N, state) at states (N, state)."""
        if self.known is None:
            return torch.zeros_like(state)
        coef = state[..., : self.width].unflatten(-1, (-1, self.known.size))
        scale_shift, moves = state[..., self.width :], rise[..., self.width :]
        known = weight.unsqueeze(-1) * self.known(coef, scale_shift) + self.known.compensation(coef, scale_shift, moves)
        return torch.cat([known.flatten(-2), torch.zeros_like(scale_shift)], -1)

    def _standardise_extra(self, times: Tensor, parameters: Tensor | None) -> None:
        columns = [] if parameters is None else list(parameters.T)
        columns += [times] if self.config.time_dependent else []
        for place, column in enumerate(columns):
            spread = column.std(correction=0)
            self.extra_mean[place] = column.mean()
            self.extra_size[place] = spread if spread > 0 else 1.0


def make_dynamics(encoder: FieldEncoder, channels: Sequence[str], config: DynamicsConfig) -> Dynamics | TermDynamics:
    """Return the right-hand side that a configuration describes."""
    return TermDynamics(encoder, channels, config) if config.terms else Dynamics(encoder, len(channels), config)


def _weights(step: Tensor) -> Tensor:
    """Return the weights of slopes over intervals (N, 1), their mean square 1.

    Noise makes a slope wrong by its size over the interval, curvature by the interval: slopes count by their interval, as in
    the integral over it, but past the typical one all alike. Two observations at nearly one time say nothing of the slope.
    """
    if len(step) == 0:
        return step
    typical = step.square().mean().sqrt()
    weight = (step / typical).clamp_max(1.0)
    return weight / weight.square().mean().sqrt()


def _least_squares(linear: nn.Linear, y: Tensor, rise: Tensor, weight: Tensor) -> None:
    """Fit to slopes (N, outputs) times their weights (N, 1)."""
    design = torch.cat([y, torch.ones_like(y[:, :1])], 1) * weight
    gram = design.T @ design + 1e-3 * max(len(design), 1) * torch.eye(design.shape[1], dtype=design.dtype)
    solution = torch.linalg.solve(gram, design.T @ rise)
    linear.weight.copy_(solution[:-1].T)
    linear.bias.copy_(solution[-1])
