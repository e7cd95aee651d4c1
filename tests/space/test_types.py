"""What a type checker sees: tensors give tensors, NumPy arrays give NumPy arrays."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import specfast

CODE = """
import numpy as np, torch, specfast as sf
space = sf.Space(sf.Hermite(degree=3))
tensor, array = torch.zeros(4), np.zeros(4)
reveal_type(space.synthesize(tensor, tensor, scale=2.0, derivative=1))
reveal_type(space.adjoint(array, array))
reveal_type(space.value_and_gradient(tensor, tensor))
reveal_type(space.fit(array, array))
reveal_type(space.nodes())
reveal_type(space.nodes(namespace="numpy"))
reveal_type(space.grid(scale=tensor)[0])
reveal_type(space.quadrature(namespace="numpy")[0])
reveal_type(sf.nn.Synthesis(space).scale_and_shift()["scale"])
reveal_type(sf.adapt.moments(tensor, tensor))
space.nodes(namespace="jax")
space.fit(array, array, solver="cg")
"""
GIVEN = (
    "torch",
    "ndarray",
    "tuple[torch",
    "ndarray",
    "torch",
    "ndarray",
    "torch",
    "ndarray",
    "torch",
    "tuple[float, float, float]",
)
# Public names in these packages say what they take; of the solver's options and right-hand side they cannot.
PACKAGES = ("adapt", "distributed", "families", "index_sets", "nn", "quadrature", "space")
ANYTHING = {"SpectralODE.__init__(dynamics)", "SpectralODE.__init__(options)"}


@pytest.mark.slow
def test_arrays_in_and_out(tmp_path):
    pytest.importorskip("mypy")
    file = tmp_path / "user.py"
    file.write_text(CODE)
    words = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"), "--follow-imports=silent", str(file)]
    said = subprocess.run(words, capture_output=True, text=True).stdout
    revealed = [line.split("Revealed type is ")[1] for line in said.splitlines() if "Revealed" in line]
    assert len(revealed) == len(GIVEN), said
    for line, name in zip(revealed, GIVEN, strict=True):
        assert name in line.replace("_tensor.Tensor", "").replace("builtins.", ""), line
    assert 'No overload variant of "nodes"' in said and 'Argument "solver" to "fit"' in said, said


def signatures(body, prefix=""):
    """Yield the name and the annotation of everything that public functions take and give."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from signatures(node.body, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef) and (not node.name.startswith("_") or node.name == "__init__"):
            own = node.args
            several = [argument for argument in (own.vararg, own.kwarg) if argument is not None]
            for argument in (*own.posonlyargs, *own.args, *own.kwonlyargs, *several):
                yield f"{prefix}{node.name}({argument.arg})", argument.annotation
            yield f"{prefix}{node.name}", node.returns


@pytest.mark.parametrize("package", PACKAGES)
def test_no_public_signature_says_anything_goes(package):
    folder, found = Path(specfast.__file__).parent / package, set()
    for file in folder.glob("*.py"):
        for name, annotation in signatures(ast.parse(file.read_text()).body):
            if annotation is not None and any(isinstance(n, ast.Name) and n.id == "Any" for n in ast.walk(annotation)):
                found.add(name)
    assert found <= ANYTHING
