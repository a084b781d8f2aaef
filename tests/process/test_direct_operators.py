"""Slice and Transpose by MindSpore's executor: the same operators, whatever is around them."""

from __future__ import annotations

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from mscompat._mindspore import direct_operators

INPUT = Tensor(np.random.RandomState(0).standard_normal((2, 4, 7, 9)).astype(np.float32))
CALLS = [("Slice", (INPUT, (0, 0, 0, 2), (2, 4, 7, 3))), ("Transpose", (INPUT, (1, 0, 3, 2)))]


class Calling(nn.Cell):
    def __init__(self, operator):
        super().__init__()
        self.operator = operator

    def construct(self, *inputs):
        return self.operator(*inputs)


class Weighted(Calling):
    """So that each element of the output has a gradient of its own."""

    def construct(self, *inputs):
        output = self.operator(*inputs)
        return output * output


def results(operator, inputs):
    cell, positions = Calling(operator), tuple(i for i, value in enumerate(inputs) if isinstance(value, Tensor))
    return cell(*inputs), *ms.grad(Weighted(cell), positions)(*inputs)


@pytest.mark.parametrize(("name", "inputs"), CALLS, ids=["Slice", "Transpose"])
class TestOperator:
    def test_values_and_gradients(self, name, inputs, mode):
        ours, native = (getattr(module, name)() for module in (direct_operators, ops))
        assert ours.name == native.name == name
        assert ours.get_attr_dict() == native.get_attr_dict()
        for ours_result, native_result in zip(results(ours, inputs), results(native, inputs), strict=True):
            np.testing.assert_array_equal(ours_result.asnumpy(), native_result.asnumpy())

    def test_call_is_direct(self, name, inputs, monkeypatch):
        """MindSpore's own call has no part in it, but under ms.jit(capture_mode="trace")."""
        operator, called = getattr(direct_operators, name)(), []
        own = getattr(ops, name)
        monkeypatch.setattr(own, "__call__", lambda self, *inputs: called.append(self), raising=False)
        operator(*inputs)
        assert not called
        monkeypatch.setattr(direct_operators._recorder, "_jit_context", object())
        operator(*inputs)
        assert called == [operator]


@pytest.mark.parametrize(
    ("name", "arguments"), [("Slice", ((0, 0, 0, 2), (2, 4, 7, 3))), ("Transpose", ((1, 0, 3, 2),))]
)
def test_output_is_no_view(name, arguments):
    """As that of MindSpore's own is in PyNative mode, and that of its executor in 2.7."""
    ours, native = (getattr(module, name)()(INPUT, *arguments) for module in (direct_operators, ops))
    assert (ours.is_contiguous(), native.is_contiguous()) == (not ms.__version__.startswith("2.7."), False)


WITHOUT_PRIVATE_NAMES = """
import sys
import mindspore as ms
from mindspore import ops
from mindspore.ops import primitive
{}
import mscompat
from mscompat._mindspore import direct_operators
layer = mscompat.TorchConv2d(2, 3, 2)
layer.weight.set_data(ops.ones_like(layer.weight))
layer.bias.set_data(ops.ones_like(layer.bias))
print("values", layer(ops.ones((1, 2, 4, 4))).asnumpy().ravel().tolist() == [9.0] * 27)
layer = mscompat.TorchConv2d(1, 1, 3, padding=1, padding_mode="reflect")
layer.weight.set_data(ops.ones_like(layer.weight))
print("gradient", ms.grad(layer)(ops.ones((1, 1, 6, 6))).asnumpy().sum() == 36 * 9)
print("direct", "__call__" in vars(direct_operators._Direct))
"""


@pytest.mark.parametrize(
    ("change", "is_direct"),
    [
        ("", True),
        ("class Executor: run_op_async = staticmethod(primitive._pynative_executor.run_op_async)\n"
         "primitive._pynative_executor = Executor", False),
        ("recorder = sys.modules[primitive.jit_context.__module__]\n"
         "del recorder._jit_context\n"
         "recorder.jit_context.__code__ = (lambda: None).__code__", False),
        ("del primitive.jit_context\n"
         "ops.Primitive.__call__ = lambda self, *inputs: primitive._pynative_executor.run_op_async(\n"
         "    self, self.name, inputs\n"
         ")", False),
    ],
    ids=["all", "executor", "variable", "function"],
)
def test_without_private_names(change, is_direct, run_script, tmp_path):
    (tmp_path / "script.py").write_text(WITHOUT_PRIVATE_NAMES.format(change))
    result = run_script("script.py")
    assert f"direct {is_direct}" in result.stdout, result.stderr
    assert "values True" in result.stdout, result.stderr
    assert "gradient True" in result.stdout, result.stderr
