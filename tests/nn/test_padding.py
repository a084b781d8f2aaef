"""Padding beyond torch's lists: negative pads, dtypes, nothing to pad, sentences, second derivatives, open sizes."""

from __future__ import annotations

import itertools

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor
from mindspore import nn as ms_nn

from mscompat import functional as F
from mscompat import nn

torch = pytest.importorskip("torch", reason="torch is what padding is compared with")
pytest.importorskip("expecttest", reason="torch's own suite, torch.testing._internal, needs it")

import torch_suite  # noqa: E402

MODES = ("constant", "reflect", "replicate", "circular")
# (shape, pads)
NEGATIVE = [
    ((2, 3, 5), (-1, 2)), ((2, 3, 5), (1, -2)), ((3, 5), (-2, -1)), ((2, 1, 4, 5), (2, -1, -1, 1)),
    ((1, 4, 5), (0, 0, -2, -1)), ((2, 1, 3, 4, 5), (1, 2, -1, 0, 1, -1)), ((2, 3, 4, 5), (-1, 1, 0, -1, 1, 1)),
]
EMPTY = [((0, 2, 4), (1, 1)), ((0, 2, 3, 4), (1, 0, 2, -1)), ((0, 1, 3, 4, 5), (1,) * 6)]
DTYPES = (
    torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8,
    torch.bool,
)


def call_of(shape, pads, mode, value=None, dtype=torch.float32):
    input = torch.arange(1, 1 + int(np.prod(shape))).reshape(shape).to(dtype)
    return torch_suite.Call(None, ((input, pads, mode, value), {}), "")


def check(call):
    dtype = call.forward[0][0].dtype
    expected = torch_suite.torch_outcome(torch.nn.functional.pad, call, dtype, False, None)
    shapes = [(output.shape, output.dtype) for output in expected.outputs]
    actual = torch_suite.mindspore_outcomes(F.pad, call, shapes, 2)
    assert not torch_suite.differences(actual, expected, expected)
    np.testing.assert_array_equal(actual[0].outputs[0], expected.outputs[0])


@pytest.mark.parametrize("pad_mode", MODES)
def test_negative_pads(pad_mode, mode):
    for shape, pads in NEGATIVE:
        check(call_of(shape, pads, pad_mode))


@pytest.mark.parametrize("pad_mode", MODES)
def test_empty_batch(pad_mode, mode):
    for shape, pads in EMPTY:
        check(call_of(shape, pads, pad_mode))


def test_nothing_becomes_something(mode):
    for shape, pads in [((0, 3), (1, 1, 2, 1)), ((2, 0), (1, 2)), ((2, 3), (2, 2, -2, 1)), ((2, 3), (0, -3))]:
        check(call_of(shape, pads, "constant", 2.5))


def test_something_becomes_nothing(mode):
    for shape, pads in [((1, 2, 3), (0, 0, -1, -1)), ((1, 2, 2, 3), (-1, -2, 1, 1))]:
        for pad_mode in ("constant", "replicate", "circular"):
            check(call_of(shape, pads, pad_mode))
        # torch's own gradient of 'reflect' is what memory held.
        assert F.pad(Tensor(np.ones(shape, np.float32)), pads, "reflect").shape == (
            torch.nn.functional.pad(torch.ones(shape), pads, "reflect").shape
        )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), -0.0, 2, True, 0.1])
def test_values(value, mode):
    check(call_of((2, 3), (1, 0, 0, 2), "constant", value))
    check(call_of((2, 3), (1, -1), "constant", value, torch.float64))


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(dtype, mode):
    cases = [("constant", None), ("constant", 1.5), ("circular", None)]
    if dtype != torch.bool:
        cases += [("reflect", None), ("replicate", None)]
    for pad_mode, value in cases:
        call = call_of((2, 3, 4), (1, 2, -1, 1), pad_mode, value, dtype)
        actual = torch_suite.call_mindspore(F.pad, call)[0]
        expected = torch.nn.functional.pad(*call.forward[0])
        np.testing.assert_array_equal(torch_suite.to_numpy(actual), torch_suite.to_numpy(expected))
        assert actual.dtype == torch_suite.to_mindspore(dtype)


def test_what_is_not_a_number_is_kept(mode):
    array = np.array([[np.nan, np.inf, -np.inf, -0.0]], np.float32)
    for pad_mode in MODES:
        expected = torch.nn.functional.pad(torch.from_numpy(array), (1, 2), pad_mode).numpy()
        for value in (0, 2.5) if pad_mode == "constant" else (None,):
            if value:
                expected = torch.nn.functional.pad(torch.from_numpy(array), (1, 2), pad_mode, value).numpy()
            actual = torch_suite.call_mindspore(
                F.pad, torch_suite.Call(None, ((torch.from_numpy(array), (1, 2), pad_mode, value), {}), "")
            )[0].asnumpy()
            np.testing.assert_array_equal(actual, expected)
            np.testing.assert_array_equal(np.signbit(actual), np.signbit(expected))


WRONG = [
    ((1, 4), (1,), "constant", None), ((4,), (1, 1, 1, 1), "constant", None), ((4,), (-5, 0), "constant", None),
    ((4,), (-2, -3), "constant", None), ((4,), (1.0, 2), "constant", None), ((4,), 1, "constant", None),
    ((4,), (True, 1), "constant", None), ((4,), (1, 1), "constant", "a"), ((4,), (1, 1), "other", None),
    ((4,), (1, 1), None, None), ((2, 4), (1, 1), "reflect", 1.5), ((4,), (1, 1), "reflect", None),
    ((1, 4), (1,) * 4, "replicate", None), ((1, 1, 1, 4), (1, 1), "circular", None), ((1, 4), (4, 0), "reflect", None),
    ((1, 3, 4), (1, 1, 3, 1), "reflect", None), ((2, 2, 3, 4), (1, 1, 1, 1, 2, 1), "reflect", None),
    ((1, 4), (-4, 0), "reflect", None), ((1, 3, 4), (-2, -2, -2, -1), "reflect", None),
    ((1, 3, 4), (-2, -2, -2, -1), "replicate", None), ((1, 2, 3, 4), (-2, -2, -2, -1, -1, -1), "replicate", None),
    ((2, 1, 3, 4), (-2, -3, 0, 0), "replicate", None), ((2, 1, 3, 4), (-2, -3, 0, 0), "reflect", None),
    ((2, 0, 4), (1, 1), "reflect", None), ((2, 2, 0, 4), (1,) * 4, "replicate", None),
    ((1, 4), (5, 0), "circular", None), ((1, 4), (-2, -3), "circular", None), ((1, 4), (-2, 3), "circular", None),
]
WRONG_DTYPES = [
    (torch.uint8, "constant", -1), (torch.int8, "constant", 300.7), (torch.int64, "constant", float("nan")),
    (torch.int32, "constant", 2**40), (torch.float16, "constant", 1e10),
    (torch.bool, "reflect", None), (torch.bool, "replicate", None),
]


def check_wrong(call):
    with pytest.raises(Exception) as theirs:  # noqa: PT011  which one is the question
        torch.nn.functional.pad(*call.forward[0])
    sentence = str(theirs.value).split("\n")[0].removeprefix("pad(): ").removesuffix(".")
    with pytest.raises(theirs.type) as ours:
        torch_suite.call_mindspore(F.pad, call)
    assert sentence in str(ours.value)
    assert "For 'pad', " in str(ours.value)


@pytest.mark.parametrize(("shape", "pads", "pad_mode", "value"), WRONG)
def test_wrong(shape, pads, pad_mode, value, mode):
    check_wrong(call_of(shape, pads, pad_mode, value))


@pytest.mark.parametrize(("dtype", "pad_mode", "value"), WRONG_DTYPES)
def test_wrong_dtype(dtype, pad_mode, value, mode):
    check_wrong(call_of((2, 3), (1, 1), pad_mode, value, dtype))


def test_a_value_beyond_float32_is_refused():
    """In a graph, MindSpore reads it as infinity."""
    for dtype in (torch.float32, torch.bfloat16):
        check_wrong(call_of((2, 3), (1, 1), "constant", 1e39, dtype))


def test_an_input_that_is_no_tensor():
    with pytest.raises(TypeError, match=r"argument 'input' \(position 1\) must be Tensor"):
        F.pad([1, 2], (1, 1))


class Cubes(ms_nn.Cell):
    """The sum of the cubes of what an operator makes of the input's squares."""

    def __init__(self, operator):
        super().__init__()
        self.operator = operator

    def construct(self, x):
        return (self.operator(x * x) ** 3).sum()


class SquaredGradient(ms_nn.Cell):
    """The sum of the squares of a gradient."""

    def __init__(self, function):
        super().__init__()
        self.gradient = ms.grad(function)

    def construct(self, x):
        return (self.gradient(x) ** 2).sum()


class Pad(ms_nn.Cell):
    """A call with constants."""

    def __init__(self, pads, mode, value):
        super().__init__()
        self.arguments = (pads, mode, value)

    def construct(self, x):
        return F.pad(x, self.arguments[0], self.arguments[1], self.arguments[2])


@pytest.mark.parametrize(
    ("pad_mode", "value"),
    [("constant", None), ("constant", 1.5), ("reflect", None), ("replicate", None), ("circular", None)],
)
def test_second_derivatives(pad_mode, value, mode):
    for shape, pads in [((2, 3, 4), (1, 2)), ((2, 3, 4), (2, -1, -1, 1)), ((1, 2, 3, 4, 4), (1, 0, 2, 1, 1, 1))]:
        array = np.random.RandomState(0).uniform(0.5, 1.5, shape).astype(np.float32)
        x = torch.tensor(array, requires_grad=True)
        total = (torch.nn.functional.pad(x * x, pads, pad_mode, value) ** 3).sum()
        (first,) = torch.autograd.grad(total, x, create_graph=True)
        (expected,) = torch.autograd.grad((first**2).sum(), x)
        actual = ms.grad(SquaredGradient(Cubes(Pad(pads, pad_mode, value))))(Tensor(array)).asnumpy()
        np.testing.assert_allclose(actual, expected.numpy(), rtol=2e-5)


CELLS = [
    ("ReflectionPad1d", (2,), (2, 3, 5)), ("ReplicationPad2d", ((1, 2, 0, 1),), (2, 3, 5, 4)),
    ("CircularPad3d", (1,), (2, 1, 3, 4, 5)), ("ConstantPad2d", ((1, 2, 3, 0), 1.5), (2, 3, 5, 4)),
    ("ZeroPad1d", ((2, -1),), (2, 3, 5)), ("ReflectionPad2d", ((1, -1, 1, 1),), (2, 4, 5)),
    ("ReplicationPad3d", (1,), (2, 3, 4, 5)),
]


@pytest.mark.parametrize(("name", "arguments", "shape"), CELLS)
@pytest.mark.parametrize("opened", ["batch", "all"])
def test_open_sizes(name, arguments, shape, opened, graph_mode):
    """One graph for several sizes: those of the first axis, or all."""
    cell, module = getattr(nn, name)(*arguments), getattr(torch.nn, name)(*arguments)
    cell.set_inputs(Tensor(shape=[None, *shape[1:]] if opened == "batch" else [None] * len(shape), dtype=ms.float32))
    for more in (0, 1, 2):
        size = (shape[0] + more, *shape[1:]) if opened == "batch" else tuple(length + more for length in shape)
        array = np.random.RandomState(more).standard_normal(size).astype(np.float32)
        np.testing.assert_array_equal(cell(Tensor(array)).asnumpy(), module(torch.from_numpy(array)).numpy())


@pytest.mark.parametrize(("name", "arguments", "shape"), CELLS)
def test_a_second_shape(name, arguments, shape, mode):
    cell, module = getattr(nn, name)(*arguments), getattr(torch.nn, name)(*arguments)
    for more in (0, 3, 0):
        array = np.random.RandomState(more).standard_normal([length + more for length in shape]).astype(np.float32)
        np.testing.assert_array_equal(cell(Tensor(array)).asnumpy(), module(torch.from_numpy(array)).numpy())


def test_pads_that_are_set_later(mode):
    """As in torch, where a porter changes what a model was built with."""
    cell = nn.ZeroPad2d(1)
    cell.padding = (0, 2, 0, 0)
    assert cell(Tensor(np.ones((1, 2, 3), np.float32))).shape == (1, 2, 5)


def test_dimensions_of_circular_cells(mode):
    for axes, dimensions in itertools.product((1, 2, 3), range(1, 6)):
        if dimensions - axes in (1, 2):
            continue
        with pytest.raises(ValueError, match=rf"expected {axes + 1}D or {axes + 2}D input \(got {dimensions}D input\)"):
            getattr(nn, f"CircularPad{axes}d")(1)(Tensor(np.ones((3,) * dimensions, np.float32)))
