"""specfast info: versions, backends, threads."""

from __future__ import annotations

import argparse

NEEDS = "specfast"


def add_options(own: argparse.ArgumentParser) -> None:
    """`info` has none."""


def run(options: argparse.Namespace) -> None:
    """Do what the options say."""
    import platform

    import numpy
    import torch

    from specfast import __version__, kernels

    print(f"specfast     {__version__}")
    print(f"Python       {platform.python_version()}, torch {torch.__version__}, numpy {numpy.__version__}")
    for name, state in kernels.status().items():
        print(f"backend      {name}: {state}")
    try:
        from specfast.kernels import cpu

        print(f"nvcc         {cpu.nvcc} (when this was built)")
        print(
            f"instructions {cpu.instruction_set} (of {', '.join(cpu.instruction_sets)}), OpenMP {'on' if cpu.openmp else 'off'}"
        )
    except ImportError:
        pass
    print(f"threads      {torch.get_num_threads()}")
