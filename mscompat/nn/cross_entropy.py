"""Losses of one class out of several: torch/nn/modules/loss.py."""

from __future__ import annotations

from mindspore import Tensor

from .. import functional as F
from .loss import WeightedLoss

__all__ = ["CrossEntropyLoss", "NLLLoss"]


class CrossEntropyLoss(WeightedLoss):
    """-log(softmax(input)) at the class of each sample, as ``torch.nn.CrossEntropyLoss``.

    Args:
        weight (Tensor, optional): of each class, shape (C,). A buffer.
        size_average, reduce (bool, optional): torch's deprecated arguments.
        ignore_index (int): a class whose samples do not count.
        reduction (str): 'none', 'mean' (divided by the sum of the weights of the samples that count) or 'sum'.
        label_smoothing (float): from 0 to 1: the part of the target that is spread over all classes.

    Inputs:
        Scores of classes, shape (C,), (N, C) or (N, C, d1, ..., dK); classes from 0 to C - 1, of shape (), (N,) or
        (N, d1, ..., dK), int64, int32 or uint8, or probabilities of classes, of the shape of the scores.

    Outputs:
        Tensor of no axes; for 'none' of shape (), (N,) or (N, d1, ..., dK).

    Raises:
        ValueError, RuntimeError: As torch raises them.

    Differences from torch:
        torch takes no int32, which MindSpore's own loss wants. A class that is out of range makes the loss NaN, and its
        gradient, where torch raises IndexError: to look for one would hold up the device.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> scores = Tensor([[0.0, 0.0], [100.0, 0.0]])
        >>> print(nn.CrossEntropyLoss(reduction="none")(scores, Tensor([1, 1])))
        [  0.6931472 100.       ]
        >>> print(nn.CrossEntropyLoss()(scores, Tensor([1, -100])))
        0.6931472
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        """See Args of the class."""
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.cross_entropy(
            input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(WeightedLoss):
    """-input at the class of each sample, as ``torch.nn.NLLLoss``.

    Args:
        weight, size_average, ignore_index, reduce, reduction: see :class:`CrossEntropyLoss`. So are the outputs, the
            errors, and the differences from torch.

    Inputs:
        Logarithms of probabilities of classes, shape (C,), (N, C) or (N, C, d1, ..., dK); classes from 0 to C - 1, of
        shape (), (N,) or (N, d1, ..., dK), int64, int32 or uint8.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.NLLLoss()(Tensor([[-1.0, -2.0], [-3.0, -4.0]]), Tensor([1, 0])))
        2.5
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        """See Args of the class."""
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.nll_loss(
            input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction
        )
