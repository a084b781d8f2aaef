"""Linear maps of one tensor, each a cell that has its transposed map as its derivative, and so on to the third order.

So nothing inside is differentiated: in PyNative mode the second derivatives of what Reshape and Transpose give are
silently wrong (MS-08), and MindSpore's operators that resize images have none at all (MS-63). No such cell may return a
view, for the same reason.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from mindspore import nn, ops

from .._conv.algorithms.linked import ORDERS
from .._mindspore.fresh_operators import makes_views

__all__ = ["linear_map", "plain_map"]

_neg = ops.Neg()

Make = Callable[..., nn.Cell]
"""(whether it is the transposed one, *arguments) -> the operator."""


def linear_map(make: Make, arguments: tuple[Any, ...]) -> nn.Cell:
    """The cell of the map that make(False, *arguments) gives. That of make(True, *arguments) is the transposed map."""
    return _find(_number(make, arguments), False, 0)


@functools.lru_cache(maxsize=1024)
def plain_map(make: Make, arguments: tuple[Any, ...]) -> nn.Cell:
    """The operator itself, for dtypes without derivatives."""
    return make(False, *arguments)


_maps: list[tuple[Make, tuple[Any, ...]]] = []


@functools.cache
def _number(make: Make, arguments: tuple[Any, ...]) -> int:
    """What a cell knows its map by. In a graph, 2.7 cannot call a function with tuples in tuples."""
    _maps.append((make, arguments))
    return len(_maps) - 1


@functools.lru_cache(maxsize=1024)
def _find(number: int, is_transposed: bool, order: int) -> nn.Cell:
    make, arguments = _maps[number]
    operator = make(is_transposed, *arguments)
    if makes_views:
        operator = _Copied(operator)
    return operator if order == ORDERS else _LinearMap(operator, number, not is_transposed, order + 1)


class _LinearMap(nn.Cell):
    """A map, and what finds the transposed one."""

    def __init__(self, operator: nn.Cell, number: int, is_transposed: bool, order: int) -> None:
        super().__init__()
        self.operator = operator
        self.derivative = (number, is_transposed, order)

    # Built lazily, with an explicit derivative order: a cycle makes Graph mode recurse without end.
    @property
    def transposed(self) -> Any:
        return _find(*self.derivative)

    def construct(self, input):  # type: ignore[no-untyped-def]
        return self.operator(input)

    def bprop(self, input, output, gradient):  # type: ignore[no-untyped-def]
        return (self.transposed(gradient),)


class _Copied(nn.Cell):
    """An operator, with its result in an array of its own, bit for bit."""

    def __init__(self, operator: nn.Cell) -> None:
        super().__init__()
        self.operator = operator

    def construct(self, input):  # type: ignore[no-untyped-def]
        return _neg(_neg(self.operator(input)))
