"""mscompat's layers or MindSpore's own, in Graph or PyNative mode, and whole networks of them."""

from __future__ import annotations

import ctypes
import functools
import importlib
import pathlib
import types
from collections.abc import Callable
from typing import Any

import mindspore as ms
import native_networks
import numpy as np
import worker
from mindspore import Parameter, ParameterTuple, Tensor, nn, ops
from workload import Arrays, Case


class Contender:
    """Makes the calls to time."""

    def __init__(self, library: str, mode: str, pretend_avx512: bool) -> None:
        self.graph = mode == "graph"
        ms.set_context(mode=ms.GRAPH_MODE if self.graph else ms.PYNATIVE_MODE)
        if mode == "blocking":
            ms.runtime.launch_blocking()
        self.environment = {"mindspore": ms.__version__, "oneDNN": _onednn_version()}
        self.layers: Any
        if library == "native":
            native_networks.stand_in()
            self.layers = types.SimpleNamespace(
                **{name: functools.partial(_native, layer) for name, layer in NATIVE.items()}, **NATIVE_CELLS
            )
        else:
            mscompat = importlib.import_module("mscompat")
            self.environment["mscompat"] = mscompat.__version__
            mscompat.launch_blocking()
            self.layers = mscompat.nn
        if pretend_avx512:
            pretender = importlib.import_module("pretend_avx512")
            if library == "mscompat":
                pretender.cap()
            if not pretender.pretend():
                raise RuntimeError("oneDNN's record of the processor was not found: it cannot be told of AVX-512")

    def layer(self, case: Case, arrays: Arrays, backward: bool) -> Callable[[], tuple]:
        layer = getattr(self.layers, case.layer)(**case.arguments)
        input, cotangent = Tensor(arrays.input), Tensor(arrays.cotangent)
        # MindSpore's own layers of one dimension keep their weight as one of images of one row.
        layer.weight.set_data(Tensor(arrays.weight.reshape(layer.weight.shape)))
        if arrays.bias is not None:
            layer.bias.set_data(Tensor(arrays.bias))
        if not backward:
            self._compile(layer, input)
            return lambda: (layer(input),)
        gradients = _Gradients(layer)
        self._compile(gradients, input, cotangent)

        def call():
            output, (input_gradients, parameter_gradients) = gradients(input, cotangent)
            return output, *input_gradients, *parameter_gradients

        return call

    def operators(
        self, case: Case, arrays: Arrays, backward: bool, pad: Callable[[Tensor], Tensor] | None = None
    ) -> Callable[[], tuple]:
        """The least that a layer can cost: its two operators."""
        arguments = case.arguments
        convolve = ops.Conv2D(
            arguments["out_channels"], arguments["kernel_size"], pad_mode="pad", pad=arguments["padding"]
        )
        add = ops.BiasAdd()
        input, weight, bias = Tensor(arrays.input), Parameter(Tensor(arrays.weight)), Parameter(Tensor(arrays.bias))
        if pad is not None:
            return lambda: (add(convolve(pad(input), weight), bias),)
        return lambda: (add(convolve(input, weight), bias),)

    def functional(self, case: Case, arrays: Arrays, backward: bool) -> Callable[[], tuple]:
        """The layer as a function."""
        conv2d, arguments = importlib.import_module("mscompat.functional").conv2d, case.arguments
        input, weight, bias = Tensor(arrays.input), Parameter(Tensor(arrays.weight)), Parameter(Tensor(arrays.bias))
        return lambda: (conv2d(input, weight, bias, arguments["stride"], arguments["padding"]),)

    def padded_layer(self, case: Case, arrays: Arrays, backward: bool) -> Callable[[], tuple]:
        """A layer with a padding mode."""
        return self.layer(case, arrays, backward)

    def padded_operators(self, case: Case, arrays: Arrays, backward: bool) -> Callable[[], tuple]:
        """The least that it can cost: the cell that pads, and the operators."""
        padding, pads = importlib.import_module("mscompat._conv.algorithms.padding"), (case.arguments["padding"],) * 2
        pad = padding.pad_operator(case.arguments["padding_mode"], tuple(case.input[2:]), (pads, pads))
        return self.operators(case._replace(arguments={**case.arguments, "padding": 0}), arrays, backward, pad)

    def cell(self, case: Case, input: np.ndarray, train: bool) -> Callable[[], tuple]:
        """A cell that is called as it is, or trained."""
        cell = getattr(self.layers, case.arguments["name"])(*case.arguments["args"])
        for parameter in sorted(cell.trainable_params(), key=_is_bias):
            parameter.set_data(Tensor(worker.parameter(parameter.shape)))
        cell.set_train(train)
        tensor = Tensor(input)
        if not train:
            self._compile(cell, tensor)
            return lambda: (cell(tensor),)
        gradients, gradient = _Gradients(cell), Tensor(worker.cotangent(cell(tensor).shape))
        self._compile(gradients, tensor, gradient)

        def call():
            output, gradients_of = gradients(tensor, gradient)
            return output, *_flat(gradients_of)

        return call

    def network(self, case: Case, input: np.ndarray, train: bool) -> Callable[[], tuple]:
        """A network of examples/models, and its training by SGD: the square of its outputs is the loss."""
        module, name = case.arguments["path"].split(".")
        network: nn.Cell = worker.make_network(getattr(importlib.import_module(f"models.{module}"), name), case)
        for index, parameter in enumerate(network.trainable_params()):
            parameter.set_data(Tensor(worker.network_parameter(index, parameter.shape)))
        if train:
            network = nn.TrainOneStepCell(_Loss(network), nn.SGD(network.trainable_params(), 1e-3))
        network.set_train(train)
        tensor = Tensor(input)
        self._compile(network, tensor)
        return lambda: tuple(_flat(network(tensor)))

    @staticmethod
    def wait_for(results: tuple[Tensor, ...]) -> None:
        """Wait until all is computed. (ms.runtime.synchronize says that it does not support CPU.)"""
        for result in results:
            result.asnumpy()

    @staticmethod
    def array(tensor: Tensor) -> np.ndarray:
        return tensor.asnumpy()

    def _compile(self, cell: nn.Cell, *arguments: Tensor) -> None:
        if self.graph:
            cell.compile(*arguments)


class _Gradients(nn.Cell):
    """The output, so that no graph leaves it out, and the gradients of the input, and of weight and bias."""

    def __init__(self, layer: nn.Cell) -> None:
        super().__init__()
        self.layer = layer
        parameters = layer.trainable_params()
        self.parameters = ParameterTuple(sorted(parameters, key=_is_bias))
        self.has_parameters = len(parameters) > 0

    def construct(self, input, cotangent):
        if self.has_parameters:
            output, gradients = ms.vjp(self.layer, input, weights=self.parameters)
        else:
            output, gradients = ms.vjp(self.layer, input)
        return output, gradients(cotangent)


class _Loss(nn.Cell):
    """The sum of the means of a network's squared outputs."""

    def __init__(self, network: nn.Cell) -> None:
        super().__init__()
        self.network = network

    def construct(self, input):
        outputs = self.network(input)
        if not isinstance(outputs, tuple):
            return (outputs * outputs).mean()
        total = 0.0
        for output in outputs:
            total = total + (output * output).mean()
        return total


def _is_bias(parameter):
    return parameter.name.endswith(("bias", "beta"))


def _flat(values):
    """What is in tuples in tuples."""
    return [one for value in values for one in _flat(value)] if isinstance(values, tuple) else [values]


class _Padded(nn.Cell):
    """A padding mode in front of MindSpore's own convolution. nn.Pad knows reflection only."""

    def __init__(self, convolution: nn.Cell, padding: int, mode: str) -> None:
        super().__init__()
        self.convolution = convolution
        self.weight, self.bias = convolution.weight, convolution.bias
        self.mode = mode
        self.pads = (padding,) * 4
        self.reflect = nn.Pad(((0, 0), (0, 0), (padding, padding), (padding, padding)), "REFLECT")

    def construct(self, input):
        padded = self.reflect(input) if self.mode == "reflect" else ops.pad(input, self.pads, mode=self.mode)
        return self.convolution(padded)


# MindSpore's own layers, by torch's names.
NATIVE = {
    "Conv1d": nn.Conv1d, "Conv2d": nn.Conv2d, "Conv3d": nn.Conv3d, "ConvTranspose1d": nn.Conv1dTranspose,
    "ConvTranspose2d": nn.Conv2dTranspose, "ConvTranspose3d": nn.Conv3dTranspose,
}
# And its other cells, with the arguments that make them compute the same.
NATIVE_CELLS = {
    "BatchNorm2d": nn.BatchNorm2d, "GroupNorm": nn.GroupNorm, "ReLU": nn.ReLU, "ReLU6": nn.ReLU6,
    "LeakyReLU": nn.LeakyReLU, "PReLU": nn.PReLU, "SiLU": nn.SiLU, "Hardswish": nn.HSwish, "Sigmoid": nn.Sigmoid,
    "Softmax": nn.Softmax, "AdaptiveAvgPool2d": nn.AdaptiveAvgPool2d, "ReflectionPad2d": nn.ReflectionPad2d,
    "PixelShuffle": nn.PixelShuffle, "Linear": nn.Dense,
    "LayerNorm": lambda size: nn.LayerNorm((size,), epsilon=1e-5),
    "GELU": lambda: nn.GELU(approximate=False),
    "MaxPool2d": lambda size, stride=None, pad=0: nn.MaxPool2d(size, stride or size, "pad", pad),
    "AvgPool2d": lambda size: nn.AvgPool2d(size, size),
    "UpsamplingNearest2d": lambda _, scale: nn.Upsample(None, float(scale), recompute_scale_factor=True),
    "UpsamplingBilinear2d": lambda _, scale: nn.Upsample(
        None, float(scale), "bilinear", align_corners=True, recompute_scale_factor=True
    ),
    "Dropout": lambda p: nn.Dropout(p=p),
}


def _native(
    layer: type[nn.Cell], in_channels, out_channels, kernel_size, stride=1, padding=0, groups=1, bias=True,
    padding_mode="zeros", **others,
) -> nn.Cell:
    """One of MindSpore's own layers, with torch's arguments. Those that have the same name in both go through."""
    zeros = padding if padding_mode == "zeros" else 0
    if isinstance(zeros, tuple):  # of the axes: MindSpore wants both ends of each
        zeros = tuple(pad for pad in zeros for _ in range(2))
    convolution = layer(
        in_channels, out_channels, kernel_size, stride, "pad", zeros, group=groups, has_bias=bias, **others
    )
    return convolution if padding_mode == "zeros" else _Padded(convolution, padding, padding_mode)


def _onednn_version() -> str:
    """Of the oneDNN that MindSpore brings along, such as '3.10.0'; '' where it has none."""
    for path in (pathlib.Path(ms.__file__).parent / "lib").glob("libdnnl.*"):
        version_of = ctypes.CDLL(str(path)).dnnl_version
        version_of.restype = ctypes.POINTER(ctypes.c_int * 3)
        return ".".join(map(str, version_of().contents))
    return ""
