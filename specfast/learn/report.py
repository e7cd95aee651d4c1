"""One HTML page of a run, with its figures."""

from __future__ import annotations

import base64
import io
import struct
from pathlib import Path

from ..data import Observations
from ..support.files import written_whole
from . import figures
from .diagnostics import lines_of
from .ensemble import Ensemble
from .model import Model
from .progress import phase
from .terms.dynamics import TermDynamics

# All is in the page itself: it is read without a network, and may be sent alone.
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>specfast report of {{ name }}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222}
img{max-width:100%;height:auto}table{border-collapse:collapse}td,th{padding:.2rem 1rem .2rem 0;text-align:left}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}</style>
<h1>Learned equation: {{ "%.2f"|format(100 * error) }} % error on {{ what }}</h1>
<table>{% for name, value in facts %}<tr><th>{{ name }}</th><td>{{ value }}</td></tr>{% endfor %}</table>
{% if equation %}<h2>The equation</h2><p>Sums of terms; digits in brackets are the standard deviation of the last ones.</p>
<pre>{{ equation }}</pre>
{% if candidates %}<table><tr><th>candidate</th><th>error where it was not fitted</th></tr>
{% for own in candidates %}<tr><td>{{ own.terms|join(", ") }}{% if own.chosen %} (chosen){% endif %}</td>
<td>{% if own.relative_l2 is none %}failed{% else %}{{ "%.3g"|format(100 * own.relative_l2) }} %{% endif %}</td></tr>{% endfor %}
</table>{% endif %}{% endif %}
{% if advice %}<h2>What to look at</h2><ul>{% for line in advice %}<li>{{ line }}</li>{% endfor %}</ul>{% endif %}
{% for title, note, image, width, height in figures %}<h2>{{ title }}</h2><p>{{ note }}</p>
<img alt="{{ title }}" width="{{ width }}" height="{{ height }}" src="data:image/png;base64,{{ image }}">
{% endfor %}</html>
"""
_NAMES = ("fields", "error", "scale_shift", "coefficients", "loss")


def write_report(
    ensemble: Ensemble, data: Observations, folder: Path, judged: Observations | None = None, what: str = ""
) -> Path:  # fmt: skip
    """Write fields.png, error.png, scale_shift.png, coefficients.png, loss.png and report.html into a folder; return the page.

    Nothing is written before all is drawn.

    Parameters
    ----------
    ensemble : Ensemble
        The run.
    data : Observations
        What it is compared with.
    folder : Path
        Where to.
    judged : Observations, optional
        What the error in the headline is of; default: `data`.
    what : str
        How that is called.

    Returns
    -------
    Path
    """
    with phase("drawing the report"):
        drawn = draw(figures.Shown(ensemble, data, ensemble.predict_dataset(data)[0]))
        judged = data if judged is None else judged
        page = _page(ensemble, judged, what or f"{len(judged)} trajectories", folder.absolute().name, drawn)
    for name in _NAMES:
        if name in drawn:
            with written_whole(folder / f"{name}.png") as temporary:
                temporary.write_bytes(drawn[name][2])
        else:  # of an earlier run
            (folder / f"{name}.png").unlink(missing_ok=True)
    target = folder / "report.html"
    with written_whole(target) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return target


def equation_lines(model: Model) -> list[str]:
    """Return the equation of a model, a line a field; none where it is a network.

    Parameters
    ----------
    model : Model
        Of any kind.

    Returns
    -------
    list of str
    """
    return str(model.equation()).splitlines() if isinstance(model.dynamics, TermDynamics) else []


def draw(shown: figures.Shown) -> dict[str, tuple[str, str, bytes]]:
    """Return title, note and PNG of every figure by its name, in matplotlib's own style whatever the user's is."""
    from matplotlib import style

    found = {}
    with style.context("default"):
        for name, title, note, make in figures.choose(shown):
            image = io.BytesIO()
            make(shown).savefig(image, format="png", dpi=110, bbox_inches="tight")
            found[name] = title, note, image.getvalue()
    return found


def _page(
    ensemble: Ensemble, judged: Observations, what: str, name: str, drawn: dict[str, tuple[str, str, bytes]]
) -> str:  # fmt: skip
    import jinja2

    model, metrics = ensemble.models[0], ensemble.evaluate(judged)
    training = model.metrics.get("training", {})
    facts = [
        ("median trajectory", f"{100 * metrics['median_trajectory']:.2f} %"),
        ("encoder", str(model.encoder)),
        ("failed predictions", str(len(metrics["failed"]))),
        ("training", f"{training.get('steps', 0)} steps, {training.get('seconds', 0):.0f} s"),
    ]
    if len(ensemble) > 1:
        facts.insert(1, ("ensemble", f"{len(ensemble)} runs, spread {100 * metrics['spread']:.2f} % of the field"))
    images = [
        (title, note, base64.b64encode(image).decode(), *struct.unpack(">II", image[16:24]))  # a PNG's width and height
        for title, note, image in drawn.values()
    ]
    return (
        jinja2.Environment(autoescape=True)
        .from_string(_PAGE)
        .render(
            name=name,
            error=metrics["relative_l2"],
            what=what,
            facts=facts,
            advice=lines_of(model.metrics),
            equation="\n".join(equation_lines(model)),
            candidates=model.metrics.get("terms", {}).get("candidates", []),
            figures=images,
        )
    )
