"""Subtract a mean and divide by a deviation: of this all normalisations are made, by the way that is fast or right.

- *operator*: MindSpore's own GroupNorm or LayerNorm. Fast in PyNative mode; no second derivative (MS-63, MS-65).
- *batch_norm*: MindSpore's BatchNorm, for which groups are channels of one image. In graphs on CPU, it is faster than
  those, and has right second derivatives. In PyNative mode the views around it have wrong ones (MS-08).
- *composite*: means and products. Slow, and right to every order: for float64, which LayerNorm computes in float32 and
  to which GroupNorm adds an eps rounded to float32 (MS-53); for second derivatives in PyNative mode; and where
  statistics are wanted.
"""

from __future__ import annotations

import functools
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Tensor, ops

from .._constant import constant
from .._conv.devices import current_target
from .._mindspore.compile_time import compile_time, is_exporting, is_in_graph
from .._mindspore.nested_gradient import is_differentiated_twice
from ._norm_rules import count, known

__all__ = [
    "affine", "computed", "group_masks", "of_empty", "over_groups", "over_last", "product", "route", "scratch",
    "standardize", "training_batch_norm",
]

_mean = ops.ReduceMean(keep_dims=True)
_square = ops.Square()
_rsqrt = ops.Rsqrt()
_reshape = ops.Reshape()
_cast = ops.Cast()
_ones = ops.Ones()
_zeros = ops.Zeros()
_of_empty = ops.BatchNorm(is_training=False)
_SCRATCH = (0.7320508, 1.2360679)


def computed(input: Tensor) -> Tensor:
    """float32 for half types, in which torch computes too."""
    if input.dtype == ms.float16 or input.dtype == ms.bfloat16:
        return _cast(input, ms.float32)
    return input


def standardize(input: Tensor, axes: tuple[int, ...], eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """Composite: (input - mean) / sqrt(variance + eps) over axes, the mean, the biased variance."""
    mean = _mean(input, axes)
    centred = input - mean
    variance = _mean(_square(centred), axes)
    return centred * _rsqrt(variance + constant(eps, input.dtype)), mean, variance


def affine(input: Tensor, weight: Tensor | None, bias: Tensor | None, shape: tuple[int, ...]) -> Tensor:
    """Input * weight + bias, the two in a shape that broadcasts."""
    if weight is not None:
        input = input * _reshape(computed(weight), shape)
    if bias is not None:
        input = input + _reshape(computed(bias), shape)
    return input


def scratch(size: int) -> tuple[Tensor, Tensor]:
    """A running mean and variance for BatchNorm to write, where nobody wants them.

    In a graph, they are constants into which it writes: equal constants share their memory, so these have values that
    no other has.
    """
    if is_in_graph():
        return ops.fill(ms.float32, (size,), _SCRATCH[0]), ops.fill(ms.float32, (size,), _SCRATCH[1])
    return _zeros((size,), ms.float32), _ones((size,), ms.float32)


def of_empty(input: Tensor, weight: Tensor | None, bias: Tensor | None, channels: int) -> Tensor:
    """The input, which has no elements, such that the gradients are zeros.

    By BatchNorm: those of what is broadcast are what memory held (MS-20), and LayerNorm refuses an empty batch.
    """
    if channels == 0 or (weight is None and bias is None):
        return input * 1
    ones, zeros = _ones((channels,), ms.float32), _zeros((channels,), ms.float32)
    weight = ones if weight is None else _reshape(_cast(weight, ms.float32), (channels,))
    bias = zeros if bias is None else _reshape(_cast(bias, ms.float32), (channels,))
    output = _of_empty(_reshape(_cast(input, ms.float32), (0, channels)), weight, bias, zeros, ones)[0]
    return _cast(_reshape(output, input.shape), input.dtype)


@functools.lru_cache(maxsize=256)
def _training_batch_norm(momentum: float, eps: float) -> Any:
    return ops.BatchNorm(is_training=True, epsilon=eps, momentum=momentum)


@functools.lru_cache(maxsize=256)
def _layer_norm_operator(first: int, eps: float) -> Any:
    return ops.LayerNorm(begin_norm_axis=first, begin_params_axis=first, epsilon=eps)


product = compile_time(count)
"""(sizes) -> their product."""
training_batch_norm = compile_time(_training_batch_norm)
"""(momentum, eps) -> operator, whose running mean and variance are updated in place."""
layer_norm_operator = compile_time(_layer_norm_operator)
"""(first axis, eps) -> operator."""


def _route(in_graph: bool, shape: tuple[int, ...], dtype: Any, eps: float) -> str:
    shape = known(shape)
    if count(shape) == 0:
        return "empty"
    is_double = dtype == ms.float64
    if not in_graph:
        return "composite" if is_double or eps <= 0 or is_differentiated_twice() else "operator"
    if is_double or not 0 < eps <= 1:
        return "composite"
    # What is open, or goes into a file, or to another device, is the operator whose name says what it is.
    if min(shape) < 0 or current_target() != "CPU" or is_exporting():
        return "operator"
    return "batch_norm"


route = compile_time(_route)
"""(in_graph, shape, dtype, eps) -> a way of those above, or 'empty'."""


def over_groups(
    input: Tensor, groups: int, weight: Tensor | None, bias: Tensor | None, eps: float, way: str
) -> Tensor:
    """Standardize each group of channels of each image, in float32 or float64, and scale channels."""
    shape, rank = input.shape, len(input.shape)
    channels = shape[1]
    if way == "operator":
        weight = None if weight is None else computed(weight)
        bias = None if bias is None else computed(bias)
        return ops.group_norm(input, groups, weight, bias, eps)
    by_channel = (1, channels) + (1,) * (rank - 2)
    if way == "batch_norm":
        output = _rows_by_batch_norm(input, shape[0] * groups, eps)
    elif groups == 1:
        output = standardize(input, tuple(range(1, rank)), eps)[0]
    elif groups == channels and rank > 2:
        output = standardize(input, tuple(range(2, rank)), eps)[0]
    elif is_in_graph() or not is_differentiated_twice():
        output = _reshape(standardize(_reshape(input, (shape[0], groups, -1)), (2,), eps)[0], shape)
    else:
        output = _groups_by_masks(input, groups, eps)
    return affine(output, weight, bias, by_channel)


def _groups_by_masks(input: Tensor, groups: int, eps: float) -> Tensor:
    """Standardize groups of channels by products and means alone, whose second derivatives are right in PyNative mode.

    Those of Reshape, Gather and GatherNd of a result are not (MS-08).
    """
    masks = group_masks(input.shape[1], groups, len(input.shape), input.dtype)
    spatial = tuple(range(2, len(input.shape)))
    centred = input - _mean_of_groups(input, masks, spatial)
    variance = _mean_of_groups(_square(centred), masks, spatial)
    return centred * _rsqrt(variance + constant(eps, input.dtype))


def _mean_of_groups(input: Tensor, masks: tuple[Tensor, ...], spatial: tuple[int, ...]) -> Tensor:
    by_channel = _mean(input, spatial) if spatial else input
    total = 0
    for mask in masks:
        total = total + _mean(by_channel * mask, 1) * mask
    return total * constant(len(masks), input.dtype)


@functools.lru_cache(maxsize=64)
def group_masks(channels: int, groups: int, rank: int, dtype: Any) -> tuple[Tensor, ...]:
    """For each group a tensor of shape (1, C, 1...) that is 1 in its channels and 0 elsewhere."""
    rows = np.repeat(np.eye(groups), channels // groups, 1).reshape((groups, 1, channels) + (1,) * (rank - 2))
    return tuple(Tensor(row, dtype) for row in rows)


def over_last(
    input: Tensor, sizes: tuple[int, ...], weight: Tensor | None, bias: Tensor | None, eps: float, way: str
) -> Tensor:
    """Standardize what the last axes hold, in float32 or float64, and scale it."""
    rank = len(input.shape)
    first = rank - len(sizes)
    if way == "operator":
        weight = _ones(sizes, input.dtype) if weight is None else computed(weight)
        bias = _zeros(sizes, input.dtype) if bias is None else computed(bias)
        return layer_norm_operator(first, eps)(input, weight, bias)[0]
    if way == "batch_norm":
        output = _rows_by_batch_norm(input, product(input.shape[:first]), eps)
    else:
        output = standardize(input, tuple(range(first, rank)), eps)[0]
    return affine(output, weight, bias, sizes)


def _rows_by_batch_norm(input: Tensor, rows: int, eps: float) -> Tensor:
    ones, zeros = _ones((rows,), ms.float32), _zeros((rows,), ms.float32)
    mean, variance = scratch(rows)
    output = training_batch_norm(0.5, eps)(_reshape(input, (1, rows, -1)), ones, zeros, mean, variance)[0]
    return _reshape(output, input.shape)
