"""Losses that compare element by element: torch/nn/modules/loss.py."""

from __future__ import annotations

from mindspore import Tensor

from .. import functional as F
from ..functional.reduction import legacy_string
from .module import Module

__all__ = ["HuberLoss", "L1Loss", "MSELoss", "SmoothL1Loss", "SoftMarginLoss"]


class Loss(Module):
    """What losses have in common: the reduction, and torch's two deprecated arguments for it."""

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        """See Args of the losses."""
        super().__init__()
        if size_average is not None or reduce is not None:
            reduction = legacy_string(size_average, reduce)
        self.reduction = reduction


class WeightedLoss(Loss):
    """A loss with weights, which are a buffer."""

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        """See Args of the losses."""
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class L1Loss(Loss):
    """|input - target|, as ``torch.nn.L1Loss``.

    Args:
        size_average, reduce (bool, optional): torch's deprecated arguments.
        reduction (str): 'none', 'mean' or 'sum'.

    Inputs:
        Two tensors of one shape, or of shapes that are broadcast, with torch's warning.

    Outputs:
        Tensor of no axes; of the shape of the inputs for 'none'.

    Raises:
        ValueError, RuntimeError: As torch raises them: a reduction that there is not, sizes that do not match.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.L1Loss()(Tensor([1.0, 2.0]), Tensor([2.0, 5.0])))
        2.0
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.l1_loss(input, target, reduction=self.reduction)


class MSELoss(Loss):
    """(input - target)^2, as ``torch.nn.MSELoss``. Arguments, inputs, outputs and errors: see :class:`L1Loss`.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.MSELoss(reduction="none")(Tensor([1.0, 2.0]), Tensor([2.0, 5.0])))
        [1. 9.]
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.mse_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(Loss):
    """A square up to an error of `beta`, and linear beyond it, as ``torch.nn.SmoothL1Loss``.

    Args:
        size_average, reduce, reduction: see :class:`L1Loss`. So are the inputs and outputs.
        beta (float): not negative; 0 is :class:`L1Loss`.

    Raises:
        ValueError, RuntimeError, TypeError: As torch raises them.

    Differences from torch:
        MindSpore's operator has no second derivative, and says so; :class:`HuberLoss`, which is `beta` times this
        loss, has one.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.SmoothL1Loss(reduction="none")(Tensor([1.5, 2.0]), Tensor([2.0, 5.0])))
        [0.125 2.5  ]
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        beta: float = 1.0,
    ) -> None:
        """See Args of the class."""
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(Loss):
    """A square up to an error of `delta`, and linear beyond it, as ``torch.nn.HuberLoss``.

    Args:
        reduction (str): 'none', 'mean' or 'sum'.
        delta (float): positive.

    Inputs and outputs: see :class:`L1Loss`.

    Raises:
        TypeError: If `delta` is no number.
        ValueError, RuntimeError: As torch raises them, when the loss is called.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.HuberLoss(delta=2.0)(Tensor([1.0, 2.0]), Tensor([2.0, 5.0])))
        2.25
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        """See Args of the class."""
        if not isinstance(delta, (float, int)):
            raise TypeError(f"For 'HuberLoss', delta must be a float or int, got: {type(delta)}.")
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class SoftMarginLoss(Loss):
    """log(1 + exp(-target * input)), as ``torch.nn.SoftMarginLoss``; targets are 1 and -1.

    Arguments, inputs, outputs and errors: see :class:`L1Loss`; there is no warning.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import nn
        >>> print(nn.SoftMarginLoss()(Tensor([0.0, 0.0]), Tensor([1.0, -1.0])))
        0.6931472
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return F.soft_margin_loss(input, target, reduction=self.reduction)
