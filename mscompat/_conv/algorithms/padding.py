"""Padding with 'reflect', 'replicate' and 'circular'.

Along an axis, each row of the result is a sum of rows of the input: of one row when padding, of all its copies in the
gradient. Concat joins what Slice and Gather make of them, and the input itself. For 8x64x56x56 and one pixel, the
gradient takes 8 ms; that of ops.pad 30, and that of a Gather 50 (2 cores). ops.pad has no second derivative (MS-11).

Padding and its gradient are cells that are each other's derivatives, as the convolutions of linked.py are.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from mindspore import Tensor, nn, ops

from .. import geometry
from .cells import AxisRange, TupleSum, join
from .linked import ORDERS

__all__ = ["Padded", "pad_operator"]

_gather = ops.Gather()
_reduce_sum = ops.ReduceSum()
_ROWS, _COLUMNS = 2, 3

Sources = tuple[tuple[int, ...], ...]
"""Of each row of a result: the rows of the input that it is the sum of."""


@functools.lru_cache(maxsize=1024)
def pad_operator(mode: str, size: tuple[int, int], pads: geometry.Pads, order: int = 0) -> Any:
    """The operator that pads the last two of four axes, which have this size."""
    rows, columns = (
        tuple((source,) for source in geometry.pad_index(mode, length, *ends))
        for length, ends in zip(size, pads, strict=True)
    )
    operator = _Chain(_sum_rows(rows, size[0], _ROWS), _sum_rows(columns, size[1], _COLUMNS))
    return operator if order == ORDERS else _LinkedPad(operator, _pad_gradient, (mode, size, pads, order + 1))


@functools.lru_cache(maxsize=1024)
def _pad_gradient(mode: str, size: tuple[int, int], pads: geometry.Pads, order: int) -> Any:
    rows, columns = (
        _copies(geometry.pad_index(mode, length, *ends), length) for length, ends in zip(size, pads, strict=True)
    )
    height, width = (length + sum(ends) for length, ends in zip(size, pads, strict=True))
    operator = _Chain(_sum_rows(columns, width, _COLUMNS), _sum_rows(rows, height, _ROWS))
    return operator if order == ORDERS else _LinkedPad(operator, pad_operator, (mode, size, pads, order + 1))


class Padded(nn.Cell):
    """An operator of a padded input and a weight."""

    def __init__(self, pad: nn.Cell, operator: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.pad = pad
        self.operator = operator

    def construct(self, input, weight):  # type: ignore[no-untyped-def]
        return self.operator(self.pad(input), weight)


class _LinkedPad(nn.Cell):
    """An operator of one argument, with the one that is its derivative."""

    def __init__(self, operator: nn.Cell, make_gradient: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        super().__init__()
        self.operator = operator
        self.make_gradient = make_gradient
        self.arguments = arguments

    # Built lazily, with an explicit derivative order: a cycle makes Graph mode recurse without end.
    @property
    def gradient(self) -> Any:
        return self.make_gradient(*self.arguments)

    def construct(self, input):  # type: ignore[no-untyped-def]
        return self.operator(input)

    def bprop(self, input, output, gradient):  # type: ignore[no-untyped-def]
        return (self.gradient(gradient),)


def _copies(index: list[int], length: int) -> Sources:
    """Where each of these rows has gone."""
    copies: list[list[int]] = [[] for _ in range(length)]
    for position, source in enumerate(index):
        copies[source].append(position)
    return tuple(map(tuple, copies))


def _sum_rows(sources: Sources, length: int, axis: int) -> nn.Cell:
    """The operator that sums rows of an input of this length along an axis."""
    whole = tuple((row,) for row in range(length))
    begin = next((i for i in range(len(sources) - length + 1) if sources[i : i + length] == whole), None)
    if begin is None:
        pieces = _pieces(sources, axis, length)
    else:  # padding, which is exported too: MindSpore's ONNX exporter takes the -1 of AxisRange for a size (MS-35)
        pieces = [*_pieces(sources[:begin], axis), nn.Identity(), *_pieces(sources[begin + length:], axis)]
    return pieces[0] if len(pieces) == 1 else _Concatenated(pieces, axis)


def _pieces(sources: Sources, axis: int, length: int | None = None) -> list[nn.Cell]:
    """An operator for each run of rows that are sums of as many. Of an input of known length, some are ranges of it."""
    return [_piece(list(rows), axis, length) for _, rows in itertools.groupby(sources, key=len)]


def _piece(sources: list[tuple[int, ...]], axis: int, length: int | None) -> nn.Cell:
    rows = np.array(sources, np.int32).T
    if len(rows) > 1:
        return _GatherSums(rows, axis)
    begin, end = sources[0][0], sources[-1][0] + 1
    if length is not None and len(sources) > 1 and sources == [(row,) for row in range(begin, end)]:
        return AxisRange(axis, length, begin, end)
    return _Gather(rows[0], axis)


class _Chain(nn.Cell):
    """One operator after the other. (With the loop of SequentialCell, Graph mode cannot differentiate twice.)"""

    def __init__(self, first: nn.Cell, second: nn.Cell) -> None:
        super().__init__()
        self.first = first
        self.second = second

    def construct(self, input):  # type: ignore[no-untyped-def]
        return self.second(self.first(input))


class _Gather(nn.Cell):
    """Rows along an axis."""

    def __init__(self, rows: np.ndarray, axis: int) -> None:
        super().__init__()
        self.rows = Tensor(rows)
        self.axis = axis

    def construct(self, input):  # type: ignore[no-untyped-def]
        return _gather(input, self.rows, self.axis)


class _GatherSums(_Gather):
    """The sums of as many rows each."""

    def construct(self, input):  # type: ignore[no-untyped-def]
        return _reduce_sum(_gather(input, self.rows, self.axis), self.axis)


class _Concatenated(nn.Cell):
    """Pieces of an input, concatenated along an axis, all at once: two by two, each would be copied again."""

    def __init__(self, pieces: list[nn.Cell], axis: int) -> None:
        super().__init__()
        self.pieces = join(TupleSum(), [_InTuple(piece) for piece in pieces])
        self.concat = ops.Concat(axis)

    def construct(self, input):  # type: ignore[no-untyped-def]
        return self.concat(self.pieces(input))


class _InTuple(nn.Cell):
    """A piece as a tuple of one."""

    def __init__(self, piece: nn.Cell) -> None:
        super().__init__()
        self.piece = piece

    def construct(self, input):  # type: ignore[no-untyped-def]
        return (self.piece(input),)
