"""NaN, infinity, and numbers for which an exponential overflows: lost, or made of what is none."""

from __future__ import annotations

import math

import mindspore as ms
import numpy as np
import pytest
from defects import MENDED, run
from mindspore import Tensor, nn, ops

NAN, INFINITY = math.nan, math.inf


def tensor(values):
    return Tensor(np.array(values), ms.float32)


def gradient(function, mode, *arguments):
    return run(mode, ms.grad(function), *arguments)


def relu(x):
    return ops.ReLU()(x)


def relu6(x):
    return ops.ReLU6()(x)


def hard_shrink(x):
    return ops.HShrink()(x)


def soft_shrink(x):
    return ops.SoftShrink()(x)


def softplus(x):
    return ops.Softplus()(x)


def maximum(x):
    return ops.Maximum()(x, Tensor(1.0))


def minimum(x):
    return ops.Minimum()(x, Tensor(1.0))


@pytest.mark.parametrize("function", [relu, relu6, hard_shrink, soft_shrink, softplus, maximum, minimum])
def test_nan_is_replaced(function, mode):
    """MS-50: by 0, by infinity (Softplus), or by the other argument; in torch it stays.

    ReLU6 and HShrink replace only what a vector instruction computes, not the last few elements.
    """
    output = run(mode, function, tensor([NAN] + [1.0] * 63))
    assert not np.isnan(output).any(), MENDED


def second_maximum(x):
    return ops.Maximum()(Tensor(1.0), x)


def test_maximum_keeps_nan_of_its_second_argument(mode):
    """MS-50: no defect, but what mscompat needs instead."""
    assert np.isnan(run(mode, second_maximum, tensor([NAN]))).all()


def reduce_max(x):
    return ops.ReduceMax()(x)


def reduce_min(x):
    return ops.ReduceMin()(x)


def arg_max_with_value(x):
    return ops.ArgMaxWithValue(0)(x.reshape(-1))[1]


def max_pool(x):
    return ops.MaxPool(2, 2)(x)


def max_pool3d(x):
    return ops.MaxPool3D((1, 2, 2), 2)(x.reshape(1, 1, 1, 2, 2))


def adaptive_max_pool2d(x):
    return ops.AdaptiveMaxPool2D((1, 1))(x)[0]


def adaptive_max_pool3d(x):
    return ops.AdaptiveMaxPool3D()(x.reshape(1, 1, 1, 2, 2), Tensor([1, 1, 1], ms.int32))[0]


@pytest.mark.parametrize("function", [
    reduce_max, reduce_min, arg_max_with_value, max_pool, max_pool3d, adaptive_max_pool2d, adaptive_max_pool3d,
])
def test_the_largest_of_numbers_and_nan_is_a_number(function, mode):
    """MS-50: of each operator, where NaN is not the first one; in torch it is NaN."""
    assert not np.isnan(run(mode, function, tensor([[[[1.0, NAN], [0.5, 2.0]]]]))).any(), MENDED


def softmax(x):
    return ops.Softmax(-1)(x)


def log_softmax(x):
    return ops.LogSoftmax(-1)(x)


@pytest.mark.parametrize("function", [softmax, log_softmax])
def test_nan_in_a_row_leaves_the_others_of_it(function, mode):
    """MS-50: in torch, all of the row is NaN then."""
    output = run(mode, function, tensor([[1.0, NAN, 2.0]]))
    assert np.isnan(output).tolist() == [[False, True, False]], MENDED


def leaky_relu(x):
    return nn.LeakyReLU(0.1)(x)


def prelu(x):
    return ops.PReLU()(x, Tensor([0.25], ms.float32))


def hard_sigmoid(x):
    return ops.HSigmoid()(x)


def hard_swish(x):
    return ops.HSwish()(x)


def softsign(x):
    return ops.Softsign()(x)


@pytest.mark.parametrize(("function", "x", "slope", "torch_slope"), [
    (relu, NAN, 0, 1), (leaky_relu, NAN, 1.1, 0.1), (prelu, NAN, 1, 0.25), (hard_sigmoid, NAN, 1 / 6, 0),
    (softplus, NAN, 0, NAN), (softsign, INFINITY, 0, NAN), (relu6, 6, 1, 0), (hard_swish, -3, -0.5, 0),
    (hard_swish, 3, 1.5, 1),
])
def test_slope_at_nan_or_at_a_kink_is_not_torchs(function, x, slope, torch_slope, mode):
    """MS-51: of each operator."""
    input = tensor([[x]] if function is prelu else [x])
    actual = gradient(function, mode, input).item()
    assert not np.isclose(actual, torch_slope, equal_nan=True), MENDED
    assert actual == pytest.approx(slope)


def mish(x):
    return ops.Mish()(x)


def log_sigmoid(x):
    return ops.logsigmoid(x)


def xlogy(x):
    return ops.Xlogy()(x, x)


def resize(x):
    return ops.ResizeBilinearV2()(x, (4, 4))[0, 0, 0, 1:]


@pytest.mark.parametrize(("function", "input", "output"), [
    (mish, [89.0], NAN),  # torch: 89
    (log_sigmoid, [-89.0], -INFINITY),  # torch: -89
    (hard_swish, [-INFINITY], 0),  # torch: NaN
    (xlogy, [0.0], NAN),  # torch: 0
    (resize, [[[[1.0, INFINITY], [1.0, 1.0]]]], NAN),  # torch: infinity, but for the last column
])
def test_large_and_infinite_numbers(function, input, output, mode):
    """MS-58: of each operator."""
    actual = run(mode, function, tensor(input))
    np.testing.assert_array_equal(actual, np.full_like(actual, output), err_msg=MENDED)


def test_gradient_of_log_sigmoid_overflows(mode):
    """MS-58: torch has 1."""
    assert np.isnan(gradient(log_sigmoid, mode, tensor([-89.0]))).all(), MENDED
