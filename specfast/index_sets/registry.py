"""Index sets by their names: those of files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np

from .base import IndexSet, Indices

INDEX_SETS: dict[str, type[IndexSet]] = {"Indices": Indices}
_Concrete = TypeVar("_Concrete", bound="type[IndexSet]")


def register_index_set(cls: _Concrete) -> _Concrete:
    """Make an index set known by its name."""
    INDEX_SETS[cls.__name__] = cls
    return cls


def load_index_set(path: str | Path) -> IndexSet:
    """Return the index set that `IndexSet.save` wrote.

    Parameters
    ----------
    path : str or Path
        Of the file.

    Returns
    -------
    IndexSet

    Raises
    ------
    ValueError
        If the file does not hold one.

    Examples
    --------
    >>> import tempfile, specfast as sf
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sf.Indices([[0, 0], [1, 0]]).save(f"{folder}/set.npz")
    ...     print(repr(sf.load_index_set(f"{folder}/set.npz")))
    Indices([[0, 0], [1, 0]])
    """
    import json
    import zipfile

    try:
        with np.load(Path(path), allow_pickle=False) as file:
            values = json.loads(str(file["index_set"]))
            members = {"indices": file["indices"]} if "indices" in file else {}
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"{path}: not an index set ({type(error).__name__})") from error
    return index_set_from_dict({**values, **members})


def index_set_from_dict(values: Mapping[str, object]) -> IndexSet:
    """Return the index set that `IndexSet.to_dict` described.

    Parameters
    ----------
    values : dict
        The class's name as "index_set", and its arguments.

    Returns
    -------
    IndexSet

    Raises
    ------
    ValueError
        If there is no class of this name.

    Examples
    --------
    >>> index_set_from_dict({"index_set": "TotalDegree", "degree": 4})
    TotalDegree(4)
    """
    arguments = dict(values)
    name = arguments.pop("index_set", None)
    if not isinstance(name, str) or name not in INDEX_SETS:
        raise ValueError(f"index_set={name!r}: one of {', '.join(INDEX_SETS)} is expected")
    for key in ("degree", "weights"):
        if isinstance(given := arguments.get(key), list):
            arguments[key] = tuple(given)
    if isinstance(gamma := arguments.get("gamma"), (str, int)):
        arguments["gamma"] = float(gamma)
    return INDEX_SETS[name](**arguments)  # type: ignore[arg-type]
