"""What seems wrong with a training, in plain words, and what to try."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import torch
from torch import Tensor

from .. import adapt
from ..data.observations import DataError, Observations
from .encode import encode
from .encoder import Encoded
from .model import Model
from .splits import Split, until

SLOW_DECAY = 0.1  # the share of the top third of the degrees in a snapshot
HIGH = 0.2  # relative_l2
APART = 2.0  # between training and validation
RUNAWAY = 1.5  # of log beta, and of x0 in widths of the sensors' range


def diagnose(
    model: Model, data: Observations, training: Tensor, validation: Tensor, encoded: Encoded | None = None,
    *, last: Tensor | None = None,
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
    found = [_decay(model, seen, encoded), _gradients(model), _stiffness(model), _scale_shifts(model, seen, encoded)]
    return [line for line in [*found, *_errors(model, data, seen, encoded, parts)] if line]


def _decay(model: Model, data: Observations, encoded: Encoded) -> str | None:
    coef, indices = encoded.coef[data.observed], model.encoder.space.indices
    worst = max(float(adapt.frequency_indicator(coef, indices[:, axis]).median()) for axis in range(data.dim))
    if worst < SLOW_DECAY:
        return None
    return (
        f"the coefficients do not decay: the top third of the degrees holds {100 * worst:.0f} % of a snapshot; try a higher"
        " --degree, another --basis, or a moving basis (without --fixed-basis)"
    )


def _gradients(model: Model) -> str | None:
    steps = [record for record in model.history if "gradient_norm" in record and record["evaluations"] > 0]
    norms = [record["gradient_norm"] for record in steps if math.isfinite(record["loss"])]
    if not norms:
        return None
    typical = float(torch.tensor(norms).median())
    if typical > 1e3 or not math.isfinite(typical):
        return f"gradients explode (norm {typical:.1e} in most steps); try a smaller learning rate or a shorter window"
    if typical < 1e-9 and model.history[-1].get("loss", 0.0) > 1e-2:
        return (
            f"gradients vanish (norm {typical:.1e}) while the loss is {model.history[-1]['loss']:.1e}: nothing of the equation"
            " is left free to learn; check what is declared known or conserved, and the degree"
        )
    return None


def _stiffness(model: Model) -> str | None:
    steps = [record for record in model.history if "window" in record and record["evaluations"] > 0]
    failed = sum(not math.isfinite(record["loss"]) for record in steps)
    if steps and failed > 0.1 * len(steps):
        return (
            f"the solver gave up on {failed} of {len(steps)} recorded steps: the learned equation is stiff; try --method etdrk4,"
            " a lower --degree or a smaller learning rate"
        )
    work = [record["evaluations"] / record["window"] for record in steps]
    if work and float(torch.tensor(work).median()) > 100:
        return (
            f"the learned equation is stiff: {float(torch.tensor(work).median()):.0f} evaluations of it between two observations;"
            " try --method etdrk4 or a lower --degree"
        )
    return None


@torch.no_grad()
def _scale_shifts(model: Model, data: Observations, encoded: Encoded) -> str | None:
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
    return (
        f"{' and '.join(away)} run away from what any snapshot shows; try a larger --scale-shift-penalty"
        f" (now {model.metrics.get('scale_shift_penalty', 0.0):.2g}), or --fixed-basis"
    )


def _errors(model: Model, data: Observations, seen: Observations, encoded: Encoded, parts: Split) -> list[str]:
    # Each from where it is first observed; as many as there are for validation suffice.
    some = parts.training[: max(len(parts.validation), 32)]
    try:
        own = model.errors(seen.select(some), encoded.at(some, slice(None))).figures()["relative_l2"]
        model.metrics["training_relative_l2"] = own
        if parts.of is None:
            return [_both_high(own, None)] if own > HIGH else []
        other = model.errors(parts.tested(data)).figures()["relative_l2"]
    except DataError:
        return []
    lines = []
    if own > HIGH and other > HIGH:
        lines.append(_both_high(own, other))
    if other > APART * own and other > 0.02:
        lines.append(
            f"training error {100 * own:.2g} % far below validation's {100 * other:.2g} %: noise is fitted; try more"
            " trajectories, a smaller network, fewer --steps"
        )
    if own > APART * other and own > 0.02:
        lines.append(
            f"training error {100 * own:.2g} % far above validation's {100 * other:.2g} %: noisy or faulty training trajectories, or"
            " validation trajectories that are easier, or occur in training too"
        )
    return lines


def _both_high(own: float, other: float | None) -> str:
    what = f"the error of training ({100 * own:.0f} %) is high"
    if other is not None:
        what = f"errors of training ({100 * own:.0f} %) and validation ({100 * other:.0f} %) are both high"
    return (
        f"{what}: the state may not determine its"
        " rate; try --time-dependent, --depends-on-position, parameters of the equation in the file, more --steps, or a higher --degree"
    )


def lines_of(metrics: dict[str, Any]) -> list[str]:
    """Return what was found when the model was trained."""
    return list(metrics.get("training", {}).get("diagnosis", []))
