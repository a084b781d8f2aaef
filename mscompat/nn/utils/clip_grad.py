"""Limits of gradients: torch/nn/utils/clip_grad.py, for gradients that a function returns."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import mindspore as ms
from mindspore import Tensor, ops

from ..._constant import constant
from ..._mindspore.compile_time import compile_time, is_in_graph

__all__ = ["clip_grad_norm", "clip_grad_value", "get_total_norm"]

_abs = ops.Abs()
_add = ops.Add()
_cast = ops.Cast()
_div = ops.Div()
_maximum = ops.Maximum()
_minimum = ops.Minimum()
_mul = ops.Mul()
_not_equal = ops.NotEqual()
_pow = ops.Pow()
_select = ops.Select()
_greatest = ops.ReduceMax()
_least = ops.ReduceMin()
_sqrt = ops.Sqrt()
_square = ops.Square()
_stack = ops.Stack()
_sum = ops.ReduceSum()


def clip_grad_norm(
    gradients: Tensor | Sequence[Tensor], max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> tuple[Any, Tensor]:
    """Scale gradients so that their norm, as of one vector, is max_norm at most.

    ``torch.nn.utils.clip_grad_norm_`` does so in place; in MindSpore gradients are what a function returns. In graphs
    too, in a training step that is compiled.

    Args:
        gradients (Tensor, or sequence of Tensors): what mindspore.value_and_grad's function or a cell of
            mindspore.ops.GradOperation returns.
        max_norm (float): the limit.
        norm_type (float): which norm: 2.0, 1.0, inf or 'inf'...
        error_if_nonfinite (bool): whether to raise where the norm is NaN or infinite; not in graphs, which cannot.

    Returns:
        The gradients (a Tensor if one was given, else a tuple), and the norm that they had.

    Raises:
        RuntimeError: With torch's sentence, if the norm is not finite; in a graph, if error_if_nonfinite is True.

    Examples:
        >>> import mindspore as ms
        >>> from mscompat import nn
        >>> gradients = (ms.Tensor([3.0]), ms.Tensor([4.0]))
        >>> clipped, total_norm = nn.utils.clip_grad_norm(gradients, 1.0)
        >>> print(total_norm, *(gradient.asnumpy().round(4) for gradient in clipped))
        5.0 [0.6] [0.8]
    """
    total_norm = get_total_norm(gradients, norm_type, error_if_nonfinite)
    # As torch rounds: the reciprocal first, in the norm's own dtype.
    dtype = total_norm.dtype
    wide = _wide_dtype(dtype)
    total = _rounded(_add(_wide(total_norm), constant(1e-6, wide)), dtype)
    reciprocal = _rounded(_div(constant(1.0, wide), total), dtype)
    coefficient = _limited(_rounded(_mul(reciprocal, constant(max_norm, wide)), dtype), None, 1.0)
    if isinstance(gradients, Tensor):
        return _scaled(gradients, coefficient), total_norm
    clipped = ()
    for gradient in gradients:
        clipped += (_scaled(gradient, coefficient),)  # type: ignore[assignment]
    return clipped, total_norm


def clip_grad_value(gradients: Tensor | Sequence[Tensor], clip_value: float) -> Any:
    """Bring the elements of gradients between -clip_value and clip_value.

    ``torch.nn.utils.clip_grad_value_`` does so in place; in MindSpore gradients are what a function returns.

    Args:
        gradients (Tensor, or sequence of Tensors): see :func:`clip_grad_norm`.
        clip_value (float): the limit.

    Returns:
        The gradients: a Tensor if one was given, else a tuple.

    Examples:
        >>> import mindspore as ms
        >>> from mscompat import nn
        >>> print(nn.utils.clip_grad_value(ms.Tensor([-3.0, 0.5, 2.0]), 1.0))
        [-1.   0.5  1. ]
    """
    if isinstance(gradients, Tensor):
        return _clamped(gradients, clip_value)
    clipped = ()
    for gradient in gradients:
        clipped += (_clamped(gradient, clip_value),)  # type: ignore[assignment]
    return clipped


def get_total_norm(
    tensors: Tensor | Sequence[Tensor], norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """The norm of tensors as of one vector, as ``torch.nn.utils.get_total_norm`` gives it; in graphs too.

    Args, Raises: see :func:`clip_grad_norm`.
    """
    order = _number(norm_type)
    if isinstance(tensors, Tensor):
        tensors = (tensors,)
    if len(tensors) == 0:
        return Tensor(0.0, ms.float32)
    dtypes = ()
    for tensor in tensors:
        dtypes += (tensor.dtype,)  # type: ignore[assignment]
    dtype = _norm_dtype(dtypes)
    norms = ()
    for tensor in tensors:
        norm = _rounded(_norm(_wide(tensor), order), tensor.dtype)
        norms += (_cast(norm, _wide_dtype(dtype)),)  # type: ignore[assignment]
    total_norm = _cast(_norm(_stack(norms), order), dtype)
    if error_if_nonfinite:
        if is_in_graph():
            _refuse()
        else:
            _check_finite(total_norm, order)
    return total_norm


def _norm(values: Tensor, order: float) -> Tensor:
    if order == 2.0:
        return _sqrt(_sum(_square(values)))
    if order == math.inf:
        return _or_nan(_greatest(_abs(values)), values)
    if order == -math.inf:
        return _or_nan(_least(_abs(values)), values)
    if order == 1.0:
        return _sum(_abs(values))
    if order == 0.0:
        return _sum(_cast(_not_equal(values, constant(0.0, values.dtype)), values.dtype))
    total = _sum(_pow(_abs(values), constant(order, values.dtype)))
    return _pow(total, _inverse(order, values.dtype))


def _or_nan(result: Tensor, values: Tensor) -> Tensor:
    """The result, or NaN if a value is NaN: ReduceMax and ReduceMin pass over it."""
    count = _sum(_cast(_not_equal(values, values), values.dtype))
    return _select(_not_equal(count, constant(0.0, values.dtype)), constant(math.nan, values.dtype), result)


def _scaled(gradient: Tensor, coefficient: Tensor) -> Tensor:
    wide = _wide(gradient)
    return _cast(_mul(wide, _cast(coefficient, wide.dtype)), gradient.dtype)


def _clamped(gradient: Tensor, limit: float) -> Tensor:
    return _cast(_limited(_wide(gradient), limit, limit), gradient.dtype)


def _limited(values: Tensor, below: float | None, above: float) -> Tensor:
    """Values from -below to above, and NaN, which Maximum and Minimum make a limit of."""
    limited = _minimum(values, constant(above, values.dtype))
    if below is not None:
        limited = _maximum(limited, _negative(below, values.dtype))
    return _select(_not_equal(values, values), values, limited)


def _wide(values: Tensor) -> Tensor:
    """float32 of what is of a half type, in which torch computes, too."""
    return _cast(values, _wide_dtype(values.dtype))


def _rounded(values: Tensor, dtype: Any) -> Tensor:
    """Values that a half type can hold, as they are."""
    return _cast(_cast(values, dtype), values.dtype) if dtype in (ms.float16, ms.bfloat16) else values


def _clip_grad_number(value: Any) -> float:
    return float(value)


@functools.lru_cache(maxsize=256)
def _clip_grad_negative(value: float, dtype: Any) -> Tensor:
    return Tensor(-value, dtype)


@functools.lru_cache(maxsize=256)
def _clip_grad_inverse(order: float, dtype: Any) -> Tensor:
    """1 / order: what a graph computes of two numbers is of float32."""
    return Tensor(1.0 / order, dtype)


def _clip_grad_wide_dtype(dtype: Any) -> Any:
    return ms.float32 if dtype in (ms.float16, ms.bfloat16) else dtype


def _clip_grad_norm_dtype(dtypes: tuple[Any, ...]) -> Any:
    """The dtype of norms of several: torch's promotion."""
    if all(dtype == dtypes[0] for dtype in dtypes):
        return dtypes[0]
    return ms.float64 if ms.float64 in dtypes else ms.float32


def _check_finite(total_norm: Tensor, order: float) -> None:
    if not math.isfinite(float(total_norm.float().asnumpy())):
        raise RuntimeError(
            f"For 'clip_grad_norm', The total norm of order {order} for gradients from `parameters` is non-finite, so "
            "it cannot be clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`."
        )


def _refuse_check() -> None:
    raise RuntimeError(
        "For 'clip_grad_norm', error_if_nonfinite=True needs PyNative mode: a graph cannot raise for a value. Look at "
        "the norm that is returned."
    )


_negative = compile_time(_clip_grad_negative)
_inverse = compile_time(_clip_grad_inverse)
_number = compile_time(_clip_grad_number)
_wide_dtype = compile_time(_clip_grad_wide_dtype)
_norm_dtype = compile_time(_clip_grad_norm_dtype)
_refuse = compile_time(_refuse_check)
