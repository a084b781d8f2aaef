"""torch's rules for the arguments of normalisations, and its sentences where they are broken.

These functions see shapes and dtypes, never tensors, and run while a graph is compiled. A size that is open then is -1,
and is not checked.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import mindspore as ms

from ._errors import fail, scalar_type

__all__ = [
    "Meta", "check_batch_norm", "check_dtypes", "check_group_norm", "check_instance_norm", "check_local_response_norm",
    "check_normalized_shape", "check_rank", "count", "fail", "known", "reduced_axes",
]

Meta = tuple[tuple[int, ...], Any] | None
"""Shape and dtype of a tensor, or None where it is not given."""

_FLOATS = (ms.float16, ms.bfloat16, ms.float32, ms.float64)


def known(shape: Sequence[Any]) -> tuple[int, ...]:
    """A shape in which open sizes are -1."""
    return tuple(-1 if size is None else size for size in shape)


def count(sizes: Sequence[int]) -> int:
    """The product of sizes, -1 if one is open (an empty one counts first)."""
    if 0 in sizes:
        return 0
    return -1 if min(sizes, default=1) < 0 else math.prod(sizes)


def check_dtypes(name: str, kernel: str, dtype: Any, *metas: Meta) -> None:
    """Parameters have the input's dtype, or are float32 beside an input of a half type."""
    if dtype not in _FLOATS:
        fail(name, f"\"{kernel}\" not implemented for '{scalar_type(dtype)}'", NotImplementedError)
    given = [meta[1] for meta in metas if meta is not None]
    if not given:
        return
    if given[0] == dtype:
        for other in given:
            if other != dtype:
                fail(name, f"expected scalar type {scalar_type(dtype)} but found {scalar_type(other)}")
    elif any(other != ms.float32 for other in given):
        if given[0] == ms.float32:
            wrong = next(other for other in given if other != ms.float32)
            fail(
                name,
                f"mixed dtype (CPU): expect parameter to have scalar type of Float: expected scalar type Float but "
                f"found {scalar_type(wrong)}",
            )
        fail(name, "mixed dtype (CPU): expect parameter to have scalar type of Float")
    elif dtype == ms.float64:
        fail(name, "mixed dtype (CPU): all inputs must share same datatype")


def _check_vector(name: str, what: str, meta: Meta, size: int) -> None:
    if meta is not None and size >= 0 and count(meta[0]) not in (size, -1):
        fail(name, f"{what} should contain {size} elements not {count(meta[0])}")


def check_rank(name: str, rank: int, ranks: tuple[int, ...]) -> None:
    """Raise unless an input has one of the ranks that a cell takes."""
    if rank not in ranks:
        fail(name, f"expected {' or '.join(f'{one}D' for one in ranks)} input (got {rank}D input)", ValueError)


@functools.lru_cache(maxsize=1024)
def check_batch_norm(
    shape: tuple[int, ...], dtype: Any, mean: Meta, var: Meta, weight: Meta, bias: Meta, training: bool, eps: float
) -> None:
    """All that torch checks when batch_norm is called."""
    name = "batch_norm"
    if not shape and training:
        fail(name, "tuple index out of range", IndexError)
    if training and count((shape[0], *shape[2:])) == 1:
        size = f"torch.Size({list(shape)})"
        fail(name, f"Expected more than 1 value per channel when training, got input size {size}", ValueError)
    if training and eps <= 0:
        fail(name, f"batch_norm eps must be positive during training, but got {eps}", ValueError)
    if eps < 0:
        fail(name, f"batch_norm eps must be non-negative, but got {eps}", ValueError)
    if training and (mean is None) != (var is None):
        fail(name, "running_mean and running_var must either both be None or neither be None", ValueError)
    channels = shape[1] if len(shape) > 1 else 0
    for what, meta in (("running_mean", mean), ("running_var", var)):
        if meta is None and not training:
            fail(name, f"{what} must be defined in evaluation mode")
        _check_vector(name, what, meta, channels)
    _check_vector(name, "weight", weight, channels)
    _check_vector(name, "bias", bias, channels)
    if len(shape) < 2 and count(shape):
        fail(name, f"expected an input of at least 2 dimensions, but got one of shape {list(shape)}")
    check_dtypes(name, "batch_norm", dtype, weight, bias, mean, var)


@functools.lru_cache(maxsize=1024)
def check_instance_norm(
    shape: tuple[int, ...], dtype: Any, mean: Meta, var: Meta, weight: Meta, bias: Meta, use_input_stats: bool
) -> None:
    """All that torch checks when instance_norm is called."""
    name = "instance_norm"
    if use_input_stats and count(shape[2:]) == 1:
        sizes = f"torch.Size({list(shape)})"
        fail(name, f"Expected more than 1 spatial element when training, got input size {sizes}", ValueError)
    if not use_input_stats and (mean is None or var is None):
        fail(name, "Expected running_mean and running_var to be defined when use_input_stats is false")
    if (mean is None) != (var is None):
        fail(name, "running_mean and running_var must either both be None or neither be None", ValueError)
    if len(shape) < 2:
        fail(name, f"expected an input of at least 2 dimensions, but got one of shape {list(shape)}")
    for what, meta in (("running_mean", mean), ("running_var", var), ("weight", weight), ("bias", bias)):
        # torch repeats them for each image.
        if meta is not None and min(shape[:2]) >= 0 and count(meta[0]) not in (shape[1], -1):
            fail(name, f"{what} should contain {shape[0] * shape[1]} elements not {shape[0] * count(meta[0])}")
    check_dtypes(name, "batch_norm", dtype, weight, bias, mean, var)


@functools.lru_cache(maxsize=1024)
def check_group_norm(shape: tuple[int, ...], dtype: Any, groups: Any, weight: Meta, bias: Meta) -> None:
    """All that torch checks when group_norm is called."""
    name = "group_norm"
    if len(shape) < 2:
        fail(name, f"Expected at least 2 dimensions for input tensor but received {len(shape)}")
    if isinstance(groups, bool) or not isinstance(groups, Integral):
        kind = type(groups).__name__
        fail(name, f"group_norm(): argument 'num_groups' (position 2) must be int, not {kind}", TypeError)
    if groups == 0:
        fail(name, "integer division or modulo by zero", ZeroDivisionError)
    size = [shape[0] * shape[1] // int(groups), int(groups), *shape[2:]]
    if min(shape) >= 0 and count((size[0], *shape[2:])) == 1:
        fail(name, f"Expected more than 1 value per channel when training, got input size {size}", ValueError)
    if groups < 0:
        fail(name, f"Expected num groups to be greater than 0, got {groups}")
    if shape[1] >= 0 and shape[1] % groups:
        fail(
            name,
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(shape)} and num_groups={groups}",
        )
    for what, meta in (("weight", weight), ("bias", bias)):
        if meta is not None and shape[1] >= 0 and meta[0] != (shape[1],):
            # Of a wrong bias, torch prints the weight's shape.
            fail(
                name,
                f"Expected {what} to be a vector of size equal to the number of channels in input, but got {what} of "
                f"shape {list(meta[0])} and input of shape {list(shape)}",
            )
    check_dtypes(name, "GroupNormKernelImpl", dtype, weight, bias)


def check_normalized_shape(
    name: str, shape: tuple[int, ...], normalized_shape: Any, weight: Meta, bias: Meta = None
) -> tuple[int, ...]:
    """The sizes over which layer_norm and rms_norm go, all of them ints."""
    if isinstance(normalized_shape, str) or not isinstance(normalized_shape, Sequence):
        kind = type(normalized_shape).__name__
        fail(name, f"{name}(): argument 'normalized_shape' (position 2) must be tuple of ints, not {kind}", TypeError)
    for position, size in enumerate(normalized_shape):
        if isinstance(size, bool) or not isinstance(size, Integral):
            fail(
                name,
                f"{name}(): argument 'normalized_shape' (position 2) must be tuple of ints, but found element of type "
                f"{type(size).__name__} at pos {position}",
                TypeError,
            )
    sizes = tuple(map(int, normalized_shape))
    if not sizes:
        fail(
            name,
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []",
        )
    for what, meta in (("weight", weight), ("bias", bias)):
        if meta is not None and meta[0] != sizes:
            fail(
                name,
                f"Expected {what} to be of same shape as normalized_shape, but got {what} of shape {list(meta[0])} and "
                f"normalized_shape = {list(sizes)}",
            )
    last = shape[len(shape) - len(sizes):] if len(shape) >= len(sizes) else ()
    if len(last) != len(sizes) or any(have not in (size, -1) for have, size in zip(last, sizes, strict=True)):
        star = "*" if name == "rms_norm" else "*, "  # as torch has it
        fail(
            name,
            f"Given normalized_shape={list(sizes)}, expected input with shape [{star}{', '.join(map(str, sizes))}], "
            f"but got input of size{list(shape)}",
        )
    return sizes


def check_local_response_norm(shape: tuple[int, ...], size: Any) -> None:
    """All that torch checks when local_response_norm is called."""
    name = "local_response_norm"
    if len(shape) < 3:
        fail(name, f"Expected 3D or higher dimensionality {' ' * 25}input (got {len(shape)} dimensions)", ValueError)
    if count(shape) == 0:
        return
    if isinstance(size, bool) or not isinstance(size, Integral):
        fail(name, f"argument 'size' must be int, not {type(size).__name__}", TypeError)
    if size <= 0:
        kernel = f"kH: {size} kW: 1" if len(shape) == 3 else f"kT: {size} kH: 1 kW: 1"
        fail(name, f"kernel size should be greater than zero, but got {kernel}")


@functools.lru_cache(maxsize=1024)
def reduced_axes(rank: int, dim: Any) -> tuple[int, ...]:
    """The axes that normalize sums over: all for None and ()."""
    name = "normalize"
    if dim is None:
        return tuple(range(rank))
    dims = (dim,) if isinstance(dim, Integral) else tuple(dim)
    if not dims:
        return tuple(range(rank))
    axes: list[int] = []
    for one in dims:
        if isinstance(one, bool) or not isinstance(one, Integral):
            kind = type(one).__name__
            fail(name, f"argument 'dim' must be tuple of ints, but found element of type {kind}", TypeError)
        limit = max(rank, 1)
        if not -limit <= int(one) < limit:
            fail(
                name,
                f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got {one})",
                IndexError,
            )
        axis = int(one) % limit
        if axis in axes:
            fail(name, f"dim {axis} appears multiple times in the list of dims")
        axes.append(axis)
    return tuple(axes) if rank else ()
