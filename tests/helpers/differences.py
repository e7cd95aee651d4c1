"""Derivatives by differences: what a gradient is compared with that no rule of ours has made."""

import torch


def slope_along(loss, tensors, directions, step=1e-3):
    """Return d loss() / ds as the tensors move by s times their directions; the error falls as step^4."""

    def at(distance):
        with torch.no_grad():
            kept = [tensor.clone() for tensor in tensors]
            for tensor, direction in zip(tensors, directions, strict=True):
                tensor.add_(direction, alpha=distance)
            value = loss()
            for tensor, old in zip(tensors, kept, strict=True):
                tensor.copy_(old)
            return value

    return (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)


def assert_gradient(gradients, loss, tensors, rtol=1e-7):
    """Fail unless gradients (None for zero) agree with differences along a random direction."""
    directions = [torch.randn_like(tensor) for tensor in tensors]
    pairs = zip(gradients, directions, strict=True)
    found = sum((gradient * direction).sum() for gradient, direction in pairs if gradient is not None)
    wanted = slope_along(loss, tensors, directions)
    torch.testing.assert_close(torch.as_tensor(found, dtype=wanted.dtype), wanted, rtol=rtol, atol=1e-8)
