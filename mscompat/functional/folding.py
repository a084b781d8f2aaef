"""Images as columns of patches and back, with the signatures of torch.nn.functional."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

from .._mindspore import fresh_operators
from .._mindspore.compile_time import compile_time
from ._linear_map import linear_map

__all__ = ["fold", "unfold"]

_cast = ops.Cast()
_reshape = ops.Reshape()
_reshape_to_fresh = fresh_operators.Reshape()

_DTYPES = {"Int8": "Char", "UInt8": "Byte", "Int16": "Short", "Int32": "Int", "Int64": "Long"}


def unfold(
    input: Tensor,
    kernel_size: int | Sequence[int],
    dilation: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    stride: int | Sequence[int] = 1,
) -> Tensor:
    """Make columns of the patches of images, as ``torch.nn.functional.unfold``.

    Args:
        input (Tensor): shape (N, C, H, W), or (C, H, W).
        kernel_size, dilation, padding, stride (int or sequence of 2 ints): of the patches, (height, width). `padding`
            are zeros at all sides.

    Returns:
        Tensor of shape (N, C * kH * kW, L), or (C * kH * kW, L), L being the number of patches: the product over both
        axes of (size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1.

    Raises:
        RuntimeError, TypeError, IndexError, NotImplementedError: As torch does, with torch's sentence.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> print(F.unfold(Tensor(np.arange(6, dtype=np.float32).reshape(1, 2, 3)), 2))
        [[0. 1.]
         [1. 2.]
         [3. 4.]
         [4. 5.]]
    """
    operator, inside = _unfold(input.shape, input.dtype, kernel_size, dilation, padding, stride)
    if inside is None:
        return operator(input)
    return _cast(operator(_cast(input, inside)), input.dtype)


def fold(
    input: Tensor,
    output_size: int | Sequence[int],
    kernel_size: int | Sequence[int],
    dilation: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    stride: int | Sequence[int] = 1,
) -> Tensor:
    """Sum columns of patches up to images, as ``torch.nn.functional.fold``.

    Args:
        input (Tensor): shape (N, C * kH * kW, L), or (C * kH * kW, L).
        output_size (int or sequence of 2 ints): (height, width) of the images.
        kernel_size, dilation, padding, stride (int or sequence of 2 ints): of the patches: see :func:`unfold`.

    Returns:
        Tensor of shape (N, C, output_size[0], output_size[1]), or (C, output_size[0], output_size[1]).

    Raises:
        RuntimeError, TypeError, NotImplementedError: As torch does, with torch's sentence.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> print(F.fold(Tensor(np.ones((4, 2), np.float32)), (2, 3), 2))
        [[[1. 2. 1.]
          [1. 2. 1.]]]
    """
    operator, inside = _fold(input.shape, input.dtype, output_size, kernel_size, dilation, padding, stride)
    if inside is None:
        return operator(input)
    return _cast(operator(_cast(input, inside)), input.dtype)


def _pair(name: str, kernel: str, argument: str, value: Any) -> tuple[int, int]:
    values = tuple(value) if isinstance(value, Iterable) and not isinstance(value, (str, bytes)) else (value, value)
    for position, element in enumerate(values):
        if isinstance(element, bool) or not isinstance(element, Integral):
            raise TypeError(
                f"For '{name}', {kernel}(): argument '{argument}' must be tuple of ints, but found element of type "
                f"{type(element).__name__} at pos {position}."
            )
    if len(values) != 2:
        raise RuntimeError(f"For '{name}', It is expected {argument} equals to 2, but got size {len(values)}.")
    return int(values[0]), int(values[1])


def _check_steps(name: str, **steps: tuple[int, int]) -> None:
    for argument, (height, width) in steps.items():
        if argument == "padding":
            if min(height, width) < 0:
                raise RuntimeError(
                    f"For '{name}', padding should be non-negative, but got pad_height: {height} pad_width: {width}."
                )
        elif min(height, width) <= 0:
            title = {"kernel_size": "kernel size"}.get(argument, argument)
            short = argument.removesuffix("_size")
            raise RuntimeError(
                f"For '{name}', {title} should be greater than zero, but got {short}_height: {height} "
                f"{short}_width: {width}."
            )


def _count(size: int, kernel_size: int, dilation: int, padding: int, stride: int) -> int:
    return (size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1


def _dtype_inside(name: str, kernel: str, dtype: Any) -> Any:
    """The dtype to compute in, unless it is the input's."""
    if dtype in (ms.float32, ms.float64, ms.complex64, ms.complex128):
        return None
    if dtype in (ms.float16, ms.bfloat16, ms.bool_):
        return ms.float32
    given = _DTYPES.get(str(dtype), dtype)
    raise NotImplementedError(f"For '{name}', \"{kernel}_out_cpu\" not implemented for '{given}'.")


def _find_unfold(
    shape: Any, dtype: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any
) -> tuple[nn.Cell, Any]:
    name = "unfold"
    kernel_size = _pair(name, "im2col", "kernel_size", kernel_size)
    dilation, padding, stride = (
        _pair(name, "im2col", argument, value)
        for argument, value in (("dilation", dilation), ("padding", padding), ("stride", stride))
    )
    _check_steps(name, kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)
    if len(shape) < 3:
        place = f"[-{len(shape)}, {len(shape) - 1}]"
        raise IndexError(
            f"For '{name}', Dimension out of range (expected to be in range of {place}, but got {len(shape)})."
        )
    if len(shape) > 4 or 0 in (shape if len(shape) == 3 else shape[1:]):
        raise RuntimeError(
            f"For '{name}', Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {list(shape)}."
        )
    channels, *size = shape[-3:]
    if any(length is None or length < 0 for length in (channels, *size)):
        raise ValueError(f"For '{name}', channels, height and width must be known when the graph is compiled.")
    counts = tuple(map(_count, size, kernel_size, dilation, padding, stride))
    if min(counts) < 1:
        raise RuntimeError(
            f"For '{name}', Given input with spatial size {tuple(size)}, kernel_size={kernel_size}, "
            f"dilation={dilation}, padding={padding}, calculated shape of the array of sliding blocks as {counts}, but "
            "its components must be at least one."
        )
    inside = _dtype_inside(name, "im2col", dtype)
    if shape[0] == 0:
        return _Empty((channels * kernel_size[0] * kernel_size[1], counts[0] * counts[1])), inside
    arguments = (channels, tuple(size), kernel_size, dilation, padding, stride, len(shape) == 4)
    return linear_map(_make_unfold, arguments), inside


def _find_fold(
    shape: Any, dtype: Any, output_size: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any
) -> tuple[nn.Cell, Any]:
    name = "fold"
    output_size, kernel_size, dilation, padding, stride = (
        _pair(name, "col2im", argument, value) for argument, value in (
            ("output_size", output_size), ("kernel_size", kernel_size), ("dilation", dilation), ("padding", padding),
            ("stride", stride),
        )
    )
    _check_steps(name, kernel_size=kernel_size, stride=stride, dilation=dilation, padding=padding)
    if len(shape) not in (2, 3) or 0 in (shape if len(shape) == 2 else shape[1:]):
        raise RuntimeError(
            f"For '{name}', Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero "
            f"dimensions for input, but got: {list(shape)}."
        )
    planes, length = shape[-2:]
    if any(one is None or one < 0 for one in (planes, length)):
        raise ValueError(f"For '{name}', all sizes but the batch must be known when the graph is compiled.")
    elements = kernel_size[0] * kernel_size[1]
    if planes % elements:
        raise RuntimeError(
            f"For '{name}', Expected size of input's dimension 1 to be divisible by the product of kernel_size, but "
            f"got input.size(1)={planes} and kernel_size={kernel_size}."
        )
    counts = tuple(map(_count, output_size, kernel_size, dilation, padding, stride))
    given = (
        f"Given output_size={output_size}, kernel_size={kernel_size}, dilation={dilation}, padding={padding}, "
        f"stride={stride}"
    )
    if length != counts[0] * counts[1]:
        raise RuntimeError(
            f"For '{name}', {given}, expected size of input's dimension 2 to match the calculated number of sliding "
            f"blocks {counts[0]} * {counts[1]} = {counts[0] * counts[1]}, but got input.size(2)={length}."
        )
    if min(counts) < 1:
        raise RuntimeError(
            f"For '{name}', {given}, calculated shape of the array of sliding blocks as {counts}, which is too small "
            "(non-positive)."
        )
    if min(output_size) < 1:
        raise RuntimeError(
            f"For '{name}', Expected output spatial size to be positive, but got: output_size={output_size}."
        )
    inside = _dtype_inside(name, "col2im", dtype)
    if shape[0] == 0:
        return _Empty((planes // elements, *output_size)), inside
    arguments = (planes // elements, output_size, kernel_size, dilation, padding, stride, len(shape) == 3)
    return linear_map(_make_fold, arguments), inside


_unfold = compile_time(_find_unfold)
_fold = compile_time(_find_fold)


def _make_unfold(is_transposed: bool, *arguments: Any) -> nn.Cell:
    return (_Fold if is_transposed else _Unfold)(*arguments)


def _make_fold(is_transposed: bool, *arguments: Any) -> nn.Cell:
    return _make_unfold(not is_transposed, *arguments)


class _Unfold(nn.Cell):
    """Images to columns."""

    def __init__(
        self, channels: int, size: tuple[int, int], kernel_size: tuple[int, int], dilation: tuple[int, int],
        padding: tuple[int, int], stride: tuple[int, int], is_batch: bool,
    ) -> None:
        super().__init__()
        self.operator = ops.Im2Col(ksizes=kernel_size, strides=stride, dilations=dilation, pads=padding)
        counts = tuple(map(_count, size, kernel_size, dilation, padding, stride))
        columns = (channels * kernel_size[0] * kernel_size[1], counts[0] * counts[1])
        self.images = (-1, channels, *size)
        self.columns = (-1, *columns) if is_batch else columns

    def construct(self, input):  # type: ignore[no-untyped-def]
        return _reshape_to_fresh(self.operator(_reshape(input, self.images)), self.columns)


class _Fold(nn.Cell):
    """Columns to images."""

    def __init__(
        self, channels: int, size: tuple[int, int], kernel_size: tuple[int, int], dilation: tuple[int, int],
        padding: tuple[int, int], stride: tuple[int, int], is_batch: bool,
    ) -> None:
        super().__init__()
        self.operator = ops.Col2Im(kernel_size=kernel_size, stride=stride, dilation=dilation, padding=padding)
        counts = tuple(map(_count, size, kernel_size, dilation, padding, stride))
        self.size = Tensor(np.array(size, np.int32))
        self.columns = (-1, channels, kernel_size[0] * kernel_size[1], counts[0] * counts[1])
        self.images = (-1, channels, *size) if is_batch else (channels, *size)

    def construct(self, input):  # type: ignore[no-untyped-def]
        return _reshape_to_fresh(self.operator(_reshape(input, self.columns), self.size), self.images)


class _Empty(nn.Cell):
    """What is made of an empty batch, which Im2Col refuses (MS-18)."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = (0, *shape)

    def construct(self, input):  # type: ignore[no-untyped-def]
        return _reshape(input, self.shape)
