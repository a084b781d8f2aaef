"""Why MindSpore's operators are slow in PyNative mode on CPU, and the mend.

MindSpore 2.7 to 2.10 runs them in a thread of its own, and the thread that waits for their result (asnumpy, print)
spins meanwhile, on a core that oneDNN's threads count on. Each time these wait for each other, the system must first
take the spinning thread off its core. On 2 cores, a convolution of 0.3 ms takes 4 ms until its result is there, and the
gradient of the weight of a depthwise one (8x144x56x56, 3x3) 4,600 ms instead of 30.

The mend is MindSpore's own: after mindspore.runtime.launch_blocking(), the thread that calls an operator runs it.
"""

from __future__ import annotations

import os

import mindspore as ms

from ._onednn import VARIABLE

_is_blocking = False
_is_off = os.environ.get(VARIABLE) == "0"


def mend() -> None:
    """Run operators in the thread that calls them, from now on, unless that is turned off."""
    global _is_blocking
    if not _is_off and not _is_blocking:
        ms.runtime.launch_blocking()
        _is_blocking = True


def turn(*, off: bool) -> None:
    """Allow or forbid the mend. What is mended stays so: MindSpore cannot take it back."""
    global _is_off
    _is_off = off


def is_mended() -> bool:
    """Whether operators run in the thread that calls them, because of mscompat."""
    return _is_blocking
