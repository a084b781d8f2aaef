"""Losses that are logarithms of probabilities: torch/nn/modules/loss.py."""

from __future__ import annotations

from typing import Any

from mindspore import Tensor

from .. import functional as F
from .loss import Loss, WeightedLoss

__all__ = ["BCELoss", "BCEWithLogitsLoss", "GaussianNLLLoss", "KLDivLoss", "MultiLabelSoftMarginLoss", "PoissonNLLLoss"]


class KLDivLoss(Loss):
    """target * (log(target) - input), as ``torch.nn.KLDivLoss``.

    Args:
        size_average, reduce (bool, optional): torch's deprecated arguments.
        reduction (str): 'none', 'batchmean' (the sum divided by the first size of the input), 'mean' (over all
            elements, with torch's warning) or 'sum'.
        log_target (bool): whether targets are logarithms too.

    Inputs:
        Logarithms of probabilities, and probabilities, or their logarithms, of one shape or shapes that can be
        broadcast.

    Outputs:
        Tensor of no axes; of the shape of the inputs for 'none'.

    Raises:
        ValueError, RuntimeError: As torch raises them.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.KLDivLoss(reduction="batchmean")(Tensor([[-1.0, 0.0]]), Tensor([[1.0, 0.0]])))
        1.0
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        """See Args of the class."""
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class BCELoss(WeightedLoss):
    """-(target * log(input) + (1 - target) * log(1 - input)), as ``torch.nn.BCELoss``; logarithms are at least -100.

    Args:
        weight (Tensor, optional): of a shape that can be broadcast to that of the input. A buffer.
        size_average, reduce, reduction: see :class:`L1Loss`. So are the outputs.

    Inputs:
        Two tensors of probabilities, of one shape and dtype.

    Raises:
        ValueError, RuntimeError: As torch raises them, but for elements that are not from 0 to 1.

    Differences from torch:
        Elements are not looked at, which would hold up the device: the loss of an input below 0 or above 1 is NaN,
        where torch raises RuntimeError.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.BCELoss(reduction="none")(Tensor([0.5, 0.0]), Tensor([0.0, 1.0])))
        [  0.6931472 100.       ]
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(Loss):
    """Binary cross entropy of sigmoid(input), as ``torch.nn.BCEWithLogitsLoss``.

    Args:
        weight (Tensor, optional): of a shape that can be broadcast to that of the input. A buffer.
        size_average, reduce, reduction: see :class:`L1Loss`. So are the outputs.
        pos_weight (Tensor, optional): the weight of target * log(sigmoid(input)), likewise. A buffer.

    Inputs:
        Two tensors of one shape, the second of probabilities.

    Raises:
        ValueError, RuntimeError: As torch raises them.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.BCEWithLogitsLoss()(Tensor([0.0, 100.0]), Tensor([1.0, 1.0])))
        0.3465736
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        """See Args of the class."""
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )


class PoissonNLLLoss(Loss):
    """The negative logarithm of Poisson's probability, as ``torch.nn.PoissonNLLLoss``.

    Args:
        log_input (bool): whether inputs are logarithms of the rate: exp(input) - target * input, and else
            input - target * log(input + eps).
        full (bool): whether to add Stirling's approximation of log(target!), where the target is above 1.
        size_average, reduce, reduction: see :class:`L1Loss`. So are the outputs and errors.
        eps (float): added to the rate before its logarithm is taken.

    Inputs:
        The rates, or their logarithms, and the counts, of shapes that can be broadcast.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.PoissonNLLLoss()(Tensor([0.0, 0.0]), Tensor([1.0, 3.0])))
        1.0
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: bool | None = None,
        eps: float = 1e-8,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        """See Args of the class."""
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.poisson_nll_loss(
            log_input, target, log_input=self.log_input, full=self.full, eps=self.eps, reduction=self.reduction
        )


class GaussianNLLLoss(Loss):
    """The negative logarithm of a normal density, as ``torch.nn.GaussianNLLLoss``.

    Args:
        full (bool): whether to add log(2 pi) / 2.
        eps (float): variances are at least this.
        reduction (str): 'none', 'mean' or 'sum'.

    Inputs:
        The means; the samples, of a shape that can be broadcast with that; the variances, a number or of the shape of
        the means, or with a last axis of size 1, or without it.

    Outputs:
        Tensor of no axes; of the shape of the inputs for 'none'.

    Raises:
        ValueError, RuntimeError: As torch raises them, but for negative elements of the variances.

    Differences from torch:
        Elements of a tensor of variances are not looked at, which would hold up the device: negative ones count as
        `eps`.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.GaussianNLLLoss()(Tensor([0.0, 0.0]), Tensor([1.0, 3.0]), 1.0))
        2.5
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        """See Args of the class."""
        super().__init__(None, None, reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Any) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.gaussian_nll_loss(input, target, var, full=self.full, eps=self.eps, reduction=self.reduction)


class MultiLabelSoftMarginLoss(WeightedLoss):
    """The mean over classes of the binary cross entropy, as ``torch.nn.MultiLabelSoftMarginLoss``.

    Args:
        weight (Tensor, optional): of each class, shape (C,). A buffer.
        size_average, reduce (bool, optional): torch's deprecated arguments.
        reduction (str): 'none', 'mean' or 'sum'.

    Inputs:
        Scores, shape (..., C), and probabilities of the same shape.

    Outputs:
        Tensor of no axes; for 'none' of shape (...).

    Raises:
        ValueError, RuntimeError: As torch raises them.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.MultiLabelSoftMarginLoss()(Tensor([[0.0, 0.0]]), Tensor([[1.0, 0.0]])))
        0.6931472
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.multilabel_soft_margin_loss(input, target, weight=self.weight, reduction=self.reduction)
