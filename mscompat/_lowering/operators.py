"""Conv2D, Conv2DTranspose and BiasAdd with a shorter call in PyNative mode.

Primitive.__call__ passes five functions before MindSpore's executor has the operator, and that of BiasAdd six; these
pass none. In Graph mode they are compiled, not called.
"""

from __future__ import annotations

import sys
from typing import Any

from mindspore import ops
from mindspore.ops import primitive

# What Primitive.__call__ comes to, by private names of MindSpore 2.7 to 2.10. Without them it stays as it is.
try:
    _run = primitive._pynative_executor._executor.run_op_async
    _recorder = sys.modules[primitive.jit_context.__module__]
    _is_short = hasattr(_recorder, "_jit_context")
except AttributeError:
    _is_short = False


class _ShortCall(ops.Primitive):
    """The first base of an operator. Its class has the name of MindSpore's: from there, the operator has its own."""

    last_arguments: tuple[Any, ...] = ()  # those that MindSpore's own BiasAdd adds

    if _is_short:

        def __call__(self, *arguments: Any) -> Any:
            if _recorder._jit_context is not None:  # ms.jit(capture_mode="trace") records what is called
                return super().__call__(*arguments)
            return _run(self, self.name, (*arguments, *self.last_arguments))


class Conv2D(_ShortCall, ops.Conv2D):
    """(input, weight) -> output."""


class Conv2DTranspose(_ShortCall, ops.Conv2DTranspose):
    """(input, weight, shape of the output) -> output."""


class BiasAdd(_ShortCall, ops.BiasAdd):
    """(input, bias) -> output."""

    def __init__(self, data_format: str = "NCHW") -> None:
        super().__init__(data_format)
        self.last_arguments = (self.data_format,)
