"""Pools whose output has a given size, with the signatures of torch.nn.functional."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import mindspore as ms
from mindspore import Tensor, ops

from .._mindspore.compile_time import compile_time, is_in_graph
from . import _avg_pooling_cells, _max_pooling_cells
from ._adaptive_pooling_arguments import adaptive_avg_sizes, adaptive_max_sizes
from ._pooling_arguments import Window, check_dtype, is_known
from ._pooling_cells import axes_to, without

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
]

_cast = ops.Cast()
_reshape = ops.Reshape()


def adaptive_avg_pool1d(input: Tensor, output_size: int | Sequence[int | None] | None) -> Tensor:
    """Means of windows that share out the input evenly, as ``torch.nn.functional.adaptive_avg_pool1d``.

    Args:
        input (Tensor): shape (N, C, L), or (C, L) without a batch.
        output_size (int or sequence of 1 int): L_out.

    Returns:
        Tensor of shape (N, C, L_out), or (C, L_out).

    Raises:
        RuntimeError, TypeError: If torch raises it, with torch's sentence.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> print(F.adaptive_avg_pool1d(Tensor([[1.0, 3.0, 2.0]]), 2))
        [[2.  2.5]]
    """
    return _adaptive_avg_pool("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: int | Sequence[int | None] | None) -> Tensor:
    """Means of windows that share out the input evenly, as ``torch.nn.functional.adaptive_avg_pool2d``.

    Args:
        input (Tensor): shape (N, C, H, W), or (C, H, W) without a batch.
        output_size (int or sequence of 2 ints or None): (H_out, W_out); None is the input's.

    Returns:
        Tensor of shape (N, C, H_out, W_out), or (C, H_out, W_out).

    Raises:
        RuntimeError, TypeError, ValueError: If torch raises it, with torch's sentence.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> print(F.adaptive_avg_pool2d(Tensor(np.arange(12, dtype=np.float32).reshape(1, 3, 4)), (1, None)))
        [[[4. 5. 6. 7.]]]
    """
    return _adaptive_avg_pool("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: int | Sequence[int | None] | None) -> Tensor:
    """Means of windows that share out the input evenly, as ``torch.nn.functional.adaptive_avg_pool3d``.

    Args:
        input (Tensor): shape (N, C, D, H, W), or (C, D, H, W) without a batch.
        output_size (int or sequence of 3 ints or None): (D_out, H_out, W_out); None is the input's.

    Returns:
        Tensor of shape (N, C, D_out, H_out, W_out), or without N.

    Raises:
        RuntimeError, TypeError, ValueError: If torch raises it, with torch's sentence.

    Examples:
        >>> import mindspore as ms
        >>> from mscompat import functional as F
        >>> F.adaptive_avg_pool3d(ms.ops.zeros((1, 2, 4, 5, 6)), (1, None, 4)).shape
        (1, 2, 1, 5, 4)
    """
    return _adaptive_avg_pool("adaptive_avg_pool3d", 3, input, output_size)


def adaptive_max_pool1d(
    input: Tensor, output_size: int | Sequence[int | None] | None, return_indices: bool = False
) -> Any:
    """Largest values of windows that share out the input evenly, as ``torch.nn.functional.adaptive_max_pool1d``.

    Args:
        input (Tensor): shape (N, C, L), or (C, L) without a batch.
        output_size (int or sequence of 1 int): L_out.
        return_indices (bool): whether to return (output, indices of the largest values).

    Returns:
        Tensor of shape (N, C, L_out), or (C, L_out).

    Raises:
        RuntimeError, TypeError: If torch raises it, with torch's sentence.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> print(F.adaptive_max_pool1d(Tensor([[1.0, 2.0, 3.0]]), 2))
        [[2. 3.]]
    """
    return _adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size, return_indices)


def adaptive_max_pool2d(
    input: Tensor, output_size: int | Sequence[int | None] | None, return_indices: bool = False
) -> Any:
    """Largest values of windows that share out the input evenly, as ``torch.nn.functional.adaptive_max_pool2d``.

    Args:
        input (Tensor): shape (N, C, H, W), or (C, H, W) without a batch.
        output_size (int or sequence of 2 ints or None): (H_out, W_out); None is the input's.
        return_indices (bool): whether to return (output, indices of the largest values in their planes).

    Returns:
        Tensor of shape (N, C, H_out, W_out), or (C, H_out, W_out).

    Raises:
        RuntimeError, TypeError, ValueError: If torch raises it, with torch's sentence.

    Examples:
        >>> import numpy as np
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> print(F.adaptive_max_pool2d(Tensor(np.arange(12, dtype=np.float32).reshape(1, 3, 4)), 1))
        [[[11.]]]
    """
    return _adaptive_max_pool("adaptive_max_pool2d", 2, input, output_size, return_indices)


def adaptive_max_pool3d(
    input: Tensor, output_size: int | Sequence[int | None] | None, return_indices: bool = False
) -> Any:
    """Largest values of windows that share out the input evenly, as ``torch.nn.functional.adaptive_max_pool3d``.

    Args:
        input (Tensor): shape (N, C, D, H, W), or (C, D, H, W) without a batch.
        output_size (int or sequence of 3 ints or None): (D_out, H_out, W_out); None is the input's.
        return_indices (bool): whether to return (output, indices of the largest values in their volumes).

    Returns:
        Tensor of shape (N, C, D_out, H_out, W_out), or without N.

    Raises:
        RuntimeError, TypeError, ValueError: If torch raises it, with torch's sentence.

    Examples:
        >>> import mindspore as ms
        >>> from mscompat import functional as F
        >>> F.adaptive_max_pool3d(ms.ops.zeros((1, 2, 4, 5, 6)), (1, None, 4)).shape
        (1, 2, 1, 5, 4)
    """
    return _adaptive_max_pool("adaptive_max_pool3d", 3, input, output_size, return_indices)


def _adaptive_avg_pool(name: str, dimensions: int, input: Any, output_size: Any) -> Tensor:
    if not isinstance(input, Tensor):
        raise TypeError(f"For '{name}', argument 'input' must be Tensor.")
    dtype = input.dtype
    pool, is_cast, empty_shape = _avg_plan(is_in_graph(), name, dimensions, input.shape, dtype, output_size)
    if is_cast:
        input = _cast(input, ms.float32)
    output = _empty(input, empty_shape) if empty_shape is not None else pool(input)
    if is_cast:
        output = _cast(output, dtype)
    return output


def _adaptive_max_pool(name: str, dimensions: int, input: Any, output_size: Any, return_indices: Any) -> Any:
    if not isinstance(input, Tensor):
        raise TypeError(f"For '{name}', argument 'input' must be Tensor.")
    dtype = input.dtype
    pool, squeeze, is_cast, empty_shape = _max_plan(is_in_graph(), name, dimensions, input.shape, dtype, output_size)
    if is_cast:
        input = _cast(input, ms.float32)
    if empty_shape is not None:
        output, indices = _empty(input, empty_shape), ops.zeros(empty_shape, ms.int64)
    else:
        output, indices = pool(input)
    if is_cast:
        output = _cast(output, dtype)
    if return_indices:
        return output, squeeze(indices) if empty_shape is None else indices
    return output


def _empty(input: Tensor, shape: tuple[int, ...]) -> Tensor:
    """No numbers: of an empty batch, or where the output has a size of 0."""
    if 0 in input.shape:
        return _reshape(input, shape)
    return ops.zeros(shape, input.dtype)


# A plan is made while a graph is compiled, and once for each shape in PyNative mode. A list cannot be looked up.
@compile_time
def _avg_plan(
    is_graph: bool, name: str, dimensions: int, shape: tuple[Any, ...], dtype: Any, output_size: Any
) -> tuple[Any, ...]:
    return _make_avg_plan(is_graph, name, dimensions, shape, dtype, _hashable(output_size))


@compile_time
def _max_plan(
    is_graph: bool, name: str, dimensions: int, shape: tuple[Any, ...], dtype: Any, output_size: Any
) -> tuple[Any, ...]:
    return _make_max_plan(is_graph, name, dimensions, shape, dtype, _hashable(output_size))


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@functools.lru_cache(maxsize=1024, typed=True)
def _make_avg_plan(
    is_graph: bool, name: str, dimensions: int, shape: tuple[Any, ...], dtype: Any, output_size: Any
) -> tuple[Any, ...]:
    sizes = adaptive_avg_sizes(name, dimensions, shape, output_size)
    check_dtype(name, _kernel("avg", dimensions), dtype, ())
    is_cast = dtype in (ms.float16, ms.bfloat16)
    if 0 in shape or 0 in sizes:
        return None, is_cast, (*shape[:-dimensions], *sizes)
    count = max(dimensions, 2)
    more = (1,) * (count - dimensions)
    inner, sizes = (*more, *shape[-dimensions:]), (*more, *sizes)
    # The gradients of windows of one size divide float64 in float32 (MS-53).
    kernel = None if dtype == ms.float64 else _even_kernel(inner, sizes)
    axes = axes_to(count + 2, dimensions, len(shape))
    pool = _avg_pooling_cells.adaptive_avg_pool(sizes, kernel, axes, is_graph)
    return pool, is_cast, None


@functools.lru_cache(maxsize=1024, typed=True)
def _make_max_plan(
    is_graph: bool, name: str, dimensions: int, shape: tuple[Any, ...], dtype: Any, output_size: Any
) -> tuple[Any, ...]:
    sizes = adaptive_max_sizes(name, dimensions, shape, output_size)
    check_dtype(name, _kernel("max", dimensions), dtype, ())
    is_cast = dtype in (ms.float16, ms.bfloat16)
    if 0 in shape or 0 in sizes:
        return None, None, is_cast, (*shape[:-dimensions], *sizes)
    more = (1,) * (3 - dimensions)
    inner, sizes = (*more, *shape[-dimensions:]), (*more, *sizes)
    axes, kernel = axes_to(5, dimensions, len(shape)), _even_kernel(inner, sizes)
    squeeze = without(5, dimensions, len(shape))
    if kernel is not None:
        window = Window(kernel, kernel, (0, 0, 0), (1, 1, 1), ceil_mode=False)
        return _max_pooling_cells.max_pool(window, axes, is_graph), squeeze, is_cast, None
    inner = tuple(size if is_known(size) else None for size in inner)
    return _max_pooling_cells.adaptive_max_pool(inner, sizes, axes, is_graph), squeeze, is_cast, None


def _even_kernel(inner: tuple[Any, ...], sizes: tuple[int, ...]) -> tuple[int, ...] | None:
    """The size of all windows, if there is one."""
    if all(is_known(size) and size % number == 0 for size, number in zip(inner, sizes, strict=True)):
        return tuple(size // number for size, number in zip(inner, sizes, strict=True))
    return None


def _kernel(kind: str, dimensions: int) -> str:
    """The name in torch's sentence."""
    return f"adaptive_{kind}_pool3d_cpu" if dimensions == 3 else f"adaptive_{kind}_pool2d"
