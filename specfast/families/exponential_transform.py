"""The transforms of functions in pairs at the evenly spread angles of their own rules: an FFT each."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .exponentials import modes_of_pairs, pairs_of_sums
from .nodes_transform import NodesTransform


class RingTransform(NodesTransform):
    r"""Sums of 1/sqrt(2), cos(k pi z), sin(k pi z) at z_q = 2 q / n, and their transposes: a real FFT of n numbers.

    Parameters
    ----------
    nodes : int
        n.

    Examples
    --------
    >>> import torch
    >>> transform = RingTransform(4)
    >>> transform.synthesize(torch.tensor([[0.0], [1.0]])).flatten().tolist()
    [1.0, 0.0, -1.0, 0.0]
    """

    def __init__(self, nodes: int):
        self.nodes = nodes

    def synthesize(self, series: Tensor) -> Tensor:
        """Return the values (..., n, R) of series (..., L, R)."""
        spectrum = modes_of_pairs(series.mT, 1)
        spectrum[..., 0] *= math.sqrt(2)
        if 2 * (spectrum.shape[-1] - 1) == self.nodes:  # the cosine that changes its sign from node to node
            spectrum[..., -1] *= 2
        values: Tensor = torch.fft.irfft(0.5 * spectrum, n=self.nodes, dim=-1, norm="forward")
        return values.mT.contiguous()

    def adjoint(self, values: Tensor, length: int) -> Tensor:
        """Return the sums (..., length, R) of values (..., n, R)."""
        sums = torch.fft.rfft(values.mT, dim=-1)[..., : length // 2 + 1].conj()
        series = pairs_of_sums(sums.resolve_conj(), length, 1).mT.contiguous()
        series[..., 0, :] *= math.sqrt(0.5)
        return series


class LineTransform(NodesTransform):
    r"""Sums of sqrt(2/pi) times the real and imaginary part of (1 + iz)^k / (1 - iz)^{k+1} at the rational rule's nodes.

    With :math:`z_q = \tan(\theta_q / 2)`, :math:`\theta_q = (2 q + 1 - n) \pi / n`, a complex FFT of n numbers between factors
    that belong to the wave numbers and to the nodes.

    Parameters
    ----------
    nodes : int
        n.
    dtype : {torch.float64, torch.float32}
        Of what is transformed.
    device : torch.device
        Where that is.

    Examples
    --------
    >>> import torch
    >>> transform = LineTransform(3, torch.float64, torch.device("cpu"))
    >>> transform.synthesize(torch.ones(1, 1, dtype=torch.float64)).flatten().round(decimals=3).tolist()
    [0.199, 0.798, 0.199]
    """

    def __init__(self, nodes: int, dtype: torch.dtype, device: torch.device):
        self.nodes = nodes
        wanted = torch.complex64 if dtype == torch.float32 else torch.complex128
        q = torch.arange(nodes, dtype=torch.float64, device="cpu")
        half = (2 * q + 1 - nodes) * (math.pi / (2 * nodes))
        # k (1 - n) pi / n is k pi / n less k half turns.
        turn = torch.polar(1 - 2 * (q % 2), q * (math.pi / nodes))
        self._by_node = torch.polar(math.sqrt(2 / math.pi) * half.cos(), half).to(device, wanted)
        self._by_mode = turn.resolve_conj().to(device, wanted)

    def synthesize(self, series: Tensor) -> Tensor:
        """Return the values (..., n, R) of series (..., L, R)."""
        modes = modes_of_pairs(series.mT, 2)
        spectrum = modes * self._by_mode[: modes.shape[-1]]
        values: Tensor = torch.fft.ifft(spectrum, n=self.nodes, dim=-1, norm="forward") * self._by_node
        return values.real.mT.contiguous()

    def adjoint(self, values: Tensor, length: int) -> Tensor:
        """Return the sums (..., length, R) of values (..., n, R)."""
        count = (length + 1) // 2
        sums = torch.fft.ifft(values.mT * self._by_node, dim=-1, norm="forward")[..., :count] * self._by_mode[:count]
        return pairs_of_sums(sums, length, 2).mT.contiguous()
