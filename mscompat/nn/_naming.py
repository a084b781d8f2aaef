"""Walks over cells and names, and how they are printed: what Module and the containers share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mindspore import Tensor, nn

from .._mindspore.cells import inner_cells

__all__ = ["are_alike", "indented", "modes_inside", "named_cells", "once"]


def named_cells(cell: nn.Cell, memo: set[Any], prefix: str, remove_duplicate: bool) -> Iterator[tuple[str, nn.Cell]]:
    """Names and cells: a cell itself, and all inside that are not in memo."""
    if id(cell) in memo:
        return
    if remove_duplicate:
        memo.add(id(cell))
    yield prefix, cell
    for name, inner in inner_cells(cell).items():
        yield from named_cells(inner, memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)


def modes_inside(cell: nn.Cell) -> str:
    """Of a cell and all inside: 1 for each that is in training mode, 0 for each that is not."""
    return ("1" if cell.training else "0") + "".join(map(modes_inside, inner_cells(cell).values()))


def indented(text: str) -> str:
    """A text with two spaces before each line but the first."""
    return text.replace("\n", "\n  ")


def once(named: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Names and values, each value under the first of its names."""
    seen = set()
    for name, value in named:
        if id(value) not in seen:
            seen.add(id(value))
            yield name, value


def are_alike(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and dtype."""
    return (one.shape, one.dtype) == (other.shape, other.dtype)
