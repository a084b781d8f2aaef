"""Lookups, with the signatures of torch.nn.functional."""

from __future__ import annotations

import functools
import math
from numbers import Integral, Real
from typing import Any

import mindspore as ms
from mindspore import Parameter, Tensor, nn, ops

from .._mindspore.compile_time import compile_time, is_in_graph
from ._errors import fail, scalar_type

__all__ = ["embedding", "one_hot"]

_abs = ops.Abs()
_cast = ops.Cast()
_div = ops.Div()
_expand_dims = ops.ExpandDims()
_gather = ops.Gather()
_greater = ops.Greater()
_less = ops.Less()
_mul = ops.Mul()
_not_equal = ops.NotEqual()
_ones_like = ops.OnesLike()
_one_hot = ops.OneHot()
_pow = ops.Pow()
_reduce_max_kept = ops.ReduceMax(keep_dims=True)
_reduce_min_kept = ops.ReduceMin(keep_dims=True)
_reduce_sum_kept = ops.ReduceSum(keep_dims=True)
_reshape = ops.Reshape()
_scatter_update = ops.ScatterUpdate()
_select = ops.Select()
_sqrt = ops.Sqrt()
_stop_gradient = ops.stop_gradient
_unsorted_segment_sum = ops.UnsortedSegmentSum()


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Look up rows of a matrix, as ``torch.nn.functional.embedding``.

    Args:
        input (Tensor): numbers of rows, int64 or int32, of any shape.
        weight (Tensor): the matrix, shape (num_embeddings, embedding_dim).
        padding_idx (int, optional): a row that gets no gradient. Default: None.
        max_norm (float, optional): rows that are looked up are first scaled down to this norm, in place: weight must be
            a Parameter then. Default: None.
        norm_type (float): p of that norm. Default: 2.0.
        scale_grad_by_freq (bool): whether a row's gradient is divided by how often it is looked up. Default: False.
        sparse (bool): accepted; see below. Default: False.

    Returns:
        Tensor of shape (*, embedding_dim).

    Raises:
        IndexError, RuntimeError, AssertionError, TypeError: As torch does, with torch's sentence. In a graph, a row
            that does not exist raises MindSpore's own error.

    Differences from torch:
        The gradient is dense where `sparse` is True, with the same values. max_norm takes no bfloat16, and in
        a graph, rows of float64 pass through float32 when it scales them (MS-26).

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> print(F.embedding(Tensor([1, 0]), Tensor([[1.0, 2.0], [3.0, 4.0]])))
        [[3. 4.]
         [1. 2.]]
    """
    if not isinstance(input, (Tensor, Parameter)):
        raise TypeError("For 'embedding', argument 'indices' (position 2) must be Tensor.")
    if not isinstance(weight, (Parameter, Tensor)):
        raise TypeError("For 'embedding', argument 'weight' (position 1) must be Tensor.")
    padding_idx, is_plain = _embedding_plan(
        input.shape, input.dtype, weight.shape, weight.dtype, padding_idx, max_norm, norm_type, scale_grad_by_freq,
        isinstance(weight, Parameter),
    )
    input = _checked_indices(input, weight.shape, max_norm)
    if max_norm is not None:
        _renormalize(weight, input, max_norm, norm_type)
    if is_plain:
        return _gather(weight, input, 0)
    return _special_embedding(input, weight, padding_idx, scale_grad_by_freq)


def one_hot(input: Tensor, num_classes: int = -1) -> Tensor:
    """Make vectors of zeros with a one where the class is, as ``torch.nn.functional.one_hot``.

    Args:
        input (Tensor): classes, int64, of any shape.
        num_classes (int): how many there are. Default: -1: one more than the largest of input.

    Returns:
        Tensor of shape (*, num_classes), int64.

    Raises:
        RuntimeError, TypeError: As torch does, with torch's sentence.

    Differences from torch:
        A graph knows no values: there, num_classes must be given, and a class out of range has zeros alone.

    Examples:
        >>> from mindspore import Tensor
        >>> from mscompat import functional as F
        >>> print(F.one_hot(Tensor([2, 0]), 3))
        [[0 0 1]
         [1 0 0]]
    """
    if not isinstance(input, (Tensor, Parameter)):
        raise TypeError("For 'one_hot', argument 'input' (position 1) must be Tensor.")
    if is_in_graph():
        classes, is_empty = _one_hot_plan(input.shape, input.dtype, num_classes, None)
    else:
        classes, is_empty = _one_hot_plan(input.shape, input.dtype, num_classes, _bounds(input))
    if is_empty:
        return _zeros((*input.shape, classes), ms.int64)
    return _one_hot(input, classes, _int64(1), _int64(0))


# Arguments


def _embedding_rules(
    shape: Any, dtype: Any, weight: Any, weight_dtype: Any, padding_idx: Any, max_norm: Any, norm_type: Any,
    scales: Any, is_parameter: bool,
) -> tuple[int, bool]:
    """padding_idx, -1 for none, and whether the lookup has no steps besides."""
    if padding_idx is None:
        padding_idx = -1
    elif isinstance(padding_idx, bool) or not isinstance(padding_idx, Integral):
        kind = type(padding_idx).__name__
        fail("embedding", f"argument 'padding_idx' (position 3) must be int, not {kind}", TypeError)
    elif weight and weight[0] is not None and weight[0] >= 0:
        if not -weight[0] <= padding_idx < max(weight[0], 1):
            fail("embedding", "Padding_idx must be within num_embeddings", AssertionError)
        padding_idx = padding_idx + weight[0] if padding_idx < 0 else padding_idx
    if max_norm is not None:
        _check_number("max_norm", 3, max_norm)
        _check_number("norm_type", 4, norm_type)
    if len(weight) != 2:
        fail("embedding", "'weight' must be 2-D")
    if dtype not in (ms.int64, ms.int32):
        name = "CPUBoolType" if dtype == ms.bool_ else f"torch.{scalar_type(dtype)}Tensor"
        fail(
            "embedding",
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{name} instead (while checking arguments for embedding)",
        )
    if max_norm is not None and weight_dtype not in (ms.float16, ms.bfloat16, ms.float32, ms.float64):
        fail(
            "embedding",
            f"norm(): input dtype should be either floating point or complex. Got {scalar_type(weight_dtype)} instead",
        )
    if max_norm is not None and not is_parameter:
        fail("embedding", "max_norm changes weight in place: weight must be a Parameter", TypeError)
    if max_norm is not None and weight_dtype == ms.bfloat16:
        fail("embedding", "max_norm takes no bfloat16, which MindSpore does not update in place", TypeError)
    if weight[0] == 0 and 0 not in shape:
        fail("embedding", "index_select(): self indexing axis dim should be positive")
    is_empty = 0 in shape or 0 in weight
    is_plain = padding_idx < 0 and not scales and weight_dtype != ms.bfloat16 and not is_empty
    return int(padding_idx), is_plain


def _check_number(name: str, position: int, value: Any) -> None:
    if not isinstance(value, Real):
        kind = type(value).__name__
        fail("embedding", f"argument '{name}' (position {position}) must be float, not {kind}", TypeError)


_known_rules = functools.lru_cache(maxsize=1024, typed=True)(_embedding_rules)
_embedding_plan = compile_time(_known_rules)


def _host_indices(input: Tensor, weight: tuple[int, ...], max_norm: float | None) -> Tensor:
    """The indices, all of which exist, or torch's error."""
    numbers = input.asnumpy()
    if numbers.size and (numbers.min() < 0 or numbers.max() >= weight[0]):
        if max_norm is not None and numbers.max() >= weight[0]:
            index = int(numbers.max())
            fail(
                "embedding",
                f"select(): index {index} out of range for tensor of size {list(weight)} at dimension 0",
                IndexError,
            )
        fail("embedding", "index out of range in self", IndexError)
    return input


def _checked_indices(input: Tensor, weight: tuple[int, ...], max_norm: float | None) -> Tensor:
    if is_in_graph():
        # Gather counts negative ones from the end, and refuses those that are too large.
        return _select(_less(input, 0), _ones_like(input) * weight[0], input)
    return _host_indices(input, weight, max_norm)


def _one_hot_rules(shape: Any, dtype: Any, num_classes: Any, bounds: tuple[int, int] | None) -> tuple[int, bool]:
    if isinstance(num_classes, bool) or not isinstance(num_classes, Integral):
        kind = type(num_classes).__name__
        fail("one_hot", f"argument 'num_classes' (position 2) must be int, not {kind}", TypeError)
    if dtype != ms.int64:
        fail("one_hot", "one_hot is only applicable to index tensor of type LongTensor")
    if 0 in shape:
        if num_classes <= 0:
            fail("one_hot", "Can not infer total number of classes from empty tensor")
        return int(num_classes), True
    if bounds is not None:
        if bounds[0] < 0:
            fail("one_hot", "Class values must be non-negative")
        if num_classes == -1:
            num_classes = bounds[1] + 1
        elif num_classes < 1 or bounds[1] >= num_classes:
            fail("one_hot", "Class values must be smaller than num_classes")
    elif num_classes == -1:
        fail("one_hot", "a graph knows no values: num_classes must be given, but got num_classes=-1", ValueError)
    elif num_classes < 1:
        fail("one_hot", "Class values must be smaller than num_classes")
    return int(num_classes), False


_one_hot_plan = compile_time(_one_hot_rules)


def _bounds(input: Tensor) -> tuple[int, int]:
    numbers = input.asnumpy()
    return (int(numbers.min()), int(numbers.max())) if numbers.size else (0, -1)


@compile_time
@functools.lru_cache(maxsize=128)
def _zeros(shape: tuple[int, ...], dtype: Any) -> Tensor:
    return ops.zeros(shape, dtype)


@compile_time
@functools.lru_cache
def _int64(value: int) -> Tensor:
    return Tensor(value, ms.int64)


# Lookups


def _special_embedding(input: Tensor, weight: Tensor, padding_idx: int, scales: bool) -> Tensor:
    dtype = weight.dtype
    shape = (*input.shape, weight.shape[1])
    if _has_zero(shape):
        return _zeros(shape, dtype)
    if dtype == ms.bfloat16:  # Gather has no kernel for it
        weight = _cast(weight, ms.float32)
    output = _gather(weight, input, 0)
    if padding_idx >= 0 or scales:
        output = _scale_gradient(output, _gradient_scale(input, weight, padding_idx, scales))
    return _cast(output, dtype) if dtype == ms.bfloat16 else output


@compile_time
def _has_zero(shape: tuple[Any, ...]) -> bool:
    return 0 in shape


def _gradient_scale(input: Tensor, weight: Tensor, padding_idx: int, scales: bool) -> Tensor:
    """What the gradient of each row is multiplied by, with a last axis of size 1."""
    scale = _ones_like(_cast(input, weight.dtype))
    if scales:
        counts = _unsorted_segment_sum(_reshape(scale, (-1,)), _reshape(input, (-1,)), weight.shape[0])
        scale = _div(scale, _gather(counts, input, 0))
    if padding_idx >= 0:
        scale = _mul(scale, _cast(_not_equal(input, padding_idx), weight.dtype))
    return _expand_dims(_stop_gradient(scale), -1)


class _ScaleGradient(nn.Cell):
    """The first argument, whose gradient is multiplied by the second."""

    def construct(self, output, scale):  # type: ignore[no-untyped-def]
        return output * 1

    def bprop(self, output, scale, result, gradient):  # type: ignore[no-untyped-def]
        return _mul(gradient, scale), ops.zeros_like(scale)


_scale_gradient = _ScaleGradient()


def _renormalize(weight: Parameter, input: Tensor, max_norm: float, norm_type: float) -> None:
    """Scale the rows that are looked up to a norm, where they have a larger one, in place."""
    rows = _stop_gradient(_gather(weight, _reshape(input, (-1,)), 0))
    norm = _cast(_row_norm(_abs(rows), norm_type), ms.float64)
    # The constants in float64, as torch has them.
    limit = _limit(max_norm)
    scale = _select(_greater(norm, limit), _div(limit, norm + _float64(1e-7)), _ones_like(norm))
    _scatter_update(weight, _reshape(input, (-1,)), _mul(rows, _cast(scale, rows.dtype)))


def _row_norm(rows: Tensor, p: float) -> Tensor:
    if p == 2:
        return _sqrt(_reduce_sum_kept(rows * rows, 1))
    if p == 1:
        return _reduce_sum_kept(rows, 1)
    if p == math.inf:
        return _reduce_max_kept(rows, 1)
    if p == -math.inf:
        return _reduce_min_kept(rows, 1)
    if p == 0:
        return _reduce_sum_kept(_cast(_not_equal(rows, 0), rows.dtype), 1)
    return _pow(_reduce_sum_kept(_pow(rows, p), 1), 1.0 / p)


@compile_time
@functools.lru_cache
def _float64(value: float) -> Tensor:
    return Tensor(value, ms.float64)


@compile_time
@functools.lru_cache
def _limit(max_norm: float) -> Tensor:
    _check_number("max_norm", 3, max_norm)  # a graph comes here first
    return Tensor(float(max_norm), ms.float64)
