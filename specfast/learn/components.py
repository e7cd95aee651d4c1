"""What is drawn of a field: its channels, and modulus and phase where two of them are a complex field; with units."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..data import Observations
from ..data.complex_channels import complex_pairs

ROWS = 4  # components in a figure
FAINT = 0.01  # of the largest modulus: below it a phase says nothing


@dataclass(frozen=True)
class Component:
    """A channel, or the modulus or phase of a complex field.

    Attributes
    ----------
    label : str
        Its name, with its unit where it has one.
    real, imaginary : int, optional
        The channels it is made of; of a channel by itself the first alone.
    largest : float
        For a phase, the largest modulus; 0 for what is no phase.
    """

    label: str
    real: int
    imaginary: int | None = None
    largest: float = 0.0

    @property
    def phase(self) -> bool:
        """Whether it is an angle."""
        return self.largest > 0

    def of(self, field: Tensor) -> Tensor:
        """Return it (.., M) of a field (.., C, M); a phase is NaN where the modulus is faint."""
        if self.imaginary is None:
            return field[..., self.real, :]
        real, imaginary = field[..., self.real, :], field[..., self.imaginary, :]
        modulus = torch.hypot(real, imaginary)
        if not self.phase:
            return modulus
        return torch.where(modulus > FAINT * self.largest, torch.atan2(imaginary, real), torch.nan)

    def width(self, spread: Tensor) -> Tensor | None:
        """Return the standard deviation (.., M) of one (.., C, M) of the channels, at most; none of a phase."""
        if self.phase:
            return None
        if self.imaginary is None:
            return spread[..., self.real, :]
        return torch.hypot(spread[..., self.real, :], spread[..., self.imaginary, :])


def units(data: Observations) -> Mapping[str, str]:
    """Return the units of channels, axes and time by their names; those that are not known are missing."""
    return data.units


def labelled(name: str, unit: str | None) -> str:
    """Return a name with its unit."""
    return f"{name} ({unit})" if unit else name


def components(data: Observations) -> tuple[list[Component], list[str]]:
    """Return what is drawn of a data set, ROWS at most, and the names of what is left out."""
    known, pairs = units(data), complex_pairs(data.channels)
    starts = {real: (name, imaginary) for name, real, imaginary in pairs}
    parts = {imaginary for _, _, imaginary in pairs}
    drawn: list[Component] = []
    left_out: list[str] = []
    for index, channel in enumerate(data.channels):
        if index in parts:
            continue
        name, imaginary = starts.get(index, (channel, None))
        own = [Component(labelled(name, known.get(channel)), index)]
        if imaginary is not None:
            largest = _largest_modulus(data, index, imaginary)
            unit = known.get(name) or known.get(channel)
            own = [Component(labelled(f"|{name}|", unit), index, imaginary)]
            own += [Component(f"phase of {name} (rad)", index, imaginary, largest)] if largest > 0 else []
        if left_out or len(drawn) + len(own) > ROWS:
            left_out.append(name)
        else:
            drawn += own
    return drawn, left_out


def _largest_modulus(data: Observations, real: int, imaginary: int) -> float:
    found = (torch.hypot(some.values[:, :, real], some.values[:, :, imaginary]) for _, some in data.blocks())
    return max((float(modulus.nan_to_num().max()) for modulus in found), default=0.0)


def unbroken(angles: Tensor) -> Tensor:
    """Return angles along a line with NaN where they leap from one end of (-pi, pi] to the other, so that no line joins them."""
    leap = torch.zeros_like(angles, dtype=torch.bool)
    leap[1:] = (angles[1:] - angles[:-1]).abs() > math.pi
    return torch.where(leap, torch.nan, angles)
