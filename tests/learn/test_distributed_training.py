"""Several processes that share a training learn what one does, agree where one fails, and go on where one dies."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from fields import moving_gaussian
from several import in_processes

from specfast import learn
from specfast.learn.distributed import Processes
from specfast_cli import main

D = torch.float64


def observations():
    """Return a field that moves, with gaps, and with times of each trajectory's own in half of them."""
    data, *_ = moving_gaussian(12, sensors=40)
    data.values[3, 4, 0, ::2] = torch.nan
    data.values[5, 0] = torch.nan
    times = data.times.clone()
    times[6:] *= 1.01
    return data, replace(data, times=times)


CASES = {
    "following": {"fixed": False, "degree": 6, "batch": 5},
    "own times": {"fixed": False, "degree": 5, "batch": 4},
    "fewer than processes": {"fixed": True, "degree": 8, "batch": 3},
    "adjoint": {"fixed": True, "degree": 6, "batch": 6, "adjoint": True},
    "equal steps": {"fixed": True, "degree": 6, "batch": 6, "method": "rk4"},
    "own times, fewer than processes": {"fixed": True, "degree": 6, "batch": 1, "method": "midpoint"},
}


def trained(group=None):
    shared, own = observations()
    found = {}
    for name, options in CASES.items():
        data = own if name.startswith("own times") else shared
        model = learn.fit(data, steps=8, progress=False, group=group, hidden=(16,), **options)
        record = {key: value for key, value in model.history[-1].items() if key != "seconds"}
        found[name] = model.dynamics.state_dict(), record
    return found


def trained_in_group():
    return trained(dist.group.WORLD)


@pytest.mark.parametrize("count", [2, 4])
def test_several_processes_learn_what_one_does(count):
    alone, together = trained(), in_processes(count, trained_in_group)
    for name in CASES:
        weights, record = alone[name]
        for rank, found in enumerate(together):
            for key, value in weights.items():
                torch.testing.assert_close(
                    found[name][0][key], value, rtol=1e-8, atol=1e-10, msg=f"{name} {rank} {key}"
                )
            assert found[name][1] == pytest.approx(record, rel=1e-7), (name, rank)


def one_fails():
    """Process 1 fails alone, while the others choose a step; then all agree, and go on."""
    processes, norms = Processes(dist.group.WORLD), []
    for attempt in range(2):
        if not (attempt == 0 and processes.rank == 1):
            for _ in range(3):
                norms.append(float(processes.norm((torch.full((2, 3), 2.0, dtype=D), torch.ones(0, dtype=D)))))
        norms.append(processes.any_failed(processes.rank == 1 and attempt == 0))
    mine = torch.arange(7)
    return norms, processes.own(mine), processes.gather(lambda rows: [10 * rows], 7)[0]


def test_a_process_that_fails_alone_is_heard():
    results = in_processes(3, one_fails)
    for rank, (norms, own, gathered) in enumerate(results):
        first = [] if rank == 1 else [float("nan")] * 3
        assert norms == pytest.approx([*first, True, 2.0, 2.0, 2.0, False], nan_ok=True)
        assert torch.equal(own, torch.arange(7)[rank::3]) and torch.equal(gathered, 10 * torch.arange(7))


def different_arguments():
    data, _ = observations()
    messages = []
    for steps in (2 + dist.get_rank(), 2):
        values = data.values.clone()
        values[0, 0, 0, 0] += dist.get_rank() if steps == 2 else 0
        try:
            learn.fit(replace(data, values=values), steps=steps, progress=False, group=dist.group.WORLD)
        except learn.DataError as error:
            messages.append(str(error))
    return messages


def test_processes_with_other_arguments_or_data_are_refused():
    for messages in in_processes(2, different_arguments):
        assert len(messages) == 2 and all("differs between the processes" in message for message in messages)


DEMO = str(Path(__file__).parents[2] / "examples" / "data" / "diffusion.nc")


def start(folder, count, *more):
    words = ["-m", "torch.distributed.run", "--nproc-per-node", str(count), *more, "-m", "specfast", "learn", DEMO]
    words += ["--hold-out", "4", "--steps", "80", "--degree", "6", "--fixed-basis", "--out", str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )  # fmt: skip


def process_of(rank, folder):
    """Return the process that torchrun started with a rank."""
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(folder).encode() in (entry / "cmdline").read_bytes():
                if f"\0RANK={rank}\0".encode() in b"\0" + (entry / "environ").read_bytes() + b"\0":
                    return int(entry.name)
        except OSError:
            continue
    return None


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes as Linux lists them")
def test_a_process_dies_and_torchrun_goes_on(tmp_path):
    folder = tmp_path / "model"
    launcher = start(folder, 2, "--max-restarts", "1")
    try:
        deadline = time.monotonic() + 120
        while not (folder / "log.jsonl").exists() or (folder / "log.jsonl").read_text().count("\n") < 4:
            assert launcher.poll() is None, launcher.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(process_of(1, folder), signal.SIGKILL)
        usable = learn.load(folder)  # as it is left
        output, errors = launcher.communicate(timeout=200)
    finally:
        if launcher.poll() is None:
            launcher.terminate()
            launcher.wait(60)
    assert launcher.returncode == 0 and "report" in output, errors
    assert usable.dynamics.state_dict()
    model = learn.load(folder)
    assert model.metrics["training"]["steps"] == 80
    data = learn.read(DEMO)
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))[4:].sort().values
    alone = learn.fit(data.select(order), steps=80, degree=6, fixed=True, extent=data, progress=False)
    for name, value in alone.dynamics.state_dict().items():
        torch.testing.assert_close(model.dynamics.state_dict()[name], value, rtol=1e-6, atol=1e-9)


def test_what_is_wrong_is_said_once_and_a_restart_replaces_nothing(tmp_path):
    done = tmp_path / "done"
    words = ["--steps", "2", "--degree", "4", "--fixed-basis", "--out", str(done)]
    assert main(["learn", DEMO, *words, "--seed", "5"]) == 0
    (done / "training.safetensors").unlink()
    kept = (done / "weights.safetensors").read_bytes()
    again = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--max-restarts", "1", "-m", "specfast", "learn",
         DEMO, *words, "--seed", "1"],
        capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert again.returncode != 0 and again.stderr.count("a run is there already") == 2
    assert (done / "weights.safetensors").read_bytes() == kept
    process = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "specfast", "learn",
         str(tmp_path / "none.nc"), "--out", str(tmp_path / "model")],
        capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert process.returncode != 0
    assert process.stderr.count("no such file") == 1 and not (tmp_path / "model").exists()
