"""torch's rules for the arguments of pad, and its sentences where they are broken. No MindSpore here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from ._errors import fail

__all__ = [
    "KERNELS", "MODES", "check_dtype", "check_mode", "check_pad", "check_sizes", "check_value", "convert_value", "ends",
]

MODES = ("constant", "reflect", "replicate", "circular")
KERNELS = {"reflect": "reflection_pad", "replicate": "replication_pad"}
"""The names in torch's sentences of the modes that do not take all dtypes."""
# The names in torch's sentences of MindSpore's dtypes.
_CPP_NAMES = {
    "Float16": "c10::Half", "BFloat16": "c10::BFloat16", "Float32": "float", "Float64": "double", "Int8": "int8_t",
    "Int16": "int16_t", "Int32": "int", "Int64": "int64_t", "UInt8": "uint8_t", "UInt16": "uint16_t",
    "UInt32": "uint32_t", "UInt64": "uint64_t", "Complex64": "c10::complex<float>",
    "Complex128": "c10::complex<double>",
}
_LARGEST = {
    "Float16": 65504.0, "BFloat16": 2.0**128 - 2.0**120, "Float32": float(np.finfo(np.float32).max),
    "Complex64": float(np.finfo(np.float32).max),
}
_COMBINATIONS = """
Supported combinations for non-constant padding:
  - 2D or 3D input: padding size = 2 (pads last dimension)
  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)
  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"""

Ends = tuple[tuple[int, int], ...]
"""What is added at (begin, end) of each of the last axes, in the order of the axes."""


def check_pad(pad: Any) -> tuple[int, ...]:
    """The argument `pad` as a tuple of Python's integers."""
    if not isinstance(pad, (tuple, list)):
        fail("pad", f"argument 'pad' (position 2) must be tuple of ints, not {type(pad).__name__}", TypeError)
    for position, element in enumerate(pad):
        if isinstance(element, bool) or not isinstance(element, Integral):
            fail(
                "pad",
                "argument 'pad' (position 2) must be tuple of ints, but found element of type "
                f"{type(element).__name__} at pos {position}",
                TypeError,
            )
    return tuple(map(int, pad))


def check_value(value: Any) -> None:
    """The argument `value` is a number."""
    if value is not None and not isinstance(value, (Real, np.bool_)):
        fail("pad", f"argument 'value' (position 4) must be float, not {type(value).__name__}", TypeError)


def check_mode(mode: Any, pad: tuple[int, ...], value: Any, dimensions: int) -> None:
    """What torch looks at before the sizes."""
    if not isinstance(mode, str):
        fail("pad", f"argument 'mode' (position 3) must be str, not {type(mode).__name__}", TypeError)
    if mode not in MODES:
        fail("pad", f"Unrecognised padding mode {mode}", NotImplementedError)
    if len(pad) % 2 != 0:
        fail("pad", "Padding length must be divisible by 2")
    if len(pad) > 2 * dimensions:
        fail(
            "pad",
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(pad)} and input of dimension {dimensions}",
        )
    if mode == "constant":
        return
    if value is not None and value != 0:
        fail("pad", f'Padding mode "{mode}" doesn\'t take in value argument')
    axes = len(pad) // 2
    if axes not in (1, 2, 3) or dimensions - axes not in (1, 2):
        fail(
            "pad",
            f"Padding size {len(pad)} is not supported for {dimensions}D input tensor.{_COMBINATIONS}",
            NotImplementedError,
        )


def ends(pad: Sequence[int]) -> Ends:
    """(begin, end) of each axis: torch has the last axis first."""
    return tuple((pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2))


def check_sizes(mode: str, shape: tuple[int, ...], pad: tuple[int, ...]) -> None:
    """What torch asks of the sizes of the input, which are all known."""
    if mode == "constant":
        _check_cut(shape, ends(pad))
    elif mode == "circular":
        _check_circular(shape, ends(pad))
    else:
        _check_bounded(mode, shape, ends(pad))


def _check_cut(shape: tuple[int, ...], pads: Ends) -> None:
    for size, (begin, end) in zip(shape[len(shape) - len(pads):], pads, strict=True):
        if size + min(begin, 0) + min(end, 0) < 0:
            fail("pad", "narrow(): length must be non-negative")


def _check_circular(shape: tuple[int, ...], pads: Ends) -> None:
    sizes = shape[len(shape) - len(pads):]
    for size, (begin, end) in zip(sizes, pads, strict=True):
        if begin > size or end > size:
            fail("pad", "Padding value causes wrapping around more than once")
        if size + begin + end < 0:
            fail("pad", "Negative padding value is resulting in an empty dimension")
    for size, (begin, end) in zip(sizes, pads, strict=True):
        # torch reads memory that it has not written yet, in most cases with this sentence, in others silently.
        if max(begin, end) > size + min(begin, 0) + min(end, 0):
            fail(
                "pad",
                "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
                "memory location. Please clone() the tensor before performing the operation. Negative padding "
                f"leaves less than is wrapped: padding {(begin, end)} of size {size}",
            )


def _check_bounded(mode: str, shape: tuple[int, ...], pads: Ends) -> None:
    """reflect and replicate."""
    axes = len(pads)
    is_batched = len(shape) == axes + 2
    if 0 in shape[1 if is_batched else 0:]:
        fail(
            "pad",
            f"Expected {axes + 1}D or {axes + 2}D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {list(shape)}",
        )
    sizes = shape[-axes:]
    if mode == "reflect":
        for axis in reversed(range(axes)):
            if max(pads[axis]) >= sizes[axis]:
                fail(
                    "pad",
                    f"Argument #{2 * (axes - axis) + 2}: Padding size should be less than the corresponding input "
                    f"dimension, but got: padding {pads[axis]} at dimension {len(shape) - axes + axis} of input "
                    f"{list(shape)}",
                )
    padded = [size + begin + end for size, (begin, end) in zip(sizes, pads, strict=True)]
    if max(padded) < 1:
        fail("pad", f"input ({_axes(mode, sizes)}) is too small. Calculated output {' '.join(_named(padded))}")
    if min(padded) < 0:
        if mode == "reflect" and axes == 2:
            fail("pad", f"numel: integer multiplication overflow: a negative size is left, {padded}")
        negative = next(size for size in padded if size < 0)
        fail("pad", f"Trying to create tensor with negative dimension {negative}: {[*shape[:-axes], *padded]}")


def check_dtype(mode: str, axes: int, dtype: str) -> None:
    """What torch's kernels of reflect and replicate ask of the dtype, last of all."""
    if dtype in ("Bool", "UInt16", "UInt32", "UInt64"):
        fail("pad", f'"{KERNELS[mode]}{axes}d" not implemented for \'{dtype}\'', NotImplementedError)


def _axes(mode: str, sizes: Sequence[int]) -> str:
    """The sizes as torch writes them."""
    text = ", ".join(_named(sizes))
    if len(sizes) == 3:
        return text.replace(", H", " H")
    return f"{text} " if len(sizes) == 2 and mode == "replicate" else text


def _named(sizes: Sequence[int]) -> list[str]:
    return [f"{name}: {size}" for name, size in zip("DHW"[-len(sizes):], sizes, strict=True)]


def convert_value(value: Any, dtype: str) -> Any:
    """The value in a dtype of MindSpore's, whose name is given: a Python number."""
    number = 0.0 if value is None else float(value)
    if dtype == "Bool":
        return number != 0
    if dtype.startswith(("Int", "UInt")):
        limits = np.iinfo(dtype.lower())
        # torch compares with the largest integer as a double. An unsigned one takes no negative fraction.
        fits = float(limits.min) <= number <= float(limits.max)
        if fits:
            return min(int(number), int(limits.max))
    else:
        fits = not math.isfinite(number) or abs(number) <= _LARGEST.get(dtype, math.inf)
        if fits:
            return number
    fail("pad", f"value cannot be converted to type {_CPP_NAMES[dtype]} without overflow")
