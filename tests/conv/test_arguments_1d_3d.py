"""Bad input of one and of three dimensions: torch's class and sentence, whose numbers depend on the dimensions."""

from __future__ import annotations

import re

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from mscompat import functional, nn

try:
    import torch
except ImportError:
    torch = None

INPUT = {1: (2, 4, 7), 3: (2, 4, 5, 6, 7)}
MATCH = "values to match the convolution dimensions, but got"

# layer, arguments beside (4, 6, 3), torch's sentence (or ours, where torch has none at all)
CONSTRUCTOR = [
    ("Conv1d", {"kernel_size": (3, 3)}, f"kernel_size to be a single integer value or a list of 1 {MATCH}"),
    ("Conv1d", {"kernel_size": 0}, "kernel size should be greater than zero, but got kernel_width: 0"),
    ("Conv1d", {"stride": (1, 1)}, f"stride to be a single integer value or a list of 1 {MATCH} stride=[1, 1]"),
    ("Conv1d", {"padding": "same", "stride": 2}, "padding='same' is not supported for strided convolutions"),
    ("Conv3d", {"kernel_size": (3,)}, f"kernel_size to be a single integer value or a list of 3 {MATCH}"),
    ("Conv3d", {"kernel_size": (3, 0, 3)},
     "kernel size should be greater than zero, but got kernel_depth: 3 kernel_height: 0 kernel_width: 3"),
    ("Conv3d", {"padding": (1, 1)}, f"padding to be a single integer value or a list of 3 {MATCH} padding=[1, 1]"),
    ("Conv3d", {"dilation": (1, 1, 0)}, "non-positive dilation is not supported"),
    ("ConvTranspose1d", {"padding_mode": "reflect"}, 'Only "zeros" padding mode is supported for TorchConvTranspose1d'),
    ("ConvTranspose1d", {"output_padding": 2, "stride": 2, "dilation": 2},
     "output padding must be smaller than either stride or dilation, but got output_padding_height: 0 "
     "output_padding_width: 2 stride_height: 1 stride_width: 2 dilation_height: 1 dilation_width: 2"),
    ("ConvTranspose3d", {"output_padding": (0, 1, 2), "stride": (1, 1, 3)},
     "output padding must be smaller than either stride or dilation, but got output_padding_depth: 0 "
     "output_padding_height: 1 output_padding_width: 2 stride_depth: 1 stride_height: 1 stride_width: 3 "
     "dilation_depth: 1 dilation_height: 1 dilation_width: 1"),
]

# layer, arguments beside (4, 6, 3), shape of the input, output_size, class, torch's sentence
CALL = [
    ("Conv1d", {}, (2, 3, 7), None, RuntimeError,
     "Given groups=1, weight of size [6, 4, 3], expected input[2, 3, 7] to have 4 channels, but got 3 channels "
     "instead"),
    ("Conv1d", {}, (3, 7), None, RuntimeError, "expected input[1, 3, 7] to have 4 channels, but got 3 channels"),
    ("Conv1d", {}, (7,), None, RuntimeError,
     "Expected 2D (unbatched) or 3D (batched) input to conv1d, but got input of size: [7]"),
    ("Conv1d", {}, (1, 2, 4, 7), None, RuntimeError, "Expected 2D (unbatched) or 3D (batched) input to conv1d"),
    ("Conv1d", {}, (2, 4, 2), None, RuntimeError,
     "Calculated padded input size per channel: (2). Kernel size: (3). Kernel size can't be greater than actual input "
     "size"),
    ("Conv1d", {"padding": 2}, (2, 4, 0), None, RuntimeError,
     "Only zero batch or zero channel inputs are supported, but got input shape: [2, 4, 1, 0]"),
    ("Conv1d", {"padding": 7, "padding_mode": "reflect"}, (2, 4, 7), None, RuntimeError,
     "Argument #4: Padding size should be less than the corresponding input dimension, but got: padding (7, 7) at "
     "dimension 2 of input [2, 4, 7]"),
    ("Conv1d", {"padding": 1, "padding_mode": "replicate"}, (4, 0), None, RuntimeError,
     "Expected 2D or 3D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but "
     "got: [4, 0]"),
    ("Conv1d", {"padding": 8, "padding_mode": "circular"}, (2, 4, 7), None, RuntimeError,
     "Padding value causes wrapping around more than once"),
    ("ConvTranspose1d", {}, (2, 3, 7), None, RuntimeError,
     "Given transposed=1, weight of size [4, 6, 3], expected input[2, 3, 7] to have 4 channels, but got 3 channels"),
    ("ConvTranspose1d", {}, (2, 4, 0), None, RuntimeError,
     "Only zero batch or zero channel inputs are supported, but got input shape: [2, 4, 1, 0]"),
    ("ConvTranspose1d", {"padding": 5, "dtype": "float64"}, (2, 4, 7), None, RuntimeError,
     "Given input size per channel: (1 x 7). Calculated output size per channel: (1 x -1). Output size is too small"),
    ("ConvTranspose1d", {"stride": 2}, (2, 4, 7), (17,), ValueError,
     "requested an output size of (17,), but valid sizes range from [15] to [16]"),
    ("ConvTranspose1d", {"stride": 2}, (2, 4, 7), (6, 15), ValueError,
     "ConvTranspose1D: for 3D input, output_size must have 1 or 3 elements (got 2)"),
    ("Conv3d", {"groups": 2}, (3, 5, 6, 7), None, RuntimeError,
     "Given groups=2, weight of size [6, 2, 3, 3, 3], expected input[1, 3, 5, 6, 7] to have 4 channels"),
    ("Conv3d", {}, (5, 6, 7), None, RuntimeError,
     "Expected 4D (unbatched) or 5D (batched) input to conv3d, but got input of size: [5, 6, 7]"),
    ("Conv3d", {"dilation": (1, 4, 1)}, (2, 4, 5, 6, 7), None, RuntimeError,
     "Calculated padded input size per channel: (5 x 6 x 7). Kernel size: (3 x 9 x 3). Kernel size can't be greater"),
    ("Conv3d", {"padding": 2}, (2, 4, 5, 0, 7), None, RuntimeError,
     "Only zero batch or zero channel inputs are supported, but got input shape: [2, 4, 5, 0, 7]"),
    ("Conv3d", {"padding": (6, 1, 1), "padding_mode": "reflect"}, (2, 4, 5, 6, 7), None, RuntimeError,
     "Argument #8: Padding size should be less than the corresponding input dimension, but got: padding (6, 6) at "
     "dimension 2 of input [2, 4, 5, 6, 7]"),
    ("Conv3d", {"padding": 1, "padding_mode": "reflect"}, (4, 5, 0, 7), None, RuntimeError,
     "Expected 4D or 5D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but "
     "got: [4, 5, 0, 7]"),
    ("Conv3d", {"padding": [2], "padding_mode": "circular"}, (2, 4, 5, 6, 7), None, RuntimeError,
     "Padding size 2 is not supported for 5D input tensor"),
    ("Conv3d", {"padding": [2], "padding_mode": "replicate"}, (4, 5, 6, 7), None, RuntimeError,
     "Padding size 2 is not supported for 4D input tensor"),
    ("ConvTranspose3d", {}, (2, 4, 5, 0, 7), None, RuntimeError,
     "Only zero batch or zero channel inputs are supported, but got input shape: [2, 4, 5, 0, 7]"),
    ("ConvTranspose3d", {"padding": (0, 4, 0), "dtype": "float64"}, (2, 4, 5, 6, 7), None, RuntimeError,
     "Given input size per channel: (5 x 6 x 7). Calculated output size per channel: (7 x 0 x 9). Output size is too "
     "small"),
    ("ConvTranspose3d", {"stride": 2}, (2, 4, 5, 6, 7), (11, 13, 17), ValueError,
     "requested an output size of (11, 13, 17), but valid sizes range from [11, 13, 15] to [12, 14, 16]"),
    ("ConvTranspose3d", {"stride": 2}, (4, 5, 6, 7), (1, 6, 11, 13, 15), ValueError,
     "ConvTranspose3D: for 4D input, output_size must have 3 or 4 elements (got 5)"),
]

# function, shapes of input, weight (and bias), options, torch's sentence
FUNCTIONS = [
    ("conv1d", [(2, 4, 7), (6, 4, 3), (5,)], {},
     "Given weight of size [6, 4, 3], expected bias to be 1-dimensional with 6 elements"),
    ("conv1d", [(2, 4, 7), (6, 4, 3)], {"stride": 0}, "non-positive stride is not supported"),
    ("conv1d", [(2, 4, 7), (6, 4, 3)], {"padding": (1, 1)},
     f"padding to be a single integer value or a list of 1 {MATCH}"),
    ("conv3d", [(2, 4, 5, 6, 7), (6, 4, 3, 3, 3)], {"groups": 4},
     "Given groups=4, expected weight to be divisible by 4 at dimension 0, but got weight of size [[6, 4, 3, 3, 3]]"),
    ("conv3d", [(2, 4, 5, 6, 7), (6, 4, 3, 3, 3)], {"padding": -1}, "negative padding is not supported"),
    ("conv_transpose1d", [(2, 4, 7), (4, 6, 3), (5,)], {},
     "Given transposed=1, weight of size [4, 6, 3], expected bias to be 1-dimensional with 6 elements"),
    ("conv_transpose1d", [(2, 4, 7), (4, 6, 3)], {"output_padding": 1},
     "output padding must be smaller than either stride or dilation, but got output_padding_height: 0 "
     "output_padding_width: 1"),
    ("conv_transpose3d", [(2, 4, 5, 6, 7), (4, 6, 3, 3, 3)], {"output_padding": (0, 0)},
     f"output_padding to be a single integer value or a list of 3 {MATCH}"),
]


def names(rows):
    return [f"{row[0]}-{row[-1][:60]}" for row in rows]


def make(layer, arguments):
    if "dtype" in arguments:
        arguments = {**arguments, "dtype": getattr(ms, arguments["dtype"])}
    return getattr(nn, layer)(**{"in_channels": 4, "out_channels": 6, "kernel_size": 3, **arguments})


def ones(shape, dtype="float32"):
    return Tensor(np.ones(shape), getattr(ms, dtype))


@pytest.mark.parametrize(("layer", "arguments", "sentence"), CONSTRUCTOR, ids=names(CONSTRUCTOR))
def test_constructor_refuses(layer, arguments, sentence):
    with pytest.raises(ValueError, match=f"For 'Torch{layer}', .*{re.escape(sentence)}"):
        make(layer, arguments)


@pytest.mark.parametrize(("layer", "arguments", "shape", "output_size", "error", "sentence"), CALL, ids=names(CALL))
def test_call_refuses(layer, arguments, shape, output_size, error, sentence, mode):
    cell = make(layer, arguments)
    options = {} if output_size is None else {"output_size": output_size}
    with pytest.raises(error, match=f"For 'Torch{layer}', .*{re.escape(sentence)}"):
        cell(ones(shape, arguments.get("dtype", "float32")), **options).asnumpy()


@pytest.mark.parametrize(("name", "shapes", "options", "sentence"), FUNCTIONS, ids=names(FUNCTIONS))
def test_function_refuses(name, shapes, options, sentence, mode):
    function = getattr(functional, name)

    class Call(ms.nn.Cell):
        def construct(self, *tensors):
            return function(*tensors, **options)

    with pytest.raises(RuntimeError, match=f"For '{name}', .*{re.escape(sentence)}"):
        Call()(*map(ones, shapes)).asnumpy()


# Where torch's constructor says nothing and its call has another sentence: part of ours, and why.
OWN_WORDS = {
    "kernel_size to be a single": "torch says so of the stride, or of the weight's rank",
    "kernel size should be": "oneDNN's own error",
}


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.skipif(torch is None, reason="compares with torch, which is not installed")
def test_class_and_sentence_are_torchs():
    """What torch raises in the constructor, or else when its layer is called."""
    others = set()

    def compare(error, sentence, call):
        with pytest.raises((RuntimeError, NotImplementedError, ValueError)) as caught:
            call()
        if not (isinstance(caught.value, error) and sentence.replace("TorchConv", "Conv") in str(caught.value)):
            others.update({words for words in OWN_WORDS if words in sentence} or {f"{sentence} / {caught.value}"})

    def make_of_torch(layer, arguments):
        if "dtype" in arguments:
            arguments = {**arguments, "dtype": getattr(torch, arguments["dtype"])}
        return getattr(torch.nn, layer)(**{"in_channels": 4, "out_channels": 6, "kernel_size": 3, **arguments})

    for layer, arguments, sentence in CONSTRUCTOR:
        dimensions = int(layer[-2])
        compare((ValueError, RuntimeError), sentence,
                lambda: make_of_torch(layer, arguments)(torch.ones(INPUT[dimensions])))  # noqa: B023
    for layer, arguments, shape, output_size, error, sentence in CALL:
        options = {} if output_size is None else {"output_size": output_size}
        input = torch.ones(shape, dtype=getattr(torch, arguments.get("dtype", "float32")))
        compare(error, sentence, lambda: make_of_torch(layer, arguments)(input, **options))  # noqa: B023
    for name, shapes, options, sentence in FUNCTIONS:
        compare(RuntimeError, sentence,
                lambda: getattr(torch.nn.functional, name)(*map(torch.ones, shapes), **options))  # noqa: B023
    assert others == set(OWN_WORDS)
