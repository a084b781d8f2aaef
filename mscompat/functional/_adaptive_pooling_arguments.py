"""torch's rules for the arguments of adaptive pools, and its sentences where they are broken. No MindSpore here."""

from __future__ import annotations

from typing import Any

from ._errors import fail
from ._pooling_arguments import check_rank_1d, integers

__all__: list[str] = []


def adaptive_avg_sizes(name: str, dimensions: int, shape: tuple[Any, ...], output_size: Any) -> tuple[Any, ...]:
    """Sizes of the output's axes."""
    form = f"{name}: output_size must be {dimensions}"
    sizes = _sizes(name, dimensions, shape, output_size, form)
    if min(sizes) < 0:
        shown = (1, *sizes) if dimensions == 1 else sizes
        text = ", ".join(map(str, shown[:2])) + "".join(f",{size}" for size in shown[2:])
        shown_name = "adaptive_avg_pool2d" if dimensions == 1 else name
        fail(
            name,
            f"{shown_name}: elements of output_size must be greater than or equal to 0 but received {{{text}}}",
        )
    rank = len(shape)
    if dimensions == 1:
        check_rank_1d(name, shape)
        shape, name = (*shape[:-1], 1, shape[-1]), "adaptive_avg_pool2d"
        _check_not_empty(name, shape, range(len(shape) - 2, len(shape)))
        return sizes
    if dimensions == 2:
        _check_rank(name, dimensions, shape, "")
        _check_not_empty(name, shape, range(rank - 2, rank))
    else:
        _check_not_empty(name, shape, range(1, rank))
        _check_rank(name, dimensions, shape, "")
    return sizes


def adaptive_max_sizes(name: str, dimensions: int, shape: tuple[Any, ...], output_size: Any) -> tuple[Any, ...]:
    """Sizes of the output's axes."""
    form = f"{name}(): internal error: output_size.size() must be {dimensions}"
    sizes = _sizes(name, dimensions, shape, output_size, form)
    if dimensions == 1:
        check_rank_1d(name, shape)
    else:
        _check_rank(name, dimensions, shape, ":")
    _check_not_empty(name, shape, range(1, len(shape)))
    if min(sizes) < 0:
        shown = [*shape[:-dimensions], *((1,) if dimensions == 1 else ()), *sizes]
        fail(name, f"Trying to create tensor with negative dimension {min(sizes)}: {shown}")
    return sizes


def _sizes(name: str, dimensions: int, shape: tuple[Any, ...], output_size: Any, form: str) -> tuple[Any, ...]:
    if dimensions == 1:
        return integers(name, "output_size", output_size, 1, name + "() argument '{}' should contain one int (got {})")
    if isinstance(output_size, (tuple, list)):
        if len(shape) <= len(output_size):
            fail(name, f"Input dimension should be at least {len(output_size) + 1}", ValueError)
        defaults = shape[-len(output_size):] if output_size else ()
        given = tuple(output_size)
        output_size = tuple(
            default if size is None else size for size, default in zip(output_size, defaults, strict=True)
        )
        if any(size is None and default in (None, -1) for size, default in zip(given, defaults, strict=True)):
            fail(name, "None in output_size takes a size of the input that is known before the call")
        sizes = integers(name, "output_size", output_size, len(output_size), form)
        if len(sizes) != dimensions:
            fail(name, form)
        return sizes
    if output_size is None or isinstance(output_size, float):
        fail(name, f"object of type '{type(output_size).__name__}' has no len()", TypeError)
    return integers(name, "output_size", output_size, dimensions, form)


def _check_rank(name: str, dimensions: int, shape: tuple[Any, ...], colon: str) -> None:
    if len(shape) not in (dimensions + 1, dimensions + 2):
        fail(name, f"{name}(): Expected {dimensions + 1}D or {dimensions + 2}D tensor, but got{colon} {list(shape)}")


def _check_not_empty(name: str, shape: tuple[Any, ...], axes: range) -> None:
    for axis in axes:
        if shape[axis] == 0:
            fail(
                name,
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
                f"{list(shape)} with dimension {axis} being empty",
            )
