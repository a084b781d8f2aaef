"""Average pools, with the signatures of torch.nn.functional."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import mindspore as ms
from mindspore import Tensor, ops

from .._mindspore.compile_time import compile_time, is_in_graph
from . import _avg_pooling_cells
from ._avg_pooling_float64 import AvgPoolFloat64
from ._errors import fail
from ._pooling_arguments import Window, avg_output, avg_window, check_dtype
from ._pooling_cells import axes_to

__all__ = ["avg_pool1d", "avg_pool2d", "avg_pool3d"]

_cast = ops.Cast()
_negate = ops.Neg()
_reshape = ops.Reshape()


def avg_pool1d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window, as ``torch.nn.functional.avg_pool1d``.

    Args:
        input (Tensor): shape (N, C, L), or (C, L) without a batch.
        kernel_size, stride, padding (int or sequence of 1 int): in samples; stride is kernel_size by default.
        ceil_mode (bool): whether a last window that reaches over the end counts.
        count_include_pad (bool): whether the zeros of the padding count.

    Returns:
        Tensor of shape (N, C, L_out), or (C, L_out), with L_out = (L + 2 * padding - kernel_size) / stride + 1,
        rounded down, or up in ceil_mode.

    Raises:
        RuntimeError, TypeError: If torch raises it, with torch's sentence.

    Differences from torch:
        Integers are refused.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> print(F.avg_pool1d(Tensor([[1.0, 3.0, 2.0, 6.0]]), 2))
        [[2. 4.]]
    """
    return _avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window, as ``torch.nn.functional.avg_pool2d``.

    Args:
        input (Tensor): shape (N, C, H, W), or (C, H, W) without a batch.
        kernel_size, stride, padding (int or sequence of 1 or 2 ints): in pixels, (height, width); stride is
            kernel_size by default.
        ceil_mode (bool): whether a last window that reaches over the end counts.
        count_include_pad (bool): whether the zeros of the padding count.
        divisor_override (int, optional): divides the sums instead of the number of elements.

    Returns:
        Tensor of shape (N, C, H_out, W_out), or (C, H_out, W_out), with
        H_out = (H + 2 * padding[0] - kernel_size[0]) / stride[0] + 1, rounded down, or up in ceil_mode; W_out likewise.

    Raises:
        RuntimeError, IndexError, TypeError: If torch raises it, with torch's sentence.

    Differences from torch:
        Integers are refused.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> input = Tensor(np.ones((1, 1, 3, 4), np.float32))
        >>> print(F.avg_pool2d(input, (3, 2), padding=(1, 0)))
        [[[[0.6666667 0.6666667]]]]
    """
    return _avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def avg_pool3d(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window, as ``torch.nn.functional.avg_pool3d``.

    Args:
        input (Tensor): shape (N, C, D, H, W), or (C, D, H, W) without a batch.
        kernel_size, stride, padding (int or sequence of 1 or 3 ints): (depth, height, width); stride is kernel_size by
            default.
        ceil_mode, count_include_pad, divisor_override: as :func:`avg_pool2d` has them.

    Returns:
        Tensor of shape (N, C, D_out, H_out, W_out), or without N, with sizes as of :func:`avg_pool2d`.

    Raises:
        RuntimeError, TypeError: If torch raises it, with torch's sentence.

    Differences from torch:
        Integers are refused.

    Examples:
        >>> import mindspore as ms
        >>> from mscompat import functional as F
        >>> F.avg_pool3d(ms.ops.zeros((1, 2, 4, 5, 6)), 2).shape
        (1, 2, 2, 2, 3)
    """
    return _avg_pool(
        "avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def _avg_pool(
    name: str, dimensions: int, input: Any, kernel_size: Any, stride: Any, padding: Any, ceil_mode: Any,
    count_include_pad: Any, divisor: Any,
) -> Tensor:
    if not isinstance(input, Tensor):
        raise TypeError(f"For '{name}', argument 'input' must be Tensor.")
    dtype = input.dtype
    pool, is_cast, empty_shape, is_negative = _avg_plan(
        is_in_graph(), name, dimensions, input.shape, dtype, kernel_size, stride, padding, ceil_mode,
        count_include_pad, divisor,
    )
    if is_cast:
        input = _cast(input, ms.float32)
    output = _reshape(input, empty_shape) if empty_shape is not None else pool(input)
    if is_negative:
        output = _negate(output)
    if is_cast:
        output = _cast(output, dtype)
    return output


# A plan is made while a graph is compiled, and once for each shape in PyNative mode. A list cannot be looked up.
@compile_time
def _avg_plan(*arguments: Any) -> tuple[Any, ...]:
    return _make_avg_plan(*(tuple(one) if isinstance(one, list) else one for one in arguments))


@functools.lru_cache(maxsize=1024, typed=True)
def _make_avg_plan(
    is_graph: bool, name: str, dimensions: int, shape: tuple[Any, ...], dtype: Any, kernel_size: Any, stride: Any,
    padding: Any, ceil_mode: Any, count_include_pad: Any, divisor: Any,
) -> tuple[Any, ...]:
    window = avg_window(
        name, dimensions, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor
    )
    sizes = avg_output(name, window, shape, divisor)
    check_dtype(name, f"avg_pool{max(dimensions, 2)}d", dtype, ())
    empty_shape = (*shape[:-dimensions], *sizes) if any(size == 0 for size in shape) else None
    divide_by = None if divisor is None else abs(divisor)
    if dtype == ms.float64 and empty_shape is None:
        if None in sizes:
            fail(name, "float64 takes sizes that are known before the call")
        pool: Any = AvgPoolFloat64(window, shape, sizes, count_include_pad, divide_by)
    else:
        pool = _avg_pool_cell(is_graph, window, len(shape), sizes, shape[-dimensions:], count_include_pad, divide_by)
    return pool, dtype in (ms.float16, ms.bfloat16), empty_shape, divisor is not None and divisor < 0


def _avg_pool_cell(
    is_graph: bool, window: Window, rank: int, sizes: tuple[Any, ...], inner: tuple[Any, ...], count_include_pad: bool,
    divisor: int | None,
) -> Any:
    dimensions = len(window.kernel)
    is_whole = not window.ceil_mode or (
        None not in sizes and all(window.reach(axis, sizes[axis]) <= inner[axis] for axis in range(dimensions))
    )
    if dimensions < 3 and is_whole and not any(window.padding) and divisor is None:
        # The operator of two dimensions is faster.
        window = window.of_axes(2)
        return _avg_pooling_cells.avg_pool(window, True, None, axes_to(4, dimensions, rank), is_graph)
    axes = axes_to(5, dimensions, rank)
    return _avg_pooling_cells.avg_pool(window.of_axes(3), count_include_pad, divisor, axes, is_graph)
