"""Pictures and one HTML page of a run."""

from __future__ import annotations

import base64
from pathlib import Path

import torch
from torch import Tensor

from .data import Observations
from .encode import encode
from .run import Run

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>specfast report</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222}
img{max-width:100%}table{border-collapse:collapse}td,th{padding:.2rem 1rem .2rem 0;text-align:left}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}</style>
<h1>Learned equation: {{ "%.2f"|format(100 * error) }} % error on {{ count }} trajectories</h1>
<table>{% for name, value in facts %}<tr><th>{{ name }}</th><td>{{ value }}</td></tr>{% endfor %}</table>
{% for title, note, image in pictures %}<h2>{{ title }}</h2><p>{{ note }}</p><img alt="{{ title }}" src="data:image/png;base64,{{ image }}">
{% endfor %}</html>
"""


def write_report(run: Run, data: Observations, folder: Path) -> Path:
    """Write fields.png, error.png, coefficients.png, loss.png and report.html into a folder; return the page."""
    import jinja2
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    predicted = run.forecast(data)
    metrics = run.evaluate(data)
    drawn = [
        (
            "fields",
            "Observed (dots) and predicted (lines)",
            "Each panel is one held-out trajectory; colour is time.",
            _fields,
        ),
        ("error", "Error over time", "Relative L2 error over all trajectories; the start is given.", _error),
        ("coefficients", "Decay of the coefficients", "Root mean square over trajectories and times.", _coefficients),
        ("loss", "Training", "Loss of a batch, and error on trajectories kept aside for validation.", _loss),
    ]
    pictures = []
    for name, title, note, draw in drawn:
        figure = draw(plt, run, data, predicted, metrics)
        figure.savefig(folder / f"{name}.png", dpi=110, bbox_inches="tight")
        plt.close(figure)
        pictures.append((title, note, base64.b64encode((folder / f"{name}.png").read_bytes()).decode()))
    space = run.basis.space
    facts = [
        ("median trajectory", f"{100 * metrics['median_trajectory']:.2f} %"),
        ("basis", f"{type(space.families[0]).__name__}, degree {space.size - 1}"),
        ("scale, shift", f"{run.basis.scale:.4g}, {run.basis.shift:.4g}"),
        ("failed predictions", str(len(metrics["failed"]))),
        ("training time", f"{run.metrics.get('training', {}).get('seconds', float('nan')):.0f} s"),
    ]
    page = jinja2.Environment(autoescape=True).from_string(_PAGE)
    target = folder / "report.html"
    target.write_text(page.render(error=metrics["relative_l2"], count=len(data), facts=facts, pictures=pictures))
    return target


def _fields(plt, run, data, predicted, metrics):  # type: ignore[no-untyped-def]
    count = min(3, len(data))
    figure, axes = plt.subplots(1, count, figsize=(4.2 * count, 3.4), squeeze=False, sharey=True, layout="constrained")
    colours = plt.get_cmap("viridis")
    shown = torch.linspace(0, data.values.shape[1] - 1, min(4, data.values.shape[1])).round().long().tolist()
    for row, axis in enumerate(axes[0]):
        order = data.points[row].argsort()
        for t in shown:
            colour = colours(0.9 * t / max(1, data.values.shape[1] - 1))
            axis.plot(data.points[row][order], data.values[row, t, 0][order], ".", ms=3, color=colour)
            axis.plot(
                data.points[row][order],
                predicted[row, t, 0][order],
                "-",
                lw=1.2,
                color=colour,
                label=f"t = {data.times[row, t]:.3g}",
            )
        axis.set(xlabel="x", title=f"trajectory {row}")
    axes[0, 0].set_ylabel(data.channels[0])
    axes[0, 0].legend(fontsize=8)
    return figure


def _error(plt, run, data, predicted, metrics):  # type: ignore[no-untyped-def]
    figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
    pairs = [(float(t), 100 * e) for t, e in zip(data.times[0], metrics["per_time"], strict=True) if e is not None]
    axis.plot([t for t, _ in pairs], [e for _, e in pairs], "o-")
    axis.set(xlabel="time", ylabel="relative L2 error (%)", ylim=(0, None))
    return figure


def _coefficients(plt, run, data, predicted, metrics):  # type: ignore[no-untyped-def]
    size: Tensor = encode(run.basis, data).square().mean((0, 1)).sqrt()
    figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
    for channel, name in enumerate(data.channels):
        axis.semilogy(size[channel].clamp_min(1e-16), "o-", ms=3, label=name)
    axis.set(xlabel="degree n", ylabel="|c_n| (rms, data of size 1)")
    axis.legend()
    return figure


def _loss(plt, run, data, predicted, metrics):  # type: ignore[no-untyped-def]
    figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
    for key, label in (("loss", "loss"), ("validation", "validation relative L2")):
        points = [(h["step"], h[key]) for h in run.history if key in h]
        axis.semilogy([s for s, _ in points], [v for _, v in points], ".-", label=label)
    axis.set(xlabel="step")
    axis.legend()
    return figure
