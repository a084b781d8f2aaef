"""Convolutions by im2col: products of matrices of patches, in tiles.

No matrix of patches is larger than input, weight and output together, or 16 MB (float32). Each function takes the most
elements that the patches of one product may have, and gives the cell for the whole, or for tiles that it joins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mindspore as ms
from mindspore import Tensor, nn, ops

from ..._mindspore import direct_operators
from ..geometry import Convolution
from . import tiles
from .cells import AxisRange, ContiguousCopy, FirstPadded, SecondPadded, join

__all__ = ["col2im_operator", "contiguous", "conv", "im2col_operator", "input_gradient", "weight_gradient"]

_batch_matmul = ops.BatchMatMul()
_batch_matmul_transposed_a = ops.BatchMatMul(transpose_a=True)
_batch_matmul_transposed_b = ops.BatchMatMul(transpose_b=True)
_matmul = ops.MatMul()
_reduce_sum = ops.ReduceSum()
_reshape = ops.Reshape()
_transpose = direct_operators.Transpose()
_whole = nn.Identity()


def conv(c: Convolution, limit: int) -> nn.Cell:
    """(input, weight) -> output, of some images, or of some rows of one, at a time."""
    images, _, rows, columns = c.output_shape()
    if _is_one_product(c, limit):
        # With few positions there is less to move when the images are put side by side than when each has the weight.
        side_by_side = images > 1 and c.groups == 1 and c.out_channels > rows * columns
        return _evenly_padded(c, _SideBySideConv if side_by_side else _Conv, FirstPadded)
    if images > 1:
        return _tiled(ops.Concat(0), [
            (AxisRange(0, images, *r), _whole, conv(tiles.of_images(c, *r), limit))
            for r in tiles.image_ranges(c, limit)
        ])
    if c.is_padded():
        return FirstPadded(c.pads, conv(c.padded(), limit))
    axis = tiles.axis_of_rows(c)
    return _tiled(ops.Concat(axis), [
        (AxisRange(axis, c.input[axis], *tiles.source_rows(c, *r)), _whole, conv(tiles.of_rows(c, *r), limit))
        for r in tiles.row_ranges(c, limit)
    ])


def weight_gradient(c: Convolution, limit: int) -> nn.Cell:
    """(gradient of the output, input) -> gradient of the weight, summed over the tiles of conv."""
    images = c.input[0]
    if _is_one_product(c, limit):
        return _evenly_padded(c, _WeightGradient, SecondPadded)
    if images > 1:
        return _tiled(ops.AddN(), [
            (AxisRange(0, images, *r), AxisRange(0, images, *r), weight_gradient(tiles.of_images(c, *r), limit))
            for r in tiles.image_ranges(c, limit)
        ])
    if c.is_padded():
        return SecondPadded(c.pads, weight_gradient(c.padded(), limit))
    axis = tiles.axis_of_rows(c)
    return _tiled(ops.AddN(), [
        (
            AxisRange(axis, c.output_shape()[axis], *r), AxisRange(axis, c.input[axis], *tiles.source_rows(c, *r)),
            weight_gradient(tiles.of_rows(c, *r), limit),
        )
        for r in tiles.row_ranges(c, limit)
    ])


def input_gradient(c: Convolution, limit: int) -> nn.Cell:
    """(gradient of the output, weight) -> gradient of the input, of some images, groups or channels at a time."""
    outputs, width = c.out_channels, c.out_channels // c.groups
    if c.patches() <= limit or c.input[:2] == (1, 1):
        return _InputGradient(c)
    if c.input[0] > 1:
        return _tiled(ops.Concat(0), [
            (AxisRange(0, c.input[0], *r), _whole, input_gradient(tiles.of_images(c, *r), limit))
            for r in tiles.image_ranges(c, limit)
        ])
    if c.groups > 1:
        return _tiled(ops.Concat(1), [
            (
                AxisRange(1, outputs, begin * width, end * width), AxisRange(0, outputs, begin * width, end * width),
                input_gradient(tiles.of_groups(c, begin, end), limit),
            )
            for begin, end in tiles.group_ranges(c, limit)
        ])
    return _tiled(ops.Concat(1), [
        (_whole, AxisRange(1, c.weight[1], *r), input_gradient(tiles.of_channels(c, *r), limit))
        for r in tiles.channel_ranges(c, limit)
    ])


def contiguous(make_cell: Callable[[Convolution, int], nn.Cell], c: Convolution) -> nn.Cell:
    """The cell of conv or weight_gradient, with a result that is no view.

    One product ends in Reshape; Concat or AddN joins those of several.
    """
    limit = tiles.patch_limit(c)
    return ContiguousCopy(make_cell(c, limit)) if _is_one_product(c, limit) else make_cell(c, limit)


def im2col_operator(c: Convolution) -> ops.Im2Col:
    """The operator that makes the matrix of patches. It pads both ends of an axis alike."""
    (top, _), (left, _) = c.pads
    return ops.Im2Col(ksizes=c.kernel_size, strides=c.stride, dilations=c.dilation, pads=(top, left))


def col2im_operator(c: Convolution) -> ops.Col2Im:
    """The operator that adds patches up to images."""
    (top, _), (left, _) = c.pads
    return ops.Col2Im(kernel_size=c.kernel_size, stride=c.stride, dilation=c.dilation, padding=(top, left))


def _is_one_product(c: Convolution, limit: int) -> bool:
    return c.patches() <= limit or c.input[0] * c.output_shape()[tiles.axis_of_rows(c)] == 1


def _is_even(c: Convolution) -> bool:
    return all(begin == end for begin, end in c.pads)


def _evenly_padded(c: Convolution, cell_type: type[nn.Cell], padded_type: type[FirstPadded]) -> nn.Cell:
    """The cell, with zeros added before it where the pads are uneven, which Im2Col does not know."""
    return cell_type(c) if _is_even(c) else padded_type(c.pads, cell_type(c.padded()))


def _tiled(combine: Any, parts: list[tuple[nn.Cell, nn.Cell, nn.Cell]]) -> nn.Cell:
    """Tiles joined: of each, the range of the first argument, of the second, and the operator."""
    return join(combine, [_Tile(*part) for part in parts])


class _Tile(nn.Cell):
    """An operator of ranges of its two arguments."""

    def __init__(self, first: nn.Cell, second: nn.Cell, operator: nn.Cell) -> None:
        super().__init__()
        self.first = first
        self.second = second
        self.operator = operator

    def construct(self, first, second):  # type: ignore[no-untyped-def]
        return self.operator(self.first(first), self.second(second))


class _Product(nn.Cell):
    """What is computed in one product, from the patches of all images."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        images, _, rows, columns = self.output = c.output_shape()
        self.patches = (images, c.groups, c.patch, rows * columns)
        self.outputs = (images, c.groups, c.out_channels // c.groups, rows * columns)
        self.matrix = (1, c.groups, c.out_channels // c.groups, c.patch)
        self.copy = ops.BroadcastTo((images, *self.matrix[1:]))
        self.im2col = im2col_operator(c)


class _Conv(_Product):
    """(input, weight) -> output."""

    def construct(self, input, weight):  # type: ignore[no-untyped-def]
        weight = self.copy(_reshape(weight, self.matrix))
        return _reshape(_batch_matmul(weight, _reshape(self.im2col(input), self.patches)), self.output)


class _SideBySideConv(nn.Cell):
    """(input, weight) -> output, the images side by side in one matrix."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        images, channels, rows, columns = self.output = c.output_shape()
        self.patches = (images, c.patch, rows * columns)
        self.columns = (c.patch, images * rows * columns)
        self.outputs = (channels, images, rows * columns)
        self.matrix = (channels, c.patch)
        self.im2col = im2col_operator(c)

    def construct(self, input, weight):  # type: ignore[no-untyped-def]
        patches = _transpose(_reshape(self.im2col(input), self.patches), (1, 0, 2))
        output = _matmul(_reshape(weight, self.matrix), _reshape(patches, self.columns))
        return _reshape(_transpose(_reshape(output, self.outputs), (1, 0, 2)), self.output)


class _WeightGradient(_Product):
    """(gradient of the output, input) -> gradient of the weight."""

    def __init__(self, c: Convolution) -> None:
        super().__init__(c)
        self.weight = c.weight

    def construct(self, gradient, input):  # type: ignore[no-untyped-def]
        patches = _reshape(self.im2col(input), self.patches)
        product = _batch_matmul_transposed_b(_reshape(gradient, self.outputs), patches)
        return _reshape(_reduce_sum(product, 0), self.weight)


class _InputGradient(_Product):
    """(gradient of the output, weight) -> gradient of the input."""

    def __init__(self, c: Convolution) -> None:
        super().__init__(c)
        assert _is_even(c), "uneven pads are of 'same', with stride 1, which is flipped"
        images, groups, depth, positions = self.patches
        area = c.kernel_size[0] * c.kernel_size[1]
        self.columns = (images, groups * depth // area, area, positions)
        self.size = Tensor(c.input[2:], ms.int32)
        self.col2im = col2im_operator(c)

    def construct(self, gradient, weight):  # type: ignore[no-untyped-def]
        weight = self.copy(_reshape(weight, self.matrix))
        patches = _batch_matmul_transposed_a(weight, _reshape(gradient, self.outputs))
        return self.col2im(_reshape(patches, self.columns), self.size)
