"""Losses of probabilities of two classes, with the signatures of torch.nn.functional."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mindspore as ms
from mindspore import Tensor, nn, ops

from .._constant import constant
from .._mindspore.compile_time import compile_time
from ._errors import scalar_type
from .reduction import (
    broadcast_shape,
    broadcast_sizes,
    check_broadcastable,
    float_dtypes,
    log1p_correction,
    promoted,
    reduced,
    reduced_vectors,
    reduction_of,
    softplus,
    to_dtype,
)

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits", "multilabel_soft_margin_loss"]

_add = ops.Add()
_div = ops.RealDiv()
_log = ops.Log()
_log1p = ops.Log1p()
_maximum = ops.Maximum()
_mul = ops.Mul()
_neg = ops.Neg()
_sub = ops.Sub()
_sum_kept = ops.ReduceSum(keep_dims=True)
_LEAST_VARIANCE = 9.999999960041972e-13  # torch's 1e-12, which is a float32, in float64 too


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-(target * log(input) + (1 - target) * log(1 - input)), as ``torch.nn.functional.binary_cross_entropy``.

    Logarithms are at least -100, as torch's.

    Args:
        input (Tensor): probabilities, of any shape.
        target (Tensor): of the same shape and dtype.
        weight (Tensor, optional): of a shape that can be broadcast to that of `input`.
        size_average, reduce (bool, optional): torch's deprecated arguments.
        reduction (str): 'none', 'mean' or 'sum'.

    Raises:
        ValueError, RuntimeError: As torch raises them, but for elements that are not from 0 to 1.

    Differences from torch:
        Elements are not looked at, which would hold up the device: the loss of an `input` below 0 or above 1 is NaN,
        where torch raises RuntimeError.
    """
    reduction, compute, result = _bce_plan(
        (input.shape, target.shape, _shape(weight)),
        (input.dtype, target.dtype),
        (size_average, reduce, reduction),
    )
    loss = _clamped(to_dtype(input, compute), to_dtype(target, compute))
    if weight is not None:
        loss = _mul(loss, to_dtype(weight, compute))
    return reduced(loss, reduction, result)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Binary cross entropy of sigmoid(input), as ``torch.nn.functional.binary_cross_entropy_with_logits``.

    Args:
        input (Tensor): of any shape.
        target (Tensor): probabilities, of the same shape.
        weight (Tensor, optional): of a shape that can be broadcast to that of `input`.
        size_average, reduce (bool, optional): torch's deprecated arguments.
        reduction (str): 'none', 'mean' or 'sum'.
        pos_weight (Tensor, optional): the weight of target * log(sigmoid(input)), likewise of a shape that can be
            broadcast.

    Raises:
        ValueError, RuntimeError: As torch raises them.
    """
    reduction, compute, result = _logits_plan(
        (input.shape, target.shape, _shape(pos_weight), _shape(weight)),
        (input.dtype, target.dtype),
        (size_average, reduce, reduction),
    )
    input, target = to_dtype(input, compute), to_dtype(target, compute)
    smooth = softplus(_neg(input))
    if pos_weight is not None:
        smooth = _mul(_add(_mul(_sub(to_dtype(pos_weight, compute), 1.0), target), 1.0), smooth)
    loss = _add(_mul(_sub(1.0, target), input), smooth)
    if weight is not None:
        loss = _mul(loss, to_dtype(weight, compute))
    return reduced(loss, reduction, result)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The mean over classes of the binary cross entropy: ``torch.nn.functional.multilabel_soft_margin_loss``.

    Args:
        input (Tensor): scores, the last axis that of the classes.
        target (Tensor): probabilities, of a shape that can be broadcast with that of `input`.
        weight (Tensor, optional): likewise.
        size_average, reduce (bool, optional): torch's deprecated arguments.
        reduction (str): 'none', 'mean' or 'sum'.

    Raises:
        ValueError, RuntimeError, IndexError: As torch raises them.
    """
    reduction, compute, result = _multilabel_plan(
        (input.shape, target.shape, None if weight is None else weight.shape),
        (input.dtype, target.dtype, None if weight is None else weight.dtype), (size_average, reduce, reduction),
    )
    classes = input.shape[-1]
    input, target = to_dtype(input, compute), to_dtype(target, compute)
    loss = _add(_mul(target, softplus(_neg(input))), _mul(_sub(1.0, target), softplus(input)))
    if weight is not None:
        loss = _mul(loss, to_dtype(weight, compute))
    return reduced_vectors(_div(_sum_kept(loss, -1), classes), reduction, result)


class _Clamped(nn.Cell):
    """(input, target) -> the loss of each element; logarithms are at least -100.

    The derivative of the clamped logarithm would be NaN at 0 and 1; torch's own formula is finite, and not 0 there.
    """

    def construct(self, input, target):  # type: ignore[no-untyped-def]
        of_one = _mul(target, _maximum(_log(input), -100.0))
        rest = _neg(input)
        of_zero = _mul(_sub(1.0, target), _maximum(_add(_log1p(rest), log1p_correction(rest)), -100.0))
        return _neg(_add(of_one, of_zero))

    def bprop(self, input, target, output, gradient):  # type: ignore[no-untyped-def]
        variance = _maximum(_mul(_sub(1.0, input), input), constant(_LEAST_VARIANCE, input.dtype))
        of_input = _mul(gradient, _div(_sub(input, target), variance))
        return of_input, _mul(gradient, _sub(_log1p(_neg(input)), _log(input)))


_clamped = _Clamped()


@compile_time
def _bce_plan(
    shapes: tuple[Any, Any, Any], dtypes: tuple[Any, Any], reductions: tuple[Any, Any, Any]
) -> tuple[str, Any, Any]:
    name = "binary_cross_entropy"
    reduction = reduction_of(name, *reductions)
    shape, target_shape, weight_shape = shapes
    dtype, target_dtype = dtypes
    if shape != target_shape:
        raise ValueError(
            f"For '{name}', Using a target size (torch.Size({list(target_shape)})) that is different to the input size "
            f"(torch.Size({list(shape)})) is deprecated. Please ensure they have the same size."
        )
    if weight_shape is not None:
        _check_weight(name, target_shape, weight_shape)
    if dtype != target_dtype:
        raise RuntimeError(f"For '{name}', Found dtype {scalar_type(target_dtype)} but expected {scalar_type(dtype)}.")
    if promoted(dtype) is None:
        kind = scalar_type(dtype)
        raise NotImplementedError(f"""For '{name}', "binary_cross_entropy" not implemented for '{kind}'.""")
    compute = ms.float64 if dtype == ms.float64 else ms.float32
    return reduction, compute, None if dtype == compute else dtype


def _check_weight(name: str, shape: Sequence[int], weight_shape: Sequence[int]) -> None:
    for back in range(1, min(len(shape), len(weight_shape)) + 1):
        one, other = shape[-back], weight_shape[-back]
        if one not in (other, 1, None, -1) and other not in (1, None, -1):
            raise RuntimeError(
                f"For '{name}', Attempting to broadcast a dimension of length {other} at -{back}! Mismatching argument "
                f"at index 1 had torch.Size({list(weight_shape)}); but expected shape should be broadcastable to "
                f"{list(shape)}."
            )
    check_broadcastable(name, shape, weight_shape)


@compile_time
def _logits_plan(
    shapes: tuple[Any, ...], dtypes: tuple[Any, ...], reductions: tuple[Any, Any, Any]
) -> tuple[str, Any, Any]:
    name = "binary_cross_entropy_with_logits"
    reduction = reduction_of(name, *reductions)
    shape, target_shape, *weight_shapes = shapes
    if shape != target_shape:
        raise ValueError(
            f"For '{name}', Target size (torch.Size({list(target_shape)})) must be the same as input size "
            f"(torch.Size({list(shape)}))."
        )
    dtype, target_dtype = dtypes
    if promoted(dtype) is None:
        raise NotImplementedError(f"""For '{name}', "log_sigmoid_cpu" not implemented for '{scalar_type(dtype)}'.""")
    if target_dtype == ms.bool_:
        raise RuntimeError(f"For '{name}', Subtraction, the `-` operator, with two bool tensors is not supported.")
    if promoted(target_dtype) is None:
        raise RuntimeError(
            f"For '{name}', result type {scalar_type(dtype)} can't be cast to the desired output type "
            f"{scalar_type(target_dtype)}."
        )
    if weight_shapes[0] is not None:
        broadcast_sizes(name, weight_shapes[0], shape)
    for weight_shape in weight_shapes:
        if weight_shape is not None:
            check_broadcastable(name, shape, weight_shape)
    result = promoted(dtype, target_dtype)
    compute = ms.float64 if result == ms.float64 else ms.float32
    return reduction, compute, None if result == compute else result


def _shape(tensor: Any) -> Any:
    return None if tensor is None else tensor.shape


@compile_time
def _multilabel_plan(
    shapes: tuple[Any, ...], dtypes: tuple[Any, ...], reductions: tuple[Any, Any, Any]
) -> tuple[str, Any, Any]:
    name = "multilabel_soft_margin_loss"
    size_average, reduce, reduction = reductions
    if size_average is not None or reduce is not None:
        reduction = reduction_of(name, *reductions)
    shape, target_shape, weight_shape = shapes
    broadcast_sizes(name, target_shape, shape)
    if weight_shape is not None:
        broadcast_sizes(name, broadcast_shape(shape, target_shape), weight_shape)
    if not shape:
        raise IndexError(f"For '{name}', Dimension specified as -1 but tensor has no dimensions.")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"For '{name}', {reduction} is not valid.")
    return (reduction, *float_dtypes(*dtypes))
