"""One HTML page of a run, with its figures."""

from __future__ import annotations

import base64
from pathlib import Path

from ..data import Observations
from . import figures
from .diagnostics import lines_of
from .ensemble import Ensemble

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>specfast report</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222}
img{max-width:100%}table{border-collapse:collapse}td,th{padding:.2rem 1rem .2rem 0;text-align:left}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}</style>
<h1>Learned equation: {{ "%.2f"|format(100 * error) }} % error on {{ count }} trajectories</h1>
<table>{% for name, value in facts %}<tr><th>{{ name }}</th><td>{{ value }}</td></tr>{% endfor %}</table>
{% if advice %}<h2>What to look at</h2><ul>{% for line in advice %}<li>{{ line }}</li>{% endfor %}</ul>{% endif %}
{% for title, note, image in figures %}<h2>{{ title }}</h2><p>{{ note }}</p><img alt="{{ title }}" src="data:image/png;base64,{{ image }}">
{% endfor %}</html>
"""


def write_report(ensemble: Ensemble, data: Observations, folder: Path) -> Path:
    """Write fields.png, error.png, scale and shift.png, coefficients.png, loss.png and report.html into a folder; return the page."""
    import jinja2
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    model = ensemble.models[0]
    metrics = ensemble.evaluate(data)
    predicted, _ = ensemble.predict_dataset(data)
    shown = []
    for name, title, note, draw in figures.choose(model):
        figure = draw(plt, ensemble, data, predicted, metrics)
        figure.savefig(folder / f"{name}.png", dpi=110, bbox_inches="tight")
        plt.close(figure)
        shown.append((title, note, base64.b64encode((folder / f"{name}.png").read_bytes()).decode()))
    training = model.metrics.get("training", {})
    facts = [
        ("median trajectory", f"{100 * metrics['median_trajectory']:.2f} %"),
        ("encoder", str(model.encoder)),
        ("failed predictions", str(len(metrics["failed"]))),
        ("training", f"{training.get('steps', 0)} steps, {training.get('seconds', 0):.0f} s"),
    ]
    if len(ensemble) > 1:
        facts.insert(1, ("ensemble", f"{len(ensemble)} runs, spread {100 * metrics['spread']:.2f} % of the field"))
    page = jinja2.Environment(autoescape=True).from_string(_PAGE)
    target = folder / "report.html"
    advice = lines_of(model.metrics)
    target.write_text(
        page.render(error=metrics["relative_l2"], count=len(data), facts=facts, advice=advice, figures=shown)
    )
    return target
