"""mscompat's layers or MindSpore's own, in Graph or PyNative mode, and ResNet-18 of them."""

from __future__ import annotations

import ctypes
import functools
import importlib
import pathlib
import sys
import types
from collections.abc import Callable
from typing import Any

import mindspore as ms
import numpy as np
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
        if library == "native":
            # examples/models takes its layers from mscompat.nn: it gets MindSpore's own, and mscompat stays out.
            layers: Any = types.ModuleType("mscompat.nn")
            for name, layer in NATIVE.items():
                setattr(layers, name, functools.partial(_native, layer))
            sys.modules["mscompat.nn"] = layers
            sys.modules["mscompat"] = types.ModuleType("mscompat")
        else:
            mscompat = importlib.import_module("mscompat")
            self.environment["mscompat"] = mscompat.__version__
            mscompat.launch_blocking()
        self.layers = importlib.import_module("mscompat.nn")
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

    def resnet18(self, images: np.ndarray, labels: np.ndarray, train: bool) -> Callable[[], tuple]:
        network = importlib.import_module("models.resnet").ResNet18()
        arguments = [Tensor(images)]
        if train:
            optimizer = nn.SGD(network.trainable_params(), 1e-3)
            network = nn.TrainOneStepCell(nn.WithLossCell(network, nn.CrossEntropyLoss()), optimizer)
            arguments.append(Tensor(labels))
        network.set_train(train)
        self._compile(network, *arguments)
        return lambda: (network(*arguments),)

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
    """The output, so that no graph leaves it out, and the gradients of input, weight and, where there is one, bias."""

    def __init__(self, layer: nn.Cell) -> None:
        super().__init__()
        self.layer = layer
        self.parameters = ParameterTuple([one for one in (layer.weight, layer.bias) if one is not None])

    def construct(self, input, cotangent):
        output, gradients = ms.vjp(self.layer, input, weights=self.parameters)
        return output, gradients(cotangent)


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
