#!/usr/bin/env bash
# On a machine with a GPU, in about six minutes: builds, runs the tests marked cuda by both launchers and compute-sanitizer on small
# cases (all at once), then the benchmark alone. Needs Python, torch, CuPy, numba, CMake, nvcc and the build tools, and no package
# registry. Results, tests_*.txt, memcheck.txt, racecheck.txt, gpu.json and table.txt, go to $OUT (default gpu_results); ends with 0
# only if all of it went well. SECONDS_OF_BENCHMARK (default 110) bounds the benchmark.
set -uo pipefail
cd "$(dirname "$0")/.."
out="${OUT:-gpu_results}"
mkdir -p "$out"
python="${PYTHON:-python3}"
failed=0
export PATH="$PATH:/usr/local/cuda/bin" PYTHONUNBUFFERED=1 TORCHINDUCTOR_FORCE_DISABLE_CACHES=1

"$python" -m pip install -q --no-build-isolation --no-deps --no-index -e . >"$out/build.txt" 2>&1 || { tail -30 "$out/build.txt"; exit 1; }
"$python" -c 'from specfast.kernels import _cuda; print("built for", _cuda.architectures)' || failed=1
echo "built after $SECONDS s"

pids=()
start() {  # FILE COMMAND..: beside what runs, its output in a file
    local file="$out/$1"
    shift
    "$@" >"$file" 2>&1 &
    pids+=("$!")
}
# The names of the tests by the first launcher contain "nvcc".
for which in "nvcc" "not nvcc"; do
    start "tests_${which// /_}.txt" timeout 200 "$python" -m pytest tests/kernels tests/families -m cuda -q -rs --tb=short --durations=8 -k "$which"
done
if command -v compute-sanitizer >/dev/null; then
    for tool in memcheck racecheck; do
        start "$tool.txt" timeout 180 compute-sanitizer --tool "$tool" --error-exitcode 9 "$python" benchmarks/gpu_small.py
    done
else
    echo "compute-sanitizer was not found"
fi
for pid in "${pids[@]}"; do
    wait "$pid" || { failed=1; echo "process $pid ended with $?"; }
done
for file in "$out"/*check.txt; do tail -n 5 "$file"; done
for file in "$out"/tests_*.txt; do tail -n 30 "$file" | cut -c1-300; done
echo "checked after $SECONDS s"

timeout $((${SECONDS_OF_BENCHMARK:-110} + 60)) "$python" benchmarks/gpu.py --seconds "${SECONDS_OF_BENCHMARK:-110}" --json "$out/gpu.json" "$@" \
    >"$out/table.txt" 2>&1 || failed=1
cat "$out/table.txt"
echo "done after $SECONDS s"
exit $failed
