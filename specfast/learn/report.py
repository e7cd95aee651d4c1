"""One HTML page of a run, with its pictures."""

from __future__ import annotations

import base64
from pathlib import Path

from . import pictures
from .data import Observations
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

    run.check(data)
    predicted = run.forecast(data)
    metrics = run.evaluate(data)
    shown = []
    for name, title, note, draw in pictures.choose(data.dim):
        figure = draw(plt, run, data, predicted, metrics)
        figure.savefig(folder / f"{name}.png", dpi=110, bbox_inches="tight")
        plt.close(figure)
        shown.append((title, note, base64.b64encode((folder / f"{name}.png").read_bytes()).decode()))
    training = run.metrics.get("training", {})
    facts = [
        ("median trajectory", f"{100 * metrics['median_trajectory']:.2f} %"),
        ("basis", str(run.basis)),
        ("failed predictions", str(len(metrics["failed"]))),
        ("training", f"{training.get('steps', 0)} steps, {training.get('seconds', 0):.0f} s"),
    ]
    page = jinja2.Environment(autoescape=True).from_string(_PAGE)
    target = folder / "report.html"
    target.write_text(page.render(error=metrics["relative_l2"], count=len(data), facts=facts, pictures=shown))
    return target
