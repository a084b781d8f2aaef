"""Losses that are logarithms of probabilities, with the signatures of torch.nn.functional."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import mindspore as ms
from mindspore import Tensor, ops

from .._constant import constant
from .._mindspore.compile_time import compile_time
from .loss import loss_dtypes, quiet_plan
from .reduction import broadcast_sizes, promoted, reduced, reduction_of, to_dtype, total

__all__ = ["gaussian_nll_loss", "kl_div", "poisson_nll_loss"]

_add = ops.Add()
_div = ops.RealDiv()
_exp = ops.Exp()
_expand_dims = ops.ExpandDims()
_less = ops.Less()
_less_equal = ops.LessEqual()
_log = ops.Log()
_mul = ops.Mul()
_mul_no_nan = ops.MulNoNan()
_ones_like = ops.OnesLike()
_select = ops.Select()
_square = ops.Square()
_stop_gradient = ops.StopGradient()
_sub = ops.Sub()
_zeros_like = ops.ZerosLike()
_CIRCLE = 2 * math.pi
_HALF_LOG_CIRCLE = 0.5 * math.log(2 * math.pi)


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """target * (log(target) - input), as ``torch.nn.functional.kl_div``.

    Args:
        input (Tensor): logarithms of probabilities, of any shape.
        target (Tensor): probabilities, or their logarithms, of a shape that can be broadcast with that of `input`.
        size_average, reduce (bool, optional): torch's deprecated arguments.
        reduction (str): 'none', 'batchmean' (the sum divided by the first size of `input`), 'mean' (over all elements,
            with torch's warning) or 'sum'.
        log_target (bool): whether `target` holds logarithms.

    Raises:
        ValueError, RuntimeError: As torch raises them.
    """
    reduction, compute, result = _kl_div_plan(
        (input.shape, target.shape), (input.dtype, target.dtype), (size_average, reduce, reduction)
    )
    rows = input.shape[0] if reduction == "batchmean" and input.ndim > 0 else None
    input, target = to_dtype(input, compute), to_dtype(target, compute)
    if log_target:
        loss = _mul(_exp(target), _sub(target, input))
    else:
        # Not Xlogy, which gives NaN for 0 and 0 (MS-58).
        loss = _sub(_mul_no_nan(_log(target), target), _mul(target, input))
    if reduction == "batchmean":
        loss = total(loss)
        return to_dtype(loss if rows is None else _div(loss, rows), result)
    return reduced(loss, reduction, result)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The negative logarithm of Poisson's probability, as ``torch.nn.functional.poisson_nll_loss``.

    Args:
        input (Tensor): the rate, or its logarithm.
        target (Tensor): the counts, of a shape that can be broadcast with that of `input`.
        log_input (bool): whether `input` is a logarithm: exp(input) - target * input, and else
            input - target * log(input + eps).
        full (bool): whether to add Stirling's approximation of log(target!), where `target` is above 1.
        size_average, reduce (bool, optional): torch's deprecated arguments.
        eps (float): added to the rate before its logarithm is taken.
        reduction (str): 'none', 'mean' or 'sum'.

    Raises:
        ValueError, RuntimeError: As torch raises them.
    """
    reduction, compute, result = quiet_plan(
        "poisson_nll_loss", (input.shape, target.shape), (input.dtype, target.dtype), (size_average, reduce, reduction)
    )
    input, target = to_dtype(input, compute), to_dtype(target, compute)
    if log_input:
        loss = _sub(_exp(input), _mul(target, input))
    else:
        loss = _sub(input, _mul(target, _log(_add(input, constant(eps, input.dtype)))))
    if full:
        circle = constant(_CIRCLE, target.dtype)
        stirling = _add(_sub(_mul(target, _log(target)), target), _mul(_log(_mul(target, circle)), 0.5))
        loss = _add(loss, _select(_less_equal(target, 1.0), _zeros_like(target), stirling))
    return reduced(loss, reduction, result)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """The negative logarithm of a normal density, as ``torch.nn.functional.gaussian_nll_loss``.

    Args:
        input (Tensor): the means.
        target (Tensor): the samples, of a shape that can be broadcast with that of `input`.
        var (Tensor or float): the variances, of the shape of `input`, or with a last axis of size 1, or without it.
        full (bool): whether to add log(2 pi) / 2.
        eps (float): variances are at least this.
        reduction (str): 'none', 'mean' or 'sum'.

    Raises:
        ValueError, RuntimeError: As torch raises them, but for negative elements of `var`.

    Differences from torch:
        Elements of a tensor `var` are not looked at, which would hold up the device: negative ones count as `eps`.
    """
    if isinstance(var, float):
        _check_variance(var)
        var = _mul(_ones_like(input), constant(var, input.dtype))
    appended, compute, result = _gaussian_plan(
        (input.shape, target.shape, var.shape), (input.dtype, target.dtype, var.dtype), reduction
    )
    input, target, var = to_dtype(input, compute), to_dtype(target, compute), to_dtype(var, compute)
    if appended:
        var = _expand_dims(var, -1)
    # As torch does, with the gradient of the variance where it was clamped.
    least = constant(eps, var.dtype)
    var = _select(_less(var, least), _add(_sub(var, _stop_gradient(var)), least), var)
    loss = _mul(_add(_log(var), _div(_square(_sub(input, target)), var)), 0.5)
    if full:
        loss = _add(loss, constant(_HALF_LOG_CIRCLE, loss.dtype))
    return reduced(loss, reduction, result)


@compile_time
def _kl_div_plan(
    shapes: tuple[Sequence[int], ...], dtypes: tuple[Any, Any], reductions: tuple[Any, Any, Any]
) -> tuple[str, Any, Any]:
    size_average, reduce, reduction = reductions
    is_new = size_average is None and reduce is None
    if is_new and reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size."
            "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
            "'mean' will be changed to behave the same as 'batchmean' in the next major release.",
            stacklevel=3,
        )
    if not (is_new and reduction == "batchmean"):
        reduction = reduction_of("kl_div", *reductions)
    for dtype in dtypes:
        if promoted(dtype) is None:
            kind = "Complex" if dtype in (ms.complex64, ms.complex128) else "Integral"
            raise RuntimeError(f"For 'kl_div', kl_div: {kind} inputs not supported.")
    broadcast_sizes("kl_div", shapes[1], shapes[0])
    return (reduction, *loss_dtypes("kl_div", dtypes))


@compile_time
def _gaussian_plan(shapes: tuple[Sequence[int], ...], dtypes: tuple[Any, ...], reduction: Any) -> tuple[bool, Any, Any]:
    """Whether the variance lacks the last axis, and the dtypes."""
    shape, target_shape, var_shape = map(tuple, shapes)
    is_short = False
    if shape != var_shape:
        is_short = shape[:-1] == var_shape
        if not is_short:
            unequal = [size for size, of_var in zip(shape, var_shape, strict=False) if size != of_var]
            of_var = [of_var for size, of_var in zip(shape, var_shape, strict=False) if size != of_var]
            if len(shape) != len(var_shape) or sum(of_var) != 1 or len(unequal) != len(of_var):
                raise ValueError("For 'gaussian_nll_loss', var is of incorrect size.")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"For 'gaussian_nll_loss', {reduction} is not valid.")
    broadcast_sizes("gaussian_nll_loss", shape, target_shape)
    return (is_short, *loss_dtypes("gaussian_nll_loss", dtypes))


@compile_time
def _check_variance(var: float) -> None:
    if var < 0:
        raise ValueError("For 'gaussian_nll_loss', var has negative entry/entries.")
