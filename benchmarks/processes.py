"""A cross split over processes of one machine, and the cost model beside it.

    python benchmarks/processes.py             1, 2 and 4 gloo processes, one thread each
    python benchmarks/processes.py --large     one process's part of 236 million indices on ten axes, of 64
    python benchmarks/processes.py --learn F   a training on the file F, its batches split over the processes
    python benchmarks/processes.py --model     the cost model, to 4,096 processes

Shares are of the same work in one process. Without as many cores as processes nothing can be gained.
"""

import argparse
import os
import statistics
import tempfile
import time

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh

import specfast as sf
from specfast import learn
from specfast.distributed import shard as split
from specfast.index_sets.partition import Part

D = torch.float64


def used():
    """Return this process's memory in MiB, at its highest."""
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def median(function, calls=5, repeats=5):
    """Return seconds a call: calls follow each other, as those of a training do, and processes meet in them alone."""
    function()
    times = []
    for _ in range(repeats):
        dist.barrier()
        start = time.perf_counter()
        for _ in range(calls):
            function()
        times.append((time.perf_counter() - start) / calls)
    return statistics.median(times)


def transforms(dim, degree, points):
    """Return seconds of synthesis, forward with backward, the sum over processes alone, and the coefficients here."""
    space = sf.Space([sf.Hermite()] * dim, sf.HyperbolicCross(degree))
    shard = split(space, init_device_mesh("cpu", (dist.get_world_size(),)))
    generator = torch.Generator().manual_seed(0)
    where = torch.randn(points, dim, dtype=D, generator=generator)
    coef = torch.randn(shard.size, dtype=D, generator=generator).requires_grad_()
    scale = torch.ones(dim, dtype=D, requires_grad=True)

    def forward():
        with torch.no_grad():
            shard.synthesize(coef, where, scale=scale)

    def both():
        shard.synthesize(coef, where, scale=scale).square().sum().backward()

    sums = torch.ones(points, dtype=D)
    return median(forward), median(both), median(lambda: dist.all_reduce(sums)), shard.size, space.size


def learning(path):
    """Return seconds a step, apart from the choice of the basis."""
    data = learn.read(path)
    run = learn.fit(data, degree=24, fixed=True, steps=40, progress=False, group=dist.group.WORLD, batch=64)
    return run.metrics["training"]["seconds"] / 40, run.metrics["training"]["validation_relative_l2"]


def one(rank, count, folder, function, args):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=count)
    result = function(*args)
    if rank == 0:
        torch.save(result, f"{folder}/result")
    dist.barrier()
    dist.destroy_process_group()


def in_processes(count, function, *args):
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.start_processes(one, (count, folder, function, args), nprocs=count, start_method="spawn")
        return torch.load(f"{folder}/result")


def scaling():
    print(f"{os.cpu_count()} processors; milliseconds, and the share of (time in one process / processes) in that")
    for dim, degree, points in ((10, 16, 4000), (6, 32, 20000), (4, 64, 50000)):
        rows = [(count, *in_processes(count, transforms, dim, degree, points)) for count in (1, 2, 4)]
        print(f"D={dim} N={degree} K={rows[0][-1]} M={points}")
        for count, forward, both, sums, size, _ in rows:
            shares = [rows[0][i] / (count * value) for i, value in ((1, forward), (2, both))]
            print(
                f"  {count} processes, K_0={size}: synthesize {1e3 * forward:.1f} ({100 * shares[0]:.0f} %),"
                f" with backward {1e3 * both:.1f} ({100 * shares[1]:.0f} %), sum over processes alone {1e3 * sums:.2f}"
            )


def large(count=64, dim=10, degree=600, points=1000):
    whole = sf.HyperbolicCross(degree)
    base = used()
    for number in (0, count // 2, count - 1):
        start = time.perf_counter()
        part = Part(whole, number, count)
        own = part.own_size(dim)
        built = time.perf_counter() - start
        space = sf.Space([sf.Hermite()] * dim, part)
        coef = torch.randn(space.size, dtype=D)
        where = torch.randn(points, dim, dtype=D)
        space.synthesize(coef, where[:1])
        start = time.perf_counter()
        space.synthesize(coef, where)
        seconds = time.perf_counter() - start
        print(
            f"part {number} of {count} of K={whole.size(dim)}: {own} coefficients ({part.leading(dim)} indices lead there), tree"
            f" {part.tree(dim).nbytes / 2**20:.0f} MiB in {built:.1f} s; {points} points in {seconds:.1f} s,"
            f" {own * points / seconds / 1e9:.1f} G indices/s; memory {used() - base:.0f} MiB above {base:.0f}"
        )


def model(dim=16, degree=64, points=10_000, rate=20e9, bandwidth=10e9, latency=1e-5):
    """Print operations, bytes and seconds a process: tree nodes at the measured rate, messages as a ring sends them."""
    whole = sf.HyperbolicCross(degree)
    size, tables = whole.size(dim), 2 * dim * (degree + 1)
    print(
        f"D={dim} N={degree} K={size} M={points}; {rate:.3g} FMAs/s, {bandwidth:.3g} bytes/s, {latency:.3g} s a message"
    )
    for count in (1, 16, 64, 256, 1024, 4096):
        sums, shared = 1.5 * size / count * points, tables * points
        sent = 16 * points * (count - 1) / count
        time_of = [sums / rate, shared / rate, sent / bandwidth + 2 * (count - 1).bit_length() * latency]
        print(
            f"  {count} processes: coefficients {8 * size / count / 2**20:.0f} MiB, {sums:.2g} FMAs for the tree,"
            f" {shared:.2g} for tables, {sent / 1e3:.0f} kB sent; {1e3 * sum(time_of):.3g} ms, of the best"
            f" {100 * (1.5 * size * points / rate / count) / sum(time_of):.0f} %"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--learn", metavar="DATA")
    parser.add_argument("--model", action="store_true")
    options = parser.parse_args()
    if options.model:
        model()
        model(6, 32, 2000)
    elif options.large:
        large()
    elif options.learn:
        for count in (1, 2, 4):
            seconds, error = in_processes(count, learning, options.learn)
            print(f"{count} processes: {1e3 * seconds:.0f} ms a step, validation error {error:.12f}")
    else:
        scaling()


if __name__ == "__main__":
    main()
