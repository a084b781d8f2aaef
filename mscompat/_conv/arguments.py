"""torch's rules for the arguments of convolutions, and its sentences where they are broken. No MindSpore here.

Here are those for what a layer is made with; those for what it is called with are in shapes.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, NoReturn, cast, get_args

from . import geometry
from .spec import ConvSpec, PaddingMode, PaddingString

PADDING_MODES: tuple[str, ...] = get_args(PaddingMode)
PADDING_STRINGS: tuple[str, ...] = get_args(PaddingString)
DTYPES = {"float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double"}
"""The dtypes that convolutions take, and their C++ names, which are in torch's sentences."""
OTHER_DTYPES = {
    "bool_": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short int", "int32": "int",
    "int64": "long int", "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}
"""Those that they do not take."""
_SCALAR_TYPES = {
    "c10::Half": "Half", "c10::BFloat16": "BFloat16", "unsigned char": "Byte", "signed char": "Char",
    "short int": "Short", "long int": "Long", "c10::complex<float>": "ComplexFloat",
    "c10::complex<double>": "ComplexDouble",
}
"""torch's other names of these, where they are not the first ones with a capital."""
_LARGEST_PADDING = 2**62 - 1  # torch's
_AXES = ("depth", "height", "width")  # the names in torch's sentences


def scalar_name(cpp_name: str) -> str:
    """torch's scalar type of a C++ name: Float of float, Half of c10::Half."""
    return _SCALAR_TYPES.get(cpp_name, cpp_name.capitalize())


@dataclass(frozen=True)
class Caller:
    """Who asks: the name that an error begins with, its convolutions' dimensions, and the error's class.

    torch checks most values in the operator and raises RuntimeError; a constructor sees them earlier and raises
    ValueError.
    """

    name: str
    dimensions: int
    error: type[Exception]

    def fail(self, sentence: str, error: type[Exception] | None = None) -> NoReturn:
        """Raise the error, or one of another class, with a sentence that names the caller."""
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
    caller: Caller, name: str, value: Any, *, one_for_all: bool = True, overflow: type[Exception] | None = None
) -> tuple[int, ...]:
    """torch's tuple arguments: an int stands for all axes, and (except in kernel_size) one element does too."""
    if isinstance(value, (str, bytes)):
        kind = type(value).__name__
        caller.fail(f"argument '{name}' must be tuple of ints, not {kind}, but got {name}={value!r}", TypeError)
    is_tuple = isinstance(value, Iterable)
    values = tuple(value) if is_tuple else (value,) * caller.dimensions
    for position, element in enumerate(values):
        if isinstance(element, bool) or not isinstance(element, Integral):
            caller.fail(
                f"argument '{name}' must be tuple of ints, but found element of type {type(element).__name__} at "
                f"pos {position}: got {name}={value!r}",
                TypeError,
            )
    if len(values) != caller.dimensions and not (one_for_all and len(values) == 1):
        caller.fail(
            f"expected {name} to be a single integer value or a list of {caller.dimensions} values to match the "
            f"convolution dimensions, but got {name}={list(values)}"
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
    """kernel_size of a layer: an int, or one for each axis."""
    sizes = integers(caller, "kernel_size", value, one_for_all=False, overflow=TypeError)
    check_kernel(caller, sizes)
    return sizes


def check_transposed_padding(caller: Caller, padding: Any, padding_mode: Any) -> None:
    """What only the constructor of a transposed convolution is given: torch has zeros, and no padding string, there."""
    if padding_mode != "zeros":
        caller.fail(f'Only "zeros" padding mode is supported for {caller.name}, but got padding_mode={padding_mode!r}')
    if isinstance(padding, str):
        caller.fail(f"argument 'padding' must be tuple of ints, not str, but got padding={padding!r}")


def conv_spec(
    caller: Caller, *, stride: Any, padding: Any, dilation: Any, groups: Any, padding_mode: Any = "zeros"
) -> ConvSpec:
    """The spec of a convolution, its arguments in range; 1-element forms stay as they are."""
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
    if not isinstance(padding_mode, str) or padding_mode not in PADDING_MODES:
        caller.fail(f"padding_mode must be one of {PADDING_MODES}, but got padding_mode={padding_mode!r}")
    return ConvSpec(
        name=caller.name, dimensions=caller.dimensions, transposed=False, stride=stride, padding=padding,
        dilation=dilation, output_padding=(0,) * caller.dimensions, groups=_groups(caller, groups),
        padding_mode=cast(PaddingMode, padding_mode),
    )


def conv_transpose_spec(
    caller: Caller, *, stride: Any, padding: Any, output_padding: Any, dilation: Any, groups: Any
) -> ConvSpec:
    """The spec of a transposed convolution, its arguments in range; 1-element forms stay as they are."""
    stride = integers(caller, "stride", stride)
    padding = _padding(caller, padding)
    output_padding = _not_negative(caller, "output_padding", integers(caller, "output_padding", output_padding))
    dilation = integers(caller, "dilation", dilation)
    _check_steps(caller, stride, dilation)
    _check_output_padding(caller, *(geometry.expand(v, caller.dimensions) for v in (output_padding, stride, dilation)))
    return ConvSpec(
        name=caller.name, dimensions=caller.dimensions, transposed=True, stride=stride, padding=padding,
        dilation=dilation, output_padding=output_padding, groups=_groups(caller, groups), padding_mode="zeros",
    )


def check_again(spec: ConvSpec) -> ConvSpec:
    """The spec of a layer whose attributes were set: in range, or what torch raises when the layer is called."""
    caller = Caller(spec.name, spec.dimensions, RuntimeError)
    steps = {"stride": spec.stride, "padding": spec.padding, "dilation": spec.dilation}
    if spec.transposed:
        if spec.padding_mode != "zeros":
            sentence = f'Only "zeros" padding mode is supported, but got padding_mode={spec.padding_mode!r}'
            caller.fail(sentence, ValueError)
        return conv_transpose_spec(caller, **steps, output_padding=spec.output_padding, groups=spec.groups)
    return conv_spec(caller, **steps, padding_mode=spec.padding_mode, groups=spec.groups)


def _groups(caller: Caller, value: Any) -> int:
    """groups, which torch looks at last. (A constructor compares them with the channels before: see channels.)"""
    groups = int64(caller, "groups", integer(caller, "groups", value))
    if groups <= 0:
        caller.fail(f"non-positive groups is not supported, but got groups={groups}")
    return groups


def check_kernel(caller: Caller, sizes: Sequence[int]) -> None:
    """A kernel has elements."""
    if min(sizes) <= 0:
        caller.fail(f"kernel size should be greater than zero, but got {_by_axis('kernel', sizes)}")


def _check_steps(caller: Caller, stride: Sequence[int], dilation: Sequence[int]) -> None:
    if min(stride) <= 0:
        caller.fail(f"non-positive stride is not supported, but got stride={stride}")
    if min(dilation) <= 0:
        caller.fail(
            "non-positive dilation is not supported: dilation should be greater than zero, "
            f"but got dilation={dilation}"
        )


def _check_output_padding(
    caller: Caller, output_padding: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> None:
    if all(extra < max(steps) for extra, *steps in zip(output_padding, stride, dilation, strict=True)):
        return
    if caller.dimensions == 1:  # torch convolves one dimension as two, the first of size 1, and its sentence shows both
        output_padding, stride, dilation = (0, *output_padding), (1, *stride), (1, *dilation)
    caller.fail(
        "output padding must be smaller than either stride or dilation, but got "
        f"{_by_axis('output_padding', output_padding)} {_by_axis('stride', stride)} {_by_axis('dilation', dilation)}"
    )


def _by_axis(name: str, sizes: Sequence[int]) -> str:
    return " ".join(f"{name}_{axis}: {size}" for axis, size in zip(_AXES[-len(sizes):], sizes, strict=True))


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
