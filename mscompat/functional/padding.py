"""Padding, with the signature of torch.nn.functional."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from .._conv.algorithms.cells import chain
from .._conv.algorithms.padding import pad_at_runtime, pad_operator
from .._mindspore.compile_time import compile_time_function
from . import padding_arguments as arguments
from .padding_arguments import Ends

__all__ = ["pad"]

_add = ops.Add()
_cast = ops.Cast()
_expand_dims = ops.ExpandDims()
_logical_or = ops.LogicalOr()
_masked_fill = ops.MaskedFill()
_ones_like = ops.OnesLike()
_pad_v3 = ops.PadV3("constant")
_reshape = ops.Reshape()
_squeeze = ops.Squeeze(0)


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Pad the last axes as ``torch.nn.functional.pad`` does.

    Args:
        input (Tensor): of any shape for 'constant'. Otherwise one to three axes are padded, of (N, C, *sizes) or
            (C, *sizes).
        pad (sequence of int): (left, right) of the last axis, then (top, bottom) of the one before, and so on. Negative
            numbers take elements away.
        mode (str): 'constant', 'reflect' (without the edge), 'replicate' (of the edge) or 'circular'.
        value (float, optional): of 'constant'. Default: None: 0.

    Returns:
        Tensor, each padded axis of size + begin + end elements.

    Raises:
        RuntimeError, NotImplementedError, TypeError: As torch does, with torch's sentence.

    Differences from torch:
        'circular' refuses to wrap more elements than negative numbers leave; torch refuses some of these cases, and
        gives what memory held in the others. In a graph whose sizes are open, what depends on them is not checked.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> print(F.pad(Tensor([[1, 2, 3]]), (1, 2), value=7))
        [[7 1 2 3 7 7]]
        >>> print(F.pad(Tensor([[1, 2, 3]]), (2, -1), mode="reflect"))
        [[3 2 1 2]]
    """
    if not isinstance(input, (Parameter, Tensor)):
        raise TypeError("For 'pad', argument 'input' (position 1) must be Tensor.")
    return _operator(input.shape, input.dtype, pad, mode, value)(input)


def _make_operator(
    is_graph: bool, shape: tuple[Any, ...], dtype: Any, pad: tuple[int, ...], mode: str, value: Any
) -> Callable[[Tensor], Tensor]:
    """The operator, of an input of this shape (None: open) and dtype, that pads."""
    shape = tuple(None if size is None or size < 0 else size for size in shape)
    arguments.check_value(value)
    arguments.check_mode(mode, pad, value, len(shape))
    if None not in shape:
        arguments.check_sizes(mode, shape, pad)
    pads = arguments.ends(pad)
    has_zeros = value is None or value == 0
    number = arguments.convert_value(value, str(dtype)) if mode == "constant" and max(pad, default=0) > 0 else 0
    if mode in arguments.KERNELS:
        arguments.check_dtype(mode, len(pads), str(dtype))
    if not any(pad):
        return nn.Identity()
    if dtype == ms.bfloat16:  # which most operators have no kernel for
        return _InFloat32(_make_operator(is_graph, shape, ms.float32, pad, mode, value))
    empty = None if None in shape else _empty(mode, shape, pads, number, dtype)
    if empty is not None:
        return empty
    if mode != "constant":
        return _non_constant(mode, shape, pads)
    cells = [_crop(pads, len(shape))] if min(pad) < 0 else []
    if max(pad) > 0:
        positive = tuple((max(begin, 0), max(end, 0)) for begin, end in pads)
        shape = _padded(shape, tuple((min(begin, 0), min(end, 0)) for begin, end in pads))
        if not is_graph:
            cells.append(_pad_in_pynative(positive, Tensor(number, dtype)))
        elif has_zeros:
            cells.append(_zero_pad(positive, len(shape)))
        else:
            cells.append(_constant_pad_in_graph(positive, number, shape, dtype))
    return cells[0] if len(cells) == 1 else chain(cells)


def _find_operator(is_graph: bool, shape: Any, dtype: Any, pad: Any, mode: Any, value: Any) -> Any:
    # What equals an int may not be one: True, 1.0.
    if type(pad) is not tuple or not all(type(size) is int for size in pad):
        pad = arguments.check_pad(pad)
    if not isinstance(value, (int, float, type(None))):
        arguments.check_value(value)
        value = float(value)
    return _known_operator(is_graph, tuple(shape), dtype, pad, mode, value)


_known_operator = functools.lru_cache(maxsize=1024, typed=True)(_make_operator)
_operator = compile_time_function(
    "mscompat_pad", functools.partial(_find_operator, False), functools.partial(_find_operator, True)
)


def _padded(shape: tuple[Any, ...], pads: Ends) -> tuple[Any, ...]:
    first = len(shape) - len(pads)
    sizes = (None if size is None else size + sum(both) for size, both in zip(shape[first:], pads, strict=True))
    return (*shape[:first], *sizes)


def _empty(mode: str, shape: tuple[int, ...], pads: Ends, number: Any, dtype: Any) -> nn.Cell | None:
    """The operator where there are no elements to begin with, in the end or between, which most operators refuse."""
    output = _padded(shape, pads)
    if 0 not in output:
        cut = _padded(shape, tuple((min(begin, 0), min(end, 0)) for begin, end in pads))
        is_filled = 0 in shape or (mode == "constant" and 0 in cut)
        return _Filled(Tensor(np.full(output, number), dtype)) if is_filled else None
    if 0 in shape:
        return _Reshaped(output)
    axis = output.index(0)
    nothing = tuple((0, -size) if i == axis else (0, 0) for i, size in enumerate(shape))
    return chain([_crop(nothing, len(shape)), _Reshaped(output)])


# 'constant'. Of MindSpore's two operators, PyNative mode has wrong second derivatives of ops.Pad (MS-08: Slice, its
# gradient, makes a view), Graph mode has wrong gradients of ops.PadV3 from the second call on (MS-13).


def _pad_in_pynative(pads: Ends, value: Tensor) -> Callable[[Tensor], Tensor]:
    flat = tuple(size for both in reversed(pads) for size in both)

    def operator(input: Tensor) -> Tensor:
        return _pad_v3(input, flat, value)

    return operator


def _zero_pad(pads: Ends, axes: int) -> ops.Pad:
    return ops.Pad((*((0, 0),) * (axes - len(pads)), *pads))


def _constant_pad_in_graph(pads: Ends, number: Any, shape: tuple[Any, ...], dtype: Any) -> nn.Cell:
    padded = shape[len(shape) - len(pads):]
    pad = _zero_pad(pads, len(shape))
    if None in padded or number != number:  # a graph loses what is added, if it has no numbers but zero and NaN (MS-68)
        return _FilledPad(pad, Tensor(number, dtype))
    # Added, since Select takes two arrays more. It changes no element: -0.0 is what does not.
    size_with_border = [size + sum(both) for size, both in zip(padded, pads, strict=True)]
    border = np.full(size_with_border, number, ms.dtype_to_nptype(dtype))
    inside = tuple(slice(begin, begin + size) for size, (begin, _) in zip(padded, pads, strict=True))
    border[inside] = -0.0 if np.issubdtype(border.dtype, np.inexact) else 0
    return _BorderedPad(pad, _logical_or if dtype == ms.bool_ else _add, Tensor(border, dtype))


class _BorderedPad(nn.Cell):
    """Pad with zeros, and combine with an array whose border has the values."""

    def __init__(self, pad: ops.Pad, combine: Any, border: Tensor) -> None:
        super().__init__()
        self.pad = pad
        self.combine = combine
        self.border = border

    def construct(self, input):  # type: ignore[no-untyped-def]
        return self.combine(self.pad(input), self.border)


class _FilledPad(nn.Cell):
    """Pad with zeros, and fill where the padding of ones has zeros."""

    def __init__(self, pad: ops.Pad, value: Tensor) -> None:
        super().__init__()
        self.pad = pad
        self.value = value

    def construct(self, input):  # type: ignore[no-untyped-def]
        is_border = self.pad(_ones_like(input)) == 0
        return _masked_fill(self.pad(input), is_border, self.value)


# The other modes.


def _non_constant(mode: str, shape: tuple[Any, ...], pads: Ends) -> Any:
    first = len(shape) - len(pads)
    positive = tuple((max(begin, 0), max(end, 0)) for begin, end in pads)
    negative = tuple((min(begin, 0), min(end, 0)) for begin, end in pads)
    crop = [_crop(negative, len(shape))] if any(map(any, negative)) else []
    if mode == "circular":  # takes away first, and wraps what is left
        shape = _padded(shape, negative)
    if not any(map(any, positive)):
        padded = []
    elif None in shape[first:]:
        padded = [_PaddedAtRuntime(mode, positive, first)]
    else:
        padded = [pad_operator(mode, shape[first:], positive, first)]
    return chain([*crop, *padded] if mode == "circular" else [*padded, *crop])


class _PaddedAtRuntime(nn.Cell):
    """Pad an input whose sizes are open."""

    def __init__(self, mode: str, pads: Ends, first_axis: int) -> None:
        super().__init__()
        self.mode = mode
        self.pads = pads
        self.flat = tuple(size for both in reversed(pads) for size in both)
        self.is_batched = first_axis == 2

    def construct(self, input):  # type: ignore[no-untyped-def]
        if len(self.pads) < 3:
            return ops.pad(input, self.flat, self.mode)
        if self.is_batched:
            return pad_at_runtime(input, self.pads, self.mode)
        return _squeeze(pad_at_runtime(_expand_dims(input, 0), self.pads, self.mode))


# What all modes share.


@functools.lru_cache(maxsize=1024)
def _crop(pads: Ends, axes: int) -> nn.Cell:
    """The operator that takes away what negative pads say, of the last of so many axes."""
    return _Crop(((0, 0),) * (axes - len(pads)) + pads)


class _Crop(nn.Cell):
    """A part of the input, by StridedSlice, whose second derivatives are right, unlike those of Slice (MS-11)."""

    def __init__(self, pads: Ends) -> None:
        super().__init__()
        self.begin = tuple(max(-begin, 0) for begin, _ in pads)
        self.end = tuple(min(end, 0) for _, end in pads)
        self.strides = (1,) * len(pads)
        # Axis i ends at its end where bit i is set.
        self.slice = ops.StridedSlice(end_mask=sum(2**axis for axis, (_, end) in enumerate(pads) if end >= 0))

    def construct(self, input):  # type: ignore[no-untyped-def]
        return self.slice(input, self.begin, self.end, self.strides)


class _InFloat32(nn.Cell):
    """An operator of float32 for bfloat16."""

    def __init__(self, operator: Any) -> None:
        super().__init__()
        self.operator = operator

    def construct(self, input):  # type: ignore[no-untyped-def]
        return _cast(self.operator(_cast(input, ms.float32)), ms.bfloat16)


class _Reshaped(nn.Cell):
    """Nothing in another shape."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def construct(self, input):  # type: ignore[no-untyped-def]
        return _reshape(input, self.shape)


class _Filled(nn.Cell):
    """The same whatever is given."""

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.output = output

    def construct(self, input):  # type: ignore[no-untyped-def]
        return self.output
