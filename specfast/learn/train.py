"""Training: encode once, fit the linear part, then short windows before whole trajectories."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from ..data import DataError, Observations, read
from ..data.match import Signature
from ..data.memory import Positions
from ..data.opening import Source
from ..nn.ode import EXPONENTIAL
from .augmentation import shifted_copies
from .checkpoint import State, fingerprint, load_state
from .diagnostics import diagnose
from .distributed import Processes
from .dynamics import Dynamics, DynamicsConfig
from .encode import encode
from .encoder import Encoded, FieldEncoder
from .extrapolation import seen
from .model import Model, load
from .model_selection import choose_encoder
from .progress import phase
from .trainer import Trainer

# Orders of differentiation, one on one axis, one an axis on several, and the number before the term.
_Terms = Mapping[int, float] | Mapping[tuple[int, ...], float]


def fit(
    data: Source,
    basis: str = "hermite",
    *,
    x: Positions = None,
    t: object = None,
    variable: str | Sequence[str] = (),
    degree: int | None = None,
    gamma: float | Literal["auto"] | None = None,
    domain: Sequence[tuple[float, float]] | None = None,
    extent: Observations | None = None,
    fixed: bool | None = None,
    scale_shift_penalty: float | None = None,
    depends_on_position: bool = False,
    time_dependent: bool = False,
    known: _Terms | None = None,
    conserved: Sequence[str] = (),
    local: int | None = None,
    translation_invariant: bool = False,
    steps: int = 2400,
    batch: int = 64,
    hidden: Sequence[int] | None = None,
    learning_rate: float | None = None,
    method: str = "dopri5",
    adjoint: bool = False,
    rtol: float = 1e-4,
    atol: float = 1e-5,
    seed: int = 0,
    progress: bool = True,
    folder: str | Path | None = None,
    resume: bool = False,
    group: torch.distributed.ProcessGroup | None = None,
) -> Model:
    """Learn d(c, beta, x0)/dt = F(c, beta) from observations and return the best model by a validation split.

    The loss is the mean over trajectories and times of |u - u_hat|^2 / |u|^2 at the observed points, plus, where the basis
    moves with the field, lambda [(log beta - log beta*)^2 + beta*^2 (x0 - x0*)^2] with beta*, x0* those of the snapshots,
    smoothed in time.

    Parameters
    ----------
    data : Observations, path, xarray.Dataset, xarray.DataArray or array
        What to learn from: what `read` returns, or what it takes. An array is u, ([trajectory,] time[, channel],
        positions), with x and t.
    x, t : arrays, optional
        Positions and times of an array; see `data.open`.
    variable : str or sequence of str
        Which variables of a file or Dataset are the field.
    basis : {"hermite", "laguerre", "chebyshev", "legendre"}
        The family of all axes, or one an axis joined by commas; scale and shift are chosen from the data.
    degree : int, optional
        Degree of the space; default: from the frequency indicator of the data.
    gamma : float or "auto", optional
        Shape of the hyperbolic cross for two or more axes; default -1. "auto": of nine gammas, each with at most as many coefficients, the one that
        best gives sensors kept from the fit.
    domain : sequence of (float, float), optional
        Intervals of bounded axes, (end, inf) of half-lines; one for all axes or one an axis.
    extent : Observations, optional
        Observations whose positions the domain must hold too, such as those held out.
    fixed : bool, optional
        One scale and shift for the whole data set (True), or a moving basis each field (False). Default: the latter
        where the frequency indicator gains clearly by it.
    scale_shift_penalty : float, optional
        lambda; default: the ratio of what the encoding leaves of u to what the smoothing leaves of log beta and beta x0,
        each squared, from 1e-3 to 0.1.
    depends_on_position : bool
        Whether F depends on x0, too: an equation that is not the same everywhere.
    time_dependent : bool
        Whether F depends on t.
    known : mapping of order to number, optional
        Terms of the equation that are known: {1: -1.0, 2: 0.25} for -u_x + u_xx / 4; on several axes the orders are
        tuples, {(2, 0): 0.25}. What is learned is the rest.
    conserved : sequence of {"mass", "norm"}
        Integrals that the equation keeps, of u and of u^2; so will the predictions.
    local : {0, 1, 2}, optional
        Let the network act at the nodes of the space, on u and its derivatives up to this order (and the place, with `depends_on_position`), the same at
        each, instead of on the coefficients: for local equations. The basis is fixed. With 0 the linear part alone holds diffusion and
        what the ends do, and the network what is done at a place; that is the one for intervals.
    translation_invariant : bool
        Whether the equation is the same everywhere on the line (or plane ..): then shifted copies of the observations are learned from as
        well, which few trajectories gain by most.
    steps, batch, hidden, learning_rate : training
        Number of optimiser steps, trajectories a step, widths of the network (default (128, 128), with `local` (32, 32)), peak of the learning
        rate (default 3e-3, with `local` 1e-2).
    method, adjoint, rtol, atol : solver
        See SpectralODE.
    seed : int
        Fixes the split, the batches and the initial weights.
    progress : bool
        Show loss, validation and remaining time on standard error: a bar on a terminal and in a notebook; elsewhere a line
        after 10 seconds, then at intervals that grow to a minute, and at the last step.
    folder : path, optional
        Where the best weights so far and a checkpoint are written, forty times in all, and log.jsonl. An interrupt
        (Ctrl-C) ends the training; the model returned has the best weights so far and ``metrics["training"]["interrupted"]``.
    resume : bool
        Go on from the checkpoint in `folder`, with the same data and settings. The result is that of a training that was
        never interrupted, bit for bit. The number of steps may be another, not below those done: from the checkpoint on
        learning rate and windows are those that a training of so many steps has there, and the best weights so far count.
    group : ProcessGroup, optional
        Of torch.distributed: each of its processes calls `fit` with the same arguments and takes its share of every batch
        (DistributedDataParallel). The result is that of one process, to rounding; the first writes and shows progress.

    Returns
    -------
    Model
        With the best weights by the validation split; ``metrics["training"]`` has what was chosen and recorded.

    Raises
    ------
    DataError
        If the data cannot be learned from, or there is no such training to resume.
    StiffError
        If the solver gives up on one batch after the other; the message says what to try.

    Examples
    --------
    >>> import specfast as sf
    >>> data = sf.learn.read("examples/data/diffusion.nc")  # doctest: +SKIP
    >>> model = sf.learn.fit(data, "hermite", steps=600)  # doctest: +SKIP
    >>> model.evaluate(data)["relative_l2"]  # doctest: +SKIP
    """
    data = read(data) if x is t is None and not variable else read(data, x=x, t=t, variable=variable)
    processes = Processes(group)
    if resume and folder is None:
        raise DataError("resume=True: a folder to resume from is expected")
    folder = Path(folder) if folder is not None and processes.first else None
    told = progress and processes.first
    check_method(method)
    if hidden is None:
        hidden = (128, 128) if local is None else (32, 32)
    if learning_rate is None:
        learning_rate = 3e-3 if local is None else 1e-2
    config = DynamicsConfig(
        tuple(hidden),
        data.parameter_count,
        time_dependent,
        depends_on_position,
        _known_terms(known, data.dim),
        tuple(conserved),
        local,
    )
    if local is not None:
        if local not in (0, 1, 2) or isinstance(local, bool):
            raise DataError(f"local={local!r}: 0, 1 or 2, the highest derivative that the network sees, is expected")
        if fixed is False:
            raise DataError(f"local={local}: nodes stay where they are; fixed=False cannot go with it")
        fixed = True
    if translation_invariant and depends_on_position:
        raise DataError(
            "translation_invariant=True: the equation is the same everywhere; depends_on_position=True cannot go with it"
        )
    settings: dict[str, Any] = {
        "data": fingerprint(data), "basis": basis, "degree": degree, "gamma": gamma, "domain": domain and [d and list(d) for d in domain],
        "fixed": fixed, "scale_shift_penalty": scale_shift_penalty, "config": json.loads(json.dumps(config.to_dict())),
        "steps": steps, "batch": batch, "learning_rate": learning_rate, "method": method,
        "adjoint": adjoint, "rtol": rtol, "atol": atol, "seed": seed, "translation_invariant": translation_invariant,
    }  # fmt: skip
    if scale_shift_penalty is not None and not 0 <= scale_shift_penalty < math.inf:
        raise DataError(f"scale_shift_penalty={scale_shift_penalty}: a number of 0 or more is expected")
    if method == EXPONENTIAL and (data.times != data.times[:1]).any():
        raise DataError(f"method={method!r}: times shared by all trajectories are expected, these have their own")
    given = len(data)
    if translation_invariant:
        data = shifted_copies(data, basis, seed)
    usable = data.observed
    if not (usable[:, 1:] & usable[:, :-1]).any():
        raise DataError("no trajectory is observed at two neighbouring times; an evolution cannot be learned")
    processes.check_same("the data, or the settings of the training", settings)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(given, generator=generator)
    held = max(1, given // 10) if given > 3 else 0
    validation, training = order[:held], order[held:]
    if translation_invariant:  # with all copies of theirs, and none of those kept for validation
        training = (training + given * torch.arange(len(data) // given)[:, None]).flatten()
    if resume:
        state, model = processes.said_by_first(lambda: (load_state(folder, settings), load(folder)))  # type: ignore[arg-type]
        with phase("encoding the snapshots", told):
            encoded = _encoded(model.encoder, data, processes)
    else:
        state = State(settings)
        with phase("choosing the basis", told):
            chosen = processes.said_by_first(
                lambda: choose_encoder(
                    data, basis, degree=degree, gamma=gamma, domain=domain, extent=extent, fixed=fixed
                )
            )
        with phase("encoding the snapshots", told):
            encoded = _encoded(chosen, data, processes)
        dynamics = Dynamics(chosen, len(data.channels), config)
        parameters = None if data.parameters is None else data.parameters[training]
        dynamics.initialise(chosen.state(encoded)[training], data.times[training], usable[training], parameters)
        solver = {"method": method, "adjoint": adjoint, "rtol": rtol, "atol": atol}
        model = Model(chosen, dynamics, solver, Signature.of(data))
        model.ode()
    validation = validation if held else training
    trainer = Trainer(model, data, encoded, training, validation, generator, state, folder, processes)
    trainer.set_targets(scale_shift_penalty)
    model.metrics["seen"] = seen(data)
    model.metrics["last_time"] = float(data.times[:, -1].max())
    trainer.train(min(batch, len(training)), learning_rate, told)
    finished = processes.first and not model.metrics["training"]["interrupted"]
    model.metrics["training"]["diagnosis"] = (
        diagnose(model, data, training, trainer.validation, encoded) if finished else []
    )
    return model


def _encoded(basis: FieldEncoder, data: Observations, processes: Processes) -> Encoded:
    """Return the states of all snapshots, of which each process finds its share."""

    def some(rows: Tensor) -> list[Tensor]:
        found = encode(basis, data if len(rows) == len(data) else data.select(rows))
        return [found.coef] if found.scale_shift is None else [found.coef, found.scale_shift]

    return Encoded(*processes.gather(some, len(data)))


def _known_terms(known: _Terms | None, dim: int) -> tuple[tuple[tuple[int, ...], float], ...]:
    terms = []
    for given, number in (known or {}).items():
        orders = (given,) if isinstance(given, int) else tuple(given)
        if (
            len(orders) != dim
            or not all(isinstance(k, int) and 0 <= k <= 10 for k in orders)
            or not math.isfinite(number)
        ):
            raise DataError(f"known={{{orders}: {number}}}: {dim} orders from 0 to 10 and a finite number are expected")
        terms.append((orders, float(number)))
    return tuple(terms)


def check_method(method: str) -> None:
    """Raise DataError for a solver that torchdiffeq does not have or cannot differentiate.

    Parameters
    ----------
    method : str
        A name, as `fit` takes it.

    Raises
    ------
    DataError
        If there is no such solver.

    Examples
    --------
    >>> check_method("dopri5")
    """
    from torchdiffeq._impl.odeint import SOLVERS

    usable = [name for name in SOLVERS if name != "scipy_solver"] + [EXPONENTIAL]
    if method not in usable:
        raise DataError(f"method={method!r}: one of {', '.join(usable)} is expected")
