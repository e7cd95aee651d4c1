"""What is refused before PyTorch is imported, and that it is what the learner would refuse."""

import subprocess
import sys
from pathlib import Path

import pytest

from specfast import learn
from specfast.learn import basis_choice
from specfast_cli import learn_checks

ROOT = Path(__file__).parents[2]
DEMO = str(ROOT / "examples" / "data" / "diffusion.nc")

# Says after the run whether PyTorch was imported: that, not the time, is what tells a refusal at once.
SCRIPT = "import sys; from specfast_cli import main; code = main(sys.argv[1:]); print(code, 'torch' in sys.modules)"


def refused(*arguments):
    words = [sys.executable, "-c", SCRIPT, *map(str, arguments)]
    found = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=100, check=False)
    assert found.stdout == "2 False\n", (found.stdout, found.stderr)
    assert found.stderr.count("\n") == 1
    return found.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--basis", "hermit"], "basis='hermit'"),
        (["--basis", "hermite,fourrier"], "basis='fourrier'"),
        (["--method", "dopri"], "method='dopri': one of dopri8, dopri5"),
        (["--steps", "0"], "--steps 0: at least 1"),
        (["--degree", "0"], "degree=0: at least 1"),
        (["--hold-out", "-1"], "--hold-out -1: at least 0"),
        (["--seed", "-1"], "--seed -1"),
        (["--ensemble", "1"], "--ensemble 1: at least 2"),
        (["--scale-shift-penalty", "nan"], "--scale-shift-penalty nan"),
        (["--known", "1=2", "1=3"], "given twice"),
        (["--fixed-basis", "--moving-basis"], "one of the two"),
        (["--local", "--moving-basis"], "local=2: nodes stay"),
        (["--translation-invariant", "--depends-on-position"], "one of the two"),
        (["--resume"], "no training to resume here"),
        (["--resume", "--overwrite"], "one of the two"),
    ],
)
def test_options(tmp_path, options, words):
    assert words in refused("learn", DEMO, "--out", tmp_path / "run", *options)
    assert not (tmp_path / "run").exists()


def test_files_and_folders(tmp_path):
    assert "no such file" in refused("learn", tmp_path / "nothing.nc", "--out", tmp_path / "run")
    (tmp_path / "file").write_text("")
    assert "not a folder that can be written to" in refused("learn", DEMO, "--out", tmp_path / "file" / "run")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text("{}")
    assert "a run is there already" in refused("learn", DEMO, "--out", tmp_path / "run")
    assert "no run here" in refused("evaluate", tmp_path / "none", DEMO)
    assert "not a folder that can" in refused("evaluate", tmp_path / "run", DEMO, "--json", tmp_path / "file" / "e")
    assert "no such file" in refused("report", tmp_path / "run", "--data", tmp_path / "nothing.nc")


def test_the_names_are_those_of_the_learner():
    assert learn_checks.BASES == tuple(basis_choice.BASES)
    for name in learn_checks._solvers():
        learn.check_method(name)
    with pytest.raises(learn.DataError) as error:
        learn.check_method("nothing")
    assert all(
        name in learn_checks._solvers() for name in str(error.value).split("one of ")[1].split(" is ")[0].split(", ")
    )


def test_names_are_left_to_the_learner_where_the_solvers_cannot_be_read(monkeypatch):
    monkeypatch.setattr(learn_checks.importlib.util, "find_spec", lambda name: None)
    learn_checks.check_names("hermite", "anything")
