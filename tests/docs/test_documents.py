"""The examples of docstrings, README and docs run as printed."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import specfast

ROOT = Path(__file__).parents[2]
MODULES = ["specfast"] + [
    module.name
    for module in pkgutil.walk_packages(specfast.__path__, "specfast.")
    if not module.name.endswith(("_cpu", "kernels.cpu", "triton_sum"))
]
PAGES = ["README.md", "docs/space.md", "docs/kernels.md", "docs/layers.md", "docs/data.md"]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("page", PAGES)
def test_python_of_a_page(page):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.S)
    assert blocks
    exec("\n".join(blocks), {})


def test_links_of_pages_lead_somewhere():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("**/*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), (page, target)
