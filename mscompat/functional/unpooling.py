"""Partial inverses of max pools, with the signatures of torch.nn.functional."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any

import mindspore as ms
from mindspore import Tensor, ops

from .._mindspore.compile_time import compile_time, is_in_graph
from . import _max_pooling_cells
from ._errors import fail
from ._pooling_arguments import check_dtype, is_known

__all__ = ["max_unpool2d"]

_cast = ops.Cast()
_reshape = ops.Reshape()


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Put values where a max pool found them, among zeros, as ``torch.nn.functional.max_unpool2d``.

    Args:
        input (Tensor): shape (N, C, H, W), or (C, H, W) without a batch: output of :func:`max_pool2d`.
        indices (Tensor): of :func:`max_pool2d`, int64.
        kernel_size, stride, padding (int or sequence of 2 ints): those of :func:`max_pool2d`.
        output_size (sequence of 2 or 4 ints, optional): the size of what was pooled, where it is not the usual one.

    Returns:
        Tensor of shape (N, C, H_out, W_out), or (C, H_out, W_out), with
        H_out = (H - 1) * stride[0] - 2 * padding[0] + kernel_size[0], W_out likewise; or those of `output_size`.

    Raises:
        RuntimeError, TypeError, ValueError: If torch raises it, with torch's sentence.

    Differences from torch:
        The sentence on an index that is out of range is MindSpore's own.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> input = Tensor(np.array([[[[1, 2], [4, 3]]]], np.float32))
        >>> output, indices = F.max_pool2d(input, 2, return_indices=True)
        >>> print(F.max_unpool2d(output, indices, 2))
        [[[[0. 0.]
           [4. 0.]]]]
    """
    if not isinstance(input, Tensor):
        raise TypeError("For 'max_unpool2d', argument 'input' must be Tensor.")
    if not isinstance(indices, Tensor):
        raise TypeError("For 'max_unpool2d', argument 'indices' must be Tensor.")
    dtype = input.dtype
    unpool, is_cast, empty_shape = _plan(
        is_in_graph(), input.shape, dtype, indices.shape, indices.dtype, kernel_size, stride, padding, output_size
    )
    if is_cast:
        input = _cast(input, ms.float32)
    output = _reshape(input, empty_shape) if empty_shape is not None else unpool(input, indices)
    if is_cast:
        output = _cast(output, dtype)
    return output


@compile_time
def _plan(*arguments: Any) -> tuple[Any, ...]:
    return _make_plan(*(tuple(one) if isinstance(one, list) else one for one in arguments))


@functools.lru_cache(maxsize=1024, typed=True)
def _make_plan(
    is_graph: bool, shape: tuple[Any, ...], dtype: Any, indices_shape: tuple[Any, ...], indices_dtype: Any,
    kernel_size: Any, stride: Any, padding: Any, output_size: Any,
) -> tuple[Any, ...]:
    name = "max_unpool2d"
    kernel = _pair(name, kernel_size)
    steps = kernel if stride is None else _pair(name, stride)
    pads = _pair(name, padding)
    sizes = _output_size(name, shape, kernel, steps, pads, output_size)
    if indices_dtype != ms.int64:
        word = {"Float32": "Float", "Float64": "Double", "Int32": "Int"}.get(str(indices_dtype), str(indices_dtype))
        fail(name, f"elements in indices should be type int64 but got: {word}")
    rank = len(shape)
    if rank not in (3, 4):
        fail(
            name, f"Input to max_unpooling2d should be a 3d or 4d Tensor, but got a tensor with {rank} dimensions."
        )
    if shape != indices_shape:
        fail(
            name,
            f"Expected shape of indices to be same as that of the input tensor ({list(shape)}) but got indices tensor "
            f"with shape: {list(indices_shape)}",
        )
    for axis in range(1, rank):
        if shape[axis] == 0:
            fail(
                name,
                "max_unpooling2d_forward_out_cpu(): Expected input to have non-zero size for non-batch dimensions, but "
                f"got {list(shape)} with dimension {axis} being empty",
            )
    check_dtype(name, name, dtype, ())
    outer = shape[:rank - 2]
    is_cast = dtype in (ms.float16, ms.bfloat16)
    if 0 in shape or 0 in sizes:
        return None, is_cast, (*outer, *sizes)
    whole = (*(1,) * (4 - rank), *outer, *sizes)
    return _max_pooling_cells.max_unpool(kernel, steps, pads, whole, rank, is_graph), is_cast, None


def _pair(name: str, value: Any) -> tuple[int, int]:
    values = tuple(value) if isinstance(value, Iterable) else (value, value)
    for element in values:
        if isinstance(element, bool) or not isinstance(element, Integral):
            found = f"found element of type {type(element).__name__} at pos 0"
            fail(name, f"argument 'output_size' must be tuple of ints, but {found}", TypeError)
    if len(values) != 2:
        fail(name, "tuple index out of range", IndexError)
    return int(values[0]), int(values[1])


def _output_size(
    name: str, shape: tuple[Any, ...], kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int],
    output_size: Any,
) -> tuple[int, int]:
    if len(shape) < 2 or not all(map(is_known, shape)):
        fail(name, "the shape must be known before the call, and have 3 or 4 axes")
    usual = [
        (size - 1) * step + length - 2 * pad
        for size, step, length, pad in zip(shape[-2:], stride, kernel, padding, strict=True)
    ]
    sizes = usual
    if output_size is not None:
        if isinstance(output_size, Integral):
            fail(name, "object of type 'int' has no len()", TypeError)
        sizes = list(output_size[2:] if len(output_size) == 4 else output_size)
        if len(sizes) != 2:
            fail(
                name,
                "output_size should be a sequence containing 2 or 4 elements, but it has a length of "
                f"'{len(output_size)}'",
                ValueError,
            )
        for axis, size in enumerate(sizes):
            low, high = usual[axis] - stride[axis], usual[axis] + stride[axis]
            if not low < size < high:
                shown = type(output_size)(sizes)
                fail(name, f'invalid output_size "{shown}" (dim {axis} must be between {low} and {high})', ValueError)
    for axis, size in enumerate(sizes):
        if size < 0:
            fail(
                name,
                "max_unpooling: output_size must contain non-negative spatial dimensions, but got "
                f"output_size[{axis}]={size}",
                ValueError,
            )
    return int(sizes[0]), int(sizes[1])
