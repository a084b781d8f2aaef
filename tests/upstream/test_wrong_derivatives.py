"""Second and third derivatives that are silently wrong in PyNative mode. In Graph mode they are right."""

from __future__ import annotations

import mindspore as ms
import numpy as np
import pytest
from defects import MENDED, VERSION, derivative, derivative_of_copies, is_right, numbers
from mindspore import Tensor, nn, ops


def reshape(input):
    return ops.Reshape()(input, (3, 2, 2))


def transpose(input):
    return ops.Transpose()(input, (2, 0, 1))


def expand(input):
    return ops.ExpandDims()(input, 0)


def broadcast(input):
    return ops.BroadcastTo((1, 2, 2, 3))(input)


@pytest.mark.parametrize("view", [reshape, transpose, expand, broadcast])
def test_second_derivative_of_a_view_of_a_product_is_zero(view, mode):
    """MS-08: of each view of the result of Neg, which stands for Mul, ReLU, BatchMatMul and all that is no view."""
    def function(input):
        return view(ops.Neg()(ops.Neg()(input)))

    input = numbers(2, 2, 3)
    actual = derivative(2, function, input)
    if mode == "graph":
        assert is_right(actual, derivative_of_copies(2, input, 1))
    else:
        assert not actual.any(), MENDED


def zero_pad_of_three(input):
    return ops.Pad(((0, 0), (0, 1), (1, 0)))(input)


def gather_of_three(input):
    return ops.Gather()(input, Tensor([1, 0], ms.int32), 1)


def gather_the_last(input):
    return ops.index_select(input, 2, Tensor([2, 0, 1], ms.int32))


@pytest.mark.parametrize("function", [zero_pad_of_three, gather_of_three, gather_the_last])
def test_second_derivative_of_what_has_a_view_for_its_gradient_is_zero(function, mode):
    """MS-08: of a result; Slice is the gradient of Pad, and that of Gather ends in a Transpose, but for axis 0."""
    def negated(input):
        return function(ops.Neg()(ops.Neg()(input)))

    input = numbers(2, 2, 3)
    assert is_right(derivative(2, function, input), derivative_of_copies(2, input, 1))
    actual = derivative(2, negated, input)
    if mode == "graph":
        assert is_right(actual, derivative_of_copies(2, input, 1))
    else:
        assert not actual.any(), MENDED


def gather_the_first(input):
    return ops.Gather()(input, Tensor([1, 0], ms.int32), 0)


def zero_pad_by_pad_v3(input):
    return ops.PadV3()(input, (1, 0, 0, 1), Tensor(0.0))


def strided_slice(input):
    return ops.StridedSlice()(input, (0, 0, 0), (2, 2, 3), (1, 1, 1))


@pytest.mark.parametrize("function", [gather_the_first, zero_pad_by_pad_v3, strided_slice])
def test_second_derivatives_of_results_are_right(function):
    """MS-08: no defect, but what mscompat needs instead. Only in PyNative: gradients of PadV3 in graphs are MS-13."""
    def negated(input):
        return function(ops.Neg()(ops.Neg()(input)))

    input = numbers(2, 2, 3)
    assert is_right(derivative(2, negated, input), derivative_of_copies(2, input, 1))


@pytest.mark.parametrize("view", [reshape, transpose])
def test_third_derivative_of_a_view_is_wrong(view):
    """MS-08: of the input itself, whose second derivative is right. Only in PyNative: a graph takes long to compile."""
    input = numbers(2, 2, 3)
    assert is_right(derivative(2, view, input), derivative_of_copies(2, input, 1))
    assert not is_right(derivative(3, view, input), derivative_of_copies(3, input, 1)), MENDED


def second_derivatives_of_product(function, left, right):
    """derivative(2, ...) with two arguments: the gradients for both, of both."""
    def loss(left, right):
        return (function(left, right) ** 3).sum()

    gradients = ms.grad(loss, (0, 1))

    def squares(left, right):
        left_gradient, right_gradient = gradients(left, right)
        return (left_gradient ** 2).sum() + (right_gradient ** 2).sum()

    return [gradient.asnumpy() for gradient in ms.grad(squares, (0, 1))(left, right)]


def second_derivatives_of_matmul(left, right):
    """The same by hand for left @ right, where the batch of right may be 1."""
    def sum_to_right(value):
        return value if right.shape[0] == value.shape[0] else value.sum(0, keepdims=True)

    def transposed(value):
        return value.swapaxes(-1, -2)

    output = left @ right
    cubes_gradient = 3 * output**2
    left_tangent = 2 * cubes_gradient @ transposed(right)
    right_tangent = 2 * sum_to_right(transposed(left) @ cubes_gradient)
    output_gradient = 6 * output * (left_tangent @ right + left @ right_tangent)
    return [
        output_gradient @ transposed(right) + cubes_gradient @ transposed(right_tangent),
        sum_to_right(transposed(left) @ output_gradient + transposed(left_tangent) @ cubes_gradient),
    ]


def matmul(left, right):
    return ops.matmul(left, right)


def batch_matmul(left, right):
    return ops.BatchMatMul()(left, ops.broadcast_to(right, (2, 3, 2)))


def batch_matmul_transposed(left, right):
    return ops.BatchMatMul(transpose_a=True)(ops.transpose(left, (0, 2, 1)), ops.broadcast_to(right, (2, 3, 2)))


@pytest.mark.parametrize("batch", [2, 1])
def test_second_derivatives_of_matmul_are_wrong(batch, mode):
    """MS-08: its result is a view. Terms are missing: all those by a broadcast operand."""
    left, right = numbers(2, 2, 3), numbers(batch, 3, 2)
    actual = second_derivatives_of_product(matmul, left, right)
    expected = second_derivatives_of_matmul(left.asnumpy(), right.asnumpy())
    if mode == "graph":
        assert all(map(is_right, actual, expected))
    else:
        assert not any(map(is_right, actual, expected)), MENDED


@pytest.mark.parametrize("function", [batch_matmul, batch_matmul_transposed])
@pytest.mark.parametrize("batch", [2, 1])
def test_second_derivatives_of_batch_matmul_are_right(function, batch, mode):
    """MS-08: no defect, but what mscompat needs instead."""
    left, right = numbers(2, 2, 3), numbers(batch, 3, 2)
    actual = second_derivatives_of_product(function, left, right)
    expected = second_derivatives_of_matmul(left.asnumpy(), right.asnumpy())
    assert all(map(is_right, actual, expected))


def concat(input):
    return ops.Concat(1)((input, input))


def tile(input):
    return ops.Tile()(input, (1, 1, 2))


@pytest.mark.parametrize("function", [concat, tile])
def test_second_derivative_of_copying_is_zero(function, mode):
    """MS-09: of both operators."""
    input = numbers(2, 2, 3)
    actual = derivative(2, function, input)
    if mode == "graph":
        assert is_right(actual, derivative_of_copies(2, input, 2))
    else:
        assert not actual.any(), MENDED


def reduce_sum(input):
    return ops.ReduceSum()(input, 1)


def tensor_sum(input):
    return input.sum(1)


@pytest.mark.parametrize("function", [reduce_sum, tensor_sum])
def test_second_derivative_of_a_sum_is_zero(function, mode):
    """MS-10: the sums within `derivative` do not suffer, since their gradient is the same for every input."""
    input = numbers(2, 2, 3)
    actual = derivative(2, function, input)
    if mode == "graph":
        # Of the sum y of two elements: y**3 has the gradient 3 * y**2 for each, the squares add up to 2 * 9 * y**4.
        expected = 2 * 36 * input.asnumpy().sum(1, keepdims=True) ** 3
        assert is_right(actual, np.broadcast_to(expected, input.shape))
    else:
        assert not actual.any(), MENDED


def gather(input):
    return ops.Gather()(input, Tensor([1, 0, 1, 2], ms.int32), 3)


def zero_pad(input):
    return ops.Pad(((0, 0), (0, 0), (0, 1), (1, 0)))(input)


def broadcast_reshaped(input):
    return ops.broadcast_to(ops.Reshape()(input, (1, 12)), (3, 12))


def expand_and_squeeze(input):
    return ops.Squeeze(0)(ops.ExpandDims()(input, 0))


def cast(input):
    return ops.Cast()(input, ms.float64)


def bias_add(input):
    return ops.BiasAdd()(ops.zeros((2, 12, 3, 1), ms.float32), ops.Reshape()(input, (12,)))


def im2col(input):
    return ops.unfold(input, (1, 2))


def col2im(input):
    columns = ops.Reshape()(input, (2, 2, 3))
    return ops.fold(columns, Tensor((1, 6), ms.int32), (1, 2), 1, 0, (1, 2))


def negate_twice(input):
    return ops.Neg()(ops.Neg()(input))


@pytest.mark.parametrize(("function", "copies"), [
    (gather, [1, 2, 1]), (zero_pad, 1), (broadcast_reshaped, 3), (expand_and_squeeze, 1), (cast, 1), (bias_add, 6),
    (im2col, [1, 2, 1]), (col2im, 1), (negate_twice, 1),
])
def test_second_derivatives_are_right(function, copies, mode):
    """MS-09: no defect, but what mscompat needs instead. Those of Gather and Pad only of the input itself (MS-08)."""
    input = numbers(2, 1, 2, 3)
    assert is_right(derivative(2, function, input), derivative_of_copies(2, input, copies))


def relu(input):
    return ops.ReLU()(input)


def test_second_derivative_of_relu_is_zero(mode):
    """MS-67: where the input is positive, and the loss the sum of its cubes."""
    input = numbers(2, 3)
    actual = derivative(2, relu, input)
    if VERSION < (2, 8) and mode == "pynative":
        assert not actual.any(), MENDED
    else:
        assert is_right(actual, derivative_of_copies(2, input, 1))


class SquaredPad(nn.Cell):
    def construct(self, input):
        output = ops.pad(input, (1, 2, 0, 1))
        return (output * output).sum()


def test_gradient_of_ops_pad_is_wrong_from_the_second_call_on(graph_mode):
    """MS-13: a test of two steps is worth more than of one."""
    input = numbers(2, 1, 5, 5)
    gradient = ms.grad(SquaredPad(), 0)
    first, second = (gradient(input).asnumpy() for _ in range(2))
    np.testing.assert_allclose(first, 2 * input.asnumpy(), rtol=1e-6)
    assert np.abs(second - 2 * input.asnumpy()).max() > 1, MENDED
