"""The studies behind `specfast experiments`: each trains ours and its baselines on the same data and writes one page.

A study is a module here with a function `study(settings) -> Page`; `STUDIES` lists them.
"""

from __future__ import annotations

import importlib

from .pages import Figure, Page, Settings, Table

# Name, and what it is about in one line.
STUDIES = {
    "bounded": "viscous Burgers on an interval, with noise, inside the training window and beyond, beside grid methods",
    "reaction": "reaction and diffusion on an interval, likewise",
    "front": "a sharp front carried along on an interval, likewise",
    "moving_basis": "heat and drift on the line: a moving basis beside a fixed one, and the learned operator",
    "bases": "line, half-line and interval, each in Hermite, Laguerre, Chebyshev and Legendre functions",
    "packets": "Schroedinger's packets on two to four axes, by gamma, and on six with 100,000 coefficients",
    "sharp": "a travelling front, a jump, a bump that splits into two: where many functions are needed, and what helps",
    "scale_shift": "noise, and the weight lambda that holds scale and shift to those of the snapshots",
    "tails": "fractional diffusion: tails that fall off like a power, in Hermite functions and in what suits them",
    "nonlocal": "jumps on the line, from 2 to 100 trajectories, beside methods on a box",
    "schroedinger": "from start fields to fields at one later time: operator learning on the line",
}


# Those that learn from a file where they are given one.
FROM_FILES = ("bounded", "nonlocal", "schroedinger")


def run(name: str, settings: Settings) -> Page:
    """Run a study.

    Raises
    ------
    ValueError
        If there is none of this name, or files are given to one that takes none, or one to judge by without one to learn from.
    """
    if name not in STUDIES:
        raise ValueError(f"experiments: {name!r} is none; {', '.join(STUDIES)} are expected")
    if settings.train and name not in FROM_FILES:
        raise ValueError(f"--train {settings.train}: {name} makes its own fields; {', '.join(FROM_FILES)} take files")
    if settings.test and not settings.train:
        raise ValueError(f"--test {settings.test}: a file to train with, --train, is expected too")
    return importlib.import_module(f"specfast.experiments.{name}").study(settings)  # type: ignore[no-any-return]


__all__ = ["FROM_FILES", "STUDIES", "Figure", "Page", "Settings", "Table", "run"]
