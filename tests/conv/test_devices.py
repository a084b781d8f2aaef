"""What would be called on GPU and Ascend: checks of choices and arguments, not tests of a device.

MindSpore is told that the target is another one when a plan is made; what the plan calls then runs on CPU, so where CPU
has a kernel for it, its values and gradients are compared with torch's too.
"""

from __future__ import annotations

from types import SimpleNamespace

import cases
import mindspore as ms
import oracle
import pytest
import table
from cases import expand
from harness import check_case, make_layer, tensor
from mindspore import ops

from mscompat._conv import devices, plan
from mscompat._conv.algorithms import Algorithm, native
from mscompat._conv.arguments import Caller
from mscompat._conv.geometry import Convolution, no_pads
from mscompat._conv.spec import ConvSpec


@pytest.fixture
def told(monkeypatch, forgotten):
    """Tell the plans of another target."""
    return lambda target: monkeypatch.setattr(devices, "current_target", lambda: target)


class Recorder:
    """Stands in for operators: remembers how they were made and called, and then does their work."""

    def __init__(self, monkeypatch, *names):
        self.made, self.called = [], []
        public = {name: self.stand_in(getattr(ops, name)) for name in names if not hasattr(native, name)}
        monkeypatch.setattr(native, "ops", SimpleNamespace(**{**vars(ops), **public}))
        for name in set(names) - set(public):
            monkeypatch.setattr(native, name, self.stand_in(getattr(native, name)))

    def stand_in(self, original):
        def make(*arguments, **keywords):
            operator = original(*arguments, **keywords)

            def call(*inputs):
                self.called.append(inputs)
                return operator(*inputs)

            self.made.append((arguments, keywords))
            return call

        return make


def is_told_apart(case, transposed):
    """What devices tell apart: dtypes and groups; the rest in the smoke set."""
    return "groups" in case.arguments or case.dtype != "float32" or table.is_smoke(case, transposed)


@pytest.mark.parametrize("target", ["GPU", "Ascend"])
@pytest.mark.parametrize(("case", "transposed"), table.parameters(table.FEW_NAMES, is_told_apart))
def test_operator_and_arguments(case, transposed, target, told, monkeypatch):
    told(target)
    if case.dimensions == 3:
        recorder = Recorder(monkeypatch, *(("Conv3DTranspose", "Conv3DBackpropInput") if transposed else ("Conv3D",)))
    else:
        recorder = Recorder(monkeypatch, "Conv2DTranspose" if transposed else "Conv2D")
    if (target, case.dtype) in devices.REFUSED and case.batch > 0:  # of an empty batch nothing is computed
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
        taken_on_ascend = groups == 1 or depthwise
        if case.dimensions == 3:
            dilation = expand(case.arguments.get("dilation", 1), 3)
            taken_on_ascend = groups == 1 and dilation[0] == 1 and case.dtype == "float16"
        assert bool(recorder.called) == (target == "GPU" or taken_on_ascend)
        for arguments, keywords in recorder.made:
            assert keywords["group"] == groups
            assert keywords["pad_mode"] == "pad"
            assert len(keywords["pad"]) == 2 * max(case.dimensions, 2)
            assert arguments[0] == case.arguments["in_channels" if transposed else "out_channels"]


def convolution(weight=(6, 4, 3, 3), stride=(1, 1), pads=((1, 1), (1, 1)), dilation=(1, 1), groups=1, size=(600, 600)):
    return Convolution((2, weight[1] * groups, *size), weight, stride, pads, dilation, groups)


@pytest.mark.parametrize(("target", "dtype"), [("GPU", "bfloat16"), ("Ascend", "float64")])
def test_what_a_device_refuses(target, dtype):
    with pytest.raises(TypeError, match=f"on {target}: expected .*, but got"):
        devices.refuse(Caller("conv2d", 2, RuntimeError), target, getattr(ms, dtype))
    others = {"float16", "bfloat16", "float32", "float64"} - {dtype}
    for other in others:
        devices.refuse(Caller("conv2d", 2, RuntimeError), target, getattr(ms, other))


@pytest.mark.parametrize(
    ("changes", "transposed", "algorithm"),
    [
        ({}, False, Algorithm.NATIVE),
        ({}, True, Algorithm.NATIVE),
        ({"groups": 3}, False, Algorithm.IM2COL),
        ({"groups": 3}, True, Algorithm.IM2COL),
        ({"weight": (6, 1, 3, 3), "groups": 6}, False, Algorithm.NATIVE),
        ({"weight": (12, 1, 3, 3), "groups": 6}, False, Algorithm.IM2COL),
        ({"weight": (6, 1, 3, 3), "groups": 6}, True, Algorithm.IM2COL),
        ({"stride": (63, 1)}, False, Algorithm.NATIVE),
        ({"stride": (64, 1)}, False, Algorithm.IM2COL),
        ({"dilation": (1, 255)}, False, Algorithm.NATIVE),
        ({"dilation": (1, 256)}, False, Algorithm.IM2COL),
        ({"weight": (6, 4, 511, 3)}, False, Algorithm.NATIVE),
        ({"weight": (6, 4, 512, 3)}, False, Algorithm.IM2COL),
        ({"pads": ((255, 255), (0, 0))}, True, Algorithm.NATIVE),
        ({"pads": ((256, 256), (0, 0))}, True, Algorithm.IM2COL),
    ],
)
def test_algorithm_on_ascend(changes, transposed, algorithm):
    select = devices.DEVICES["Ascend"].select
    assert select(convolution(**changes), ms.float16, transposed, False) == (ms.float16, algorithm)
    computed = ms.float32 if algorithm is Algorithm.IM2COL else ms.bfloat16
    assert select(convolution(**changes), ms.bfloat16, transposed, False) == (computed, algorithm)
    assert select(convolution(**changes), ms.float16, transposed, True)[1] is Algorithm.NATIVE


@pytest.mark.parametrize(
    ("changes", "dtype", "algorithm"),
    [
        ({}, ms.float16, Algorithm.NATIVE),
        ({}, ms.float32, Algorithm.IM2COL),
        ({"groups": 3}, ms.float16, Algorithm.IM2COL),
        ({"dilation": (1, 2, 2)}, ms.float16, Algorithm.NATIVE),
        ({"dilation": (2, 1, 1)}, ms.float16, Algorithm.IM2COL),
    ],
)
def test_algorithm_of_three_dimensions_on_ascend(changes, dtype, algorithm):
    given = {"weight": (6, 4, 3, 3, 3), "stride": (1, 1, 1), "pads": ((1, 1),) * 3, "dilation": (1, 1, 1), **changes}
    c = convolution(size=(60, 60, 60), **given)
    for transposed in (False, True):
        assert devices.DEVICES["Ascend"].select(c, dtype, transposed, False) == (dtype, algorithm)


@pytest.mark.parametrize("groups", [1, 3])
def test_algorithm_on_gpu(groups):
    select = devices.DEVICES["GPU"].select
    for dtype in (ms.float16, ms.float32):
        assert select(convolution(groups=groups), dtype, False, False) == (dtype, Algorithm.NATIVE)
    assert select(convolution(groups=groups), ms.float64, False, False) == (ms.float64, Algorithm.IM2COL)


def test_pads_beyond_ascends_limit_come_first(told, monkeypatch):
    told("Ascend")
    recorder = Recorder(monkeypatch, "Conv2D")
    arguments = {"in_channels": 4, "out_channels": 6, "kernel_size": (3, 5), "padding": (256, 1)}
    case = cases.Case("large_pad", arguments)
    check_case(case, False)
    assert all(keywords["pad"] == (0, 0, 0, 0) for _, keywords in recorder.made)
    assert all(inputs[0].shape[2] > 512 for inputs in recorder.called)


@pytest.mark.parametrize(
    ("input", "weight", "others", "is_refused"),
    [
        ((1, 1, 256, 256), (1, 1, 31, 31), {}, True),
        ((1, 1, 256, 256), (1, 1, 5, 5), {}, False),
        ((1, 1, 128, 128), (8, 1, 21, 21), {}, True),
        ((1, 1, 128, 128), (8, 1, 11, 11), {}, False),
        ((4, 1, 128, 128), (8, 1, 21, 21), {}, False),  # several images
        ((2, 1, 128, 128), (1, 1, 31, 31), {}, False),
        ((2, 1, 256, 256), (1, 1, 31, 31), {}, True),
        ((4, 1, 256, 256), (1, 1, 21, 21), {}, False),
        ((2, 1, 1, 16000), (1, 1, 1, 257), {}, False),
        ((1, 3, 256, 256), (3, 1, 31, 31), {"groups": 3}, True),
        ((1, 3, 256, 256), (3, 1, 21, 21), {"groups": 3}, False),  # small, of several channels
        ((1, 2, 256, 256), (2, 1, 21, 21), {"groups": 2}, True),
        ((1, 3, 256, 256), (3, 3, 31, 31), {}, True),
        ((1, 1, 1, 16000), (1, 1, 1, 257), {}, True),
        ((1, 1, 1, 16000), (258, 1, 1, 256), {"stride": (1, 128)}, False),
        ((None, 1, 256, 256), (1, 1, 31, 31), {}, False),
    ],
)
def test_large_kernels_of_few_channels_on_cpu(input, weight, others, is_refused):
    pads = tuple((size // 2, size // 2) for size in weight[2:])
    c = Convolution(**{"input": input, "weight": weight, "stride": (1, 1), "pads": pads, "dilation": (1, 1),
                       "groups": 1, **others})
    _, algorithm = devices.DEVICES["CPU"].select(c, ms.float32, False, False)
    assert (algorithm is Algorithm.IM2COL_WITH_NATIVE_GRADIENTS) == is_refused
    assert devices.DEVICES["CPU"].select(c, ms.float32, False, True)[1] is Algorithm.NATIVE


@pytest.mark.parametrize(
    ("input", "weight", "others", "algorithm"),
    [
        ((8, 12, 56, 56), (6, 12, 3, 3), {}, Algorithm.FLIPPED),
        ((8, 12, 56, 56), (12, 4, 3, 3), {"groups": 3}, Algorithm.FLIPPED),
        ((None, 12, 56, 56), (12, 12, 3, 3), {}, Algorithm.NATIVE),  # of unknown size
        ((8, 12, 56, 56), (24, 12, 3, 3), {}, Algorithm.NATIVE),  # widening
        ((8, 12, 56, 56), (6, 12, 3, 3), {"stride": (2, 1)}, Algorithm.NATIVE),
        ((8, 12, 56, 56), (6, 12, 3, 3), {"pads": ((3, 3), (0, 0))}, Algorithm.NATIVE),  # beyond the kernel
        ((8, 12, 56, 56), (6, 12, 1, 1), {}, Algorithm.NATIVE),
        ((8, 12, 56, 56), (12, 4, 1, 1), {"groups": 3}, Algorithm.NATIVE),
        ((1, 12, 9, 9), (12, 1, 3, 3), {"groups": 12}, Algorithm.NATIVE),  # small
        ((8, 256, 14, 14), (128, 256, 3, 3), {}, Algorithm.NATIVE),  # a large weight
        ((8, 960, 7, 7), (960, 1, 3, 3), {"groups": 960}, Algorithm.FLIPPED),
    ],
)
def test_algorithm_on_cpu(input, weight, others, algorithm):
    convolution = Convolution(
        **{"input": input, "weight": weight, "stride": (1, 1), "dilation": (1, 1), "groups": 1,
           "pads": ((1, 0), (0, 1)) if weight[2] > 1 else no_pads(2), **others}
    )
    select = devices.DEVICES["CPU"].select
    assert select(convolution, ms.float32, False, False) == (ms.float32, algorithm)
    assert select(convolution, ms.float16, False, False) == (ms.float16, Algorithm.NATIVE)
    assert select(convolution, ms.float32, False, True) == (ms.float32, Algorithm.NATIVE)


def test_target_is_chosen_again(told):
    spec = ConvSpec(
        name="conv2d", dimensions=2, transposed=False, stride=(1, 1), padding=(0, 0), dilation=(1, 1),
        output_padding=(0, 0), groups=2, padding_mode="zeros",
    )
    call = (spec, (1, 4, 5, 5), (4, 2, 3, 3), (4,), (ms.float32,) * 3, (False,) * 3, None)
    operators = {}
    for target in ("CPU", "Ascend", "GPU", "CPU"):
        told(target)
        _, operator = plan.make_plan(*call, exporting=False)
        assert operators.setdefault(target, operator) is operator
    assert isinstance(operators["GPU"], ops.Conv2D)
    assert len(set(map(id, operators.values()))) == 3
