"""Slice and Transpose that copy in PyNative mode, where MindSpore's make views that the next operator copies slowly.

Handed to MindSpore's executor without Primitive.__call__, they copy themselves (MS-31): the middle 56 columns of
8x64x58x58 take 1.4 ms instead of 7.4. The executor is private. Without it, the operators are MindSpore's own: right,
and slower. To be dropped once PyNative copies views as fast as Graph mode.
"""

from __future__ import annotations

import sys
from typing import Any

from mindspore import ops
from mindspore.ops import primitive

__all__ = ["Slice", "Transpose"]

try:
    _run = primitive._pynative_executor._executor.run_op_async
    # ms.jit(capture_mode="trace") records what Primitive.__call__ is told, while this module's _jit_context is set.
    _recorder = sys.modules[primitive.jit_context.__module__]
    _is_direct = hasattr(_recorder, "_jit_context")
except AttributeError:
    _is_direct = False


class _Direct(ops.Primitive):
    """The first base of an operator. Its class has the name of MindSpore's: from there, the operator has its own."""

    if _is_direct:

        def __call__(self, *inputs: Any) -> Any:
            if _recorder._jit_context is not None:
                return super().__call__(*inputs)
            return _run(self, self.name, inputs)


class Slice(_Direct, ops.Slice):
    """(input, begin, size) -> part of the input."""


class Transpose(_Direct, ops.Transpose):
    """(input, permutation of the axes) -> output."""
