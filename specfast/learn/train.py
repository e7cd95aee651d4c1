"""Training: encode once, fit the linear part, then short windows before whole trajectories."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
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
from .basis_choice import choose_basis
from .checkpoint import State, fingerprint, forget, load_state
from .diagnostics import diagnose
from .distributed import Processes
from .dynamics import Dynamics, DynamicsConfig
from .encode import encode
from .encoder import Encoded, FieldEncoder
from .extrapolation import coverage
from .known_terms import checked_terms
from .model import Model, load
from .model_selection import choose_encoder
from .prior import with_prior
from .progress import phase
from .residuals import SNAPSHOTS, residual
from .sparse import Choice, better, check_choice, settles, sparse_model, why_not
from .splits import Split, split, until
from .trainer import Trainer

# Orders of differentiation, one on one axis, one an axis on several, and the number before the term.
_Terms = Mapping[int, float] | Mapping[tuple[int, ...], float] | Mapping[str, float] | Mapping[int | str, float]


def fit(
    data: Source,
    basis: str = "auto",
    *,
    model: Choice = "network",
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
    hold_out_time: float | None = None,
    progress: bool = True,
    folder: str | Path | None = None,
    resume: bool = False,
    group: torch.distributed.ProcessGroup | None = None,
) -> Model:
    """Learn d(c, beta, x0)/dt = F(c, beta) from observations and return the model that is best where it was not trained.

    The loss is the mean over trajectories and times of |u - u_hat|^2 / |u|^2 at the observed points, plus, where the basis
    moves with the field, lambda [(log beta - log beta*)^2 + beta*^2 (x0 - x0*)^2] with beta*, x0* those of the snapshots,
    smoothed in time.

    Parameters
    ----------
    data : Observations, path, xarray.Dataset, xarray.DataArray or array
        What to learn from: what `read` returns, or what it takes. An array is u, ([trajectory,] time[, channel],
        positions), with x and t.
    model : {"network", "terms", "auto"}
        What the right-hand side is: a linear map and a network of the coefficients; or a sum of few terms such as u_xx and u
        u_x, found by regression, chosen by forecasts of what is kept from training, whose numbers have error bars
        (`Model.equation`); "auto": the terms where their forecasts are as good as the basis, or nearly as good as the network's.
    x, t : arrays, optional
        Positions and times of an array; see `data.open`.
    variable : str or sequence of str
        Which variables of a file or Dataset are the field.
    basis : {"auto", "hermite", "rational", "laguerre", "chebyshev", "legendre", "fourier"}
        The family of all axes, or one an axis joined by commas; scale and shift are chosen from the data. "auto" takes what suits
        where the field ends along the axis, whether it repeats, and how it falls off; ``metrics["basis"]`` says why.
    degree : int, optional
        Degree of the space; default: from the frequency indicator of the data.
    gamma : float or "auto", optional
        Shape of the hyperbolic cross for two or more axes; default -1. "auto": of nine gammas, each with at most as many coefficients, the one that
        best gives sensors kept from the fit.
    domain : sequence of (float, float), optional
        Intervals of bounded axes, (end, inf) of half-lines, (a, b) of rings; one for all axes or one an axis.
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
        tuples, {(2, 0): 0.25}. {"frac:1.5": -1.0} for -(-d^2/dx^2)^(3/4) u, on one axis of Hermite, rational or Fourier
        functions. What is learned is the rest.
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
    hold_out_time : float, optional
        The part of every trajectory's observed times, from 0 to below 1, that is kept from all training: the last ones. The
        weights are then chosen by forecasts of these times from the last snapshot trained on. Default: a tenth of the
        trajectories is kept for that, or 0.3 of the times where there are fewer than four trajectories. Of trajectories observed
        fewer than four times nothing is kept; where nothing at all can be, the last weights are taken.
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
        ``metrics["validation"]`` says what was kept from training and what the error is there: ``of`` "trajectories" or
        "times", ``relative_l2`` of forecasts from the first snapshot, and for times ``from_last_trained``, of those from the
        last snapshot trained on. It is None where nothing was kept. ``metrics["encoding"]`` says what the basis leaves of the field
        and how much of that is noise. ``metrics["training"]`` has what was recorded.

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
    if hidden is None:
        hidden = (128, 128) if local is None else (32, 32)
    if learning_rate is None:
        learning_rate = 3e-3 if local is None else 1e-2
    config = DynamicsConfig(
        tuple(hidden),
        data.parameter_count,
        time_dependent,
        depends_on_position,
        checked_terms(known, data.dim),
        tuple(conserved),
        local,
    )
    settings: dict[str, Any] = {
        "data": fingerprint(data), "basis": basis, "degree": degree, "gamma": gamma, "domain": domain and [d and list(d) for d in domain],
        "fixed": fixed, "scale_shift_penalty": scale_shift_penalty, "config": json.loads(json.dumps(config.to_dict())),
        "steps": steps, "batch": batch, "learning_rate": learning_rate, "method": method, "hold_out_time": hold_out_time,
        "adjoint": adjoint, "rtol": rtol, "atol": atol, "seed": seed, "translation_invariant": translation_invariant,
        "model": model,
    }  # fmt: skip
    _check(settings, config, data)
    check_choice(model, config, fixed)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    parts = split(data, generator, hold_out_time)
    settings["validation"] = parts.of
    choice = choose_basis(until(data, parts.last), basis, domain, parts.training)
    if translation_invariant:
        given, trained = len(data), until(data, parts.last).select(parts.training)
        extent = data if extent is None else extent
        data = shifted_copies(data, ",".join(choice.names), seed, trained)
        parts = parts.with_copies(len(data) // given)
    seen = until(data, parts.last)
    usable = seen.observed
    if not (usable[parts.training, 1:] & usable[parts.training, :-1]).any():
        raise DataError("no trajectory is observed at two neighbouring times; an evolution cannot be learned")
    processes.check_same("the data, or the settings of the training", settings)
    sparse: Model | None = None
    if model != "network" and why_not(config, fixed) is None and not resume:
        sparse = _sparse(
            seen, data, config, settings, parts, processes, told,
            lambda: choose_encoder(seen, choice, degree=degree, gamma=gamma, extent=extent, fixed=True, rows=parts.training),
        )  # fmt: skip
        sparse.metrics["basis"] = list(choice.reasons)
        if model == "terms" or settles(sparse, sparse.metrics["encoding"]["relative_l2"]):
            return _kept(sparse, settings, parts, data, processes, folder)
    if resume:
        state, learned = processes.said_by_first(lambda: (load_state(folder, settings), load(folder)))  # type: ignore[arg-type]
        with phase("encoding the snapshots", told):
            encoded = _encoded(learned.encoder, seen, processes)
    else:
        state = State(settings)
        learned, encoded = _begun(
            seen, config, settings, parts.training, processes, told,
            lambda: with_prior(
                choose_encoder(
                    seen, choice, degree=degree, gamma=gamma, extent=extent, fixed=fixed if local is None else True,
                    rows=parts.training,
                ),
                seen.select(parts.training),
            ),
        )  # fmt: skip
    trainer = Trainer(
        learned, seen, encoded, parts.training, parts.judged(data, encoded), generator, state, folder, processes
    )
    trainer.set_targets(scale_shift_penalty)
    learned.metrics |= _of_the_data(learned, seen, encoded, parts.training, processes)
    learned.metrics["basis"] = list(choice.reasons)
    trainer.train(min(batch, len(parts.training)), learning_rate, told)
    if sparse is not None and not learned.metrics["training"]["interrupted"] and better(sparse, learned) is sparse:
        return _kept(sparse, settings, parts, data, processes, folder)
    _conclude(learned, settings, encoded, parts, data, processes)
    return learned


def _sparse(
    seen: Observations, data: Observations, config: DynamicsConfig, settings: dict[str, Any], parts: Split,
    processes: Processes, told: bool, choose: Callable[[], FieldEncoder],
) -> Model:  # fmt: skip
    """Return the equation as a sum of terms."""
    with phase("choosing the basis", told):
        encoder = processes.said_by_first(lambda: with_prior(choose(), seen.select(parts.training)))
    with phase("encoding the snapshots", told):
        encoded = _encoded(encoder, seen, processes)
    solver = {name: settings[name] for name in ("method", "adjoint", "rtol", "atol")}
    with phase("looking for terms", told):
        model = processes.said_by_first(lambda: sparse_model(encoder, seen, encoded, data, parts, config, solver))
    model.metrics |= _of_the_data(model, seen, encoded, parts.training, processes)
    return model


def _kept(
    model: Model, settings: dict[str, Any], parts: Split, data: Observations, processes: Processes, folder: Path | None
) -> Model:  # fmt: skip
    """Measure a sum of terms where it was not fitted, write it, and return it."""
    encoded = _encoded(model.encoder, until(data, parts.last), processes)
    _conclude(model, settings, encoded, parts, data, processes)
    if folder is not None:
        forget(folder)
        model.save(folder)
    return model


def _check(settings: dict[str, Any], config: DynamicsConfig, data: Observations) -> None:
    """Refuse what does not go together, before anything is sought."""
    method, fixed, penalty = (settings[name] for name in ("method", "fixed", "scale_shift_penalty"))
    local = config.local
    check_method(method)
    if local is not None:
        if local not in (0, 1, 2) or isinstance(local, bool):
            raise DataError(f"local={local!r}: 0, 1 or 2, the highest derivative that the network sees, is expected")
        if fixed is False:
            raise DataError(f"local={local}: nodes stay where they are; fixed=False cannot go with it")
    if settings["translation_invariant"] and config.depends_on_position:
        raise DataError(
            "translation_invariant=True: the equation is the same everywhere; depends_on_position=True cannot go with it"
        )
    if penalty is not None and not 0 <= penalty < math.inf:
        raise DataError(f"scale_shift_penalty={penalty}: a number of 0 or more is expected")
    if method == EXPONENTIAL and (data.times != data.times[:1]).any():
        raise DataError(f"method={method!r}: times shared by all trajectories are expected, these have their own")


def _begun(
    seen: Observations, config: DynamicsConfig, settings: dict[str, Any], rows: Tensor, processes: Processes,
    told: bool, choose: Callable[[], FieldEncoder],
) -> tuple[Model, Encoded]:  # fmt: skip
    """Return a model whose linear part is fitted to the trajectories that are trained on, and the states of all snapshots."""
    with phase("choosing the basis", told):
        encoder = processes.said_by_first(choose)
    with phase("encoding the snapshots", told):
        encoded = _encoded(encoder, seen, processes)
    dynamics = Dynamics(encoder, len(seen.channels), config)
    parameters = None if seen.parameters is None else seen.parameters[rows]
    dynamics.initialise(encoder.state(encoded)[rows], seen.times[rows], seen.observed[rows], parameters)
    solver = {name: settings[name] for name in ("method", "adjoint", "rtol", "atol")}
    model = Model(encoder, dynamics, solver, Signature.of(seen))
    model.ode()
    return model, encoded


def _of_the_data(
    model: Model, seen: Observations, encoded: Encoded, training: Tensor, processes: Processes
) -> dict[str, Any]:
    """Return the metrics of what is trained on: what its encoding leaves of it, and its last time."""
    rows = training[torch.linspace(0, len(training) - 1, min(len(training), SNAPSHOTS)).long()]
    moved = encoded.at(rows, slice(None)).scale_shift
    left = processes.said_by_first(lambda: residual(model.encoder, seen.select(rows), moved).to_dict())
    return {
        "encoding": left,
        "seen": coverage(seen.select(training)),
        "last_time": float(seen.times[training][seen.observed[training]].max()),
    }


def _conclude(
    model: Model, settings: dict[str, Any], encoded: Encoded, parts: Split, data: Observations, processes: Processes
) -> None:  # fmt: skip
    """Measure the trained model where it was not trained, and say what looks wrong."""
    finished = processes.first and not model.metrics["training"]["interrupted"]
    model.metrics["training"]["diagnosis"] = []
    if not finished:
        return
    model.metrics["validation"] = None
    if parts.of is not None:
        found = {
            "hold_out_time": settings["hold_out_time"],
            "relative_l2": _error(model, parts.tested(data)),
        }
        if parts.of == "times":
            found["from_last_trained"] = model.metrics["training"]["validation_relative_l2"]
        model.metrics["validation"] = parts.to_dict() | found
    model.metrics["training"]["diagnosis"] = diagnose(
        model, data, parts.training, parts.validation, encoded, last=parts.last, asked=settings
    )


def _error(model: Model, data: Observations) -> float | None:
    try:
        return float(model.errors(data).figures()["relative_l2"])
    except DataError:  # nothing is observed at a second time
        return None


def _encoded(basis: FieldEncoder, data: Observations, processes: Processes) -> Encoded:
    """Return the states of all snapshots, of which each process finds its share."""

    def some(rows: Tensor) -> list[Tensor]:
        found = encode(basis, data if len(rows) == len(data) else data.select(rows))
        return [found.coef] if found.scale_shift is None else [found.coef, found.scale_shift]

    return Encoded(*processes.gather(some, len(data)))


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
