"""Functions of plain Python that Graph mode runs while it compiles, and whether it compiles for an export."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import mindspore as ms

__all__ = ["compile_time", "compile_time_function", "is_exporting", "is_in_graph"]


def compile_time_function(name: str, in_pynative: Callable[..., Any], in_graph: Callable[..., Any]) -> Any:
    """The function that calls one in PyNative mode, and the other while a graph is compiled: ms.constexpr with two.

    A wrong argument raises its own class and sentence in both. MindSpore makes a class of each constexpr function,
    whose call is what PyNative mode does.
    """
    function = ms.constexpr(name=name, check=False)(in_graph)
    type(function).__call__ = staticmethod(in_pynative)
    return function


def compile_time(function: Callable[..., Any]) -> Any:
    """A function of plain Python values that is called as it is in PyNative mode, and while a graph is compiled."""
    return compile_time_function(f"mscompat_{function.__name__.strip('_')}", function, function)


is_in_graph = compile_time_function("mscompat_is_in_graph", lambda: False, lambda: True)
"""() -> whether a graph is being compiled."""


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
