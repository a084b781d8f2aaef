"""torch's signatures and order; and the functions compute what the layers compute, in both modes."""

from __future__ import annotations

import inspect

import cases
import mindspore as ms
import numpy as np
import oracle
import pytest
import table
from harness import array, make_layer, tensor
from oracle import assert_close

from mscompat import (
    TorchConv1d,
    TorchConv2d,
    TorchConv3d,
    TorchConvTranspose1d,
    TorchConvTranspose2d,
    TorchConvTranspose3d,
)
from mscompat import functional as F

try:
    import torch
except ImportError:
    torch = None

DIMENSIONS = (1, 2, 3)
# torch.nn.functional's, from its documentation, torch 2.13
CONV = {"bias": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1}
CONV_TRANSPOSE = {"bias": None, "stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "dilation": 1}
SIGNATURES = {
    **{f"conv{dimensions}d": CONV for dimensions in DIMENSIONS},
    **{f"conv_transpose{dimensions}d": CONV_TRANSPOSE for dimensions in DIMENSIONS},
}

# torch.nn's
LAYER = {
    "stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True, "padding_mode": "zeros", "device": None,
    "dtype": None,
}
TRANSPOSED_LAYER = {
    "stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "bias": True, "dilation": 1,
    "padding_mode": "zeros", "device": None, "dtype": None,
}
LAYER_SIGNATURES = {
    TorchConv1d: LAYER, TorchConv2d: LAYER, TorchConv3d: LAYER, TorchConvTranspose1d: TRANSPOSED_LAYER,
    TorchConvTranspose2d: TRANSPOSED_LAYER, TorchConvTranspose3d: TRANSPOSED_LAYER,
}


@pytest.mark.parametrize("layer", LAYER_SIGNATURES)
def test_signature_of_a_layer(layer):
    parameters = inspect.signature(layer).parameters
    assert list(parameters) == ["in_channels", "out_channels", "kernel_size", *LAYER_SIGNATURES[layer]]
    assert {key: value.default for key, value in list(parameters.items())[3:]} == LAYER_SIGNATURES[layer]
    if torch is not None:
        of_torch = inspect.signature(getattr(torch.nn, layer.__name__.removeprefix("Torch"))).parameters
        assert [(key, value.default) for key, value in parameters.items()] == [
            (key, value.default) for key, value in of_torch.items()
        ]


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature(name):
    parameters = inspect.signature(getattr(F, name)).parameters
    assert list(parameters) == ["input", "weight", *SIGNATURES[name]]
    assert {key: value.default for key, value in list(parameters.items())[2:]} == SIGNATURES[name]


@pytest.mark.skipif(torch is None, reason="calls torch by position, which is not installed")
@pytest.mark.parametrize("name", SIGNATURES)
def test_positional_order_is_torchs(name):
    random = np.random.RandomState(0)
    transposed = name.startswith("conv_transpose")
    dimensions = int(name[-2])
    shapes = ((2, 4, *(7, 9, 8)[:dimensions]), (4, 4, *(3,) * dimensions), (8 if transposed else 4,))
    arrays = [random.standard_normal(shape) for shape in shapes]
    positional = (2, 1, 1, 2, 1) if transposed else (2, 1, 1, 1)
    actual = getattr(F, name)(*(ms.Tensor(value) for value in arrays), *positional)
    expected = getattr(torch.nn.functional, name)(*(torch.tensor(value) for value in arrays), *positional)
    np.testing.assert_allclose(actual.asnumpy(), expected.numpy(), rtol=1e-12, atol=1e-12)


class Call(ms.nn.Cell):
    def __init__(self, function, options):
        super().__init__()
        self.function = function
        self.options = options

    def construct(self, *tensors):
        return self.function(*tensors, **self.options)


@pytest.mark.parametrize(
    "operator", [pytest.param(name, marks=[] if "2d" in name else pytest.mark.slow) for name in SIGNATURES]
)
def test_computes_what_the_layer_computes(operator, mode):
    """Values and gradients by every argument, for every 40th case of the table."""
    function = getattr(F, operator)
    transposed = operator.startswith("conv_transpose")
    options = ("stride", "padding", "output_padding", "dilation", "groups")
    for case in table.CASES[operator][::40]:
        if case.arguments.get("padding_mode", "zeros") != "zeros" or case.output_size is not None or case.batch == 0:
            continue
        case = case._replace(dtype="float64")
        inputs = oracle.make_inputs(case, transposed)
        given = {name: case.arguments[name] for name in options if name in case.arguments}
        if mode == "graph":  # a graph has no NumPy integers and no ranges
            given = {name: value if isinstance(value, str) else
                     int(value) if np.ndim(value) == 0 else cases.expand(value, case.dimensions)
                     for name, value in given.items()}
        tensors = [tensor(value, "float64") for value in inputs[:3] if value is not None]
        gradient = ms.ops.GradOperation(get_all=True, sens_param=True)(Call(function, given))
        results = gradient(*tensors, tensor(inputs.cotangent, "float64"))
        expected, scales = oracle.expected(case, transposed, inputs), oracle.scales(case, transposed, inputs)
        output = array(Call(function, given)(*tensors))
        for actual, wanted, scale in zip((output, *map(array, results)), expected, scales, strict=False):
            assert_close(actual, wanted, scale, "float64", case.name)


@pytest.mark.parametrize("padding_mode", cases.PADDING_MODES[1:])
def test_one_element_padding_of_an_unbatched_input_pads_the_columns(padding_mode, mode):
    """As torch does, whose layer refuses it for a batch: values and gradients are those of padding=(0, 2)."""
    case = cases.Case("one_element", {"in_channels": 4, "out_channels": 6, "kernel_size": (3, 2), "padding": (0, 2),
                                      "padding_mode": padding_mode}, batch=1)
    inputs = oracle.make_inputs(case, False)
    layer = make_layer(case._replace(arguments={**case.arguments, "padding": (2,)}), False, inputs)
    input, cotangent = tensor(inputs.input[0], "float32"), tensor(inputs.cotangent[0], "float32")
    gradient = ms.ops.GradOperation(get_all=True, get_by_list=True, sens_param=True)(layer, layer.trainable_params())
    (by_input,), parameters = gradient(input, cotangent)
    expected, scales = oracle.expected(case, False, inputs), oracle.scales(case, False, inputs)
    assert_close(array(layer(input)), expected.output[0], scales.output[0], "float32")
    assert_close(array(by_input), expected.input_gradient[0], scales.input_gradient[0], "float32")
    for actual, wanted, scale in zip(parameters, expected[2:], scales[2:], strict=True):
        assert_close(array(actual), wanted, scale, "float32")
    if torch is not None:
        of_torch = torch.nn.Conv2d(4, 6, (3, 2), padding=(2,), padding_mode=padding_mode, dtype=torch.float64)
        of_torch.weight.data, of_torch.bias.data = torch.tensor(inputs.weight), torch.tensor(inputs.bias)
        output = of_torch(torch.tensor(inputs.input[0])).detach().numpy()
        assert_close(output, expected.output[0], scales.output[0], "float64")


def test_one_element_steps_take_an_output_size(mode):
    """torch ends in an IndexError there."""
    options = {"kernel_size": 3, "stride": (2, 2), "padding": (1, 1), "dilation": (1, 1)}
    case = cases.Case("output_size", {"in_channels": 4, "out_channels": 6, **options}, output_size=(14, 17))
    inputs = oracle.make_inputs(case, True)
    short = {name: value if name == "kernel_size" else value[:1] for name, value in options.items()}
    layer = make_layer(case._replace(arguments={**case.arguments, **short}), True, inputs)
    expected, scales = oracle.expected(case, True, inputs), oracle.scales(case, True, inputs)
    output = layer(tensor(inputs.input, "float32"), (14, 17))
    assert_close(array(output), expected.output, scales.output, "float32")
