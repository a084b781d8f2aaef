"""What a layer must give: values and gradients of a case in float64.

torch says so where it is installed. Without it, a naive reference in NumPy does, which the parity tests hold against
torch; it shares no arithmetic with the package.
"""

from __future__ import annotations

import math
import zlib
from typing import Any

import numpy as np
from cases import Case, expand, layer_name

from mscompat.check.golden import TOLERANCES, Inputs, Results

try:
    import torch
except ImportError:
    torch = None


def assert_close(actual: Any, expected: np.ndarray, scale: np.ndarray, dtype: str, what: str = "") -> None:
    """Same shape, and within the tolerance of the dtype."""
    actual = np.asarray(actual, np.float64)
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, expected {expected.shape}"
    if expected.size:
        error = (np.abs(actual - expected) / np.maximum(scale, 1e-300)).max()
        assert error <= TOLERANCES[dtype], f"{what}: relative error {error:.2e} above {TOLERANCES[dtype]:.0e}"


def make_inputs(case: Case, transposed: bool) -> Inputs:
    """Random numbers that depend on the case's name alone."""
    random = np.random.RandomState(zlib.crc32(case.name.encode()))
    arguments = case.arguments
    kernel = expand(arguments["kernel_size"], case.dimensions)
    channels = int(arguments["in_channels"]), int(arguments["out_channels"])
    groups = int(arguments.get("groups", 1))
    first, second = channels if transposed else channels[::-1]
    weight_shape = (first, second // groups, *kernel)

    def draw(*shape):
        return round_to(random.standard_normal(shape), case.dtype)

    input, weight = draw(case.batch, *case.input_shape), draw(*weight_shape)
    bias = draw(channels[1]) if arguments.get("bias", True) else None
    empty = reference(case, transposed, Inputs(input, weight, bias, np.zeros(())), gradients=False)
    return Inputs(input, weight, bias, draw(*empty.output.shape))


def round_to(values: np.ndarray, dtype: str) -> np.ndarray:
    """float64 numbers that the dtype holds exactly."""
    if dtype == "bfloat16":
        bits = np.asarray(values, np.float32).view(np.uint32)
        return (bits & np.uint32(0xFFFF0000)).view(np.float32).astype(np.float64)
    return np.asarray(values).astype(dtype).astype(np.float64)


def expected(case: Case, transposed: bool, inputs: Inputs) -> Results:
    """torch's results in float64; the reference's where torch is not installed."""
    return (reference if torch is None else torch_results)(case, transposed, inputs)


def scales(case: Case, transposed: bool, inputs: Inputs) -> Results:
    """For each result, the sum of the absolute values of its terms."""
    return reference(case, transposed, Inputs(*(None if array is None else np.abs(array) for array in inputs)))


def torch_results(case: Case, transposed: bool, inputs: Inputs) -> Results:
    """Values and gradients by torch, in float64."""
    layer_type = getattr(torch.nn, layer_name(case.dimensions, transposed))
    layer = layer_type(**{**case.arguments, "dtype": torch.float64})
    layer.weight.data = torch.tensor(inputs.weight)
    if inputs.bias is not None:
        layer.bias.data = torch.tensor(inputs.bias)
    input = torch.tensor(inputs.input, requires_grad=True)
    options = {} if case.output_size is None else {"output_size": case.output_size}
    output = layer(input, **options)
    output.backward(torch.tensor(inputs.cotangent))
    return Results(
        output.detach().numpy(), input.grad.numpy(), layer.weight.grad.numpy(),
        None if inputs.bias is None else layer.bias.grad.numpy(),
    )


def reference(case: Case, transposed: bool, inputs: Inputs, gradients: bool = True) -> Results:
    """Values and gradients by the definition, one kernel element at a time."""
    arguments, axes = case.arguments, range(case.dimensions)

    def of_each_axis(name: str, default: int) -> tuple[int, ...]:
        return expand(arguments.get(name, default), case.dimensions)

    steps = of_each_axis("stride", 1), of_each_axis("dilation", 1), int(arguments.get("groups", 1))
    if not transposed:
        source = _source_index(case, inputs.input.shape[2:])
        padded = _take(inputs.input, source)
        size = tuple(
            (padded.shape[2 + axis] - steps[1][axis] * (inputs.weight.shape[2 + axis] - 1) - 1) // steps[0][axis] + 1
            for axis in axes
        )
        output = _correlate(padded, inputs.weight, size, *steps)
    else:
        padding, extra = of_each_axis("padding", 0), of_each_axis("output_padding", 0)
        least = [
            (inputs.input.shape[2 + axis] - 1) * steps[0][axis] - 2 * padding[axis]
            + steps[1][axis] * (inputs.weight.shape[2 + axis] - 1) + 1
            for axis in axes
        ]
        size = tuple(np.add(least, extra)) if case.output_size is None else tuple(case.output_size)[-len(least):]
        window = (..., *(slice(pad, pad + rows) for pad, rows in zip(padding, size, strict=True)))
        full_size = tuple(rows + 2 * pad for pad, rows in zip(padding, size, strict=True))
        output = _scatter(inputs.input, inputs.weight, full_size, *steps)[window]
    if inputs.bias is not None:
        output = output + inputs.bias.reshape(-1, *(1,) * case.dimensions)
    if not gradients:
        return Results(output, np.zeros(()), np.zeros(()), None)

    bias_gradient = None if inputs.bias is None else np.moveaxis(inputs.cotangent, 1, 0).reshape(
        inputs.bias.size, math.prod(inputs.cotangent.shape) // inputs.bias.size).sum(1)
    if not transposed:
        weight_gradient = _correlate_weight(padded, inputs.cotangent, inputs.weight.shape, *steps)
        padded_gradient = _scatter(inputs.cotangent, inputs.weight, padded.shape[2:], *steps)
        return Results(output, _take_adjoint(padded_gradient, source, inputs.input.shape), weight_gradient,
                       bias_gradient)
    full = np.zeros((*inputs.cotangent.shape[:2], *full_size))
    full[window] = inputs.cotangent
    return Results(
        output,
        _correlate(full, inputs.weight, inputs.input.shape[2:], *steps),
        _correlate_weight(full, inputs.input, inputs.weight.shape, *steps),
        bias_gradient,
    )


def _windows(image, kernel, size, stride, dilation):
    """For each kernel element, the part of the image that it meets."""
    for element in np.ndindex(*kernel):
        begins = np.multiply(element, dilation)
        ends = begins + np.multiply(np.subtract(size, 1), stride) + 1
        yield element, image[(..., *map(slice, begins, ends, stride))]


def _group(array, groups, axis):
    return array.reshape(*array.shape[:axis], groups, array.shape[axis] // groups, *array.shape[axis + 1:])


def _correlate(image, weight, size, stride, dilation, groups):
    """Convolution as torch means it. weight: (out, in / groups, *kernel)."""
    output = np.zeros((image.shape[0], groups, weight.shape[0] // groups, *size))
    grouped = _group(weight, groups, 0)
    for element, part in _windows(image, weight.shape[2:], size, stride, dilation):
        output += np.einsum("ngi...,goi->ngo...", _group(part, groups, 1), grouped[(..., *element)])
    return output.reshape(image.shape[0], weight.shape[0], *size)


def _scatter(output, weight, size, stride, dilation, groups):
    """The adjoint of _correlate in its image."""
    # Where the image ends before the kernel's reach, let it go beyond and cut that off.
    reach = np.maximum(size, _reach(output, weight.shape, stride, dilation))
    image = np.zeros((output.shape[0], weight.shape[1] * groups, *reach))
    grouped, sources = _group(weight, groups, 0), _group(output, groups, 1)
    for element, part in _windows(image, weight.shape[2:], output.shape[2:], stride, dilation):
        part += np.einsum("ngo...,goi->ngi...", sources, grouped[(..., *element)]).reshape(part.shape)
    return image[(..., *map(slice, size))]


def _correlate_weight(image, output, shape, stride, dilation, groups):
    """The adjoint of _correlate in its weight."""
    gradient = np.zeros(shape)
    missing = np.maximum(0, np.subtract(_reach(output, shape, stride, dilation), image.shape[2:]))
    image = np.pad(image, ((0, 0), (0, 0), *((0, rows) for rows in missing)))
    cotangents = _group(output, groups, 1)
    for element, part in _windows(image, shape[2:], output.shape[2:], stride, dilation):
        parts = _group(part, groups, 1)
        flat = (math.prod(parts.shape[3:]),)
        sums = np.einsum(
            "ngix,ngox->goi", parts.reshape(*parts.shape[:3], *flat), cotangents.reshape(*cotangents.shape[:3], *flat)
        )
        gradient[(..., *element)] = sums.reshape(shape[:2])
    return gradient


def _reach(output, weight_shape, stride, dilation):
    """The size of the image that the kernel meets."""
    steps, extents = np.subtract(output.shape[2:], 1), np.subtract(weight_shape[2:], 1)
    return steps * stride + np.multiply(dilation, extents) + 1


def padding_of(arguments: dict, dimensions: int) -> tuple[tuple[int, int], ...]:
    """(begin, end) of each axis, of a convolution's arguments."""
    padding = arguments.get("padding", 0)
    if not isinstance(padding, str):
        return tuple((rows, rows) for rows in expand(padding, dimensions))
    dilation = arguments.get("dilation", 1)
    totals = [
        0 if padding == "valid" else spread * (rows - 1)
        for spread, rows in zip(
            expand(dilation, dimensions), expand(arguments["kernel_size"], dimensions), strict=True
        )
    ]
    if arguments.get("padding_mode", "zeros") != "zeros" and not isinstance(dilation, int) and len(dilation) == 1:
        totals[1:] = [0] * (dimensions - 1)  # torch pads one axis only
    return tuple((total // 2, total - total // 2) for total in totals)


def _source_index(case: Case, size: tuple[int, ...]) -> np.ndarray:
    """For each pixel of the padded image, the flat index of its source; -1 where it is a zero."""
    mode = case.arguments.get("padding_mode", "zeros")
    pads = padding_of(case.arguments, case.dimensions)
    index = np.arange(math.prod(size)).reshape(size)
    if mode == "zeros":
        return np.pad(index, pads, constant_values=-1)
    return np.pad(index, pads, {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode])


def _take(image, source):
    pixels = image.reshape(*image.shape[:2], math.prod(image.shape[2:]))
    flat = np.concatenate([pixels, np.zeros((*image.shape[:2], 1))], -1)
    return flat[:, :, source]


def _take_adjoint(padded, source, shape):
    flat = np.zeros((math.prod(shape[2:]) + 1, *shape[:2]))
    np.add.at(flat, source.reshape(-1), padded.reshape(*shape[:2], source.size).transpose(2, 0, 1))
    return flat[:-1].transpose(1, 2, 0).reshape(shape)
