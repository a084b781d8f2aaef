"""The roads that a convolution and its gradients can take.

- MindSpore's operators, Conv2D and Conv2DTranspose, with their own gradients.
- The same, of the flipped convolution. With stride 1, the gradient of the input is a convolution too, with the flipped
  weight, and so the convolution is the gradient of the input of that one. On CPU these operators multiply matrices of
  patches, and of the two, that of the side with fewer channels is smaller.
- Products of matrices of patches (Im2Col, BatchMatMul, Col2Im). They go in tiles, so that no matrix of patches is
  larger than input, weight and output together.

Off the first road, a convolution and its two gradients are cells that are each other's derivatives, to the third
order, so that what is inside a cell is not differentiated: in PyNative mode the second derivatives of BatchMatMul
followed by Reshape, for one, are silently wrong (tests/test_mindspore_defects.py). None ends in a view, such as Reshape
gives: there, third derivatives are. Inside are primitives alone: Graph mode loses its way in second derivatives of
cells that call functions such as ops.unfold ("The func graph is empty").
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable
from typing import Any

import mindspore as ms
from mindspore import Tensor, nn, ops
from mindspore.ops.operations._grad_ops import Conv2DBackpropFilter

from .. import _geometry
from .._geometry import NO_PADS, Convolution
from . import operators

# Of derivatives that the cells know. Beyond it, MindSpore differentiates what is inside them.
ORDERS = 3

_batch_matmul = ops.BatchMatMul()
_batch_matmul_transposed_a = ops.BatchMatMul(transpose_a=True)
_batch_matmul_transposed_b = ops.BatchMatMul(transpose_b=True)
_gather = ops.Gather()
_matmul = ops.MatMul()
_neg = ops.Neg()
_reduce_sum = ops.ReduceSum()
_reshape = ops.Reshape()
_slice = operators.Slice()
_transpose = operators.Transpose()


class Road(enum.Enum):
    """How a convolution and its gradients are computed."""

    NATIVE = enum.auto()
    FLIPPED = enum.auto()
    PRODUCTS = enum.auto()
    PRODUCTS_AND_NATIVE_WEIGHT_GRADIENT = enum.auto()


_BY_PRODUCTS = (Road.PRODUCTS, Road.PRODUCTS_AND_NATIVE_WEIGHT_GRADIENT)


def conv2d(convolution: Convolution, road: Road) -> Callable[[Tensor, Tensor], Tensor]:
    """The operator of (input, weight)."""
    if road is Road.NATIVE:
        return _native_conv2d(convolution)
    if road in _BY_PRODUCTS and not convolution.is_static():
        return _Conv2dOfUnknownSize(convolution)
    return _conv2d(convolution, road)


def conv_transpose2d(convolution: Convolution, road: Road) -> Callable[..., Tensor]:
    """The operator of (input, weight) and, if takes_size, the shape of the output.

    `convolution` is the one whose input gradient it is.
    """
    if road is Road.NATIVE:
        return _native_input_gradient(convolution)
    if road in _BY_PRODUCTS and not convolution.is_static():
        return _InputGradientOfUnknownSize(convolution)
    return _input_gradient(convolution, road)


def takes_size(convolution: Convolution, road: Road) -> bool:
    """Whether the operator of conv_transpose2d takes the shape of the output."""
    return road is Road.NATIVE or (road in _BY_PRODUCTS and not convolution.is_static())


def _native_conv2d(c: Convolution) -> ops.Conv2D:
    return operators.Conv2D(
        c.out_channels, c.kernel_size, pad_mode="pad", pad=(*c.pads[0], *c.pads[1]), stride=c.stride,
        dilation=c.dilation, group=c.groups,
    )


def _native_input_gradient(c: Convolution) -> ops.Conv2DTranspose:
    return operators.Conv2DTranspose(
        c.out_channels, c.kernel_size, pad_mode="pad", pad=(*c.pads[0], *c.pads[1]), stride=c.stride,
        dilation=c.dilation, group=c.groups,
    )


class _Linked(nn.Cell):
    """One of the three, with the operator that computes it; differentiated, it finds the other two."""

    def __init__(self, convolution: Convolution, road: Road, order: int, operator: Any) -> None:
        super().__init__()
        self.operator = operator
        self.links = (convolution, road, order + 1)

    # Properties: made when they are needed. In a ring, without the order, Graph mode would not find its way.
    @property
    def conv2d(self) -> Any:
        return _conv2d(*self.links)

    @property
    def input_gradient(self) -> Any:
        return _input_gradient(*self.links)

    @property
    def weight_gradient(self) -> Any:
        return _weight_gradient(*self.links)


class _Conv2d(_Linked):
    """(input, weight) -> output."""

    def construct(self, input, weight):  # type: ignore[no-untyped-def]
        return self.operator(input, weight)

    def bprop(self, input, weight, output, gradient):  # type: ignore[no-untyped-def]
        return self.input_gradient(gradient, weight), self.weight_gradient(gradient, input)


class _InputGradient(_Linked):
    """(gradient of the output, weight) -> gradient of the input."""

    def construct(self, gradient, weight):  # type: ignore[no-untyped-def]
        return self.operator(gradient, weight)

    def bprop(self, gradient, weight, output, second):  # type: ignore[no-untyped-def]
        return self.conv2d(second, weight), self.weight_gradient(gradient, second)


class _WeightGradient(_Linked):
    """(gradient of the output, input) -> gradient of the weight."""

    def construct(self, gradient, input):  # type: ignore[no-untyped-def]
        return self.operator(gradient, input)

    def bprop(self, gradient, input, output, second):  # type: ignore[no-untyped-def]
        return self.conv2d(input, second), self.input_gradient(gradient, second)


@functools.lru_cache(maxsize=1024)
def _conv2d(c: Convolution, road: Road, order: int = 0) -> Any:
    if road in _BY_PRODUCTS:
        operator: Any = _own(_products_conv2d, c)
    else:
        operator = _FlippedConv2d(c) if c.is_narrowing() else _native_conv2d(c)
    return operator if order == ORDERS else _Conv2d(c, road, order, operator)


@functools.lru_cache(maxsize=1024)
def _input_gradient(c: Convolution, road: Road, order: int = 0) -> Any:
    flipped = c.flipped()
    if flipped is None:
        operator: Any = _products_input_gradient(c, c.limit())
    else:
        by_products = road in _BY_PRODUCTS
        operator = _FlippedInputGradient(
            c, _own(_products_conv2d, flipped) if by_products else _native_conv2d(flipped)
        )
    return operator if order == ORDERS else _InputGradient(c, road, order, operator)


@functools.lru_cache(maxsize=1024)
def _weight_gradient(c: Convolution, road: Road, order: int = 0) -> Any:
    if road is Road.PRODUCTS:
        operator: Any = _own(_products_weight_gradient, c)
    else:
        flip = road is Road.FLIPPED and c.is_narrowing()
        operator = _FlippedWeightGradient(c) if flip else _NativeWeightGradient(c)
    return operator if order == ORDERS else _WeightGradient(c, road, order, operator)


class _NativeWeightGradient(nn.Cell):
    """The gradient of the weight by MindSpore's operator."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        pads = (*c.pads[0], *c.pads[1])
        self.operator = Conv2DBackpropFilter(
            c.out_channels, c.kernel_size, pad_mode="pad", pad=pads, pad_list=pads, stride=c.stride,
            dilation=c.dilation, group=c.groups,
        )
        self.weight = c.weight

    def construct(self, gradient, input):  # type: ignore[no-untyped-def]
        return self.operator(gradient, input, self.weight)


class _Flip(nn.Cell):
    """The weight of the flipped convolution."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        out_channels, depth, *kernel_size = c.weight
        self.grouped = (c.groups, out_channels // c.groups, depth, kernel_size[0] * kernel_size[1])
        self.exchanged = (c.groups * depth, out_channels // c.groups, *kernel_size)
        self.rows, self.columns = (Tensor(list(reversed(range(size))), ms.int32) for size in kernel_size)

    def construct(self, weight):  # type: ignore[no-untyped-def]
        weight = _reshape(_transpose(_reshape(weight, self.grouped), (0, 2, 1, 3)), self.exchanged)
        return _gather(_gather(weight, self.rows, 2), self.columns, 3)  # a third of the time of ReverseV2


class _FlippedConv2d(nn.Cell):
    """(input, weight) -> output, the gradient of the input of the flipped convolution."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        self.flip = _Flip(c)
        self.operator = _native_input_gradient(_flipped(c))
        self.output = c.output_shape()

    def construct(self, input, weight):  # type: ignore[no-untyped-def]
        return self.operator(input, self.flip(weight), self.output)


class _FlippedInputGradient(nn.Cell):
    """(gradient of the output, weight) -> gradient of the input, by the operator of the flipped convolution."""

    def __init__(self, c: Convolution, operator: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.flip = _Flip(c)
        self.operator = operator

    def construct(self, gradient, weight):  # type: ignore[no-untyped-def]
        return self.operator(gradient, self.flip(weight))


class _FlippedWeightGradient(nn.Cell):
    """(gradient of the output, input) -> gradient of the weight, that of the flipped convolution flipped back."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        self.operator = _NativeWeightGradient(_flipped(c))
        self.flip = _Flip(_flipped(c))

    def construct(self, gradient, input):  # type: ignore[no-untyped-def]
        return self.flip(self.operator(input, gradient))


def _flipped(c: Convolution) -> Convolution:
    flipped = c.flipped()
    assert flipped is not None, "the road is for stride 1"
    return flipped


def _own(products: Callable[[Convolution, int], nn.Cell], c: Convolution) -> nn.Cell:
    """Products whose result is no view. That of one product ends in Reshape; Concat or AddN joins those of several."""
    operator = products(c, c.limit())
    return _Own(operator) if _is_one_product(c, c.limit()) else operator


def _is_one_product(c: Convolution, limit: int) -> bool:
    images, _, rows, _ = c.output_shape()
    return c.patches() <= limit or images * rows == 1


def _products_conv2d(c: Convolution, limit: int) -> nn.Cell:
    """The convolution by products, of some images, or of some rows of one, at a time."""
    images, _, rows, columns = c.output_shape()
    if _is_one_product(c, limit):
        # With few positions there is less to move when the images are put side by side than when each has the weight.
        side_by_side = images > 1 and c.groups == 1 and c.out_channels > rows * columns
        return _padded(c, _SideBySideConv2d if side_by_side else _WholeConv2d)
    if images > 1:
        return _parts(
            ops.Concat(0),
            [(Cut(0, images, *r), _whole, _products_conv2d(c.of_images(*r), limit)) for r in c.image_ranges(limit)],
        )
    if c.pads != NO_PADS:
        return _Padded(c, _products_conv2d(c.padded(), limit))
    return _parts(
        ops.Concat(2),
        [
            (Cut(2, c.input[2], *c.source_rows(*r)), _whole, _products_conv2d(c.of_rows(*r), limit))
            for r in c.row_ranges(limit)
        ],
    )


def _products_weight_gradient(c: Convolution, limit: int) -> nn.Cell:
    """The gradient of the weight by products, summed over the parts of _products_conv2d."""
    images, _, rows, _ = c.output_shape()
    if _is_one_product(c, limit):
        return _padded(c, _WholeWeightGradient)
    if images > 1:
        return _parts(
            ops.AddN(),
            [
                (Cut(0, images, *r), Cut(0, images, *r), _products_weight_gradient(c.of_images(*r), limit))
                for r in c.image_ranges(limit)
            ],
        )
    if c.pads != NO_PADS:
        return _SecondPadded(c, _products_weight_gradient(c.padded(), limit))
    return _parts(
        ops.AddN(),
        [
            (
                Cut(2, rows, *r), Cut(2, c.input[2], *c.source_rows(*r)),
                _products_weight_gradient(c.of_rows(*r), limit),
            )
            for r in c.row_ranges(limit)
        ],
    )


def _products_input_gradient(c: Convolution, limit: int) -> nn.Cell:
    """The gradient of the input by products, of some images, groups or channels at a time."""
    outputs, width = c.out_channels, c.out_channels // c.groups
    if c.patches() <= limit or c.input[:2] == (1, 1):
        return _WholeInputGradient(c)
    if c.input[0] > 1:
        return _parts(
            ops.Concat(0),
            [
                (Cut(0, c.input[0], *r), _whole, _products_input_gradient(c.of_images(*r), limit))
                for r in c.image_ranges(limit)
            ],
        )
    if c.groups > 1:
        return _parts(
            ops.Concat(1),
            [
                (
                    Cut(1, outputs, begin * width, end * width), Cut(0, outputs, begin * width, end * width),
                    _products_input_gradient(c.of_groups(begin, end), limit),
                )
                for begin, end in c.group_ranges(limit)
            ],
        )
    return _parts(
        ops.Concat(1),
        [
            (_whole, Cut(1, c.weight[1], *r), _products_input_gradient(c.of_channels(*r), limit))
            for r in c.channel_ranges(limit)
        ],
    )


def _padded(c: Convolution, of_input: type[nn.Cell]) -> nn.Cell:
    """Im2Col pads both ends alike."""
    if _is_even(c):
        return of_input(c)
    wrapper = _SecondPadded if of_input is _WholeWeightGradient else _Padded
    return wrapper(c, of_input(c.padded()))


def _parts(combine: Any, parts: list[tuple[nn.Cell, nn.Cell, nn.Cell]]) -> nn.Cell:
    """Compute parts and combine them: (cut of the first argument, cut of the second, operator) for each.

    A tree of pairs, not a loop: with a loop in it, Graph mode cannot differentiate twice ("The func graph is empty").
    """
    if len(parts) == 1:
        return _Part(*parts[0])
    middle = len(parts) // 2
    return _Pair(combine, _parts(combine, parts[:middle]), _parts(combine, parts[middle:]))


def _is_even(c: Convolution) -> bool:
    return all(begin == end for begin, end in c.pads)


class _Part(nn.Cell):
    """An operator of cuts of its arguments."""

    def __init__(self, first: nn.Cell, second: nn.Cell, operator: nn.Cell) -> None:
        super().__init__()
        self.first = first
        self.second = second
        self.operator = operator

    def construct(self, first, second):  # type: ignore[no-untyped-def]
        return self.operator(self.first(first), self.second(second))


class _Pair(nn.Cell):
    """Two operators of the same arguments, with their results combined."""

    def __init__(self, combine: Any, left: nn.Cell, right: nn.Cell) -> None:
        super().__init__()
        self.combine = combine
        self.left = left
        self.right = right

    def construct(self, first, second):  # type: ignore[no-untyped-def]
        return self.combine((self.left(first, second), self.right(first, second)))


class _Own(nn.Cell):
    """An operator of two arguments, with its result in an array of its own: to the bit, and faster than Mul by 1."""

    def __init__(self, operator: nn.Cell) -> None:
        super().__init__()
        self.operator = operator

    def construct(self, first, second):  # type: ignore[no-untyped-def]
        return _neg(_neg(self.operator(first, second)))


class Cut(nn.Cell):
    """A range of one of four axes, of this length."""

    def __init__(self, axis: int, length: int, begin: int, end: int) -> None:
        super().__init__()
        self.begin = tuple(begin if i == axis else 0 for i in range(4))
        self.size = tuple(end - begin if i == axis else -1 for i in range(4))  # -1: all
        self.pad = ops.Pad(tuple((begin, length - end) if i == axis else (0, 0) for i in range(4)))

    def construct(self, array):  # type: ignore[no-untyped-def]
        return _slice(array, self.begin, self.size)

    def bprop(self, array, output, gradient):  # type: ignore[no-untyped-def]
        return (self.pad(gradient),)  # Slice's own refuses the size -1, and has no derivative


_whole = nn.Identity()


class _Padded(nn.Cell):
    """Pad the first argument."""

    def __init__(self, c: Convolution, operator: nn.Cell) -> None:
        super().__init__()
        self.pad = _zero_pad(c)
        self.operator = operator

    def construct(self, first, second):  # type: ignore[no-untyped-def]
        return self.operator(self.pad(first), second)


class _SecondPadded(_Padded):
    """Pad the second argument."""

    def construct(self, first, second):  # type: ignore[no-untyped-def]
        return self.operator(first, self.pad(second))


class _Whole(nn.Cell):
    """What is computed in one piece, from the patches of all images."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        images, _, rows, columns = self.output = c.output_shape()
        self.patches = (images, c.groups, c.depth, rows * columns)
        self.outputs = (images, c.groups, c.out_channels // c.groups, rows * columns)
        self.matrix = (1, c.groups, c.out_channels // c.groups, c.depth)
        self.copy = ops.BroadcastTo((images, *self.matrix[1:]))
        self.im2col = _im2col(c)


class _WholeConv2d(_Whole):
    """(input, weight) -> output."""

    def construct(self, input, weight):  # type: ignore[no-untyped-def]
        weight = self.copy(_reshape(weight, self.matrix))
        return _reshape(_batch_matmul(weight, _reshape(self.im2col(input), self.patches)), self.output)


class _SideBySideConv2d(nn.Cell):
    """(input, weight) -> output, the images side by side in one matrix."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        images, channels, rows, columns = self.output = c.output_shape()
        self.patches = (images, c.depth, rows * columns)
        self.columns = (c.depth, images * rows * columns)
        self.outputs = (channels, images, rows * columns)
        self.matrix = (channels, c.depth)
        self.im2col = _im2col(c)

    def construct(self, input, weight):  # type: ignore[no-untyped-def]
        patches = _transpose(_reshape(self.im2col(input), self.patches), (1, 0, 2))
        output = _matmul(_reshape(weight, self.matrix), _reshape(patches, self.columns))
        return _reshape(_transpose(_reshape(output, self.outputs), (1, 0, 2)), self.output)


class _WholeWeightGradient(_Whole):
    """(gradient of the output, input) -> gradient of the weight."""

    def __init__(self, c: Convolution) -> None:
        super().__init__(c)
        self.weight = c.weight

    def construct(self, gradient, input):  # type: ignore[no-untyped-def]
        patches = _reshape(self.im2col(input), self.patches)
        product = _batch_matmul_transposed_b(_reshape(gradient, self.outputs), patches)
        return _reshape(_reduce_sum(product, 0), self.weight)


class _WholeInputGradient(_Whole):
    """(gradient of the output, weight) -> gradient of the input."""

    def __init__(self, c: Convolution) -> None:
        super().__init__(c)
        assert _is_even(c), "uneven pads are of 'same', with stride 1, which is flipped"
        images, groups, depth, positions = self.patches
        area = c.kernel_size[0] * c.kernel_size[1]
        self.columns = (images, groups * depth // area, area, positions)
        self.size = Tensor(c.input[2:], ms.int32)
        self.col2im = _col2im(c)

    def construct(self, gradient, weight):  # type: ignore[no-untyped-def]
        weight = self.copy(_reshape(weight, self.matrix))
        patches = _batch_matmul_transposed_a(weight, _reshape(gradient, self.outputs))
        return self.col2im(_reshape(patches, self.columns), self.size)


class _Conv2dOfUnknownSize(nn.Cell):
    """The convolution by products in Graph mode, where set_inputs left a size open: in one tile."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.dilation = c.kernel_size, c.stride, c.dilation
        self.out_channels = c.out_channels
        self.matrix = (c.groups, c.out_channels // c.groups, c.depth)
        self.pad = _zero_pad(c)
        self.im2col = _im2col(c._replace(pads=NO_PADS))

    def construct(self, input, weight):  # type: ignore[no-untyped-def]
        input = self.pad(input)
        batch, _, height, width = input.shape
        rows = _geometry.conv_output_size(height, (0, 0), self.kernel_size[0], self.stride[0], self.dilation[0])
        columns = _geometry.conv_output_size(width, (0, 0), self.kernel_size[1], self.stride[1], self.dilation[1])
        weight = ops.broadcast_to(_reshape(weight, (1, *self.matrix)), (batch, *self.matrix))
        patches = _reshape(self.im2col(input), (batch, self.matrix[0], self.matrix[2], -1))
        return _reshape(_batch_matmul(weight, patches), (batch, self.out_channels, rows, columns))


class _InputGradientOfUnknownSize(nn.Cell):
    """The gradient of the input by products in Graph mode, where set_inputs left a size open: in one tile."""

    def __init__(self, c: Convolution) -> None:
        super().__init__()
        self.matrix = (c.groups, c.out_channels // c.groups, c.depth)
        self.channels, self.area = c.groups * c.weight[1], c.kernel_size[0] * c.kernel_size[1]
        self.col2im = _col2im(c)

    def construct(self, gradient, weight, shape):  # type: ignore[no-untyped-def]
        batch = gradient.shape[0]
        weight = ops.broadcast_to(_reshape(weight, (1, *self.matrix)), (batch, *self.matrix))
        gradient = _reshape(gradient, (batch, *self.matrix[:2], -1))
        patches = _reshape(_batch_matmul_transposed_a(weight, gradient), (batch, self.channels, self.area, -1))
        return self.col2im(patches, Tensor((shape[2], shape[3]), ms.int32))


def _zero_pad(c: Convolution) -> ops.Pad:
    return ops.Pad(((0, 0), (0, 0), *c.pads))


def _im2col(c: Convolution) -> ops.Im2Col:
    (top, _), (left, _) = c.pads
    return ops.Im2Col(ksizes=c.kernel_size, strides=c.stride, dilations=c.dilation, pads=(top, left))


def _col2im(c: Convolution) -> ops.Col2Im:
    (top, _), (left, _) = c.pads
    return ops.Col2Im(kernel_size=c.kernel_size, stride=c.stride, dilation=c.dilation, padding=(top, left))
