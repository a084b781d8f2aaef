"""Convolutions by im2col in Graph mode where set_inputs left a size open: in one product."""

from __future__ import annotations

import mindspore as ms
from mindspore import Tensor, nn, ops

from .. import geometry
from ..geometry import NO_PADS, Convolution
from .cells import zero_pad
from .im2col import col2im_operator, im2col_operator

__all__ = ["Conv2d", "InputGradient"]

_batch_matmul = ops.BatchMatMul()
_batch_matmul_transposed_a = ops.BatchMatMul(transpose_a=True)
_reshape = ops.Reshape()


class Conv2d(nn.Cell):
    """(input, weight) -> output."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.dilation = c.kernel_size, c.stride, c.dilation
        self.out_channels = c.out_channels
        self.matrix = (c.groups, c.out_channels // c.groups, c.depth)
        self.pad = zero_pad(c.pads)
        self.im2col = im2col_operator(c._replace(pads=NO_PADS))

    def construct(self, input, weight):  # type: ignore[no-untyped-def]
        input = self.pad(input)
        batch, _, height, width = input.shape
        rows = geometry.conv_output_size(height, (0, 0), self.kernel_size[0], self.stride[0], self.dilation[0])
        columns = geometry.conv_output_size(width, (0, 0), self.kernel_size[1], self.stride[1], self.dilation[1])
        weight = ops.broadcast_to(_reshape(weight, (1, *self.matrix)), (batch, *self.matrix))
        patches = _reshape(self.im2col(input), (batch, self.matrix[0], self.matrix[2], -1))
        return _reshape(_batch_matmul(weight, patches), (batch, self.out_channels, rows, columns))


class InputGradient(nn.Cell):
    """(gradient of the output, weight, shape of the input) -> gradient of the input."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        self.matrix = (c.groups, c.out_channels // c.groups, c.depth)
        self.channels, self.area = c.groups * c.weight[1], c.kernel_size[0] * c.kernel_size[1]
        self.col2im = col2im_operator(c)

    def construct(self, gradient, weight, shape):  # type: ignore[no-untyped-def]
        batch = gradient.shape[0]
        weight = ops.broadcast_to(_reshape(weight, (1, *self.matrix)), (batch, *self.matrix))
        gradient = _reshape(gradient, (batch, *self.matrix[:2], -1))
        patches = _reshape(_batch_matmul_transposed_a(weight, gradient), (batch, self.channels, self.area, -1))
        return self.col2im(patches, Tensor((shape[2], shape[3]), ms.int32))
