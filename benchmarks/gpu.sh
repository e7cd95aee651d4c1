#!/usr/bin/env bash
# On a machine with a card: builds, runs the tests marked cuda through both doors, compute-sanitizer on a small case, and the
# benchmark. Needs Python, torch, CuPy, CMake, nvcc and the build tools, and no package registry. Results go to $OUT (default gpu_results).
set -uo pipefail
cd "$(dirname "$0")/.."
out="${OUT:-gpu_results}"
mkdir -p "$out"
python="${PYTHON:-python3}"
export PATH="$PATH:/usr/local/cuda/bin" PYTHONUNBUFFERED=1 TORCHINDUCTOR_FORCE_DISABLE_CACHES=1
"$python" -m pip install -q --no-build-isolation --no-deps --no-index -e . 2>&1 | tail -5 || exit 1
"$python" -c 'from specfast.kernels import _cuda; print("built for", _cuda.architectures)' || echo "_cuda was not built"
timeout 240 "$python" -m pytest tests/test_cuda.py 2>&1 | tail -40 | tee "$out/tests.txt"
cat >"$out/small.py" <<'P'
import torch
coef, z = torch.randn(2, 40, dtype=torch.float64, device="cuda"), torch.randn(2, 300, dtype=torch.float64, device="cuda")
torch.ops.specfast.synthesize(coef, z, "hermite", 0)
torch.ops.specfast.synthesize_backward(z, coef, z, "legendre", 0)
torch.ops.specfast.basis(z.tanh(), 40, "chebyshev", 1)
torch.cuda.synchronize()
P
sed -i '1i import specfast' "$out/small.py"
if command -v compute-sanitizer >/dev/null; then
    for tool in memcheck racecheck; do
        timeout 90 compute-sanitizer --tool "$tool" "$python" "$out/small.py" 2>&1 | tail -3 | tee "$out/$tool.txt"
    done
else
    echo "compute-sanitizer was not found" | tee "$out/memcheck.txt"
fi
timeout 200 "$python" benchmarks/gpu.py --json "$out/gpu.json" "$@" 2>&1 | tee "$out/table.txt"
