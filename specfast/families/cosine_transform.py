"""The cosine transform at the zeros of T_n, by one real FFT of n numbers."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .nodes_transform import NodesTransform


class CosineTransform(NodesTransform):
    r"""Sums :math:`\sum_k c_k T_k(z_q)` at :math:`z_q = -\cos((q + 1/2) \pi / n)`, and their transposes.

    With the nodes taken as 0, 2, 4, .., 5, 3, 1 their angles are (4 j + 1) pi / (2 n), all of one sense of rotation: the sum
    is the real part of an inverse FFT of :math:`c_k e^{i \pi k / (2 n)}`, and so the real inverse FFT of its Hermitian part.

    Parameters
    ----------
    nodes : int
        n.
    dtype : {torch.float64, torch.float32}
        Of what is transformed.
    device : torch.device
        Where that is.

    References
    ----------
    Makhoul, A fast cosine transform in one and two dimensions, IEEE Trans. ASSP 28 (1980), 27-34.

    Examples
    --------
    >>> import torch
    >>> transform = CosineTransform(4, torch.float64, torch.device("cpu"))
    >>> transform.adjoint(torch.ones(4, 1, dtype=torch.float64), 3).flatten().round(decimals=3).abs().tolist()
    [4.0, 0.0, 0.0]
    """

    def __init__(self, nodes: int, dtype: torch.dtype, device: torch.device):
        self.nodes, self.bins = nodes, nodes // 2 + 1
        k = torch.arange(self.bins, dtype=torch.float64, device="cpu")
        # T_k(-z) = (-1)^k T_k(z): signs by which nodes ascend as their angles do.
        turn = torch.polar(torch.ones_like(k), math.pi / (2 * nodes) * k) * (1 - 2 * (k % 2))
        part = turn / 2
        part[0] = 1.0
        if nodes % 2 == 0:  # what is left of the middle is real
            part[-1] = turn[-1].real
        wanted = torch.complex64 if dtype == torch.float32 else torch.complex128
        self._forward, self._back = (
            factors.unsqueeze(1).to(device, wanted) for factors in (part, turn.conj().resolve_conj())
        )
        # Coefficient n - k has its place with k: -(-1)^n times the imaginary part there.
        self._sign = 1.0 if nodes % 2 else -1.0

    def synthesize(self, series: Tensor) -> Tensor:
        """Return the values (..., n, R) of series (..., L, R)."""
        length, first = series.shape[-2], min(series.shape[-2], self.bins)
        behind = torch.zeros_like(series[..., :first, :])
        if length > first:
            places = slice(self.nodes - length + 1, self.nodes - first + 1)
            torch.mul(series[..., first:, :].flip(-2), self._sign, out=behind[..., places, :])
        spectrum = torch.complex(series[..., :first, :], behind).mul_(self._forward[:first])
        turned = torch.fft.irfft(spectrum, n=self.nodes, dim=-2, norm="forward")
        values, half = series.new_empty(turned.shape), (self.nodes + 1) // 2
        values[..., 0::2, :] = turned[..., :half, :]
        values[..., 1::2, :] = turned[..., half:, :].flip(-2)
        return values

    def adjoint(self, values: Tensor, length: int) -> Tensor:
        """Return the sums (..., length, R) of values (..., n, R)."""
        first = min(length, self.bins)
        turned = torch.cat([values[..., 0::2, :], values[..., 1::2, :].flip(-2)], -2)
        spectrum = torch.fft.rfft(turned, dim=-2)[..., :first, :].mul_(self._back[:first])
        series = values.new_empty((*values.shape[:-2], length, values.shape[-1]))
        series[..., :first, :] = spectrum.real
        if length > first:
            places = slice(self.nodes - length + 1, self.nodes - first + 1)
            torch.mul(spectrum.imag[..., places, :].flip(-2), self._sign, out=series[..., first:, :])
        return series
