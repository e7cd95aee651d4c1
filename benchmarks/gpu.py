"""Kernels on a GPU against its bound and against what one would write instead: python benchmarks/gpu.py [--json F] [--seconds S]

The peak is the GPU's FMA rate, measured in the same run by a loop in registers, over two operations a term (Laguerre
three) or one an index. Times are medians by CUDA events after a warm-up, of the device alone; call_ms
is with what the host needs to start a call. Every row has its error against float64 on the host, and a
row that is wrong fails the run. Baselines: PyTorch eager and compiled, a basis and a batched matrix product, Triton; for index sets blocks of
gathered products. `--device cpu --small` tries the script itself.
"""

import argparse
import json
import statistics
import time

import torch

import specfast as sf
from specfast.bench.baselines import forward_sum
from specfast.kernels import backend, products, reference

SHAPES = [(256, 256, 128), (4096, 1024, 128), (1, 1_000_000, 64), (64, 64, 32), (4096, 32, 24), (8, 65536, 4096)]
SETS = [(2, 256), (3, 128), (4, 64), (6, 32), (8, 16), (10, 16)]
OPERATIONS = {"hermite": 2, "legendre": 2, "laguerre(0.0)": 3}
SMALL = [(3, 40, 20)], [(2, 9), (4, 5)], 50
CHECKED = 50  # points


class Clock:
    """Times functions on a device until the seconds of the run are used up."""

    def __init__(self, device, seconds):
        self.device, self.end, self.started = device, time.perf_counter() + seconds, time.perf_counter()

    def over(self):
        """Whether the run should go without what it can do without."""
        return time.perf_counter() > self.end

    def once(self, function, alone=True):
        """Return the milliseconds of a call on the device; with what the host needs to start it if not alone."""
        if self.device.type != "cuda":
            started = time.perf_counter()
            function()
            return 1e3 * (time.perf_counter() - started)
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        if alone:  # the device waits while the host starts the kernels
            torch.cuda._sleep(2_000_000)
        begin.record()
        function()
        end.record()
        torch.cuda.synchronize()
        return begin.elapsed_time(end)

    def __call__(self, function, repeats=15, alone=True):
        """Return the median time of a call in milliseconds."""
        function()
        first = self.once(function)
        repeats = max(3, min(repeats, int(1000 / max(first, 1e-3))))
        return statistics.median(self.once(function, alone) for _ in range(repeats))


def rates(clock):
    """Return FMAs a second of this GPU, in float32 and float64."""
    own, found = backend(clock.device), {}
    for dtype in (torch.float32, torch.float64):
        rounds, count = (60_000, []) if clock.device.type == "cuda" else (20_000, [])
        place = (clock.device,) if clock.device.type == "cuda" else ()
        spent = clock(
            lambda rounds=rounds, count=count, place=place, dtype=dtype: count.append(
                own.run_fma(rounds, dtype, *place)
            )
        )
        found[dtype] = count[-1] / (1e-3 * spent)
    return found


def relative_error(found, exact, coef):
    """Return the largest error, relative to the sum of |c| (functions are of order one)."""
    scale = coef.double().abs().sum(-1, keepdim=True).cpu()
    return float(((found.double().cpu() - exact).abs() / scale).max())


class OneAxis:
    """A case on one axis, with its baselines."""

    def __init__(self, family, shape, dtype, device):
        generator = torch.Generator().manual_seed(0)
        (rows, points, terms), self.family, self.name = shape, family, family.name
        z = torch.rand(rows, points, generator=generator, dtype=torch.float64)
        z = 40 * z if self.name.startswith("laguerre") else 4 * (2 * z - 1) if self.name == "hermite" else 2 * z - 1
        coef = torch.randn(rows, terms, generator=generator, dtype=torch.float64)
        self.coef, self.z = coef.to(dtype).to(device), z.to(dtype).to(device)
        self.terms, self.work, self.dtype = terms, rows * points * terms, dtype

    def synthesize(self):
        return backend(self.z.device).synthesize(self.coef, self.z, self.name, 0)

    def adjoint(self):
        return backend(self.z.device).adjoint(self.z, self.z, self.terms, self.name, 0)

    def backward(self):
        return backend(self.z.device).backward(self.z, self.coef, self.z, self.name, 0)

    def error(self):
        """Return the error at some points of the first row."""
        exact = reference.synthesize(self.coef[:1].double().cpu(), self.z[:1, :CHECKED].double().cpu(), self.name, 0)
        return relative_error(self.synthesize()[:1, :CHECKED], exact, self.coef[:1])

    def baselines(self):
        """Return what one would write instead, by name, where it is bearable."""
        found = {}
        if self.work <= 1 << 29:
            found["eager"] = lambda: forward_sum(self.coef, self.z, self.family)
            table = torch.ops.specfast.vandermonde
            found["basis + bmm"] = lambda: (table(self.z, self.terms, self.name, 0) @ self.coef.unsqueeze(-1)).squeeze(
                -1
            )
            if self.terms <= 128 and self.z.is_cuda:
                torch._dynamo.reset()
                compiled = torch.compile(lambda c, z: forward_sum(c, z, self.family), dynamic=False)
                found["torch.compile"] = lambda: compiled(self.coef, self.z)
        if self.z.is_cuda and self.name == "hermite":
            try:
                from specfast.bench.baselines.triton_sum import sum_upwards
            except ImportError:
                return found
            start = torch.exp(-0.5 * self.z.square()) * torch.pi**-0.25
            found["triton"] = lambda: sum_upwards(self.coef, self.z, start, self.family)
        return found


class IndexSet:
    """A hyperbolic cross at some points, with its baseline."""

    def __init__(self, dim, degree, points, dtype, device):
        generator = torch.Generator().manual_seed(0)
        self.set, self.dim, self.dtype = sf.HyperbolicCross(degree), dim, dtype
        self.size, self.tree = self.set.size(dim), torch.tensor(self.set.tree(dim))
        self.rest = self.tree, list(self.set.largest(dim)), ["hermite"] * dim, [0] * dim
        z = 4 * (2 * torch.rand(1, points, dim, generator=generator, dtype=torch.float64) - 1)
        self.z = z.to(dtype).to(device)
        self.coef = torch.randn(8, self.size, generator=generator, dtype=torch.float64).to(dtype).to(device)
        self.values = torch.randn(1, points, generator=generator, dtype=torch.float64).to(dtype).to(device)
        self.own, self.work = backend(device), self.size * points

    def synthesize(self, channels=1):
        return self.own.product_synthesize(self.coef[:channels], self.z, *self.rest)

    def adjoint(self):
        return self.own.product_adjoint(self.values, self.z, self.tree, self.size, *self.rest[1:])

    def backward(self):
        return self.own.product_backward(self.values, self.coef[:1], self.z, *self.rest)

    def blocked(self):
        """Gather and multiply functions in blocks."""
        return products.synthesize(self.own.vandermonde, self.coef[:1], self.z, self.tree, *self.rest[2:])

    def error(self):
        """Return the error at some points."""
        exact = products.synthesize(
            reference.vandermonde,
            self.coef[:1].double().cpu(),
            self.z[:, :CHECKED].double().cpu(),
            self.tree,
            *self.rest[2:],
        )
        return relative_error(self.synthesize()[:, :CHECKED], exact, self.coef[:1])


def checked(row, error, dtype):
    """Add an error to a row; a wrong one ends the run."""
    row["error"] = error
    if not error < (1e-12 if dtype == torch.float64 else 2e-5):
        raise SystemExit(f"wrong: {row}")
    return row


def one_axis(case, shape, rate, clock):
    """Return a row of the table on one axis."""
    row = {"case": f"{case.name} {'x'.join(map(str, shape))} {str(case.dtype)[6:]}"}
    checked(row, case.error(), case.dtype)
    bound = OPERATIONS[case.name] * case.work / rate
    for name, factor in (("synthesize", 1), ("adjoint", 1), ("backward", 2)):
        row[f"{name}_ms"] = clock(getattr(case, name))
        row[f"{name}_share"] = factor * bound / (1e-3 * row[f"{name}_ms"])
    row["call_ms"] = clock(case.synthesize, alone=False)
    row["baselines"] = {}
    for name, baseline in ({} if clock.over() else case.baselines()).items():
        row["baselines"][name] = against(name, baseline, row, clock, 5)
    return row


def against(name, baseline, row, clock, repeats):
    """Return a baseline's time over ours; NaN, and a line, where it fails."""
    try:
        return clock(baseline, repeats) / row["synthesize_ms"]
    except Exception as error:
        print(f"{row['case']}: {name} failed: {str(error).strip().splitlines()[-1][:200]}")
        return float("nan")


def index_set(case, degree, rate, clock):
    """Return a row of the table of index sets."""
    row = {"case": f"D={case.dim} N={degree} K={case.size} {str(case.dtype)[6:]}"}
    checked(row, case.error(), case.dtype)
    bound = case.work / rate
    kinds = {
        "synthesize": (1, case.synthesize),
        "channels": (8, lambda: case.synthesize(8)),
        "adjoint": (1, case.adjoint),
        "backward": (3, case.backward),
    }
    for name, (factor, work) in kinds.items():
        row[f"{name}_ms"] = clock(work, 7)
        row[f"{name}_share"] = factor * bound / (1e-3 * row[f"{name}_ms"])
    row["call_ms"] = clock(case.synthesize, 7, alone=False)
    row["baselines"] = {}
    if not clock.over() and case.work < 1 << 32:
        row["baselines"]["blocked"] = against("blocked", case.blocked, row, clock, 3)
    return row


def small_calls(clock):
    """Return the times of a small problem from Python and, on a GPU, as a graph."""
    space = sf.Space(sf.Hermite(degree=15))
    coef, points = (torch.randn(16, 16, device=clock.device) for _ in range(2))
    row = {"case": "Space.synthesize 16x16x16"}
    for name, alone in (("synthesize_ms", True), ("call_ms", False)):
        row[name] = clock(lambda: space.synthesize(coef, points), 200, alone)
    if clock.device.type == "cuda":
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for _ in range(100):
                space.synthesize(coef, points)
        row["in_a_graph_ms"] = clock(graph.replay) / 100
    return row


def table(rows):
    """Return rows as lines of a Markdown table."""
    names = list(dict.fromkeys(key for row in rows for key in row if key not in ("case", "baselines")))
    lines = ["| case | " + " | ".join(names) + " | baselines over ours |", "|---" * (len(names) + 2) + "|"]
    for row in rows:
        cells = [
            f"{100 * row[key]:.0f} %" if key.endswith("share") else f"{row[key]:.3g}" for key in names if key in row
        ]
        cells += [""] * (len(names) - len(cells))
        baselines = ", ".join(f"{name} {ratio:.3g}x" for name, ratio in row.get("baselines", {}).items())
        lines.append("| " + " | ".join([row["case"], *cells, baselines]) + " |")
    return "\n".join(lines)


def main(arguments=None):
    """Print tables, and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json")
    parser.add_argument("--seconds", type=float, default=240, help="after which baselines are left out")
    parser.add_argument("--points", type=int, default=65_536, help="of index sets")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args(arguments)
    device = torch.device(options.device)
    shapes, sets_of_indices, points = SMALL if options.small else (SHAPES, SETS, options.points)
    clock = Clock(device, options.seconds)
    gpu = torch.cuda.get_device_name() if device.type == "cuda" else "the host"
    rate = rates(clock)
    print(
        f"{gpu}, torch {torch.__version__}: "
        + ", ".join(f"{r / 1e12:.3g} T FMAs/s in {str(d)[6:]}" for d, r in rate.items())
    )
    result = {"gpu": gpu, "torch": torch.__version__, "rate": {str(d)[6:]: r for d, r in rate.items()}}
    kinds, families = (torch.float32, torch.float64), [(sf.Hermite(), shape) for shape in shapes]
    for other in (sf.Laguerre(), sf.Legendre()):
        families += [(other, shape) for shape in shapes[: 1 if options.small else 2]]

    def sets():
        for dim, degree in sets_of_indices:
            for dtype in kinds:
                yield index_set(IndexSet(dim, degree, points, dtype, device), degree, rate[dtype], clock)

    def calls():
        yield small_calls(clock)

    def axes():
        for family, shape in families:
            for dtype in kinds:
                yield one_axis(OneAxis(family, shape, dtype, device), shape, rate[dtype], clock)

    # What is there is written after every row: the run may be cut off.
    for name, rows in (("axes", axes()), ("sets", sets()), ("calls", calls())):
        result[name] = []
        for row in rows:
            result[name].append(row)
            if options.json:
                with open(options.json, "w") as file:
                    json.dump(result, file, indent=1)
        print(table(result[name]), flush=True)


if __name__ == "__main__":
    main()
