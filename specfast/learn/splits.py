"""What a training keeps apart to be judged by: whole trajectories, or the last times of all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from ..data import DataError, Observations, memmap
from .encoder import Encoded

ENOUGH = (
    4  # trajectories: of fewer none can be spared, and times are kept apart; and times that a trajectory needs for that
)
SHARE = 0.3  # of the times, kept apart where trajectories cannot be


class Judged(NamedTuple):
    """What a training is judged by: observations, each trajectory forecast from its first one here, and their states."""

    data: Observations
    encoded: Encoded


@dataclass(frozen=True)
class Split:
    """Which trajectories, and which times of them, are trained on, and which judge.

    Attributes
    ----------
    training : Tensor of integers
        Trajectories that are trained on, up to their `last`.
    validation : Tensor of integers
        Trajectories that judge: others, or the same at their times after `last`; none where nothing could be kept apart.
    of : {"trajectories", "times"} or None
        What is kept apart.
    last : Tensor (R,)
        The number of each trajectory's last time that may be trained on.
    share : float
        Which part of the observed times of the validation trajectories judges.
    """

    training: Tensor
    validation: Tensor
    of: Literal["trajectories", "times"] | None
    last: Tensor
    share: float

    def with_copies(self, count: int) -> Split:
        """Return the split of data behind which stand copies of all, `count` times as many together.

        Copies of what is trained on are trained on; the others are not used.
        """
        given = len(self.last)
        training = (self.training + given * torch.arange(count)[:, None]).flatten()
        return replace(self, training=training, last=self.last.repeat(count))

    def judged(self, data: Observations, encoded: Encoded) -> Judged | None:
        """Return what judges while training: forecasts of whole trajectories, or from the last snapshot trained on.

        Parameters
        ----------
        data : Observations
            All of it.
        encoded : Encoded
            States of the snapshots that may be trained on.
        """
        if self.of is None:
            return None
        if self.of == "trajectories":
            return Judged(data.select(self.validation), encoded.at(self.validation, slice(None)))
        last = self.last[self.validation]
        begin = int(last.min())
        late = replace(data, values=data.values[:, begin:], times=data.times[:, begin:]).select(self.validation)
        early = torch.arange(late.values.shape[1]) < (last - begin)[:, None]
        late.values[early] = torch.nan
        return Judged(late, encoded.at(self.validation, slice(begin, None)))

    def tested(self, data: Observations) -> Observations:
        """Return the trajectories that judge, to be forecast from their first snapshot, with nothing trained on after it."""
        some = data.select(self.validation)
        if self.of == "times":
            time = torch.arange(some.values.shape[1])
            some.values[(time > data.first[self.validation, None]) & (time <= self.last[self.validation, None])] = (
                torch.nan
            )
        return replace(some)  # what the other one has found about its values is no longer so

    def to_dict(self) -> dict[str, Any]:
        """Return what the metrics say of it."""
        rows = self.validation.tolist() if self.of == "trajectories" else None
        return {"of": self.of, "share": self.share, "trajectories": len(self.validation), "rows": rows}


def split(data: Observations, generator: torch.Generator, hold_out_time: float | None) -> Split:
    """Return what is trained on and what judges.

    Parameters
    ----------
    data : Observations
        All of it.
    generator : torch.Generator
        Which trajectories, where whole ones are kept apart.
    hold_out_time : float, optional
        Which part of the times judges, the last ones, at least one; 0: none. Default: a tenth of the trajectories
        judges, or where these are fewer than four 0.3 of the times. A trajectory observed fewer than four times keeps them all.
    """
    if hold_out_time is not None and not 0 <= hold_out_time < 1:
        raise DataError(f"hold_out_time={hold_out_time}: a number from 0 to below 1 is expected")
    count = len(data)
    order = torch.randperm(count, generator=generator)
    last = torch.full((count,), data.values.shape[1] - 1)
    if count >= ENOUGH and not hold_out_time:
        evolves = data.observed.sum(1)[order] >= 2  # of one snapshot nothing can be said
        held = min(max(1, count // 10), int(evolves.sum()) - 1)
        if held > 0:
            chosen = evolves & (evolves.cumsum(0) <= held)
            return Split(order[~chosen], order[chosen], "trajectories", last, 1.0)
    part = SHARE if hold_out_time is None else hold_out_time
    observed = data.observed.sum(1)
    held_times = (part * observed + 1e-9).long().clamp_min(1).minimum(observed - 2)
    rows = (observed >= ENOUGH).nonzero()[:, 0]
    if part == 0 or len(rows) == 0:
        return Split(order, order[:0], None, last, 0.0)
    # The last one trained on is itself observed: forecasts start there.
    kept = data.observed.cumsum(1) == (observed - held_times)[:, None]
    last[rows] = kept.double().argmax(1)[rows]
    share = float(held_times[rows].sum() / observed[rows].sum())
    return Split(order, rows, "times", last, share)


def until(data: Observations, last: Tensor) -> Observations:
    """Return the observations up to a time of each trajectory's own, (R,) their numbers; views where that is possible."""
    end = int(last.max()) + 1
    if end == data.values.shape[1] and bool((last == last[0]).all()):
        return data
    part = replace(data, values=data.values[:, :end], times=data.times[:, :end])
    late = torch.arange(end) > last[:, None]
    if not (part.observed & late).any():
        return part
    values = memmap.copy(part.values)
    values[late] = torch.nan
    return replace(part, values=values)


def held_out_times(data: Observations, hold_out_time: float | None) -> Observations:
    """Return the trajectories of which `fit` keeps times apart, with their first snapshot and those times alone.

    Parameters
    ----------
    data : Observations
        What `fit` was given.
    hold_out_time : float, optional
        As `fit` was given it.

    Returns
    -------
    Observations
        What `Model.evaluate` then measures is the error of forecasts from the first snapshot, at times never trained on.

    Raises
    ------
    DataError
        If no times are kept apart.
    """
    found = split(data, torch.Generator(), hold_out_time)
    if found.of != "times":
        raise DataError(f"hold_out_time={hold_out_time}: no times of these data are kept apart")
    return found.tested(data)
