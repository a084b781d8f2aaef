"""torch's rules for the shapes and dtypes that a convolution is called with, and its sentences. No MindSpore here.

A shape is a tuple, or None where not even the rank is known; a size that is not known before the call is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from . import geometry
from .arguments import Caller, check_kernel, integer, scalar_name

Shape = tuple[Any, ...]
"""Of int, or None for a size that is not known before the call (dynamic shapes)."""


def spatial(caller: Caller, input: Shape | None) -> Shape:
    """The sizes of the axes along which the caller convolves."""
    return (None,) * caller.dimensions if input is None else input[-caller.dimensions :]


def check_dtypes(caller: Caller, input: str, weight: str, bias: str | None) -> None:
    """torch has no implicit promotion in a convolution. The arguments are torch's C++ names: float, double..."""
    if bias is not None and not input == weight == bias:
        other, name = (weight, "weight") if input == bias else (bias, "bias")
        caller.fail(f"Input type ({input}) and {name} type ({other}) should be the same")
    if input != weight:
        caller.fail(
            f"expected scalar type {scalar_name(input)} but found {scalar_name(weight)}: "
            f"Input type ({input}) and weight type ({weight}) should be the same"
        )


def check_weight(
    caller: Caller, input: Shape | None, weight: Shape, bias: Shape | None, groups: int, transposed: bool
) -> None:
    """Shapes of weight, (out, in / groups, ...) or transposed (in, out / groups, ...), and bias, (out)."""
    rank = caller.dimensions + 2
    if None in weight:
        caller.fail(f"Expected {rank}-dimensional weight of known size, but got weight of size {_text(weight)}")
    if len(weight) < 3:
        caller.fail(f"weight should have at least three dimensions, but got weight of size {_text(weight)}")
    if len(weight) != rank:
        caller.fail(
            f"Expected {len(weight)}-dimensional input for {len(weight)}-dimensional weight{_text(weight)}, but got "
            f"{rank}-dimensional input{'' if input is None else f' of size {_text(_batched(caller, input))}'} instead"
        )
    check_kernel(caller, weight[2:])
    if min(weight) < 1:
        caller.fail(
            f"Given groups={groups}, expected weight to be at least 1 at dimension {weight.index(0)}, "
            f"but got weight of size {_text(weight)} instead"
        )
    if weight[0] < groups:
        caller.fail(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, "
            f"but got weight of size {_text(weight)} instead"
        )
    if weight[0] % groups != 0:
        caller.fail(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
            f"but got weight of size [{_text(weight)}] instead"
        )
    out_channels = weight[1] * groups if transposed else weight[0]
    if bias is not None and bias != (out_channels,):
        caller.fail(
            f"Given {'transposed=1, ' if transposed else ''}weight of size {_text(weight)}, expected bias to be "
            f"1-dimensional with {out_channels} elements, but got bias of size {_text(bias)} instead"
        )


def check_input_rank(caller: Caller, input: Shape | None, transposed: bool) -> None:
    """The input has a batch or none."""
    if input is not None and len(input) not in (caller.dimensions + 1, caller.dimensions + 2):
        operator = f"conv{'_transpose' if transposed else ''}{caller.dimensions}d"
        caller.fail(
            f"Expected {caller.dimensions + 1}D (unbatched) or {caller.dimensions + 2}D (batched) input to {operator}, "
            f"but got input of size: {_text(input)}"
        )


def check_input_channels(caller: Caller, input: Shape | None, weight: Shape, groups: int, transposed: bool) -> None:
    """The channels of the input are those that the weight is for."""
    if input is None:
        return
    channels, expected = input[-caller.dimensions - 1], weight[0] if transposed else weight[1] * groups
    if channels not in (None, expected):
        caller.fail(
            f"{_given(weight, groups, transposed)}, expected input{_text(_batched(caller, input))} to have {expected} "
            f"channels, but got {channels} channels instead"
        )


def check_conv_sizes(
    caller: Caller,
    input: Shape | None,
    kernel_size: Sequence[int],
    pads: Sequence[tuple[int, int]],
    dilation: Sequence[int],
) -> None:
    """The padded input must hold the kernel."""
    sizes = spatial(caller, input)
    if None in sizes:
        return
    padded = [size + pad[0] + pad[1] for size, pad in zip(sizes, pads, strict=True)]
    kernel = [geometry.effective_kernel(*pair) for pair in zip(kernel_size, dilation, strict=True)]
    if any(size < extent for size, extent in zip(padded, kernel, strict=True)):
        caller.fail(
            f"Calculated padded input size per channel: ({_product(padded)}). "
            f"Kernel size: ({_product(kernel)}). Kernel size can't be greater than actual input size"
        )
    _check_not_empty(caller, input)


def check_padding_mode_sizes(
    caller: Caller, mode: str, input: Shape | None, pads: Sequence[tuple[int, int]]
) -> None:
    """What torch.nn.functional.pad asks of 'reflect', 'replicate' and 'circular'. pads: of the input's last axes."""
    if input is None:
        return
    rank = len(input)
    if rank not in (len(pads) + 1, len(pads) + 2):
        caller.fail(
            f"Padding size {2 * len(pads)} is not supported for {rank}D input tensor, but got a padding of 1 element "
            f"with padding_mode={mode!r}"
        )
    sizes = input[-len(pads):]
    if mode != "circular" and 0 in sizes:
        caller.fail(
            f"Expected {len(pads) + 1}D or {len(pads) + 2}D (batch mode) tensor with possibly 0 batch size and other "
            f"non-zero dimensions for input, but got: {_text(input)}"
        )
    for from_last, (size, pad) in enumerate(zip(reversed(sizes), reversed(pads), strict=True)):
        if size is None:
            continue
        dimension = rank - 1 - from_last
        if mode == "reflect" and max(pad) >= size:
            caller.fail(
                f"Argument #{4 + 2 * from_last}: Padding size should be less than the corresponding input dimension, "
                f"but got: padding {pad} at dimension {dimension} of input {_text(input)}"
            )
        if mode == "circular" and max(pad) > size:
            caller.fail(
                f"Padding value causes wrapping around more than once, but got padding {pad} at dimension "
                f"{dimension} of input {_text(input)}"
            )


def output_size(caller: Caller, value: Any) -> Shape | None:
    """output_size as a tuple of ints; None stands for the size that output_padding gives."""
    if value is None:
        return None
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        caller.fail(
            f"argument 'output_size' must be tuple of ints, not {type(value).__name__}, but got output_size={value!r}",
            TypeError,
        )
    return tuple(None if size is None else integer(caller, "output_size", size) for size in value)


def output_padding_of(
    caller: Caller,
    input: Shape | None,
    output_size: Shape,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> tuple[int, ...] | None:
    """The output_padding that gives output_size; None where a size is not known before the call."""
    dimensions = caller.dimensions
    rank = dimensions + 2 if input is None else len(input)
    if len(output_size) not in (dimensions, rank):
        caller.fail(
            f"ConvTranspose{dimensions}D: for {rank}D input, output_size must have {dimensions} or {rank} elements "
            f"(got {len(output_size)}): output_size={output_size}",
            ValueError,
        )
    requested = output_size[-dimensions:]
    sizes = spatial(caller, input)
    if None in requested or None in sizes:
        return None
    least = [
        geometry.conv_transpose_output_size(*axis, 0)
        for axis in zip(sizes, stride, padding, kernel_size, dilation, strict=True)
    ]
    most = [size + step - 1 for size, step in zip(least, stride, strict=True)]
    extra = tuple(size - start for size, start in zip(requested, least, strict=True))
    if not all(0 <= rows < step for rows, step in zip(extra, stride, strict=True)):
        caller.fail(
            f"requested an output size of {requested}, but valid sizes range from {least} to {most} "
            f"(for an input of {_text(sizes)})",
            ValueError,
        )
    return extra


def check_conv_transpose_sizes(
    caller: Caller,
    input: Shape | None,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    output_padding: Sequence[int],
    dilation: Sequence[int],
) -> None:
    """There must be an input and an output."""
    sizes = spatial(caller, input)
    if None in sizes:
        return
    _check_not_empty(caller, input)
    output = tuple(
        geometry.conv_transpose_output_size(*axis)
        for axis in zip(sizes, stride, padding, kernel_size, dilation, output_padding, strict=True)
    )
    # torch's sizes run over at 2**63, and its sentences show what is left of them.
    end = "small" if min(output) < 1 else "large" if max(output) >= 2**63 else None
    if end is not None:
        if caller.dimensions == 1:
            sizes, output = _as_two_dimensions(sizes), _as_two_dimensions(output)
        caller.fail(
            f"Given input size per channel: ({_product(sizes)}). Calculated output size per channel: "
            f"({_product(output)}). Output size is too {end}"
        )


def _check_not_empty(caller: Caller, input: Shape | None) -> None:
    """Only the batch may be empty."""
    if input is None or 0 not in spatial(caller, input) or 0 in input[: -caller.dimensions - 1]:
        return
    if caller.dimensions == 1:
        input = (*input[:-1], *_as_two_dimensions(input[-1:]))
    caller.fail(f"Only zero batch or zero channel inputs are supported, but got input shape: {_text(input)}")


def _as_two_dimensions(sizes: Sequence[Any]) -> tuple[Any, ...]:
    """torch convolves one dimension as two, the first of size 1, and some of its sentences show both."""
    return (1, *sizes)


def _batched(caller: Caller, input: Shape) -> Shape:
    """torch adds the batch before it prints the input."""
    return input if len(input) == caller.dimensions + 2 else (1, *input)


def _product(sizes: Sequence[Any]) -> str:
    return " x ".join(map(str, sizes))


def _given(weight: Shape, groups: int, transposed: bool) -> str:
    return f"Given {'transposed=1' if transposed else f'groups={groups}'}, weight of size {_text(weight)}"


def _text(shape: Shape) -> str:
    """A shape as torch prints it; an unknown size as -1, MindSpore's own mark."""
    return str([-1 if size is None else size for size in shape])
