"""specfast learn: an equation from observations."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .common import check_writable, print_spread

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


def _term(text: str) -> tuple[tuple[int, ...], float]:
    orders, _, number = text.partition("=")
    try:
        return tuple(int(order) for order in orders.split(",")), float(number)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: ORDER=NUMBER is expected, such as 2=0.25 for u_xx / 4, or 2,0=0.25 on two axes"
        ) from None


def add_options(learn: argparse.ArgumentParser) -> None:
    """Add the options of `learn`."""
    learn.add_argument("data", help="NetCDF file with u (trajectory, time[, channel], point or the axes of a grid)")
    learn.add_argument(
        "--basis",
        default="hermite",
        help="hermite, laguerre, chebyshev or legendre; several axes: one for all, or a,b,..",
    )
    learn.add_argument("--out", required=True, type=Path, help="folder to write")
    learn.add_argument("--overwrite", action="store_true", help="replace a run that is there")
    learn.add_argument("--resume", action="store_true", help="go on with a training that was interrupted, same options")
    learn.add_argument(
        "--hold-out", type=int, default=0, metavar="N", help="keep N trajectories aside and evaluate on them"
    )
    learn.add_argument(
        "--hold-out-time", type=float, metavar="F",
        help="keep the last part F of all times from training and judge by them; default: 0.3 where there are fewer than four trajectories",
    )  # fmt: skip
    learn.add_argument("--domain", type=_intervals, metavar="A,B", help="interval of a bounded basis")
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
        "--known", type=_term, nargs="+", default=[], metavar="ORDER=NUMBER", help="known terms: 1=-1 2=0.25 for -u_x + u_xx/4"
    )  # fmt: skip
    equation.add_argument(
        "--conserve", nargs="+", default=[], choices=("mass", "norm"), help="integrals of u, of u^2 that it keeps"
    )


def _check_learn(options: argparse.Namespace) -> None:
    """Refuse what does not go together, before anything is read or written."""
    from specfast import learn

    if options.resume and options.overwrite:
        raise learn.DataError("--resume goes on with a run, --overwrite replaces it: one of the two is expected")
    if options.fixed_basis and options.moving_basis:
        raise learn.DataError("--fixed-basis and --moving-basis: one of the two is expected")
    if options.scale_shift_penalty is not None and not 0 <= options.scale_shift_penalty < float("inf"):
        raise learn.DataError(f"--scale-shift-penalty {options.scale_shift_penalty}: a number of 0 or more is expected")
    if len(dict(options.known)) < len(options.known):
        raise learn.DataError("--known: an order is given twice; one number for each is expected")
    if not 0 <= options.seed < 2**63:
        raise learn.DataError(f"--seed {options.seed}: 0 to 2**63 - 1 is expected")
    if options.hold_out_time is not None and not 0 <= options.hold_out_time < 1:
        raise learn.DataError(f"--hold-out-time {options.hold_out_time}: a number from 0 to below 1 is expected")
    if options.ensemble is not None and options.ensemble < 2:
        raise learn.DataError(f"--ensemble {options.ensemble}: at least 2 is expected")
    there = any((options.out / name).exists() for name in ("weights.safetensors", "config.json"))
    if there and not (options.overwrite or options.resume):
        raise learn.DataError(
            f"{options.out}: a run is there already; --overwrite replaces it, --resume goes on with it"
        )
    check_writable(options.out)
    if options.steps < 1:
        raise learn.DataError(f"--steps {options.steps}: at least 1 is expected")
    learn.check_method(options.method)


def _train(options: argparse.Namespace, kept: Observations, data: Observations, group: Any) -> Ensemble:
    """Return the run asked for, or several."""
    from specfast import learn

    fixed = True if options.fixed_basis else False if options.moving_basis else None
    asked: dict[str, Any] = {
        "degree": options.degree, "gamma": options.gamma, "domain": options.domain, "extent": data, "fixed": fixed,
        "scale_shift_penalty": options.scale_shift_penalty, "depends_on_position": options.depends_on_position, "time_dependent": options.time_dependent,
        "known": dict(options.known), "conserved": options.conserve, "local": options.local, "translation_invariant": options.translation_invariant, "steps": options.steps, "method": options.method,
        "adjoint": options.adjoint, "seed": options.seed, "progress": sys.stderr.isatty(), "folder": options.out,
        "resume": options.resume, "hold_out_time": options.hold_out_time, "group": group,
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


def _learn_with(options: argparse.Namespace, started: Processes) -> None:
    import torch

    from specfast import learn
    from specfast.learn.distributed import launcher
    from specfast.learn.model import write_json

    started.said_by_first(lambda: _check_learn(options))
    data = started.in_all(lambda: learn.read(options.data))
    if not 0 <= options.hold_out < len(data):
        raise learn.DataError(f"--hold-out {options.hold_out}: 0 to {len(data) - 1} trajectories are expected")
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(options.seed))
    held, kept = order[: options.hold_out].sort().values, order[options.hold_out :].sort().values
    if started.count > 1:
        started.said_by_first(lambda: _begin(options, launcher()))
    ensemble = _train(options, data.select(kept), data, started.group)
    if not started.first:
        return
    training = ensemble.models[-1].metrics["training"]
    write_json(options.out / "data.json", {"path": str(Path(options.data).resolve()), "held_out": held.tolist()})
    if training["interrupted"]:
        ensemble.models[0].save(options.out)
        raise KeyboardInterrupt(
            f"interrupted after {training['steps']} of {options.steps} steps; {options.out} holds the best"
            " weights so far, and the same command with --resume goes on"
        )
    _conclude(options, ensemble, data.select(held if len(held) else kept), len(held))


def _judged(
    options: argparse.Namespace, ensemble: Ensemble, tested: Observations, held: int
) -> tuple[str, Observations, str]:
    """Return the name of the figures in the metrics, what they are measured on, and how that is called; `tested` holds all where `held` is 0.

    Members of an ensemble keep other trajectories for themselves, so of these there are none that no member was trained on.
    """
    from specfast.learn.splits import held_out_times

    kept = ensemble.models[0].metrics["validation"]
    if held:
        return "held_out", tested, f"{held} held-out trajector{'y' if held == 1 else 'ies'}"
    if kept is None:
        return "training_data", tested, "the training data (nothing was held out)"
    count = f"{kept['trajectories']} trajector{'y' if kept['trajectories'] == 1 else 'ies'}"
    if kept["of"] == "times":
        what = f"the last {100 * kept['share']:.0f} % of the times of {count}, never trained on"
        return "held_out_times", held_out_times(tested, options.hold_out_time), what
    if len(ensemble) > 1:
        return "training_data", tested, "the training data (each run held out trajectories of its own, see validation)"
    import torch

    return (
        "validation_trajectories",
        tested.select(torch.tensor(kept["rows"])),
        f"{count} kept for validation, never trained on",
    )


def _conclude(options: argparse.Namespace, ensemble: Ensemble, tested: Observations, held: int) -> None:
    """Measure what was learned, write the report, and say what was found."""
    from specfast.learn.report import write_report

    run = ensemble.models[0]
    name, judged, what = _judged(options, ensemble, tested, held)
    figures = run.metrics[name] = ensemble.evaluate(judged)
    run.save(options.out)
    page = write_report(ensemble, tested if name == "held_out_times" else judged, options.out)
    print(f"basis        {run.encoder}")
    encoding = run.metrics["encoding"]
    print(f"encoding     {100 * encoding['relative_l2']:.2g} % of the field is left by the basis ({encoding['kind']})")
    print(f"training     {sum(r.metrics['training']['seconds'] for r in ensemble.models):.0f} s, {options.steps} steps")
    print(f"relative_l2  {figures['relative_l2']:.5f} on {what}")
    if name == "training_data" and len(ensemble) > 1 and run.metrics["validation"] is not None:
        found = [(r.metrics["validation"] or {}).get("relative_l2") for r in ensemble.models]
        own = ", ".join("none" if error is None else f"{error:.5f}" for error in found)
        print(f"validation   {own}: of each run alone, on trajectories that it was never trained on")
    print_spread(ensemble, figures)
    for line in run.metrics["training"]["diagnosis"]:
        print(f"look at      {line}")
    print(f"report       {page}")
