"""Convolutions of three dimensions by im2col: the patches along the depth become channels of images.

What is left is a convolution of two dimensions, of (N * D_out) images of (C * kD) channels, which im2col.py computes.
The images are kD / stride times the input: more than the matrices of patches in im2col.py, which are tiled.
"""

from __future__ import annotations

import mindspore as ms
from mindspore import Tensor, nn, ops

from ..._mindspore import direct_operators
from ..geometry import Convolution, conv_output_size, no_pads
from . import im2col, tiles
from .cells import AxisRange, ContiguousCopy, FirstPadded, SecondPadded, chain

__all__ = ["conv", "input_gradient", "weight_gradient"]

_reshape = ops.Reshape()
_transpose = direct_operators.Transpose()


def conv(c: Convolution) -> nn.Cell:
    """(input, weight) -> output."""
    cell = ContiguousCopy(_Conv(c.padded()))
    return FirstPadded(c.pads, cell) if c.is_padded() else cell


def weight_gradient(c: Convolution) -> nn.Cell:
    """(gradient of the output, input) -> gradient of the weight."""
    cell = ContiguousCopy(_WeightGradient(c.padded()))
    return SecondPadded(c.pads, cell) if c.is_padded() else cell


def input_gradient(c: Convolution) -> nn.Cell:
    """(gradient of the output, weight) -> gradient of the input."""
    return ContiguousCopy(_InputGradient(c))


def of_images(c: Convolution) -> Convolution:
    """The convolution of the images that _Images makes, without pads."""
    kernel_depth, images = c.kernel_size[0], None
    if None not in (c.input[0], c.input[2]):
        images = c.input[0] * conv_output_size(c.input[2], c.pads[0], kernel_depth, c.stride[0], c.dilation[0])
    weight = (c.out_channels, c.weight[1] * kernel_depth, *c.weight[3:])
    input = (images, c.groups * weight[1], *c.input[3:])
    return Convolution(input, weight, c.stride[1:], no_pads(2), c.dilation[1:], c.groups)


class _Unpadded(nn.Cell):
    """What is computed of an input that is padded already."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        self.images = _Images(c)
        self.volumes = _Volumes(c)
        self.weight = c.weight
        self.matrix = of_images(c).weight


class _Conv(_Unpadded):
    """(input, weight) -> output."""

    def __init__(self, c: Convolution) -> None:
        super().__init__(c)
        inner = of_images(c)
        self.operator = im2col.conv(inner, tiles.patch_limit(inner))

    def construct(self, input, weight):  # type: ignore[no-untyped-def]
        return self.volumes(self.operator(self.images(input), _reshape(weight, self.matrix)))


class _WeightGradient(_Unpadded):
    """(gradient of the output, input) -> gradient of the weight."""

    def __init__(self, c: Convolution) -> None:
        super().__init__(c)
        inner = of_images(c)
        self.operator = im2col.weight_gradient(inner, tiles.patch_limit(inner))
        self.planes = _Planes(c)

    def construct(self, gradient, input):  # type: ignore[no-untyped-def]
        return _reshape(self.operator(self.planes(gradient), self.images(input)), self.weight)


class _InputGradient(nn.Cell):
    """(gradient of the output, weight) -> gradient of the input."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        padded = c.padded()
        inner = of_images(padded)
        self.matrix = inner.weight
        self.planes = _Planes(padded)
        self.operator = im2col.input_gradient(inner, tiles.patch_limit(inner))
        images, channels, depth, height, width = self.padded = padded.input
        self.separate = (images, padded.output_shape()[2], channels * c.kernel_size[0], height * width)
        self.columns = (images, channels, c.kernel_size[0], -1)
        self.size = Tensor((depth, height * width), ms.int32)
        self.col2im = depth_col2im(c)
        self.crop = _crop(c)

    def construct(self, gradient, weight):  # type: ignore[no-untyped-def]
        images = self.operator(self.planes(gradient), _reshape(weight, self.matrix))
        patches = _transpose(_reshape(images, self.separate), (0, 2, 1, 3))
        return self.crop(_reshape(self.col2im(_reshape(patches, self.columns), self.size), self.padded))


class _Images(nn.Cell):
    """(N, C, D, H, W) -> (N * D_out, C * kD, H, W): at each step along the depth, the planes that the kernel meets."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        images, channels, depth, height, width = c.input
        steps, area = c.output_shape()[2], height * width
        self.rows = (images, channels, depth, area)
        self.patches = (images, channels * c.kernel_size[0], steps, area)
        self.images = (images * steps, channels * c.kernel_size[0], height, width)
        self.im2col = depth_im2col(c)

    def construct(self, input):  # type: ignore[no-untyped-def]
        patches = _reshape(self.im2col(_reshape(input, self.rows)), self.patches)
        return _reshape(_transpose(patches, (0, 2, 1, 3)), self.images)


class _Volumes(nn.Cell):
    """(N * D_out, C_out, H_out, W_out) -> (N, C_out, D_out, H_out, W_out)."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        images, channels, steps, height, width = c.output_shape()
        self.separate = (images, steps, channels, height, width)

    def construct(self, planes):  # type: ignore[no-untyped-def]
        return _transpose(_reshape(planes, self.separate), (0, 2, 1, 3, 4))


class _Planes(nn.Cell):
    """(N, C_out, D_out, H_out, W_out) -> (N * D_out, C_out, H_out, W_out)."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        images, channels, steps, height, width = c.output_shape()
        self.planes = (images * steps, channels, height, width)

    def construct(self, volumes):  # type: ignore[no-untyped-def]
        return _reshape(_transpose(volumes, (0, 2, 1, 3, 4)), self.planes)


def depth_im2col(c: Convolution) -> ops.Im2Col:
    """The operator that makes patches along the depth, of (N, C, D, H * W)."""
    return ops.Im2Col(ksizes=(c.kernel_size[0], 1), strides=(c.stride[0], 1), dilations=(c.dilation[0], 1), pads=(0, 0))


def depth_col2im(c: Convolution) -> ops.Col2Im:
    """The operator that adds them up again."""
    return ops.Col2Im(
        kernel_size=(c.kernel_size[0], 1), stride=(c.stride[0], 1), dilation=(c.dilation[0], 1), padding=(0, 0)
    )


def _crop(c: Convolution) -> nn.Cell:
    """The cell that takes the pads off."""
    ranges = [
        AxisRange(axis, size + sum(pad), pad[0], pad[0] + size, 5)
        for axis, (size, pad) in enumerate(zip(c.input[2:], c.pads, strict=True), 2) if any(pad)
    ]
    return chain(ranges) if ranges else nn.Identity()
