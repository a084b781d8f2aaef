"""What is remembered from call to call: never the wrong plan, and not without end."""

from __future__ import annotations

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from mscompat import TorchConv2d, TorchConvTranspose2d, _lowering
from mscompat import functional as F

pytestmark = pytest.mark.usefixtures("forgotten")


def ones(*shape, dtype=ms.float32):
    return Tensor(np.ones(shape), dtype)


def test_made_once():
    layer, input = TorchConv2d(2, 3, 2), ones(1, 2, 4, 4)
    layer(input)
    (known,) = _lowering._plans.values()
    for same in (layer, TorchConv2d(2, 3, 2), TorchConv2d(2, 3, 2, dilation=(1, 1))):
        same(ones(1, 2, 4, 4))
    assert list(map(id, _lowering._plans.values())) == [id(known)]


def test_a_bound():
    for rows in range(2, _lowering._MOST_PLANS + 10):
        call = ("conv2d", (1, 1, rows, 2), (1, 1, 2, 2), None, ((1, 1), (0, 0), (1, 1), 1, "zeros", (False,) * 3))
        _lowering.conv2d_plan((ms.float32, ms.float32, None), *call)
        assert len(_lowering._plans) <= _lowering._MOST_PLANS
    assert F.conv2d(ones(1, 1, 5, 2), ones(1, 1, 2, 2)).shape == (1, 1, 4, 1)


def test_the_same_shapes_in_other_dtypes():
    for dtype in (ms.float32, ms.float64, ms.float16, ms.float32):
        third = ones(1, 1, 2, 2, dtype=dtype) / 3
        output = F.conv2d(third, third)
        assert output.dtype == dtype
        np.testing.assert_allclose(output.asnumpy(), 4 / 9, rtol={ms.float64: 1e-15, ms.float16: 1e-3}.get(dtype, 1e-6))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((ones(1, 2, 4, 4), ones(3, 2, 2, 2), ones(4)), "expected bias to be 1-dimensional with 3 elements"),
        ((ones(1, 2, 4, 4), ones(3, 1, 2, 2), ones(3)), "to have 1 channels"),
        ((ones(1, 2, 4, 4), ones(3, 2, 2, 2), ones(3, dtype=ms.float16)), r"\(float\) and bias type \(c10::Half\)"),
        ((ones(1, 2, 4, 4, dtype=ms.float64), ones(3, 2, 2, 2), ones(3)), r"\(double\) and bias type \(float\)"),
        ((ones(1, 2, 1, 4), ones(3, 2, 2, 2), ones(3)), "Kernel size can't be greater than actual input size"),
    ],
)
def test_wrong_after_a_right_one(arguments, message):
    right = (ones(1, 2, 4, 4), ones(3, 2, 2, 2), ones(3))
    for _ in range(2):
        assert F.conv2d(*right).shape == (1, 3, 3, 3)
        with pytest.raises(RuntimeError, match=message):
            F.conv2d(*arguments)


def test_what_is_no_tensor_after_a_right_one():
    right = {"input": ones(1, 2, 4, 4), "weight": ones(3, 2, 2, 2), "bias": ones(3)}
    F.conv2d(**right)
    for name, tensor in right.items():
        with pytest.raises(TypeError, match=f"{name} must be Tensor"):
            F.conv2d(**{**right, name: tensor.asnumpy()})


def test_attributes_that_are_set_later():
    layer, input = TorchConv2d(2, 3, 2), ones(1, 2, 5, 5)
    assert layer(input).shape == (1, 3, 4, 4)
    for stride, shape in ([2, 1], (1, 3, 2, 4)), ((1, 2), (1, 3, 4, 2)), ([1, 1], (1, 3, 4, 4)):
        layer.stride = stride
        assert layer(input).shape == shape
    layer.stride = [1, 0]
    with pytest.raises(RuntimeError, match="non-positive stride"):
        layer(input)


@pytest.mark.parametrize("kind", [tuple, list, np.array, iter])
def test_output_sizes_of_any_kind(kind):
    layer, input = TorchConvTranspose2d(2, 3, 2, stride=3), ones(1, 2, 4, 4)
    for size in (11, 12), (13, 11), (11, 12):
        assert layer(input, kind(size)).shape == (1, 3, *size)
    with pytest.raises(ValueError, match="requested an output size of"):
        layer(input, kind((11, 14)))


def test_device_target():
    assert _lowering._device_target() == ms.get_current_device()[0] == ms.get_context("device_target")
