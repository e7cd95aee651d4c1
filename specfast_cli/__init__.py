"""The command line: ``specfast learn``, ``specfast inspect`` and so on, a module a command."""

from .parser import main

__all__ = ["main"]
