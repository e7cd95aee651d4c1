"""Where the microseconds of a small call go: python benchmarks/overhead.py

16 rows of 16 coefficients at 16 points, one thread. Every line is timed in turns with the others; the least of 15 times is shown, since
what other programs take only adds.
"""

import math
import timeit

import torch

import specfast as sf
from specfast import ops
from specfast.kernels import cpu
from specfast.ops.register import plain

D = torch.float64


class Empty(torch.autograd.Function):
    """What PyTorch's own part of a differentiable call costs: as many arguments as ours, no arithmetic."""

    @staticmethod
    def forward(ctx, coef, x, scale, shift, space, derivative):
        """Return memory."""
        ctx.save_for_backward(coef, x, scale, shift)
        return torch.empty_like(coef)

    @staticmethod
    def backward(ctx, gradient):
        """Return memory."""
        return torch.empty_like(ctx.saved_tensors[0]), None, None, None, None, None


class Bare(Empty):
    """The same with our two kernels and nothing around them."""

    @staticmethod
    def forward(ctx, coef, x, scale, shift, field, derivative):
        """Return the sums."""
        ctx.save_for_backward(coef, x, scale, shift)
        ctx.field = field
        return cpu.KERNELS.synthesize_field(field, coef, x, scale, shift)

    @staticmethod
    def backward(ctx, gradient):
        """Return the transposed sums."""
        return cpu.KERNELS.adjoint_field(ctx.field, gradient, *ctx.saved_tensors[1:]), None, None, None, None, None


def lines():
    """Return what is timed, by name."""
    space = sf.Space(sf.Hermite(degree=15))
    plane = sf.Space([sf.Hermite(), sf.Hermite()], sf.TotalDegree(4))
    coef, z = torch.randn(16, 16, dtype=D), torch.randn(16, 16, dtype=D)
    scale, shift = 0.5 + torch.rand(16, dtype=D), torch.randn(16, dtype=D)
    leaf, result = coef.clone().requires_grad_(), torch.empty(16, 16, dtype=D)
    arrays = [part.numpy() for part in (coef, z, scale, shift)]
    pairs, plan = torch.randn(16, 16, 2, dtype=D), cpu.plan_of("hermite", 16, 0)
    field = cpu.fused._field(space.key, (0,), D)
    where, dispatched = {"scale": scale, "shift": shift}, torch.ops.specfast.synthesize

    def trained():
        space.synthesize(leaf, z, **where).sum().backward()

    return {
        "torch.mul of 16 x 16 numbers": lambda: torch.mul(coef, z),
        "the kernel on the standard domain": lambda: cpu.KERNELS.synthesize(plan, coef, z, result),
        "the same with the affine map and beta^p": lambda: cpu.KERNELS.synthesize_field(field, coef, z, scale, shift),
        "memory for the result": lambda: torch.empty_like(z),
        "whether it may go past the dispatcher": lambda: plain(coef, z, scale, shift),
        "specfast.ops.synthesize": lambda: ops.synthesize(coef, z, scale, shift, space.key, (0,)),
        "torch.ops.specfast.synthesize": lambda: dispatched(coef, z, scale, shift, space.key, [0]),
        "Space.synthesize": lambda: space.synthesize(coef, z),
        "Space.synthesize with scale and shift": lambda: space.synthesize(coef, z, **where),
        "  on NumPy arrays": lambda: space.synthesize(arrays[0], arrays[1], scale=arrays[2], shift=arrays[3]),
        "  with a gradient to record": lambda: space.synthesize(leaf, z, **where),
        "  and with the backward pass of a sum": trained,
        "  a sum of torch.mul and its backward pass": lambda: torch.mul(leaf, z).sum().backward(),
        "  an empty autograd.Function in its place": lambda: (
            Empty.apply(leaf, z, scale, shift, "", (0,)).sum().backward()
        ),
        "  one that calls our two kernels": lambda: Bare.apply(leaf, z, scale, shift, field, (0,)).sum().backward(),
        "Space.adjoint with scale and shift": lambda: space.adjoint(z, z, **where),
        "Space.synthesize, 15 indices on two axes": lambda: plane.synthesize(coef[:, :15], pairs),
    }


def main():
    """Print the table."""
    torch.set_num_threads(1)
    functions = lines()
    least = dict.fromkeys(functions, math.inf)
    for _ in range(15):
        for name, function in functions.items():
            least[name] = min(least[name], timeit.timeit(function, number=500) / 500)
    unit = next(iter(least.values()))
    for name, seconds in least.items():
        print(f"{name:45} {1e6 * seconds:6.1f} us {seconds / unit:6.1f} torch.mul")


if __name__ == "__main__":
    main()
