"""The parser of the command line, and what becomes of errors.

Nothing here imports PyTorch: help, and a word about a file that is missing, come at once.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from .common import say
from .interrupts import Interrupts, written

# Each is a module here with `add_options` and `run`; with `check` for what can be refused before PyTorch is imported, and
# NEEDS where that which it imports is not specfast.learn.
COMMANDS = {
    "inspect": "what would be learned from a file, and what is missing",
    "learn": "learn an equation from observations",
    "evaluate": "errors of a run on observations",
    "predict": "forecasts of a run as a file like the data, each from its first observed snapshot",
    "convert": "a file of any format that is read as NetCDF-4",
    "report": "figures and an HTML page of a run",
    "experiments": "studies of the method beside its baselines",
    "bench": "speed and accuracy of the kernels on this machine",
    "info": "versions, backends, threads",
}
# Options whose value may begin with a minus sign, which argparse would take for another option.
_SIGNED = ("--domain", "--times", "--trajectories")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with code 2."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _joined(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with ``--domain -5,5`` as one."""
    result: list[str] = []
    for argument in arguments:
        if result and result[-1] in _SIGNED:
            result[-1] = f"{result[-1]}={argument}"
        else:
            result.append(argument)
    return result


def _module(command: str) -> ModuleType:
    return importlib.import_module(f".{command}", __package__)


def _parser(command: str | None) -> argparse.ArgumentParser:
    """Return the parser, with the options of one command."""
    parser = _Parser(prog="specfast", description="Learn spatiotemporal equations with spectral expansions.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        own = commands.add_parser(name, allow_abbrev=False, help=text, description=f"{text[0].upper()}{text[1:]}.")
        if name == command:
            _module(name).add_options(own)
    return parser


def _check_files(options: argparse.Namespace) -> None:
    """Refuse files and folders to read that are not there, before anything takes time."""
    for name in ("data", "run", "at"):
        given = getattr(options, name, None)
        if isinstance(given, (str, Path)) and not Path(given).exists():
            raise FileNotFoundError(f"{given}: no such file" if name != "run" else f"{given}: no run here")


def _run(given: Sequence[str], interrupts: Interrupts) -> None:
    options = _parser(given[0] if given else None).parse_args(given)
    module = _module(options.command)
    _check_files(options)
    if hasattr(module, "check"):
        module.check(options)
    importlib.import_module(getattr(module, "NEEDS", "specfast.learn"))
    interrupts.work_begins()
    module.run(options)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, 2 after one line that says what was wrong with the input, or 130 when interrupted."""
    given = _joined(sys.argv[1:] if arguments is None else arguments)
    with Interrupts() as interrupts:
        try:
            _run(given, interrupts)
        except (ValueError, TypeError, OSError, MemoryError, ArithmeticError) as error:
            say(str(error).splitlines()[0])
            return 2
        except KeyboardInterrupt:
            say(written.line)
            return 130
    return 0
