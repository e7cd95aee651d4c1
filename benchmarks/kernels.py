"""Measure the one-dimensional kernels: python benchmarks/kernels.py [--peers] [--only TEXT] [--threads N] [--json F]."""

import argparse
import json
import sys

import torch

from specfast import bench
from specfast.bench.peers import PEERS


def main():
    """Print the table, and save the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", nargs="*", choices=sorted(PEERS), help="all, or those named")
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    peers = [] if options.peers is None else options.peers or list(PEERS)
    cases = [case for case in bench.CASES if options.only in case.name]
    rows = bench.measure(cases, peers, report=lambda row: print(row["case"], file=sys.stderr, flush=True))
    print(bench.table(rows))
    if options.json:
        with open(options.json, "w") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
