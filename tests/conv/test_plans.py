"""What is remembered from call to call: never the wrong plan, and not without end."""

from __future__ import annotations

from dataclasses import replace

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from mscompat import TorchConv2d, TorchConvTranspose2d
from mscompat import functional as F
from mscompat._conv import plan
from mscompat._conv.spec import ConvSpec
from mscompat._mindspore import onednn

pytestmark = pytest.mark.usefixtures("forgotten")


def ones(*shape, dtype=ms.float32):
    return Tensor(np.ones(shape), dtype)


def counted(*shape):
    return Tensor(np.arange(np.prod(shape)).reshape(shape), ms.float32)


def test_made_once():
    layer, input = TorchConv2d(2, 3, 2), ones(1, 2, 4, 4)
    layer(input)
    for same in (layer, TorchConv2d(2, 3, 2), TorchConv2d(2, 3, 2, dilation=(1, 1))):
        same(ones(1, 2, 4, 4))
    assert plan._known_plan.cache_info().misses == 1


SPEC = ConvSpec(
    name="conv2d", dimensions=2, transposed=False, stride=(1, 1), padding=(0, 0), dilation=(1, 1),
    output_padding=(0, 0), groups=1, padding_mode="zeros",
)
FLOAT32 = ((ms.float32, ms.float32, None), (False, False, False), None)


def test_a_bound():
    bound = plan._known_plan.cache_info().maxsize
    for rows in range(2, bound + 10):
        plan.make_plan(SPEC, (1, 1, rows, 2), (1, 1, 2, 2), None, *FLOAT32, exporting=False)
        assert plan._known_plan.cache_info().currsize <= bound
    assert F.conv2d(ones(1, 1, 5, 2), ones(1, 1, 2, 2)).asnumpy().tolist() == [[[[4], [4], [4], [4]]]]


def test_the_same_shapes_in_other_dtypes():
    made = []
    for dtype in (ms.float32, ms.float64, ms.float16) * 2:
        third = ones(1, 1, 2, 2, dtype=dtype) / 3
        output = F.conv2d(third, third)
        assert output.dtype == dtype
        np.testing.assert_allclose(output.asnumpy(), 4 / 9, rtol={ms.float64: 1e-15, ms.float16: 1e-3}.get(dtype, 1e-6))
        made.append(plan._known_plan.cache_info().misses)
    assert made == [1, 2, 3, 3, 3, 3]


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
        np.testing.assert_array_equal(F.conv2d(*right).asnumpy(), np.full((1, 3, 3, 3), 9))
        with pytest.raises(RuntimeError, match=message):
            F.conv2d(*arguments)


def test_what_is_no_tensor_after_a_right_one():
    right = {"input": ones(1, 2, 4, 4), "weight": ones(3, 2, 2, 2), "bias": ones(3)}
    F.conv2d(**right)
    for name, tensor in right.items():
        with pytest.raises(TypeError, match=f"{name} must be Tensor"):
            F.conv2d(**{**right, name: tensor.asnumpy()})


@pytest.mark.parametrize(("right", "wrong"), [(1, True), (1, 1.0), ((1, 1), (1.0, 1)), ((1, 2), (True, 2))])
def test_what_equals_a_right_one(right, wrong):
    """True == 1 == 1.0, and so do their hashes: what is remembered for one is not for the other."""
    tensors, layer = (ones(1, 2, 4, 4), ones(3, 2, 2, 2)), TorchConv2d(2, 3, 2)
    for value, refused in ((right, False), (wrong, True)) * 2:
        layer.stride = value
        for call in (lambda value=value: F.conv2d(*tensors, stride=value), lambda: layer(tensors[0])):
            if refused:
                with pytest.raises(TypeError, match="'stride' must be tuple of ints, but found element of type"):
                    call()
            else:
                call()


def test_attributes_that_are_set_later():
    layer, input = TorchConv2d(2, 3, 2), counted(1, 2, 5, 5)
    every = layer(input).asnumpy()
    for stride in [2, 1], (1, 2), [1, 1]:
        layer.stride = stride
        np.testing.assert_allclose(layer(input).asnumpy(), every[:, :, :: stride[0], :: stride[1]], rtol=1e-5)
    layer.stride = [1, 0]
    with pytest.raises(RuntimeError, match="non-positive stride"):
        layer(input)


@pytest.mark.parametrize("kind", [tuple, list, np.array, iter])
def test_output_sizes_of_any_kind(kind):
    layer, input = TorchConvTranspose2d(2, 3, 2, stride=3), counted(1, 2, 4, 4)
    largest = TorchConvTranspose2d(2, 3, 2, stride=3, output_padding=2)
    ms.load_param_into_net(largest, layer.parameters_dict())
    every = largest(input).asnumpy()
    for size in (11, 12), (13, 11), (11, 12):
        np.testing.assert_allclose(layer(input, kind(size)).asnumpy(), every[:, :, : size[0], : size[1]], rtol=1e-5)
    with pytest.raises(ValueError, match="requested an output size of"):
        layer(input, kind((11, 14)))


@pytest.mark.parametrize("state", onednn.State)
def test_the_switch_leaves_all_to_mindspores_operators(monkeypatch, forgotten, state):
    """A call that is flipped, or computed by products, otherwise."""
    def operator():
        spec = replace(SPEC, padding=(3, 3))
        return plan.make_plan(spec, (1, 64, 64, 64), (3, 64, 7, 7), None, *FLOAT32, exporting=False)[1]

    monkeypatch.setattr(onednn, "_state", state)
    monkeypatch.setattr(onednn, "_warned", True)
    monkeypatch.delenv("MSCOMPAT_FAST_CPU", raising=False)
    assert isinstance(operator(), nn.Cell)
    forgotten()
    monkeypatch.setenv("MSCOMPAT_FAST_CPU", "0")
    assert isinstance(operator(), ops.Conv2D)
