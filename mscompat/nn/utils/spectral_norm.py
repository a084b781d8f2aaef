"""Weights divided by their largest singular value: torch/nn/utils/spectral_norm.py."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, ops

from ... import init
from ..._mindspore.compile_time import compile_time, is_in_graph
from ..module import Module
from .computed import Computed, computed_attributes, forget_computed, put_parameter, set_computed, take_parameter

__all__ = ["default_dim", "divided_by_sigma", "random_vectors", "remove_spectral_norm", "spectral_norm"]

_AnyModule = TypeVar("_AnyModule", bound=Module)

_assign = ops.Assign()
_cast = ops.Cast()
_div = ops.Div()
_maximum = ops.Maximum()
_mul = ops.Mul()
_reshape = ops.Reshape()
_sqrt = ops.Sqrt()
_square = ops.Square()
_stop_gradient = ops.stop_gradient
# A sum that keeps its axes has the right second derivatives in PyNative mode (MS-10).
_sum = ops.ReduceSum(keep_dims=True)


def spectral_norm(
    module: _AnyModule, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> _AnyModule:
    """Have a weight divided by its largest singular value, as ``torch.nn.utils.spectral_norm`` does.

    In training mode, each call of the module improves the two vectors that estimate the value, in graphs too: call this
    before the first call of a graph around the module. Checkpoints of torch's two functions of this name load into
    modules of either.

    Args:
        module (Module): whose parameter it is.
        name (str): of the parameter.
        n_power_iterations (int): how often a call improves the vectors.
        eps (float): the least norm to divide by.
        dim (int, optional): the axis of the outputs. Default: None: 1 of a transposed convolution, else 0.

    Returns:
        The module, with the parameter name_orig and the buffers name_u and name_v for the former parameter.

    Raises:
        RuntimeError, ValueError, KeyError: As torch does: done before, or no such axis; wrong numbers, or no bias; no
            such parameter.

    Differences from torch:
        Read between two calls, the weight is that of the present parameters, not that of the last call.

    Examples:
        >>> from mscompat import nn
        >>> layer = nn.utils.spectral_norm(nn.Conv2d(2, 4, 3))
        >>> {name: value.shape for name, value in layer.state_dict().items()}
        {'bias': (4,), 'weight_orig': (4, 2, 3, 3), 'weight_u': (4,), 'weight_v': (18,)}
    """
    if _is_normed(module, name):
        raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
    if n_power_iterations <= 0:
        raise ValueError(
            f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
        )
    weight = getattr(module, name, "missing")
    if weight is None:
        raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
    if not isinstance(weight, Parameter):
        raise KeyError(name)
    dim = default_dim(module) if dim is None else dim
    if not 0 <= dim < weight.ndim:
        raise RuntimeError(
            "For 'spectral_norm', permute(sparse_coo): number of dimensions in the tensor input does not match the "
            f"length of the desired ordering of dimensions i.e. input.dim() = {weight.ndim} is not equal to "
            f"len(dims) = {weight.ndim + 1}: got dim={dim}."
        )
    u, v = random_vectors(weight, dim, eps)
    take_parameter(module, name)
    put_parameter(module, f"{name}_orig", weight)
    module.register_buffer(f"{name}_u", u)
    module.register_buffer(f"{name}_v", v)
    set_computed(module, name, Computed("spectral_norm", _getter(name, n_power_iterations, eps, dim)))
    return module


def remove_spectral_norm(module: _AnyModule, name: str = "weight") -> _AnyModule:
    """Make one parameter of the weight again, as ``torch.nn.utils.remove_spectral_norm`` does.

    Raises:
        ValueError: With torch's sentence, if spectral_norm does not divide it.
    """
    if not _is_normed(module, name):
        raise ValueError(f"spectral_norm of '{name}' not found in {module}")
    weight = getattr(module, name)
    forget_computed(module, name)
    for part in (f"{name}_u", f"{name}_v", f"{name}_orig"):
        take_parameter(module, part)
    put_parameter(module, name, Parameter(weight))
    return module


def default_dim(module: Module) -> int:
    """The axis of the outputs in a module's weight."""
    return 1 if getattr(module, "transposed", False) else 0


def random_vectors(weight: Tensor, dim: int, eps: float) -> tuple[Tensor, Tensor]:
    """The vectors u, of the axis dim, and v, of the others, before the first iteration: torch's draws."""
    rows = weight.shape[dim]
    vectors = []
    for size in (rows, math.prod(weight.shape) // rows):
        values = init.normal(0, 1, (size,), weight.dtype)
        norm = np.sqrt(np.square(values.astype(np.float64)).sum())
        vectors.append(Tensor((values / max(norm, eps)).astype(values.dtype), weight.dtype))
    return vectors[0], vectors[1]


def divided_by_sigma(
    weight: Tensor, u: Parameter, v: Parameter, dim: int, eps: float, count: int, u_first: bool
) -> Tensor:
    """The weight, as a matrix W, divided by u W v, after `count` steps of the power method; in graphs too.

    The steps are not differentiated. Their u and v are written into the buffers: the division takes them as they are
    now, and so does its derivative after the next call.
    """
    dtype, rank = weight.dtype, weight.ndim
    rows, others = _axis(rank, dim), _other_axes(rank, dim)
    wide, left, right = _wide(weight, u, v, dim)
    if count > 0:
        matrix = _stop_gradient(wide)
        for _ in range(count):
            if u_first:
                left = _unit(_total(_mul(matrix, right), others), eps)
                right = _unit(_total(_mul(matrix, left), rows), eps)
            else:
                right = _unit(_total(_mul(matrix, left), rows), eps)
                left = _unit(_total(_mul(matrix, right), others), eps)
        left, right = _stop_gradient(left), _stop_gradient(right)
        _assign(u, _cast(_reshape(left, u.shape), u.dtype))
        _assign(v, _cast(_reshape(right, v.shape), v.dtype))
    image = _total(_mul(wide, right), others)
    sigma = _total(_mul(image, left), rows)
    return _cast(_div(wide, sigma), dtype)


def _wide(weight: Tensor, u: Tensor, v: Tensor, dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """The three in float32 or float64, the vectors with the weight's axes: a product with it needs no transposition."""
    u_shape, v_shape = _shapes(weight.shape, dim)
    u, v = _reshape(u, u_shape), _reshape(v, v_shape)
    if weight.dtype in (ms.float16, ms.bfloat16):
        return _cast(weight, ms.float32), _cast(u, ms.float32), _cast(v, ms.float32)
    return weight, u, v


def _total(values: Tensor, axes: tuple[int, ...]) -> Tensor:
    return _sum(values, axes) if axes else values


def _unit(vector: Tensor, eps: float) -> Tensor:
    return _div(vector, _maximum(_sqrt(_sum(_square(vector), ())), eps))


def _spectral_norm_axis(rank: int, dim: int) -> tuple[int, ...]:
    return (dim % rank,)


def _spectral_norm_other_axes(rank: int, dim: int) -> tuple[int, ...]:
    return tuple(axis for axis in range(rank) if axis != dim % rank)


def _spectral_norm_shapes(shape: tuple[int, ...], dim: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    axis = dim % len(shape)
    return (
        tuple(size if index == axis else 1 for index, size in enumerate(shape)),
        tuple(1 if index == axis else size for index, size in enumerate(shape)),
    )


_axis = compile_time(_spectral_norm_axis)
_other_axes = compile_time(_spectral_norm_other_axes)
_shapes = compile_time(_spectral_norm_shapes)


def _getter(name: str, count: int, eps: float, dim: int) -> Any:
    original, left, right = f"{name}_orig", f"{name}_u", f"{name}_v"

    def get(self: Module) -> Tensor:
        # A graph reads the weight in forward alone.
        steps = count if self.training and (is_in_graph() or self._is_called) else 0
        return divided_by_sigma(
            getattr(self, original), getattr(self, left), getattr(self, right), dim, eps, steps, False
        )

    return get


def _is_normed(module: Module, name: str) -> bool:
    computed = computed_attributes(module).get(name)
    return computed is not None and computed.kind == "spectral_norm"
