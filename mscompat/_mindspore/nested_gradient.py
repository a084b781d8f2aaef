"""Whether PyNative mode is about to differentiate twice what is called now: MindSpore says so only on the stack.

In PyNative mode, MindSpore's fast operators of normalisations have no second derivative, or a wrong one (MS-63, MS-65,
MS-66), and what has is up to six times slower. A gradient of a gradient (WGAN-GP's penalty) runs forward within two
calls of ms.grad: then, and only then, the slow way is taken. A graph needs none of it.

The stack is looked at while something is differentiated, not in inference. Where MindSpore changes the name on it, the
fast operators stay, and the second derivative of GroupNorm and LayerNorm raises. To be dropped once these operators
have second derivatives, and views right ones (MS-08).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

from mindspore.ops import primitive

from .compile_time import compile_time_function

__all__ = ["is_differentiated_twice"]

try:
    _is_differentiated: Callable[[], bool] = primitive._pynative_executor._executor.grad_flag
except AttributeError:

    def _is_differentiated() -> bool:
        return True


def _is_differentiated_twice() -> bool:
    if not _is_differentiated():
        return False
    count = 0
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "_pynative_forward_run":
            count += 1
            if count == 2:
                return True
        frame = frame.f_back
    return False


is_differentiated_twice = compile_time_function(
    "mscompat_is_differentiated_twice", _is_differentiated_twice, lambda: False
)
"""() -> whether PyNative mode differentiates a gradient. In a graph, False."""
