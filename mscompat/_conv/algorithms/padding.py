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
from .cells import AxisRange, TupleSum, chain, join
from .linked import ORDERS

__all__ = ["Padded", "pad_operator"]

_gather = ops.Gather()
_reduce_sum = ops.ReduceSum()
_reshape = ops.Reshape()

Sources = tuple[tuple[int, ...], ...]
"""Of each row of a result: the rows of the input that it is the sum of."""


@functools.lru_cache(maxsize=1024)
def pad_operator(mode: str, size: tuple[int, ...], pads: geometry.Pads, order: int = 0) -> Any:
    """The operator that pads all axes but the first two, which have this size."""
    operator = chain([
        _sum_rows(tuple((source,) for source in geometry.pad_index(mode, length, *ends)), length, axis, len(size) + 2)
        for axis, (length, ends) in enumerate(zip(size, pads, strict=True), 2) if any(ends)
    ])
    return operator if order == ORDERS else _LinkedPad(operator, _pad_gradient, (mode, size, pads, order + 1))


@functools.lru_cache(maxsize=1024)
def _pad_gradient(mode: str, size: tuple[int, ...], pads: geometry.Pads, order: int) -> Any:
    operator = chain([
        _sum_rows(
            _copies(geometry.pad_index(mode, length, *ends), length), length + sum(ends), axis, len(size) + 2
        )
        for axis, (length, ends) in reversed([*enumerate(zip(size, pads, strict=True), 2)]) if any(ends)
    ])
    return operator if order == ORDERS else _LinkedPad(operator, pad_operator, (mode, size, pads, order + 1))


def pad_at_runtime(input: Tensor, pads: geometry.Pads, mode: str) -> Tensor:
    """The padded input, where a size is not known before the call."""
    if len(pads) == 2:
        return ops.pad(input, (*pads[1], *pads[0]), mode)
    # ops.pad reflects no more than two axes (MS-44): so rows and columns of all planes first, then planes as rows.
    images, channels, depth, height, width = input.shape
    planes = ops.pad(_reshape(input, (images, channels * depth, height, width)), (*pads[2], *pads[1]), mode)
    height, width = planes.shape[2], planes.shape[3]
    rows = _reshape(planes, (images, channels, depth, height * width))
    depth = depth + pads[0][0] + pads[0][1]
    return _reshape(ops.pad(rows, (0, 0, *pads[0]), mode), (images, channels, depth, height, width))


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


def _sum_rows(sources: Sources, length: int, axis: int, axes: int) -> nn.Cell:
    """The operator that sums rows of an input of this length along one of so many axes."""
    whole = tuple((row,) for row in range(length))
    begin = next((i for i in range(len(sources) - length + 1) if sources[i : i + length] == whole), None)
    if begin is None:
        pieces = [_sum_piece(rows, length, axis, axes) for rows in _runs(sources)]
    else:  # padding, which is exported too: MindSpore's ONNX exporter takes the -1 of AxisRange for a size (MS-35)
        before, after = sources[:begin], sources[begin + length :]
        pieces = [_gather_piece(rows, axis) for rows in _runs(before)]
        pieces += [nn.Identity(), *(_gather_piece(rows, axis) for rows in _runs(after))]
    return pieces[0] if len(pieces) == 1 else _Concatenated(pieces, axis)


def _runs(sources: Sources) -> list[Sources]:
    """Runs of rows that are sums of as many."""
    return [tuple(rows) for _, rows in itertools.groupby(sources, key=len)]


def _sum_piece(sources: Sources, length: int, axis: int, axes: int) -> nn.Cell:
    """The operator for a run. Some are ranges of the input."""
    begin, end = sources[0][0], sources[-1][0] + 1
    if len(sources) > 1 and sources == tuple((row,) for row in range(begin, end)):
        return AxisRange(axis, length, begin, end, axes)
    return _gather_piece(sources, axis)


def _gather_piece(sources: Sources, axis: int) -> nn.Cell:
    rows = np.array(sources, np.int32).T
    return _Gather(rows[0], axis) if len(rows) == 1 else _GatherSums(rows, axis)


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
