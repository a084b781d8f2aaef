"""MindSpore's own convolutions, and their gradients."""

from __future__ import annotations

import math
from typing import Any

from mindspore import nn, ops

from ..._mindspore.gradient_operators import Conv2DBackpropFilter, Conv3DBackpropFilter, Conv3DBackpropInput
from .. import geometry
from ..geometry import Convolution

__all__ = ["conv", "has_weight_gradient", "input_gradient", "is_complete", "weight_gradient"]

_cast = ops.Cast()

has_weight_gradient = Conv2DBackpropFilter is not None
"""Whether MindSpore's operator for it was found, in two dimensions."""


def is_complete(c: Convolution) -> bool:
    """Whether there is all that native convolutions need: in two dimensions, the operators have their own gradients."""
    return c.dimensions == 2 or Conv3DBackpropInput is not None


def conv(c: Convolution) -> ops.Primitive:
    """The operator of (input, weight)."""
    operator = ops.Conv2D if c.dimensions == 2 else ops.Conv3D
    return operator(c.out_channels, c.kernel_size, **_settings(c))


def input_gradient(c: Convolution) -> Any:
    """The operator of (gradient of the output, weight, shape of the input)."""
    if c.dimensions == 2:
        return ops.Conv2DTranspose(c.out_channels, c.kernel_size, **_settings(c))
    return _PublicInputGradient3d(c) if _is_public(c) else _InputGradient3d(c)


def weight_gradient(c: Convolution) -> nn.Cell:
    """The operator of (gradient of the output, input)."""
    return _WeightGradient3d(c) if c.dimensions == 3 else _WeightGradient2d(c)


class _WeightGradient2d(nn.Cell):
    """(gradient of the output, input) -> gradient of the weight."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        self.operator = Conv2DBackpropFilter(c.out_channels, c.kernel_size, pad_list=c.flat_pads, **_settings(c))
        self.weight = c.weight

    def construct(self, gradient, input):  # type: ignore[no-untyped-def]
        return self.operator(gradient, input, self.weight)


class _WeightGradient3d(nn.Cell):
    """(gradient of the output, input) -> gradient of the weight, in their dtype: of float16 it is float32 (MS-45)."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        self.operator = Conv3DBackpropFilter(c.out_channels, c.kernel_size, **_settings(c))
        self.weight = c.weight

    def construct(self, gradient, input):  # type: ignore[no-untyped-def]
        return _cast(self.operator(input, gradient, self.weight), input.dtype)


def _is_public(c: Convolution) -> bool:
    """Whether ops.Conv3DTranspose takes it (MS-47). The exporter to ONNX knows no other operator of this kind."""
    return (
        c.is_static() and c.dilation[0] == 1 and c.stride[0] <= 256 and math.prod(c.kernel_size) <= 343
        and all(begin == end for begin, end in c.pads)
    )


class _PublicInputGradient3d(nn.Cell):
    """(gradient of the output, weight, shape of the input, which is known) -> gradient of the input."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        axes = (c.stride, c.flat_pads[::2], c.kernel_size, c.dilation)
        least = map(geometry.conv_transpose_output_size, c.output_shape()[2:], *axes, (0, 0, 0))
        extra = tuple(size - start for size, start in zip(c.input[2:], least, strict=True))
        self.operator = ops.Conv3DTranspose(
            c.out_channels, c.input[1], c.kernel_size, output_padding=extra, **_settings(c)
        )

    def construct(self, gradient, weight, shape):  # type: ignore[no-untyped-def]
        return self.operator(gradient, weight)


class _InputGradient3d(nn.Cell):
    """(gradient of the output, weight, shape of the input) -> gradient of the input."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        self.operator = Conv3DBackpropInput(c.out_channels, c.kernel_size, **_settings(c))

    def construct(self, gradient, weight, shape):  # type: ignore[no-untyped-def]
        return self.operator(weight, gradient, shape)


def _settings(c: Convolution) -> dict[str, Any]:
    return {
        "pad_mode": "pad", "pad": c.flat_pads, "stride": c.stride, "dilation": c.dilation, "group": c.groups,
    }
