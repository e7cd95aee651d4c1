"""A model whose right-hand side is a sum of terms, from observations: encoder, search, forecasts, metrics."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any, Literal

from torch import Tensor

from ..data import DataError, Observations
from ..data.match import Signature
from .dynamics import DynamicsConfig
from .encoder import Encoded, FieldEncoder
from .known_terms import KnownTerms
from .model import Model
from .splits import Split
from .terms.dynamics import TermDynamics
from .terms.library import Term
from .terms.rates import Fields
from .terms.search import find_equation

Choice = Literal["network", "terms", "auto"]
CHOICES = ("network", "terms", "auto")
WELL = 1.5  # times what the basis leaves: forecasts that are as good need no other candidate
ALIKE = 1.25  # times the error of the network, that forecasts by terms may have


def why_not(config: DynamicsConfig, fixed: bool | None) -> str | None:
    """Return what was asked for that a sum of terms cannot have; None where nothing was."""
    asked = {
        "parameters of the equation": config.parameters > 0,
        "time_dependent=True": config.time_dependent,
        "local": config.local is not None,
        "fixed=False": fixed is False,
    }
    return next((name for name, given in asked.items() if given), None)


def check_choice(model: object, config: DynamicsConfig, fixed: bool | None) -> None:
    """Refuse a choice that there is not, or that does not go with what else was asked for."""
    if model not in CHOICES:
        raise DataError(f"model={model!r}: one of {', '.join(CHOICES)} is expected")
    reason = why_not(config, fixed)
    if model == "terms" and reason is not None:
        raise DataError(f"model='terms': {reason} cannot go with it; model='network' takes it")


def sparse_model(
    encoder: FieldEncoder, seen: Observations, encoded: Encoded, data: Observations, parts: Split, config: DynamicsConfig,
    solver: dict[str, Any],
) -> Model:  # fmt: skip
    """Return the sparse equation as a model; ``metrics["terms"]`` has its candidates and its error where it was not fitted.

    Parameters
    ----------
    encoder : FieldEncoder
        With a fixed basis.
    seen, encoded : Observations, Encoded
        What may be trained on, and the states of its snapshots.
    data : Observations
        All of it.
    parts : Split
        Which trajectories and times judge.
    config, solver : DynamicsConfig, dict
        What is known, and how forecasts are integrated.
    """
    started = time.monotonic()
    signature, judged = Signature.of(seen), parts.judged(data, encoded)

    def build(terms: tuple[Term, ...], values: Tensor) -> TermDynamics:
        dynamics = TermDynamics(encoder, seen.channels, replace(config, terms=terms))
        dynamics.set_values(values)
        return dynamics

    def judge(dynamics: TermDynamics) -> float | None:
        if judged is None:
            return None
        try:
            error = float(Model(encoder, dynamics, solver, signature).errors(*judged).figures()["relative_l2"])
        except DataError:
            return math.inf
        return error if math.isfinite(error) else math.inf

    known = KnownTerms(encoder, config.known) if config.known else None
    found = find_equation(encoder, seen, encoded.coef, parts.training, known, build, judge)
    model = Model(encoder, build(found.chosen.terms, found.chosen.values), solver, signature)
    fields = Fields(seen.channels)
    model.metrics["terms"] = {
        "candidates": found.table(fields.names, signature.axes),
        "standard_deviations": None if found.deviations is None else found.deviations.tolist(),
        "validation_relative_l2": found.chosen.error,
    }
    model.metrics["training"] = {
        "steps": 0, "seconds": time.monotonic() - started, "trajectories": len(parts.training),
        "validation_relative_l2": found.chosen.error, "weights": "by the integral form and by shooting", "interrupted": False,
    }  # fmt: skip
    model.metrics["equation"] = model.equation().to_dict()
    return model


def settles(sparse: Model, left: float) -> bool:
    """Return whether forecasts by terms are as good as the basis itself, so that no other candidate is needed."""
    error = sparse.metrics["terms"]["validation_relative_l2"]
    return error is not None and error <= max(WELL * left, 1e-3)


def better(sparse: Model, network: Model) -> Model:
    """Return the sum of terms where its forecasts are nearly as good as the network's, else that."""
    errors = [model.metrics["training"]["validation_relative_l2"] for model in (sparse, network)]
    if errors[0] is not None and errors[1] is not None and errors[0] <= ALIKE * errors[1]:
        return sparse
    network.metrics["terms"] = sparse.metrics["terms"]
    return network
