"""Derivatives that raise, in one mode or both, and one that is wrong from the second call on."""

from __future__ import annotations

import mindspore as ms
import numpy as np
import pytest
from defects import VERSION, derivative, derivative_of_copies, is_right, numbers, raises_still, run
from mindspore import Tensor, nn, ops


def pad_reflect(input):
    return ops.pad(input, (1, 1, 1, 1), "reflect")


def pad_replicate(input):
    return ops.pad(input, (1, 1, 1, 1), "replicate")


def pad_circular(input):
    return ops.pad(input, (1, 1, 1, 1), "circular")


def crop(input):
    return ops.Slice()(input, (0, 0, 0, 0), (1, 1, 2, 2))


@pytest.mark.parametrize(("function", "gradient"), [
    (pad_reflect, "PadV3Grad"), (pad_replicate, "PadV3Grad"), (pad_circular, "PadV3Grad"), (crop, "SliceGrad"),
])
def test_second_derivative_is_missing(function, gradient, mode):
    """MS-11: of ops.pad with each mode but 'constant', and of ops.Slice."""
    with raises_still(RuntimeError, f"{gradient}'s bprop not defined"):
        derivative(2, function, numbers(1, 1, 3, 3))


def zero_pad(input):
    return ops.Pad(((0, 0), (0, 0), (0, 1), (1, 0)))(input)


def test_third_derivative_of_pad_is_missing():
    """MS-11: the gradient of ops.Pad is a Slice. Only in PyNative: a graph takes long to compile."""
    with raises_still(RuntimeError, "SliceGrad's bprop not defined"):
        derivative(3, zero_pad, numbers(1, 1, 3, 3))


def crop_to_the_end(input):
    return ops.Slice()(input, (0, 0, 1, 1), (-1, -1, -1, 2))


def test_gradient_of_a_slice_to_the_end_is_refused(mode):
    """MS-12: the slice itself is right."""
    input = numbers(1, 1, 3, 3)
    np.testing.assert_array_equal(run(mode, crop_to_the_end, input), input.asnumpy()[:, :, 1:, 1:])
    with raises_still(RuntimeError, "size can not be negative"):
        ms.grad(crop_to_the_end)(input).asnumpy()


class Double(nn.Cell):
    def construct(self, input):
        return input * 2


class Knowing(nn.Cell):
    """A cell that knows its derivative, as all have in which mscompat builds its algorithms."""

    def bprop(self, input, output, gradient):
        return (self.construct(gradient),)


class Loop(Knowing):
    """Quadruple, by a loop over cells."""

    def __init__(self):
        super().__init__()
        self.parts = nn.CellList([Double(), Double()])

    def construct(self, input):
        for part in self.parts:
            input = part(input)
        return input


class Tree(Knowing):
    """Quadruple, without a loop."""

    def __init__(self):
        super().__init__()
        self.first, self.second = Double(), Double()

    def construct(self, input):
        return self.second(self.first(input))


class Unfold(nn.Cell):
    """Patches, by functions."""

    def construct(self, input):
        return ops.unfold(input, 2)

    def bprop(self, input, output, gradient):
        return (ops.fold(gradient, Tensor((3, 3), ms.int32), 2),)


class Im2Col(nn.Cell):
    """Patches, by primitives."""

    def __init__(self):
        super().__init__()
        self.im2col, self.col2im = ops.Im2Col(ksizes=(2, 2)), ops.Col2Im((2, 2))
        self.size = Tensor((3, 3), ms.int32)

    def construct(self, input):
        return self.im2col(input)

    def bprop(self, input, output, gradient):
        return (self.col2im(gradient, self.size),)


def test_a_loop_of_cells_has_no_second_derivative(mode):
    """MS-14: a cell with a loop over cells that knows its derivative; without the loop there is one."""
    expected = 4**6 * derivative_of_copies(2, numbers(2, 3), 1)
    assert is_right(derivative(2, Tree(), numbers(2, 3)), expected)
    if mode == "graph":
        with raises_still(RuntimeError, "The func graph is empty"):
            derivative(2, Loop(), numbers(2, 3))
    else:
        assert is_right(derivative(2, Loop(), numbers(2, 3)), expected)


def test_functions_in_a_cell_have_no_second_derivative(graph_mode):
    """MS-14: the same with ops.unfold, which is a function; the primitive Im2Col has one."""
    input = numbers(1, 1, 3, 3)
    expected = derivative_of_copies(2, input, [[1, 2, 1], [2, 4, 2], [1, 2, 1]])
    assert is_right(derivative(2, Im2Col(), input), expected)
    if VERSION < (2, 8):
        assert is_right(derivative(2, Unfold(), input), expected)
    else:
        with raises_still(RuntimeError, "The func graph is empty"):
            derivative(2, Unfold(), input)


def test_second_derivative_of_conv3d_is_missing(mode):
    """MS-46: the first one is right: of a sum of cubes, where the kernel is one element of 2."""
    operator, weight = ops.Conv3D(1, 1), Tensor(np.full((1, 1, 1, 1, 1), 2), ms.float32)
    input = numbers(1, 1, 2, 2, 2)

    def double(input):
        return operator(input, weight)

    def cubes(input):
        return (double(input) ** 3).sum()

    np.testing.assert_allclose(ms.grad(cubes)(input).asnumpy(), 24 * input.asnumpy() ** 2, rtol=1e-5)
    with raises_still((RuntimeError, TypeError), "Conv3DBackpropInput's bprop not defined"):
        derivative(2, double, input)
