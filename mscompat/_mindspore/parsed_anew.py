"""Cells and functions that draw random numbers: Graph mode reads them anew wherever they are called.

Otherwise, what it has read of a cell or a function once serves each call: a Dropout that is called twice in one graph
gives, with a seed, the same mask twice (MS-69). MindSpore marks its own random functions so, by a private attribute.
Where its name changes, masks are such again.
"""

from __future__ import annotations

from typing import Any, TypeVar

__all__ = ["parsed_anew"]

_Target = TypeVar("_Target")


def parsed_anew(target: _Target) -> _Target:
    """The decorator of a cell's class, or a function: all on the way to the random operator must have it."""
    marked: Any = target
    marked.__function_forbid_reuse__ = True
    return target
