"""Packages that only parts of specfast need: named with what installs them when they are first missed."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from types import ModuleType


def optional(module: str, purpose: str, extra: str = "learn") -> ModuleType:
    """Return a module of an optional package.

    Raises
    ------
    ImportError
        If it is not installed; says what needs it and which extra brings it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is not None and error.name.partition(".")[0] != package:
            raise
        raise ImportError(f"specfast: {purpose} needs {package}; install specfast[{extra}]", name=package) from error


def require(modules: Sequence[str], purpose: str, extra: str = "learn") -> None:
    """Raise ImportError if one of these packages is not installed, without importing them.

    Raises
    ------
    ImportError
        Names those that are missing and the extra that brings them.
    """
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        raise ImportError(f"specfast: {purpose} needs {', '.join(missing)}; install specfast[{extra}]", name=missing[0])
