"""What losses have in common: torch's checks of arguments, its rules for dtypes, and the reductions."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from typing import Any

import mindspore as ms
from mindspore import Tensor, nn, ops

from .._constant import constant
from .._mindspore.compile_time import compile_time, is_in_graph

__all__ = [
    "average", "broadcast_shape", "broadcast_sizes", "check_broadcastable", "checked_reduction", "drop_axis",
    "float_dtypes", "hinge", "is_empty", "legacy_string", "log1p_correction", "promoted", "reduced",
    "reduced_vectors", "reduction_of", "softplus", "to_dtype", "total",
]

_abs = ops.Abs()
_add = ops.Add()
_cast = ops.Cast()
_less = ops.Less()
_div = ops.RealDiv()
_exp = ops.Exp()
_log1p = ops.Log1p()
_maximum = ops.Maximum()
_mean = ops.ReduceMean()
_mean_kept = ops.ReduceMean(keep_dims=True)
_mul = ops.Mul()
_neg = ops.Neg()
_relu = ops.ReLU()
_select = ops.Select()
_sigmoid = ops.Sigmoid()
_sub = ops.Sub()
_sum = ops.ReduceSum()
_sum_kept = ops.ReduceSum(keep_dims=True)
_zeros_like = ops.ZerosLike()

Shape = Sequence[int | None]  # None or -1: not known before the call

_FLOATS = {ms.float16: 1, ms.bfloat16: 1, ms.float32: 2, ms.float64: 3}


def legacy_string(size_average: Any, reduce: Any) -> str:
    """The reduction that torch's deprecated arguments stand for, with torch's warning."""
    size_average = size_average is None or bool(size_average)
    reduction = ("mean" if size_average else "sum") if reduce is None or reduce else "none"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.", stacklevel=3
    )
    return reduction


def reduction_of(name: str, size_average: Any, reduce: Any, reduction: Any) -> str:
    """'none', 'mean' or 'sum', as torch's functions read their three arguments."""
    if size_average is not None or reduce is not None:
        return legacy_string(size_average, reduce)
    if reduction == "elementwise_mean":
        warnings.warn(
            "reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.", stacklevel=3
        )
        return "mean"
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"For '{name}', {reduction} is not a valid value for reduction.")
    return str(reduction)


checked_reduction = compile_time(reduction_of)


def promoted(*dtypes: Any) -> Any:
    """The dtype in which torch computes with tensors of these dtypes; None where none of them is of floating point."""
    floats = {dtype for dtype in dtypes if dtype in _FLOATS}
    if not floats:
        return None
    if floats == {ms.float16, ms.bfloat16}:
        return ms.float32
    return max(floats, key=lambda dtype: _FLOATS[dtype])


def broadcast_sizes(name: str, first: Shape, second: Shape) -> None:
    """Two shapes that can be broadcast with each other, or torch's error."""
    for back in range(1, min(len(first), len(second)) + 1):
        one, other = first[-back], second[-back]
        if one not in (other, 1, None, -1) and other not in (1, None, -1):
            raise RuntimeError(
                f"For '{name}', The size of tensor a ({one}) must match the size of tensor b ({other}) at "
                f"non-singleton dimension {max(len(first), len(second)) - back}."
            )


def check_broadcastable(name: str, shape: Shape, other: Shape) -> None:
    """The second shape can be broadcast with the first without changing it, or torch's error."""
    broadcast_sizes(name, shape, other)
    wide = list(other) if len(other) > len(shape) else list(shape)
    for back in range(1, min(len(shape), len(other)) + 1):
        if shape[-back] == 1:
            wide[-back] = other[-back]
        else:
            wide[-back] = shape[-back]
    if wide != list(shape) and None not in wide and -1 not in wide:
        raise RuntimeError(
            f"For '{name}', output with shape {list(shape)} doesn't match the broadcast shape {wide}."
        )


def broadcast_shape(one: Sequence[Any], other: Sequence[Any]) -> tuple[Any, ...]:
    """The shape of two that can be broadcast."""
    length = max(len(one), len(other))
    one, other = (1,) * (length - len(one)) + tuple(one), (1,) * (length - len(other)) + tuple(other)
    return tuple(second if first == 1 else first for first, second in zip(one, other, strict=True))


def float_dtypes(*dtypes: Any) -> tuple[Any, Any]:
    """The dtype to compute in, and that of the result, if it is another. torch takes integers for its float32."""
    result = promoted(*(dtype for dtype in dtypes if dtype is not None)) or ms.float32
    compute = ms.float64 if result == ms.float64 else ms.float32
    return compute, None if result == compute else result


@compile_time
def is_empty(shape: Shape) -> bool:
    """Whether a tensor is known to have no element."""
    return 0 in shape


def to_dtype(tensor: Tensor, dtype: Any) -> Tensor:
    """The tensor in a dtype; itself for None."""
    if dtype is None or tensor.dtype == dtype:
        return tensor
    return _cast(tensor, dtype)


def reduced(values: Tensor, reduction: str, dtype: Any = None) -> Tensor:
    """The values, their mean or their sum, in a dtype unless it is None."""
    if reduction == "mean":
        values = average(values)
    elif reduction == "sum":
        values = total(values)
    return to_dtype(values, dtype)


def average(values: Tensor) -> Tensor:
    """The mean; of no values it is NaN, where ReduceMean gives what memory held (MS-70)."""
    if is_empty(values.shape):
        return constant(float("nan"), values.dtype)
    if is_in_graph():
        return _mean(values)
    return _without_axes(_mean_kept(values))


def total(values: Tensor) -> Tensor:
    """The sum; of no values it is 0, where ReduceSum gives what memory held (MS-70)."""
    if is_empty(values.shape):
        return constant(0.0, values.dtype)
    if is_in_graph():
        return _sum(values)
    return _without_axes(_sum_kept(values))


def reduced_vectors(values: Tensor, reduction: str, dtype: Any) -> Tensor:
    """The same of values whose last axis has size 1, and goes."""
    if reduction == "mean":
        values = average(values)
    elif reduction == "sum":
        values = total(values)
    else:
        values = drop_axis(values, values.ndim - 1)
    return to_dtype(values, dtype)


# In PyNative mode, the second derivatives of a sum that drops axes are wrong, and so are those of Reshape and Squeeze
# (MS-08, MS-10). Those of StridedSlice are right.


@compile_time
@functools.lru_cache
def _axis_dropper(shape: tuple[int, ...], mask: int) -> tuple[Any, tuple[int, ...], tuple[int, ...]]:
    return ops.StridedSlice(shrink_axis_mask=mask), (0,) * len(shape), (1,) * len(shape)


def _without_axes(values: Tensor) -> Tensor:
    shape = values.shape
    if not shape:
        return values
    drop, zeros, ones = _axis_dropper(shape, (1 << len(shape)) - 1)
    return drop(values, zeros, shape, ones)


def drop_axis(values: Tensor, axis: int) -> Tensor:
    """Without an axis, of size 1."""
    if is_in_graph() or is_empty(values.shape):  # StridedSlice has no gradient of nothing (MS-71)
        return _squeeze(axis)(values)
    drop, zeros, ones = _axis_dropper(values.shape, 1 << axis)
    return drop(values, zeros, values.shape, ones)


@compile_time
@functools.lru_cache
def _squeeze(axis: int) -> Any:
    return ops.Squeeze(axis)


def hinge(values: Tensor) -> Tensor:
    """max(0, values), with torch's gradient of 1 at 0: that of ReLU is 0 there, that of Maximum 1/2."""
    return _select(_less(values, 0.0), _zeros_like(values), values)


def log1p_correction(values: Tensor) -> Tensor:
    """What Log1p of values from -1 to 1 lacks: it is the logarithm of the rounded sum (MS-57). Not for derivatives."""
    sums = _add(values, 1.0)
    return _div(_sub(values, _sub(sums, 1.0)), _maximum(sums, 1e-30))


class _Softplus(nn.Cell):
    """log(1 + exp(input)).

    MindSpore's operator is off by up to 7.6e-6, in float64 too, and its gradient for NaN is 0 (MS-56, MS-53, MS-51).
    """

    def construct(self, input):  # type: ignore[no-untyped-def]
        power = _exp(_neg(_abs(input)))
        return _add(_relu(input), _add(_log1p(power), log1p_correction(power)))

    def bprop(self, input, output, gradient):  # type: ignore[no-untyped-def]
        return (_mul(gradient, _sigmoid(input)),)


softplus = _Softplus()
