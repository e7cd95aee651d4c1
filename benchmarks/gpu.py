"""One-dimensional kernels on a card against its bound and against what a PyTorch user would write: python benchmarks/gpu.py [--json F]

The bound is the card's multiply-add rate over two operations a term; the rate is that of its data sheet, given by --rate. Times are those
of CUDA events, medians of 20 after a warm-up.
"""

import argparse
import json
import statistics

import torch

import specfast as sf

SHAPES = [(256, 256, 128), (4096, 1024, 128), (1, 1_000_000, 64), (64, 64, 32), (8, 65536, 4096)]


def milliseconds(function, repeats=20):
    """Return the median time of a call."""
    for _ in range(3):
        function()
    times = []
    for _ in range(repeats):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        function()
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end))
    return statistics.median(times)


def eager(coef, z):
    """Return the sum by the recurrence, a term at a time."""
    before, now = torch.zeros_like(z), torch.exp(-0.5 * z * z) * torch.pi**-0.25
    total = coef[..., :1] * now
    for n in range(1, coef.shape[-1]):
        before, now = now, (2 / n) ** 0.5 * z * now - ((n - 1) / n) ** 0.5 * before
        total = total + coef[..., n : n + 1] * now
    return total


def product(coef, z):
    """Return the sum by all functions at once and a batched matrix product."""
    table = torch.ops.specfast.basis(z, coef.shape[-1], "hermite", 0)
    return torch.bmm(table, coef.unsqueeze(-1)).squeeze(-1)


def measured(dtype, shape, rate):
    """Return what was measured for one shape."""
    batch, points, terms = shape
    operators, work = torch.ops.specfast, batch * points * terms
    coef = torch.randn(batch, terms, dtype=dtype, device="cuda")
    z = 2 * torch.randn(batch, points, dtype=dtype, device="cuda")
    row = {"dtype": str(dtype), "shape": shape}
    row["synthesize_ms"] = milliseconds(lambda: operators.synthesize(coef, z, "hermite", 0))
    row["adjoint_ms"] = milliseconds(lambda: operators.adjoint(z, z, terms, "hermite", 0))
    row["backward_ms"] = milliseconds(lambda: operators.synthesize_backward(z, coef, z, "hermite", 0))
    row["terms_per_second"] = work / (1e-3 * row["synthesize_ms"])
    if rate:
        row["share_of_bound"] = row["terms_per_second"] / (rate / (2 if dtype == torch.float32 else 4))
    if work <= 1 << 27:
        row["eager_ms"] = milliseconds(lambda: eager(coef, z), 5)
        row["basis_bmm_ms"] = milliseconds(lambda: product(coef, z), 5)
        if terms <= 128:
            compiled = torch.compile(eager)
            row["compiled_ms"] = milliseconds(lambda: compiled(coef, z), 5)
    return row


def main():
    """Print a table, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json")
    parser.add_argument(
        "--rate", type=float, default=None, help="multiply-adds a second in float32; float64 is half of it"
    )
    options = parser.parse_args()
    card, rows = torch.cuda.get_device_name(), []
    for dtype in (torch.float64, torch.float32):
        for shape in SHAPES:
            rows.append(measured(dtype, shape, options.rate))
            print("  ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in rows[-1].items()))
    space = sf.Space(sf.Hermite(degree=127))
    coef, z = torch.randn(256, 128, device="cuda"), torch.randn(256, 256, device="cuda")
    print(f"{card}: Space.synthesize from Python {1e3 * milliseconds(lambda: space.synthesize(coef, z)):.0f} us")
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"card": card, "torch": torch.__version__, "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
