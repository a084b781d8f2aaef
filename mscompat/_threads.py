"""Why MindSpore's operators are slow on CPU where their threads wait, and the two mends.

MindSpore 2.7 to 2.10 runs them in PyNative mode in a thread of its own, and the thread that waits for their result
(asnumpy, print) spins meanwhile, on a core that oneDNN's threads count on. Each time these wait for each other, the
system must first take the spinning thread off its core. On 2 cores, a convolution of 0.3 ms takes 4 ms until its
result is there, and the gradient of the weight of a depthwise one (8x144x56x56, 3x3) 4,600 ms instead of 30. The mend
is MindSpore's own: after mindspore.runtime.launch_blocking(), the thread that calls an operator runs it.

In both modes, that thread leaves the work of an operator to workers, as many as the machine has cores (up to 30), and
spins until they are done. Where the system then puts two workers on one core, and the spinning thread on the other, the
operator takes twice as long: of 8x64x56x56 to 64, 3x3, every fourth call, at times for minutes. The mend keeps each
worker on a core of its own: the means of five convolutions became 5 to 20 % shorter (2 cores, MindSpore 2.10).

oneDNN divides its work by the cores that the thread may use that prepares an operator. Workers prepare none, but in the
first run of a graph of unknown shape (that one then takes one core), as long as MindSpore has started one ActorThread
only. Where it has started more, on machines with more cores, graphs run in these, and nothing is bound.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import Tensor, _c_expression, ops

from ._onednn import VARIABLE

_TASKS = Path("/proc/self/task")

# Where mindspore.runtime.set_cpu_affinity notes that it was called (MindSpore 2.7 to 2.10).
_configuration = getattr(_c_expression, "RuntimeConf", None)

_is_mended = False
_is_off = os.environ.get(VARIABLE) == "0"


def mend() -> None:
    """Run operators in the thread that calls them, with a core for each worker, unless that is turned off."""
    global _is_mended
    if not _is_off and not _is_mended:
        ms.runtime.launch_blocking()
        _is_mended = True
        _bind_workers()


def turn(*, off: bool) -> None:
    """Allow or forbid the mends. What is mended stays so: MindSpore cannot take the first back."""
    global _is_off
    _is_off = off


def is_mended() -> bool:
    """Whether operators run in the thread that calls them, because of mscompat."""
    return _is_mended


def _bind_workers() -> None:
    """Give each worker a core, where there are as many of both, and nobody has bound some before."""
    if not (hasattr(os, "sched_setaffinity") and _TASKS.is_dir()):
        return  # not Linux
    cores = os.sched_getaffinity(0)
    configured = _configuration is not None and _configuration.get_instance().is_thread_bind_core_configured()
    if configured or len(cores) != os.cpu_count():
        return
    # The first operator starts the workers. Of integers: mixed precision leaves them alone.
    ops.ReLU()(Tensor(np.zeros(1, np.int32)))
    actors, kernels = _workers(len(cores))
    workers = [*actors, *kernels]
    if len(actors) > 1 or len(workers) != len(cores):
        return
    with contextlib.suppress(OSError):  # a sandbox that forbids it
        if all(os.sched_getaffinity(worker) == cores for worker in workers):
            for worker, core in zip(workers, sorted(cores), strict=True):
                os.sched_setaffinity(worker, {core})


def _workers(wanted: int) -> tuple[list[int], list[int]]:
    """The numbers of the threads of both kinds. They name themselves when they start: some milliseconds later."""
    deadline = time.monotonic() + 0.2
    while True:
        actors, kernels = [], []
        for task in _TASKS.iterdir():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                name = (task / "comm").read_bytes()
                if name.startswith(b"ActorThread"):
                    actors.append(int(task.name))
                elif name.startswith(b"KernelThread"):
                    kernels.append(int(task.name))
        if len(actors) + len(kernels) >= wanted or time.monotonic() > deadline:
            return sorted(actors), sorted(kernels)
        time.sleep(0.001)
