"""What a study gives: text, tables and figures, written as one Markdown page that says how it was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ..support import text
from ..support.machine import processor


@dataclass(frozen=True)
class Settings:
    """How a study is run.

    Attributes
    ----------
    quick : bool
        Small enough for the tests: it shows that everything runs, not how good it is.
    seeds : int
        How often every model is trained.
    train, test : path, optional
        Files of observations where a study can be given some.
    """

    quick: bool = False
    seeds: int = 1
    train: Path | None = None
    test: Path | None = None

    def of(self, quick: Any, full: Any) -> Any:
        """Return one of two sizes."""
        return quick if self.quick else full

    def page(self, name: str) -> str:
        """Return what a page and its figures are called: a study of a file stands beside that of fields made here."""
        return f"{name}_file" if self.train else name


@dataclass(frozen=True)
class Table:
    """Rows of text and numbers under headings."""

    headings: Sequence[str]
    rows: Sequence[Sequence[Any]]
    caption: str = ""

    def lines(self) -> list[str]:
        """Return it as Markdown."""
        head = ["| " + " | ".join(self.headings) + " |", "|---" * len(self.headings) + "|"]
        body = ["| " + " | ".join(_text(cell) for cell in row) + " |" for row in self.rows]
        return [*head, *body, *(["", self.caption] if self.caption else [])]


@dataclass(frozen=True)
class Figure:
    """A figure of matplotlib, its file's name and what it shows."""

    name: str
    figure: Any
    caption: str


@dataclass(frozen=True)
class Page:
    """The result of a study."""

    title: str
    parts: Sequence[str | Table | Figure]
    figures: dict[str, Any] = field(default_factory=dict)  # for tests and for whoever goes on with them

    def text(self) -> str:
        """Return the tables and texts as they are printed."""
        blocks = []
        for part in self.parts:
            if isinstance(part, Table):
                blocks.append("\n".join(part.lines()))
            elif isinstance(part, str):
                blocks.append(part)
        return "\n\n".join(blocks)

    def write(self, folder: Path, name: str, settings: Settings) -> Path:
        """Write the page and its figures; return where it is."""
        folder.mkdir(parents=True, exist_ok=True)
        blocks = [f"# {self.title}"]
        for part in self.parts:
            if isinstance(part, Figure):
                own = settings.page(part.name)
                part.figure.savefig(folder / f"{own}.png", dpi=110)
                _close(part.figure)
                blocks.append(f"![{part.caption}]({own}.png)\n\n*{part.caption}*")
            else:
                blocks.append("\n".join(part.lines()) if isinstance(part, Table) else part)
        blocks.append(f"*{provenance(name, settings)}*")
        path = folder / f"{settings.page(name)}.md"
        path.write_text(text.page(blocks))
        return path


def _close(figure: Any) -> None:
    import matplotlib.pyplot as plt

    plt.close(figure)


def provenance(name: str, settings: Settings) -> str:
    """Say how a page was made and on what."""
    own = " --quick" if settings.quick else ""
    own += f" --seeds {settings.seeds}" if settings.seeds > 1 else ""
    own += f" --train {settings.train.name}" if settings.train else ""
    own += f" --test {settings.test.name}" if settings.test else ""
    threads = torch.get_num_threads()
    return (
        f"Made by `specfast experiments {name}{own}` on {processor()}, {threads} thread{'s' * (threads > 1)}, torch {torch.__version__}."
        " Every number was measured in that run unless the text says otherwise."
    )


def _text(cell: Any) -> str:
    if isinstance(cell, float):
        return "" if cell != cell else f"{cell:.3g}"
    return str(cell)


def percent(error: float) -> str:
    """Return a relative error to be read."""
    return f"{100 * error:.3g} %"


def spread(values: Sequence[float]) -> str:
    """Return the median of several seeds' errors and their range."""
    ordered = sorted(values)
    middle = ordered[len(ordered) // 2]
    return percent(middle) + (f" ({percent(ordered[0])} to {percent(ordered[-1])})" if len(ordered) > 1 else "")


def plain_ticks(axis: Any, values: Sequence[float]) -> None:
    """Label these values, and no others, on a logarithmic axis."""
    from matplotlib.ticker import NullFormatter

    axis.set_ticks(list(values), [f"{value:g}" for value in values])
    axis.set_minor_formatter(NullFormatter())
