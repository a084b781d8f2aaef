"""Weights as a magnitude and a direction: torch/nn/utils/weight_norm.py."""

from __future__ import annotations

import warnings
from typing import Any, TypeVar

import mindspore as ms
from mindspore import Parameter, Tensor, ops

from ..._mindspore.compile_time import compile_time
from ..module import Module
from .computed import Computed, computed_attributes, forget_computed, put_parameter, set_computed, take_parameter

__all__ = ["norm_except_dim", "normalized_weight", "remove_weight_norm", "weight_norm"]

_AnyModule = TypeVar("_AnyModule", bound=Module)

_cast = ops.Cast()
_div = ops.Div()
_mul = ops.Mul()
_sqrt = ops.Sqrt()
_square = ops.Square()
# A sum that keeps its axes has the right second derivatives in PyNative mode (MS-10).
_sum = ops.ReduceSum(keep_dims=True)


def weight_norm(module: _AnyModule, name: str = "weight", dim: int | None = 0) -> _AnyModule:
    """Have a weight computed as weight_g * weight_v / norm(weight_v), as ``torch.nn.utils.weight_norm`` does.

    It is computed whenever ``forward`` reads it, in graphs too: call this before the first call of a graph around the
    module. Deprecated in torch in favour of :func:`mscompat.nn.utils.parametrizations.weight_norm`; checkpoints of
    either load into modules of either.

    Args:
        module (Module): whose parameter it is.
        name (str): of the parameter.
        dim (int or None): the axis whose elements have a norm each; None (or -1, as in torch): there is one for all.

    Returns:
        The module, with parameters name_g and name_v for the former one.

    Raises:
        RuntimeError, AttributeError, TypeError: As torch does: done before; no such attribute; no parameter.

    Examples:
        >>> import warnings
        >>> from mscompat import nn
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore", FutureWarning)
        ...     layer = nn.utils.weight_norm(nn.Conv1d(2, 4, 3))
        >>> {name: value.shape for name, value in layer.named_parameters()}
        {'bias': (4,), 'weight_g': (4, 1, 1), 'weight_v': (4, 2, 3)}
    """
    warnings.warn(
        "`torch.nn.utils.weight_norm` is deprecated in favor of `torch.nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
        stacklevel=2,
    )
    if _is_normed(module, name):
        raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    weight = getattr(module, name)
    dim = -1 if dim is None else dim
    if not isinstance(weight, Parameter):
        kind = type(weight).__name__
        raise TypeError(f"For 'weight_norm', norm_except_dim(): argument 'v' (position 1) must be Tensor, not {kind}.")
    magnitude = norm_except_dim(weight, dim)
    take_parameter(module, name)
    put_parameter(module, f"{name}_g", Parameter(magnitude))
    put_parameter(module, f"{name}_v", Parameter(weight))
    set_computed(module, name, Computed("weight_norm", _getter(f"{name}_g", f"{name}_v", dim)))
    return module


def remove_weight_norm(module: _AnyModule, name: str = "weight") -> _AnyModule:
    """Make one parameter of the weight again, as ``torch.nn.utils.remove_weight_norm`` does.

    Raises:
        ValueError: With torch's sentence, if weight_norm did not make parts of it.
    """
    if not _is_normed(module, name):
        raise ValueError(f"weight_norm of '{name}' not found in {module}")
    weight = getattr(module, name)
    forget_computed(module, name)
    take_parameter(module, f"{name}_g")
    take_parameter(module, f"{name}_v")
    put_parameter(module, name, Parameter(weight))
    return module


def norm_except_dim(weight: Tensor, dim: int) -> Tensor:
    """torch.norm_except_dim(weight, 2, dim): a norm for each element of an axis; for dim -1, one for all."""
    norm = _norm(weight, _axes(weight.ndim, dim))
    return norm.reshape(()) if dim == -1 else norm


def normalized_weight(direction: Tensor, magnitude: Tensor, dim: int) -> Tensor:
    """torch._weight_norm(direction, magnitude, dim), in graphs too."""
    dtype = direction.dtype
    if dtype in (ms.float16, ms.bfloat16):
        direction, magnitude = _cast(direction, ms.float32), _cast(magnitude, ms.float32)
    weight = _mul(direction, _div(magnitude, _norm(direction, _axes(direction.ndim, dim))))
    return _cast(weight, dtype)


def _norm(weight: Tensor, axes: tuple[int, ...]) -> Tensor:
    squares = _square(weight)
    return _sqrt(_sum(squares, axes) if axes else squares)


def _weight_norm_axes(rank: int, dim: int) -> tuple[int, ...]:
    """The axes along which there is one norm."""
    if dim == -1:
        return tuple(range(rank))
    if not -rank <= dim < rank:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got {dim})"
        )
    return tuple(axis for axis in range(rank) if axis != dim % rank)


_axes = compile_time(_weight_norm_axes)


def _getter(magnitude: str, direction: str, dim: int) -> Any:
    def get(self: Module) -> Tensor:
        return normalized_weight(getattr(self, direction), getattr(self, magnitude), dim)

    return get


def _is_normed(module: Module, name: str) -> bool:
    computed = computed_attributes(module).get(name)
    return computed is not None and computed.kind == "weight_norm"
