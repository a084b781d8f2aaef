"""Other normalisations, with the signatures of torch.nn.functional."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Tensor, ops

from .._constant import constant
from .._mindspore.compile_time import compile_time, is_in_graph
from .._mindspore.nested_gradient import is_differentiated_twice
from ._errors import fail
from ._norm_rules import (
    Meta,
    check_dtypes,
    check_group_norm,
    check_local_response_norm,
    check_normalized_shape,
    count,
    known,
    reduced_axes,
)
from ._standardize import computed, group_masks, of_empty, over_groups, over_last, product, route
from ._vector_norm import vector_norm

__all__ = ["group_norm", "layer_norm", "local_response_norm", "normalize", "rms_norm"]

_mean = ops.ReduceMean(keep_dims=True)
_sum = ops.ReduceSum(keep_dims=True)
_square = ops.Square()
_sqrt = ops.Sqrt()
_rsqrt = ops.Rsqrt()
_pow = ops.Pow()
_less = ops.Less()
_select = ops.Select()
_zeros_like = ops.ZerosLike()
_cast = ops.Cast()
_gather = ops.Gather()


def _meta(tensor: Tensor | None) -> Meta:
    return None if tensor is None else (tensor.shape, tensor.dtype)


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Normalise groups of channels of each image, as ``torch.nn.functional.group_norm``: see mscompat.nn.GroupNorm.

    Raises:
        RuntimeError, ValueError, TypeError, NotImplementedError: With torch's sentences, if arguments do not fit.
    """
    _check_group_norm(input.shape, input.dtype, num_groups, _meta(weight), _meta(bias))
    way = route(is_in_graph(), input.shape, input.dtype, eps)
    if way == "empty":
        return of_empty(input, weight, bias, input.shape[1])
    output = over_groups(computed(input), num_groups, weight, bias, eps, way)
    return output if output.dtype == input.dtype else _cast(output, input.dtype)


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise what the last axes hold, as ``torch.nn.functional.layer_norm``: see mscompat.nn.LayerNorm.

    Raises:
        RuntimeError, TypeError, NotImplementedError: With torch's sentences, if arguments do not fit.
    """
    sizes = _check_layer_norm(input.shape, input.dtype, normalized_shape, _meta(weight), _meta(bias))
    way = route(is_in_graph(), input.shape, input.dtype, eps)
    if way == "empty":
        return of_empty(input, weight, bias, product(sizes))
    output = over_last(computed(input), sizes, weight, bias, eps, way)
    return output if output.dtype == input.dtype else _cast(output, input.dtype)


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """Divide by the root of the mean square, as ``torch.nn.functional.rms_norm``: see mscompat.nn.RMSNorm.

    Raises:
        RuntimeError, TypeError, NotImplementedError: With torch's sentences, if arguments do not fit.
    """
    sizes = _check_rms_norm(input.shape, input.dtype, normalized_shape, _meta(weight))
    if _is_empty(input.shape):
        return of_empty(input, weight, None, product(sizes))
    x, rank = computed(input), len(input.shape)
    if eps is None:
        eps = _EPS[1] if x.dtype == ms.float64 else _EPS[0]
    output = x * _rsqrt(_mean(_square(x), tuple(range(rank - len(sizes), rank))) + constant(eps, x.dtype))
    if weight is not None:
        output = output * _cast(weight, x.dtype)
    return output if output.dtype == input.dtype else _cast(output, input.dtype)


_EPS = (float(np.finfo(np.float32).eps), float(np.finfo(np.float64).eps))


def _check_group(shape: tuple[int, ...], dtype: Any, groups: Any, weight: Meta, bias: Meta) -> None:
    check_group_norm(known(shape), dtype, groups, weight, bias)


def _check_layer(shape: tuple[int, ...], dtype: Any, sizes: Any, weight: Meta, bias: Meta) -> tuple[int, ...]:
    sizes = check_normalized_shape("layer_norm", known(shape), sizes, weight, bias)
    check_dtypes("layer_norm", "LayerNormKernelImpl", dtype, weight, bias)
    return sizes


def _check_rms(shape: tuple[int, ...], dtype: Any, sizes: Any, weight: Meta) -> tuple[int, ...]:
    sizes = check_normalized_shape("rms_norm", known(shape), sizes, weight)
    check_dtypes("rms_norm", "rms_norm", dtype)
    return sizes


_check_group_norm = compile_time(_check_group)
_check_layer_norm = compile_time(_check_layer)
_check_rms_norm = compile_time(_check_rms)


def _has_no_elements(shape: tuple[int, ...]) -> bool:
    return count(known(shape)) == 0


_is_empty = compile_time(_has_no_elements)


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """Divide by what neighbouring channels hold, as ``torch.nn.functional.local_response_norm``.

    See mscompat.nn.LocalResponseNorm.

    Raises:
        ValueError, RuntimeError, TypeError: With torch's sentences, if arguments do not fit.
    """
    way = _local_response_norm_way(is_in_graph(), input.shape, input.dtype, size)
    if way == "empty":
        return input * 1
    x = computed(input)
    if way == "operator":
        output = _lrn(size, float(alpha), float(beta), float(k))(x)
    else:
        squares = _square(x)
        add_neighbours = _sum_of_neighbours_by_masks if way == "masks" else _sum_of_neighbours
        total = add_neighbours(squares, size)
        divisor = total * constant(_quotient(alpha, size), x.dtype) + constant(k, x.dtype)
        output = x / _pow(divisor, constant(beta, x.dtype))
    return output if output.dtype == input.dtype else _cast(output, input.dtype)


def _choose_local_response_norm(in_graph: bool, shape: tuple[int, ...], dtype: Any, size: Any) -> str:
    shape = known(shape)
    check_local_response_norm(shape, size)
    if count(shape) == 0:
        return "empty"
    if not in_graph and is_differentiated_twice():
        return "masks"
    # LRN takes four axes, and as many channels before as behind; the derivative of its derivative is missing (MS-63).
    return "operator" if len(shape) == 4 and size % 2 and dtype != ms.float64 else "shifts"


def _square_of(number: float) -> float:
    return number * number


def _make_lrn(size: int, alpha: float, beta: float, k: float) -> Any:
    return ops.LRN(depth_radius=size // 2, bias=k, alpha=alpha / size, beta=beta)


def _make_channel_pad(size: int, rank: int) -> Any:
    return ops.Pad(((0, 0), (size // 2, (size - 1) // 2)) + ((0, 0),) * (rank - 2))


# A graph computes with Python's numbers in float32 (MS-55).
_quotient = compile_time(operator.truediv)
_squared = compile_time(_square_of)
_local_response_norm_way = compile_time(_choose_local_response_norm)
_lrn = compile_time(functools.lru_cache(maxsize=64)(_make_lrn))
_channel_pad = compile_time(functools.lru_cache(maxsize=64)(_make_channel_pad))


def _sum_of_neighbours(squares: Tensor, size: int) -> Tensor:
    channels = squares.shape[1]
    padded = _channel_pad(size, len(squares.shape))(squares)
    total = 0
    for shift in range(size):
        total = total + _gather(padded, ops.arange(shift, shift + channels), 1)
    return total


def _sum_of_neighbours_by_masks(squares: Tensor, size: int) -> Tensor:
    """By products and sums alone, whose second derivatives are right in PyNative mode, where those of Pad are not."""
    total = 0
    channels = squares.shape[1]
    masks = group_masks(channels, channels, len(squares.shape), squares.dtype)
    for channel, mask in enumerate(masks):
        first, last = max(channel - (size - 1) // 2, 0), min(channel + size // 2, channels - 1)
        neighbours = masks[first]
        for other in range(first + 1, last + 1):
            neighbours = neighbours + masks[other]
        total = total + _sum(squares * mask, 1) * neighbours
    return total


def normalize(
    input: Tensor, p: float = 2.0, dim: int | Sequence[int] | None = 1, eps: float = 1e-12, out: None = None
) -> Tensor:
    """Divide by the p-norm along axes, or by eps where that is larger, as ``torch.nn.functional.normalize``.

    Args:
        input (Tensor): of a floating dtype.
        p (float): of the norm: any number, infinite ones too.
        dim (int or sequence of ints, optional): axes of a vector. None and () stand for all.
        eps (float): the least divisor.
        out (None): not supported.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError, IndexError, TypeError: With torch's sentences, if arguments do not fit.
        NotImplementedError: If out is not None.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> print(F.normalize(Tensor([[3.0, 4.0]])))
        [[0.6 0.8]]
    """
    axes = _normalized_axes(input.shape, input.dtype, p, dim, out is None)
    if _is_empty(input.shape):
        return input * 1
    x, p = computed(input), _exponent(p)
    if p == 2 and eps >= _LEAST_EPS and x.dtype == input.dtype:
        # Not the larger of norm and eps: the derivative of a norm of 0 is infinite.
        return x / _sqrt(_at_least(_sum(_square(x), axes), constant(_squared(eps), x.dtype)))
    norm = _cast(vector_norm(x, p, axes), input.dtype)
    return input / _at_least(norm, constant(eps, input.dtype))


def _at_least(x: Tensor, least: Tensor) -> Tensor:
    """NaN remains, which Maximum passes over (MS-50)."""
    return _select(_less(x, least), _zeros_like(x) + least, x)


# The square of a smaller one is no normal float32.
_LEAST_EPS = 1.1e-19


_INFINITY = float("inf")


def _check_normalize(shape: tuple[int, ...], dtype: Any, p: Any, dim: Any, is_new: bool) -> tuple[int, ...]:
    if not is_new:
        fail("normalize", "out is not supported: expected None", NotImplementedError)
    if dtype not in (ms.float16, ms.bfloat16, ms.float32, ms.float64):
        sentence = f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {dtype}"
        fail("normalize", sentence, RuntimeError)
    axes = reduced_axes(len(shape), tuple(dim) if isinstance(dim, list) else dim)
    value = _as_exponent(p)
    if value < 0 or value == _INFINITY:
        for axis in axes:
            if shape[axis] == 0:
                fail(
                    "normalize",
                    f"linalg.vector_norm cannot compute the {p} norm on the dimension {axis}because this dimension is "
                    "empty and the operation does not have an identity",
                )
    return axes


def _as_exponent(p: Any) -> float:
    if p is None or p == "fro":
        return 2.0
    if isinstance(p, (str, bool)) or not isinstance(p, (int, float)):
        fail("normalize", f"expected p to be a number, but got p={p!r}", TypeError)
    return float(p)


_normalized_axes = compile_time(_check_normalize)
_exponent = compile_time(_as_exponent)
