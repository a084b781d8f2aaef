"""Batch and instance normalisation, with the signatures of torch.nn.functional."""

from __future__ import annotations

import functools
from typing import Any

import mindspore as ms
from mindspore import Parameter, Tensor, ops

from .._constant import constant
from .._mindspore.compile_time import compile_time, is_in_graph
from .._mindspore.nested_gradient import is_differentiated_twice
from ._errors import fail
from ._norm_rules import Meta, check_batch_norm, check_instance_norm, count, known
from ._standardize import affine, computed, of_empty, over_groups, route, scratch, standardize, training_batch_norm

__all__ = ["batch_norm", "instance_norm"]

_mean = ops.ReduceMean(keep_dims=False)
_sum = ops.ReduceSum(keep_dims=True)
_ones_like = ops.OnesLike()
_rsqrt = ops.Rsqrt()
_reshape = ops.Reshape()
_expand_dims = ops.ExpandDims()
_squeeze = ops.Squeeze(0)
_cast = ops.Cast()
_ones = ops.Ones()
_zeros = ops.Zeros()
_assign = ops.Assign()
_stop_gradient = ops.stop_gradient


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float | Tensor = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel over the batch, as ``torch.nn.functional.batch_norm``: see mscompat.nn.BatchNorm2d.

    In training, running_mean and running_var are updated in place; in Graph mode only if they are Parameters.

    Raises:
        ValueError, RuntimeError, NotImplementedError: With torch's sentences, if arguments do not fit.

    Differences from torch:
        momentum may be a float32 Tensor of one element.
    """
    is_number = not isinstance(momentum, Tensor)
    way = _batch_norm_way(
        is_in_graph(), input.shape, input.dtype, _meta(running_mean), _meta(running_var), _meta(weight), _meta(bias),
        training, momentum if is_number else None, is_number, eps,
    )
    if way == "operator":
        if training:
            return training_batch_norm(momentum, eps)(input, weight, bias, running_mean, running_var)[0]
        return _evaluating(eps)(input, weight, bias, running_mean, running_var)[0]
    if way == "empty":
        return of_empty(input, weight, bias, input.shape[1] if len(input.shape) > 1 else 0)
    if way == "composite":
        return _composite(input, running_mean, running_var, weight, bias, training, momentum, eps)
    x, shape, channels = input, input.shape, input.shape[1]
    if x.dtype != ms.float32:
        x = _cast(x, ms.float32)
    if len(shape) > 4:
        x = _reshape(x, _three_axes(shape))
    weight = _ones((channels,), ms.float32) if weight is None else computed(weight)
    bias = _zeros((channels,), ms.float32) if bias is None else computed(bias)
    if not training:
        output = _evaluating(eps)(x, weight, bias, computed(running_mean), computed(running_var))[0]
    elif running_mean is None or running_var is None:
        mean, variance = scratch(channels)
        output = training_batch_norm(0.5, eps)(x, weight, bias, mean, variance)[0]
    elif way == "cast":
        output = training_batch_norm(momentum, eps)(x, weight, bias, running_mean, running_var)[0]
    else:
        # The operator's momentum is a constant from 0 to 1. With 1, it writes what it finds in this batch.
        mean, variance = running_mean * 1, running_var * 1
        output = training_batch_norm(1.0, eps)(x, weight, bias, running_mean, running_var)[0]
        share = momentum if isinstance(momentum, Tensor) else constant(momentum, ms.float32)
        _write(running_mean, mean + (running_mean - mean) * share)
        _write(running_var, variance + (running_var - variance) * share)
    if len(shape) > 4:
        output = _reshape(output, _known(shape))
    return output if output.dtype == input.dtype else _cast(output, input.dtype)


def _meta(tensor: Tensor | None) -> Meta:
    return None if tensor is None else (tensor.shape, tensor.dtype)


def _choose(
    in_graph: bool, shape: tuple[int, ...], dtype: Any, mean: Meta, var: Meta, weight: Meta, bias: Meta,
    training: bool, momentum: Any, is_number: bool, eps: float,
) -> str:
    """Check arguments, and choose.

    'operator' is MindSpore's, 'cast' is that with something before or behind it, 'other momentum' too, 'composite' is
    of means and products, 'empty' of no elements.
    """
    way = _checked_way(shape, dtype, mean, var, weight, bias, training, momentum, is_number, eps)
    if way in ("operator", "cast", "other momentum") and not in_graph and is_differentiated_twice():
        # BatchNormGradGrad reads memory that is no longer its (MS-66), and views are wrong (MS-08).
        return "composite"
    return way


@functools.lru_cache(maxsize=1024)
def _checked_way(
    shape: tuple[int, ...], dtype: Any, mean: Meta, var: Meta, weight: Meta, bias: Meta, training: bool, momentum: Any,
    is_number: bool, eps: float,
) -> str:
    shape = known(shape)
    check_batch_norm(shape, dtype, mean, var, weight, bias, training, eps)
    if is_number:
        _check_momentum("batch_norm", momentum)
    if count(shape) == 0:
        return "empty"
    # BatchNorm takes float32 (it does not update half-typed statistics, MS-60), eps up to 1, and four axes.
    is_open = len(shape) > 4 and shape.count(-1) > 1
    if dtype == ms.float64 or not 0 < eps <= 1 or is_open or (training and mean is not None and mean[1] != ms.float32):
        return "composite"
    if training and not (is_number and 0 <= momentum <= 1):
        return "other momentum"
    metas = (mean, var, weight, bias)
    if dtype == ms.float32 and len(shape) <= 4 and all(meta is not None and meta[1] == ms.float32 for meta in metas):
        return "operator"
    return "cast"


def _check_momentum(name: str, momentum: Any) -> None:
    if isinstance(momentum, bool) or not isinstance(momentum, (int, float)):
        kind = type(momentum).__name__
        fail(name, f"{name}(): argument 'momentum' (position 7) must be float, not {kind}", TypeError)


_batch_norm_way = compile_time(_choose)


@functools.lru_cache(maxsize=64)
def _evaluating_operator(eps: float) -> Any:
    return ops.BatchNorm(is_training=False, epsilon=eps)


_evaluating = compile_time(_evaluating_operator)


def _as_three_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    shape = known(shape)
    return (shape[0], shape[1], -1) if shape[0] >= 0 else (-1, shape[1], count(shape[2:]))


_known = compile_time(known)
_three_axes = compile_time(_as_three_axes)


def _by_channel(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (1, shape[1]) + (1,) * (len(shape) - 2)


def _composite(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None, bias: Tensor | None,
    training: bool, momentum: float | Tensor, eps: float,
) -> Tensor:
    x = computed(input)
    by_channel = _by_channel(x.shape)
    if training:
        output, mean, variance = standardize(x, _other_axes(len(x.shape)), eps)
        if running_mean is not None:
            # The running variance is the unbiased one.
            _move(running_mean, mean, momentum)
            _move(running_var, _unbiased(variance, x, _other_axes(len(x.shape))), momentum)
    else:
        mean, variance = computed(running_mean), computed(running_var)
        return _cast(_by_statistics(x, mean, variance, weight, bias, by_channel, eps), input.dtype)
    return _cast(affine(output, weight, bias, by_channel), input.dtype)


def _other_axes(rank: int) -> tuple[int, ...]:
    return (0, *range(2, rank))


def _factor(shape: tuple[int, ...], axes: tuple[int, ...]) -> float:
    size = count([known(shape)[axis] for axis in axes])
    return -1.0 if size < 0 else size / (size - 1)


_unbiased_factor = compile_time(_factor)


def _unbiased(variance: Tensor, x: Tensor, axes: tuple[int, ...]) -> Tensor:
    factor = _unbiased_factor(x.shape, axes)
    if factor < 0:  # a graph with open sizes
        size = _sum(_ones_like(x), axes)
        return variance * (size / (size - 1))
    return variance * constant(factor, variance.dtype)


def _move(running: Tensor, found: Tensor, momentum: float | Tensor) -> None:
    former = computed(running)
    found = _reshape(_stop_gradient(found), running.shape)
    share = _cast(momentum, former.dtype) if isinstance(momentum, Tensor) else constant(momentum, former.dtype)
    _write(running, _cast(former + (found - former) * share, running.dtype))


def _write(running: Tensor, value: Tensor) -> None:
    """In place; in a graph, into a Parameter alone."""
    if is_in_graph() and not isinstance(running, Parameter):
        return
    if running.dtype == ms.bfloat16:
        running.copy_(value)  # Assign has no bfloat16 on CPU (MS-25)
    else:
        _assign(running, _stop_gradient(value))


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel of each image, as ``torch.nn.functional.instance_norm``: see mscompat.nn.InstanceNorm2d.

    With use_input_stats, running_mean and running_var are updated in place; in Graph mode only if they are Parameters.

    Raises:
        ValueError, RuntimeError, NotImplementedError: With torch's sentences, if arguments do not fit.
    """
    _check_instance_norm(
        input.shape, input.dtype, _meta(running_mean), _meta(running_var), _meta(weight), _meta(bias), use_input_stats,
        momentum,
    )
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    way = route(is_in_graph(), input.shape, input.dtype, eps)
    if running_mean is not None:
        output = _of_instances(computed(input), 1, running_mean, running_var, weight, bias, momentum, eps)
    elif way == "empty":
        return of_empty(input, weight, bias, input.shape[1])
    else:
        output = over_groups(computed(input), input.shape[1], weight, bias, eps, way)
    return output if output.dtype == input.dtype else _cast(output, input.dtype)


def unbatched_instance_norm(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None, bias: Tensor | None,
    use_input_stats: bool, momentum: float, eps: float,
) -> Tensor:
    """instance_norm of an input without a batch."""
    if not is_differentiated_twice():
        batch = _expand_dims(input, 0)
        return _squeeze(instance_norm(batch, running_mean, running_var, weight, bias, use_input_stats, momentum, eps))
    # The second derivatives of these views are wrong (MS-08).
    x, by_channel = computed(input), (input.shape[0],) + (1,) * (len(input.shape) - 1)
    if use_input_stats:
        output = _of_instances(x, 0, running_mean, running_var, weight, bias, momentum, eps)
    else:
        mean, variance = computed(running_mean), computed(running_var)
        output = _by_statistics(x, mean, variance, weight, bias, by_channel, eps)
    return _cast(output, input.dtype)


def _of_instances(
    x: Tensor, axis: int, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None,
    bias: Tensor | None, momentum: float, eps: float,
) -> Tensor:
    """Composite. `axis` is that of channels."""
    rank = len(x.shape)
    spatial = tuple(range(axis + 1, rank))
    output, mean, variance = standardize(x, spatial, eps)
    if running_mean is not None:
        others = tuple(range(axis)) + spatial
        _move(running_mean, _mean(mean, others), momentum)
        _move(running_var, _mean(_unbiased(variance, x, spatial), others), momentum)
    return affine(output, weight, bias, (1,) * axis + (x.shape[axis],) + (1,) * (rank - axis - 1))


def _by_statistics(
    x: Tensor, mean: Tensor, variance: Tensor, weight: Tensor | None, bias: Tensor | None, by_channel: tuple[int, ...],
    eps: float,
) -> Tensor:
    deviation = _rsqrt(variance + constant(eps, variance.dtype))
    return affine((x - _reshape(mean, by_channel)) * _reshape(deviation, by_channel), weight, bias, by_channel)


def _check_instance(
    shape: tuple[int, ...], dtype: Any, mean: Meta, var: Meta, weight: Meta, bias: Meta, use_input_stats: bool,
    momentum: Any,
) -> None:
    check_instance_norm(known(shape), dtype, mean, var, weight, bias, use_input_stats)
    _check_momentum("instance_norm", momentum)


_check_instance_norm = compile_time(_check_instance)
