"""The p-norm along an axis, with torch's derivatives where it has no slope."""

from __future__ import annotations

import functools
import math
from typing import Any

from mindspore import Tensor, ops

from .._constant import constant
from .._mindspore.compile_time import compile_time

__all__ = ["vector_norm"]

_abs = ops.Abs()
_cast = ops.Cast()
_equal = ops.Equal()
_max = ops.ReduceMax(keep_dims=True)
_min = ops.ReduceMin(keep_dims=True)
_mul = ops.Mul()
_not_equal = ops.NotEqual()
_ones_like = ops.OnesLike()
_pow = ops.Pow()
_select = ops.Select()
_sqrt = ops.Sqrt()
_sum = ops.ReduceSum(keep_dims=True)
_zeros_like = ops.ZerosLike()

_INFINITY = math.inf


def vector_norm(x: Tensor, p: float, axes: int | tuple[int, ...]) -> Tensor:
    """The p-norm of float32 or float64 along axes, which stay, of size 1; along none of a tensor that has none.

    Where it has no slope, at zero, its derivative is zero, as in torch: a root or a power would give infinity or NaN.
    """
    if p == 0:
        is_other = _cast(_not_equal(x, 0), x.dtype)
        return _sum(is_other, axes) if len(x.shape) > 0 else is_other
    magnitude = _abs(x)
    if _is_of_one_value(x.shape, axes):
        return magnitude
    if p == 1:
        return _sum(magnitude, axes)
    if p == _INFINITY or p == -_INFINITY:
        extreme = _max(magnitude, axes) if p > 0 else _min(magnitude, axes)
        total = _sum(magnitude, axes)
        return _select(_not_equal(total, total), total, extreme)  # ReduceMax and ReduceMin pass over NaN (MS-50)
    if p == 2:
        total = _sum(_mul(x, x), axes)
        is_zero = _equal(total, 0)
        root = _sqrt(_select(is_zero, _ones_like(total), total))
        return _select(is_zero, _zeros_like(total), root)
    is_zero = _equal(magnitude, 0)
    powers = _pow(_select(is_zero, _ones_like(x), magnitude), constant(p, x.dtype))
    of_zero = _zeros_like(x)
    if p < 0:
        of_zero = of_zero + constant(_INFINITY, x.dtype)
    total = _sum(_select(is_zero, of_zero, powers), axes)
    is_zero = _equal(total, 0)
    root = _pow(_select(is_zero, _ones_like(total), total), _reciprocal(p, x.dtype))
    return _select(is_zero, _zeros_like(total), root)


@compile_time
def _is_of_one_value(shape: tuple[int, ...], axes: int | tuple[int, ...]) -> bool:
    return not shape or all(shape[axis] == 1 for axis in ((axes,) if isinstance(axes, int) else axes))


@compile_time
@functools.lru_cache
def _reciprocal(value: float, dtype: Any) -> Tensor:
    return Tensor(1 / value, dtype)  # a graph would divide in float32
