#!/usr/bin/env bash
# On a machine with a card, in ten minutes: builds, runs the tests marked cuda by both doors, compute-sanitizer on small cases, and
# the benchmark. Needs Python, torch, CuPy, numba, CMake, nvcc and the build tools, and no package registry. Results, tests.txt,
# sanitizer.txt, gpu.json and table.txt, go to $OUT (default gpu_results); ends with 0 only if all of it went well.
set -uo pipefail
cd "$(dirname "$0")/.."
out="${OUT:-gpu_results}"
mkdir -p "$out"
python="${PYTHON:-python3}"
failed=0
export PATH="$PATH:/usr/local/cuda/bin" PYTHONUNBUFFERED=1 TORCHINDUCTOR_FORCE_DISABLE_CACHES=1

"$python" -m pip install -q --no-build-isolation --no-deps --no-index -e . >"$out/build.txt" 2>&1 || { tail -30 "$out/build.txt"; exit 1; }
"$python" -c 'from specfast.kernels import _cuda; print("built for", _cuda.architectures)' || failed=1

timeout 210 "$python" -m pytest -m cuda -q -rs --durations=8 >"$out/tests.txt" 2>&1 || failed=1
tail -45 "$out/tests.txt"

timeout 170 "$python" benchmarks/gpu.py --seconds 110 --json "$out/gpu.json" "$@" >"$out/table.txt" 2>&1 || failed=1
cat "$out/table.txt"

if command -v compute-sanitizer >/dev/null; then
    for tool in memcheck racecheck; do
        timeout 75 compute-sanitizer --tool "$tool" --error-exitcode 9 "$python" benchmarks/gpu_small.py >"$out/$tool.txt" 2>&1 || failed=1
        tail -3 "$out/$tool.txt"
    done
else
    echo "compute-sanitizer was not found"
fi

exit $failed
