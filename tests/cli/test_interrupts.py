"""Ctrl-C at start-up, while training and while the report is drawn: one line that is true, and no traceback."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from specfast import learn
from specfast_cli import main

ROOT = Path(__file__).parents[2]
DEMO = str(ROOT / "examples" / "data" / "diffusion.nc")
SMALL = ["--degree", "6", "--fixed-basis"]

# Runs the command line with one function that says READY and sleeps, at its call of a given number.
SLEEPING = """
import importlib, signal, sys, time
from specfast_cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell runs in the background
where, name, count, stubborn = sys.argv[1:5]
owner = importlib.import_module(where.split(":")[0])
for part in where.split(":")[1:]:
    owner = getattr(owner, part)
plain, calls = getattr(owner, name), iter(range(int(count)))

def sleeping(*args, **options):
    if next(calls, None) is not None:
        return plain(*args, **options)
    try:
        print("READY", flush=True)
        time.sleep(100)
    except KeyboardInterrupt:
        if stubborn == "stubborn":
            print("AGAIN", flush=True)
            time.sleep(100)
        raise

setattr(owner, name, sleeping)
sys.exit(main(sys.argv[5:]))
"""


def begin(words):
    return subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, bufsize=1
    )


def interrupted(place, arguments, count=0, stubborn=False):
    """Interrupt the command line within a function; return the code and what was said."""
    where, name = place
    words = ["-c", SLEEPING, where, name, str(count), "stubborn" if stubborn else "once", *map(str, arguments)]
    process = begin(words)
    for sign in ["READY", *["AGAIN"] * stubborn]:
        for line in process.stdout:
            if line.strip() == sign:
                break
        process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=100)
    assert "Traceback" not in errors, errors
    said = [line for line in errors.splitlines() if line.startswith("specfast: interrupted")]
    return process.returncode, said


STEP = ("specfast.learn.trainer:Trainer", "step")
CHOICE = ("specfast.learn.train", "choose_encoder")
REPORT = ("specfast.learn.report", "write_report")
DIAGNOSIS = ("specfast.learn.train", "diagnose")


@pytest.mark.parametrize("module", ["specfast", "specfast_cli"])
def test_at_start_up(module, tmp_path):
    process = begin(["-X", "importtime", "-m", module, "learn", DEMO, "--out", str(tmp_path / "run")])
    for line in process.stderr:
        if "| " in line and line.split("|")[-1].strip().startswith("torch."):
            break
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=100)
    lines = [line for line in errors.splitlines() if not line.startswith("import time:")]
    assert process.returncode == 130 and output == ""
    assert lines == ["specfast: interrupted; nothing was written"]


def test_before_training_nothing_was_written(tmp_path):
    out = tmp_path / "run"
    command = ["learn", DEMO, *SMALL, "--out", out, "--steps", "4"]
    assert interrupted(CHOICE, command) == (130, ["specfast: interrupted; nothing was written"])
    assert not out.exists()
    assert main([str(word) for word in command]) == 0
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    assert interrupted(CHOICE, [*command, "--overwrite"]) == (130, [f"specfast: interrupted; {out} is as it was"])
    assert before == {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


@pytest.mark.parametrize("several", [[], ["--ensemble", "2"]])
def test_while_training(tmp_path, several):
    out = tmp_path / "run"
    command = ["learn", DEMO, *SMALL, "--out", out, "--steps", "6", *several]
    code, said = interrupted(STEP, command, count=9 if several else 3)
    assert code == 130
    which = " of run 2 of 2" if several else ""
    assert said == [
        f"specfast: interrupted after 3 of 6 steps{which}; {out} holds the best weights so far, and the same command with"
        " --resume goes on"
    ]
    assert main([*map(str, command), "--resume"]) == 0
    assert [run.metrics["training"]["steps"] for run in learn.load_ensemble(out).models] == [6] * (len(several) or 1)


def test_between_the_runs_of_an_ensemble(tmp_path):
    out = tmp_path / "run"
    command = ["learn", DEMO, *SMALL, "--out", out, "--steps", "4", "--ensemble", "2"]
    code, said = interrupted(CHOICE, command, count=1)
    assert code == 130
    assert said == [
        f"specfast: interrupted; {out} holds the best weights so far, and the same command with --resume goes on"
    ]
    assert main(["report", str(out)]) == 0  # the data are known
    assert main([*map(str, command), "--resume"]) == 0


@pytest.mark.parametrize("place", [REPORT, DIAGNOSIS])
def test_after_training_the_model_is_there(tmp_path, place):
    out = tmp_path / "run"
    code, said = interrupted(place, ["learn", DEMO, *SMALL, "--out", out, "--steps", "4"])
    line = f"the model is in {out}, its report is not complete; `specfast report {out}` writes it"
    assert (code, said) == (130, [f"specfast: interrupted; {line}"])
    assert not (out / "report.html").exists()
    assert main(["report", str(out)]) == 0 and (out / "report.html").exists()


def test_the_second_ends_the_process_at_once(tmp_path):
    code, said = interrupted(REPORT, ["learn", DEMO, *SMALL, "--out", tmp_path / "r", "--steps", "2"], stubborn=True)
    assert code == -signal.SIGINT and said == []  # 130 in a shell


def test_other_commands(tmp_path):
    out = tmp_path / "run"
    assert main(["learn", DEMO, *SMALL, "--out", str(out), "--steps", "2"]) == 0
    nothing = (130, ["specfast: interrupted; nothing was written"])
    evaluation = ("specfast.learn.ensemble:Ensemble", "evaluate")
    assert interrupted(evaluation, ["evaluate", out, DEMO, "--json", tmp_path / "e.json"]) == nothing
    assert not (tmp_path / "e.json").exists()
    assert interrupted(REPORT, ["report", out]) == nothing
    prediction = ("specfast.learn.ensemble:Ensemble", "predict_dataset")
    assert interrupted(prediction, ["predict", out, DEMO, "--out", tmp_path / "p.nc"]) == nothing
    assert not (tmp_path / "p.nc").exists()


def test_what_a_bench_has_measured_is_named(tmp_path):
    numbers = tmp_path / "numbers.json"
    timed = ("specfast.bench.report", "save")
    command = ["bench", "recurrence", "--quick", "--json", numbers]
    assert interrupted(timed, command) == (130, ["specfast: interrupted; nothing was written"])
    kept = f"specfast: interrupted; {numbers} holds what was measured so far"
    assert interrupted(timed, command, count=1) == (130, [kept])
    assert numbers.exists()


def stops(*_, **__):
    raise KeyboardInterrupt


def test_the_page_of_a_bench_that_is_not_complete_is_named(tmp_path, monkeypatch, capsys):
    from specfast.bench import report

    monkeypatch.setattr(report, "run", lambda *_, **__: {"rows": [], "wrong": []})
    monkeypatch.setattr(report, "text", lambda found: "")
    monkeypatch.setattr(report, "write", stops)
    numbers, pages = tmp_path / "numbers.json", tmp_path / "pages"
    assert main(["bench", "recurrence", "--plot", str(pages)]) == 130
    assert capsys.readouterr().err == f"specfast: interrupted; the page in {pages} is not complete\n"
    assert main(["bench", "recurrence", "--plot", str(pages), "--json", str(numbers)]) == 130
    line = f"specfast: interrupted; {numbers} holds the numbers, the page in {pages} is not complete\n"
    assert capsys.readouterr().err == line and numbers.exists()


@pytest.mark.parametrize("number", range(4))
def test_the_pages_of_studies_that_are_complete_are_named(tmp_path, monkeypatch, capsys, number):
    import specfast.experiments as studies

    first, second = list(studies.STUDIES)[:2]
    moments = iter(range(4))  # of each study: it is run, its page is written

    def moment():
        if next(moments) == number:
            raise KeyboardInterrupt

    class Page:
        title = "page"

        def text(self):
            return ""

        def write(self, *_):
            moment()

    def run(*_):
        moment()
        return Page()

    monkeypatch.setattr(studies, "run", run)
    assert main(["experiments", first, second, "--out", str(tmp_path)]) == 130
    complete = f"{tmp_path} holds the pages of {first}"
    wanted = [
        "nothing was written",
        f"the page of {first} is not complete",
        complete,
        f"{complete}; the page of {second} is not complete",
    ]
    assert capsys.readouterr().err == f"specfast: interrupted; {wanted[number]}\n"


def test_an_ensemble_that_went_on_is_not_as_it_was(tmp_path):
    out = tmp_path / "run"
    command = ["learn", DEMO, *SMALL, "--out", out, "--steps", "2", "--ensemble"]
    assert main([*map(str, command), "2"]) == 0
    code, said = interrupted(DIAGNOSIS, [*command, "3", "--resume"], count=2)  # after the third run, the only new one
    assert code == 130 and "the same command with --resume goes on" in said[0]
    code, said = interrupted(DIAGNOSIS, [*command, "3", "--resume"])
    assert (code, said) == (130, [f"specfast: interrupted; {out} is as it was"])


def test_the_handler_is_put_back():
    before = signal.getsignal(signal.SIGINT)
    assert main(["evaluate", "nothing", "nothing"]) == 2
    assert signal.getsignal(signal.SIGINT) is before
