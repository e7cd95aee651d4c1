"""The examples that swap a layer run, and what they swap in learns; their full figures take a minute."""

import importlib.util
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("name", "steps", "bound"), [("neural_operator", 60, 0.2), ("physics_informed", 80, 0.05), ("neural_ode", 60, 0.1)]
)
def test_a_swap_learns(name, steps, bound, capsys):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    errors = module.main(steps)
    assert errors["specfast"] < bound, errors
    assert capsys.readouterr().out.count("\n") == len(errors)
