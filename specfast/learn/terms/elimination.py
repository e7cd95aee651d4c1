"""Sparse models from the integral form: from all candidates down, the weakest term of a field dropped at a time."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .integral_form import IntegralForm
from .library import Term

GROWTH = (1.01, 1.03, 1.1, 1.3, 1.6, 2.0, 3.0, 5.0, 10.0)  # what is left may grow by


@dataclass(frozen=True)
class SparseModel:
    """Terms, and the coefficients of each field (F, J)."""

    terms: tuple[Term, ...]
    values: Tensor

    @property
    def size(self) -> int:
        """How many coefficients are not 0."""
        return int((self.values != 0).sum())


@dataclass(frozen=True)
class _Step:
    active: tuple[int, ...]
    values: Tensor
    left: float


def _path(system: IntegralForm, field: int) -> list[_Step]:
    """Return the models of a field from all terms down to one."""
    active = list(range(len(system.terms)))
    values, left = system.solve(field, active)
    steps = [_Step(tuple(active), values, left)]
    while len(active) > 1:
        rests = [system.solve(field, [a for a in active if a != drop])[1] for drop in active]
        active.pop(min(range(len(active)), key=rests.__getitem__))
        values, left = system.solve(field, active)
        steps.append(_Step(tuple(active), values, left))
    return steps


def sparse_models(system: IntegralForm) -> list[SparseModel]:
    """Return models with fewer and fewer terms, the smallest first: for each factor of `GROWTH` the least that leave no more.

    Parameters
    ----------
    system : IntegralForm
        Of the trajectories that are trained on.
    """
    paths = [_path(system, field) for field in range(len(system.reduced))]
    found: dict[tuple[tuple[int, ...], ...], SparseModel] = {}
    for growth in GROWTH:
        chosen = [[step for step in path if step.left <= growth * path[0].left + 1e-12][-1] for path in paths]
        key = tuple(step.active for step in chosen)
        if key in found:
            continue
        used = sorted({j for step in chosen for j in step.active})
        values = system.reduced.new_zeros(len(chosen), len(used))
        for field, step in enumerate(chosen):
            places = [used.index(j) for j in step.active]
            values[field, places] = step.values
        found[key] = SparseModel(tuple(system.terms[j] for j in used), values)
    return sorted(found.values(), key=lambda model: model.size)
