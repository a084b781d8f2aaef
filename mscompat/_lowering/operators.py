"""Operators that PyNative mode hands to MindSpore's executor without a step between. In Graph mode they are compiled.

Primitive.__call__ passes five functions before, and that of BiasAdd six. That of Slice or Transpose makes a view
instead, which the next operator copies, slowly: the middle 56 columns of 8x64x58x58 in 7.4 ms. By the executor they
copy themselves, in 1.4 ms, as in Graph mode (MindSpore 2.8 to 2.10; 2.7 makes a view there too).
"""

from __future__ import annotations

import sys
from typing import Any

from mindspore import ops
from mindspore.ops import primitive

# What Primitive.__call__ comes to, by private names of MindSpore 2.7 to 2.10. Without them it stays as it is.
try:
    _run = primitive._pynative_executor._executor.run_op_async
    # ms.jit(capture_mode="trace") records what is called, if this module's _jit_context is not None.
    _recorder = sys.modules[primitive.jit_context.__module__]
    _is_short = hasattr(_recorder, "_jit_context")
except AttributeError:
    _is_short = False


class _Direct(ops.Primitive):
    """The first base of an operator. Its class has the name of MindSpore's: from there, the operator has its own."""

    if _is_short:

        def __call__(self, *inputs: Any) -> Any:
            if _recorder._jit_context is not None:
                return super().__call__(*inputs)
            return _run(self, self.name, inputs)


class Conv2D(_Direct, ops.Conv2D):
    """(input, weight) -> output."""


class Conv2DTranspose(_Direct, ops.Conv2DTranspose):
    """(input, weight, shape of the output) -> output."""


class BiasAdd(_Direct, ops.BiasAdd):
    """(input, bias) -> output."""

    if _is_short:

        def __call__(self, input: Any, bias: Any) -> Any:
            if _recorder._jit_context is not None:
                return super().__call__(input, bias)
            return _run(self, self.name, (input, bias, self.data_format))


class Slice(_Direct, ops.Slice):
    """(input, begin, size) -> part of the input."""


class Transpose(_Direct, ops.Transpose):
    """(input, permutation of the axes) -> output."""
