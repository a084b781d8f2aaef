"""What the cells of pools and of their gradients share.

They are each other's derivatives, to the third order: MindSpore's gradients of pools have none themselves (MS-63). Each
has two kinds, by mode. Of a graph's cells, Graph mode takes no second derivatives if they hold an `if` or a loop
(MS-14). Of PyNative mode's, none returns a view, whose derivatives would be wrong (MS-08), but a copy.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from mindspore import Tensor, nn, ops

from .._mindspore.pooling_gradients import has_pooling_gradients

__all__: list[str] = []

_ORDERS = 3
_copy = ops.Identity()
_expand_dims = ops.ExpandDims()


def axes_to(count: int, dimensions: int, rank: int) -> tuple[int, ...]:
    """The axes to add, one after the other, so that there are so many: of the batch, and before the inner ones."""
    batch = (0,) if rank == dimensions + 1 else ()
    return (*batch, *(2,) * (count - dimensions - 2))


@functools.lru_cache(maxsize=64)
def without(count: int, dimensions: int, rank: int) -> Any:
    """(array of so many axes) -> view of it, without the added axes."""
    axes = axes_to(count, dimensions, rank)
    return ops.Squeeze(_places(axes)) if axes else same


def _places(axes: tuple[int, ...]) -> tuple[int, ...]:
    return ((0,) if 0 in axes else ()) + tuple(range(2, 2 + axes.count(2)))


def is_linked(order: int) -> bool:
    """Whether a cell knows its derivative, as far as there is one."""
    return has_pooling_gradients and order < _ORDERS


class PoolCell(nn.Cell):
    """Its `expand` adds axes of size 1 to what its operator gets, its `reduce` takes them from what that gives.

    `reduce_view` is for what is a view already.
    """

    def __init__(self, axes: tuple[int, ...], is_graph: bool) -> None:
        super().__init__()
        squeeze: Any = ops.Squeeze(_places(axes)) if axes else same
        self.reduce: Any = squeeze if is_graph or not axes else _copied_after(squeeze)
        self.reduce_view: Any = squeeze if is_graph else _copied_after(squeeze)
        self.expand: Any = _expanding(axes) if is_graph else _expander(axes)


class _Same(nn.Cell):
    """(array) -> array."""

    def construct(self, array):  # type: ignore[no-untyped-def]
        return array

    def __call__(self, array: Any) -> Any:
        return array


class _AxisAdded(nn.Cell):
    """(array) -> array with one more axis, after those that another cell adds."""

    def __init__(self, before: nn.Cell, axis: int) -> None:
        super().__init__()
        self.before = before
        self.axis = axis

    def construct(self, array):  # type: ignore[no-untyped-def]
        return _expand_dims(self.before(array), self.axis)


same = _Same()
"""(array) -> array."""


def _expanding(axes: tuple[int, ...]) -> nn.Cell:
    return _AxisAdded(_expanding(axes[:-1]), axes[-1]) if axes else same


# In PyNative mode, the call of a cell takes longer than many an operator: these are functions.
def _expander(axes: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
    def expand(array: Tensor) -> Tensor:
        for axis in axes:
            array = _expand_dims(array, axis)
        return array

    return expand


def _copied_after(view: Any) -> Callable[[Tensor], Tensor]:
    def reduce(array: Tensor) -> Tensor:
        return _copy(view(array))

    return reduce
