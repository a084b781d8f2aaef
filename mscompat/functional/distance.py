"""Distances of vectors, with the signatures of torch.nn.functional."""

from __future__ import annotations

import functools
from numbers import Integral, Real
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, ops

from .._constant import constant
from .._mindspore.compile_time import compile_time
from ._errors import fail, scalar_type
from ._vector_norm import vector_norm
from .reduction import broadcast_sizes, drop_axis, promoted, to_dtype

__all__ = ["cosine_similarity", "pairwise_distance"]

_abs = ops.Abs()
_add = ops.Add()
_cast = ops.Cast()
_div = ops.RealDiv()
_maximum = ops.Maximum()
_mul = ops.Mul()
_sqrt = ops.Sqrt()
_stop_gradient = ops.stop_gradient
_sub = ops.Sub()
_sum = ops.ReduceSum(keep_dims=True)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Compute the cosine of the angle between vectors along an axis, as ``torch.nn.functional.cosine_similarity``.

    Args:
        x1, x2 (Tensor): of shapes that can be broadcast with each other, one at least of a floating dtype.
        dim (int): the axis of the vectors, of the common shape. Default: 1.
        eps (float): the least norm to divide by. Default: 1e-8.

    Returns:
        Tensor of the common shape without the axis.

    Raises:
        RuntimeError, IndexError, TypeError: As torch does, with torch's sentence.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> print(F.cosine_similarity(Tensor([[3.0, 4.0]]), Tensor([[6.0, 8.0]])))
        [1.]
    """
    _check_tensors("cosine_similarity", x1, x2)
    dtype, computed, axis, empty = _cosine_plan(x1.shape, x2.shape, x1.dtype, x2.dtype, dim, eps)
    if empty is not None:
        return _zeros(empty, dtype)
    ones = _ones(x1.shape, x2.shape, axis, computed)
    first, second = _unit(to_dtype(x1, computed), axis, eps, ones), _unit(to_dtype(x2, computed), axis, eps, ones)
    product = _mul(first, second)
    if len(product.shape) > 0:
        product = drop_axis(_sum(product, axis), len(product.shape) + axis)
    return to_dtype(product, dtype)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """Compute the p-norm of x1 - x2 + eps along the last axis, as ``torch.nn.functional.pairwise_distance``.

    Args:
        x1, x2 (Tensor): of shapes that can be broadcast with each other.
        p (float): of the norm: any number, infinite ones too. Default: 2.0.
        eps (float): added to each difference. Default: 1e-6.
        keepdim (bool): whether the last axis stays, of size 1. Default: False.

    Returns:
        Tensor of the common shape without the last axis.

    Raises:
        RuntimeError, TypeError: As torch does, with torch's sentence.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> print(F.pairwise_distance(Tensor([[3.0, 4.0]]), Tensor([[0.0, 0.0]])))
        [5.0000014]
    """
    _check_tensors("pairwise_distance", x1, x2)
    dtype, computed, axis, empty = _pairwise_plan(x1.shape, x2.shape, x1.dtype, x2.dtype, p, eps, keepdim)
    if empty is not None:
        return _zeros(empty, dtype)
    difference = _rounded(_sub(to_dtype(x1, computed), to_dtype(x2, computed)), dtype, computed)
    difference = _rounded(_add(difference, constant(eps, computed)), dtype, computed)
    distance = vector_norm(difference, p, axis)
    if not keepdim and len(distance.shape) > 0:
        distance = drop_axis(distance, len(distance.shape) - 1)
    return to_dtype(distance, dtype)


def _unit(x: Tensor, axis: int, eps: float, ones: Tensor | None) -> Tensor:
    """The vectors divided by their norms, or by eps, which is no part of torch's derivative."""
    if ones is not None:
        x = _mul(x, ones)
    norm = _norm(x, axis)
    norm = _add(norm, _stop_gradient(_sub(_maximum(norm, constant(eps, x.dtype)), norm)))
    return _div(x, norm)


def _norm(x: Tensor, axis: int) -> Tensor:
    """The norm, whose derivative at zero is zero."""
    if _is_single(x.shape, axis):
        return _abs(x)
    return _sqrt(_maximum(_sum(_mul(x, x), axis), _least(x.dtype)))


def _rounded(x: Tensor, dtype: Any, computed: Any) -> Tensor:
    """As the half types have it after each step."""
    return x if dtype == computed else _cast(_cast(x, dtype), computed)


# Arguments


def _check_tensors(name: str, x1: Any, x2: Any) -> None:
    if not isinstance(x1, (Tensor, Parameter)):
        raise TypeError(f"For '{name}', argument 'x1' (position 1) must be Tensor.")
    if not isinstance(x2, (Tensor, Parameter)):
        raise TypeError(f"For '{name}', argument 'x2' (position 2) must be Tensor.")


def _check_number(name: str, argument: str, position: int, value: Any) -> None:
    if not isinstance(value, Real):
        kind = type(value).__name__
        fail(name, f"argument '{argument}' (position {position}) must be float, not {kind}", TypeError)


def _common(name: str, first: Any, second: Any) -> tuple[Any, ...]:
    """The shape that both are broadcast to; None where it is not known before the call."""
    broadcast_sizes(name, first, second)
    length = max(len(first), len(second))
    sizes = []
    for one, other in zip((1,) * (length - len(first)) + tuple(first), (1,) * (length - len(second)) + tuple(second),
                          strict=True):
        known = [size for size in (one, other) if size not in (None, -1)]
        sizes.append(next((size for size in known if size != 1), 1 if len(known) == 2 else None))
    return tuple(sizes)


def _plan(dtype: Any, axis: int, output: tuple[Any, ...], is_empty: bool) -> tuple[Any, Any, int, Any]:
    """The dtype of the result, the one to compute in, the axis, from the end, and the shape of an empty sum."""
    computed = ms.float32 if dtype in (ms.float16, ms.bfloat16) else dtype
    return dtype, computed, axis, output if is_empty else None


def _cosine_rules(first: Any, second: Any, dtype1: Any, dtype2: Any, dim: Any, eps: Any) -> tuple[Any, Any, int, Any]:
    name = "cosine_similarity"
    if isinstance(dim, bool) or not isinstance(dim, Integral):
        fail(name, f"argument 'dim' (position 3) must be int, not {type(dim).__name__}", TypeError)
    _check_number(name, "eps", 4, eps)
    dtype = promoted(dtype1, dtype2)
    if dtype is None:
        fail(
            name,
            "expected common dtype to be floating point, yet common dtype is "
            f"{scalar_type(max(dtype1, dtype2, key=str))}",
        )
    common, dim = _common(name, first, second), int(dim)
    bound = max(len(common), 1)
    if not -bound <= dim < bound:
        fail(
            name,
            f"Dimension out of range (expected to be in range of [-{bound}, {bound - 1}], but got {dim})",
            IndexError,
        )
    axis = dim % bound
    return _plan(dtype, axis - bound, (*common[:axis], *common[axis + 1 :]), 0 in common)


def _pairwise_rules(
    first: Any, second: Any, dtype1: Any, dtype2: Any, p: Any, eps: Any, keepdim: Any
) -> tuple[Any, Any, int, Any]:
    name = "pairwise_distance"
    _check_number(name, "p", 3, p)
    _check_number(name, "eps", 4, eps)
    if not isinstance(keepdim, bool):
        fail(name, f"argument 'keepdim' (position 5) must be bool, not {type(keepdim).__name__}", TypeError)
    common = _common(name, first, second)
    if ms.bool_ in (dtype1, dtype2):
        both = "two bool tensors is" if dtype1 == dtype2 else "a bool tensor is"
        operator = "`^` or `logical_xor()` operator" if dtype1 == dtype2 else "`~` or `logical_not()` operator"
        fail(name, f"Subtraction, the `-` operator, with {both} not supported. Use the {operator} instead")
    if common and common[-1] == 0 and (p < 0 or p == float("inf")):
        fail(
            name,
            f"linalg.vector_norm cannot compute the {p:g} norm on the dimension {len(common) - 1}because this "
            "dimension is empty and the operation does not have an identity",
        )
    output = (*common[:-1], 1) if keepdim and common else common[:-1]
    return _plan(promoted(dtype1, dtype2) or ms.float32, -1, output, 0 in common)


def _make_ones(first: Any, second: Any, axis: int, dtype: Any) -> Tensor | None:
    """Ones to multiply with where one of the two is broadcast along the axis: its norm is that of the whole."""
    one, other = (shape[axis] if len(shape) >= -axis else 1 for shape in (first, second))
    if one == other or None in (one, other):
        return None
    return ops.ones((max(one, other), *(1,) * (-axis - 1)), dtype)


_cosine_plan = compile_time(_cosine_rules)
_pairwise_plan = compile_time(_pairwise_rules)
_ones = compile_time(functools.lru_cache(maxsize=128)(_make_ones))


@compile_time
def _is_single(shape: tuple[Any, ...], axis: int) -> bool:
    """Whether the vectors are known to have one element."""
    return len(shape) == 0 or shape[axis] == 1


@compile_time
@functools.lru_cache
def _least(dtype: Any) -> Tensor:
    """The least square that is not taken for zero."""
    return Tensor(np.finfo(ms.dtype_to_nptype(dtype)).tiny, dtype)


@compile_time
@functools.lru_cache(maxsize=128)
def _zeros(shape: tuple[int, ...], dtype: Any) -> Tensor:
    return ops.zeros(shape, dtype)
