"""What a family may know of its own rule: a way to sum at all its nodes at once that takes less than a product with a table."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor


class NodesTransform(ABC):
    """Sums at all nodes of a family's rule, and their transposes, of lines along the last axis but one.

    One object is for one number of nodes, one dtype and one device, and is kept: it makes its tables when it is made. Both
    methods take real tensors of any strides that are not empty, write to none of them, and return new ones.
    """

    @abstractmethod
    def synthesize(self, series: Tensor) -> Tensor:
        """Return sum_k c_k phi_k at the nodes.

        Parameters
        ----------
        series : Tensor (..., L, R)
            R series of L coefficients each, the first L functions; 1 <= L <= n.

        Returns
        -------
        Tensor (..., n, R)
            In the order of the nodes.
        """

    @abstractmethod
    def adjoint(self, values: Tensor, length: int) -> Tensor:
        """Return the transpose of `synthesize` applied to values, without weights: sum_q v_q phi_k(z_q) for k < length.

        Parameters
        ----------
        values : Tensor (..., n, R)
            In the order of the nodes.
        length : int
            How many functions, 1 to n.

        Returns
        -------
        Tensor (..., length, R)
        """


class FastAtNodes:
    """The way, for families that know one; use `Family`."""

    def nodes_transform(self, nodes: int, dtype: torch.dtype, device: torch.device) -> NodesTransform | None:
        """Return the sums over the functions at the nodes of the n-point rule as a fast transform, O(n log n) a line.

        Parameters
        ----------
        nodes : int
            n, as `gauss` takes it.
        dtype : {torch.float64, torch.float32}
            Of what is transformed.
        device : torch.device
            Where that is.

        Returns
        -------
        NodesTransform or None
            None where there is none: sums are products with tables then.

        Examples
        --------
        >>> import torch, specfast as sf
        >>> transform = sf.Chebyshev().nodes_transform(3, torch.float64, torch.device("cpu"))
        >>> transform.synthesize(torch.tensor([[1.0], [2.0]], dtype=torch.float64)).flatten().round(decimals=3).tolist()
        [-0.732, 1.0, 2.732]
        >>> sf.Hermite().nodes_transform(3, torch.float64, torch.device("cpu")) is None
        True
        """
        return None
