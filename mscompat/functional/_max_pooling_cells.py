"""Max pools, their gradients and partial inverses as cells that are each other's derivatives: see _pooling_cells.py.

Their indices have five axes, whatever the values have.
"""

from __future__ import annotations

import functools
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

from .._mindspore.pooling_gradients import MaxPool3DGradWithArgmax, has_pooling_gradients
from ._pooling_arguments import Window
from ._pooling_cells import PoolCell, axes_to, is_linked

__all__: list[str] = []

_cast = ops.Cast()
_gather = ops.GatherD()
_gather_axis = ops.Gather()
_reshape = ops.Reshape()
_zeros_like = ops.ZerosLike()


@functools.lru_cache(maxsize=1024)
def max_pool(window: Window, axes: tuple[int, ...], is_graph: bool, order: int = 0) -> Any:
    """(input) -> (output, indices). `axes` are added to the input, one after the other, to make five."""
    operator = ops.MaxPool3DWithArgmax(window.kernel, window.stride, window.padding, window.dilation, window.ceil_mode)
    return (_MaxPool if is_linked(order) else _BareMaxPool)(operator, axes, is_graph, window, order)


@functools.lru_cache(maxsize=1024)
def adaptive_max_pool(
    input_size: tuple[Any, ...], output_size: tuple[int, ...], axes: tuple[int, ...], is_graph: bool, order: int = 0
) -> Any:
    """(input) -> (output, indices), of three axes. An input size may be None."""
    operator = _AdaptiveMaxPool(output_size) if None in input_size else _UnevenMaxPool(input_size, output_size)
    return (_MaxPool if is_linked(order) else _BareMaxPool)(operator, axes, is_graph, None, order)


@functools.lru_cache(maxsize=1024)
def max_unpool(
    kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int], output_shape: tuple[int, ...],
    rank: int, is_graph: bool,
) -> Any:
    """(values, indices) -> zeros of the output's shape with the values among them. Of two dimensions."""
    operator = ops.MaxUnpool2D(kernel, stride, padding, output_shape)
    return (_MaxUnpool if has_pooling_gradients else _BareMaxUnpool)(operator, rank, is_graph)


@functools.lru_cache(maxsize=1024)
def scatter(window: Window | None, axes: tuple[int, ...], is_graph: bool, order: int = 0) -> Any:
    """(values, indices, array) -> zeros of the array's shape with the values added."""
    one, none = (1, 1, 1), (0, 0, 0)
    if window is None:
        operator = MaxPool3DGradWithArgmax(one, one, none)
    else:
        operator = MaxPool3DGradWithArgmax(
            window.kernel, window.stride, window.padding, window.dilation, window.ceil_mode
        )
    return (_Scatter if is_linked(order) else _BareScatter)(operator, axes, is_graph, window, order)


@functools.lru_cache(maxsize=1024)
def gather(window: Window | None, axes: tuple[int, ...], is_graph: bool, order: int = 0) -> Any:
    """(array, indices) -> values."""
    return (_Gather if is_linked(order) else _BareGather)(axes, is_graph, window, order)


class _BareMaxPool(PoolCell):
    """(input) -> (output, indices)."""

    def __init__(
        self, operator: Any, axes: tuple[int, ...], is_graph: bool, window: Window | None, order: int
    ) -> None:
        super().__init__(axes, is_graph)
        self.operator = operator
        self.link = (window, axes, is_graph, order + 1)

    def construct(self, input):  # type: ignore[no-untyped-def]
        output, indices = self.operator(self.expand(input))
        return self.reduce(output), indices

    # Built lazily, with an explicit derivative order: a cycle makes Graph mode recurse without end.
    @property
    def scatter(self) -> Any:
        return scatter(*self.link)


class _MaxPool(_BareMaxPool):
    """(input) -> (output, indices)."""

    def bprop(self, input, output, gradient):  # type: ignore[no-untyped-def]
        return (self.scatter(gradient[0], output[1], input),)


class _AdaptiveMaxPool(nn.Cell):
    """(input) -> (output, indices), for sizes that are not known before the call. MindSpore's drops NaN (MS-50)."""

    def __init__(self, output_size: tuple[int, ...]) -> None:
        super().__init__()
        self.operator = ops.AdaptiveMaxPool3D()
        self.output_size = Tensor(output_size, ms.int32)

    def construct(self, input):  # type: ignore[no-untyped-def]
        output, indices = self.operator(input, self.output_size)
        return output, _cast(indices, ms.int64)


class _UnevenMaxPool(nn.Cell):
    """(input) -> (output, indices), of windows of several sizes: the smaller ones get their last elements twice."""

    def __init__(self, input_size: tuple[int, ...], output_size: tuple[int, ...]) -> None:
        super().__init__()
        rows = [_window_positions(*sizes) for sizes in zip(input_size, output_size, strict=True)]
        kernel = tuple(len(row) // size for row, size in zip(rows, output_size, strict=True))
        self.operator = ops.MaxPool3DWithArgmax(kernel, kernel, (0, 0, 0))
        depth, height, width = (np.array(row) for row in rows)
        places = (depth[:, None, None] * input_size[1] + height[:, None]) * input_size[2] + width
        self.places = Tensor(places.ravel(), ms.int64)
        self.depth, self.height, self.width = (Tensor(row, ms.int64) for row in rows)

    def construct(self, input):  # type: ignore[no-untyped-def]
        input = _gather_axis(_gather_axis(_gather_axis(input, self.depth, 2), self.height, 3), self.width, 4)
        output, indices = self.operator(input)
        return output, _gather_axis(self.places, indices, 0)


def _window_positions(input_size: int, output_size: int) -> list[int]:
    """Where the elements of the windows of one axis are, all windows as long as the longest."""
    starts = [index * input_size // output_size for index in range(output_size)]
    ends = [-((index + 1) * input_size // -output_size) for index in range(output_size)]
    length = max(end - start for start, end in zip(starts, ends, strict=True))
    return [
        min(start + offset, end - 1) for start, end in zip(starts, ends, strict=True) for offset in range(length)
    ]


class _BareScatter(PoolCell):
    """(values, indices, array) -> zeros of the array's shape with the values added."""

    def __init__(
        self, operator: Any, axes: tuple[int, ...], is_graph: bool, window: Window | None, order: int
    ) -> None:
        super().__init__(axes, is_graph)
        self.operator = operator
        self.link = (window, axes, is_graph, order + 1)

    def construct(self, values, indices, array):  # type: ignore[no-untyped-def]
        return self.reduce(self.operator(self.expand(array), self.expand(values), indices))

    @property
    def gather(self) -> Any:
        return gather(*self.link)


class _Scatter(_BareScatter):
    """(values, indices, array) -> zeros of the array's shape with the values added."""

    def bprop(self, values, indices, array, output, gradient):  # type: ignore[no-untyped-def]
        return self.gather(gradient, indices), _zeros_like(indices), _zeros_like(array)


class _BareGather(PoolCell):
    """(array, indices) -> values."""

    def __init__(self, axes: tuple[int, ...], is_graph: bool, window: Window | None, order: int) -> None:
        super().__init__(axes, is_graph)
        self.link = (window, axes, is_graph, order + 1)

    def construct(self, array, indices):  # type: ignore[no-untyped-def]
        array = self.expand(array)
        planes = (*array.shape[:2], -1)
        values = _gather(_reshape(array, planes), 2, _reshape(indices, planes))
        return self.reduce_view(_reshape(values, indices.shape))

    @property
    def scatter(self) -> Any:
        return scatter(*self.link)


class _Gather(_BareGather):
    """(array, indices) -> values."""

    def bprop(self, array, indices, output, gradient):  # type: ignore[no-untyped-def]
        return self.scatter(gradient, indices, array), _zeros_like(indices)


class _BareMaxUnpool(PoolCell):
    """(values, indices) -> output."""

    def __init__(self, operator: Any, rank: int, is_graph: bool) -> None:
        super().__init__(axes_to(4, 2, rank), is_graph)
        self.operator = operator
        self.gather = gather(None, axes_to(5, 2, rank), is_graph)
        self.expand_indices = self.gather.expand

    def construct(self, values, indices):  # type: ignore[no-untyped-def]
        return self.reduce(self.operator(self.expand(values), self.expand(indices)))


class _MaxUnpool(_BareMaxUnpool):
    """(values, indices) -> output."""

    def bprop(self, values, indices, output, gradient):  # type: ignore[no-untyped-def]
        return self.gather(gradient, self.expand_indices(indices)), _zeros_like(indices)
