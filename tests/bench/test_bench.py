"""Every case that is measured is also right, and so are the baselines it is measured against."""

import dataclasses
import importlib.util
import json
from pathlib import Path
from unittest import mock

import pytest
import torch

import specfast as sf
import specfast_cli as cli
from specfast import bench
from specfast.bench import baselines, compare, report, scaling, timing
from specfast.bench.baselines.expansions import TotalCase
from specfast.bench.cross import CrossCase
from specfast.bench.hardware import peak, with_peak_memory
from specfast.bench.suites import layer, transform
from specfast.bench.work import CannotError, relative_error
from specfast.kernels import reference

TIMED = {"rounds": 2, "budget": 0.001}


@pytest.mark.parametrize("case", [case.small() for case in bench.CASES], ids=lambda case: case.name)
def test_a_case_against_the_reference(case):
    coef, z, values = (part.double() for part in case.data())
    size, tolerance = case.shape[2], 1e-10 if case.dtype == torch.float64 else 1e-4
    result = transform.ours(case)()
    if case.operation == "synthesize":
        pairs = [(result, reference.synthesize(coef, z, case.family.name, 0))]
    elif case.operation == "adjoint":
        pairs = [(result, reference.adjoint(values, z, size, case.family.name, 0))]
    else:
        pairs = list(zip(result, reference.backward(values, coef, z, case.family.name, 0), strict=True))
    for found, expected in pairs:
        assert (found.double() - expected).abs().max() <= tolerance * expected.abs().max()
    assert transform.error(case, result) <= tolerance


@pytest.mark.parametrize("suite", bench.SUITES)
def test_every_piece_of_work_is_right_and_is_told_when_it_is_not(suite):
    for work in bench.works(suite, True):
        result = work.make()()
        assert work.error(result) <= work.tolerance
        assert min(work.terms, work.operations or 1, work.bytes) > 0
        first = result[0] if isinstance(result, (list, tuple)) else result
        wrong = torch.as_tensor(first).clone() if suite != "recurrence" else first * 1.01
        if suite != "recurrence":
            wrong.view(-1)[:1] += 1 + wrong.abs().max()
        spoilt = [wrong, *result[1:]] if isinstance(result, (list, tuple)) else wrong
        assert not work.error(spoilt) <= work.tolerance  # nor NaN


def test_a_wrong_kernel_ends_the_benchmark():
    work = bench.works("transform", True)[0]
    with pytest.raises(bench.WrongError, match="the error is"):
        bench.measure([dataclasses.replace(work, error=lambda result: 1.0)], **TIMED)
    with pytest.raises(bench.WrongError, match="nan"):
        bench.measure([dataclasses.replace(work, error=lambda result: float("nan"))], **TIMED)


@pytest.mark.parametrize("name", sorted(set(baselines.ONE_AXIS) - {"compile"}))
def test_baselines_on_one_axis_compute_the_same(name):
    """Each does at least one case, or is not installed."""
    done = 0
    for case in (case.small() for case in bench.CASES if not case.far):
        small = dataclasses.replace(case, shape=(*case.shape[:2], min(case.shape[2], 40)))
        try:
            result = baselines.ONE_AXIS[name](small)()
        except CannotError as reason:
            if str(reason) == "not installed":
                pytest.skip("not installed")
            continue
        expected = transform.ours(small)()
        assert relative_error(result, expected) < (1e-3 if case.dtype == torch.float32 else 1e-9)
        done += 1
    assert done


@pytest.mark.parametrize("name", baselines.CROSS)
def test_baselines_over_crosses_compute_the_same(name):
    done = 0
    for operation, channels in (("synthesize", 1), ("synthesize", 3), ("adjoint", 1), ("adjoint", 2), ("backward", 1)):
        case = CrossCase(operation, 3, 7, 50, channels)
        try:
            result = baselines.CROSS[name](case)()
        except CannotError:
            continue
        assert relative_error(result, case.ours()()) < 1e-11
        done += 1
    assert done == (1 if name == "padded" else 4)


@pytest.mark.parametrize("name", baselines.TOTAL)
def test_baselines_of_total_degree_compute_the_same(name):
    pytest.importorskip(name)
    case = TotalCase(3, 5, 40)
    expected = case.space.synthesize(torch.ones(case.space.size, dtype=torch.float64), case.at())
    assert relative_error(baselines.TOTAL[name](case)(), expected) < 1e-9


def test_layers_of_baselines_compute_the_same():
    for case in layer.cases(True):
        expected = case.forward_and_backward(case.make())()
        for name in ("eager", "eager KAN"):
            try:
                result = baselines.LAYER[name](case)()
            except CannotError:
                continue
            assert relative_error(result, expected) < 1e-3


def test_what_overflows_or_cannot_is_said():
    case = bench.Case("synthesize", sf.Hermite(), (2, 30, 400))
    row = bench.measure([transform.work(case)], ["numpy", "scipy", "torch.special", "blas", "eager"], **TIMED)[0]
    assert row["ratio"]["eager"] > 0 and "blas" not in {**row["ratio"], **row["notes"]}
    for name in ("numpy", "scipy", "torch.special"):
        assert row["notes"][name] == "overflows" or row["notes"][name].startswith("wrong by")
    assert "overflows" in bench.table([row]) or "wrong by" in bench.table([row])


def test_a_row_of_the_table():
    rows = bench.measure(bench.works("transform", True)[:1], ["eager"], **TIMED)
    assert rows[0]["ratio"]["eager"] > 0 and "of peak" in bench.table(rows)
    assert 0 <= rows[0]["error"] < 1e-10 and (rows[0]["peak_memory"] is None or rows[0]["peak_memory"] >= 0)
    loop, run_fma = peak(torch.float64)
    assert loop() == run_fma > 1e5


def test_memory_of_a_call():
    # Above 32 MiB: smaller blocks may come from memory that the process has had before.
    result, largest = with_peak_memory(lambda: float(torch.ones(8_000_000, dtype=torch.float64).sum()))
    assert result == 8e6 and (largest is None or 5e7 < largest < 2e8)


def test_a_slow_baseline_takes_part_in_a_few_turns():
    calls = {"slow": 0, timing.OURS: 0}

    def call(name):
        calls[name] += 1

    with mock.patch.object(timing, "PATIENCE", 0.0):
        samples = timing._turns({name: lambda name=name: call(name) for name in calls}, 9, 1e-9)
    assert [len(samples[name]) for name in ("slow", timing.OURS)] == [3, 9]
    assert calls == {"slow": 3 + 1, timing.OURS: 9 + 1}  # and the first call, which tells how often
    with mock.patch.object(timing, "SLOW", 0.0):
        samples = timing._turns({name: lambda name=name: call(name) for name in calls}, 9, 1e-9)
    assert [len(samples[name]) for name in ("slow", timing.OURS)] == [1, 9] and calls["slow"] == 4 + 1


def test_the_compiled_loop_computes_the_same():
    case = bench.Case("synthesize", sf.Hermite(), (2, 10, 3))
    assert relative_error(baselines.ONE_AXIS["compile"](case)(), transform.ours(case)()) < 1e-12


def test_a_baseline_that_breaks_is_a_note():
    def broken():
        raise ImportError("another library's trouble")

    work = dataclasses.replace(bench.works("transform", True)[0], baselines={"broken": broken})
    row = bench.measure([work], ["broken"], **TIMED)[0]
    assert row["notes"] == {"broken": "fails: ImportError"} and not row["ratio"]


def test_exponents():
    values = (1.0, 2.0, 4.0, 8.0, 16.0)
    sweep = scaling.Sweep("x", "n", values, tuple(3 * max(v, 4.0) ** 1.5 for v in values))
    assert sweep.exponent == pytest.approx(1.5)
    assert scaling.Sweep("x", "n", (1.0, 2.0), (4.0, 2.0)).exponent == pytest.approx(-1.0)


def _run(seconds, rate, spread=0.01):
    """Return a run of a machine of that many FMAs a second."""
    row = {
        "case": "a",
        "threads": 2,
        "seconds": seconds,
        "spread": spread,
        "turns": 1,
        "fma_per_second": rate,
    }
    return {"rows": [row, {**row, "case": str(seconds)}]}


def test_only_real_regressions_count():
    def one(*runs):
        (found,) = compare.changes(*runs)
        return found

    assert one(_run(1.0, 9e9), _run(1.5, 9e9)).regressed
    assert not one(_run(1.0, 9e9), _run(0.5, 9e9)).regressed
    assert not one(_run(1.0, 9e9), _run(1.05, 9e9)).regressed  # below a tenth
    assert not one(_run(1.0, 9e9), _run(1.5, 6e9)).regressed  # the machine was slower as well
    assert not one(_run(1.0, 9e9), _run(1.3, 9e9, spread=0.2)).regressed  # within the noise
    assert "slower" in compare.table([one(_run(1.0, 9e9), _run(1.5, 9e9))])
    with pytest.raises(ValueError, match="in common"):
        compare.changes({"rows": []}, _run(1.0, 9e9))


def test_bench_from_the_command_line(tmp_path, capsys):
    first, folder = tmp_path / "a.json", tmp_path / "pages"
    assert cli.main(["bench", "recurrence", "scaling", "--quick", "--json", str(first), "--plot", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "of peak" in said and "G FMAs/s" in said and "exponent" in said
    page = (folder / "bench.md").read_text()
    assert (
        page.count(".png)") == 4 == len(list(folder.glob("*.png")))
        and "specfast bench recurrence scaling --quick" in page
    )
    found = json.loads(first.read_text())
    assert found["rows"] and all(rate > 0 for rates in found["machine"]["rates"].values() for rate in rates.values())
    for row in found["rows"]:
        row["seconds"], row["fma_per_second"], row["spread"] = 1e-9, 1e6, 0.0
    first.write_text(json.dumps(found))
    with pytest.raises(SystemExit) as left:
        cli.main(["bench", "recurrence", "--quick", "--compare", str(first)])
    assert left.value.code == 1 and "slower" in capsys.readouterr().out
    for row in found["rows"]:
        row["seconds"] = 1e9
    first.write_text(json.dumps(found))
    assert cli.main(["bench", "recurrence", "--quick", "--compare", str(first), "--json", str(first)]) == 0
    assert json.loads(first.read_text())["rows"][0]["seconds"] < 1


def test_what_is_wrong_fails_the_command_once_all_else_is_kept(tmp_path, capsys):
    right = bench.works("transform", True)[0]
    both = [dataclasses.replace(right, name="off", error=lambda result: 0.5), right]
    with mock.patch.object(report, "works", return_value=both):
        assert cli.main(["bench", "transform", "--quick", "--json", str(tmp_path / "a.json")]) == 2
    said = capsys.readouterr()
    assert "off: the error is 5.0e-01" in said.err and said.err.count("off:") == 1 and "**Wrong:** off" in said.out
    assert [row["case"] for row in json.loads((tmp_path / "a.json").read_text())["rows"]] == [right.name]


def test_bad_input_of_bench_is_one_line(tmp_path, capsys):
    (tmp_path / "no.json").write_text("{}")
    for arguments, what in (
        (["nothing"], "'nothing' is none"),
        (["--baselines", "nobody"], "--baselines nobody"),
        (["--threads", "0"], "--threads 0"),
        (["--json", str(tmp_path)], "a file is expected"),
        (["--plot", str(tmp_path / "no.json" / "x")], "--plot"),
        (["--compare", str(tmp_path / "no.json")], "not a file of specfast bench"),
        (["--compare", str(tmp_path / "absent.json")], "absent.json"),
    ):
        assert cli.main(["bench", *arguments]) == 2
        said = capsys.readouterr().err
        assert what in said and said.count("\n") == 1


def script(name):
    """Return an entry script as a module."""
    path = Path(__file__).parents[2] / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_benchmark_of_a_gpu_on_the_host(tmp_path, capsys):
    script("gpu").main(["--device", "cpu", "--small", "--json", str(tmp_path / "gpu.json")])
    assert capsys.readouterr().out.count("| case |") == 3
    found = json.loads((tmp_path / "gpu.json").read_text())
    for row in (*found["sets"], *found["axes"]):
        assert row["synthesize_share"] > 0 and row["error"] < 1e-5 and row["baselines"]


def test_a_wrong_row_ends_the_benchmark():
    with pytest.raises(SystemExit, match="wrong"):
        script("gpu").checked({"case": "x"}, float("nan"), torch.float64)


def test_every_kernel_of_a_gpu_once(capsys):
    script("gpu_small").main("cpu")
    assert "done" in capsys.readouterr().out
