"""Bad input: each row raises, with torch's sentence inside, in the constructor or at the call, in both modes."""

from __future__ import annotations

import functools
import re

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

import mscompat
from mscompat import TorchConv2d, TorchConvTranspose2d

try:
    import torch
except ImportError:
    torch = None

OVERFLOW = "Overflow when unpacking long long"
INTS = "must be tuple of ints, but found element of type"
PAIR = "to be a single integer value or a list of 2 values to match the convolution dimensions, but got"

# layer, arguments beside (4, 6, 3), exception, torch's sentence (or ours, where torch has none)
BOTH = ("conv2d", "conv_transpose2d")
CONSTRUCTOR = [
    ("conv2d", {"padding": "same", "stride": 2}, ValueError,
     "padding='same' is not supported for strided convolutions, but got stride=(2, 2)"),
    ("conv2d", {"padding": "same", "stride": (1, 2)}, ValueError, "is not supported for strided convolutions"),
    ("conv2d", {"padding": "full"}, ValueError,
     "Invalid padding string 'full', should be one of ('valid', 'same')"),
    ("conv2d", {"padding_mode": "zero"}, ValueError,
     "padding_mode must be one of ('zeros', 'reflect', 'replicate', 'circular'), but got padding_mode='zero'"),
    ("conv2d", {"padding_mode": None}, ValueError, "padding_mode must be one of"),
    ("conv_transpose2d", {"padding_mode": "reflect"}, ValueError,
     'Only "zeros" padding mode is supported for TorchConvTranspose2d, but got padding_mode=\'reflect\''),
    ("conv_transpose2d", {"padding_mode": "zero"}, ValueError, 'Only "zeros" padding mode is supported for'),
    ("conv_transpose2d", {"padding": "same"}, ValueError, "argument 'padding' must be tuple of ints, not str"),
    ("conv_transpose2d", {"padding": "valid"}, ValueError, "argument 'padding' must be tuple of ints, not str"),
    ("conv_transpose2d", {"padding": "full"}, ValueError, "argument 'padding' must be tuple of ints, not str"),
    ("conv_transpose2d", {"output_padding": 1}, ValueError,
     "output padding must be smaller than either stride or dilation, but got output_padding_height: 1 "
     "output_padding_width: 1 stride_height: 1 stride_width: 1 dilation_height: 1 dilation_width: 1"),
    ("conv_transpose2d", {"output_padding": (1, 3), "stride": (2, 1), "dilation": (1, 3)}, ValueError,
     "output padding must be smaller than either stride or dilation"),
    ("conv_transpose2d", {"output_padding": 10**20}, ValueError, f"argument 'output_padding': {OVERFLOW}"),
    ("conv_transpose2d", {"output_padding": -1, "stride": 2}, ValueError, "negative output_padding is not supported"),
    ("conv_transpose2d", {"output_padding": (1, 1, 1), "stride": 2}, ValueError, f"output_padding {PAIR}"),
    ("conv_transpose2d", {"output_padding": 1.0, "stride": 2}, TypeError, f"'output_padding' {INTS} float at pos 0"),
    ("conv_transpose2d", {"output_padding": True, "stride": 2}, TypeError, f"'output_padding' {INTS} bool at pos 0"),
]
for _layer in BOTH:
    for _groups in (0, -1):
        CONSTRUCTOR.append((_layer, {"groups": _groups}, ValueError, "groups must be a positive integer"))
    CONSTRUCTOR += [
        (_layer, {"groups": 3}, ValueError, "in_channels must be divisible by groups"),
        (_layer, {"groups": 4}, ValueError, "out_channels must be divisible by groups"),
        (_layer, {"padding": -1}, ValueError, "negative padding is not supported, but got padding=(-1, -1)"),
        (_layer, {"padding": (0, -2)}, ValueError, "negative padding is not supported"),
        (_layer, {"padding": (1, 2**62)}, ValueError,
         "Given padding=4611686018427387904 at dimension 1 , expected padding to be at most 4611686018427387903"),
        (_layer, {"kernel_size": (3,)}, ValueError, f"kernel_size {PAIR} kernel_size=[3]"),
        (_layer, {"kernel_size": (3, 3, 3)}, ValueError, f"kernel_size {PAIR}"),
        (_layer, {"device": "cuda:0"}, ValueError, "'CPU', but got device='cuda:0', which is 'GPU'"),
        (_layer, {"device": "npu"}, ValueError, "'CPU', but got device='npu', which is 'Ascend'"),
        (_layer, {"device": "tpu"}, RuntimeError, "Expected one of ('cpu', 'cuda', 'gpu', 'npu', 'ascend') device"),
        (_layer, {"device": "cpu:x"}, RuntimeError, "Invalid device string: 'cpu:x'"),
        (_layer, {"device": "cpu:"}, RuntimeError, "Invalid device string: 'cpu:'"),
        (_layer, {"device": 0}, TypeError, "device must be None or a str"),
        (_layer, {"dtype": ms.int32}, RuntimeError, "Only Tensors of floating point and complex dtype can require"),
        (_layer, {"dtype": np.bool_}, RuntimeError, "Only Tensors of floating point and complex dtype can require"),
        (_layer, {"dtype": ms.complex64}, TypeError, "dtype must be one of"),
        (_layer, {"dtype": np.complex128}, TypeError, "dtype"),
        (_layer, {"dtype": "float32"}, TypeError, "argument 'dtype' must be"),
        (_layer, {"dtype": 32}, TypeError, "argument 'dtype' must be"),
    ]
    for _value in (0, -1, (3, 0)):
        CONSTRUCTOR += [
            (_layer, {"kernel_size": _value}, ValueError, "kernel size should be greater than zero, but got kernel_h"),
            (_layer, {"stride": _value}, ValueError, "non-positive stride is not supported"),
            (_layer, {"dilation": _value}, ValueError, "dilation should be greater than zero"),
        ]
    for _name in ("kernel_size", "stride", "padding", "dilation"):
        CONSTRUCTOR += [
            (_layer, {_name: 2.0}, TypeError, f"'{_name}' {INTS} float at pos 0"),
            (_layer, {_name: (2, 2.0)}, TypeError, f"'{_name}' {INTS} float at pos 1"),
            (_layer, {_name: True}, TypeError, f"'{_name}' {INTS} bool at pos 0"),
            (_layer, {_name: None}, TypeError, f"'{_name}' {INTS} NoneType at pos 0"),
            (_layer, {_name: ()}, ValueError, f"{_name} {PAIR} {_name}=[]"),
            (_layer, {_name: (2, 2, 2)}, ValueError, f"{_name} {PAIR} {_name}=[2, 2, 2]"),
            (_layer, {_name: np.array([1.0, 2.0])}, TypeError, f"'{_name}' {INTS} float64 at pos 0"),
        ]
        for _value in (2**63, (1, 10**20)):
            _error = TypeError if _name == "kernel_size" else ValueError  # the others torch notices at the call
            CONSTRUCTOR.append((_layer, {_name: _value}, _error, f"argument '{_name}': {OVERFLOW}, but got {_name}="))
        if _name != "padding":
            CONSTRUCTOR.append((_layer, {_name: "3"}, TypeError, f"'{_name}' must be tuple of ints, not str"))
    for _name in ("in_channels", "out_channels"):
        CONSTRUCTOR += [
            (_layer, {_name: 0}, ValueError, f"{_name} must be a positive integer, but got {_name}=0"),
            (_layer, {_name: -4}, ValueError, f"{_name} must be a positive integer"),
            (_layer, {_name: 10**20}, TypeError, f"argument '{_name}': {OVERFLOW}, but got {_name}=1000"),
        ]
    for _name in ("in_channels", "out_channels", "groups"):
        CONSTRUCTOR += [
            (_layer, {_name: 2.0}, TypeError, f"argument '{_name}' must be int, not float"),
            (_layer, {_name: "2"}, TypeError, f"argument '{_name}' must be int, not str"),
            (_layer, {_name: True}, TypeError, f"argument '{_name}' must be int, not bool"),
            (_layer, {_name: None}, TypeError, f"argument '{_name}' must be int, not NoneType"),
        ]

# The same, noticed at the call. layer, arguments beside (4, 6, 3), input (shape or Tensor), output_size, ...
CALL = [
    ("conv2d", {}, (2, 3, 7, 9), None, RuntimeError,
     "Given groups=1, weight of size [6, 4, 3, 3], expected input[2, 3, 7, 9] to have 4 channels, but got 3 channels "
     "instead"),
    ("conv2d", {"groups": 2}, (3, 7, 9), None, RuntimeError,
     "Given groups=2, weight of size [6, 2, 3, 3], expected input[1, 3, 7, 9] to have 4 channels"),
    ("conv_transpose2d", {}, (2, 3, 7, 9), None, RuntimeError,
     "Given transposed=1, weight of size [4, 6, 3, 3], expected input[2, 3, 7, 9] to have 4 channels, but got 3 "
     "channels instead"),
    ("conv2d", {}, (2, 0, 7, 9), None, RuntimeError, "to have 4 channels, but got 0 channels instead"),
    ("conv2d", {}, (7, 9), None, RuntimeError,
     "Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [7, 9]"),
    ("conv2d", {}, (1, 2, 4, 7, 9), None, RuntimeError, "Expected 3D (unbatched) or 4D (batched) input to conv2d"),
    ("conv_transpose2d", {}, (9,), None, RuntimeError,
     "Expected 3D (unbatched) or 4D (batched) input to conv_transpose2d, but got input of size: [9]"),
    ("conv2d", {}, (2, 4, 2, 9), None, RuntimeError,
     "Calculated padded input size per channel: (2 x 9). Kernel size: (3 x 3). Kernel size can't be greater than "
     "actual input size"),
    ("conv2d", {"dilation": (1, 4), "padding": (0, 1)}, (4, 7, 6), None, RuntimeError,
     "Calculated padded input size per channel: (7 x 8). Kernel size: (3 x 9)"),
    ("conv2d", {}, (0, 4, 2, 9), None, RuntimeError, "Kernel size can't be greater than actual input size"),
    ("conv2d", {"padding": 2}, (2, 4, 0, 9), None, RuntimeError,
     "Only zero batch or zero channel inputs are supported, but got input shape: [2, 4, 0, 9]"),
    ("conv_transpose2d", {}, (2, 4, 0, 9), None, RuntimeError,
     "Only zero batch or zero channel inputs are supported, but got input shape: [2, 4, 0, 9]"),
    ("conv2d", {"padding": (1, 9), "padding_mode": "reflect"}, (2, 4, 7, 9), None, RuntimeError,
     "Padding size should be less than the corresponding input dimension, but got: padding (9, 9) at dimension 3 of "
     "input [2, 4, 7, 9]"),
    ("conv2d", {"padding": 7, "padding_mode": "reflect"}, (4, 7, 9), None, RuntimeError,
     "but got: padding (7, 7) at dimension 1 of input [4, 7, 9]"),
    ("conv2d", {"padding": "same", "padding_mode": "reflect"}, (2, 4, 1, 9), None, RuntimeError,
     "Padding size should be less than the corresponding input dimension"),
    ("conv2d", {"padding": 7, "padding_mode": "reflect"}, (0, 4, 7, 9), None, RuntimeError,
     "Padding size should be less than the corresponding input dimension"),
    ("conv2d", {"padding": (8, 1), "padding_mode": "circular"}, (2, 4, 7, 9), None, RuntimeError,
     "Padding value causes wrapping around more than once"),
    ("conv2d", {"padding": 1, "padding_mode": "replicate"}, (2, 4, 0, 9), None, RuntimeError,
     "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but "
     "got: [2, 4, 0, 9]"),
    ("conv2d", {"padding": [2], "padding_mode": "circular"}, (2, 4, 7, 9), None, RuntimeError,
     "Padding size 2 is not supported for 4D input tensor"),
    ("conv_transpose2d", {"padding": 9}, (2, 4, 7, 9), None, RuntimeError,
     "Given input size per channel: (7 x 9). Calculated output size per channel: (-9 x -7). Output size is too small"),
    ("conv_transpose2d", {"kernel_size": 1, "padding": (0, 4)}, (2, 4, 6, 8), None, RuntimeError,
     "Calculated output size per channel: (6 x 0). Output size is too small"),
    ("conv_transpose2d", {"stride": 2, "padding": 1}, (2, 4, 7, 9), (15, 18), ValueError,
     "requested an output size of (15, 18), but valid sizes range from [13, 17] to [14, 18] (for an input of [7, 9])"),
    ("conv_transpose2d", {"stride": 2, "padding": 1}, (2, 4, 7, 9), (2, 6, 12, 17), ValueError,
     "requested an output size of (12, 17), but valid sizes range from [13, 17] to [14, 18]"),
    ("conv_transpose2d", {"stride": 2, "padding": 1}, (2, 4, 7, 9), (6, 13, 17), ValueError,
     "ConvTranspose2D: for 4D input, output_size must have 2 or 4 elements (got 3)"),
    ("conv_transpose2d", {"stride": 2, "padding": 1}, (4, 7, 9), (2, 6, 13, 17), ValueError,
     "ConvTranspose2D: for 3D input, output_size must have 2 or 3 elements (got 4)"),
    ("conv_transpose2d", {"stride": 2, "padding": 1}, (2, 4, 7, 9), (), ValueError,
     "must have 2 or 4 elements (got 0)"),
    ("conv_transpose2d", {"stride": 2, "padding": 1}, (2, 4, 7, 9), 14, TypeError,
     "argument 'output_size' must be tuple of ints, not int"),
    ("conv_transpose2d", {"stride": 2, "padding": 1}, (2, 4, 7, 9), (14.0, 18), TypeError,
     "argument 'output_size' must be int, not float"),
    ("conv_transpose2d", {"stride": 2, "padding": 1}, (2, 4, 7, 9), (True, 18), TypeError,
     "argument 'output_size' must be int, not bool"),
]
for _layer in BOTH:
    CALL += [
        (_layer, {}, Tensor(np.ones((2, 4, 7, 9)), ms.float64), None, RuntimeError,
         "Input type (double) and bias type (float) should be the same"),
        (_layer, {"bias": False}, Tensor(np.ones((2, 4, 7, 9)), ms.float64), None, RuntimeError,
         "expected scalar type Double but found Float"),
        (_layer, {"dtype": ms.float64}, Tensor(np.ones((2, 4, 7, 9)), ms.float16), None, RuntimeError,
         "Input type (c10::Half) and bias type (double) should be the same"),
        (_layer, {}, Tensor(np.ones((2, 4, 7, 9)), ms.int64), None, RuntimeError,
         "Input type (long int) and bias type (float) should be the same"),
        (_layer, {"bias": False}, Tensor(np.ones((2, 4, 7, 9)), ms.int64), None, RuntimeError,
         "expected scalar type Long but found Float"),
    ]


def tensor(*shape):
    return Tensor(np.ones(shape), ms.float32)


def _ids(rows):
    return ["-".join(f"{part}" for part in row[:-2] if part is not None)[:90].replace("\n", " ") for row in rows]


def _make(layer, arguments):
    layer_type = TorchConv2d if layer == "conv2d" else TorchConvTranspose2d
    return layer_type(**{"in_channels": 4, "out_channels": 6, "kernel_size": 3, **arguments})


@pytest.mark.parametrize(("layer", "arguments", "error", "sentence"), CONSTRUCTOR, ids=_ids(CONSTRUCTOR))
def test_constructor_refuses(layer, arguments, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)) as caught:
        _make(layer, arguments)
    assert str(caught.value).startswith("For 'TorchConv")
    assert caught.type is error


@pytest.mark.parametrize(("layer", "arguments", "input", "output_size", "error", "sentence"), CALL, ids=_ids(CALL))
def test_call_refuses(layer, arguments, input, output_size, error, sentence, mode):
    cell = _make(layer, arguments)
    if not isinstance(input, Tensor):
        input = Tensor(np.ones(input), ms.float32)
    options = {} if output_size is None else {"output_size": output_size}
    with pytest.raises(error) as caught:
        cell(input, **options).asnumpy()
    # Graph mode wraps the text.
    assert re.search(f"For 'TorchConv(Transpose)?2d', .*{re.escape(sentence)}", str(caught.value))


def test_nothing_else_than_a_tensor_is_an_input():
    for value in ([1.0], np.ones((2, 4, 7, 9), np.float32), None):
        with pytest.raises(TypeError, match="For 'TorchConv2d', input must be Tensor"):
            TorchConv2d(4, 6, 3)(value)


def test_nothing_else_than_tensors_are_weight_and_bias():
    input, weight = tensor(2, 4, 7, 9), tensor(4, 4, 3, 3)
    for function in (mscompat.functional.conv2d, mscompat.functional.conv_transpose2d):
        for value in ([1.0], np.ones((4, 4, 3, 3), np.float32), None, 1.0):
            with pytest.raises(TypeError, match="weight must be Tensor"):
                function(input, value)
        for value in ([1.0] * 4, np.ones(4, np.float32), 1.0):
            with pytest.raises(TypeError, match="bias must be Tensor"):
                function(input, weight, value)


@pytest.mark.parametrize("layer", [TorchConv2d(4, 4, 3, bias=False), TorchConvTranspose2d(4, 4, 3, bias=False)])
def test_nothing_else_than_a_tensor_is_a_bias_of_a_layer(layer):
    for value in (False, 5, np.ones(4, np.float32)):
        layer.bias = value
        with pytest.raises(TypeError, match=f"For '{type(layer).__name__}', bias must be Tensor"):
            layer(tensor(2, 4, 7, 9))


def test_numpy_groups_of_a_function():
    output = mscompat.functional.conv2d(tensor(1, 4, 5, 6), tensor(6, 2, 3, 3), groups=np.int64(2))
    assert output.shape == (1, 6, 3, 4)
    output = mscompat.functional.conv_transpose2d(tensor(1, 4, 5, 6), tensor(4, 3, 3, 3), groups=np.int32(2))
    assert output.shape == (1, 6, 7, 8)


ATTRIBUTES = [  # what torch makes of an attribute that is set on a layer (4, 6, 3): a size, or an error
    ("conv2d", {"stride": 2}, (3, 4)),
    ("conv2d", {"stride": [2, 1]}, (3, 7)),
    ("conv2d", {"padding": "same"}, (7, 9)),
    ("conv2d", {"padding": [1, 2]}, (7, 11)),
    ("conv2d", {"padding": "same", "stride": (2, 2)}, "padding='same' is not supported for strided convolutions"),
    ("conv2d", {"padding": (1, 2, 3)}, "to be a single integer value or a list of 2 values"),
    ("conv2d", {"padding": (-1, -1)}, "negative padding is not supported"),
    ("conv2d", {"padding_mode": "reflct"}, "padding_mode must be one of"),
    ("conv_transpose2d", {"stride": [2, 2], "output_padding": [1, 1]}, (16, 20)),
    ("conv_transpose2d", {"output_padding": (3, 3)}, "output padding must be smaller than either stride or dilation"),
]


@pytest.mark.parametrize(("layer", "attributes", "expected"), ATTRIBUTES, ids=lambda value: str(value)[:40])
def test_attributes_set_before_the_first_call(layer, attributes, expected, mode):
    cell, input = _make(layer, {}), tensor(2, 4, 7, 9)
    for name, value in attributes.items():
        setattr(cell, name, value)
    if isinstance(expected, tuple):
        assert cell(input).shape == (2, 6, *expected)
    else:
        with pytest.raises(RuntimeError, match=expected):
            cell(input).asnumpy()


@pytest.mark.parametrize("layer", BOTH)
def test_bytes_and_bools_are_no_sizes(layer):
    """Stricter than torch, for which b"a" is 97 and True a kernel of one pixel: the docstrings say so."""
    for name in ("kernel_size", "stride", "padding", "dilation"):
        with pytest.raises(TypeError, match=f"argument '{name}' must be tuple of ints, not bytes"):
            _make(layer, {name: b"ab"})
    with pytest.raises(TypeError, match="'kernel_size' must be tuple of ints, but found element of type bool"):
        _make(layer, {"kernel_size": True})


def test_missing_and_unknown_arguments():
    with pytest.raises(TypeError, match="kernel_size"):
        TorchConv2d(4, 6)
    with pytest.raises(TypeError, match="pad_mode"):
        TorchConv2d(4, 6, 3, pad_mode="same")


def test_failing_twice_fails_twice():
    layer = TorchConv2d(4, 6, 3)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="to have 4 channels"):
            layer(Tensor(np.ones((2, 3, 7, 9)), ms.float32))
    assert layer(Tensor(np.ones((2, 4, 7, 9)), ms.float32)).shape == (2, 6, 5, 7)


def test_name_in_errors_is_the_class():
    class Stem(TorchConv2d):
        pass

    with pytest.raises(ValueError, match="For 'Stem'"):
        Stem(4, 6, 3, groups=3)
    with pytest.raises(RuntimeError, match="For 'Stem'"):
        Stem(4, 6, 3)(Tensor(np.ones((7, 9)), ms.float32))


@pytest.mark.parametrize("device", [None, "cpu", "cpu:0"])
def test_device_of_the_current_target(device):
    assert TorchConv2d(4, 6, 3, device=device).weight.shape == (6, 4, 3, 3)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(None, ms.float32), (np.float16, ms.float16), (np.dtype("float64"), ms.float64), (float, ms.float64),
     (ms.bfloat16, ms.bfloat16)],
)
def test_dtype(dtype, expected):
    layer = TorchConvTranspose2d(4, 6, 3, dtype=dtype)
    assert layer.weight.dtype == layer.bias.dtype == expected


FUNCTIONS = [
    ("conv2d", (tensor(2, 4, 7, 9), tensor(6, 4, 3, 3)), {"stride": 10**20}, ValueError, OVERFLOW),
    ("conv2d", (tensor(2, 4, 7, 9), tensor(6, 4, 3, 3)), {"dilation": (1, 10**20)}, TypeError, OVERFLOW),
    ("conv2d", (tensor(0, 4, 7, 9), tensor(6, 4, 3, 3)), {"stride": (2**63, 1)}, TypeError, OVERFLOW),
    ("conv2d", (tensor(2, 4, 7, 9), tensor(6, 4, 3, 3)), {"groups": 10**20}, ValueError, OVERFLOW),
    ("conv2d", (tensor(2, 4, 7, 9), tensor(6, 4, 3, 3)), {"padding": 2**62}, RuntimeError,
     "Given padding=4611686018427387904 at dimension 0 , expected padding to be at most 4611686018427387903"),
    ("conv_transpose2d", (tensor(2, 4, 7, 9), tensor(4, 3, 3, 3)), {"padding": -(10**20)}, ValueError, OVERFLOW),
    ("conv_transpose2d", (tensor(2, 4, 7, 9), tensor(4, 3, 3, 3)), {"output_padding": (0, 2**63)}, TypeError, OVERFLOW),
    ("conv_transpose2d", (tensor(2, 4, 7, 9), tensor(4, 3, 3, 3)), {"dilation": 2**62}, RuntimeError,
     "Calculated output size per channel: (9223372036854775815 x 9223372036854775817). Output size is too large"),
    ("conv2d", (tensor(2, 4, 7, 9), tensor(6, 4, 3, 3)), {"groups": 0}, RuntimeError,
     "non-positive groups is not supported"),
    ("conv2d", (tensor(2, 4, 7, 9), tensor(6, 4, 3, 3)), {"groups": 2}, RuntimeError,
     "Given groups=2, weight of size [6, 4, 3, 3], expected input[2, 4, 7, 9] to have 8 channels, but got 4"),
    ("conv2d", (tensor(2, 4, 7, 9), tensor(6, 1, 3, 3)), {"groups": 4}, RuntimeError,
     "Given groups=4, expected weight to be divisible by 4 at dimension 0, but got weight of size [[6, 1, 3, 3]]"),
    ("conv2d", (tensor(2, 4, 7, 9), tensor(6, 4, 3, 3), tensor(5)), {}, RuntimeError,
     "Given weight of size [6, 4, 3, 3], expected bias to be 1-dimensional with 6 elements, but got bias of size [5]"),
    ("conv2d", (tensor(2, 4, 7, 9), tensor(4, 3, 3)), {"padding": "same"}, RuntimeError,
     "Expected 3-dimensional input for 3-dimensional weight[4, 3, 3], but got 4-dimensional input of size"),
    ("conv2d", (tensor(2, 4, 7, 9), tensor(4, 3)), {}, RuntimeError, "weight should have at least three dimensions"),
    ("conv2d", (tensor(2, 4, 7, 9).astype(ms.int64), tensor(6, 4, 3, 3).astype(ms.int64)), {}, TypeError,
     "input must be a Tensor of dtype"),
    ("conv2d", (tensor(2, 4, 7, 9), tensor(6, 4, 3, 3)), {"padding": "full"}, RuntimeError, "Invalid padding string"),
    ("conv2d", (tensor(2, 4, 7, 9), tensor(6, 4, 3, 3)), {"padding": "same", "stride": 2}, RuntimeError,
     "padding='same' is not supported for strided convolutions"),
    ("conv2d", (tensor(2, 4, 7, 9), tensor(6, 4, 3, 3)), {"stride": 1.0}, TypeError, f"'stride' {INTS} float"),
    ("conv2d", (tensor(2, 4, 7, 9), tensor(6, 4, 3, 3)), {"stride": True}, TypeError, f"'stride' {INTS} bool"),
    ("conv2d", (tensor(2, 4, 7, 9), tensor(6, 4, 3, 3)), {"padding": -1}, RuntimeError, "negative padding is not"),
    ("conv_transpose2d", (tensor(2, 4, 7, 9), tensor(4, 3, 3, 3)), {"groups": 3}, RuntimeError,
     "Given groups=3, expected weight to be divisible by 3 at dimension 0"),
    ("conv_transpose2d", (tensor(2, 4, 7, 9), tensor(3, 3, 3, 3)), {}, RuntimeError,
     "Given transposed=1, weight of size [3, 3, 3, 3], expected input[2, 4, 7, 9] to have 3 channels, but got 4"),
    ("conv_transpose2d", (tensor(2, 4, 7, 9), tensor(4, 3, 3, 3), tensor(4)), {}, RuntimeError,
     "Given transposed=1, weight of size [4, 3, 3, 3], expected bias to be 1-dimensional with 3 elements"),
    ("conv_transpose2d", (tensor(2, 4, 7, 9), tensor(4, 3, 3, 3)), {"output_padding": 1}, RuntimeError,
     "output padding must be smaller than either stride or dilation"),
    ("conv_transpose2d", (tensor(2, 4, 7, 9), tensor(4, 3, 3, 3)), {"padding": "same"}, TypeError,
     "argument 'padding' must be tuple of ints, not str"),
]


@pytest.mark.parametrize(("name", "tensors", "options", "error", "sentence"), FUNCTIONS,
                         ids=[f"{row[0]}-{row[2]}-{row[4][:30]}" for row in FUNCTIONS])
def test_function_refuses(name, tensors, options, error, sentence, mode):
    function = getattr(mscompat.functional, name)

    class Call(ms.nn.Cell):
        def construct(self, *tensors):
            return function(*tensors, **options)

    if sentence == OVERFLOW and mode == "graph":  # no graph holds such a number: MindSpore refuses it before the call
        error, sentence = RuntimeError, "Unable to cast Python instance of type <class 'int'> to C++ type 'long'"
    with pytest.raises(error, match=re.escape(sentence)):
        Call()(*tensors).asnumpy()


# Calls that torch refuses in other words, or computes: part of our sentence, and why.
OWN_WORDS = {
    "Output size is too small": "oneDNN's own error, or an empty output (differences from torch)",
    "Output size is too large": "oneDNN's own error",
    "(for an input of [7, 9])": "torch prints torch.Size([7, 9])",
    "argument 'output_size' must be": "Python's errors of len() and of subtraction",
    "input must be a Tensor of dtype": "torch convolves integers",
    "and bias type": "without oneDNN, torch names the two types alone",
    "'stride' must be tuple of ints": "torch lists its signatures",
}


def refusals_of_torch():
    """Error class and sentence that are wanted, and a call of torch."""
    layers = {"conv2d": torch.nn.Conv2d, "conv_transpose2d": torch.nn.ConvTranspose2d}
    for layer, arguments, input, output_size, error, sentence in CALL:
        if "dtype" in arguments:
            arguments = {**arguments, "dtype": torch.float64}
        cell = layers[layer](**{"in_channels": 4, "out_channels": 6, "kernel_size": 3, **arguments})
        given = torch.tensor(input.asnumpy() if isinstance(input, Tensor) else np.ones(input, np.float32))
        options = {} if output_size is None else {"output_size": output_size}
        yield error, sentence, functools.partial(cell, given, **options)
    for name, tensors, options, error, sentence in FUNCTIONS:
        given = [torch.tensor(value.asnumpy()) for value in tensors]
        yield error, sentence, functools.partial(getattr(torch.nn.functional, name), *given, **options)


@pytest.mark.skipif(torch is None, reason="compares with torch, which is not installed")
def test_class_and_sentence_are_torchs():
    same, others = 0, set()
    for error, sentence, call in refusals_of_torch():
        try:
            call()
        except (ArithmeticError, NotImplementedError, RuntimeError, TypeError, ValueError) as raised:
            if isinstance(raised, error) and sentence in str(raised):
                same += 1
                continue
        others |= {words for words in OWN_WORDS if words in sentence} or {sentence}
    assert others == set(OWN_WORDS)
    assert same >= 45
