"""Every kernel for GPUs once, at a small size: what compute-sanitizer looks at."""

import sys

import torch

import specfast as sf
from specfast.kernels import backend
from specfast.kernels.cuda import transforms_nd


def one_axis(own, device):
    """Run the kernels of one axis, all regimes."""
    for dtype in (torch.float64, torch.float32):
        for name, reach in (("hermite", 45.0), ("laguerre(0.5)", 60.0), ("legendre", 1.0)):
            z = reach * torch.rand(2, 200, dtype=dtype, device=device)
            coef = torch.randn(2, 70, dtype=dtype, device=device)
            for derivative in (0, 1):
                own.synthesize(coef, z, name, derivative)
                own.adjoint(z, z, 70, name, derivative)
                own.backward(z, coef, z, name, derivative)
                own.vandermonde(z, 70, name, derivative)
            own.differentiate(coef, name, True)


def index_sets(own, device):
    """Run the kernels of index sets, by blocks and by matrix products."""
    index_set, families = sf.HyperbolicCross(12), ["hermite", "legendre", "laguerre(0.0)"]
    tree, size = torch.tensor(index_set.tree(3)), index_set.size(3)
    rest = tree, list(index_set.largest(3)), families, [0, 1, 0]
    cost = transforms_nd.cost_of_matrices
    for other in (lambda *_: 1e30, lambda *_: -1.0):
        transforms_nd.cost_of_matrices = other
        for dtype in (torch.float64, torch.float32):
            z, coef = torch.rand(2, 70, 3, dtype=dtype, device=device), torch.randn(size, dtype=dtype, device=device)
            values = torch.randn(2, 70, dtype=dtype, device=device)
            own.product_synthesize(coef, z, *rest)
            own.product_adjoint(values, z, tree, size, *rest[1:])
            own.product_gradient(coef, z, *rest)
    transforms_nd.cost_of_matrices = cost


def main(device="cuda"):
    """Run everything."""
    where = torch.device(device)
    own = backend(where)
    one_axis(own, where)
    index_sets(own, where)
    if where.type == "cuda":
        torch.cuda.synchronize()
    print("done")


if __name__ == "__main__":
    main(*sys.argv[1:])
