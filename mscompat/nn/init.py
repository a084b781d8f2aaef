"""Initialisation, in place: torch/nn/init.py.

A Parameter keeps its memory, so that a training under way goes on from the new values. What is drawn comes from the one
generator that :func:`mscompat.manual_seed` seeds, and is torch's, bit for bit (see mscompat.random). A slice of a
Parameter (``weight[0]``) is a copy in MindSpore: there is nothing to see of what is written into it.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from mindspore import Tensor

from .. import init as draws
from ..parameters import assign

__all__ = [
    "calculate_gain", "constant", "constant_", "dirac", "dirac_", "eye", "eye_", "kaiming_normal",
    "kaiming_normal_", "kaiming_uniform", "kaiming_uniform_", "normal", "normal_", "ones_", "orthogonal",
    "orthogonal_", "sparse", "sparse_", "trunc_normal_", "uniform", "uniform_", "xavier_normal", "xavier_normal_",
    "xavier_uniform", "xavier_uniform_", "zeros_",
]

_LINEAR = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the gain of a nonlinearity, as ``torch.nn.init.calculate_gain`` does.

    Args:
        nonlinearity (str): name in functional: 'relu', 'tanh', 'sigmoid', 'selu', 'leaky_relu', 'linear', 'conv2d'...
        param (float, optional): negative_slope of 'leaky_relu'. Default: None: 0.01.

    Raises:
        ValueError: With torch's sentence.

    Examples:
        >>> from mscompat import nn
        >>> round(nn.init.calculate_gain("leaky_relu", 0.2), 6)
        1.38675
    """
    if nonlinearity in _LINEAR or nonlinearity == "sigmoid":
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        if param is None:
            param = 0.01
        elif isinstance(param, bool) or not isinstance(param, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + param**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: None = None) -> Tensor:
    """Fill with values from a to b, without b, as ``torch.nn.init.uniform_`` does, bit for bit.

    Args:
        tensor (Parameter or Tensor): of a floating dtype.
        a, b (float): the bounds.
        generator (None): torch's class; there is none here.

    Returns:
        The tensor.

    Raises:
        RuntimeError, TypeError, NotImplementedError: With torch's sentence: wrong bounds; wrong type; wrong dtype.

    Examples:
        >>> import mscompat
        >>> from mindspore import ops
        >>> from mscompat import nn
        >>> mscompat.manual_seed(0)
        >>> print(nn.init.uniform_(ops.zeros(3), -1, 1))  # torch.manual_seed(0) gives the same
        [-0.00748682  0.5364436  -0.82304513]
    """
    _check_generator("uniform_", generator)
    a, b = _number("uniform_", "from", 1, a), _number("uniform_", "to", 2, b)
    return _write(tensor, draws.uniform(a, b, tensor.shape, tensor.dtype))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: None = None) -> Tensor:
    """Fill with normal values, as ``torch.nn.init.normal_`` does, bit for bit: see mscompat.random.normal.

    Args:
        tensor (Parameter or Tensor): of a floating dtype.
        mean, std (float): of the distribution.
        generator (None): torch's class; there is none here.

    Returns:
        The tensor.

    Raises:
        RuntimeError, TypeError, NotImplementedError: With torch's sentence: negative std; wrong type; wrong dtype.
    """
    _check_generator("normal_", generator)
    mean, std = _number("normal_", "mean", 1, mean), _number("normal_", "std", 2, std)
    return _write(tensor, draws.normal(mean, std, tensor.shape, tensor.dtype))


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: None = None
) -> Tensor:
    """Fill with normal values of [a, b] alone, as ``torch.nn.init.trunc_normal_`` of torch 2.13 does, bit for bit.

    torch draws again what lies outside, or rejects uniform values, if [a, b] is narrow; before 2.13, it took the
    inverse of the error function: other values.

    Args:
        tensor (Parameter or Tensor): of a floating dtype.
        mean, std (float): of the normal distribution.
        a, b (float): the bounds.
        generator (None): torch's class; there is none here.

    Returns:
        The tensor.
    """
    _check_generator("trunc_normal_", generator)
    if (mean < a - 2 * std) or (mean > b + 2 * std):
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            stacklevel=2,
        )
    return _write(tensor, draws.trunc_normal(mean, std, a, b, tensor.shape, tensor.dtype))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with a value, as ``torch.nn.init.constant_`` does. Returns the tensor."""
    return _write(tensor, draws.constant(val, tensor.shape, tensor.dtype))


def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1, as ``torch.nn.init.ones_`` does. Returns the tensor."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0, as ``torch.nn.init.zeros_`` does. Returns the tensor."""
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity, as ``torch.nn.init.eye_`` does. Returns the tensor.

    Raises:
        ValueError: If it has not two dimensions.
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return _write(tensor, np.eye(*tensor.shape))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill a weight so that a convolution hands on its first channels, as ``torch.nn.init.dirac_`` does.

    Args:
        tensor (Parameter or Tensor): of 3, 4 or 5 dimensions.
        groups (int): of the convolution; each hands on its own.

    Returns:
        The tensor.

    Raises:
        ValueError: With torch's sentence.
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    outputs, inputs, *sizes = tensor.shape
    if outputs % groups != 0:
        raise ValueError("dim 0 must be divisible by groups")
    values = np.zeros(tensor.shape)
    of_group = outputs // groups
    middle = tuple(size // 2 for size in sizes)
    for group in range(groups):
        for channel in range(min(of_group, inputs)):
            values[(group * of_group + channel, channel, *middle)] = 1
    return _write(tensor, values)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: None = None) -> Tensor:
    """Fill from U(-a, a), a = gain * sqrt(6 / (fan_in + fan_out)), as ``torch.nn.init.xavier_uniform_`` does.

    Returns the tensor. Raises ValueError if it has fewer than two dimensions.
    """
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    bound = math.sqrt(3.0) * (gain * math.sqrt(2.0 / float(fan_in + fan_out)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: None = None) -> Tensor:
    """Fill from N(0, std^2), std = gain * sqrt(2 / (fan_in + fan_out)), as ``torch.nn.init.xavier_normal_`` does.

    Returns the tensor. Raises ValueError if it has fewer than two dimensions.
    """
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / float(fan_in + fan_out)), generator)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: None = None
) -> Tensor:
    """Fill from U(-bound, bound), bound = gain * sqrt(3 / fan), as ``torch.nn.init.kaiming_uniform_`` does.

    Args:
        tensor (Parameter or Tensor): of two dimensions or more.
        a (float): negative_slope of 'leaky_relu'.
        mode (str): which fan: 'fan_in' or 'fan_out'.
        nonlinearity (str): see :func:`calculate_gain`.
        generator (None): torch's class; there is none here.

    Returns:
        The tensor.

    Raises:
        ValueError: With torch's sentence.
    """
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: None = None
) -> Tensor:
    """Fill from N(0, std^2), std = gain / sqrt(fan), as ``torch.nn.init.kaiming_normal_`` does.

    Args, Returns and Raises: see :func:`kaiming_uniform_`.
    """
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    return normal_(tensor, 0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: None = None) -> Tensor:
    """Fill with a (semi) orthogonal matrix, as ``torch.nn.init.orthogonal_`` does, up to rounding.

    The axes after the first count as one. torch factorises a normal draw in the tensor's dtype, NumPy the same draw in
    float64: torch's float32 is off by some 1e-6. Returns the tensor.

    Raises:
        ValueError: If it has fewer than two dimensions.
        NotImplementedError: If it is of a half type, as in torch.
    """
    if tensor.ndim < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if 0 in tensor.shape:
        return tensor
    _check_generator("orthogonal_", generator)
    return _write(tensor, draws.orthogonal(gain, tensor.shape, tensor.dtype))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: None = None) -> Tensor:
    """Fill a matrix with N(0, std^2), but for zeros in each column, as ``torch.nn.init.sparse_`` does, bit for bit.

    Args:
        tensor (Parameter or Tensor): of two dimensions.
        sparsity (float): which part of each column is 0.
        std (float): of the others.
        generator (None): torch's class; there is none here.

    Returns:
        The tensor.

    Raises:
        ValueError: If it has not two dimensions.
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    _check_generator("sparse_", generator)
    return _write(tensor, draws.sparse(sparsity, std, tensor.shape, tensor.dtype))


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """torch's, which many models call."""
    if tensor.ndim < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    outputs, inputs, *sizes = tensor.shape
    return inputs * math.prod(sizes), outputs * math.prod(sizes)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    modes = ["fan_in", "fan_out"]
    mode = mode.lower()
    if mode not in modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {modes}")
    fan = _calculate_fan_in_and_fan_out(tensor)[modes.index(mode)]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _check_generator(function: str, generator: Any) -> None:
    if generator is not None:
        raise TypeError(
            f"For '{function}', argument 'generator' must be None: all values come from the generator that "
            f"mscompat.manual_seed seeds, but got {type(generator).__name__}."
        )


def _number(function: str, name: str, position: int, value: Any) -> float:
    if isinstance(value, str):
        where = f"argument '{name}' (position {position})"
        raise TypeError(f"For '{function}', {function}(): {where} must be float, not str.")
    return float(value)


def _write(tensor: Tensor, values: np.ndarray) -> Tensor:
    assign(tensor, Tensor(values.reshape(tensor.shape), tensor.dtype))
    return tensor


def _deprecated(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """torch's former name of a function, without the underscore."""
    name = function.__name__[:-1]

    @functools.wraps(function)
    def former(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(
            f"`nn.init.{name}` is now deprecated in favor of `nn.init.{name}_`.", FutureWarning, stacklevel=2
        )
        return function(*args, **kwargs)

    former.__name__ = former.__qualname__ = name
    former.__doc__ = f"Deprecated, as torch's is: :func:`{name}_`."
    return former


uniform = _deprecated(uniform_)
normal = _deprecated(normal_)
constant = _deprecated(constant_)
eye = _deprecated(eye_)
dirac = _deprecated(dirac_)
xavier_uniform = _deprecated(xavier_uniform_)
xavier_normal = _deprecated(xavier_normal_)
kaiming_uniform = _deprecated(kaiming_uniform_)
kaiming_normal = _deprecated(kaiming_normal_)
orthogonal = _deprecated(orthogonal_)
sparse = _deprecated(sparse_)
