"""Average pools and their gradients as cells that are each other's derivatives: see _pooling_cells.py."""

from __future__ import annotations

import functools
from typing import Any

import mindspore as ms
from mindspore import nn, ops

from .._mindspore.pooling_gradients import AdaptiveAvgPool2DGrad, AdaptiveAvgPool3DGrad, AvgPool3DGrad, AvgPoolGrad
from ._pooling_arguments import Window
from ._pooling_cells import PoolCell, is_linked

__all__: list[str] = []

_cast = ops.Cast()
_shape_tensor = ops.TensorShape()
_zeros_like = ops.ZerosLike()


@functools.lru_cache(maxsize=1024)
def avg_pool(
    window: Window, count_include_pad: bool, divisor: int | None, axes: tuple[int, ...], is_graph: bool, order: int = 0
) -> Any:
    """(input) -> output. Windows of two dimensions have no padding, and no divisor of their own."""
    if len(window.kernel) == 2:
        operator = ops.AvgPool(window.kernel, window.stride)
    else:
        # With a divisor, the gradient is right only if count_include_pad is true (MS-61); it has no meaning there.
        operator = ops.AvgPool3D(
            window.kernel, window.stride, "pad", _pads(window), window.ceil_mode, count_include_pad or bool(divisor),
            divisor or 0,
        )
    again = functools.partial(avg_pool, window, count_include_pad, divisor, axes, is_graph)
    gradient = functools.partial(_avg_pool_gradient, window, count_include_pad, divisor, axes, is_graph)
    return (_AvgPool if is_linked(order) else _BareAvgPool)(operator, axes, is_graph, again, gradient, order)


@functools.lru_cache(maxsize=1024)
def _avg_pool_gradient(
    window: Window, count_include_pad: bool, divisor: int | None, axes: tuple[int, ...], is_graph: bool, order: int
) -> Any:
    if len(window.kernel) == 2:
        operator = _OfInput(AvgPoolGrad(window.kernel, window.stride))
    else:
        operator = _OfShape(AvgPool3DGrad(
            window.kernel, window.stride, _pads(window), window.ceil_mode, count_include_pad or bool(divisor),
            divisor or 0,
        ))
    again = functools.partial(avg_pool, window, count_include_pad, divisor, axes, is_graph)
    gradient = functools.partial(_avg_pool_gradient, window, count_include_pad, divisor, axes, is_graph)
    cell = _AvgPoolGradient if is_linked(order) else _BareAvgPoolGradient
    return cell(operator, axes, is_graph, again, gradient, order)


@functools.lru_cache(maxsize=1024)
def adaptive_avg_pool(
    output_size: tuple[int, ...], kernel: tuple[int, ...] | None, axes: tuple[int, ...], is_graph: bool, order: int = 0
) -> Any:
    """(input) -> output. `kernel` is what all windows have, if it is known and they do."""
    operator = (ops.AdaptiveAvgPool2D if len(output_size) == 2 else ops.AdaptiveAvgPool3D)(output_size)
    again = functools.partial(adaptive_avg_pool, output_size, kernel, axes, is_graph)
    gradient = functools.partial(_adaptive_avg_pool_gradient, output_size, kernel, axes, is_graph)
    return (_AvgPool if is_linked(order) else _BareAvgPool)(operator, axes, is_graph, again, gradient, order)


@functools.lru_cache(maxsize=1024)
def _adaptive_avg_pool_gradient(
    output_size: tuple[int, ...], kernel: tuple[int, ...] | None, axes: tuple[int, ...], is_graph: bool, order: int
) -> Any:
    if kernel is None and len(output_size) == 2:
        operator: Any = _OfShapeTensor(AdaptiveAvgPool2DGrad(), ms.int64)
    elif kernel is None:
        operator = _OfShapeTensor(AdaptiveAvgPool3DGrad(), ms.int32)
    elif len(output_size) == 2:
        operator = _OfInput(AvgPoolGrad(kernel, kernel))  # up to seven times faster
    else:
        operator = _OfShape(AvgPool3DGrad(kernel, kernel))
    again = functools.partial(adaptive_avg_pool, output_size, kernel, axes, is_graph)
    gradient = functools.partial(_adaptive_avg_pool_gradient, output_size, kernel, axes, is_graph)
    cell = _AvgPoolGradient if is_linked(order) else _BareAvgPoolGradient
    return cell(operator, axes, is_graph, again, gradient, order)


def _pads(window: Window) -> tuple[int, ...]:
    return tuple(size for padding in window.padding for size in (padding, padding))


class _Average(PoolCell):
    """An average pool or its gradient, which finds the other."""

    def __init__(
        self, operator: Any, axes: tuple[int, ...], is_graph: bool, pool: Any, gradient: Any, order: int
    ) -> None:
        super().__init__(axes, is_graph)
        self.operator = operator
        self.links = (pool, gradient, order + 1)

    @property
    def pool(self) -> Any:
        return self.links[0](order=self.links[2])

    @property
    def pool_gradient(self) -> Any:
        return self.links[1](order=self.links[2])


class _BareAvgPool(_Average):
    """(input) -> output."""

    def construct(self, input):  # type: ignore[no-untyped-def]
        return self.reduce(self.operator(self.expand(input)))


class _AvgPool(_BareAvgPool):
    """(input) -> output."""

    def bprop(self, input, output, gradient):  # type: ignore[no-untyped-def]
        return (self.pool_gradient(gradient, input),)


class _BareAvgPoolGradient(_Average):
    """(gradient of the output, input) -> gradient of the input. Of the input, only the shape counts."""

    def construct(self, gradient, input):  # type: ignore[no-untyped-def]
        return self.reduce(self.operator(self.expand(gradient), self.expand(input)))


class _AvgPoolGradient(_BareAvgPoolGradient):
    """(gradient of the output, input) -> gradient of the input. Of the input, only the shape counts."""

    def bprop(self, gradient, input, output, second):  # type: ignore[no-untyped-def]
        return self.pool(second), _zeros_like(input)


class _Of(nn.Cell):
    """(gradient of the output, input) -> gradient of the input, by an operator that gets them in its own way."""

    def __init__(self, operator: Any) -> None:
        super().__init__()
        self.operator = operator


class _OfInput(_Of):
    """See _Of."""

    def construct(self, gradient, input):  # type: ignore[no-untyped-def]
        return self.operator(input, gradient, gradient)


class _OfShape(_Of):
    """See _Of."""

    def construct(self, gradient, input):  # type: ignore[no-untyped-def]
        return self.operator(input.shape, gradient)


class _OfShapeTensor(_Of):
    """See _Of."""

    def __init__(self, operator: Any, dtype: Any) -> None:
        super().__init__(operator)
        self.dtype = dtype

    def construct(self, gradient, input):  # type: ignore[no-untyped-def]
        return self.operator(gradient, _cast(_shape_tensor(input), self.dtype))
