"""A convolution and its two gradients as cells that are each other's derivatives, to the third order.

So nothing inside a cell is differentiated: in PyNative mode the second derivatives of BatchMatMul followed by Reshape,
for one, are silently wrong (MS-08). No cell may return a view, whose third derivatives are.
"""

from __future__ import annotations

import functools
from typing import Any

from mindspore import nn

from ..geometry import Convolution
from . import flipped, im2col, im2col_3d, native, tiles
from .algorithm import Algorithm

__all__ = ["ORDERS", "conv", "input_gradient", "weight_gradient"]

ORDERS = 3
"""Derivatives that the cells know. Beyond it, MindSpore differentiates what is inside them."""


@functools.lru_cache(maxsize=1024)
def conv(c: Convolution, algorithm: Algorithm, order: int = 0) -> Any:
    """(input, weight) -> output."""
    if algorithm.is_im2col:
        operator: Any = im2col_3d.conv(c) if c.dimensions == 3 else im2col.contiguous(im2col.conv, c)
    elif algorithm is Algorithm.FLIPPED and c.is_narrowing():
        operator = flipped.Conv(c)
    else:
        operator = native.conv(c)
    return operator if order == ORDERS else _Conv(c, algorithm, order, operator)


@functools.lru_cache(maxsize=1024)
def input_gradient(c: Convolution, algorithm: Algorithm, order: int = 0) -> Any:
    """(gradient of the output, weight, shape of the input) -> gradient of the input."""
    is_native = algorithm in (Algorithm.NATIVE, Algorithm.IM2COL_WITH_NATIVE_GRADIENTS)
    if is_native:
        operator: Any = native.input_gradient(c)
    elif c.dimensions == 3:
        operator = im2col_3d.input_gradient(c)
    elif c.flipped() is None:
        operator = im2col.input_gradient(c, tiles.patch_limit(c))
    elif algorithm.is_im2col:
        operator = flipped.InputGradient(c, functools.partial(im2col.contiguous, im2col.conv))
    else:
        operator = flipped.InputGradient(c, native.conv)
    if not is_native:
        operator = _OfKnownShape(operator)
    return operator if order == ORDERS else _InputGradient(c, algorithm, order, operator)


@functools.lru_cache(maxsize=1024)
def weight_gradient(c: Convolution, algorithm: Algorithm, order: int = 0) -> Any:
    """(gradient of the output, input) -> gradient of the weight."""
    if algorithm is Algorithm.NATIVE:
        operator: Any = native.weight_gradient(c)
    elif c.dimensions == 3:
        operator = im2col_3d.weight_gradient(c)
    elif algorithm is Algorithm.IM2COL or not native.has_weight_gradient:
        operator = im2col.contiguous(im2col.weight_gradient, c)
    elif algorithm is Algorithm.FLIPPED and c.is_narrowing():
        operator = flipped.WeightGradient(c)
    else:
        operator = native.weight_gradient(c)
    return operator if order == ORDERS else _WeightGradient(c, algorithm, order, operator)


class _OfKnownShape(nn.Cell):
    """The gradient of an input whose shape is known: the one that it is given does not count."""

    def __init__(self, operator: nn.Cell) -> None:
        super().__init__()
        self.operator = operator

    def construct(self, gradient, weight, shape):  # type: ignore[no-untyped-def]
        return self.operator(gradient, weight)


class _Linked(nn.Cell):
    """One of the three, with the operator that computes it; differentiated, it finds the other two."""

    def __init__(self, c: Convolution, algorithm: Algorithm, order: int, operator: Any) -> None:
        super().__init__()
        self.operator = operator
        self.derivative = (c, algorithm, order + 1)

    # Built lazily, with an explicit derivative order: a cycle makes Graph mode recurse without end.
    @property
    def conv(self) -> Any:
        return conv(*self.derivative)

    @property
    def input_gradient(self) -> Any:
        return input_gradient(*self.derivative)

    @property
    def weight_gradient(self) -> Any:
        return weight_gradient(*self.derivative)


class _Conv(_Linked):
    """(input, weight) -> output."""

    def construct(self, input, weight):  # type: ignore[no-untyped-def]
        return self.operator(input, weight)

    def bprop(self, input, weight, output, gradient):  # type: ignore[no-untyped-def]
        return self.input_gradient(gradient, weight, input.shape), self.weight_gradient(gradient, input)


class _InputGradient(_Linked):
    """(gradient of the output, weight, shape of the input) -> gradient of the input."""

    def construct(self, gradient, weight, shape):  # type: ignore[no-untyped-def]
        return self.operator(gradient, weight, shape)

    def bprop(self, gradient, weight, shape, output, second):  # type: ignore[no-untyped-def]
        return self.conv(second, weight), self.weight_gradient(gradient, second), shape


class _WeightGradient(_Linked):
    """(gradient of the output, input) -> gradient of the weight."""

    def construct(self, gradient, input):  # type: ignore[no-untyped-def]
        return self.operator(gradient, input)

    def bprop(self, gradient, input, output, second):  # type: ignore[no-untyped-def]
        return self.conv(input, second), self.input_gradient(gradient, second, input.shape)
