"""Shapes: torch/nn/modules/flatten.py."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import mindspore as ms
from mindspore import Tensor, ops

from .._mindspore.compile_time import compile_time, is_in_graph
from ..functional._errors import fail
from ..functional._reshaping import reshape
from .module import Module

__all__ = ["Flatten", "Unflatten"]

_cast = ops.Cast()


class Flatten(Module):
    """Make one axis of a range of axes, as ``torch.nn.Flatten``.

    Args:
        start_dim (int): the first axis. Default: 1.
        end_dim (int): the last axis. Default: -1.

    Inputs:
        - **input** (Tensor) - shape (*, S_start, ..., S_end, *).

    Outputs:
        Tensor of shape (*, S_start * ... * S_end, *).

    Raises:
        IndexError, RuntimeError, TypeError: When called, as torch does, with torch's sentence.

    Examples:
        >>> from mindspore import ops
        >>> from mscompat import nn
        >>> nn.Flatten()(ops.zeros((2, 3, 4))).shape
        (2, 12)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        """See Args of the class."""
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return _reshaped(input, _flat_shape(input.shape, self.start_dim, self.end_dim))

    def extra_repr(self) -> str:
        """torch's."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Make several axes of one, as ``torch.nn.Unflatten``.

    Args:
        dim (int): the axis.
        unflattened_size (tuple or list of int): sizes of the axes that it becomes; one of them may be -1.

    Inputs:
        - **input** (Tensor) - shape (*, S_dim, *).

    Outputs:
        Tensor of shape (*, *unflattened_size, *).

    Raises:
        TypeError: If unflattened_size is no tuple or list of int.
        IndexError, RuntimeError: When called, as torch does, with torch's sentence.

    Examples:
        >>> from mindspore import ops
        >>> from mscompat import nn
        >>> nn.Unflatten(1, (3, -1))(ops.zeros((2, 12))).shape
        (2, 3, 4)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        """See Args of the class."""
        if not isinstance(unflattened_size, (tuple, list)):
            kind = type(unflattened_size).__name__
            fail("Unflatten", f"unflattened_size must be a tuple of ints, but found type {kind}", TypeError)
        for position, size in enumerate(unflattened_size):
            if not isinstance(size, int):
                fail(
                    "Unflatten",
                    f"unflattened_size must be tuple of ints, but found element of type {type(size).__name__} at pos "
                    f"{position}",
                    TypeError,
                )
        super().__init__()
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        """See Inputs and Outputs of the class."""
        return _reshaped(input, _unflat_shape(input.shape, self.dim, self.unflattened_size))

    def extra_repr(self) -> str:
        """torch's."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


def _reshaped(input: Tensor, shape: Any) -> Tensor:
    if input.dtype == ms.bfloat16 and is_in_graph():  # MS-06
        return _cast(reshape(_cast(input, ms.float32), shape), ms.bfloat16)
    return reshape(input, shape)


def _axis(name: str, argument: str, position: int, axis: Any, dimensions: int) -> int:
    """An axis, counted from the first one."""
    if isinstance(axis, bool) or not isinstance(axis, int):
        method = name.lower()
        kind = type(axis).__name__
        fail(name, f"{method}(): argument '{argument}' (position {position}) must be int, not {kind}", TypeError)
    bound = max(dimensions, 1)
    if not -bound <= axis < bound:
        fail(
            name,
            f"Dimension out of range (expected to be in range of [-{bound}, {bound - 1}], but got {axis})",
            IndexError,
        )
    return axis % bound


def _with_one_unknown(shape: list[Any]) -> tuple[int, ...]:
    """The shape with -1 for the size that is not known before the call."""
    if shape.count(None) > 1:
        fail(
            "Flatten",
            "a graph may have one axis of a size that is not known before the call, beside those that "
            f"become one, but got {shape}",
            ValueError,
        )
    return tuple(-1 if size is None else size for size in shape)


def _make_flat_shape(shape: tuple[Any, ...], start: Any, end: Any) -> tuple[int, ...]:
    sizes = [None if size is None or size < 0 else size for size in shape]
    first = _axis("Flatten", "start_dim", 1, start, len(sizes))
    last = _axis("Flatten", "end_dim", 2, end, len(sizes))
    if first > last:
        fail("Flatten", "flatten() has invalid args: start_dim cannot come after end_dim")
    if not sizes:
        return (1,)
    inner = sizes[first : last + 1]
    return _with_one_unknown([*sizes[:first], None if None in inner else math.prod(inner), *sizes[last + 1 :]])


def _make_unflat_shape(shape: tuple[Any, ...], dim: Any, unflattened: Sequence[int]) -> tuple[int, ...]:
    sizes = [None if size is None or size < 0 else size for size in shape]
    axis = _axis("Unflatten", "dim", 1, dim, len(sizes))
    if not unflattened:
        fail("Unflatten", "unflatten: sizes must be non-empty")
    for position, size in enumerate(unflattened):
        if isinstance(size, bool):
            fail(
                "Unflatten",
                "unflatten(): argument 'sizes' (position 2) must be tuple of ints, but found element of type bool at "
                f"pos {position}",
                TypeError,
            )
    if not sizes:
        fail("Unflatten", "unflatten got an unexpected error:\nDimension specified as 0 but tensor has no dimensions")
    for position, size in enumerate(unflattened):
        if size < -1:
            fail(
                "Unflatten",
                f"unflatten got an unexpected error:\ninvalid shape dimension {size} at index {position} of shape "
                f"{list(unflattened)}",
            )
    if list(unflattened).count(-1) > 1:
        fail("Unflatten", "unflatten got an unexpected error:\nonly one dimension can be inferred")
    inner = list(unflattened)
    given = math.prod(one for one in inner if one != -1)
    total = sizes[axis]
    if total is not None:
        if -1 in inner and given == 0 == total:
            fail(
                "Unflatten",
                f"unflatten got an unexpected error:\ncannot reshape tensor of 0 elements into shape {inner} because "
                "the unspecified dimension size -1 can be any value and is ambiguous",
            )
        if (given == 0 or total % given != 0) if -1 in inner else given != total:
            fail(
                "Unflatten",
                f"unflatten: Provided sizes {inner} don't multiply up to the size of dim {axis} ({total}) in the input "
                "tensor",
            )
        inner = [total // given if one == -1 else one for one in inner]
    return _with_one_unknown([*sizes[:axis], *(None if one == -1 else one for one in inner), *sizes[axis + 1 :]])


def _remembered(function: Any) -> Any:
    known = functools.lru_cache(maxsize=1024, typed=True)(function)

    def find(shape: Any, first: Any, second: Any) -> Any:
        # What equals an int may not be one (True), and a list cannot be looked up.
        is_plain = type(second) is int or (type(second) is tuple and all(type(one) is int for one in second))
        return (known if is_plain else function)(tuple(shape), first, second)

    find.__name__ = function.__name__
    return compile_time(find)


_flat_shape = _remembered(_make_flat_shape)
_unflat_shape = _remembered(_make_unflat_shape)
