"""A convolution and its two gradients as cells that are each other's derivatives, to the third order.

So nothing inside a cell is differentiated: in PyNative mode the second derivatives of BatchMatMul followed by Reshape,
for one, are silently wrong (MS-08). No cell may return a view, whose third derivatives are.
"""

from __future__ import annotations

import functools
from typing import Any

from mindspore import nn

from ..geometry import Convolution
from . import flipped, im2col, native, tiles
from .algorithm import Algorithm

__all__ = ["ORDERS", "conv2d", "input_gradient", "weight_gradient"]

ORDERS = 3
"""Derivatives that the cells know. Beyond it, MindSpore differentiates what is inside them."""


@functools.lru_cache(maxsize=1024)
def conv2d(c: Convolution, algorithm: Algorithm, order: int = 0) -> Any:
    """(input, weight) -> output."""
    if algorithm.is_im2col:
        operator: Any = im2col.contiguous(im2col.conv2d, c)
    else:
        operator = flipped.Conv2d(c) if c.is_narrowing() else native.conv2d(c)
    return operator if order == ORDERS else _Conv2d(c, algorithm, order, operator)


@functools.lru_cache(maxsize=1024)
def input_gradient(c: Convolution, algorithm: Algorithm, order: int = 0) -> Any:
    """(gradient of the output, weight) -> gradient of the input."""
    if c.flipped() is None:
        operator: Any = im2col.input_gradient(c, tiles.patch_limit(c))
    elif algorithm.is_im2col:
        operator = flipped.InputGradient(c, functools.partial(im2col.contiguous, im2col.conv2d))
    else:
        operator = flipped.InputGradient(c, native.conv2d)
    return operator if order == ORDERS else _InputGradient(c, algorithm, order, operator)


@functools.lru_cache(maxsize=1024)
def weight_gradient(c: Convolution, algorithm: Algorithm, order: int = 0) -> Any:
    """(gradient of the output, input) -> gradient of the weight."""
    if algorithm is Algorithm.IM2COL or not native.has_weight_gradient:
        operator: Any = im2col.contiguous(im2col.weight_gradient, c)
    elif algorithm is Algorithm.FLIPPED and c.is_narrowing():
        operator = flipped.WeightGradient(c)
    else:
        operator = native.WeightGradient(c)
    return operator if order == ORDERS else _WeightGradient(c, algorithm, order, operator)


class _Linked(nn.Cell):
    """One of the three, with the operator that computes it; differentiated, it finds the other two."""

    def __init__(self, c: Convolution, algorithm: Algorithm, order: int, operator: Any) -> None:
        super().__init__()
        self.operator = operator
        self.derivative = (c, algorithm, order + 1)

    # Built lazily, with an explicit derivative order: a cycle makes Graph mode recurse without end.
    @property
    def conv2d(self) -> Any:
        return conv2d(*self.derivative)

    @property
    def input_gradient(self) -> Any:
        return input_gradient(*self.derivative)

    @property
    def weight_gradient(self) -> Any:
        return weight_gradient(*self.derivative)


class _Conv2d(_Linked):
    """(input, weight) -> output."""

    def construct(self, input, weight):  # type: ignore[no-untyped-def]
        return self.operator(input, weight)

    def bprop(self, input, weight, output, gradient):  # type: ignore[no-untyped-def]
        return self.input_gradient(gradient, weight), self.weight_gradient(gradient, input)


class _InputGradient(_Linked):
    """(gradient of the output, weight) -> gradient of the input."""

    def construct(self, gradient, weight):  # type: ignore[no-untyped-def]
        return self.operator(gradient, weight)

    def bprop(self, gradient, weight, output, second):  # type: ignore[no-untyped-def]
        return self.conv2d(second, weight), self.weight_gradient(gradient, second)


class _WeightGradient(_Linked):
    """(gradient of the output, input) -> gradient of the weight."""

    def construct(self, gradient, input):  # type: ignore[no-untyped-def]
        return self.operator(gradient, input)

    def bprop(self, gradient, input, output, second):  # type: ignore[no-untyped-def]
        return self.conv2d(input, second), self.input_gradient(gradient, second)
