"""Pages of Markdown with prose wrapped: no line longer than a screen is wide."""

from __future__ import annotations

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
