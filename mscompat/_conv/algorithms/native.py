"""MindSpore's own convolutions."""

from __future__ import annotations

from mindspore import nn, ops

from ..._mindspore.gradient_operators import Conv2DBackpropFilter
from ..geometry import Convolution

__all__ = ["WeightGradient", "conv2d", "has_weight_gradient", "input_gradient"]

has_weight_gradient = Conv2DBackpropFilter is not None
"""Whether MindSpore's operator for it was found."""


def conv2d(c: Convolution) -> ops.Conv2D:
    """The operator of (input, weight)."""
    return ops.Conv2D(
        c.out_channels, c.kernel_size, pad_mode="pad", pad=c.flat_pads, stride=c.stride, dilation=c.dilation,
        group=c.groups,
    )


def input_gradient(c: Convolution) -> ops.Conv2DTranspose:
    """The operator of (gradient of the output, weight, shape of the input)."""
    return ops.Conv2DTranspose(
        c.out_channels, c.kernel_size, pad_mode="pad", pad=c.flat_pads, stride=c.stride, dilation=c.dilation,
        group=c.groups,
    )


class WeightGradient(nn.Cell):
    """(gradient of the output, input) -> gradient of the weight."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        self.operator = Conv2DBackpropFilter(
            c.out_channels, c.kernel_size, pad_mode="pad", pad=c.flat_pads, pad_list=c.flat_pads, stride=c.stride,
            dilation=c.dilation, group=c.groups,
        )
        self.weight = c.weight

    def construct(self, gradient, input):  # type: ignore[no-untyped-def]
        return self.operator(gradient, input, self.weight)
