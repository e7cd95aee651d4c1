"""A layer that is measured: with its input, forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .work import Timed


@dataclass(frozen=True)
class LayerCase:
    """A layer with its input; `layer` is what baselines go by."""

    layer: str
    name: str
    make: Callable[[], nn.Module]
    given: Callable[[], tuple[Tensor, ...]]
    terms: float
    operations: float

    def forward_and_backward(self, layer: nn.Module) -> Timed:
        """Return a function that gives the result and the gradients in the weights and the first input."""
        given = tuple(part.clone().requires_grad_() for part in self.given())
        leaves = [*layer.parameters(), given[0]]

        def run() -> list[Tensor]:
            result = layer(*given)
            return [result, *torch.autograd.grad(result.square().sum(), leaves)]

        return run
