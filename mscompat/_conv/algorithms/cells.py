"""Cells that the algorithms are built of: ranges of an axis, copies, padding, and pieces joined by a tree.

Inside are primitives alone: Graph mode cannot take second derivatives of cells that call functions such as ops.unfold
(MS-14).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from mindspore import nn, ops

from ..._mindspore import direct_operators
from ..geometry import Pads

__all__ = [
    "AxisRange", "ContiguousCopy", "FirstPadded", "OfThree", "OfTwo", "SecondPadded", "TupleSum", "chain", "join",
    "zero_pad",
]

_neg = ops.Neg()
_slice = direct_operators.Slice()


def zero_pad(pads: Pads) -> ops.Pad:
    """The operator that adds zeros around all axes but the first two. Not ops.pad, whose gradient is wrong (MS-13)."""
    return ops.Pad(((0, 0), (0, 0), *pads))


class AxisRange(nn.Cell):
    """The elements from begin to end of one of so many axes, which has this length."""

    def __init__(self, axis: int, length: int, begin: int, end: int, axes: int = 4) -> None:
        super().__init__()
        self.begin = tuple(begin if i == axis else 0 for i in range(axes))
        self.size = tuple(end - begin if i == axis else -1 for i in range(axes))  # -1: all
        self.pad = ops.Pad(tuple((begin, length - end) if i == axis else (0, 0) for i in range(axes)))

    def construct(self, array):  # type: ignore[no-untyped-def]
        return _slice(array, self.begin, self.size)

    def bprop(self, array, output, gradient):  # type: ignore[no-untyped-def]
        return (self.pad(gradient),)  # Slice's own refuses the size -1, and has no derivative (MS-12)


class ContiguousCopy(nn.Cell):
    """An operator of two arguments, with its result in an array of its own, bit for bit: faster than Mul by 1.

    What a derivative of the third order is taken of may not be a view, such as Reshape gives (MS-08).
    """

    def __init__(self, operator: nn.Cell) -> None:
        super().__init__()
        self.operator = operator

    def construct(self, first, second):  # type: ignore[no-untyped-def]
        return _neg(_neg(self.operator(first, second)))


class OfTwo(nn.Cell):
    """An operator of MindSpore's as a cell: (first, second)."""

    def __init__(self, operator: ops.Primitive) -> None:
        super().__init__()
        self.operator = operator

    def construct(self, first, second):  # type: ignore[no-untyped-def]
        return self.operator(first, second)


class OfThree(OfTwo):
    """An operator of MindSpore's as a cell: (first, second, third)."""

    def construct(self, first, second, third):  # type: ignore[no-untyped-def]
        return self.operator(first, second, third)


class FirstPadded(nn.Cell):
    """An operator of two arguments, the first of which zeros are added to."""

    def __init__(self, pads: Pads, operator: nn.Cell) -> None:
        super().__init__()
        self.pad = zero_pad(pads)
        self.operator = operator

    def construct(self, first, second):  # type: ignore[no-untyped-def]
        return self.operator(self.pad(first), second)


class SecondPadded(FirstPadded):
    """An operator of two arguments, the second of which zeros are added to."""

    def construct(self, first, second):  # type: ignore[no-untyped-def]
        return self.operator(first, self.pad(second))


def join(combine: Any, pieces: Sequence[nn.Cell]) -> nn.Cell:
    """The cell that gives all pieces the same arguments, and combines their results two by two: combine((a, b)).

    A tree, not a loop: Graph mode cannot differentiate a loop of cells twice (MS-14).
    """
    if len(pieces) == 1:
        return pieces[0]
    middle = len(pieces) // 2
    return _Pair(combine, join(combine, pieces[:middle]), join(combine, pieces[middle:]))


class _Pair(nn.Cell):
    """Two cells of the same arguments, with their results combined."""

    def __init__(self, combine: Any, left: nn.Cell, right: nn.Cell) -> None:
        super().__init__()
        self.combine = combine
        self.left = left
        self.right = right

    def construct(self, *arguments):  # type: ignore[no-untyped-def]
        return self.combine((self.left(*arguments), self.right(*arguments)))


def chain(cells: Sequence[nn.Cell]) -> nn.Cell:
    """One cell after the other. Graph mode cannot differentiate the loop of SequentialCell twice (MS-14)."""
    return functools.reduce(_Chain, cells)


class _Chain(nn.Cell):
    """One cell after another."""

    def __init__(self, first: nn.Cell, second: nn.Cell) -> None:
        super().__init__()
        self.first = first
        self.second = second

    def construct(self, input):  # type: ignore[no-untyped-def]
        return self.second(self.first(input))


class TupleSum(nn.Cell):
    """Two tuples as one: with it, join gives the tuple of all results, of pieces that each give a tuple of one."""

    def construct(self, pair):  # type: ignore[no-untyped-def]
        return pair[0] + pair[1]
