"""Max pools, with the signatures of torch.nn.functional."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import mindspore as ms
from mindspore import Tensor, ops

from .._mindspore.compile_time import compile_time, is_in_graph
from . import _max_pooling_cells
from ._errors import fail
from ._pooling_arguments import check_dtype, is_known, max_output, max_window
from ._pooling_cells import axes_to, without

__all__ = ["max_pool1d", "max_pool2d", "max_pool3d"]

_cast = ops.Cast()
_reshape = ops.Reshape()
_INTEGERS = (ms.int8, ms.int16, ms.int32, ms.int64, ms.uint8)


def max_pool1d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest value of each window, as ``torch.nn.functional.max_pool1d``.

    Args:
        input (Tensor): shape (N, C, L), or (C, L) without a batch.
        kernel_size, stride, padding, dilation (int or sequence of 1 int): in samples; stride is kernel_size by default.
            Padding, at both ends, never is the largest.
        ceil_mode (bool): whether a last window that reaches over the end counts.
        return_indices (bool): whether to return (output, indices of the largest values).

    Returns:
        Tensor of shape (N, C, L_out), or (C, L_out), with
        L_out = (L + 2 * padding - dilation * (kernel_size - 1) - 1) / stride + 1, rounded down, or up in ceil_mode.

    Raises:
        RuntimeError, TypeError: If torch raises it, with torch's sentence.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> print(F.max_pool1d(Tensor([[1.0, 3.0, 2.0, float("nan")]]), 2))
        [[ 3. nan]]
    """
    return _max_pool(
        "max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool2d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest value of each window, as ``torch.nn.functional.max_pool2d``.

    Args:
        input (Tensor): shape (N, C, H, W), or (C, H, W) without a batch.
        kernel_size, stride, padding, dilation (int or sequence of 1 or 2 ints): in pixels, (height, width); stride is
            kernel_size by default. Padding, at both ends, never is the largest.
        ceil_mode (bool): whether a last window that reaches over the end counts.
        return_indices (bool): whether to return (output, indices of the largest values in their planes).

    Returns:
        Tensor of shape (N, C, H_out, W_out), or (C, H_out, W_out), with
        H_out = (H + 2 * padding[0] - dilation[0] * (kernel_size[0] - 1) - 1) / stride[0] + 1, rounded down, or up in
        ceil_mode; W_out likewise.

    Raises:
        RuntimeError, TypeError: If torch raises it, with torch's sentence.

    Differences from torch:
        A window whose elements all lie in the padding, which takes a dilation larger than the input, is refused: torch
        returns an index outside of the input.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> print(F.max_pool2d(Tensor(np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)), 3, 2, 1))
        [[[[ 5.  7.]
           [13. 15.]]]]
    """
    return _max_pool(
        "max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool3d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest value of each window, as ``torch.nn.functional.max_pool3d``.

    Args:
        input (Tensor): shape (N, C, D, H, W), or (C, D, H, W) without a batch.
        kernel_size, stride, padding, dilation (int or sequence of 1 or 3 ints): (depth, height, width), as
            :func:`max_pool2d` has them.
        ceil_mode, return_indices (bool): as :func:`max_pool2d` has them.

    Returns:
        Tensor of shape (N, C, D_out, H_out, W_out), or without N, with sizes as of :func:`max_pool2d`.

    Raises:
        RuntimeError, TypeError: If torch raises it, with torch's sentence.

    Examples:
        >>> import mindspore as ms
        >>> from mscompat import functional as F
        >>> F.max_pool3d(ms.ops.zeros((1, 2, 4, 5, 6)), 2).shape
        (1, 2, 2, 2, 3)
    """
    return _max_pool(
        "max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def _max_pool(
    name: str, dimensions: int, input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any,
    return_indices: Any,
) -> Any:
    if not isinstance(input, Tensor):
        raise TypeError(f"For '{name}', argument 'input' must be Tensor.")
    dtype = input.dtype
    pool, squeeze, is_cast, empty_shape = _max_plan(
        is_in_graph(), name, dimensions, input.shape, dtype, kernel_size, stride, padding, dilation, ceil_mode,
        bool(return_indices),
    )
    if is_cast:
        input = _cast(input, ms.float32)
    if empty_shape is not None:
        output, indices = _reshape(input, empty_shape), ops.zeros(empty_shape, ms.int64)
    else:
        output, indices = pool(input)
    if is_cast:
        output = _cast(output, dtype)
    if return_indices:
        return output, squeeze(indices) if empty_shape is None else indices
    return output


# A plan is made while a graph is compiled, and once for each shape in PyNative mode. A list cannot be looked up.
@compile_time
def _max_plan(*arguments: Any) -> tuple[Any, ...]:
    return _make_max_plan(*(tuple(one) if isinstance(one, list) else one for one in arguments))


@functools.lru_cache(maxsize=1024, typed=True)
def _make_max_plan(
    is_graph: bool, name: str, dimensions: int, shape: tuple[Any, ...], dtype: Any, kernel_size: Any, stride: Any,
    padding: Any, dilation: Any, ceil_mode: Any, return_indices: bool,
) -> tuple[Any, ...]:
    window = max_window(
        name, dimensions, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )
    sizes = max_output(name, window, shape, return_indices)
    kernel_name = "max_pool1d_impl" if dimensions == 1 and not return_indices else f"max_pool{max(dimensions, 2)}d"
    allowed = () if kernel_name == "max_pool1d_impl" else _INTEGERS
    check_dtype(name, kernel_name, dtype, allowed)
    for axis, size in enumerate(shape[-dimensions:]):
        if is_known(size) and window.has_empty_windows(axis, size):
            sentence = f"a window has all its elements in the padding: dilation={window.dilation[axis]}, size={size}"
            fail(name, sentence)
    is_empty = any(size == 0 for size in shape)
    pool = _max_pooling_cells.max_pool(window.of_axes(3), axes_to(5, dimensions, len(shape)), is_graph)
    squeeze = without(5, dimensions, len(shape))
    return pool, squeeze, dtype == ms.bfloat16, (*shape[:-dimensions], *sizes) if is_empty else None
