"""The state of a training in one file, from which it goes on bit for bit; and what it recorded, as JSON lines.

Every file is written whole beside the old one, which it then replaces: a process may be killed at any moment.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..data import DataError, Observations, memmap
from ..support.files import written_whole

STATE, LOG, MEMBERS = "training.safetensors", "log.jsonl", "members"


@dataclass
class State:
    """Where a training stands.

    Attributes
    ----------
    settings : dict
        What was asked for, and a fingerprint of the data: a training goes on only with the same, but for the number of steps.
    step : int
        Optimiser steps done.
    best_error, seconds, history : what was found and recorded until then.
    tensors : dict of Tensor
        model.*, best.*, optimiser.i.* and generator.
    """

    settings: dict[str, Any]
    step: int = 0
    best_error: float = float("inf")
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)


def fingerprint(data: Observations) -> str:
    """Return a hash of all values, points and times."""
    digest = hashlib.sha256()
    for part in (data.values, data.points, data.times, data.parameters):
        if part is None:
            continue
        digest.update(str(tuple(part.shape)).encode())
        for some in memmap.blocks(len(part), part[0].numel()):
            digest.update(part[some].contiguous().numpy().data)
    return digest.hexdigest()


def write_tensors(path: Path, tensors: dict[str, Tensor], notes: Mapping[str, object]) -> None:
    """Write one safetensors file whole or not at all, with `notes` as JSON in its metadata."""
    metadata = {key: json.dumps(value) for key, value in notes.items()}
    with written_whole(path) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary, metadata)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors and the notes of a file that `write_tensors` wrote."""
    with safe_open(path, "pt") as file:
        notes = {key: json.loads(value) for key, value in (file.metadata() or {}).items() if key != "format"}
        return {name: file.get_tensor(name) for name in file.keys()}, notes


def pack(
    model: torch.nn.Module, best: dict[str, Tensor], optimiser: torch.optim.Optimizer, generator: torch.Generator
) -> dict[str, Tensor]:
    """Return everything that changes during training, as tensors."""
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in best.items()}
    for index, values in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": torch.as_tensor(value) for name, value in values.items()}
    return {name: tensor.detach().clone() for name, tensor in tensors.items()} | {"generator": generator.get_state()}


def unpack(
    tensors: dict[str, Tensor], model: torch.nn.Module, optimiser: torch.optim.Optimizer, generator: torch.Generator
) -> dict[str, Tensor]:
    """Put back what `pack` collected; return the best weights."""

    def part(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}

    model.load_state_dict(part("model."))
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in part("optimiser.").items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    generator.set_state(tensors["generator"])
    return part("best.")


def forget(folder: Path) -> None:
    """Remove the checkpoint and the ensemble of a training that a new one replaces."""
    (folder / STATE).unlink(missing_ok=True)
    shutil.rmtree(folder / MEMBERS, ignore_errors=True)


def save_state(folder: Path, state: State) -> None:
    """Write a checkpoint."""
    notes = {name: getattr(state, name) for name in ("settings", "step", "best_error", "seconds", "history")}
    write_tensors(folder / STATE, state.tensors, notes)


def load_state(folder: Path, settings: dict[str, Any]) -> State:
    """Return the checkpoint of a training with the same settings; their number of steps is taken from here on.

    Raises
    ------
    DataError
        If there is none, it cannot be read, it belongs to other settings or data, or more steps are done than asked for.
    """
    path = folder / STATE
    if not path.is_file():
        raise DataError(f"{folder}: no training to resume here ({STATE} is missing)")
    try:
        tensors, notes = read_tensors(path)
        state = State(tensors=tensors, **notes)
        differing = [name for name in settings if name != "steps" and state.settings.get(name) != settings[name]]
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise DataError(f"{path}: the checkpoint cannot be read ({reason})") from error
    if differing:
        was = ", ".join(f"{name}={state.settings.get(name)!r}" for name in differing if name != "data")
        other = "other data" if "data" in differing else ""
        raise DataError(f"{folder}: this training was started with {' and '.join(filter(None, (was, other)))}")
    if state.step > settings["steps"]:
        raise DataError(f"{folder}: {state.step} steps are done; as many or more are expected, not {settings['steps']}")
    state.settings = settings
    return state


class Log:
    """Appends records to log.jsonl, and to TensorBoard's files where it is installed."""

    def __init__(self, folder: Path | None, records: list[dict[str, Any]]):
        self._file, self._board = None, None
        if folder is None:
            return
        with written_whole(folder / LOG) as temporary:
            temporary.write_text("".join(json.dumps(record) + "\n" for record in records))
        self._file = (folder / LOG).open("a")
        if importlib.util.find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(folder / "tensorboard")

    def write(self, record: dict[str, Any]) -> None:
        """Add one record."""
        if self._file is not None:
            self._file.write(json.dumps(record) + "\n")
            self._file.flush()
        if self._board is not None:
            for name, value in record.items():
                self._board.add_scalar(name, value, record["step"])

    def close(self) -> None:
        """Close what is open."""
        for open_one in (self._file, self._board):
            if open_one is not None:
                open_one.close()
