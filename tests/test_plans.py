"""What is remembered from call to call: never the wrong plan, and not without end."""

from __future__ import annotations

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from mscompat import TorchConv2d, TorchConvTranspose2d, _lowering
from mscompat import functional as F
from mscompat._mindspore import onednn

pytestmark = pytest.mark.usefixtures("forgotten")


def ones(*shape, dtype=ms.float32):
    return Tensor(np.ones(shape), dtype)


def counted(*shape):
    return Tensor(np.arange(np.prod(shape)).reshape(shape), ms.float32)


def test_made_once():
    layer, input = TorchConv2d(2, 3, 2), ones(1, 2, 4, 4)
    layer(input)
    ((known,),) = _lowering._plans.values()
    for same in (layer, TorchConv2d(2, 3, 2), TorchConv2d(2, 3, 2, dilation=(1, 1))):
        same(ones(1, 2, 4, 4))
    ((found,),) = _lowering._plans.values()
    assert found is known


def test_a_bound():
    for rows in range(2, _lowering._MOST_PLANS + 10):
        call = ("conv2d", (1, 1, rows, 2), (1, 1, 2, 2), None, ((1, 1), (0, 0), (1, 1), 1, "zeros", (False,) * 3))
        _lowering.conv2d_plan((ms.float32, ms.float32, None), *call)
        assert len(_lowering._plans) <= _lowering._MOST_PLANS
    assert F.conv2d(ones(1, 1, 5, 2), ones(1, 1, 2, 2)).asnumpy().tolist() == [[[[4], [4], [4], [4]]]]


def test_the_same_shapes_in_other_dtypes():
    known = []
    for dtype in (ms.float32, ms.float64, ms.float16) * 2:
        third = ones(1, 1, 2, 2, dtype=dtype) / 3
        output = F.conv2d(third, third)
        assert output.dtype == dtype
        np.testing.assert_allclose(output.asnumpy(), 4 / 9, rtol={ms.float64: 1e-15, ms.float16: 1e-3}.get(dtype, 1e-6))
        known.append([id(one) for those in _lowering._plans.values() for one in those])
    assert list(map(len, known)) == [1, 2, 3, 3, 3, 3]
    assert known[2] == known[-1]


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


DEVICE_TARGET = """
import mindspore as ms
from mindspore import _c_expression
{}
import mscompat, mscompat._lowering as lowering
assert mscompat.TorchConv2d(2, 3, 2)(ms.ops.ones((1, 2, 4, 4))).shape == (1, 3, 3, 3)
ms.get_current_device = lambda: ("the public function's", 0)
ask = lowering._device_target
print("target", ask.__self__ if hasattr(ask, "__self__") else ask())
"""


IN_CPP, PUBLIC = "<mindspore._c_expression.DeviceManagerConf", "the public function's"


@pytest.mark.parametrize(
    ("change", "target"),
    [
        ("", "CPU"),
        ("_c_expression.MSContext.is_pkg_support_device = lambda self, name: name != 'GPU'", IN_CPP),
        ("_c_expression.MSContext.is_pkg_support_device = lambda self, name: name != 'Ascend'", IN_CPP),
        ("del _c_expression.MSContext.is_pkg_support_device", PUBLIC),
        ("del _c_expression.DeviceManagerConf", PUBLIC),
    ],
    ids=["CPU", "Ascend", "GPU", "no_context", "no_manager"],
)
def test_device_target(change, target, run_script, tmp_path):
    (tmp_path / "script.py").write_text(DEVICE_TARGET.format(change))
    result = run_script("script.py")
    assert f"target {target}" in result.stdout, result.stderr


def test_cpu_alone():
    """What _find_device_target relies on: no other target can be set. 2.7.0 to 2.10.0."""
    if any(map(ms._c_expression.MSContext.get_instance().is_pkg_support_device, ("GPU", "Ascend"))):
        pytest.skip("this MindSpore is not for CPU alone")
    for target in ("GPU", "Ascend"):
        for set_target in (ms.set_device, lambda target: ms.set_context(device_target=target)):
            with pytest.raises(RuntimeError, match=f"Unsupported device target {target}"):
                set_target(target)
            assert ms.get_current_device()[0] == "CPU"


CALL = ("conv2d", (1, 64, 64, 64), (3, 64, 7, 7), None, ((1, 1), (3, 3), (1, 1), 1, "zeros", (False,) * 3))


@pytest.mark.parametrize("state", onednn.State)
def test_the_switch_leaves_all_to_mindspores_operators(monkeypatch, forgotten, state):
    """A call that is flipped, or computed by products, otherwise."""
    def operator():
        return _lowering.conv2d_plan((ms.float32, ms.float32, None), *CALL)[1]

    monkeypatch.setattr(onednn, "_state", state)
    monkeypatch.setattr(onednn, "_warned", True)
    monkeypatch.delenv("MSCOMPAT_FAST_CPU", raising=False)
    assert isinstance(operator(), nn.Cell)
    forgotten()
    monkeypatch.setenv("MSCOMPAT_FAST_CPU", "0")
    assert isinstance(operator(), ops.Conv2D)
