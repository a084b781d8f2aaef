"""Derivatives that raise, in one mode or both, and one that is wrong from the second call on."""

from __future__ import annotations

import mindspore as ms
import numpy as np
import pytest
from defects import (
    MENDED,
    VERSION,
    derivative,
    derivative_of_copies,
    is_right,
    numbers,
    raises_still,
    run,
    run_script,
)
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


HALVES, IMAGE, VOLUME = np.full((3, 6), 0.5, np.float32), (1, 4, 6, 6), (1, 2, 4, 4, 4)
MATRIX = HALVES.shape
GRADIENTS_WITHOUT_GRADIENTS = [
    ("ReLU6Grad", MATRIX, ops.ReLU6()),
    ("HShrinkGrad", MATRIX, ops.HShrink(0.1)),
    ("SoftShrinkGrad", MATRIX, ops.SoftShrink(0.1)),
    ("HSwishGrad", MATRIX, ops.HSwish()),
    ("HSigmoidGrad", MATRIX, ops.HSigmoid()),
    ("GeLUGrad", MATRIX, ops.GeLU()),
    ("EluGrad", MATRIX, ops.SeLU()),
    ("EluGrad", MATRIX, ops.Elu()),
    ("PReLUGrad", MATRIX, ops.PReLU(), Tensor([0.25], ms.float32)),
    ("LogSoftmaxGrad", MATRIX, ops.LogSoftmax(1)),
    ("AvgPoolGrad", IMAGE, ops.AvgPool(2, 2)),
    ("AvgPool3DGrad", VOLUME, ops.AvgPool3D(2, 2)),
    ("AdaptiveAvgPool2DGrad", IMAGE, ops.AdaptiveAvgPool2D(3)),
    ("AdaptiveAvgPool3DGrad", VOLUME, ops.AdaptiveAvgPool3D(2)),
    ("MaxPoolGradGrad does not support", IMAGE, ops.MaxPool(2, 2)),
    ("MaxPoolGradWithArgmax", IMAGE, ops.MaxPoolWithArgmax(2, 2)),
    ("MaxPool3DGradWithArgmax", VOLUME, ops.MaxPool3DWithArgmax(2, 2, 0)),
    ("AdaptiveMaxPool2DGrad", IMAGE, ops.AdaptiveMaxPool2D((3, 3))),
    ("AdaptiveMaxPool3DGrad", VOLUME, ops.AdaptiveMaxPool3D(), Tensor([2, 2, 2], ms.int32)),
    ("MaxUnpool2DGrad", (1, 1, 2, 2), ops.MaxUnpool2D(2, 2, (0, 0), (1, 1, 4, 4)), numbers(1, 1, 2, 2, dtype=ms.int64)),
    ("ResizeNearestNeighborV2Grad", IMAGE, ops.ResizeNearestNeighborV2(), (8, 8)),
    ("ResizeBilinearGrad", IMAGE, ops.ResizeBilinearV2(), (8, 8)),
    ("ResizeBicubicGrad", IMAGE, ops.ResizeBicubic(), (8, 8)),
    ("GridSampler2DGrad", IMAGE, ops.grid_sample, Tensor(np.zeros((1, 2, 2, 2), np.float32))),
    ("GroupNormGrad", IMAGE, ops.group_norm, 2),
    ("LRNGrad", IMAGE, ops.LRN(1)),
    ("SmoothL1LossGrad", MATRIX, ops.SmoothL1Loss(), Tensor(HALVES)),
    ("NLLLossGrad", MATRIX, ops.NLLLoss(), Tensor([0, 1, 2], ms.int32), Tensor(HALVES[0])),
    ("BinaryCrossEntropyGrad", MATRIX, ops.BinaryCrossEntropy(), Tensor(HALVES), Tensor(HALVES)),
    ("BinaryCrossEntropyWithLogitsBackward", MATRIX, ops.BCEWithLogitsLoss(), *[Tensor(HALVES)] * 3),
    ("KLDivLossGrad", MATRIX, ops.KLDivLoss("sum"), Tensor(HALVES)),
]


class FirstOutput(nn.Cell):
    """The output of an operator, the first where there are several."""

    def __init__(self, operator, *arguments):
        super().__init__()
        self.operator, self.arguments = operator, arguments

    def construct(self, input):
        output = self.operator(input, *self.arguments)
        return output[0] if isinstance(output, tuple) else output


@pytest.mark.parametrize(
    ("gradient", "shape", "operator"), [(name, shape, rest) for name, shape, *rest in GRADIENTS_WITHOUT_GRADIENTS],
    ids=[getattr(operator, "name", str(name)) for name, _, operator, *_ in GRADIENTS_WITHOUT_GRADIENTS],
)
def test_gradient_has_no_gradient(gradient, shape, operator, mode):
    """MS-63: of each operator; the second derivative raises."""
    with raises_still((RuntimeError, TypeError), f"{gradient}('s bprop not defined)?"):
        derivative(2, FirstOutput(*operator), numbers(*shape) / 100)


@pytest.mark.parametrize(("operator", "in_graph"), [
    (FirstOutput(ops.Softmax(1)), False), (FirstOutput(ops.GatherD(), 1, Tensor(np.zeros(MATRIX), ms.int32)), True),
], ids=["Softmax", "GatherD"])
def test_second_derivative_finds_a_null_pointer(operator, in_graph, mode):
    """MS-64: of Softmax only in PyNative mode."""
    if in_graph or mode == "pynative":
        with raises_still(RuntimeError, r"The pointer\[\w+\] is null"):
            derivative(2, operator, numbers(*MATRIX))
    else:
        assert derivative(2, operator, numbers(*MATRIX)).any()


def layer_norm(input):
    return ops.LayerNorm(1, 1)(input, ops.ones((3,), ms.float32), ops.zeros((3,), ms.float32))[0]


MISTAKE = """
import mindspore as ms
from mindspore import Tensor, nn

layer, input = nn.LayerNorm((3,)), Tensor([[1.0, 2.0, 4.0]])

def fail(input):
    raise ValueError("a mistake of the user")

def print_error(function):
    try:
        print("none", ms.grad(function)(input).shape)
    except (RuntimeError, ValueError) as error:
        print(str(error).splitlines()[0])

print_error(fail)
print_error(lambda input: layer(input).sum())
print_error(lambda input: layer(input).sum())
"""


def test_second_derivative_of_layer_norm_is_missing(mode):
    """MS-65: in PyNative mode."""
    if mode == "graph":
        assert derivative(2, layer_norm, numbers(2, 3)).any()
    else:
        with raises_still(RuntimeError, "For LayerNormGrad, the index 7 is out of range"):
            derivative(2, layer_norm, numbers(2, 3))


def test_derivative_of_layer_norm_is_missing_after_a_mistake(tmp_path):
    """MS-65: the first one, where an exception has left ms.grad just before. In a process of its own."""
    mistake, first, second = run_script(MISTAKE, tmp_path).stdout.splitlines()
    assert mistake == "a mistake of the user"
    assert "For LayerNormGrad, the index 7 is out of range" in first, f"{MENDED} {first}"
    assert second == "none (1, 3)"
