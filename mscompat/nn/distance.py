"""Distances: torch/nn/modules/distance.py."""

from __future__ import annotations

from mindspore import Tensor

from .. import functional as F
from .module import Module

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class PairwiseDistance(Module):
    """Compute the p-norm of x1 - x2 + eps along the last axis, as ``torch.nn.PairwiseDistance``.

    Args:
        p (float): of the norm: any number, infinite ones too. Default: 2.0.
        eps (float): added to each difference. Default: 1e-6.
        keepdim (bool): whether the last axis stays, of size 1. Default: False.

    Inputs:
        - **x1**, **x2** (Tensor) - of shapes that can be broadcast with each other, (N, D) or (D).

    Outputs:
        Tensor of the common shape without the last axis.

    Raises:
        RuntimeError, TypeError: When called, as torch does, with torch's sentence.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.PairwiseDistance(p=1)(Tensor([[3.0, 4.0]]), Tensor([[0.0, 0.0]])))
        [7.000002]
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        """See Args of the class."""
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class CosineSimilarity(Module):
    """Compute the cosine of the angle between vectors along an axis, as ``torch.nn.CosineSimilarity``.

    Args:
        dim (int): the axis of the vectors, of the common shape. Default: 1.
        eps (float): the least norm to divide by. Default: 1e-8.

    Inputs:
        - **x1**, **x2** (Tensor) - of shapes that can be broadcast with each other.

    Outputs:
        Tensor of the common shape without the axis.

    Raises:
        RuntimeError, IndexError, TypeError: When called, as torch does, with torch's sentence.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.CosineSimilarity()(Tensor([[3.0, 4.0]]), Tensor([[6.0, 8.0]])))
        [1.]
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        """See Args of the class."""
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.cosine_similarity(x1, x2, self.dim, self.eps)
