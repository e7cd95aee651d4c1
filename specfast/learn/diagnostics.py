"""What seems wrong with a training, in plain words, and what to try."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .. import adapt
from ..data import DataError, Observations
from .advice import Advice, to_try
from .encode import encode
from .encoder import Encoded
from .error_measures import persistence
from .model import Model
from .residuals import residual
from .splits import Split, until

SLOW_DECAY = 0.1  # the share of the top third of the degrees in a snapshot
HIGH = 0.2  # relative_l2
APART = 2.0  # between training and validation
MOST = 0.5  # of the field, left by the encoding
COUNTS = 0.02  # relative_l2 below which an error is no matter
RUNAWAY = 1.5  # of log beta, and of x0 in widths of the sensors' range
ENDS = 0.05  # of an axis on either side
SPIKES = 0.5  # of the squared error, within the ends
LOOKED_AT = 32  # trajectories


def diagnose(
    model: Model, data: Observations, training: Tensor, validation: Tensor, encoded: Encoded | None = None,
    *, last: Tensor | None = None, asked: Mapping[str, Any] | None = None,
) -> list[str]:  # fmt: skip
    """Return a line for everything that looks wrong with a run, given its data and which trajectories it used how.

    Parameters
    ----------
    model : Model
        The run.
    data : Observations
        What it was trained with.
    training, validation : Tensor of integers
        Which trajectories were trained on, and which judged; none where nothing was kept from training.
    encoded : Encoded, optional
        The states of what could be trained on, which need not be sought again then.
    last : Tensor (R,), optional
        The number of each trajectory's last time that could be trained on, where the later ones judged.
    asked : mapping, optional
        The arguments of `fit` that were given, which are not advised again.

    Returns
    -------
    list of str
        Empty where nothing looks wrong.

    Examples
    --------
    >>> import specfast as sf
    >>> model = sf.learn.fit(data, "hermite")  # doctest: +SKIP
    >>> sf.learn.diagnose(model, data, torch.arange(0, 90), torch.arange(90, 100))  # doctest: +SKIP
    """
    end = torch.full((len(data),), data.values.shape[1] - 1)
    last = end if last is None else last
    of: Any = None if len(validation) == 0 else "times" if bool((last < end).any()) else "trajectories"
    parts = Split(training, validation, of, last, 0.0)
    seen = until(data, last)
    encoded = encode(model.encoder, seen) if encoded is None else encoded
    advice = Advice(model, seen, asked or {})
    found = [
        _decay(advice, encoded),
        _encoding(advice, encoded, training),
        _gradients(advice),
        _stiffness(advice),
        _scale_shifts(advice, encoded),
        *_errors(advice, data, encoded, parts),
    ]
    return [line for line in found if line]


def _decay(advice: Advice, encoded: Encoded) -> str | None:
    data, encoder = advice.data, advice.model.encoder
    coef = encoded.coef[data.observed]
    worst = max(
        float(adapt.frequency_indicator(coef, encoder.degrees_along(axis)).median()) for axis in range(data.dim)
    )
    if worst < SLOW_DECAY:
        return None
    return (
        f"the coefficients do not decay: the top third of the degrees holds {100 * worst:.0f} % of a snapshot"
        + to_try(advice.higher_degree(), "another --basis", advice.moving_basis())
    )


def _encoding(advice: Advice, encoded: Encoded, training: Tensor) -> str | None:
    found = advice.model.metrics.get("encoding")
    if found is None:
        own = encoded.at(training, slice(None)).scale_shift
        found = residual(advice.model.encoder, advice.data.select(training), own).to_dict()
    if found["kind"] != "unresolved":
        if found["relative_l2"] < MOST:
            return None
        return (
            f"the encoding leaves {100 * found['relative_l2']:.0f} % of the field: noise, or waves of fewer than four sensors"
            + to_try("more sensors", advice.moving_basis())
        )
    return (
        f"the encoding leaves {100 * found['relative_l2']:.2g} % of the field, and not as noise: neighbouring sensors agree in it"
        + to_try(advice.higher_degree(), "another --basis", advice.moving_basis())
    )


def _gradients(advice: Advice) -> str | None:
    history = advice.model.history
    steps = [record for record in history if "gradient_norm" in record and record["evaluations"] > 0]
    norms = [record["gradient_norm"] for record in steps if math.isfinite(record["loss"])]
    if not norms:
        return None
    typical = float(torch.tensor(norms).median())
    if typical > 1e3 or not math.isfinite(typical):
        return f"gradients explode (norm {typical:.1e} in most steps)" + to_try(
            "a smaller learning_rate (of learn.fit)", advice.lower_degree()
        )
    if typical < 1e-9 and history[-1].get("loss", 0.0) > 1e-2:
        return (
            f"gradients vanish (norm {typical:.1e}) while the loss is {history[-1]['loss']:.1e}: nothing of the equation"
            " is left free to learn; check what is declared known or conserved, and the degree"
        )
    return None


def _stiffness(advice: Advice) -> str | None:
    steps = [record for record in advice.model.history if "window" in record and record["evaluations"] > 0]
    failed = sum(not math.isfinite(record["loss"]) for record in steps)
    if steps and failed > 0.1 * len(steps):
        return (
            f"the solver gave up on {failed} of {len(steps)} recorded steps: the learned equation is stiff, or grows without bound"
            + to_try(advice.exponential(), advice.lower_degree(), "a smaller learning_rate (of learn.fit)")
        )
    work = [record["evaluations"] / record["window"] for record in steps]
    if work and float(torch.tensor(work).median()) > 100:
        return (
            f"the learned equation is stiff: {float(torch.tensor(work).median()):.0f} evaluations of it between two observations"
            + to_try(advice.exponential(), advice.lower_degree())
        )
    return None


@torch.no_grad()
def _scale_shifts(advice: Advice, encoded: Encoded) -> str | None:
    model, data = advice.model, advice.data
    if not model.encoder.moving:
        return None
    seen, dim = data.observed, data.dim
    own = encoded.scale_shift
    assert own is not None
    low, high = own[seen].amin(0), own[seen].amax(0)
    first, excess = data.first, torch.zeros(2 * dim, dtype=own.dtype)
    for start in first.unique().tolist():
        rows = (first == start).nonzero()[:, 0]
        part = data.select(rows)
        with contextlib.suppress(ArithmeticError, RuntimeError):  # which is named by what the solver did
            scale_shift = model.roll_out(encoded.at(rows, start), part.times[:, start:], part.parameters).scale_shift
            assert scale_shift is not None
            excess = torch.maximum(excess, torch.maximum(scale_shift - high, low - scale_shift).amax((0, 1)))
    room = torch.cat([torch.full((dim,), RUNAWAY), RUNAWAY * (high - low)[dim:].clamp_min(1.0)])
    names = [f"beta along {axis}" for axis in data.axes] + [f"x0 along {axis}" for axis in data.axes]
    away = [name for name, e, r in zip(names, excess, room, strict=True) if e > r]
    if not away:
        return None
    return f"{' and '.join(away)} run away from what any snapshot shows" + to_try(
        advice.scale_shift_penalty(), advice.fixed_basis()
    )


def _errors(advice: Advice, data: Observations, encoded: Encoded, parts: Split) -> list[str | None]:
    """Return what the forecasts say: from each trajectory's first snapshot, in what was trained on and in what was not."""
    model, some = advice.model, parts.training[: max(len(parts.validation), LOOKED_AT)]
    trained = advice.data.select(some)
    try:
        figures = model.errors(trained, encoded.at(some, slice(None))).figures()
        own = model.metrics["training_relative_l2"] = figures["relative_l2"]
        if parts.of is None:
            high = _both_high(advice, own, None) if own > HIGH else None
            return [_failing(advice, figures), high, _at_the_ends(advice, trained)]
        tested = parts.tested(data)
        other = model.errors(tested).figures()
    except DataError:
        return []
    worse = _no_better_than_rest(advice, trained, tested, own, other["relative_l2"], parts.of)
    return [
        _failing(advice, other) or _failing(advice, figures),
        worse,
        *_apart(advice, own, other["relative_l2"], parts.of, worse is not None and parts.of == "times"),
        _at_the_ends(advice, tested),
    ]


def _failing(advice: Advice, figures: dict[str, Any]) -> str | None:
    if not figures["failed"]:
        return None
    return (
        f"the solver gave up on the forecasts of {len(figures['failed'])} of {figures['trajectories']} trajectories: the learned equation"
        " is stiff, or grows without bound" + to_try(advice.exponential(), advice.lower_degree(), "more --steps")
    )


def _no_better_than_rest(
    advice: Advice, trained: Observations, tested: Observations, own: float, other: float, of: str
) -> str | None:  # fmt: skip
    """Name a model whose forecasts of what it was not trained on are worse than that nothing changes."""
    rest, rest_later = persistence(trained), persistence(tested)
    if not (other > rest_later and other > COUNTS):
        return None
    where = "after the times trained on" if of == "times" else "on trajectories not trained on"
    line = f"{where} the forecast is worse than that nothing changes ({100 * other:.2g} % against {100 * rest_later:.2g} %)"
    if own < rest:
        line += f", though better on what was trained on ({100 * own:.2g} % against {100 * rest:.2g} %)"
        line += ": the equation is not found, its data are learned by heart"
    else:
        line += ": the equation is not found"
    return line + to_try(advice.same_everywhere(), advice.local(), "known terms (--known)", "more trajectories")


def _apart(advice: Advice, own: float, other: float, of: str, said: bool) -> list[str | None]:
    lines: list[str | None] = []
    if own > HIGH and other > HIGH:
        lines.append(_both_high(advice, own, other))
    if other > APART * own and other > COUNTS and not said:
        where, why = "validation's", "noise is fitted"
        if of == "times":
            where, why = (
                "that at the times held out,",
                "noise is fitted, or an equation that holds only where it was seen",
            )
        lines.append(
            f"training error {100 * own:.2g} % far below {where} {100 * other:.2g} %: {why}"
            + to_try("more trajectories", advice.same_everywhere(), "a smaller network (hidden, of learn.fit)", "fewer --steps")
        )  # fmt: skip
    if own > APART * other and own > COUNTS and of == "trajectories":
        lines.append(
            f"training error {100 * own:.2g} % far above validation's {100 * other:.2g} %: noisy or faulty training trajectories, or"
            " validation trajectories that are easier, or occur in training too"
        )
    return lines


@torch.no_grad()
def _at_the_ends(advice: Advice, data: Observations) -> str | None:
    """Name an axis near the ends of which most of the error lies, with far more a sensor than elsewhere."""
    model, some = advice.model, data.select(torch.arange(min(len(data), LOOKED_AT)))
    after = torch.arange(some.values.shape[1]) > some.first[:, None]
    wrong = (model.predict_dataset(some) - some.values).where(after[:, :, None, None], torch.nan) / data.largest
    wrong = wrong.where(wrong.isfinite(), torch.nan)
    if not float(wrong.square().nansum()) > COUNTS**2 * float((some.values / data.largest).square().nansum()):
        return None
    for axis, family in enumerate(model.encoder.space.families):
        x = some.coordinate(axis)
        beta, x0 = family.standard_scale_shift()
        low, high = (x0 + end / beta for end in family.domain) if family.bounded else (float(x.min()), float(x.max()))
        width = ENDS * (high - low)
        outer = ((x < low + width) | (x > high - width))[:, None, None].expand_as(wrong)
        at_ends, inside = (wrong[part & ~wrong.isnan()].square() for part in (outer, ~outer))
        if len(at_ends) == 0 or len(inside) == 0:
            continue
        share = float(at_ends.sum() / (at_ends.sum() + inside.sum()))
        if share > SPIKES and at_ends.mean() > 10 * inside.mean():
            return (
                f"{100 * share:.0f} % of the squared error lies at the ends of {data.axes[axis]}, in {100 * ENDS:.0f} % of it on either side"
                + to_try(advice.local() if family.bounded else None, advice.lower_degree(), "more sensors there")
            )
    return None


def _both_high(advice: Advice, own: float, other: float | None) -> str:
    what = f"the error of training ({100 * own:.0f} %) is high"
    if other is not None:
        what = f"errors of training ({100 * own:.0f} %) and validation ({100 * other:.0f} %) are both high"
    return f"{what}: the state may not determine its rate" + to_try(
        advice.time_dependent(),
        advice.depends_on_position(),
        advice.parameters(),
        "more --steps",
        advice.higher_degree(),
    )


def lines_of(metrics: dict[str, Any]) -> list[str]:
    """Return what was found when the model was trained."""
    return list(metrics.get("training", {}).get("diagnosis", []))
