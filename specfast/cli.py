"""The command line: specfast learn, evaluate, predict, report, experiments, bench, info."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from .learn import Ensemble, Observations
    from .learn.distributed import Processes


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


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with code 2."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _joined(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with ``--domain -5,5`` as one, which argparse would take for two options."""
    result: list[str] = []
    for argument in arguments:
        if result and result[-1] == "--domain":
            result[-1] = f"--domain={argument}"
        else:
            result.append(argument)
    return result


def _add_learn(learn: argparse.ArgumentParser) -> None:
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


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="specfast", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_learn(commands.add_parser("learn", help="learn an equation from observations"))
    evaluate = commands.add_parser("evaluate", help="errors of a run on observations")
    evaluate.add_argument("run", type=Path)
    evaluate.add_argument("data")
    evaluate.add_argument("--json", type=Path, metavar="F", help="write all figures to F")
    predict = commands.add_parser(
        "predict", help="predictions of a run as NetCDF, each from its first observed snapshot"
    )
    predict.add_argument("run", type=Path)
    predict.add_argument("data", help="observations: the first snapshots, and the times and points to predict at")
    predict.add_argument("--out", required=True, type=Path, metavar="F", help="file to write")
    predict.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    report = commands.add_parser("report", help="figures and an HTML page of a run")
    report.add_argument("run", type=Path)
    report.add_argument("--data", help="observations to show; those it was trained with if left out")
    _add_experiments(commands.add_parser("experiments", help="studies of the method beside its baselines"))
    _add_bench(commands.add_parser("bench", help="speed and accuracy of the kernels on this machine"))
    commands.add_parser("info", help="versions, backends, threads")
    return parser


def _add_bench(own: argparse.ArgumentParser) -> None:
    """Add the options of `bench`."""
    from .bench.baselines import NAMES
    from .bench.suites import SUITES

    own.formatter_class = argparse.RawDescriptionHelpFormatter
    own.epilog = "suites:\n" + "\n".join(f"  {name:14}{what}" for name, what in SUITES.items())
    own.epilog += "\n  scaling       how cost grows, and who is fastest where"
    own.add_argument("suites", nargs="*", metavar="SUITE", help="which (default: all)")
    own.add_argument("--quick", action="store_true", help="small cases: a minute in all")
    own.add_argument(
        "--baselines",
        nargs="*",
        metavar="BASELINES",
        help=f"time what one would use instead, where installed: {', '.join(NAMES)}",
    )
    own.add_argument("--threads", type=int, metavar="N", help="how many threads (default: PyTorch's)")
    own.add_argument("--json", type=Path, metavar="F", help="write the numbers")
    own.add_argument(
        "--compare", type=Path, metavar="F", help="an earlier --json: print ratios, fail where it has become slower"
    )
    own.add_argument("--plot", type=Path, metavar="FOLDER", help="write a page with figures")


def _add_experiments(own: argparse.ArgumentParser) -> None:
    """Add the options of `experiments`."""
    from .experiments import STUDIES

    own.formatter_class = argparse.RawDescriptionHelpFormatter
    own.epilog = "studies:\n" + "\n".join(f"  {name:14}{what}" for name, what in STUDIES.items())
    own.add_argument("names", nargs="*", metavar="NAME", help="which (default: all)")
    own.add_argument(
        "--out", type=Path, default=Path("results"), metavar="FOLDER", help="where pages and figures are written"
    )
    own.add_argument("--seeds", type=int, default=1, help="how often every model is trained")
    own.add_argument("--quick", action="store_true", help="small: shows that it runs, not how good it is")
    own.add_argument(
        "--train", type=Path, metavar="F", help="observations to learn from, where a study can be given some"
    )
    own.add_argument("--test", type=Path, metavar="F", help="observations to judge by")


def _check_writable(folder: Path, option: str = "--out") -> None:
    """Raise before hours of training what could only be raised after them."""
    nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise OSError(f"{option} {folder}: {nearest} is not a folder that can be written to")


def _check_learn(options: argparse.Namespace) -> None:
    """Refuse what does not go together, before anything is read or written."""
    from . import learn

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
    if options.ensemble is not None and options.ensemble < 2:
        raise learn.DataError(f"--ensemble {options.ensemble}: at least 2 is expected")
    there = any((options.out / name).exists() for name in ("weights.safetensors", "config.json"))
    if there and not (options.overwrite or options.resume):
        raise learn.DataError(
            f"{options.out}: a run is there already; --overwrite replaces it, --resume goes on with it"
        )
    _check_writable(options.out)
    if options.steps < 1:
        raise learn.DataError(f"--steps {options.steps}: at least 1 is expected")
    learn.check_method(options.method)


def _train(options: argparse.Namespace, kept: Observations, data: Observations, group: Any) -> Ensemble:
    """Return the run asked for, or several."""
    from . import learn

    fixed = True if options.fixed_basis else False if options.moving_basis else None
    asked: dict[str, Any] = {
        "degree": options.degree, "gamma": options.gamma, "domain": options.domain, "extent": data, "fixed": fixed,
        "scale_shift_penalty": options.scale_shift_penalty, "depends_on_position": options.depends_on_position, "time_dependent": options.time_dependent,
        "known": dict(options.known), "conserved": options.conserve, "local": options.local, "translation_invariant": options.translation_invariant, "steps": options.steps, "method": options.method,
        "adjoint": options.adjoint, "seed": options.seed, "progress": sys.stderr.isatty(), "folder": options.out,
        "resume": options.resume, "group": group,
    }  # fmt: skip
    if options.ensemble is None:
        return learn.Ensemble((learn.fit(kept, options.basis, **asked),))
    return learn.fit_ensemble(kept, options.basis, count=options.ensemble, **asked)


_LAUNCH = "launch"  # a file in the run's folder that says which launcher's training it holds


def _goes_on(options: argparse.Namespace, launcher: str) -> bool | None:
    """Of processes started anew because one had died: whether to go on (True) or begin again (False) with what they began.

    None if the folder is not theirs: they had not come so far.
    """
    from .learn.checkpoint import STATE

    mark = options.out / _LAUNCH
    if not mark.is_file() or mark.read_text() != launcher:
        return None
    return (options.out / STATE).is_file()


def _begin(options: argparse.Namespace, launcher: str) -> None:
    """Mark the folder as this launcher's; a checkpoint that its training replaces goes first."""
    from .learn.checkpoint import forget

    options.out.mkdir(parents=True, exist_ok=True)
    if not options.resume:
        forget(options.out)
    (options.out / _LAUNCH).write_text(launcher)


def _learn(options: argparse.Namespace) -> None:
    from .learn import distributed

    with distributed.from_environment() as started:
        if distributed.restarted():
            going = started.said_by_first(lambda: _goes_on(options, distributed.launcher()))
            if going is not None:
                options.resume, options.overwrite = going, not going
        _learn_with(options, started)


def _learn_with(options: argparse.Namespace, started: Processes) -> None:
    import torch

    from . import learn
    from .learn.distributed import launcher
    from .learn.model import write_json

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


def _conclude(options: argparse.Namespace, ensemble: Ensemble, tested: Observations, held: int) -> None:
    """Measure what was learned, write the report, and say what was found."""
    from .learn.report import write_report

    run, figures = ensemble.models[0], ensemble.evaluate(tested)
    run.metrics["held_out" if held else "training_data"] = figures
    run.save(options.out)
    page = write_report(ensemble, tested, options.out)
    what = f"{held} held-out trajectories" if held else "the training data"
    print(f"basis        {run.encoder}")
    print(f"training     {sum(r.metrics['training']['seconds'] for r in ensemble.models):.0f} s, {options.steps} steps")
    print(f"relative_l2  {figures['relative_l2']:.5f} on {what}")
    _print_spread(ensemble, figures)
    for line in run.metrics["training"]["diagnosis"]:
        print(f"look at      {line}")
    print(f"report       {page}")


def _print_spread(ensemble: Ensemble, figures: dict[str, Any]) -> None:
    if len(ensemble) > 1:
        own = ", ".join(f"{error:.5f}" for error in figures["members"])
        print(f"ensemble     spread {figures['spread']:.5f} of the field; its {len(ensemble)} runs alone: {own}")


def _evaluate(options: argparse.Namespace) -> None:
    from . import learn
    from .learn.model import write_json

    ensemble = learn.load_ensemble(options.run)
    figures = ensemble.evaluate(learn.read(options.data))
    if options.json:
        write_json(options.json, figures)
    print(f"relative_l2  {figures['relative_l2']:.5f} on {figures['trajectories']} trajectories")
    print(f"median       {figures['median_trajectory']:.5f}")
    _print_spread(ensemble, figures)
    if figures["failed"]:
        print(f"failed       {figures['failed']} (counted as error 1)")


def _predict(options: argparse.Namespace) -> None:
    from . import learn
    from .learn.io import write_predictions

    if options.out.exists() and not options.overwrite:
        raise learn.DataError(f"--out {options.out}: a file is there already; --overwrite replaces it")
    _check_writable(options.out.absolute().parent)
    ensemble, data = learn.load_ensemble(options.run), learn.read(options.data)
    ensemble.models[0].check(data)
    predicted, spread = ensemble.predict_dataset(data)
    options.out.absolute().parent.mkdir(parents=True, exist_ok=True)
    write_predictions(options.out, predicted, data, spread if len(ensemble) > 1 else None)
    failed = int((~predicted[:, -1].isfinite()).flatten(1).any(1).sum())
    print(
        f"predictions  {options.out}, {len(data)} trajectories" + (f", {failed} of them failed (NaN)" if failed else "")
    )


def _data_of_run(folder: Path) -> Observations:
    """Return what a run was evaluated on when it was trained."""
    import torch

    from . import learn

    try:
        source = json.loads((folder / "data.json").read_text())
        path, held_out = str(source["path"]), [int(i) for i in source["held_out"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise learn.DataError(f"{folder}: data.json cannot be read; name the data with --data") from error
    data = learn.read(path)
    if held_out and max(held_out) >= len(data):
        raise learn.DataError(f"{path}: fewer trajectories than when the model was trained; name the data with --data")
    return data.select(torch.tensor(held_out)) if held_out else data


def _report(options: argparse.Namespace) -> None:
    from . import learn
    from .learn.report import write_report

    ensemble = learn.load_ensemble(options.run)
    if options.data:
        data = learn.read(options.data)
    else:
        data = _data_of_run(options.run)
    print(f"report       {write_report(ensemble, data, options.run)}")


def _experiments(options: argparse.Namespace) -> None:
    from .experiments import STUDIES, Settings, run

    names = options.names or list(STUDIES)
    if unknown := [name for name in names if name not in STUDIES]:
        raise ValueError(f"experiments: {unknown[0]!r} is none; {', '.join(STUDIES)} are expected")
    if options.seeds < 1:
        raise ValueError(f"--seeds {options.seeds}: at least 1 is expected")
    if (options.train or options.test) and len(names) != 1:
        raise ValueError("--train and --test go with one study; name it")
    _check_writable(options.out)
    settings = Settings(options.quick, options.seeds, options.train, options.test)
    for name in names:
        page = run(name, settings)
        print(f"# {page.title}\n\n{page.text()}\n")
        print(f"page         {page.write(options.out, name, settings)}\n", flush=True)


def _bench(options: argparse.Namespace) -> None:
    import torch

    from .bench import WrongError, compare, report
    from .bench.baselines import NAMES

    baselines = () if options.baselines is None else options.baselines or NAMES
    if unknown := [name for name in baselines if name not in NAMES]:
        raise ValueError(f"--baselines {unknown[0]}: {', '.join(NAMES)} are expected")
    if options.threads is not None and options.threads < 1:
        raise ValueError(f"--threads {options.threads}: at least 1 is expected")
    before = compare.read(options.compare) if options.compare else None
    if options.json is not None:
        if options.json.is_dir():
            raise OSError(f"--json {options.json}: a folder; a file is expected")
        _check_writable(options.json.absolute().parent, "--json")
    if options.plot is not None:
        _check_writable(options.plot, "--plot")
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    found = report.run(options.suites, quick=options.quick, baselines=baselines, keep=options.json, report=_say)
    print(report.text(found))
    if options.json:
        report.save(found, options.json)
    if options.plot:
        command = " ".join(["specfast", "bench", *options.suites] + ["--quick"] * options.quick)
        command += " --baselines " * bool(baselines) + " ".join(options.baselines or [])
        command += f" --threads {options.threads}" if options.threads else ""
        print(f"\npage         {report.write(found, options.plot, command)}")
    if before is not None:
        changes = compare.changes(before, found)
        print(f"\n{compare.table(changes)}")
    if found["wrong"]:
        raise WrongError("; ".join(found["wrong"]))
    if before is not None and any(change.regressed for change in changes):
        raise SystemExit(1)


def _info(options: argparse.Namespace) -> None:
    import platform

    import numpy
    import torch

    from . import __version__, kernels

    print(f"specfast     {__version__}")
    print(f"Python       {platform.python_version()}, torch {torch.__version__}, numpy {numpy.__version__}")
    for name, state in kernels.status().items():
        print(f"backend      {name}: {state}")
    try:
        from .kernels import cpu

        print(f"nvcc         {cpu.nvcc} (when this was built)")
        print(
            f"instructions {cpu.instruction_set} (of {', '.join(cpu.instruction_sets)}), OpenMP {'on' if cpu.openmp else 'off'}"
        )
    except ImportError:
        pass
    print(f"threads      {torch.get_num_threads()}")


def _say(line: str) -> None:
    """Write to standard error; of several processes, which fail together, the first does."""
    if os.environ.get("RANK", "0") == "0":
        print(f"specfast: {line}", file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, or 2 after one line that says what was wrong with the input."""
    options = _parser().parse_args(_joined(sys.argv[1:] if arguments is None else arguments))
    try:
        commands = {
            "learn": _learn, "evaluate": _evaluate, "predict": _predict, "report": _report, "experiments": _experiments,
            "bench": _bench, "info": _info,
        }  # fmt: skip
        commands[options.command](options)
    except (ValueError, TypeError, OSError, MemoryError, ArithmeticError) as error:
        _say(str(error).splitlines()[0])
        return 2
    except KeyboardInterrupt as interrupt:
        _say(str(interrupt) or "interrupted; nothing was written")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
