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

from ..._mindspore.compile_time import compile_time_function
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
def pad_operator(
    mode: str, size: tuple[int, ...], pads: geometry.Pads, first_axis: int = 2, order: int = 0
) -> Any:
    """The operator that pads all axes from one on, which have this size: some of them, and by no negative number."""
    arguments = (mode, size, pads, first_axis)
    return _cell(False, *arguments) if order == ORDERS else _LinkedPad(False, arguments, order)


@functools.lru_cache(maxsize=1024)
def _pad_gradient(mode: str, size: tuple[int, ...], pads: geometry.Pads, first_axis: int, order: int) -> Any:
    arguments = (mode, size, pads, first_axis)
    return _cell(True, *arguments) if order == ORDERS else _LinkedPad(True, arguments, order)


def _steps(
    is_gradient: bool, mode: str, size: tuple[int, ...], pads: geometry.Pads, first_axis: int
) -> list[tuple[Sources, int, int, int]]:
    """Of each axis that is padded: the rows to sum, the length before, the axis, and how many axes there are."""
    steps = []
    axes = first_axis + len(size)
    for axis, (length, ends) in enumerate(zip(size, pads, strict=True), first_axis):
        if any(ends):
            index = geometry.pad_index(mode, length, *ends)
            if is_gradient:
                steps.append((_copies(index, length), length + sum(ends), axis, axes))
            else:
                steps.append((tuple((source,) for source in index), length, axis, axes))
    return steps[::-1] if is_gradient else steps


@functools.lru_cache(maxsize=1024)
def _cell(*arguments: Any) -> nn.Cell:
    return chain([_sum_rows(*step) for step in _steps(*arguments)])


@functools.lru_cache(maxsize=1024)
def _function(*arguments: Any) -> Callable[[Tensor], Tensor]:
    """The same for PyNative mode, where each call of a cell within a cell takes as long as a small operator."""
    steps = [_summed_rows(*step) for step in _steps(*arguments)]

    def run(input: Tensor) -> Tensor:
        for step in steps:
            input = step(input)
        return input

    return run


_operator = compile_time_function("mscompat_pad_operator", _function, _cell)


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
    """Padding or its gradient, with the one that is its derivative."""

    def __init__(self, is_gradient: bool, arguments: tuple[Any, ...], order: int) -> None:
        super().__init__()
        self.arguments = (is_gradient, *arguments)
        self.derivative = (*arguments, order + 1)
        self.make_gradient = pad_operator if is_gradient else _pad_gradient

    # Built lazily, with an explicit derivative order: a cycle makes Graph mode recurse without end.
    @property
    def gradient(self) -> Any:
        return self.make_gradient(*self.derivative)

    def construct(self, input):  # type: ignore[no-untyped-def]
        return _operator(*self.arguments)(input)

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


# Elements below which one Gather of all rows is faster than one for each run of rows, and Concat.
_FEW = 2**15


def _summed_rows(sources: Sources, length: int, axis: int, axes: int) -> Callable[[Tensor], Tensor]:
    """The function of PyNative mode that does what _sum_rows does."""
    cell = _sum_rows(sources, length, axis, axes)
    pieces = [piece.piece for piece in cell.in_tuples] if isinstance(cell, _Concatenated) else [cell]
    functions = [piece.construct for piece in pieces]
    concat = ops.Concat(axis)
    terms = max(map(len, sources))
    # Row `length` is one of zeros.
    rows = Tensor(np.array([(*source, *(length,) * (terms - len(source))) for source in sources], np.int32).T)
    pad = ops.Pad(tuple((0, 1) if i == axis else (0, 0) for i in range(axes)))
    first_rows = Tensor(rows.asnumpy()[0])

    def run(input: Tensor) -> Tensor:
        if input.size < _FEW:
            if terms == 1:
                return _gather(input, first_rows, axis)
            return _reduce_sum(_gather(pad(input), rows, axis), axis)
        results = [function(input) for function in functions]
        return results[0] if len(results) == 1 else concat(results)

    return run


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
        self.in_tuples = [_InTuple(piece) for piece in pieces]
        self.pieces = join(TupleSum(), self.in_tuples)
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
