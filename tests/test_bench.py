"""Every case that is measured is also right, and so are the peers it is measured against."""

import importlib.util
import json
from pathlib import Path

import pytest
import torch

from specfast import bench
from specfast.bench.measure import bound, ours
from specfast.bench.peers import PEERS
from specfast.kernels import reference


@pytest.mark.parametrize("case", [case.small() for case in bench.CASES], ids=lambda case: case.name)
def test_a_case_against_the_reference(case):
    coef, z, values = (part.double() for part in case.data())
    size, tolerance = case.shape[2], 1e-10 if case.dtype == torch.float64 else 1e-4
    result = ours(case)()
    if case.operation == "synthesize":
        pairs = [(result, reference.synthesize(coef, z, case.family.name, 0))]
    elif case.operation == "adjoint":
        pairs = [(result, reference.adjoint(values, z, size, case.family.name, 0))]
    else:
        pairs = list(zip(result, reference.backward(values, coef, z, case.family.name, 0), strict=True))
    for found, expected in pairs:
        assert (found.double() - expected).abs().max() <= tolerance * expected.abs().max()


@pytest.mark.parametrize("name", sorted(set(PEERS) - {"compile", "jax"}))
def test_peers_compute_the_same(name):
    case = next(c for c in bench.CASES if c.operation == "synthesize" and c.shared == (name == "blas")).small()
    result = torch.as_tensor(PEERS[name](case)())
    torch.testing.assert_close(result, ours(case)())


def test_a_row_of_the_table():
    rows = bench.measure([bench.CASES[0].small()], ["eager"], rounds=1, budget=0.001)
    assert rows[0]["ratio"]["eager"] > 0 and "of bound" in bench.table(rows)
    loop, multiply_adds = bound(torch.float64)
    assert loop() == multiply_adds > 1e5


def script(name):
    """Return an entry script as a module."""
    path = Path(__file__).parents[1] / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_benchmark_of_a_card_on_the_host(tmp_path, capsys):
    script("gpu").main(["--device", "cpu", "--small", "--json", str(tmp_path / "gpu.json")])
    assert capsys.readouterr().out.count("| case |") == 3
    found = json.loads((tmp_path / "gpu.json").read_text())
    for row in (*found["sets"], *found["axes"]):
        assert row["synthesize_share"] > 0 and row["error"] < 1e-5 and row["peers"]


def test_a_wrong_row_ends_the_benchmark():
    with pytest.raises(SystemExit, match="wrong"):
        script("gpu").checked({"case": "x"}, float("nan"), torch.float64)


def test_every_kernel_of_a_card_once(capsys):
    script("gpu_small").main("cpu")
    assert "done" in capsys.readouterr().out
