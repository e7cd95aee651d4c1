"""Texts: pages of Markdown with prose wrapped, and values as the calls that make them again."""

from __future__ import annotations

import inspect
import math
import textwrap
from collections.abc import Sequence

_WIDTH = 118
_AS_IT_IS = ("|", "#", "!", "```", "    ")  # tables, headings, figures, code


def page(blocks: Sequence[str]) -> str:
    r"""Return blocks of Markdown as one text with an empty line between them, prose wrapped.

    Parameters
    ----------
    blocks : sequence of str
        Paragraphs, headings, tables, figures.

    Returns
    -------
    str
        Ends with a line feed.

    Examples
    --------
    >>> page(["# Title", "word " * 40]).count("\n")
    4
    """
    parts = "\n\n".join(blocks).split("\n\n")
    return "\n\n".join(_wrapped(part) for part in parts) + "\n"


def _wrapped(paragraph: str) -> str:
    if any(line.startswith(_AS_IT_IS) for line in paragraph.splitlines()):
        return paragraph
    return textwrap.fill(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False)


def constructor_text(value: object, positional: bool = False) -> str:
    """Return the call that makes an equal value: the arguments of its class that differ from their defaults.

    Those that a class cannot do without stand without their names; whole numbers without a point.

    Parameters
    ----------
    value : object
        Whose attributes are called as the parameters of its class.
    positional : bool
        Whether the first of the others stand without their names too.

    Returns
    -------
    str

    Examples
    --------
    >>> import specfast as sf
    >>> constructor_text(sf.Laguerre(0.5, sign=-1), positional=True), constructor_text(sf.HyperbolicCross(8, gamma=-1.0))
    ('Laguerre(0.5, sign=-1)', 'HyperbolicCross(8, gamma=-1)')
    """
    words, bare = [], True
    for name, parameter in inspect.signature(type(value)).parameters.items():
        required, own = parameter.default is parameter.empty, getattr(value, name)
        if not required and own == parameter.default:
            bare = False
            continue
        unnamed = parameter.kind is not parameter.KEYWORD_ONLY and bare and (required or positional)
        words.append(_argument_text(own) if unnamed else f"{name}={_argument_text(own)}")
    return f"{type(value).__name__}({', '.join(words)})"


def _argument_text(value: object) -> str:
    """Return Python's text for a number, for several, or for anything else."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_argument_text, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    return repr(int(value)) if isinstance(value, float) and value == int(value) and abs(value) < 2**53 else repr(value)
