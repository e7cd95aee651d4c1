"""How many calls, through how many files, a small Space.synthesize takes: python benchmarks/call_path.py

Counted by sys.setprofile in a warm call: Python functions and compiled functions that are entered from the files of this package,
those of autograd's own threads not. A row a case; one JSON line at the end.
"""

import json
import sys
from pathlib import Path

import torch

import specfast as sf

PACKAGE = str(Path(sf.__file__).parent)
D = torch.float64


def cases():
    """Return what is called, by name."""
    line = sf.Space(sf.Hermite(degree=15))
    plane = sf.Space([sf.Hermite(), sf.Hermite()], sf.TotalDegree(4))
    coef, x, pairs = torch.randn(16, 16, dtype=D), torch.randn(16, 16, dtype=D), torch.randn(16, 16, 2, dtype=D)
    scale, shift = 0.5 + torch.rand(16, dtype=D), torch.randn(16, dtype=D)
    leaf = coef.clone().requires_grad_()
    few, few_leaf = coef[:, :15].contiguous(), coef[:, :15].clone().requires_grad_()
    two = {"scale": torch.ones(16, 2, dtype=D), "shift": torch.zeros(16, 2, dtype=D)}
    where = {"scale": scale, "shift": shift}

    def trained():
        result = line.synthesize(leaf, x, **where)
        torch.autograd.backward(result, torch.ones_like(result))

    return {
        "one axis": lambda: line.synthesize(coef, x, **where),
        "one axis, with gradient": lambda: line.synthesize(leaf, x, **where),
        "one axis, with gradient and backward": trained,
        "two axes": lambda: plane.synthesize(few, pairs, **two),
        "two axes, with gradient": lambda: plane.synthesize(few_leaf, pairs, **two),
    }


def count(function):
    """Return the number of calls made by a warm call, and the files of the package that they are in."""
    for _ in range(12):
        function()
    calls, files = [], set()

    def watch(frame, event, argument):
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            calls.append(frame.f_code.co_qualname)
            files.add(frame.f_code.co_filename)

    sys.setprofile(watch)
    function()
    sys.setprofile(None)
    return calls, files


def main():
    """Print a row a case."""
    found = {}
    for name, function in cases().items():
        calls, files = count(function)
        found[name] = [len(calls), len(files)]
        print(f"{name:40} {len(calls):4} calls, {len(files):2} files")
        if "--list" in sys.argv:
            print("   ", " ".join(calls))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
