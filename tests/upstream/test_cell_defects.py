"""Wrong values of activations, pools, normalisations and Dropout, and what they refuse."""

from __future__ import annotations

import mindspore as ms
import numpy as np
import pytest
from defects import MENDED, numbers, raises_still, run
from mindspore import Parameter, Tensor, ops


def selu(x):
    return ops.SeLU()(x)


def test_gradient_of_selu_is_wrong(mode):
    """MS-52: below 0, where it is 1.758 * exp(x)."""
    x = np.array([-2, -1], np.float32)
    np.testing.assert_allclose(run(mode, selu, Tensor(x)), 1.7580993 * np.expm1(x), rtol=1e-4)
    actual = run(mode, ms.grad(selu), Tensor(x))
    assert not np.allclose(actual, 1.7580993 * np.exp(x), rtol=1e-1), MENDED


def elu_of_half(x):
    return ops.Elu(0.5)(x)


def hard_shrink(x):
    return ops.HShrink()(x)


def soft_shrink(x):
    return ops.SoftShrink()(x)


def relu6(x):
    return ops.ReLU6()(x)


def softmax(x):
    return ops.Softmax(-1)(x)


@pytest.mark.parametrize(("function", "input", "sentence"), [
    (elu_of_half, numbers(2), "alpha must be 1.0"),
    (relu6, numbers(2, dtype=ms.float64), "must be a type of"),
    (hard_shrink, numbers(2, dtype=ms.float64), "must be a type of"),
    (soft_shrink, numbers(2, dtype=ms.float64), "must be a type of"),
    (softmax, Tensor(1.0), r"the axis must be in \[0,0\)"),
], ids=["elu_of_half", "relu6", "hard_shrink", "soft_shrink", "softmax"])
def test_activation_refuses(function, input, sentence, mode):
    """MS-59: of each operator, what torch takes."""
    with raises_still((TypeError, ValueError), sentence):
        run(mode, function, input)


def batch_norm(input, eps=1e-5, dtype=ms.float32):
    """The running mean after a call in training. Statistics must have the dtype of weight and bias."""
    channels = (input.shape[1],)
    operator = ops.BatchNorm(is_training=True, epsilon=eps)
    zeros, ones = Tensor(np.zeros(channels), dtype), Tensor(np.ones(channels), dtype)
    running_mean, running_var = Parameter(zeros.copy(), name="mean"), Parameter(ones.copy(), name="var")
    operator(input, ones, zeros, running_mean, running_var)[0].asnumpy()
    return running_mean.asnumpy()


def test_batch_norm_does_not_update_float16_statistics():
    """MS-60: those of float32 it does."""
    assert batch_norm(numbers(2, 3, dtype=ms.float16)).any()
    assert not batch_norm(numbers(2, 3, dtype=ms.float16), dtype=ms.float16).any(), MENDED


@pytest.mark.parametrize(("input", "settings", "sentence"), [
    (numbers(2, 3, dtype=ms.float64), {"dtype": ms.float64}, "must be a type of"),
    (numbers(2, 3, 1, 1, 1), {}, "rank of images must be in"),
    (numbers(2, 3), {"eps": 0.0}, "eps must be in"),
    (numbers(2, 3), {"eps": 2.0}, "eps must be in"),
], ids=["float64", "five_axes", "eps_0", "eps_2"])
def test_batch_norm_refuses(input, settings, sentence):
    """MS-60: what torch takes."""
    with raises_still((TypeError, ValueError), sentence):
        batch_norm(input, **settings)


def rms_norm(x):
    return ops.rms_norm(x, ops.ones((3,), ms.float32))[0]


def test_rms_norm_has_no_kernel(mode):
    """MS-62: on CPU."""
    with raises_still(RuntimeError, "unregistered|Not found op|Kernel select failed"):
        run(mode, rms_norm, numbers(2, 3))


def avg_pool_without_pads(x):
    return ops.AvgPool3D(2, 2, "pad", 1, False, False, 3)(x)


def avg_pool_with_pads(x):
    return ops.AvgPool3D(2, 2, "pad", 1, False, True, 3)(x)


def test_gradient_of_avg_pool3d_forgets_its_divisor(mode):
    """MS-61: unless count_include_pad is true, which has no meaning with a divisor of one's own."""
    ones = Tensor(np.ones((1, 1, 2, 2, 2), np.float32))
    third = np.full(ones.shape, 1 / 3)
    np.testing.assert_allclose(run(mode, avg_pool_without_pads, ones), third, rtol=1e-6)
    np.testing.assert_allclose(run(mode, ms.grad(avg_pool_with_pads), ones), third, rtol=1e-6)
    assert not np.allclose(run(mode, ms.grad(avg_pool_without_pads), ones), third), MENDED


def test_dropout_draws_the_same_for_each_shape():
    """MS-74: with seeds of its own, as each shape has a kernel of its own. The second mask of a shape is another."""
    operator, ones = ops.Dropout(0.5, 1, 2), np.ones(64, np.float32)
    first = operator(Tensor(ones))[1].asnumpy()
    of_other_shape = operator(Tensor(ones.reshape(8, 8)))[1].asnumpy()
    np.testing.assert_array_equal(first.ravel(), of_other_shape.ravel(), err_msg=MENDED)
    assert (operator(Tensor(ones))[0].asnumpy() != operator(Tensor(ones))[0].asnumpy()).any()
