#!/usr/bin/env bash
# Nsight Compute on the kernels over index sets: what bounds each of them. Output in profile.txt of $OUT (default gpu_results).
set -uo pipefail
cd "$(dirname "$0")/.."
out="${OUT:-gpu_results}"
mkdir -p "$out"
export PATH="$PATH:/usr/local/cuda/bin"
metrics=gpu__time_duration.sum,sm__throughput.avg.pct_of_peak_sustained_elapsed,gpu__compute_memory_throughput.avg.pct_of_peak_sustained_elapsed
metrics+=,l1tex__throughput.avg.pct_of_peak_sustained_elapsed,lts__throughput.avg.pct_of_peak_sustained_elapsed
metrics+=,sm__inst_executed_pipe_fma.avg.pct_of_peak_sustained_active,sm__inst_executed_pipe_fp64.avg.pct_of_peak_sustained_active
metrics+=,sm__inst_executed_pipe_lsu.avg.pct_of_peak_sustained_active,sm__warps_active.avg.pct_of_peak_sustained_active
metrics+=,smsp__issue_active.avg.pct_of_peak_sustained_active,launch__registers_per_thread,launch__shared_mem_per_block_dynamic,launch__grid_size
ncu --clock-control none --metrics "$metrics" --csv "${PYTHON:-python3}" - >"$out/profile.txt" 2>&1 <<'PY'
import sys
sys.path.insert(0, "benchmarks")
import torch
from gpu import IndexSet
for dim, degree in ((2, 256), (4, 64), (6, 32), (10, 16)):
    for dtype in (torch.float32, torch.float64):
        case = IndexSet(dim, degree, 65_536, dtype, torch.device("cuda"))
        print(f"## D={dim} {dtype}", flush=True)
        case.synthesize()
        case.adjoint()
torch.cuda.synchronize()
PY
python3 - "$out/profile.txt" <<'PY'
import csv, sys
rows, case = {}, ""
for line in open(sys.argv[1]):
    if line.startswith("##"):
        case = line.strip()
    elif line.startswith('"') and not line.startswith('"ID"'):
        cells = next(csv.reader([line]))
        rows.setdefault((cells[0], cells[4][:60]), {})[cells[-3]] = cells[-1]
for (number, kernel), found in rows.items():
    print(number, kernel, " ".join(f"{k.split('.')[0].split('__')[-1]}={v}" for k, v in found.items()))
PY
