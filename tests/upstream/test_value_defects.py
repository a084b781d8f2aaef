"""Wrong values, wrong errors, and what CPU has no kernel for."""

from __future__ import annotations

import inspect

import mindspore as ms
import numpy as np
import pytest
from defects import MENDED, VERSION, numbers, raises_still, run
from mindspore import Tensor, mint, nn, ops
from mindspore.ops.operations import _grad_ops


def conv_transpose2d(input, weight, stride, padding, output_padding):
    """A transposed convolution of one channel, without bias: each input value adds its multiple of the kernel."""
    (height, width), (kernel_height, kernel_width) = input.shape, weight.shape
    full = np.zeros(((height - 1) * stride + kernel_height + output_padding,
                     (width - 1) * stride + kernel_width + output_padding))
    for row in range(height):
        for column in range(width):
            top, left = row * stride, column * stride
            full[top:top + kernel_height, left:left + kernel_width] += input[row, column] * weight
    return full[padding:full.shape[0] - padding, padding:full.shape[1] - padding]


def test_conv2d_transpose_output_padding_is_wrong(mode):
    """MS-01: all but the last row and column is right; these are zeros, without even the bias."""
    layer = nn.Conv2dTranspose(1, 1, 3, stride=2, pad_mode="pad", padding=1, output_padding=1, has_bias=True)
    input, weight = numbers(1, 1, 2, 4), numbers(1, 1, 3, 3)
    layer.weight.set_data(weight)
    layer.bias.set_data(Tensor([5.0], ms.float32))
    expected = 5 + conv_transpose2d(input.asnumpy()[0, 0], weight.asnumpy()[0, 0], 2, 1, 1)
    output = layer(input).asnumpy()[0, 0]
    np.testing.assert_allclose(output[:-1, :-1], expected[:-1, :-1], rtol=1e-5)
    assert not np.allclose(output, expected, rtol=1e-5), MENDED
    assert not output[-1].any()
    assert not output[:, -1].any()


def conv_transpose2d_of_dilation_3(input, weight):
    operator = ops.Conv2DTranspose(1, 3, pad_mode="pad", pad=0, dilation=3)
    return operator(input, weight, (1, 1, 12, 12))


def test_conv2d_transpose_refuses_output_padding_of_stride_or_more(mode):
    """MS-02: without output_padding the size would be 10, so 12 is an output_padding of 2, with a stride of 1."""
    with raises_still(RuntimeError, "could not create a (primitive )?descriptor"):
        run(mode, conv_transpose2d_of_dilation_3, numbers(1, 1, 4, 4), numbers(1, 1, 3, 3))


def conv2d_of_dilation_3(input, weight):
    return ops.Conv2D(1, 2, pad_mode="pad", pad=0, dilation=3)(input, weight)


def test_conv2d_of_a_too_large_dilated_kernel_is_empty(mode):
    """MS-03: where the kernel is larger still, or not dilated, MindSpore raises."""
    try:
        output = run(mode, conv2d_of_dilation_3, numbers(1, 1, 3, 3), numbers(1, 1, 2, 2))
    except (RuntimeError, ValueError):
        pytest.fail(MENDED)
    assert output.shape == (1, 1, 0, 0)


def test_wrong_channels_of_conv2d_transpose_raise_an_unclear_error(mode):
    """MS-04: the input has 3 channels, where the layer wants 4; the error speaks of descriptors only."""
    layer, input = nn.Conv2dTranspose(4, 2, 3), numbers(1, 3, 5, 5)
    with pytest.raises((RuntimeError, ValueError)) as caught:
        layer(input).asnumpy()
    assert "channel" not in str(caught.value), MENDED
    assert "could not create a" in str(caught.value)


def convolve(input):
    return ops.Conv2D(1, 3)(input, input)


def convolve_transposed(input):
    return ops.Conv2DTranspose(1, 3, pad_mode="valid")(input, input, (1, 1, 5, 5))


def unfold(input):
    return ops.unfold(input, 3)


@pytest.mark.parametrize(("function", "dtype"), [
    (convolve, ms.float64), (convolve_transposed, ms.float64),
    (convolve, ms.bfloat16), (convolve_transposed, ms.bfloat16), (unfold, ms.bfloat16),
])
def test_dtype_is_refused(function, dtype, mode):
    """MS-05: of each operator and dtype."""
    with raises_still(TypeError, "must be a type of|Unsupported data type"):
        run(mode, function, numbers(1, 1, 3, 3, dtype=dtype))


def add(input):
    return ops.addn([input, input])


def expand(input):
    return ops.expand_dims(input, 0)


def reshape(input):
    return ops.reshape(input, (3, 2))


@pytest.mark.parametrize("function", [add, expand, reshape])
def test_bfloat16_is_refused_in_graph_mode(function):
    """MS-06: of each operator, which takes float32."""
    ms.jit(function)(numbers(2, 3)).asnumpy()
    with raises_still(TypeError, "Unsupported data type"):
        ms.jit(function)(numbers(2, 3, dtype=ms.bfloat16)).float().asnumpy()


def test_mint_convolutions_are_unregistered(mode):
    """MS-07: of both layers."""
    for layer in (mint.nn.Conv2d(1, 1, 3), mint.nn.ConvTranspose2d(1, 1, 3)):
        with raises_still(RuntimeError, "unregistered|Unsupported op"):
            layer(numbers(1, 1, 4, 4)).asnumpy()


def sum_of_first(first, second):
    return first.sum()


def test_bfloat16_gradient_of_an_unused_argument(mode):
    """MS-15: ops.zeros, which makes that gradient, has no bfloat16."""
    gradient = ms.grad(sum_of_first, 1)
    arguments = numbers(2), numbers(2, dtype=ms.bfloat16)
    if VERSION < (2, 8) and mode == "pynative":
        with raises_still(TypeError, r"operator\[Zeros\] fail! Unsupported data type"):
            gradient(*arguments).float().asnumpy()
    else:
        np.testing.assert_array_equal(gradient(*arguments).float().asnumpy(), 0)


def reflect_two_axes(input):
    return ops.pad(input, (1, 1, 1, 1), "reflect")


def replicate_three_axes(input):
    return ops.pad(input, (1,) * 6, "replicate")


def reflect_three_axes(input):
    return ops.pad(input, (1,) * 6, "reflect")


def test_pad_reflects_no_input_of_five_axes(mode):
    """MS-44: 'replicate' takes one, and reflecting two axes of four works."""
    assert run(mode, reflect_two_axes, numbers(1, 2, 3, 3)).shape == (1, 2, 5, 5)
    assert run(mode, replicate_three_axes, numbers(1, 1, 2, 3, 3)).shape == (1, 1, 4, 5, 5)
    with raises_still((RuntimeError, ValueError), "reflect mode must be less than or equal to 4"):
        run(mode, reflect_three_axes, numbers(1, 1, 2, 3, 3))


def test_gradient_of_a_float16_weight_of_conv3d_is_float32(mode):
    """MS-45: that of Conv2D is float16, and so is that of the input of Conv3D."""
    operator = _grad_ops.Conv3DBackpropFilter(2, 2, pad_mode="pad", pad=0, stride=1)

    def gradient(input, of_output):
        return operator(input, of_output, (2, 1, 2, 2, 2))

    input, of_output = numbers(1, 1, 3, 3, 3, dtype=ms.float16), numbers(1, 2, 2, 2, 2, dtype=ms.float16)
    assert run(mode, gradient, input, of_output).dtype == np.float32, MENDED


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [({"kernel_size": 2, "dilation": (2, 1, 1)}, "depth of parameter 'dilation' must be 1"),
     ({"kernel_size": 1, "stride": (257, 1, 1)}, r"belonging \[1, 256\]"),
     ({"kernel_size": (7, 7, 8)}, r"belonging \[1, 343\]")],
)
def test_conv3d_transpose_refuses(settings, sentence):
    """MS-47: where the operator is made."""
    with raises_still((RuntimeError, ValueError), sentence):
        ops.Conv3DTranspose(1, 1, **settings)(numbers(1, 1, 2, 2, 2), numbers(1, 1, 2, 2, 2)).asnumpy()


def test_conv1d_transpose_has_no_output_padding():
    """MS-48: nn.Conv2dTranspose has one, which is wrong (MS-01)."""
    assert "output_padding" in inspect.signature(nn.Conv2dTranspose.__init__).parameters
    assert "output_padding" not in inspect.signature(nn.Conv1dTranspose.__init__).parameters, MENDED
