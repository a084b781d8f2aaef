"""The shorter call of an operator: MindSpore's own, whatever is around it."""

from __future__ import annotations

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from mscompat._lowering import operators

SAME = {"pad_mode": "pad", "pad": 1}
INPUT, WEIGHT, BIAS = (
    Tensor(np.random.RandomState(0).standard_normal(shape).astype(np.float32))
    for shape in ((2, 4, 7, 9), (4, 4, 3, 3), (4,))
)
CALLS = [
    ("Conv2D", (4, 3), SAME, (INPUT, WEIGHT)),
    ("Conv2DTranspose", (4, 3), SAME, (INPUT, WEIGHT, (2, 4, 7, 9))),
    ("BiasAdd", (), {}, (INPUT, BIAS)),
    ("BiasAdd", ("NHWC",), {}, (INPUT.reshape(2, 7, 9, 4), BIAS)),
    ("Slice", (), {}, (INPUT, (0, 0, 0, 2), (2, 4, 7, 3))),
    ("Transpose", (), {}, (INPUT, (1, 0, 3, 2))),
]
NAMES = ["Conv2D", "Conv2DTranspose", "BiasAdd", "BiasAdd_NHWC", "Slice", "Transpose"]


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


@pytest.mark.parametrize(("name", "arguments", "keywords", "inputs"), CALLS, ids=NAMES)
class TestOperator:
    def test_values_and_gradients(self, name, arguments, keywords, inputs, mode):
        ours, native = (getattr(module, name)(*arguments, **keywords) for module in (operators, ops))
        assert ours.name == native.name == name
        assert ours.get_attr_dict() == native.get_attr_dict()
        for ours_result, native_result in zip(results(ours, inputs), results(native, inputs), strict=True):
            np.testing.assert_array_equal(ours_result.asnumpy(), native_result.asnumpy())

    def test_call_is_short(self, name, arguments, keywords, inputs, monkeypatch):
        """MindSpore's own call has no part in it, but under ms.jit(capture_mode="trace")."""
        operator, called = getattr(operators, name)(*arguments, **keywords), []
        own = getattr(ops, name)
        monkeypatch.setattr(own, "__call__", lambda self, *inputs: called.append(self), raising=False)
        operator(*inputs)
        assert not called
        monkeypatch.setattr(operators._recorder, "_jit_context", object())
        operator(*inputs)
        assert called == [operator]


@pytest.mark.parametrize(
    ("name", "arguments"), [("Slice", ((0, 0, 0, 2), (2, 4, 7, 3))), ("Transpose", ((1, 0, 3, 2),))]
)
def test_output_is_no_view(name, arguments):
    """As that of MindSpore's own is in PyNative mode, 2.7 to 2.10; and that of its executor in 2.7."""
    ours, native = (getattr(module, name)()(INPUT, *arguments) for module in (operators, ops))
    assert (ours.is_contiguous(), native.is_contiguous()) == (not ms.__version__.startswith("2.7."), False)


WITHOUT_PRIVATE_NAMES = """
import sys
import mindspore as ms
from mindspore import ops
from mindspore.ops import primitive
{}
import mscompat
from mscompat._lowering import operators
layer = mscompat.TorchConv2d(2, 3, 2)
layer.weight.set_data(ops.ones_like(layer.weight))
layer.bias.set_data(ops.ones_like(layer.bias))
print("values", layer(ops.ones((1, 2, 4, 4))).asnumpy().ravel().tolist() == [9.0] * 27)
layer = mscompat.TorchConv2d(1, 1, 3, padding=1, padding_mode="reflect")
layer.weight.set_data(ops.ones_like(layer.weight))
print("gradient", ms.grad(layer)(ops.ones((1, 1, 6, 6))).asnumpy().sum() == 36 * 9)
print("short", "__call__" in vars(operators._Direct))
"""


@pytest.mark.parametrize(
    ("change", "is_short"),
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
def test_without_private_names(change, is_short, run_script, tmp_path):
    (tmp_path / "script.py").write_text(WITHOUT_PRIVATE_NAMES.format(change))
    result = run_script("script.py")
    assert f"short {is_short}" in result.stdout, result.stderr
    assert "values True" in result.stdout, result.stderr
    assert "gradient True" in result.stdout, result.stderr
