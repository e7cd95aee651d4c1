"""The command line: ``specfast learn``, ``specfast report`` and so on, a module a command."""

try:
    from .parser import main
except KeyboardInterrupt:  # main answers it from here on
    import sys

    sys.stderr.write("specfast: interrupted; nothing was written\n")
    sys.exit(130)

__all__ = ["main"]
