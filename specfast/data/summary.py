"""What a file would be learned from, in lines: before anything is trained."""

from __future__ import annotations

import math

import numpy as np

from .field import Field
from .observations import Observations, observations

SAMPLE = 1 << 24  # numbers that are looked at


def summary(field: Field) -> list[tuple[str, str]]:
    """Return what would be learned from: what was recognised, sizes, units, gaps, noise, and what stands out.

    Parameters
    ----------
    field : Field
        What `open` gives.

    Returns
    -------
    list of (str, str)
        A heading and a text each.

    Examples
    --------
    >>> import numpy as np, specfast as sf
    >>> x, t = np.linspace(-5, 5, 40), np.linspace(0, 1, 6)
    >>> dict(sf.data.summary(sf.data.open(np.exp(-(x**2) / (1 + t[:, None])), x=x, t=t)))["times"]
    '6, 0 to 1, unit not said, evenly spaced'
    """
    data = observations(_part(field))
    count, _, _, sensors = field.shape
    lines = [("layout", field.layout), ("field", _channels(field))]
    lines.append(("trajectories", f"{count}"))
    lines.append(("times", _times(field)))
    lines += [(f"axis {axis}", _axis(field, i)) for i, axis in enumerate(field.axes)]
    kind = f"scattered, {sensors}" if field.scattered else " x ".join(str(len(p)) for p in field.positions) + " grid"
    lines.append(
        ("sensors", kind + ("" if len(field.positions[0]) == 1 or not field.scattered else ", each trajectory its own"))
    )
    if field.parameters is not None:
        spans = (
            f"{n} {low:g} to {high:g}"
            for n, low, high in zip(
                field.parameter_names, field.parameters.min(0), field.parameters.max(0), strict=True
            )
        )
        lines.append(("parameters", ", ".join(spans)))
    whole = len(data) == count
    lines.append(("gaps", _gaps(data) + ("" if whole else f" (of the first {len(data)} trajectories)")))
    lines.append(("values", _values(data)))
    lines.append(("noise", _noise(data)))
    lines.append(("memory", f"{8 * math.prod(field.shape) / 2**20:.3g} MiB as float64"))
    lines += [("note", note) for note in field.notes]
    return lines


def _part(field: Field) -> Field:
    """Return as many trajectories as are quickly looked at."""
    row = math.prod(field.shape[1:])
    return field.select(slice(0, max(1, min(field.shape[0], SAMPLE // max(1, row)))))


def _channels(field: Field) -> str:
    names = []
    for part in field.components:
        kind = "complex" if part.complex else str(np.dtype(part.variable.array.dtype))
        units = next((field.units[label] for label in part.labels if label in field.units), "")
        names.append(f"{part.variable.name} {part.variable.shape} {kind}" + (f", {units}" if units else ""))
    several = f"; channels {', '.join(field.channels)}" if len(field.channels) > 1 else ""
    return ", ".join(names) + several


def _times(field: Field) -> str:
    numbers = field.times
    gaps = np.diff(numbers, axis=-1)
    own = "" if len(numbers) == 1 else ", each trajectory its own"
    even = (
        "evenly spaced"
        if gaps.size and np.allclose(gaps, gaps.flat[0], rtol=1e-3)
        else f"steps {gaps.min():g} to {gaps.max():g}"
        if gaps.size
        else "one"
    )
    units = f" {field.time_units}" if field.time_units else ", unit not said"
    return f"{numbers.shape[1]}, {numbers.min():g} to {numbers.max():g}{units}, {even}{own}"


def _axis(field: Field, axis: int) -> str:
    column = field.positions[axis]
    units = field.units.get(field.axes[axis], "")
    ring = ", periodic" if field.axes[axis] in field.periodic else ""
    return f"{np.nanmin(column):g} to {np.nanmax(column):g}" + (f" {units}" if units else ", unit not said") + ring


def _gaps(data: Observations) -> str:
    absent = sum(int(some.values.isnan().sum()) for _, some in data.blocks())
    if not absent:
        return "none"
    empty = int((~data.observed).sum())
    share = 100 * absent / data.values.numel()
    return f"{share:.2g} % not observed" + (f", {empty} snapshots empty" if empty else "")


def _values(data: Observations) -> str:
    low = min(float(some.values.nan_to_num(nan=math.inf).min()) for _, some in data.blocks())
    high = max(float(some.values.nan_to_num(nan=-math.inf).max()) for _, some in data.blocks())
    return f"{low:.4g} to {high:.4g}"


def _noise(data: Observations) -> str:
    """Return an estimate of white noise from neighbours in time and in space.

    Of values a, b, c side by side b - (a + c) / 2 is 1.5 times the variance of the noise, and nearly nothing of a field that is
    smooth over them; the least of the directions is shown, since a field may not be smooth along one.
    """
    size = data.largest
    found = []
    values = data.values[: max(1, min(len(data), 64))].double() / size
    for axis in (1, 3):
        view = values
        if axis == 3 and (data.dim > 1 or data.values.shape[3] < 5):
            if data.grid is None:
                continue
            view = values.reshape(-1, len(data.grid[-1])) if data.grid is not None else values
            axis = 1
        elif axis == 3:
            order = data.points[:1].argsort(-1)[0] if len(data.points) == 1 else None
            view = (
                values[..., order]
                if order is not None
                else values.gather(3, data.points[: len(values)].argsort(-1)[:, None, None].expand_as(values))
            )
        if view.shape[axis] < 5:
            continue
        left = view.narrow(axis, 1, view.shape[axis] - 2) - 0.5 * (
            view.narrow(axis, 0, view.shape[axis] - 2) + view.narrow(axis, 2, view.shape[axis] - 2)
        )
        found.append(float((left.square().nanmean() / 1.5).sqrt()))
    if not found:
        return "not estimated: fewer than five neighbours"
    power = float(values.square().nanmean().sqrt())
    share = 100 * min(found) / max(power, 1e-300)
    return (
        f"at most {share:.2g} % of the field's root mean square, by neighbouring values"
        if math.isfinite(share)
        else "not estimated"
    )


def text(field: Field) -> str:
    """Return the summary as text."""
    return "\n".join(f"{name:12} {value}" for name, value in summary(field))
