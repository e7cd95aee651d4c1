"""What a user says of a file where it does not speak for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """The options that say what a file does not.

    Attributes
    ----------
    variables : tuple of str
        Which arrays are the field, one a channel (or several channels).
    dims : tuple of str
        What the axes of them are, in order: trajectory, time, channel, point, or the name of a space axis.
    coordinates : mapping
        For an axis the name of the variable with its coordinates, or "a:b" for evenly spaced ones from a to b.
    group : str
        Which group of a file with several.
    """

    variables: tuple[str, ...] = ()
    dims: tuple[str, ...] = ()
    coordinates: Mapping[str, str] = field(default_factory=dict)
    group: str = ""
