"""Run a case on a cell: its outputs and gradients, of the batch and of its first element alone."""

from __future__ import annotations

from typing import Any

import mindspore as ms
import numpy as np
from cases import Case
from mindspore import Tensor, nn, ops
from oracle import Inputs, Results

import mscompat


def make_layer(case: Case, transposed: bool, inputs: Inputs) -> nn.Cell:
    """The layer of a case with the parameters of its inputs."""
    layer_type = mscompat.TorchConvTranspose2d if transposed else mscompat.TorchConv2d
    dtype = getattr(ms, case.dtype)
    layer = layer_type(**{**case.arguments, "dtype": dtype})
    assert layer.weight.shape == inputs.weight.shape
    layer.weight.set_data(tensor(inputs.weight, case.dtype))
    assert (layer.bias is None) == (inputs.bias is None)
    if layer.bias is not None:
        layer.bias.set_data(tensor(inputs.bias, case.dtype))
    return layer


def run_case(layer: nn.Cell, case: Case, inputs: Inputs) -> Results:
    """Outputs and gradients of the batch."""
    (output,), gradients, parameters = _run(layer, case, [inputs.input], [inputs.cotangent])
    return Results(output, gradients[0], *parameters)


def run_case_batched_and_unbatched(layer: nn.Cell, case: Case, inputs: Inputs) -> tuple[Results, Results]:
    """The same, and those of the first element without a batch dimension, from one graph.

    The gradients of the parameters are the sums over both, in both results.
    """
    both = [inputs.input, inputs.input[0]], [inputs.cotangent, inputs.cotangent[0]]
    if case.dtype != "bfloat16":
        outputs, gradients, parameters = _run(layer, case, *both)
    else:  # no operator adds the two gradients of a bfloat16 parameter on CPU (2.7 to 2.10): one graph each
        runs = [_run(layer, case, [input], [cotangent]) for input, cotangent in zip(*both, strict=True)]
        outputs, gradients = ([run[part][0] for run in runs] for part in (0, 1))
        parameters = [None if first is None else first + second
                      for first, second in zip(runs[0][2], runs[1][2], strict=True)]
    return Results(outputs[0], gradients[0], *parameters), Results(outputs[1], gradients[1], *parameters)


def _run(layer, case: Case, inputs: list[np.ndarray], cotangents: list[np.ndarray]):
    harness = _Harness(layer, None if case.output_size is None else tuple(int(size) for size in case.output_size),
                       ms.float64 if case.dtype == "float64" else ms.float32)
    gradient = ms.value_and_grad(
        harness, grad_position=tuple(range(len(inputs))), weights=layer.trainable_params(), has_aux=True
    )
    (_, *outputs), (input_gradients, parameter_gradients) = gradient(
        *(tensor(input, case.dtype) for input in inputs),
        *(tensor(cotangent, "float64" if case.dtype == "float64" else "float32") for cotangent in cotangents),
    )
    if not isinstance(input_gradients, tuple):
        input_gradients = (input_gradients,)
    for result in (*outputs, *input_gradients, *parameter_gradients):
        assert result.dtype == getattr(ms, case.dtype)
    parameters = [array(value) for value in parameter_gradients]
    return (
        [array(output) for output in outputs],
        [array(value) for value in input_gradients],
        (parameters + [None])[:2],
    )


class _Harness(nn.Cell):
    """Sums cotangent * output, so that the gradients are those of torch's output.backward(cotangent)."""

    def __init__(self, layer, output_size, sum_dtype):
        super().__init__()
        self.layer = layer
        self.output_size = output_size
        self.sum_dtype = sum_dtype

    def construct(self, *arguments):
        count = len(arguments) // 2
        total = 0.0
        outputs = ()
        for position in range(count):
            input = arguments[position]
            if self.output_size is None:
                output = self.layer(input)
            else:
                size = self.output_size
                output = self.layer(input, size if len(size) == 2 else size[-len(input.shape):])
            outputs += (output,)
            total = total + (ops.cast(output, self.sum_dtype) * arguments[count + position]).sum()
        return (total, *outputs)


def tensor(values: np.ndarray, dtype: str) -> Tensor:
    return Tensor(np.asarray(values, "float64" if dtype == "float64" else "float32"), getattr(ms, dtype))


def array(value: Any) -> np.ndarray:
    """A tensor of any float dtype as float64."""
    if value.dtype == ms.bfloat16:
        value = ops.cast(value, ms.float32)
    return value.asnumpy().astype(np.float64)
