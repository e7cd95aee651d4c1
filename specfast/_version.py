"""The version, read from the installed package: its one source is pyproject.toml."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("specfast")
except PackageNotFoundError:  # imported from a source tree that was never installed
    __version__ = "0+unknown"
