"""What would be called on GPU and Ascend: checks of choices and arguments, not tests of a device.

MindSpore is told that the target is another one when a plan is made; what the plan calls then runs on CPU, so where CPU
has a kernel for it, its values and gradients are compared with torch's too.
"""

from __future__ import annotations

import cases
import mindspore as ms
import oracle
import pytest
from harness import check_case, make_layer, tensor
from mindspore import ops

from mscompat import _lowering
from mscompat._arguments import Caller
from mscompat._geometry import NO_PADS, Convolution
from mscompat._lowering import ascend, cpu, gpu, operators
from mscompat._lowering.roads import Road

TABLE = [(case, False) for case in cases.conv2d_cases()] + [(case, True) for case in cases.conv_transpose2d_cases()]
NAMES = [f"{'conv_transpose2d' if transposed else 'conv2d'}-{case.name}" for case, transposed in TABLE]
REFUSED = {"GPU": "bfloat16", "Ascend": "float64"}


@pytest.fixture
def told(monkeypatch, forgotten):
    """Tell the lowering of another target."""
    return lambda target: monkeypatch.setattr(_lowering, "_device_target", lambda: target)


class Recorder:
    """Stands in for an operator: remembers how it was made and called, and then does the operator's work."""

    def __init__(self, monkeypatch, name):
        self.made, self.called = [], []
        original = getattr(operators, name)

        def make(*arguments, **keywords):
            operator = original(*arguments, **keywords)

            def call(*inputs):
                self.called.append(inputs)
                return operator(*inputs)

            self.made.append((arguments, keywords))
            return call

        monkeypatch.setattr(operators, name, make)


@pytest.mark.parametrize("target", ["GPU", "Ascend"])
@pytest.mark.parametrize(
    ("case", "transposed"),
    [
        pytest.param(*row, marks=[] if position % 32 == 0 else pytest.mark.slow, id=name)
        for position, (row, name) in enumerate(zip(TABLE, NAMES, strict=True))
    ],
)
def test_operator_and_arguments(case, transposed, target, told, monkeypatch):
    told(target)
    recorder = Recorder(monkeypatch, "Conv2DTranspose" if transposed else "Conv2D")
    if case.dtype == REFUSED[target] and case.batch > 0:  # of an empty batch nothing is computed
        # Outside ms.grad: an error in it leaves PyNative state (2.10) after which float64 graphs here are off by 5e-8.
        inputs = oracle.make_inputs(case, transposed)
        layer, input = make_layer(case, transposed, inputs), tensor(inputs.input, case.dtype)
        with pytest.raises(TypeError, match=target):
            layer(input) if case.output_size is None else layer(input, case.output_size)
        return
    if case.dtype != "bfloat16":  # CPU has no kernel for the operator in bfloat16
        check_case(case, transposed)
    if case.dtype in ("float16", "float32") and case.batch > 0:
        groups = case.arguments.get("groups", 1)
        depthwise = not transposed and groups == case.arguments["in_channels"] == case.arguments["out_channels"]
        takes_operator = target == "GPU" or groups == 1 or depthwise
        assert bool(recorder.called) == takes_operator
        for arguments, keywords in recorder.made:
            assert keywords["group"] == groups
            assert keywords["pad_mode"] == "pad"
            assert len(keywords["pad"]) == 4
            assert arguments[0] == case.arguments["in_channels" if transposed else "out_channels"]


def convolution(weight=(6, 4, 3, 3), stride=(1, 1), pads=((1, 1), (1, 1)), dilation=(1, 1), groups=1, size=(600, 600)):
    return Convolution((2, weight[1] * groups, *size), weight, stride, pads, dilation, groups)


CALLER = Caller("TorchConv2d", RuntimeError)


@pytest.mark.parametrize(
    ("changes", "transposed", "road"),
    [
        ({}, False, Road.NATIVE),
        ({}, True, Road.NATIVE),
        ({"groups": 3}, False, Road.PRODUCTS),
        ({"groups": 3}, True, Road.PRODUCTS),
        ({"weight": (6, 1, 3, 3), "groups": 6}, False, Road.NATIVE),
        ({"weight": (12, 1, 3, 3), "groups": 6}, False, Road.PRODUCTS),
        ({"weight": (6, 1, 3, 3), "groups": 6}, True, Road.PRODUCTS),
        ({"stride": (63, 1)}, False, Road.NATIVE),
        ({"stride": (64, 1)}, False, Road.PRODUCTS),
        ({"dilation": (1, 255)}, False, Road.NATIVE),
        ({"dilation": (1, 256)}, False, Road.PRODUCTS),
        ({"weight": (6, 4, 511, 3)}, False, Road.NATIVE),
        ({"weight": (6, 4, 512, 3)}, False, Road.PRODUCTS),
        ({"pads": ((255, 255), (0, 0))}, True, Road.NATIVE),
        ({"pads": ((256, 256), (0, 0))}, True, Road.PRODUCTS),
    ],
)
def test_road_on_ascend(changes, transposed, road):
    assert ascend.choose(CALLER, convolution(**changes), ms.float16, transposed, False) == (ms.float16, road)
    computed = ms.float32 if road is Road.PRODUCTS else ms.bfloat16
    assert ascend.choose(CALLER, convolution(**changes), ms.bfloat16, transposed, False) == (computed, road)
    assert ascend.choose(CALLER, convolution(**changes), ms.float16, transposed, True)[1] is Road.NATIVE


@pytest.mark.parametrize("groups", [1, 3])
def test_road_on_gpu(groups):
    for dtype in (ms.float16, ms.float32):
        assert gpu.choose(CALLER, convolution(groups=groups), dtype, False, False) == (dtype, Road.NATIVE)
    assert gpu.choose(CALLER, convolution(groups=groups), ms.float64, False, False) == (ms.float64, Road.PRODUCTS)


def test_pads_beyond_ascends_limit_come_first(told, monkeypatch):
    told("Ascend")
    recorder = Recorder(monkeypatch, "Conv2D")
    arguments = {"in_channels": 4, "out_channels": 6, "kernel_size": (3, 5), "padding": (256, 1)}
    case = cases.Case("large_pad", arguments)
    check_case(case, False)
    assert all(keywords["pad"] == (0, 0, 0, 0) for _, keywords in recorder.made)
    assert all(inputs[0].shape[2] > 512 for inputs in recorder.called)


@pytest.mark.parametrize(
    ("input", "weight", "others", "road"),
    [
        ((8, 12, 56, 56), (6, 12, 3, 3), {}, Road.FLIPPED),
        ((8, 12, 56, 56), (12, 4, 3, 3), {"groups": 3}, Road.FLIPPED),
        ((None, 12, 56, 56), (12, 12, 3, 3), {}, Road.NATIVE),  # of unknown size
        ((8, 12, 56, 56), (24, 12, 3, 3), {}, Road.NATIVE),  # widening
        ((8, 12, 56, 56), (6, 12, 3, 3), {"stride": (2, 1)}, Road.NATIVE),
        ((8, 12, 56, 56), (6, 12, 3, 3), {"pads": ((3, 3), (0, 0))}, Road.NATIVE),  # beyond the kernel
        ((8, 12, 56, 56), (6, 12, 1, 1), {}, Road.NATIVE),
        ((8, 12, 56, 56), (12, 4, 1, 1), {"groups": 3}, Road.NATIVE),
        ((1, 12, 9, 9), (12, 1, 3, 3), {"groups": 12}, Road.NATIVE),  # small
        ((8, 256, 14, 14), (128, 256, 3, 3), {}, Road.NATIVE),  # a large weight
        ((8, 960, 7, 7), (960, 1, 3, 3), {"groups": 960}, Road.FLIPPED),
    ],
)
def test_road_on_cpu(input, weight, others, road):
    convolution = Convolution(
        **{"input": input, "weight": weight, "stride": (1, 1), "pads": ((1, 0), (0, 1)) if weight[2] > 1 else NO_PADS,
           "dilation": (1, 1), "groups": 1, **others}
    )
    assert cpu.choose(CALLER, convolution, ms.float32, False, False) == (ms.float32, road)
    assert cpu.choose(CALLER, convolution, ms.float16, False, False) == (ms.float16, Road.NATIVE)
    assert cpu.choose(CALLER, convolution, ms.float32, False, True) == (ms.float32, Road.NATIVE)


def test_target_is_chosen_again(told):
    shapes, dtypes = ((1, 4, 5, 5), (4, 2, 3, 3), (4,)), (ms.float32,) * 3
    call = ("TorchConv2d", *shapes, ((1, 1), (0, 0), (1, 1), 2, "zeros", (False, False, False)))
    operators = {}
    for target in ("CPU", "Ascend", "GPU", "CPU"):
        told(target)
        _, operator = _lowering.conv2d_plan(dtypes, *call)
        assert operators.setdefault(target, operator) is operator
    assert isinstance(operators["GPU"], ops.Conv2D)
    assert len(set(map(id, operators.values()))) == 3
