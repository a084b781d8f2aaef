"""Activations, with the signatures of torch.nn.functional. What computes them: _rectifiers.py and _smooth.py.

Of all, the input may have any shape, and the output has the same. float16 and bfloat16 are computed in float32 and
rounded once, as torch does. `inplace` is accepted, and changes nothing. NaN and infinities come out as in torch.
"""

from __future__ import annotations

import functools
from numbers import Integral
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Tensor, ops

from .._constant import constant
from .._mindspore.compile_time import compile_time
from .._mindspore.parsed_anew import parsed_anew
from . import _smooth  # noqa: F401 (whose cells `run` finds by name)
from ._elementwise import axis_of, check_tensor, is_half, number, run
from ._errors import scalar_type
from ._rectifiers import PRelu

__all__ = [
    "celu", "elu", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "logsigmoid",
    "mish", "prelu", "relu", "relu6", "rrelu", "selu", "sigmoid", "silu", "softplus", "softshrink", "softsign", "tanh",
    "tanhshrink", "threshold",
]

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946

_FLOAT32 = ms.float32

_cast = ops.Cast()
_less_equal = ops.LessEqual()
_mul = ops.Mul()
_reshape = ops.Reshape()
_select = ops.Select()
_sigmoid = ops.Sigmoid()


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(0, x), as ``torch.nn.functional.relu``."""
    return run("relu", input)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(0, x), 6), as ``torch.nn.functional.relu6``."""
    return run("relu6", input, (0.0, 6.0))


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """min(max(min_val, x), max_val), as ``torch.nn.functional.hardtanh``.

    Raises:
        ValueError: If min_val is above max_val.
    """
    return run("hardtanh", input, _limits(min_val, max_val))


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x above 0, negative_slope * x below, as ``torch.nn.functional.leaky_relu``."""
    return run("leaky_relu", input, (number("leaky_relu", "negative_slope", 2, negative_slope),))


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x above threshold, else value, as ``torch.nn.functional.threshold``."""
    numbers = (number("threshold", "threshold", 2, threshold), number("threshold", "value", 3, value))
    return run("threshold", input, numbers)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """0 from -lambd to lambd, else x, as ``torch.nn.functional.hardshrink``."""
    return run("hardshrink", input, (number("hardshrink", "lambd", 2, lambd),))


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x, brought nearer to 0 by lambd, as ``torch.nn.functional.softshrink``.

    Raises:
        RuntimeError: If lambd is negative.
    """
    return run("softshrink", input, (_not_negative(lambd),))


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(0, x + 3), 6) / 6, as ``torch.nn.functional.hardsigmoid``."""
    return run("hardsigmoid", input)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * hardsigmoid(x), as ``torch.nn.functional.hardswish``."""
    return run("hardswish", input)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x above 0, alpha * (exp(x) - 1) below, as ``torch.nn.functional.elu``."""
    return run("elu", input, (number("elu", "alpha", 2, alpha), 1.0, 1.0, 1.0))


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x above 0, alpha * (exp(x / alpha) - 1) below, as ``torch.nn.functional.celu``.

    Raises:
        RuntimeError: If alpha is 0.
    """
    return run("celu", input, _celu_numbers(alpha))


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """scale * elu(x, alpha), with scale = 1.0507... and alpha = 1.6732..., as ``torch.nn.functional.selu``."""
    return run("selu", input, (_SELU_ALPHA, _SELU_SCALE, 1.0, 1.0))


def gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    """x times the distribution function of the normal distribution, as ``torch.nn.functional.gelu``.

    Args:
        input (Tensor): of any shape.
        approximate (str): 'none', or 'tanh', which computes
            x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))).

    Raises:
        RuntimeError: If approximate is another string.
    """
    return run(_gelu_name(approximate), input)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x * sigmoid(x), as ``torch.nn.functional.silu``."""
    return run("silu", input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * tanh(softplus(x)), as ``torch.nn.functional.mish``."""
    return run("mish", input)


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-x)), as ``torch.nn.functional.sigmoid``. Of integers, float32."""
    return run("sigmoid", input)


def logsigmoid(input: Tensor) -> Tensor:
    """log(sigmoid(x)), as ``torch.nn.functional.logsigmoid``."""
    return run("logsigmoid", input)


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent, as ``torch.nn.functional.tanh``. Of integers, float32."""
    return run("tanh", input)


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x), as ``torch.nn.functional.tanhshrink``. Of integers, float32."""
    return run("tanhshrink", input)


def softplus(input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    """log(1 + exp(beta * x)) / beta, and x where beta * x is above threshold: ``torch.nn.functional.softplus``."""
    numbers = (number("softplus", "beta", 2, beta), number("softplus", "threshold", 3, threshold))
    return run("softplus", input, numbers)


def softsign(input: Tensor) -> Tensor:
    """x / (1 + abs(x)), as ``torch.nn.functional.softsign``. Of integers, float32."""
    return run("softsign", input)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a * sigmoid(b), where a and b are the halves of the input along an axis: ``torch.nn.functional.glu``.

    Raises:
        RuntimeError, IndexError: If the axis has an odd size, or there is none.
    """
    check_tensor("glu", input)
    split, is_half = _glu_plan(input.shape, input.dtype, dim)
    if is_half:
        a, b = split(_cast(input, _FLOAT32))
        return _cast(_mul(a, _sigmoid(b)), input.dtype)
    a, b = split(input)
    return _mul(a, _sigmoid(b))


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x above 0, weight * x below, as ``torch.nn.functional.prelu``.

    Args:
        input (Tensor): of any shape; its second axis is that of the channels.
        weight (Tensor): shape (1,), (), or (channels,), dtype of `input`.

    Raises:
        RuntimeError: If shapes or dtypes do not match.
    """
    check_tensor("prelu", input)
    cell, shape, is_half = _prelu_plan(input.shape, input.dtype, weight.shape, weight.dtype)
    if is_half:
        return _cast(cell(_cast(input, _FLOAT32), _shaped(_cast(weight, _FLOAT32), shape)), input.dtype)
    return cell(input, _shaped(weight, shape))


@parsed_anew
def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """x above 0, slope * x below, as ``torch.nn.functional.rrelu``.

    In training, each element has a slope of its own, drawn evenly from lower to upper by MindSpore; else, all have the
    mean of both.

    Raises:
        RuntimeError: If lower is above upper.
    """
    lower, upper, mean = _rrelu_slopes(lower, upper)
    if not training or lower == upper:
        return run("rrelu", input, (mean,))
    check_tensor("rrelu", input)
    dtype = _rrelu_dtype(input.dtype)
    x = input if dtype is None else _cast(input, dtype)
    if 0 in input.shape:
        return input
    slopes = _cast(ops.uniform(input.shape, constant(lower, _FLOAT32), constant(upper, _FLOAT32)), x.dtype)
    output = _mul(x, _select(_less_equal(x, constant(0.0, x.dtype)), slopes, constant(1.0, x.dtype)))
    return output if dtype is None else _cast(output, input.dtype)


def _shaped(weight: Tensor, shape: tuple[int, ...] | None) -> Tensor:
    return weight if shape is None else _reshape(weight, shape)


@compile_time
def _limits(min_val: Any, max_val: Any) -> tuple[float, float]:
    if min_val > max_val:
        raise ValueError("For 'hardtanh', min_val cannot be greater than max_val.")
    return number("hardtanh", "min_val", 2, min_val), number("hardtanh", "max_val", 3, max_val)


@compile_time
def _not_negative(lambd: Any) -> float:
    lambd = number("softshrink", "lambd", 2, lambd)
    if not lambd >= 0:
        raise RuntimeError(
            f"For 'softshrink', lambda must be in range [0, 3.40282e+38] for input dtype Float, but found {lambd:g}."
        )
    return lambd


@compile_time
def _celu_numbers(alpha: Any) -> tuple[float, float, float, float]:
    alpha = number("celu", "alpha", 2, alpha)
    if alpha == 0:
        raise RuntimeError("For 'celu', ZeroDivisionError: alpha cannot be 0 for CELU.")
    # torch has alpha in float32 for the gradient, of float64 too.
    return alpha, 1.0, 1.0 / alpha, 1.0 / float(np.float32(alpha))


@compile_time
def _gelu_name(approximate: Any) -> str:
    if not isinstance(approximate, str):
        kind = type(approximate).__name__
        raise TypeError(f"For 'gelu', argument 'approximate' must be str, not {kind}.")
    if approximate not in ("none", "tanh"):
        raise RuntimeError(
            f"For 'gelu', approximate argument must be either none or tanh, but got approximate={approximate!r}."
        )
    return "gelu" if approximate == "none" else "gelu tanh"


@compile_time
def _glu_plan(shape: tuple[int | None, ...], dtype: Any, dim: Any) -> tuple[Any, bool]:
    """The operator that halves, and whether the dtype is a half type."""
    if isinstance(dim, bool) or not isinstance(dim, Integral):
        raise TypeError(f"For 'glu', argument 'dim' (position 2) must be int, not {type(dim).__name__}.")
    if not shape:
        raise RuntimeError("For 'glu', glu does not support scalars because halving size must be even.")
    axis = axis_of("glu", int(dim), len(shape))
    size = shape[axis]
    if size is not None and size > 0 and size % 2 != 0:
        raise RuntimeError(f"For 'glu', Halving dimension must be even, but dimension {axis} is size {size}.")
    return _split(axis), is_half("glu", "glu_cpu", dtype)


@functools.lru_cache(maxsize=64)
def _split(axis: int) -> Any:
    return ops.Split(axis, 2)


@compile_time
@functools.lru_cache(maxsize=1024)
def _prelu_plan(
    shape: tuple[int | None, ...], dtype: Any, weight_shape: tuple[int, ...], weight_dtype: Any
) -> tuple[Any, Any, bool]:
    """The cell, the shape in which the weight broadcasts (None for its own), whether the dtype is a half type."""
    if dtype != weight_dtype:
        names = f"{scalar_type(dtype)} and {scalar_type(weight_dtype)}"
        raise RuntimeError(f"For 'prelu', prelu: Type promoting not supported. Got {names}.")
    if len(weight_shape) > 1:
        raise RuntimeError(
            f"For 'prelu', prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {len(weight_shape)}."
        )
    count = weight_shape[0] if weight_shape else 1
    if count != 1 and not shape:
        raise RuntimeError("For 'prelu', Not allow zero-dim input tensor.")
    channels = shape[1] if len(shape) > 1 else 1
    if count != 1 and channels is not None and channels >= 0 and count != channels:
        raise RuntimeError(
            "For 'prelu', Mismatch of parameter numbers and input channel size. Found parameter numbers = "
            f"{count} and channel size = {channels}."
        )
    is_half_type = is_half("prelu", "prelu_cpu", dtype)
    computed = ms.float32 if is_half_type else dtype
    rank = len(shape)
    if count == 1:
        # The weight broadcasts as it is; its gradient is summed to its own shape.
        if rank == 0:
            return PRelu(computed, 0, 0), (), is_half_type
        return PRelu(computed, rank, len(weight_shape)), None, is_half_type
    return PRelu(computed, rank, None), (1, count) + (1,) * (rank - 2), is_half_type


@compile_time
def _rrelu_slopes(lower: Any, upper: Any) -> tuple[float, float, float]:
    lower, upper = number("rrelu", "lower", 2, lower), number("rrelu", "upper", 3, upper)
    if lower > upper:
        raise RuntimeError(
            "For 'rrelu', Lower bound should be less than or equal to the upper bound, "
            f"but got lower={lower}, upper={upper}."
        )
    return lower, upper, (lower + upper) / 2


@compile_time
def _rrelu_dtype(dtype: Any) -> Any:
    return ms.float32 if is_half("rrelu", "rrelu_with_noise_out_cpu", dtype) else None
