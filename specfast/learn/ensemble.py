"""Several runs on the same data, which differ by their seed: their mean predicts, their spread is an error bar."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..data import DataError, Observations, memmap
from .checkpoint import MEMBERS, STATE
from .distributed import Processes
from .error_measures import compare, together
from .model import Model, load
from .progress import note
from .train import fit


@dataclass(frozen=True)
class Ensemble:
    """Models of the same data with other seeds, so with other splits, batches and initial weights.

    Attributes
    ----------
    models : tuple of Model
        The first is the one that `load` gives for the folder.

    Examples
    --------
    >>> import specfast as sf
    >>> several = sf.learn.load_ensemble("RUN")  # doctest: +SKIP
    >>> mean, deviation = several.predict(u0, points, times)  # doctest: +SKIP
    """

    models: tuple[Model, ...]

    def __len__(self) -> int:
        return len(self.models)

    def predict(
        self, u0: Tensor, points: Tensor, times: Tensor, at: Tensor | None = None, parameters: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Return the mean and the standard deviation of the models' predictions; see `Model.predict`.

        Parameters
        ----------
        u0, points, times, at, parameters
            Those of `Model.predict`.

        Returns
        -------
        mean, deviation : Tensor (B, T, C, M)
        """
        return _mean_and_spread([model.predict(u0, points, times, at, parameters) for model in self.models])

    def predict_dataset(self, data: Observations, at: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation (R, T, C, M), each trajectory from its first observed snapshot alone.

        Parameters
        ----------
        data : Observations
            R trajectories.
        at : Tensor (M') or (M', D), optional
            Where the result is wanted; default: at the sensors.

        Returns
        -------
        mean, deviation : Tensor (R, T, C, M)
        """
        data = self.models[0].matched(data)
        size = data.values.shape[-1] if at is None else at.shape[0]
        mean, spread = (memmap.empty((*data.values.shape[:-1], size)) for _ in range(2))
        for rows, some in data.blocks():
            mean[rows], spread[rows] = _mean_and_spread([model.predict_dataset(some, at) for model in self.models])
        return mean, spread

    def evaluate(self, data: Observations) -> dict[str, Any]:
        """Return the errors of the mean, as `Model.evaluate` does, with the members' own and the spread relative to the field.

        Of several runs ``members`` has the relative_l2 of each, ``spread`` the standard deviation over the field, both root mean squares.

        Parameters
        ----------
        data : Observations
            With the channels and axes of those that were learned from.

        Returns
        -------
        dict
        """
        if len(self) == 1:
            return self.models[0].evaluate(data)
        data = self.models[0].matched(data)
        size, parts = data.largest, []
        for _, some in data.blocks():
            predictions = [model.predict_dataset(some) for model in self.models]
            mean, spread = _mean_and_spread(predictions)
            parts.append([compare(mean, some, size, spread), *(compare(one, some, size) for one in predictions)])
        errors, *members = (together(part) for part in zip(*parts, strict=True))
        figures = errors.figures()
        figures["members"] = [member.figures()["relative_l2"] for member in members]
        figures["spread"] = errors.relative_spread
        return figures


def _mean_and_spread(predictions: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Where a run failed the others speak."""
    stacked = torch.stack(list(predictions))
    stacked = torch.where(stacked.isfinite(), stacked, torch.nan)
    size = stacked.abs().nan_to_num().max().clamp_min(torch.finfo(stacked.dtype).tiny)
    stacked = stacked / size  # so that no square over- or underflows
    mean, count = stacked.nanmean(0), stacked.isfinite().sum(0)
    squares = (stacked - mean).square().nansum(0)
    return size * mean, size * torch.where(count > 1, (squares / (count - 1).clamp_min(1)).sqrt(), torch.nan)


def fit_ensemble(
    data: Observations, basis: str = "auto", *, count: int = 5, seed: int = 0, folder: str | Path | None = None, **options: Any
) -> Ensemble:  # fmt: skip
    """Train `count` runs with seeds seed, seed + 1, ..; the other arguments are those of `fit`.

    With a folder the first is written there and the others to its folder ``members``. An interrupt ends the whole: the runs
    finished so far, and the best weights of that in progress, are kept.

    Parameters
    ----------
    data : Observations
        What `read` returns.
    basis : str
        As in `fit`.
    count : int
        How many runs, 2 or more.
    seed : int
        Of the first run.
    folder : str or Path, optional
        Where runs and checkpoints are written.
    **options
        The other arguments of `fit`.

    Returns
    -------
    Ensemble

    Raises
    ------
    DataError
        If count is less than 2, and as `fit` does.

    Examples
    --------
    >>> import specfast as sf
    >>> data = sf.learn.read("examples/data/diffusion.nc")  # doctest: +SKIP
    >>> several = sf.learn.fit_ensemble(data, "hermite", count=5)  # doctest: +SKIP
    >>> several.evaluate(data)["relative_l2"]  # doctest: +SKIP
    """
    if count < 2:
        raise DataError(f"count={count}: an ensemble of at least 2 is expected")
    processes, models = Processes(options.get("group")), []
    options["group"] = processes.group
    for member in range(count):
        own = None if folder is None else _member(Path(folder), member)
        begun = member == 0 or processes.said_by_first(_begun(own))
        resume = bool(options.get("resume")) and begun
        if processes.first and options.get("progress", True):
            note(f"run {member + 1} of {count}")
        model = fit(data, basis, seed=seed + member, folder=own, **{**options, "resume": resume})
        if own is not None and processes.first:
            model.save(own)
        models.append(model)
        if model.metrics["training"]["interrupted"]:
            break
    else:
        for surplus in (Path(folder) / MEMBERS).glob("*") if folder is not None and processes.first else []:
            if surplus.name.isdigit() and int(surplus.name) >= count:  # of an ensemble of more
                shutil.rmtree(surplus)
    return Ensemble(tuple(models))


def _begun(folder: Path | None) -> Callable[[], bool]:
    return lambda: folder is not None and (folder / STATE).is_file()


def _member(folder: Path, member: int) -> Path:
    return folder / MEMBERS / str(member) if member else folder


def load_ensemble(folder: str | Path) -> Ensemble:
    """Return the runs in a folder: one, or an ensemble.

    Parameters
    ----------
    folder : str or Path
        What `fit_ensemble`, or `fit`, has written to.

    Returns
    -------
    Ensemble

    Raises
    ------
    DataError
        If there is none, or one cannot be read.

    Examples
    --------
    >>> import specfast as sf
    >>> len(sf.learn.load_ensemble("RUN"))  # doctest: +SKIP
    """
    folder = Path(folder)
    models, member = [load(folder)], 1
    while (_member(folder, member) / "weights.safetensors").is_file():
        models.append(load(_member(folder, member)))
        member += 1
    return Ensemble(tuple(models))
