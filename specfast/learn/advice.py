"""What can be tried with a run: only options that there are for its basis and data, and that were not given already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..data import Observations
from ..nn.ode import EXPONENTIAL
from .model import Model


@dataclass(frozen=True)
class Advice:
    """What could be done otherwise. Every method gives words for a list, or None where it cannot be, or was, done.

    Attributes
    ----------
    model : Model
        The run.
    data : Observations
        What it was trained with.
    asked : mapping
        The arguments of `fit` that were given.
    """

    model: Model
    data: Observations
    asked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def degree(self) -> int:
        """Return the degree that the run has."""
        return self.model.encoder.degree

    def higher_degree(self) -> str:
        """Return a higher degree, or what stands in its way."""
        sensors = int((~self.data.values.isnan()).sum(-1).max())
        if 2 * self.model.encoder.space.size > sensors:
            return f"more sensors (there are {sensors}, too few for a degree much above {self.degree})"
        return f"a higher --degree (now {self.degree})"

    def lower_degree(self) -> str | None:
        """Return a lower degree."""
        return f"a lower --degree (now {self.degree})" if self.degree > 4 else None

    def moving_basis(self) -> str | None:
        """Return a basis that moves, which there is on a line or half-line, and not where nodes stay."""
        possible = any(family.learns_scale for family in self.model.encoder.space.families)
        if not possible or self.model.encoder.moving or self.model.config.local is not None:
            return None
        return "a moving basis (without --fixed-basis)" if self.asked.get("fixed") else "--moving-basis"

    def fixed_basis(self) -> str | None:
        """Return a basis that stays."""
        return "--fixed-basis" if self.model.encoder.moving else None

    def scale_shift_penalty(self) -> str | None:
        """Return more weight of scale and shift."""
        if not self.model.encoder.moving:
            return None
        return f"a larger --scale-shift-penalty (now {self.model.metrics.get('scale_shift_penalty', 0.0):.2g})"

    def exponential(self) -> str | None:
        """Return the exponential integrator."""
        shared = bool((self.data.times == self.data.times[:1]).all())
        fits = shared and self.model.config.local is None and not self.model.solver.get("adjoint")
        used = self.model.solver["method"] == EXPONENTIAL
        return f"--method {EXPONENTIAL}" if fits and not used else None

    def local(self) -> str | None:
        """Return the network at the nodes, whose linear part alone knows of the ends of an interval."""
        asked = self.model.config.local
        bounded = any(family.bounded for family in self.model.encoder.space.families)
        if asked == 0 or (asked is not None and not bounded):
            return None
        return f"--local{' 0' * bounded} (if the equation is local)"

    def same_everywhere(self) -> str | None:
        """Return shifted copies."""
        config, families = self.model.config, self.model.encoder.space.families
        if self.asked.get("translation_invariant") or config.depends_on_position:
            return None
        if not all(family.learns_shift for family in families):
            return None
        return "--translation-invariant (if the equation is the same everywhere)"

    def time_dependent(self) -> str | None:
        """Return time as an input."""
        return None if self.model.config.time_dependent else "--time-dependent"

    def depends_on_position(self) -> str | None:
        """Return the place as an input, which a network of all coefficients of a basis that stays knows."""
        sees_no_place = self.model.encoder.moving or self.model.config.local is not None
        barred = self.asked.get("translation_invariant") or self.model.config.depends_on_position
        return "--depends-on-position" if sees_no_place and not barred else None

    def parameters(self) -> str | None:
        """Return parameters in the file."""
        return None if self.data.parameter_count else "parameters of the equation in the file"


def to_try(*words: str | None) -> str:
    """Return the words that are there as the end of a line; nothing where there are none."""
    listed = [word for word in words if word]
    if not listed:
        return ""
    before = ", ".join(listed[:-1])
    return f"; try {before} or {listed[-1]}" if before else f"; try {listed[0]}"
