"""Families by their names: those of files and of operators."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar

from .base import Family

FAMILIES: dict[str, type[Family]] = {}
_Concrete = TypeVar("_Concrete", bound=type[Family])


def register_family(cls: _Concrete) -> _Concrete:
    """Make a family known by its name."""
    FAMILIES[cls.__name__] = cls
    return cls


def names_of_families() -> str:
    """Return the names of all families, for messages.

    Returns
    -------
    str

    Examples
    --------
    >>> names_of_families().startswith("Hermite, Laguerre")
    True
    """
    *most, last = FAMILIES
    return f"{', '.join(most)} or {last}"


def check_family(family: object) -> Family:
    """Return a family, or raise an error that names what is accepted.

    Parameters
    ----------
    family : object
        What was given as one.

    Returns
    -------
    Family
        The same object.

    Raises
    ------
    TypeError
        If it is not of one of the classes in `FAMILIES`.

    Examples
    --------
    >>> import specfast as sf
    >>> check_family(sf.Hermite())
    Hermite()
    """
    if not isinstance(family, Family) or type(family) not in FAMILIES.values():
        raise TypeError(f"family={family!r}: a family ({names_of_families()}) is expected")
    return family


def family_from_dict(values: Mapping[str, object]) -> Family:
    """Return the family that `Family.to_dict` described.

    Parameters
    ----------
    values : dict
        The class's name as "family", and its arguments.

    Returns
    -------
    Family

    Raises
    ------
    ValueError
        If there is no family of this name.

    Examples
    --------
    >>> family_from_dict({"family": "Legendre", "a": 0, "b": 2})
    Legendre(0, 2)
    """
    arguments = dict(values)
    name = arguments.pop("family", None)
    if not isinstance(name, str) or name not in FAMILIES:
        raise ValueError(f"family={name!r}: {names_of_families()} is expected")
    return FAMILIES[name](**arguments)  # type: ignore[arg-type]


@lru_cache(maxsize=1024)
def family_by_name(name: str) -> Family:
    """Return the family on its standard domain that an operator's `family` argument names.

    Parameters
    ----------
    name : str
        As `Family.name` gives it.

    Returns
    -------
    Family
        Without a degree, an interval as [-1, 1].

    Raises
    ------
    ValueError
        If it is not the name of a family, with its parameters in brackets: "hermite", "laguerre(0.5)".

    Examples
    --------
    >>> family_by_name("laguerre(0.5)")
    Laguerre(0.5)
    """
    key, _, rest = name.partition("(")
    cls = next((own for own in FAMILIES.values() if own.__name__.lower() == key), None)
    texts = rest.removesuffix(")").split(",") if rest else []
    if cls is not None and len(texts) == len(cls.parameters) and (not rest or rest.endswith(")")):
        try:
            return cls(**dict(zip(cls.parameters, map(float, texts), strict=True)))  # type: ignore[arg-type]
        except ValueError as error:
            raise ValueError(f"family={name!r}: {error}") from None
    known = ", ".join(
        own.__name__.lower() + (f"({','.join(own.parameters)})" if own.parameters else "") for own in FAMILIES.values()
    )
    raise ValueError(f"family={name!r}: one of {known} is expected")
