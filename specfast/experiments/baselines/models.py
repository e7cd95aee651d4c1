"""The baselines' networks: from a field on a grid to the fields at all later times."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class Steps(nn.Module):
    """A map from one time to the next, equally distant one, added to the field; applied again and again."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, start: Tensor, times: Tensor) -> Tensor:
        """Return fields (B, T, C, n) at all times from those at the first, (B, C, n)."""
        fields = [start]
        for _ in range(len(times) - 1):
            fields.append(fields[-1] + self.network(fields[-1]))
        return torch.stack(fields, 1)


class Rate(nn.Module):
    """A neural ODE for the values on the grid."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, start: Tensor, times: Tensor) -> Tensor:
        """Return fields (B, T, C, n) at all times from those at the first, (B, C, n)."""
        from torchdiffeq import odeint

        found = odeint(lambda t, u: self.network(u), start, times, method="rk4", options={"step_size": _step(times)})
        return found.movedim(0, 1)


def _step(times: Tensor) -> float:
    return float(times[1] - times[0]) / 2


def _fourier(channels: int, width: int, modes: int) -> nn.Module:
    from neuralop.models import FNO

    # Padded, as its authors advise where fields are not periodic.
    return FNO(  # type: ignore[no-any-return]
        n_modes=(modes,),
        in_channels=channels,
        out_channels=channels,
        hidden_channels=width,
        n_layers=4,
        domain_padding=0.125,
    )


class _Residual(nn.Module):
    """Convolutions of growing reach around a short cut."""

    def __init__(self, channels: int, width: int, dilations: tuple[int, ...]):
        super().__init__()
        self.lift = nn.Conv1d(channels, width, 5, padding=2, padding_mode="reflect")
        self.layers = nn.ModuleList(
            nn.Conv1d(width, width, 5, padding=2 * d, dilation=d, padding_mode="reflect") for d in dilations
        )
        self.lower = nn.Conv1d(width, channels, 1)

    def forward(self, u: Tensor) -> Tensor:
        field = self.lift(u)
        for layer in self.layers:
            field = field + nn.functional.gelu(layer(field))
        return self.lower(field)  # type: ignore[no-any-return]


class _Dense(nn.Module):
    """A network of all values at once, beside a linear map."""

    def __init__(self, size: int, width: int):
        super().__init__()
        self.linear = nn.Linear(size, size)
        last = nn.Linear(width, size)
        self.network = nn.Sequential(nn.Linear(size, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), last)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(last.weight)

    def forward(self, u: Tensor) -> Tensor:
        flat = u.flatten(1)
        return (self.linear(flat) + self.network(flat)).reshape(u.shape)


# Name -> function (channels, points) -> model; None where a package is missing.
BASELINES: dict[str, Callable[[int, int], Any]] = {
    "FNO": lambda channels, points: Steps(_fourier(channels, 48, min(24, points // 3))),
    "convolutions": lambda channels, points: Steps(_Residual(channels, 48, (1, 2, 4, 8, 4, 2, 1))),
    "neural ODE on a grid": lambda channels, points: Rate(_Dense(channels * points, 256)),
}


def make(name: str, channels: int, points: int) -> nn.Module | None:
    """Return a baseline's model; None where the package that it comes from is not installed."""
    if name == "FNO" and importlib.util.find_spec("neuralop") is None:
        return None
    return BASELINES[name](channels, points).float()  # type: ignore[no-any-return]
