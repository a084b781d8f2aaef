"""Convolutions by im2col in Graph mode where set_inputs left a size open: in one product."""

from __future__ import annotations

import mindspore as ms
from mindspore import Tensor, nn, ops

from .. import geometry
from ..geometry import Convolution, no_pads
from . import im2col_3d
from .cells import zero_pad
from .im2col import col2im_operator, im2col_operator

__all__ = ["conv", "input_gradient"]

_batch_matmul = ops.BatchMatMul()
_batch_matmul_transposed_a = ops.BatchMatMul(transpose_a=True)
_reshape = ops.Reshape()
_transpose = ops.Transpose()


def conv(c: Convolution) -> nn.Cell:
    """(input, weight) -> output."""
    return _Conv3d(c) if c.dimensions == 3 else _Conv2d(c)


def input_gradient(c: Convolution) -> nn.Cell:
    """(gradient of the output, weight, shape of the input) -> gradient of the input."""
    return _InputGradient3d(c) if c.dimensions == 3 else _InputGradient2d(c)


class _Conv2d(nn.Cell):
    def __init__(self, c: Convolution) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.dilation = c.kernel_size, c.stride, c.dilation
        self.out_channels = c.out_channels
        self.matrix = (c.groups, c.out_channels // c.groups, c.patch)
        self.pad = zero_pad(c.pads)
        self.im2col = im2col_operator(c._replace(pads=no_pads(2)))

    def construct(self, input, weight):  # type: ignore[no-untyped-def]
        input = self.pad(input)
        batch, _, height, width = input.shape
        rows = geometry.conv_output_size(height, (0, 0), self.kernel_size[0], self.stride[0], self.dilation[0])
        columns = geometry.conv_output_size(width, (0, 0), self.kernel_size[1], self.stride[1], self.dilation[1])
        weight = ops.broadcast_to(_reshape(weight, (1, *self.matrix)), (batch, *self.matrix))
        patches = _reshape(self.im2col(input), (batch, self.matrix[0], self.matrix[2], -1))
        return _reshape(_batch_matmul(weight, patches), (batch, self.out_channels, rows, columns))


class _InputGradient2d(nn.Cell):
    def __init__(self, c: Convolution) -> None:
        super().__init__()
        self.matrix = (c.groups, c.out_channels // c.groups, c.patch)
        self.channels, self.area = c.groups * c.weight[1], c.kernel_size[0] * c.kernel_size[1]
        self.col2im = col2im_operator(c)

    def construct(self, gradient, weight, shape):  # type: ignore[no-untyped-def]
        batch = gradient.shape[0]
        weight = ops.broadcast_to(_reshape(weight, (1, *self.matrix)), (batch, *self.matrix))
        gradient = _reshape(gradient, (batch, *self.matrix[:2], -1))
        patches = _reshape(_batch_matmul_transposed_a(weight, gradient), (batch, self.channels, self.area, -1))
        return self.col2im(patches, Tensor((shape[2], shape[3]), ms.int32))


class _Conv3d(nn.Cell):
    """As in im2col_3d.py."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        self.kernel, self.stride, self.dilation = c.kernel_size[0], c.stride[0], c.dilation[0]
        self.out_channels = c.out_channels
        inner = im2col_3d.of_images(c)
        self.channels, self.matrix = inner.input[1], inner.weight
        self.pad = zero_pad(c.pads)
        self.im2col = im2col_3d.depth_im2col(c)
        self.operator = _Conv2d(inner)

    def construct(self, input, weight):  # type: ignore[no-untyped-def]
        input = self.pad(input)
        batch, channels, depth, height, width = input.shape
        steps = geometry.conv_output_size(depth, (0, 0), self.kernel, self.stride, self.dilation)
        patches = self.im2col(_reshape(input, (batch, channels, depth, height * width)))
        patches = _transpose(_reshape(patches, (batch, self.channels, steps, height * width)), (0, 2, 1, 3))
        planes = _reshape(patches, (batch * steps, self.channels, height, width))
        output = self.operator(planes, _reshape(weight, self.matrix))
        output = _reshape(output, (batch, steps, self.out_channels, output.shape[2], output.shape[3]))
        return _transpose(output, (0, 2, 1, 3, 4))


class _InputGradient3d(nn.Cell):
    """As in im2col_3d.py. The pads are even: uneven ones are of 'same', which no transposed convolution has."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        inner = im2col_3d.of_images(c)._replace(pads=c.pads[1:])
        self.kernel, self.out_channels = c.kernel_size[0], c.out_channels
        self.channels, self.patched, self.matrix = c.groups * c.weight[1], inner.input[1], inner.weight
        self.operator = _InputGradient2d(inner)
        self.pad = c.pads[0][0]
        self.col2im = im2col_3d.depth_col2im(c)

    def construct(self, gradient, weight, shape):  # type: ignore[no-untyped-def]
        batch, _, steps, rows, columns = gradient.shape
        depth, height, width = shape[2], shape[3], shape[4]
        planes = _reshape(_transpose(gradient, (0, 2, 1, 3, 4)), (batch * steps, self.out_channels, rows, columns))
        images = self.operator(planes, _reshape(weight, self.matrix), (batch * steps, self.patched, height, width))
        patches = _transpose(_reshape(images, (batch, steps, self.patched, height * width)), (0, 2, 1, 3))
        patches = _reshape(patches, (batch, self.channels, self.kernel, -1))
        input = self.col2im(patches, Tensor((depth + 2 * self.pad, height * width), ms.int32))
        return _reshape(input[:, :, self.pad : self.pad + depth], (batch, self.channels, depth, height, width))
