"""PyNative mode on CPU without a thread that spins: explicit, since it has a price."""

from __future__ import annotations

import mindspore as ms

from .switch import is_fast_cpu_enabled

__all__ = ["launch_blocking"]


def launch_blocking() -> None:
    """Make PyNative mode on CPU about twice as fast, for a process that calls operators from one thread.

    Call it once, at the start of a script. It calls ``mindspore.runtime.launch_blocking()``: from then on, the thread
    that calls an operator runs it. Without it, MindSpore runs the operators of PyNative mode in a thread of its own,
    and the thread that waits for a result spins meanwhile, on a core that the operator's threads count on.

    What it buys: on 2 cores, a convolution of 0.3 ms has its result after 0.3 ms instead of 4, the gradient of the
    weight of a depthwise one (8x144x56x56) after 30 ms instead of 4,600. Errors come where they are made. Graph mode
    stays as it is.

    What it breaks: inference from several threads at once, which then ends in crashes and wrong numbers, where
    MindSpore alone gives a wrong number now and then. Put a lock around each call of a network if there are several
    threads. It cannot be taken back in this process.

    It does nothing on GPU and Ascend, where operators should run apart from the thread that calls them, nor where the
    environment variable MSCOMPAT_FAST_CPU is 0.

    Examples:
        >>> import mscompat
        >>> mscompat.launch_blocking()
    """
    if ms.get_current_device()[0] == "CPU" and is_fast_cpu_enabled():
        ms.runtime.launch_blocking()
