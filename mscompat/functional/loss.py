"""Losses that compare element by element, with the signatures of torch.nn.functional."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Tensor, ops

from .._constant import constant
from .._mindspore.compile_time import compile_time
from ._errors import scalar_type
from .reduction import broadcast_sizes, is_empty, log1p_correction, promoted, reduced, reduction_of, to_dtype, total

__all__ = ["huber_loss", "l1_loss", "mse_loss", "smooth_l1_loss", "soft_margin_loss"]

_abs = ops.Abs()
_add = ops.Add()
_cast = ops.Cast()
_div = ops.RealDiv()
_exp = ops.Exp()
_log1p = ops.Log1p()
_minimum = ops.Minimum()
_mul = ops.Mul()
_neg = ops.Neg()
_square = ops.Square()
_stop_gradient = ops.StopGradient()
_sub = ops.Sub()


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """|input - target|, as ``torch.nn.functional.l1_loss``.

    Args:
        input, target (Tensor): of one shape, or of shapes that are broadcast, with torch's warning.
        size_average, reduce (bool, optional): torch's deprecated arguments.
        reduction (str): 'none', 'mean' or 'sum'.
        weight (Tensor, optional): of the shape of `input`; 'mean' then divides by the sum of the weights.

    Raises:
        ValueError, RuntimeError: As torch raises them: a reduction that there is not, sizes that do not match.
    """
    reduction, compute, result = _pointwise(
        "l1_loss", (input.shape, target.shape), (input.dtype, target.dtype), (size_average, reduce, reduction),
        weight is None,
    )
    errors = _abs(_sub(to_dtype(input, compute), to_dtype(target, compute)))
    if weight is None:
        return reduced(errors, reduction, result)
    return _weighted("l1_loss", errors, weight, input, reduction, result, by_weight=True)


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """(input - target)^2, as ``torch.nn.functional.mse_loss``. Arguments and errors: see :func:`l1_loss`."""
    reduction, compute, result = _pointwise(
        "mse_loss", (input.shape, target.shape), (input.dtype, target.dtype), (size_average, reduce, reduction),
        weight is None,
    )
    errors = _square(_sub(to_dtype(input, compute), to_dtype(target, compute)))
    if weight is None:
        return reduced(errors, reduction, result)
    return _weighted("mse_loss", errors, weight, input, reduction, result, by_weight=True)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """A square up to an error of `beta`, and linear beyond it, as ``torch.nn.functional.smooth_l1_loss``.

    Args:
        input, target (Tensor): of one shape, or of shapes that are broadcast, with torch's warning.
        size_average, reduce (bool, optional): torch's deprecated arguments.
        reduction (str): 'none', 'mean' or 'sum'.
        beta (float): not negative; 0 is :func:`l1_loss`.

    Raises:
        ValueError, RuntimeError, TypeError: As torch raises them.

    Differences from torch:
        MindSpore's operator has no second derivative, and says so; :func:`huber_loss`, which is `beta` times this
        loss, has one.
    """
    reduction, compute, result = _pointwise(
        "smooth_l1_loss", (input.shape, target.shape), (input.dtype, target.dtype), (size_average, reduce, reduction)
    )
    input, target = to_dtype(input, compute), to_dtype(target, compute)
    operator = _smooth_l1(beta, reduction)
    if operator is None:
        return reduced(_abs(_sub(input, target)), reduction, result)
    if input.shape != target.shape or is_empty(input.shape):
        return reduced(_smooth_l1_by_parts(_abs(_sub(input, target)), beta), reduction, result)
    return to_dtype(operator(input, target), result)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """A square up to an error of `delta`, and linear beyond it, as ``torch.nn.functional.huber_loss``.

    Args:
        input, target (Tensor): of one shape, or of shapes that are broadcast, with torch's warning.
        reduction (str): 'none', 'mean' or 'sum'.
        delta (float): positive.
        weight (Tensor, optional): of the shape of `input`.

    Raises:
        ValueError, RuntimeError: As torch raises them.
    """
    reduction, compute, result = _pointwise(
        "huber_loss", (input.shape, target.shape), (input.dtype, target.dtype), (None, None, reduction), weight is None
    )
    _check_delta(delta)
    error = _abs(_sub(to_dtype(input, compute), to_dtype(target, compute)))
    limited = _minimum(error, constant(delta, error.dtype))
    loss = _mul(limited, _sub(error, _mul(limited, 0.5)))
    if weight is None:
        return reduced(loss, reduction, result)
    return _weighted("huber_loss", loss, weight, input, reduction, result, by_weight=False)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """log(1 + exp(-target * input)), as ``torch.nn.functional.soft_margin_loss``; `target` holds 1 and -1.

    Args:
        input, target (Tensor): of one shape, or of shapes that can be broadcast.
        size_average, reduce (bool, optional): torch's deprecated arguments.
        reduction (str): 'none', 'mean' or 'sum'.

    Raises:
        ValueError, RuntimeError: As torch raises them.
    """
    reduction, compute, result = quiet_plan(
        "soft_margin_loss", (input.shape, target.shape), (input.dtype, target.dtype), (size_average, reduce, reduction)
    )
    exponent = _mul(_neg(to_dtype(target, compute)), to_dtype(input, compute))
    power = _cast(_exp(_cast(exponent, ms.float64)), exponent.dtype)  # Exp of float32 is off by up to 8e-6 (MS-56)
    return reduced(_add(_log1p(power), _stop_gradient(log1p_correction(_minimum(power, 1.0)))), reduction, result)


def _weighted(
    name: str, errors: Tensor, weight: Tensor, input: Tensor, reduction: str, result: Any, by_weight: bool
) -> Tensor:
    reduction, compute, result = _weighted_plan(
        name, input.shape, weight.shape, errors.dtype, weight.dtype, reduction, result
    )
    weight = to_dtype(weight, compute)
    loss = _mul(to_dtype(errors, compute), weight)
    if reduction == "mean" and by_weight:
        return to_dtype(_div(total(loss), total(weight)), result)
    return reduced(loss, reduction, result)


def _smooth_l1_by_parts(error: Tensor, beta: float) -> Tensor:
    limit = constant(beta, error.dtype)
    limited = _minimum(error, limit)
    return _mul(_div(limited, limit), _sub(error, _mul(limited, 0.5)))


# Checks


_KERNELS = {"mse_loss": "mse_cpu", "smooth_l1_loss": "smooth_l1_cpu", "huber_loss": "huber_cpu"}

Shapes = tuple[Sequence[int], Sequence[int]]


def loss_dtypes(name: str, dtypes: tuple[Any, ...]) -> tuple[Any, Any]:
    """The dtype to compute in and that of the result; None where there is nothing to cast."""
    first = dtypes[0]
    if first in (ms.float32, ms.float64) and all(dtype is first for dtype in dtypes):
        return None, None
    result = promoted(*dtypes)
    if result is None:
        if name in _KERNELS:
            sentence = f""""{_KERNELS[name]}" not implemented for '{scalar_type(first)}'"""
            raise NotImplementedError(f"For '{name}', {sentence}.")
        if name == "l1_loss":
            return None, None
        result = ms.float32  # torch's default
    compute = ms.float64 if result == ms.float64 else ms.float32
    if name in ("huber_loss", "soft_margin_loss"):
        result = first
    return compute, None if result == compute else result


def _pointwise_plan(
    name: str, shapes: Shapes, dtypes: tuple[Any, Any], reductions: tuple[Any, Any, Any], check_reduction: bool = True
) -> tuple[str, Any, Any]:
    """The reduction, the dtype to compute in, and that of the result."""
    input_shape, target_shape = shapes
    if input_shape != target_shape:
        warnings.warn(
            f"Using a target size (torch.Size({list(target_shape)})) that is different to the input size "
            f"(torch.Size({list(input_shape)})). This will likely lead to incorrect results due to broadcasting. "
            "Please ensure they have the same size.",
            stacklevel=3,
        )
        broadcast_sizes(name, input_shape, target_shape)
    size_average, reduce, reduction = reductions
    if check_reduction or size_average is not None or reduce is not None:
        reduction = reduction_of(name, size_average, reduce, reduction)
    if name == "l1_loss":
        if ms.bool_ in dtypes:
            raise RuntimeError("For 'l1_loss', Subtraction, the `-` operator, with a bool tensor is not supported.")
        if reduction == "mean" and check_reduction and promoted(*dtypes) is None:
            raise RuntimeError(
                "For 'l1_loss', mean(): could not infer output dtype. Input dtype must be either a floating point or "
                f"complex dtype. Got: {scalar_type(dtypes[0])}."
            )
    return (reduction, *loss_dtypes(name, dtypes))


def plan_quietly(
    name: str, shapes: Shapes, dtypes: tuple[Any, Any], reductions: tuple[Any, Any, Any]
) -> tuple[str, Any, Any]:
    """The same, of losses whose target may be broadcast without a warning."""
    reduction = reduction_of(name, *reductions)
    first, second = shapes if name == "soft_margin_loss" else shapes[::-1]
    broadcast_sizes(name, first, second)
    return (reduction, *loss_dtypes(name, dtypes))


_pointwise = compile_time(_pointwise_plan)
quiet_plan = compile_time(plan_quietly)


@compile_time
def _weighted_plan(
    name: str,
    shape: Sequence[int],
    weight_shape: Sequence[int],
    dtype: Any,
    weight_dtype: Any,
    reduction: Any,
    result: Any,
) -> tuple[str, Any, Any]:
    if shape != weight_shape:
        raise ValueError(f"For '{name}', Weights and input must have the same size.")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(
            f"For '{name}', Invalid reduction mode: {reduction}. Expected one of 'none', 'mean', 'sum'."
        )
    return (reduction, *loss_dtypes("weighted", (dtype if result is None else result, weight_dtype)))


@compile_time
def _check_delta(delta: Any) -> None:
    if not delta > 0:
        raise RuntimeError("For 'huber_loss', huber_loss does not support non-positive values for delta.")


@compile_time
def _smooth_l1(beta: Any, reduction: str) -> Any:
    """MindSpore's operator; None for 0, which is the loss of order 1."""
    if isinstance(beta, bool) or not isinstance(beta, (int, float, np.number)):
        raise TypeError(
            "For 'smooth_l1_loss', smooth_l1_loss(): argument 'beta' (position 4) must be float, not "
            f"{type(beta).__name__}."
        )
    if beta == 0:
        return None
    if not beta > 0:
        raise RuntimeError("For 'smooth_l1_loss', smooth_l1_loss does not support negative values for beta.")
    return _smooth_l1_operator(float(beta), reduction)


@functools.lru_cache
def _smooth_l1_operator(beta: float, reduction: str) -> Any:
    return ops.SmoothL1Loss(beta, reduction)
