"""Layouts of files that are recognised, a file each: which arrays hold the field, and what their axes are."""

from __future__ import annotations

from ..field import Field
from ..store import Store
from . import named, pdearena, pdebench, table, the_well, unnamed
from .request import Request

__all__ = ["Request", "recognise"]


def recognise(store: Store, request: Request) -> Field:
    """Return the field that a file holds.

    Raises
    ------
    DataError
        If it cannot be told; the message says what is missing and the option that says it.
    """
    known = (
        (table, named) if request.dims else (table, pdebench, the_well, pdearena, named)
    )  # who says dims knows better
    for layout in known:
        found = layout.recognise(store, request)
        if found is not None:
            return found
    return unnamed.recognise(store, request)
