"""The switch of what makes MindSpore fast on CPU, for the whole process: see _onednn.py and _threads.py."""

from __future__ import annotations

from . import _lowering, _onednn, _threads


def set_fast_cpu(enabled: bool) -> None:
    """Turn the mends of MindSpore's slow CPU operators on or off for this process.

    On x86-64 processors with AVX-512, MindSpore 2.9 and 2.10 convolve 20 to 300 times slower than they could.
    `import mscompat` mends that by capping MindSpore's oneDNN at AVX2; other matrix products may then take 1.0 to 1.7
    times as long. Nothing is done on other processors and versions, or where ONEDNN_MAX_CPU_ISA or DNNL_MAX_CPU_ISA is
    set.

    On CPU, the thread that waits for an operator takes a core from it. The first call of a layer mends that by
    `mindspore.runtime.launch_blocking()`, and on Linux, where there is one for each, by keeping MindSpore's worker
    threads on cores of their own; in Graph mode, the first that is compiled.

    The environment variable MSCOMPAT_FAST_CPU=0 turns all of it off from the start.

    Args:
        enabled (bool): False takes the cap back, leaves every convolution to MindSpore's operators as they are, and
            keeps the first call of a layer from calling `launch_blocking` and from binding threads.

    Raises:
        RuntimeError: If it is too late to turn them off: a layer was called, or oneDNN has run under the cap. Nothing
            is changed then.
    """
    if enabled:
        _threads.turn(off=False)
        _onednn.mend()
        _lowering.forget_plans()
        return
    if _threads.is_mended():
        reason = "a layer was called, and launch_blocking stays"
    elif not _onednn.take_back():
        reason = "oneDNN has run under its cap, which stays"
    else:
        _threads.turn(off=True)
        _lowering.forget_plans()
        return
    raise RuntimeError(f"Too late in this process: {reason}. Set {_onednn.VARIABLE}=0 in the environment instead")
