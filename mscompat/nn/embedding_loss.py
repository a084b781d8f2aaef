"""Losses of pairs, triplets and margins: torch/nn/modules/loss.py."""

from __future__ import annotations

from collections.abc import Callable

from mindspore import Tensor

from .. import functional as F
from .distance import PairwiseDistance
from .loss import Loss

__all__ = [
    "CosineEmbeddingLoss", "HingeEmbeddingLoss", "MarginRankingLoss", "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
]


class MarginRankingLoss(Loss):
    """max(0, -target * (input1 - input2) + margin), as ``torch.nn.MarginRankingLoss``.

    Args:
        margin (float): how much the one that ranks higher has to be larger.
        size_average, reduce (bool, optional): torch's deprecated arguments.
        reduction (str): 'none', 'mean' or 'sum'.

    Inputs:
        Three tensors with as many axes, of shapes that can be broadcast, the last of 1 and -1.

    Outputs:
        Tensor of no axes; of the shape of the inputs for 'none'.

    Raises:
        ValueError, RuntimeError: As torch raises them.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.MarginRankingLoss(1.0)(Tensor([1.0, 2.0]), Tensor([3.0, 2.0]), Tensor([1.0, 1.0])))
        2.0
    """

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        """See Args of the class."""
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.margin_ranking_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class HingeEmbeddingLoss(Loss):
    """The input where the target is 1, max(0, margin - input) where it is -1, as ``torch.nn.HingeEmbeddingLoss``.

    Args:
        margin (float): the distance from which on unlike pairs cost nothing.
        size_average, reduce (bool, optional): torch's deprecated arguments.
        reduction (str): 'none', 'mean' or 'sum'.

    Inputs:
        Two tensors of shapes that can be broadcast.

    Outputs:
        Tensor of no axes; of the shape of the inputs for 'none'.

    Raises:
        ValueError, RuntimeError: As torch raises them.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.HingeEmbeddingLoss(reduction="none")(Tensor([0.25, 0.25]), Tensor([1.0, -1.0])))
        [0.25 0.75]
    """

    def __init__(
        self,
        margin: float = 1.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        """See Args of the class."""
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(Loss):
    """1 - cos where the target is 1, max(0, cos - margin) where it is -1, as ``torch.nn.CosineEmbeddingLoss``.

    Args:
        margin (float): the cosine up to which unlike pairs cost nothing.
        size_average, reduce (bool, optional): torch's deprecated arguments.
        reduction (str): 'none', 'mean' or 'sum'.

    Inputs:
        Two tensors of shape (N, D) or (D,), and one of shape (N,) or ().

    Outputs:
        Tensor of no axes; for 'none' of shape (N,) or ().

    Raises:
        ValueError, RuntimeError: As torch raises them.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> pair = Tensor([[1.0, 0.0], [1.0, 0.0]]), Tensor([[0.0, 2.0], [3.0, 0.0]])
        >>> print(nn.CosineEmbeddingLoss(reduction="none")(*pair, Tensor([1, -1])))
        [1. 1.]
    """

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        """See Args of the class."""
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.cosine_embedding_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class TripletMarginLoss(Loss):
    """max(0, |anchor - positive| - |anchor - negative| + margin), as ``torch.nn.TripletMarginLoss``.

    Args:
        margin (float): positive.
        p (float): of the norm.
        eps (float): added to differences.
        swap (bool): whether the distance of positive and negative stands for that of anchor and negative, where it is
            smaller.
        size_average, reduce (bool, optional): torch's deprecated arguments.
        reduction (str): 'none', 'mean' or 'sum'.

    Inputs:
        Three tensors of vectors, shape (..., D).

    Outputs:
        Tensor of no axes; for 'none' of shape (...).

    Raises:
        ValueError, RuntimeError: As torch raises them.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.TripletMarginLoss(eps=0.0)(Tensor([[0.0, 0.0]]), Tensor([[3.0, 4.0]]), Tensor([[0.0, 2.0]])))
        4.0
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        """See Args of the class."""
        super().__init__(size_average, reduce, reduction)
        if margin <= 0:
            raise ValueError(
                "For 'TripletMarginLoss', TripletMarginLoss: expected margin to be greater than 0, got "
                f"{margin} instead."
            )
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.triplet_margin_loss(
            anchor, positive, negative, margin=self.margin, p=self.p, eps=self.eps, swap=self.swap,
            reduction=self.reduction,
        )


class TripletMarginWithDistanceLoss(Loss):
    """The loss of triplets with a given distance, as ``torch.nn.TripletMarginWithDistanceLoss``.

    Args:
        distance_function (cell or function, optional): two tensors -> distances; :class:`PairwiseDistance` if there is
            none.
        margin (float): positive.
        swap (bool): see :class:`TripletMarginLoss`.
        reduction (str): 'none', 'mean' or 'sum'.

    Inputs:
        Three tensors that the distance takes.

    Outputs:
        Tensor of no axes; of the shape of the distances for 'none'.

    Raises:
        ValueError, RuntimeError: As torch raises them.

    Examples:
        >>> from mindspore import Tensor, ops
        >>> from mscompat import nn
        >>> loss = nn.TripletMarginWithDistanceLoss(distance_function=lambda x, y: ops.abs(x - y))
        >>> print(loss(Tensor([0.0]), Tensor([3.0]), Tensor([1.0])))
        3.0
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        """See Args of the class."""
        super().__init__(reduction=reduction)
        if margin <= 0:
            raise ValueError(
                "For 'TripletMarginWithDistanceLoss', TripletMarginWithDistanceLoss: expected margin to be greater "
                f"than 0, got {margin} instead."
            )
        self.distance_function = PairwiseDistance() if distance_function is None else distance_function
        self.margin = margin
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.triplet_margin_with_distance_loss(
            anchor, positive, negative, distance_function=self.distance_function, margin=self.margin, swap=self.swap,
            reduction=self.reduction,
        )
