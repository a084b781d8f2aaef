"""torch's rules for the arguments of the two convolutions, and its words where they are broken.

No MindSpore here: a shape is a tuple, or None where not even the rank is known; a dtype is torch's C++ name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, NoReturn

from . import _geometry

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")
PADDING_STRINGS = ("valid", "same")
_LARGEST_PADDING = 2**62 - 1  # torch's

Shape = tuple[Any, ...]  # of int, or None for a size that is not known before the call (dynamic shapes)


@dataclass(frozen=True)  # of a NamedTuple, ms.jit(capture_mode="bytecode") makes a tuple (MindSpore 2.10)
class Caller:
    """Who asks: the name that an error begins with, and the error's class.

    torch checks most values in the operator and raises RuntimeError; a constructor sees them earlier and raises
    ValueError.
    """

    name: str
    error: type[Exception]

    def fail(self, sentence: str, error: type[Exception] | None = None) -> NoReturn:
        raise (error or self.error)(f"For '{self.name}', {sentence}.")


def integer(caller: Caller, name: str, value: Any) -> int:
    """A Python or NumPy integer; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        caller.fail(f"argument '{name}' must be int, not {type(value).__name__}, but got {name}={value!r}", TypeError)
    return int(value)


def int64(caller: Caller, name: str, value: int, error: type[Exception] = ValueError) -> int:
    """An integer that torch's C++ can hold. torch's class of error depends on where it unpacks the integer."""
    if not -(2**63) <= value < 2**63:
        caller.fail(f"argument '{name}': Overflow when unpacking long long, but got {name}={value}", error)
    return value


def integers(
    caller: Caller, name: str, value: Any, lengths: Sequence[int] = (1, 2), overflow: type[Exception] | None = None
) -> tuple[int, ...]:
    """torch's tuple arguments: an int stands for both axes, and (except in kernel_size) one element does too."""
    if isinstance(value, (str, bytes)):
        kind = type(value).__name__
        caller.fail(f"argument '{name}' must be tuple of ints, not {kind}, but got {name}={value!r}", TypeError)
    is_tuple = isinstance(value, Iterable)
    values = tuple(value) if is_tuple else (value, value)
    for position, element in enumerate(values):
        if isinstance(element, bool) or not isinstance(element, Integral):
            caller.fail(
                f"argument '{name}' must be tuple of ints, but found element of type {type(element).__name__} at "
                f"pos {position}: got {name}={value!r}",
                TypeError,
            )
    if len(values) not in lengths:
        caller.fail(
            f"expected {name} to be a single integer value or a list of 2 values to match the convolution "
            f"dimensions, but got {name}={list(values)}"
        )
    if overflow is None:
        # torch's functions refuse an element of a tuple by another class; its constructors do not look.
        overflow = TypeError if is_tuple and caller.error is RuntimeError else ValueError
    return tuple(int64(caller, name, int(element), overflow) for element in values)


def channels(caller: Caller, in_channels: Any, out_channels: Any, groups: Any) -> tuple[int, int, int]:
    """in_channels, out_channels and groups of a layer."""
    groups = integer(caller, "groups", groups)
    in_channels = integer(caller, "in_channels", in_channels)
    out_channels = integer(caller, "out_channels", out_channels)
    if groups <= 0:
        caller.fail(f"groups must be a positive integer, but got groups={groups}")
    for name, value in (("in_channels", in_channels), ("out_channels", out_channels)):
        if value <= 0:
            caller.fail(f"{name} must be a positive integer, but got {name}={value}")
        if value % groups != 0:
            caller.fail(f"{name} must be divisible by groups, but got {name}={value}, groups={groups}")
        int64(caller, name, value, TypeError)
    return in_channels, out_channels, groups


def kernel_size(caller: Caller, value: Any) -> tuple[int, ...]:
    """kernel_size of a layer: an int or two of them."""
    sizes = integers(caller, "kernel_size", value, lengths=(2,), overflow=TypeError)
    _check_kernel(caller, sizes)
    return sizes


def padding_mode(caller: Caller, value: Any) -> str:
    """One of PADDING_MODES."""
    if not isinstance(value, str) or value not in PADDING_MODES:
        caller.fail(f"padding_mode must be one of {PADDING_MODES}, but got padding_mode={value!r}")
    return value


def check_transposed_padding(caller: Caller, padding: Any, padding_mode: Any) -> None:
    """What only the constructor of a transposed convolution is given: torch has zeros, and no padding string, there."""
    if padding_mode != "zeros":
        caller.fail(f'Only "zeros" padding mode is supported for {caller.name}, but got padding_mode={padding_mode!r}')
    if isinstance(padding, str):
        caller.fail(f"argument 'padding' must be tuple of ints, not str, but got padding={padding!r}")


def conv2d(
    caller: Caller, stride: Any, padding: Any, dilation: Any
) -> tuple[tuple[int, ...], str | tuple[int, ...], tuple[int, ...]]:
    """stride, padding and dilation of a convolution, in range; 1-element forms stay as they are."""
    stride = integers(caller, "stride", stride)
    if isinstance(padding, str):
        if padding not in PADDING_STRINGS:
            caller.fail(
                f"Invalid padding string {padding!r}, should be one of {PADDING_STRINGS}, but got padding={padding!r}"
            )
        if padding == "same" and any(step != 1 for step in stride):
            caller.fail(f"padding='same' is not supported for strided convolutions, but got stride={stride}")
    else:
        padding = _padding(caller, padding)
    dilation = integers(caller, "dilation", dilation)
    _check_steps(caller, stride, dilation)
    return stride, padding, dilation


def conv_transpose2d(
    caller: Caller, stride: Any, padding: Any, output_padding: Any, dilation: Any
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """stride, padding, output_padding and dilation of a transposed convolution, in range."""
    stride = integers(caller, "stride", stride)
    padding = _padding(caller, padding)
    output_padding = _not_negative(caller, "output_padding", integers(caller, "output_padding", output_padding))
    dilation = integers(caller, "dilation", dilation)
    _check_steps(caller, stride, dilation)
    extra, steps, spread = _geometry.expand(output_padding), _geometry.expand(stride), _geometry.expand(dilation)
    if any(extra[axis] >= max(steps[axis], spread[axis]) for axis in (0, 1)):
        caller.fail(
            "output padding must be smaller than either stride or dilation, but got "
            f"output_padding_height: {extra[0]} output_padding_width: {extra[1]} "
            f"stride_height: {steps[0]} stride_width: {steps[1]} "
            f"dilation_height: {spread[0]} dilation_width: {spread[1]}"
        )
    return stride, padding, output_padding, dilation


def groups_of_a_function(caller: Caller, value: Any) -> int:
    """groups where there is no layer, whose constructor knows the channels."""
    groups = int64(caller, "groups", integer(caller, "groups", value))
    if groups <= 0:
        caller.fail(f"non-positive groups is not supported, but got groups={groups}")
    return groups


def check_dtypes(caller: Caller, input: str, weight: str, bias: str | None) -> None:
    """torch has no implicit promotion in a convolution. The arguments are torch's C++ names: float, double..."""
    if bias is not None and not input == weight == bias:
        other, name = (weight, "weight") if input == bias else (bias, "bias")
        caller.fail(f"Input type ({input}) and {name} type ({other}) should be the same")
    if input != weight:
        caller.fail(
            f"expected scalar type {_scalar_name(input)} but found {_scalar_name(weight)}: "
            f"Input type ({input}) and weight type ({weight}) should be the same"
        )


def check_weight(caller: Caller, weight: Shape, bias: Shape | None, groups: int, transposed: bool) -> None:
    """Shapes of weight, (out, in / groups, kh, kw) or transposed (in, out / groups, kh, kw), and bias, (out)."""
    if len(weight) != 4 or None in weight:
        caller.fail(f"Expected 4-dimensional weight of known size, but got weight of size {_text(weight)}")
    _check_kernel(caller, weight[2:])
    if min(weight) < 1:
        caller.fail(
            f"Given groups={groups}, expected weight to be at least 1 at dimension {weight.index(0)}, "
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


def check_input(caller: Caller, input: Shape | None, weight: Shape, groups: int, transposed: bool) -> None:
    """Rank and channels of the input."""
    if input is None:
        return
    if len(input) not in (3, 4):
        operator = "conv_transpose2d" if transposed else "conv2d"
        caller.fail(
            f"Expected 3D (unbatched) or 4D (batched) input to {operator}, but got input of size: {_text(input)}"
        )
    expected = weight[0] if transposed else weight[1] * groups
    if input[-3] is not None and input[-3] != expected:
        caller.fail(
            f"{_given(weight, groups, transposed)}, expected input{_text(_batched(input))} to have {expected} "
            f"channels, but got {input[-3]} channels instead"
        )


def check_conv2d_sizes(
    caller: Caller,
    input: Shape | None,
    kernel_size: Sequence[int],
    pads: Sequence[tuple[int, int]],
    dilation: Sequence[int],
) -> None:
    """The padded input must hold the kernel."""
    sizes = _spatial(input)
    if None in sizes:
        return
    padded = [size + pad[0] + pad[1] for size, pad in zip(sizes, pads, strict=True)]
    kernel = [_geometry.effective_kernel(*pair) for pair in zip(kernel_size, dilation, strict=True)]
    if padded[0] < kernel[0] or padded[1] < kernel[1]:
        caller.fail(
            f"Calculated padded input size per channel: ({padded[0]} x {padded[1]}). "
            f"Kernel size: ({kernel[0]} x {kernel[1]}). Kernel size can't be greater than actual input size"
        )
    _check_not_empty(caller, input)


def check_padding_mode_sizes(
    caller: Caller, mode: str, input: Shape | None, pads: Sequence[tuple[int, int]]
) -> None:
    """What torch.nn.functional.pad asks of 'reflect', 'replicate' and 'circular'. pads: rows, columns; or columns."""
    if input is None:
        return
    if len(pads) == 1 and len(input) == 4:
        caller.fail("Padding size 2 is not supported for 4D input tensor, but got a padding of 1 element "
                    f"with padding_mode={mode!r}")
    sizes = input[-len(pads):]
    if mode != "circular" and 0 in sizes:
        caller.fail(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for "
            f"input, but got: {_text(input)}"
        )
    for axis in range(len(sizes) - 1, -1, -1):
        size, pad, dimension = sizes[axis], pads[axis], len(input) - len(sizes) + axis
        if size is None:
            continue
        if mode == "reflect" and max(pad) >= size:
            caller.fail(
                f"Argument #{4 if dimension == len(input) - 1 else 6}: Padding size should be less than the "
                f"corresponding input dimension, but got: padding {pad} at dimension {dimension} of input "
                f"{_text(input)}"
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
) -> tuple[int, int] | None:
    """The output_padding that gives output_size; None where a size is not known before the call."""
    rank = 4 if input is None else len(input)
    if len(output_size) not in (2, rank):
        caller.fail(
            f"ConvTranspose2D: for {rank}D input, output_size must have 2 or {rank} elements "
            f"(got {len(output_size)}): output_size={output_size}",
            ValueError,
        )
    requested = output_size[-2:]
    sizes = _spatial(input)
    if None in requested or None in sizes:
        return None
    least = [
        _geometry.conv_transpose_output_size(*axis, 0)
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
    return _geometry.expand(extra)


def check_conv_transpose2d_sizes(
    caller: Caller,
    input: Shape | None,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    output_padding: Sequence[int],
    dilation: Sequence[int],
) -> None:
    """There must be an input and an output."""
    sizes = _spatial(input)
    if None in sizes:
        return
    _check_not_empty(caller, input)
    output = [
        _geometry.conv_transpose_output_size(*axis)
        for axis in zip(sizes, stride, padding, kernel_size, dilation, output_padding, strict=True)
    ]
    if min(output) < 1:
        caller.fail(
            f"Given input size per channel: ({sizes[0]} x {sizes[1]}). Calculated output size per channel: "
            f"({output[0]} x {output[1]}). Output size is too small"
        )
    if max(output) >= 2**63:  # torch's sizes run over here, and its sentences show what is left of them
        caller.fail(
            f"Given input size per channel: ({sizes[0]} x {sizes[1]}). Calculated output size per channel: "
            f"({output[0]} x {output[1]}). Output size is too large"
        )


def _check_kernel(caller: Caller, sizes: Sequence[int]) -> None:
    if min(sizes) <= 0:
        caller.fail(
            "kernel size should be greater than zero, "
            f"but got kernel_height: {sizes[0]} kernel_width: {sizes[1]}"
        )


def _check_steps(caller: Caller, stride: Sequence[int], dilation: Sequence[int]) -> None:
    if min(stride) <= 0:
        caller.fail(f"non-positive stride is not supported, but got stride={stride}")
    if min(dilation) <= 0:
        caller.fail(
            "non-positive dilation is not supported: dilation should be greater than zero, "
            f"but got dilation={dilation}"
        )


def _check_not_empty(caller: Caller, input: Shape | None) -> None:
    """Only the batch may be empty."""
    if input is not None and 0 in input[-2:] and 0 not in input[:-3]:
        caller.fail(f"Only zero batch or zero channel inputs are supported, but got input shape: {_text(input)}")


def _padding(caller: Caller, value: Any) -> tuple[int, ...]:
    sizes = _not_negative(caller, "padding", integers(caller, "padding", value))
    for dimension, size in enumerate(sizes):
        if size > _LARGEST_PADDING:
            caller.fail(
                f"Given padding={size} at dimension {dimension} , expected padding to be at most {_LARGEST_PADDING}"
            )
    return sizes


def _not_negative(caller: Caller, name: str, values: tuple[int, ...]) -> tuple[int, ...]:
    if min(values) < 0:
        caller.fail(f"negative {name} is not supported, but got {name}={values}")
    return values


def _spatial(input: Shape | None) -> Shape:
    return (None, None) if input is None else input[-2:]


def _batched(shape: Shape) -> Shape:
    return shape if len(shape) == 4 else (1, *shape)


def _given(weight: Shape, groups: int, transposed: bool) -> str:
    return f"Given {'transposed=1' if transposed else f'groups={groups}'}, weight of size {_text(weight)}"


def _text(shape: Shape) -> str:
    """A shape as torch prints it; an unknown size as -1, MindSpore's own mark."""
    return str([-1 if size is None else size for size in shape])


def _scalar_name(name: str) -> str:
    """torch's scalar type of a C++ name: Float of float, Half of c10::Half."""
    name = name.removeprefix("c10::")
    return name[0].upper() + name[1:]
