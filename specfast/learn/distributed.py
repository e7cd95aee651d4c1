"""The processes that share a training: which trajectories are whose, and what they must agree on.

Every process makes the same choices from the same random numbers; what depends on values that only one of them has is summed,
or said by the first.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor

from ..data import DataError

Result = TypeVar("Result")
_PARTS = 3  # of a state: coefficients, log beta, x0


class Processes:
    """The processes of a group of torch.distributed, or this one alone.

    Parameters
    ----------
    group : ProcessGroup, optional
        None is this process alone.
    """

    def __init__(self, group: torch.distributed.ProcessGroup | None = None):
        self.group, self.rank, self.count = group, 0, 1
        if group is None:
            return
        import torch.distributed as dist

        if not dist.is_available() or not dist.is_initialized():
            raise ValueError("group: a process group is expected; torch.distributed is not initialised")
        if dist.get_backend(group) != "gloo":  # what is summed lies in host memory
            ranks = dist.get_process_group_ranks(group)
            self.group = dist.new_group(ranks, backend="gloo", use_local_synchronization=True)
        self.rank, self.count = dist.get_rank(group), dist.get_world_size(group)

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    def own(self, rows: Tensor) -> Tensor:
        """Return the part of a batch that is this process's."""
        return rows[self.rank :: self.count]

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum over the processes, the same bits in each."""
        if self.count > 1:
            import torch.distributed as dist

            values = values.clone()
            dist.all_reduce(values, group=self.group)
        return values

    def said_by_first(self, make: Callable[[], Result]) -> Result:
        """Return in every process what the first one makes; an error of it is raised in all."""
        if self.count == 1:
            return make()
        import torch.distributed as dist

        answer: list[Any] = [None, None]
        if self.first:
            try:
                answer[0] = make()
            except Exception as error:  # whatever it is, the others wait
                answer[1] = error
        dist.broadcast_object_list(answer, group_src=0, group=self.group)
        if answer[1] is not None:
            raise answer[1]
        return answer[0]

    def in_all(self, make: Callable[[], Result]) -> Result:
        """Return what each process makes; if that fails in one, raise its error in all."""
        if self.count == 1:
            return make()
        import torch.distributed as dist

        result, error = None, None
        try:
            result = make()
        except Exception as raised:  # whatever it is, the others wait
            error = raised
        errors: list[Any] = [None] * self.count
        dist.all_gather_object(errors, error, group=self.group)
        for found in errors:
            if found is not None:
                raise found
        return result  # type: ignore[return-value]

    def check_same(self, name: str, value: object) -> None:
        """Raise DataError if the first process has another value."""
        theirs = self.said_by_first(lambda: value)
        different = self.sum(torch.tensor(float(theirs != value)))
        if different > 0:
            raise DataError(f"{name} differs between the processes; each is to be started with the same")

    def gather(self, make: Callable[[Tensor], list[Tensor]], count: int) -> list[Tensor]:
        """Return tensors of `count` rows, of which each process makes some by make(rows)."""
        rows = torch.arange(count)
        if self.count == 1:
            return make(rows)
        import torch.distributed as dist

        pieces = rows.tensor_split(self.count)
        mine = self.in_all(lambda: make(pieces[self.rank]))
        found = [part.new_empty((count, *part.shape[1:])) for part in mine]
        for whole, part in zip(found, mine, strict=True):
            whole[pieces[self.rank]] = part
            for rank, piece in enumerate(pieces):
                if len(piece):
                    dist.broadcast(whole[piece[0] : piece[-1] + 1], group_src=rank, group=self.group)
        return found

    # Solvers choose their steps by the norm of a whole batch, so the processes have to meet in it. One that fails alone answers those
    # that are still there, until all have come to the end.

    def norm(self, state: tuple[Tensor, ...]) -> Tensor:
        """Return the largest of the root mean squares of a state's parts, each over the batches of all processes."""
        sums = [number for part in state for number in (part.detach().square().sum(), part.numel())]
        message = torch.tensor([*map(float, sums), *[0.0] * (2 * (_PARTS - len(state))), 0.0], dtype=torch.float64)
        total = self.sum(message)
        if total[-1] > 0:
            return torch.tensor(math.nan, dtype=torch.float64)
        squares, counts = total[0:-1:2], total[1:-1:2]
        return (squares / counts.clamp_min(1)).max().sqrt()

    def any_failed(self, failed: bool) -> bool:
        """Return whether one of the processes failed; each asks once after an integration."""
        message = torch.zeros(2 * _PARTS + 1, dtype=torch.float64)
        message[-1] = 1.0
        arrived = 0.0
        while arrived < self.count:
            message[0] = float(failed)
            total = self.sum(message)
            arrived, failed = float(total[-1]), bool(failed or not total[0] == 0)
        return failed


def launched() -> bool:
    """Return whether torchrun, or something like it, started this process as one of several."""
    return "RANK" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


def launcher() -> str:
    """Return what tells torchrun's process, or its job over several machines, from others; the same after a restart."""
    job = os.environ.get("TORCHELASTIC_RUN_ID", "none")
    return job if job != "none" else f"process {os.getppid()}"


def restarted() -> bool:
    """Return whether torchrun started this process anew after one of its group had died."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


@contextmanager
def from_environment():  # type: ignore[no-untyped-def]
    """Yield the processes that torchrun started, this one alone where it did not."""
    if not launched():
        yield Processes()
        return
    import torch.distributed as dist

    # torchrun may keep its store from one attempt to the next: the addresses there would be those of processes that are gone.
    store, rank, count = next(dist.rendezvous("env://"))
    store = dist.PrefixStore(f"specfast/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=count)
    try:
        yield Processes(dist.group.WORLD)
    finally:
        dist.destroy_process_group()
