"""Kernels for GPUs, compiled with the package; see specfast.kernels.cuda.launch for their use."""

from collections.abc import Sequence

architectures: str

def trouble() -> str | None: ...
def launch(name: str, blocks: int, threads: int, memory: int, arguments: Sequence[int], stream: int) -> None: ...
