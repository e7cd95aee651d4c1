"""specfast learn: an equation from observations."""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .common import print_spread, say
from .data_options import add_data_options, given, read_data
from .interrupts import NOTHING, stamp, written
from .judged import judged
from .learn_checks import CHECKPOINT, check_names, refuse

if TYPE_CHECKING:
    from specfast.learn import Ensemble, Observations
    from specfast.learn.distributed import Processes


def _intervals(text: str) -> list[tuple[float, float]]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    pairs = list(zip(numbers[::2], numbers[1::2], strict=False))
    if not pairs or len(numbers) % 2 or not all(low < high for low, high in pairs):
        raise argparse.ArgumentTypeError(f"{text!r}: a,b with a < b is expected, or a,b,c,d,.. for several axes")
    return pairs


def _gamma(text: str) -> float | str:
    try:
        return text if text == "auto" else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: a number below 1, -inf, or auto is expected") from None


def _term(text: str) -> tuple[tuple[int, ...] | str, float]:
    orders, _, number = text.partition("=")
    try:
        if orders.startswith("frac:"):
            float(orders.removeprefix("frac:"))
            return orders, float(number)
        return tuple(int(order) for order in orders.split(",")), float(number)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: ORDER=NUMBER is expected, such as 2=0.25 for u_xx / 4, 2,0=0.25 on two axes, or frac:1.5=-1 for"
            " -(-d^2/dx^2)^(3/4) u"
        ) from None


def add_options(learn: argparse.ArgumentParser) -> None:
    """Add the options of `learn`."""
    learn.add_argument(
        "data", help="NetCDF, HDF5, Zarr, MATLAB, NumPy, CSV or Parquet; specfast inspect says how it is read"
    )
    learn.add_argument(
        "--basis",
        default="auto",
        help="auto (what the data suggest), hermite or rational (line), twohalflines (a jump at --domain A,inf), laguerre (half-line), fourier (ring), chebyshev or legendre (interval); several axes: one for all, or a,b,..",
    )
    learn.add_argument(
        "--model",
        default="network",
        choices=("network", "terms", "auto"),
        help="the right-hand side: a network; a sum of few terms such as u u_x, with error bars; or the terms where they forecast as well",
    )
    learn.add_argument("--out", required=True, type=Path, help="folder to write")
    learn.add_argument("--overwrite", action="store_true", help="replace a run that is there")
    learn.add_argument(
        "--resume", action="store_true", help="go on with a training, same options; --steps may be more than before"
    )
    learn.add_argument(
        "--hold-out", type=int, default=0, metavar="N", help="keep N trajectories aside and evaluate on them"
    )
    learn.add_argument(
        "--hold-out-time", type=float, metavar="F",
        help="keep the last part F of all times from training and judge by them; default: 0.3 where there are fewer than four trajectories",
    )  # fmt: skip
    learn.add_argument(
        "--domain", type=_intervals, metavar="A,B", help="ends of an interval or a ring; A,inf a half-line"
    )
    learn.add_argument("--degree", type=int, help="degree; chosen from the data if left out")
    learn.add_argument(
        "--gamma",
        type=_gamma,
        help="shape of the hyperbolic cross for several axes (default -1), or auto: the best of nine",
    )
    learn.add_argument("--steps", type=int, default=2400, help="optimiser steps")
    learn.add_argument("--method", default="dopri5", help="solver of torchdiffeq")
    learn.add_argument("--adjoint", action="store_true", help="gradients by the adjoint equation")
    learn.add_argument("--seed", type=int, default=0)
    learn.add_argument("--ensemble", type=int, metavar="N", help="train N runs, whose spread is an error bar")
    add_data_options(learn)
    basis = learn.add_argument_group("a moving basis")
    basis.add_argument("--fixed-basis", action="store_true", help="one scale and shift for all; default: what suits")
    basis.add_argument("--moving-basis", action="store_true", help="scale and shift of their own for every snapshot")
    basis.add_argument("--scale-shift-penalty", type=float, metavar="L", help="weight of scale and shift in the loss")
    equation = learn.add_argument_group("what is known of the equation")
    equation.add_argument(
        "--depends-on-position", action="store_true", help="it is not the same everywhere (x0 is an input)"
    )
    equation.add_argument(
        "--translation-invariant",
        action="store_true",
        help="it is the same everywhere on the line: learn from shifted copies too",
    )
    equation.add_argument(
        "--local",
        type=int,
        nargs="?",
        const=2,
        choices=(0, 1, 2),
        metavar="ORDER",
        help="it is local: a network of u and its derivatives up to ORDER (2), the same at all nodes; 0 on intervals",
    )
    equation.add_argument("--time-dependent", action="store_true", help="it changes with time (t is an input)")
    equation.add_argument(
        "--known", type=_term, nargs="+", default=[], metavar="ORDER=NUMBER", help="known terms, in the file's units of x and time: 1=-1 2=0.25 for -u_x + u_xx/4, frac:1.5=-1 for -(-d^2/dx^2)^(3/4) u"
    )  # fmt: skip
    equation.add_argument(
        "--conserve", nargs="+", default=[], choices=("mass", "norm"), help="integrals of u, of u^2 that it keeps"
    )


def _launched() -> bool:
    """Return whether this is one of several processes: then the first checks for all, once they can talk."""
    return "RANK" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


def check(options: argparse.Namespace) -> None:
    """Refuse what can be refused before PyTorch is imported."""
    if _launched():
        return
    refuse(options)
    if "torch" not in sys.modules:  # there is time to be gained
        check_names(options.basis, options.method)


def _check_all(options: argparse.Namespace) -> None:
    from specfast import learn

    refuse(options)
    learn.check_method(options.method)


def _train(options: argparse.Namespace, kept: Observations, data: Observations, group: Any) -> Ensemble:
    """Return the run asked for, or several."""
    from specfast import learn

    fixed = True if options.fixed_basis else False if options.moving_basis else None
    asked: dict[str, Any] = {
        "degree": options.degree, "gamma": options.gamma, "domain": options.domain, "extent": data, "fixed": fixed,
        "scale_shift_penalty": options.scale_shift_penalty, "depends_on_position": options.depends_on_position, "time_dependent": options.time_dependent,
        "known": dict(options.known), "conserved": options.conserve, "local": options.local, "translation_invariant": options.translation_invariant, "steps": options.steps, "method": options.method,
        "adjoint": options.adjoint, "seed": options.seed, "progress": True, "folder": options.out,
        "model": options.model, "resume": options.resume, "hold_out_time": options.hold_out_time, "group": group,
    }  # fmt: skip
    if options.ensemble is None:
        return learn.Ensemble((learn.fit(kept, options.basis, **asked),))
    return learn.fit_ensemble(kept, options.basis, count=options.ensemble, **asked)


_LAUNCH = "launch"  # a file in the run's folder that says which launcher's training it holds


def _goes_on(options: argparse.Namespace, launcher: str) -> bool | None:
    """Of processes started anew because one had died: whether to go on (True) or begin again (False) with what they began.

    None if the folder is not theirs: they had not come so far.
    """
    from specfast.learn.checkpoint import STATE

    mark = options.out / _LAUNCH
    if not mark.is_file() or mark.read_text() != launcher:
        return None
    return (options.out / STATE).is_file()


def _begin(options: argparse.Namespace, launcher: str) -> None:
    """Mark the folder as this launcher's; a checkpoint that its training replaces goes first."""
    from specfast.learn.checkpoint import forget

    options.out.mkdir(parents=True, exist_ok=True)
    if not options.resume:
        forget(options.out)
    (options.out / _LAUNCH).write_text(launcher)


def run(options: argparse.Namespace) -> None:
    """Do what the options say."""
    from specfast.learn import distributed

    with distributed.from_environment() as started:
        if distributed.restarted():
            going = started.said_by_first(lambda: _goes_on(options, distributed.launcher()))
            if going is not None:
                options.resume, options.overwrite = going, not going
        _learn_with(options, started)


def _remarks(data: Observations) -> list[str]:
    """Return what had to be decided about the data."""
    return [f"note: {note}" for note in data.origin.notes]


def _learn_with(options: argparse.Namespace, started: Processes) -> None:
    import torch

    from specfast import learn
    from specfast.learn.distributed import launcher
    from specfast.learn.model import write_json
    from specfast.learn.progress import phase

    started.said_by_first(lambda: _check_all(options))
    with phase(f"reading {options.data}", started.first):
        data = started.in_all(lambda: read_data(options))
    for note in _remarks(data):
        say(note)
    if not 0 <= options.hold_out < len(data):
        raise learn.DataError(f"--hold-out {options.hold_out}: 0 to {len(data) - 1} trajectories are expected")
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(options.seed))
    held, kept = order[: options.hold_out].sort().values, order[options.hold_out :].sort().values
    source = {"options": given(options), "path": str(Path(options.data).resolve()), "held_out": held.tolist()}
    there = _checkpoints(options.out)
    written.say(partial(_kept, options, there))
    if started.count > 1:
        started.said_by_first(lambda: _begin(options, launcher()))
    try:
        ensemble = _train(options, data.select(kept), data, started.group)
    except KeyboardInterrupt:  # at the start of a run, or after its last step
        if started.first and _checkpoints(options.out) not in ({}, there):
            write_json(options.out / "data.json", source)
        raise
    if not started.first:
        return
    training = ensemble.models[-1].metrics["training"]
    write_json(options.out / "data.json", source)
    if training["interrupted"]:
        ensemble.models[0].save(options.out)
        which = "" if options.ensemble is None else f" of run {len(ensemble)} of {options.ensemble}"
        written.say(
            f"interrupted after {training['steps']} of {options.steps} steps{which}; {options.out} holds the best"
            " weights so far, and the same command with --resume goes on"
        )
        raise KeyboardInterrupt
    written.say(_without_report(options.out))
    _conclude(options, ensemble, data.select(held if len(held) else kept), len(held))


def _without_report(folder: Path) -> str:
    return f"interrupted; the model is in {folder}, its report is not complete; `specfast report {folder}` writes it"


def _checkpoints(folder: Path) -> dict[Path, tuple[int, int] | None]:
    """Return the checkpoints of a run, or of an ensemble, each with what tells it from a later one."""
    return {path: stamp(path) for path in sorted(folder.rglob(CHECKPOINT))}


def _kept(options: argparse.Namespace, before: dict[Path, tuple[int, int] | None]) -> str:
    """Say what a training that did not come to its end has left, given the checkpoints before it."""
    from specfast.learn.checkpoint import read_tensors

    out, path = options.out, options.out / CHECKPOINT
    now = _checkpoints(out)
    if now == before:
        return f"interrupted; {out} is as it was" if before else NOTHING
    if path not in now:
        return f"interrupted; the run that was in {out} is no longer complete"
    done = int(read_tensors(path)[1]["step"])
    if options.ensemble is None and done == options.steps:
        return _without_report(out)
    how_far = "" if options.ensemble else f" after {done} of {options.steps} steps"
    return f"interrupted{how_far}; {out} holds the best weights so far, and the same command with --resume goes on"


def _conclude(options: argparse.Namespace, ensemble: Ensemble, tested: Observations, held: int) -> None:
    """Measure what was learned, write the report, and say what was found."""
    from specfast import learn
    from specfast.learn.report import equation_lines, write_report

    run = ensemble.models[0]
    name, by, what = judged(ensemble, tested, held)
    figures = run.metrics[name] = ensemble.evaluate(by)
    run.save(options.out)
    page = write_report(ensemble, tested if name == "held_out_times" else by, options.out, by, what)
    written.say(f"interrupted; the model and its report are in {options.out}")
    print(f"basis        {run.encoder}")
    for reason in run.metrics["basis"]:
        print(f"             {reason}")
    encoding = run.metrics["encoding"]
    print(f"encoding     {100 * encoding['relative_l2']:.2g} % of the field is left by the basis ({encoding['kind']})")
    for number, line in enumerate(equation_lines(run)):
        print(f"{'equation' if number == 0 else '':12} {line}")
    print(
        f"training     {sum(r.metrics['training']['seconds'] for r in ensemble.models):.0f} s, {run.metrics['training']['steps']} steps"
    )
    print(f"relative_l2  {figures['relative_l2']:.5f} on {what}")
    print(f"persistence  {learn.persistence(by):.5f} is the error of a forecast that nothing changes, there")
    if name == "training_data" and len(ensemble) > 1 and run.metrics["validation"] is not None:
        found = [(r.metrics["validation"] or {}).get("relative_l2") for r in ensemble.models]
        own = ", ".join("none" if error is None else f"{error:.5f}" for error in found)
        print(f"validation   {own}: of each run alone, on trajectories that it was never trained on")
    print_spread(ensemble, figures)
    for line in run.metrics["training"]["diagnosis"]:
        print(f"look at      {line}")
    print(f"report       {page}")
