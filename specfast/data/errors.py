"""What is raised where observations cannot be used."""

from __future__ import annotations


class DataError(ValueError):
    """The observations cannot be used; the message says what is wrong and what is expected.

    Examples
    --------
    >>> import specfast as sf
    >>> try:
    ...     sf.learn.read("nothing.nc")
    ... except sf.learn.DataError as error:
    ...     print(error)
    nothing.nc: no such file
    """
