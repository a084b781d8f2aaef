"""Functions of plain Python that Graph mode runs while it compiles, and whether it compiles for an export."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import mindspore as ms

__all__ = ["compile_time_function", "is_exporting"]


def compile_time_function(name: str, in_pynative: Callable[..., Any], in_graph: Callable[..., Any]) -> Any:
    """The function that calls one in PyNative mode, and the other while a graph is compiled: ms.constexpr with two.

    A wrong argument raises its own class and sentence in both. MindSpore makes a class of each constexpr function,
    whose call is what PyNative mode does.
    """
    function = ms.constexpr(name=name, check=False)(in_graph)
    type(function).__call__ = staticmethod(in_pynative)
    return function


def is_exporting() -> bool:
    """Whether mindspore.export or mindspore.onnx.export is compiling: they say so nowhere but on the stack.

    Where their names change, files hold the operators of the algorithm at hand instead of MindSpore's convolutions:
    right, and larger.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == "export" and frame.f_globals.get("__name__", "").startswith("mindspore."):
            return True
        frame = frame.f_back
    return False
