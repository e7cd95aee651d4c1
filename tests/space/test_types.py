"""What a type checker sees: tensors give tensors, NumPy arrays give NumPy arrays."""

import subprocess
import sys

import pytest

CODE = """
import numpy as np, torch, specfast as sf
space = sf.Space(sf.Hermite(degree=3))
tensor, array = torch.zeros(4), np.zeros(4)
reveal_type(space.synthesize(tensor, tensor, scale=2.0, derivative=1))
reveal_type(space.adjoint(array, array))
reveal_type(space.value_and_gradient(tensor, tensor))
reveal_type(space.fit(array, array))
"""


@pytest.mark.slow
def test_arrays_in_and_out(tmp_path):
    pytest.importorskip("mypy")
    file = tmp_path / "user.py"
    file.write_text(CODE)
    words = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"), "--follow-imports=silent", str(file)]
    said = subprocess.run(words, capture_output=True, text=True).stdout
    revealed = [line.split("Revealed type is ")[1] for line in said.splitlines() if "Revealed" in line]
    assert len(revealed) == 4, said
    for line, name in zip(revealed, ("torch", "ndarray", "tuple[torch", "ndarray"), strict=True):
        assert name in line.replace("_tensor.Tensor", ""), line
