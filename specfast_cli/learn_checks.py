"""What `specfast learn` refuses before PyTorch is imported."""

from __future__ import annotations

import argparse
import importlib.util
import re
from pathlib import Path

from .common import check_writable

CHECKPOINT = "training.safetensors"
BASES = (
    "hermite",
    "laguerre",
    "chebyshev",
    "fourier",
    "legendre",
    "rational",
    "rationalhalfline",
    "twohalflines",
)  # of specfast.families, as a test makes sure
AUTO = "auto"


def refuse(options: argparse.Namespace) -> None:
    """Refuse what does not go together, before anything is read or written."""
    _refuse_numbers(options)
    if options.resume and options.overwrite:
        raise ValueError("--resume goes on with a run, --overwrite replaces it: one of the two is expected")
    if options.fixed_basis and options.moving_basis:
        raise ValueError("--fixed-basis and --moving-basis: one of the two is expected")
    if options.local is not None and options.moving_basis:
        raise ValueError(f"local={options.local}: nodes stay where they are; --moving-basis cannot go with it")
    if options.translation_invariant and options.depends_on_position:
        raise ValueError("--translation-invariant and --depends-on-position: one of the two is expected")
    if len(dict(options.known)) < len(options.known):
        raise ValueError("--known: an order is given twice; one number for each is expected")
    there = any((options.out / name).exists() for name in ("weights.safetensors", "config.json"))
    if there and not (options.overwrite or options.resume):
        raise ValueError(f"{options.out}: a run is there already; --overwrite replaces it, --resume goes on with it")
    if options.resume and not (options.out / CHECKPOINT).is_file():
        raise ValueError(f"{options.out}: no training to resume here ({CHECKPOINT} is missing)")
    check_writable(options.out)


def _refuse_numbers(options: argparse.Namespace) -> None:
    if options.scale_shift_penalty is not None and not 0 <= options.scale_shift_penalty < float("inf"):
        raise ValueError(f"--scale-shift-penalty {options.scale_shift_penalty}: a number of 0 or more is expected")
    if not 0 <= options.seed < 2**63:
        raise ValueError(f"--seed {options.seed}: 0 to 2**63 - 1 is expected")
    for name, least in (("ensemble", 2), ("steps", 1), ("hold_out", 0)):
        given = getattr(options, name)
        if given is not None and given < least:
            raise ValueError(f"--{name.replace('_', '-')} {given}: at least {least} is expected")
    if options.hold_out_time is not None and not 0 <= options.hold_out_time < 1:
        raise ValueError(f"--hold-out-time {options.hold_out_time}: a number from 0 to below 1 is expected")
    if options.degree is not None and options.degree < 1:
        raise ValueError(f"degree={options.degree}: at least 1 is expected")


def check_names(basis: str, method: str) -> None:
    """Refuse a basis, or a solver, that there is not."""
    for name in basis.split(","):
        if name.strip() not in (*BASES, AUTO):
            raise ValueError(f"basis={name.strip()!r}: one of {', '.join(BASES)} or {AUTO} is expected")
    known = _solvers()
    if known and method not in known:
        raise ValueError(f"method={method!r}: one of {', '.join(known)} is expected")


def _solvers() -> list[str]:
    """Return the names of solvers, read from torchdiffeq's text since to import it takes seconds; none if that has changed."""
    found = importlib.util.find_spec("torchdiffeq")
    folders = found.submodule_search_locations if found else None
    try:
        text = (Path(next(iter(folders or []))) / "_impl" / "odeint.py").read_text()
    except (OSError, StopIteration):
        return []
    table = re.search(r"^SOLVERS = \{(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    names = re.findall(r"^\s*['\"](\w+)['\"]\s*:", table[1], re.MULTILINE) if table else []
    return [*(name for name in names if name != "scipy_solver"), "etdrk4"] if "dopri5" in names else []
