"""The networks of a right-hand side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn


def perceptron(inputs: int, hidden: Sequence[int], outputs: int) -> nn.Sequential:
    """Return a network of linear layers with SiLU between them, in float64."""
    sizes = [inputs, *hidden]
    layers: list[nn.Module] = []
    for inner, outer in pairwise(sizes):
        layers += [nn.Linear(inner, outer, dtype=torch.float64), nn.SiLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], outputs, dtype=torch.float64))


@torch.no_grad()
def start_near_zero(network: nn.Sequential) -> None:
    """Shrink the last layer to a tenth: what is known and the linear part come first."""
    last = network[-1]
    assert isinstance(last, nn.Linear)
    last.weight.mul_(0.1)
    last.bias.zero_()
