"""Threads, processes and instruction sets: same bits everywhere, one OpenMP runtime, safe after fork."""

import multiprocessing
import os
import subprocess
import sys
import threading

import pytest
import torch

import specfast as sf

cpu = pytest.importorskip("specfast.kernels.cpu")
D = torch.float64


def problem(family="hermite"):
    generator = torch.Generator().manual_seed(0)
    z = torch.rand(3, 4000, generator=generator, dtype=D) * (1 if family in ("chebyshev", "legendre") else 45)
    return torch.randn(3, 300, generator=generator, dtype=D), z, sf.families.family_by_name(family)


def everything(coef, z, family):
    """Run every kernel once."""
    return (
        cpu.synthesize(coef, z, family.name, 1),
        cpu.adjoint(z, z, 300, family.name, 0),
        *cpu.backward(z, coef, z, family.name, 0),
        cpu.vandermonde(z[0, :50], 300, family.name, 0),
        cpu.squares(z[0], 300, family.name),
        cpu.synthesize(coef.repeat(3, 1), z[0], family.name, 0),  # channels
        cpu.synthesize(coef.repeat(150, 1), z[0, :500], family.name, 0),  # a matrix product
        cpu.adjoint(z.repeat(16, 1), z[0], 300, family.name, 0),
    )


@pytest.mark.parametrize("family", ["hermite", "laguerre(0.5)", "legendre"])
def test_same_bits_at_any_number_of_threads(family):
    threads, results = torch.get_num_threads(), []
    try:
        for count in (1, 2, 3, 8):
            torch.set_num_threads(count)
            results.append(everything(*problem(family)))
    finally:
        torch.set_num_threads(threads)
    for result in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(result, results[0], strict=True))


def test_several_python_threads_at_once():
    arguments = problem()
    expected, wrong = everything(*arguments), []

    def work():
        for _ in range(5):
            if not all(torch.equal(a, b) for a, b in zip(everything(*arguments), expected, strict=True)):
                wrong.append(1)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def child(queue):
    torch.set_num_threads(1)  # as PyTorch's DataLoader does in its workers
    queue.put(float(everything(*problem())[0].sum()))


@pytest.mark.skipif(sys.platform != "linux", reason="fork")
def test_after_fork():
    expected = float(everything(*problem())[0].sum())
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=child, args=(queue,))
    process.start()
    try:
        assert queue.get(timeout=60) == expected
    finally:
        process.join(10)
        process.kill()


class Sums(torch.utils.data.Dataset):
    """Calls a kernel in the workers of a DataLoader."""

    def __len__(self):
        return 6

    def __getitem__(self, index):
        return cpu.synthesize(torch.ones(1, 50, dtype=D), torch.full((1, 4000), float(index), dtype=D), "hermite", 0)


def test_in_the_workers_of_a_data_loader():
    everything(*problem())  # the parent has used its threads
    loaded = torch.cat(list(torch.utils.data.DataLoader(Sums(), num_workers=2, timeout=60)))
    assert torch.equal(loaded[4, 0], Sums()[4][0])


def test_one_openmp_runtime():
    # In a process of its own: other libraries in this one may have brought theirs.
    code = (
        "import sys; sys.path.insert(0, 'tests/kernels')\n"
        "import os\nfrom test_threads import everything, problem\neverything(*problem())\n"
        "lines = open('/proc/self/maps').read().splitlines()\n"
        "names = ('libgomp', 'libomp', 'libiomp')\n"
        "print(len({os.path.realpath(line.split()[-1]) for line in lines if any(n in line for n in names)}))\n"
    )
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert result.stdout.split() == ["1"], result.stdout + result.stderr


@pytest.mark.parametrize("level", cpu.instruction_sets)
def test_every_instruction_set_of_this_machine(level):
    code = (
        "import sys; sys.path.insert(0, 'tests/kernels')\n"
        "import torch\nfrom specfast.kernels import cpu, reference\nfrom test_threads import problem\n"
        f"assert cpu.instruction_set == {level!r}\n"
        "for name, width in (('hermite', 0.3), ('laguerre(0.5)', 2.0), ('chebyshev', 1.0), ('legendre', 1.0)):\n"
        "    for dtype, tolerance in ((torch.float64, 1e-10), (torch.float32, 3e-4)):\n"
        "        coef, z, family = problem(name)\n"
        "        coef, z = coef.to(dtype), (width * z[:, :400]).to(dtype)\n"
        "        pairs = [(cpu.synthesize, reference.synthesize, (coef, z, family.name, 0)),\n"
        "                 (cpu.adjoint, reference.adjoint, (z, z, 300, family.name, 0)),\n"
        "                 (cpu.vandermonde, reference.vandermonde, (z, 300, family.name, 0))]\n"
        "        for compiled, plain, arguments in pairs:\n"
        "            a, b = compiled(*arguments).double(), plain(*[x.double() if torch.is_tensor(x) else x for x in arguments])\n"
        "            assert (a - b).abs().max() <= tolerance * b.abs().max(), (name, dtype, compiled, (a - b).abs().max())\n"
    )
    environment = {**os.environ, "SPECFAST_SIMD": level}
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=root)
    assert result.returncode == 0, result.stderr


def test_an_unknown_instruction_set_is_named():
    environment = {**os.environ, "SPECFAST_SIMD": "sse9"}
    code = "import specfast.kernels.cpu"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert "SPECFAST_SIMD='sse9'" in result.stderr
