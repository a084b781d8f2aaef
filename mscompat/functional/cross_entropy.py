"""Losses of one class out of several, with the signatures of torch.nn.functional."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Tensor, ops

from .._mindspore.compile_time import compile_time
from .cross_entropy_arguments import check_cross_entropy, check_nll, has_class_probabilities
from .reduction import checked_reduction, drop_axis, is_empty, promoted, reduced, to_dtype, total

__all__ = ["cross_entropy", "nll_loss"]

_add = ops.Add()
_cast = ops.Cast()
_cum_sum = ops.CumSum()
_div = ops.RealDiv()
_equal = ops.Equal()
_exp = ops.Exp()
_expand_dims = ops.ExpandDims()
_gather = ops.Gather()
_gather_nd = ops.GatherNd()
_log = ops.Log()
_maximum = ops.Maximum()
_max_kept = ops.ReduceMax(keep_dims=True)
_minimum = ops.Minimum()
_mul = ops.Mul()
_neg = ops.Neg()
_not_equal = ops.NotEqual()
_ones_like = ops.OnesLike()
_reshape = ops.Reshape()
_select = ops.Select()
_stack = ops.Stack(-1)
_stop_gradient = ops.StopGradient()
_sub = ops.Sub()
_sum_kept = ops.ReduceSum(keep_dims=True)
_zeros_like = ops.ZerosLike()


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log(softmax(input)) at the class of each sample, as ``torch.nn.functional.cross_entropy``.

    Args:
        input (Tensor): scores of classes, shape (C,), (N, C) or (N, C, d1, ..., dK).
        target (Tensor): classes, from 0 to C - 1, of shape (), (N,) or (N, d1, ..., dK), int64, int32 or uint8; or
            probabilities of classes, of the shape of `input`.
        weight (Tensor, optional): of each class, shape (C,).
        size_average, reduce (bool, optional): torch's deprecated arguments.
        ignore_index (int): a class whose samples do not count.
        reduction (str): 'none', 'mean' (divided by the sum of the weights of the samples that count) or 'sum'.
        label_smoothing (float): from 0 to 1: the part of the target that is spread over all classes.

    Raises:
        ValueError, RuntimeError: As torch raises them.

    Differences from torch:
        torch takes no int32, which MindSpore's own loss wants. A class that is out of range makes the loss NaN, and its
        gradient, where torch raises IndexError: to look for one would hold up the device.
    """
    reduction = checked_reduction("cross_entropy", size_average, reduce, reduction)
    check_cross_entropy(
        input.shape, target.shape, _shape(weight), (input.dtype, target.dtype, _dtype(weight)), ignore_index,
        label_smoothing,
    )
    axis = 0 if input.ndim == 1 else 1
    if has_class_probabilities(input.shape, target.shape):
        return _of_probabilities(input, target, weight, reduction, label_smoothing, axis)
    compute, result = _dtypes(input.dtype, input.dtype, _dtype(weight))
    if is_empty(input.shape):
        return reduced(_no_losses(input.shape, axis, compute), reduction, result)
    input = to_dtype(input, compute)
    shifted, logarithm = _shifted(input, axis)
    mean_of_others = None
    if label_smoothing > 0:
        losses = _sub(logarithm, shifted)
        if weight is not None:
            losses = _mul(losses, to_dtype(_along(weight, axis, input.ndim), compute))
        mean_of_others = _mul(_sum_kept(losses, axis), _share(label_smoothing, input.shape[axis], compute))
    return _picked(
        shifted, logarithm, target, weight, ignore_index, reduction, result, axis, label_smoothing, mean_of_others
    )


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-input at the class of each sample, as ``torch.nn.functional.nll_loss``.

    Args:
        input (Tensor): logarithms of probabilities of classes, shape (C,), (N, C) or (N, C, d1, ..., dK).
        target (Tensor): classes, from 0 to C - 1, of shape (), (N,) or (N, d1, ..., dK), int64, int32 or uint8.
        weight, size_average, ignore_index, reduce, reduction: see :func:`cross_entropy`.

    Raises:
        ValueError, RuntimeError: As torch raises them.

    Differences from torch:
        See :func:`cross_entropy`.
    """
    reduction = checked_reduction("nll_loss", size_average, reduce, reduction)
    check_nll("nll_loss", input.shape, target.shape, _shape(weight), (input.dtype, target.dtype, _dtype(weight)))
    axis = 0 if input.ndim == 1 else 1
    compute, result = _dtypes(input.dtype, input.dtype, _dtype(weight))
    input = to_dtype(input, compute)
    if is_empty(input.shape):
        return reduced(_no_losses(input.shape, axis, compute), reduction, result)
    return _picked(input, None, target, weight, ignore_index, reduction, result, axis, 0.0, None)


def _shifted(input: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """The scores less the largest one, and the logarithm of the sum of their exponentials.

    Not LogSoftmax, whose gradient has no derivative, and says so.
    """
    shifted = _sub(input, _stop_gradient(_max_kept(input, axis)))
    return shifted, _log(_sum_kept(_exp(shifted), axis))


def _picked(
    scores: Tensor,
    logarithm: Tensor | None,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    result: Any,
    axis: int,
    smoothing: float,
    mean_of_others: Tensor | None,
) -> Tensor:
    """The loss of the class that each target names: axes stay as they are in the scores, the class's has size 1."""
    target = _stop_gradient(_reshape(target, (1,)) if axis == 0 else _expand_dims(target, 1))
    if target.dtype == ms.uint8:
        target = _cast(target, ms.int32)
    first, last, one, nan = _numbers(scores.shape[axis], target.dtype, scores.dtype)
    place = _minimum(_maximum(target, first), last)
    losses = _gather_nd(scores, _stack(_indices(place, scores.shape, axis)))
    losses = _neg(losses) if logarithm is None else _sub(logarithm, losses)
    # A class out of range makes the loss NaN, and its gradient. The error that GatherNd would raise on CPU comes from
    # another thread in PyNative mode, where it ends the process at times (MS-29).
    of_class = one if weight is None else _gather(to_dtype(weight, scores.dtype), place, 0)
    weights = _select(_equal(place, target), of_class, nan)
    if _can_be_ignored(ignore_index, target.dtype):
        counts = _not_equal(target, ignore_index)
        nothing = _zeros_like(losses)
        losses, weights = _select(counts, losses, nothing), _select(counts, weights, nothing)
        if mean_of_others is not None:
            mean_of_others = _select(counts, mean_of_others, nothing)
    losses = _mul(losses, weights)
    if mean_of_others is not None:
        losses = _add(_mul(losses, _rest(smoothing, losses.dtype)), mean_of_others)
    if reduction == "none":
        return to_dtype(drop_axis(losses, axis), result)
    if reduction == "sum":
        return reduced(losses, reduction, result)
    return to_dtype(_div(total(losses), total(weights)), result)


def _of_probabilities(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, smoothing: float, axis: int
) -> Tensor:
    compute, result = _dtypes(input.dtype, target.dtype, _dtype(weight))
    input, target = to_dtype(input, compute), to_dtype(target, compute)
    if is_empty(input.shape):
        return reduced(_no_losses(input.shape, axis, compute), reduction, result)
    if smoothing > 0:
        target = _add(_mul(target, _rest(smoothing, compute)), _share(smoothing, input.shape[axis], compute))
    shifted, logarithm = _shifted(input, axis)
    losses = _mul(_sub(logarithm, shifted), target)
    if weight is not None:
        losses = _mul(losses, to_dtype(_along(weight, axis, input.ndim), compute))
    losses = _sum_kept(losses, axis)
    if reduction == "none":
        return to_dtype(drop_axis(losses, axis), result)
    return reduced(losses, reduction, result)


@compile_time
@functools.lru_cache
def _no_losses(shape: Sequence[int], axis: int, dtype: Any) -> Tensor:
    """Of an empty input: GatherNd has no gradient of it (MS-71)."""
    return Tensor(np.zeros([size for other, size in enumerate(shape) if other != axis]), dtype)


def _along(weight: Tensor, axis: int, axes: int) -> Tensor:
    return weight if axis == 0 or axes == 2 else _reshape(weight, _column(axes))


def _indices(target: Tensor, shape: Sequence[int], axis: int) -> tuple[Tensor, ...]:
    """The coordinates of what GatherNd is to take, one tensor for each axis."""
    places, broadcast = _coordinates(shape, axis, target.dtype)
    indices: tuple[Tensor, ...] = ()
    for other in range(len(shape)):
        if other == axis:
            indices += (target,)
        elif places is None:  # in a graph of open sizes
            ones = _ones_like(target)
            indices += (_sub(_cum_sum(ones, other), ones),)
        else:
            place = places[other if other < axis else other - 1]
            indices += (place if broadcast is None else broadcast(place),)
    return indices


@compile_time
@functools.lru_cache(maxsize=64)
def _coordinates(shape: Sequence[int], axis: int, dtype: Any) -> tuple[tuple[Tensor, ...] | None, Any]:
    """The other coordinates of what GatherNd is to take, and the operator that gives them the shape of the targets.

    The first are None where a size is open; the operator is, where they have that shape already.
    """
    if any(size is None or size < 0 for size in shape):
        return None, None
    integers = np.int32 if dtype == ms.int32 else np.int64
    places = tuple(
        Tensor(np.arange(size, dtype=integers).reshape([-1 if place == other else 1 for place in range(len(shape))]))
        for other, size in enumerate(shape) if other != axis
    )
    kept = tuple(1 if other == axis else size for other, size in enumerate(shape))
    return places, None if len(shape) <= 2 else ops.BroadcastTo(kept)


@compile_time
@functools.lru_cache(maxsize=256)
def _numbers(classes: int | None, integers: Any, floats: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The first class and the last, which may be unknown; 1, and NaN."""
    last = 2**31 - 1 if classes is None or classes < 0 else classes - 1
    return Tensor(0, integers), Tensor(last, integers), Tensor(1.0, floats), Tensor(float("nan"), floats)


@compile_time
def _can_be_ignored(ignore_index: int, dtype: Any) -> bool:
    """Whether a target of this dtype can be the class to ignore."""
    return dtype == ms.int64 or -(2**31) <= ignore_index < 2**31


@compile_time
def _column(axes: int) -> tuple[int, ...]:
    return (1, -1) + (1,) * (axes - 2)


@compile_time
@functools.lru_cache
def _rest(smoothing: float, dtype: Any) -> Tensor:
    return Tensor(1.0 - smoothing, dtype)


@compile_time
@functools.lru_cache
def _share(smoothing: float, classes: int, dtype: Any) -> Tensor:
    return Tensor(smoothing / classes, dtype)


@compile_time
def _dtypes(first: Any, second: Any, of_weight: Any) -> tuple[Any, Any]:
    """The dtype to compute in, and that of the result, if it is another."""
    result = promoted(first, second) if of_weight is None else promoted(first, second, of_weight)
    compute = ms.float64 if result == ms.float64 else ms.float32
    return compute, None if result == compute else result


def _shape(tensor: Any) -> Any:
    return None if tensor is None else tensor.shape


def _dtype(tensor: Any) -> Any:
    return None if tensor is None else tensor.dtype
