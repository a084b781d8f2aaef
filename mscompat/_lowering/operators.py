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
    # ms.jit(capture_mode="trace") records what is called, if this module's _jit_context is not None.
    _recorder = sys.modules[primitive.jit_context.__module__]
    _is_short = hasattr(_recorder, "_jit_context")
except AttributeError:
    _is_short = False


# Each class has the name of MindSpore's: from there, the operator has its own.
class Conv2D(ops.Conv2D):
    """(input, weight) -> output."""

    if _is_short:

        def __call__(self, input: Any, weight: Any) -> Any:
            if _recorder._jit_context is not None:
                return super().__call__(input, weight)
            return _run(self, self.name, (input, weight))


class Conv2DTranspose(ops.Conv2DTranspose):
    """(input, weight, shape of the output) -> output."""

    if _is_short:

        def __call__(self, input: Any, weight: Any, shape: Any) -> Any:
            if _recorder._jit_context is not None:
                return super().__call__(input, weight, shape)
            return _run(self, self.name, (input, weight, shape))


class BiasAdd(ops.BiasAdd):
    """(input, bias) -> output."""

    if _is_short:

        def __call__(self, input: Any, bias: Any) -> Any:
            if _recorder._jit_context is not None:
                return super().__call__(input, bias)
            return _run(self, self.name, (input, bias, self.data_format))
