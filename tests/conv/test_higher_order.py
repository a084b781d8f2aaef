"""Derivatives of the second and third order, on every algorithm."""

from __future__ import annotations

import itertools

import mindspore as ms
import numpy as np
import oracle
import pytest
from cases import PADDING_MODES, Case
from harness import array, make_layer, tensor
from mindspore import nn

import mscompat

CASES = [
    *(Case(f"conv2d_{mode}", {"in_channels": 2, "out_channels": 3, "kernel_size": (3, 2), "stride": (2, 1),
                              "padding": (1, 2), "padding_mode": mode}, (2, 5, 6)) for mode in PADDING_MODES),
    Case("conv2d_groups", {"in_channels": 2, "out_channels": 4, "kernel_size": (3, 2), "groups": 2,
                           "padding": "same"}, (2, 5, 6)),
    Case("conv2d_narrowing", {"in_channels": 4, "out_channels": 2, "kernel_size": (3, 2), "groups": 2,
                              "padding": "same"}, (4, 5, 6)),
    Case("conv2d_as_many", {"in_channels": 2, "out_channels": 2, "kernel_size": (3, 2), "padding": (2, 1),
                            "dilation": (2, 1), "padding_mode": "circular"}, (2, 5, 6)),
    Case("conv_transpose2d", {"in_channels": 2, "out_channels": 3, "kernel_size": (3, 2), "stride": (2, 3),
                              "padding": 1, "output_padding": (1, 2)}, (2, 3, 4)),
    Case("conv_transpose2d_output_padding_above_stride",
         {"in_channels": 2, "out_channels": 3, "kernel_size": 2, "output_padding": 2, "dilation": 3}, (2, 3, 4)),
    Case("conv_transpose2d_groups", {"in_channels": 2, "out_channels": 4, "kernel_size": (3, 2), "groups": 2},
         (2, 3, 4)),
    Case("conv1d", {"in_channels": 2, "out_channels": 3, "kernel_size": 3, "stride": 2, "padding": 1}, (2, 7)),
    Case("conv1d_reflect", {"in_channels": 2, "out_channels": 2, "kernel_size": 3, "dilation": 2, "padding": 2,
                            "padding_mode": "reflect"}, (2, 7)),
    Case("conv_transpose1d", {"in_channels": 2, "out_channels": 3, "kernel_size": 4, "stride": 2, "padding": 1,
                              "output_padding": 1}, (2, 4)),
    Case("conv3d", {"in_channels": 2, "out_channels": 3, "kernel_size": (2, 3, 2), "stride": (1, 2, 1),
                    "padding": (1, 0, 1)}, (2, 3, 4, 3)),
    Case("conv3d_same_circular", {"in_channels": 2, "out_channels": 2, "kernel_size": (2, 3, 2), "padding": "same",
                                  "groups": 2, "padding_mode": "circular"}, (2, 3, 4, 3)),
    Case("conv_transpose3d", {"in_channels": 2, "out_channels": 3, "kernel_size": (2, 3, 2), "stride": (1, 2, 2),
                              "padding": (0, 1, 0), "output_padding": (0, 1, 0)}, (2, 2, 3, 2)),
]
# So few patches that the product of all is one, as those above are not. It ends in Reshape: as long as that was the
# result, third derivatives were wrong in PyNative mode (MS-08).
ONE_PRODUCT = [
    Case("conv2d_one_product", {"in_channels": 2, "out_channels": 3, "kernel_size": 1}, (2, 5, 6)),
    Case("conv2d_side_by_side", {"in_channels": 3, "out_channels": 40, "kernel_size": 3}, (3, 6, 5)),
    Case("conv_transpose2d_one_product", {"in_channels": 40, "out_channels": 3, "kernel_size": 3}, (40, 4, 3)),
]

# The fixtures of conftest.py.
ALGORITHMS = {
    "default": (), "flipped": ("always_flipped",), "im2col": ("slow_onednn",),
    "tiles": ("slow_onednn", "small_tiles"), "forward": ("always_refused",),
}


def algorithms_of(case):
    """One dimension is computed as two, three know two algorithms, and the last of two is the third in part."""
    if case.dimensions != 2:
        return ("default", "im2col")
    return ALGORITHMS if case.name in ("conv2d_zeros", "conv2d_groups") else [*ALGORITHMS][:-1]


ROWS = [
    (case, dtype, algorithm, mode)
    for case in CASES
    for dtype, names in (("float32", algorithms_of(case)), ("float64", ("default", "tiles")))
    for algorithm in names if algorithm in algorithms_of(case)
    for mode in ("pynative", "graph")
]


# Graphs of a second derivative take seconds to compile, those of a third 20: some of each kind.
NAMED = {case.name: case for case in CASES}
GRAPHS = [
    (NAMED["conv2d_zeros"], "float32", "im2col"), (NAMED["conv2d_reflect"], "float32", "default"),
    (NAMED["conv2d_narrowing"], "float32", "flipped"), (NAMED["conv_transpose2d"], "float64", "tiles"),
    (NAMED["conv_transpose2d_groups"], "float32", "default"), (NAMED["conv1d_reflect"], "float32", "default"),
    (NAMED["conv2d_groups"], "float32", "forward"), (NAMED["conv3d"], "float32", "default"),
    (NAMED["conv_transpose3d"], "float64", "default"), (NAMED["conv3d"], "float64", "default"),
]
THIRD_ORDER_GRAPHS = {
    ("conv2d_zeros", "tiles"), ("conv2d_circular", "default"), ("conv2d_groups", "im2col"),
    ("conv2d_narrowing", "flipped"), ("conv2d_as_many", "tiles"), ("conv_transpose2d", "im2col"),
    ("conv_transpose2d_groups", "flipped"), ("conv1d", "default"), ("conv3d", "default"),
    ("conv_transpose3d", "im2col"),
}


def is_by_default(case, dtype, algorithm, mode):
    """All in PyNative mode, of one and three dimensions by the default algorithm, and the graphs above."""
    is_few = case.dimensions == 2 or (algorithm == "default" and dtype == "float32")
    return (mode == "pynative" and is_few) or (case, dtype, algorithm) in GRAPHS


@pytest.fixture
def an_algorithm(request, algorithm, mode):
    """The algorithm and the mode of the test's parameters."""
    ms.set_context(mode=ms.GRAPH_MODE if mode == "graph" else ms.PYNATIVE_MODE)
    for fixture in ALGORITHMS[algorithm]:
        request.getfixturevalue(fixture)
    yield
    ms.set_context(mode=ms.PYNATIVE_MODE)


class Loss(nn.Cell):
    """The sum of the cubes of a layer's output. Its input is a result, of which PyNative knows less (MS-08)."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.weight = layer.weight

    def construct(self, input):
        output = self.layer(input * 1.0)
        return (output * output * output).sum()


class SquaredGradient(nn.Cell):
    """|d function/d input|^2 + |d function/d weight|^2."""

    def __init__(self, function):
        super().__init__()
        self.weight = function.weight
        self.gradient = ms.grad(function, 0, [function.weight])

    def construct(self, input):
        by_input, by_weight = self.gradient(input)
        return (by_input * by_input).sum() + (by_weight[0] * by_weight[0]).sum()


class LossOfResults(Loss):
    """The same of a function, whose weight is a result too."""

    def __init__(self, layer, function, arguments):
        super().__init__(layer)
        self.function, self.bias = function, layer.bias
        self.arguments = arguments

    def construct(self, input):
        output = self.function(input * 1.0, self.weight * 1.0, self.bias, *self.arguments)
        return (output * output * output).sum()


def gradients(function, input):
    by_input, by_weight = ms.grad(function, 0, [function.weight])(input)
    return array(by_input), array(by_weight[0])


def relative_error(actual, expected):
    return np.abs(actual.reshape(expected.shape) - expected).max() / np.abs(expected).max()


@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=[] if case.dimensions == 2 else pytest.mark.slow, id=case.name)
        for case in CASES if "padding_mode" not in case.arguments
    ],
)
def test_second_order_of_a_function_of_results(case):
    """As of the layer, which test_second_order compares with the reference."""
    transposed = case.name.startswith("conv_transpose")
    case = case._replace(dtype="float64", batch=2)
    inputs = oracle.make_inputs(case, transposed)
    layer = make_layer(case, transposed, inputs)
    given = {name: value for name, value in case.arguments.items() if not name.endswith(("channels", "kernel_size"))}
    names = ["stride", "padding", *(["output_padding", "groups", "dilation"] if transposed else ["dilation", "groups"])]
    defaults = {"padding": 0, "output_padding": 0}
    arguments = tuple(given.pop(name, defaults.get(name, 1)) for name in names)
    assert not given
    function = getattr(mscompat.functional, f"conv{'_transpose' if transposed else ''}{case.dimensions}d")
    input = tensor(inputs.input, "float64")
    expected = gradients(SquaredGradient(Loss(layer)), input)
    actual = gradients(SquaredGradient(LossOfResults(layer, function, arguments)), input)
    for one, other in zip(actual, expected, strict=True):
        assert relative_error(one, other) < 1e-12


@pytest.mark.parametrize("batch", [2, pytest.param(None, marks=pytest.mark.slow)], ids=["batched", "unbatched"])
@pytest.mark.parametrize(
    ("case", "dtype", "algorithm", "mode"),
    [
        pytest.param(*row, marks=[] if is_by_default(*row) else pytest.mark.slow,
                     id=f"{row[0].name}-{'-'.join(row[1:])}")
        for row in ROWS
    ],
)
def test_second_order(case, dtype, algorithm, mode, batch, an_algorithm):
    """Against differences of the reference's first-order gradients, in float64.

    The gradient of |g|^2 is 2 H g: the derivative of the first-order gradient along g itself.
    """
    transposed = case.name.startswith("conv_transpose")
    case = case._replace(dtype=dtype, batch=batch or 1)
    inputs = oracle.make_inputs(case, transposed)
    layer = make_layer(case, transposed, inputs)
    input = tensor(inputs.input if batch else inputs.input[0], dtype)
    actual = gradients(SquaredGradient(Loss(layer)), input)

    def first_order(shift_input, shift_weight):
        moved = inputs._replace(input=inputs.input + shift_input, weight=inputs.weight + shift_weight)
        output = oracle.reference(case, transposed, moved, gradients=False).output
        results = oracle.reference(case, transposed, moved._replace(cotangent=3 * output**2))
        return results.input_gradient, results.weight_gradient

    slopes = first_order(0, 0)
    step = 1e-5 / max(np.abs(slope).max() for slope in slopes)
    ahead, behind = (first_order(*(sign * step * slope for slope in slopes)) for sign in (1, -1))
    for one, after, before in zip(actual, ahead, behind, strict=True):
        expected = 2 * (after - before) / (2 * step)
        assert relative_error(one, expected) < (1e-7 if dtype == "float64" else 1e-5)


@pytest.mark.parametrize("batch", [2, None], ids=["batched", "unbatched"])
@pytest.mark.parametrize(
    ("case", "algorithm", "mode"),
    [
        pytest.param(case, "im2col", "pynative", id=f"{case.name}-im2col-pynative",
                     marks=[] if case is ONE_PRODUCT[0] else pytest.mark.slow)
        for case in ONE_PRODUCT
    ] + [
        pytest.param(*row, id=f"{row[0].name}-{'-'.join(row[1:])}", marks=pytest.mark.slow)
        for row in itertools.product(CASES, ALGORITHMS, ("pynative", "graph"))
        # ops.Pad's third derivative does not exist: "SliceGrad's bprop not defined" (MS-12).
        if not row[0].name.endswith("output_padding_above_stride") and row[1] in algorithms_of(row[0])
        if row[2] == "pynative" or (row[0].name, row[1]) in THIRD_ORDER_GRAPHS
    ],
)
def test_third_order(case, algorithm, mode, batch, an_algorithm):
    """float64 against differences of its own second-order gradients, and float32 against float64."""
    transposed = case.name.startswith("conv_transpose")
    inputs = oracle.make_inputs(case, transposed)

    def third_order(dtype):
        layer = make_layer(case._replace(dtype=dtype), transposed, inputs)
        return gradients(SquaredGradient(SquaredGradient(Loss(layer))), tensor(inputs.input, dtype))

    layer = make_layer(case._replace(dtype="float64"), transposed, inputs)
    second_order = SquaredGradient(Loss(layer))

    def second_order_at(shift_input, shift_weight):
        layer.weight.set_data(tensor(inputs.weight + shift_weight, "float64"))
        return gradients(second_order, tensor(inputs.input + shift_input, "float64"))

    slopes = second_order_at(0, 0)
    step = 1e-5 / max(np.abs(slope).max() for slope in slopes)
    ahead, behind = (second_order_at(*(sign * step * slope for slope in slopes)) for sign in (1, -1))
    for double, single, after, before in zip(
        third_order("float64"), third_order("float32"), ahead, behind, strict=True
    ):
        assert relative_error(double, 2 * (after - before) / (2 * step)) < 1e-6
        assert relative_error(single, double) < 1e-4
