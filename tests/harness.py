"""Run a case on a cell and compare outputs and gradients with the oracle."""

from __future__ import annotations

from typing import Any

import mindspore as ms
import numpy as np
import oracle
from cases import Case, layer_name
from mindspore import Tensor, nn, ops
from oracle import Inputs, Results, assert_close

import mscompat


def make_layer(case: Case, transposed: bool, inputs: Inputs) -> nn.Cell:
    """The layer of a case with the parameters of its inputs."""
    dtype = getattr(ms, case.dtype)
    layer = getattr(mscompat.nn, layer_name(case.dimensions, transposed))(**{**case.arguments, "dtype": dtype})
    assert layer.weight.shape == inputs.weight.shape
    layer.weight.set_data(tensor(inputs.weight, case.dtype))
    assert (layer.bias is None) == (inputs.bias is None)
    if layer.bias is not None:
        layer.bias.set_data(tensor(inputs.bias, case.dtype))
    return layer


def check_case(case: Case, transposed: bool) -> None:
    """Values and gradients of a case: of the batch, and of its first element without a batch dimension."""
    inputs = oracle.make_inputs(case, transposed)
    layer = make_layer(case, transposed, inputs)
    calls = [(inputs.input, inputs.cotangent)]
    if case.batch > 0:
        calls.append((inputs.input[0], inputs.cotangent[0]))
    # One graph for both calls; but in a graph, no operator adds the gradients of a bfloat16 parameter (2.7 to 2.10).
    runs = [_run(layer, case, [call]) for call in calls] if case.dtype == "bfloat16" else [_run(layer, case, calls)]
    outputs, input_gradients = ([array for run in runs for array in run[part]] for part in (0, 1))
    parameter_gradients = [sum(arrays) for arrays in zip(*(run[2] for run in runs), strict=True)]

    wanted, scale = _expected(case, transposed, inputs)
    if case.batch > 0:
        first = inputs._replace(input=inputs.input[:1], cotangent=inputs.cotangent[:1])
        wanted_first, scale_first = _expected(case, transposed, first)
        for name, actual, at in (("output", outputs[1], 0), ("input gradient", input_gradients[1], 1)):
            assert_close(actual, wanted_first[at][0], scale_first[at][0], case.dtype, f"{case}: unbatched {name}")
        wanted = Results(*wanted[:2], *map(_sum, wanted[2:], wanted_first[2:]))
        scale = Results(*scale[:2], *map(_sum, scale[2:], scale_first[2:]))
    actual = Results(outputs[0], input_gradients[0], *[*parameter_gradients, None][:2])
    for name, one, other, unit in zip(Results._fields, actual, wanted, scale, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            assert_close(one, other, unit, case.dtype, f"{case}: {name}")


def _expected(case: Case, transposed: bool, inputs: Inputs) -> tuple[Results, Results]:
    return oracle.expected(case, transposed, inputs), oracle.scales(case, transposed, inputs)


def _sum(first, second):
    return None if first is None else first + second


def _run(layer, case: Case, calls: list[tuple[np.ndarray, np.ndarray]]):
    """Outputs and input gradients of each (input, cotangent), and the sums of the parameters' gradients."""
    sum_dtype = "float64" if case.dtype == "float64" else "float32"
    harness = _Harness(
        layer, case.dimensions, None if case.output_size is None else tuple(int(size) for size in case.output_size),
        getattr(ms, sum_dtype),
    )
    gradient = ms.value_and_grad(
        harness, grad_position=tuple(range(len(calls))), weights=layer.trainable_params(), has_aux=True
    )
    (_, *outputs), (input_gradients, parameter_gradients) = gradient(
        *(_input(case, input) for input, _ in calls), *(tensor(cotangent, sum_dtype) for _, cotangent in calls)
    )
    if not isinstance(input_gradients, tuple):
        input_gradients = (input_gradients,)
    for result in (*outputs, *input_gradients, *parameter_gradients):
        assert result.dtype == getattr(ms, case.dtype)
    return tuple([array(value) for value in values] for values in (outputs, input_gradients, parameter_gradients))


def _input(case: Case, values: np.ndarray) -> Tensor:
    if case.contiguous:
        return tensor(values, case.dtype)
    channels = values.ndim - case.dimensions - 1
    channels_last = tensor(np.moveaxis(values, channels, -1), case.dtype)
    return ops.transpose(channels_last, (*range(channels), values.ndim - 1, *range(channels, values.ndim - 1)))


class _Harness(nn.Cell):
    """Sums cotangent * output, so that the gradients are those of torch's output.backward(cotangent)."""

    def __init__(self, layer, dimensions, output_size, sum_dtype):
        super().__init__()
        self.layer = layer
        self.dimensions = dimensions
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
                output = self.layer(input, size if len(size) == self.dimensions else size[-len(input.shape):])
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
