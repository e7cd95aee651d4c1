"""Runs a function in several processes of a gloo group and returns what each returned."""

import os
import sys
import tempfile
from pathlib import Path

import torch
import torch.distributed as dist


def _one(rank, count, store, folder, function, args):
    sys.path[:0] = [str(folder) for folder in Path(__file__).parents[1].iterdir() if folder.is_dir()]
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=count)
    try:
        torch.save(function(*args), Path(folder) / f"{rank}.pt")
        dist.barrier()
    finally:
        dist.destroy_process_group()


def in_processes(count, function, *args):
    """Return what function(*args) returns in each of `count` processes; the function is one of a module's."""
    with tempfile.TemporaryDirectory() as folder:
        store = os.path.join(folder, "store")
        given = (count, store, folder, function, args)
        torch.multiprocessing.start_processes(_one, given, nprocs=count, start_method="spawn")
        return [torch.load(Path(folder) / f"{rank}.pt", weights_only=False) for rank in range(count)]
