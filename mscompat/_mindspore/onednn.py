"""Why MindSpore's convolutions are slow on processors with AVX-512 (MS-27), and the cap that makes them fast.

MindSpore 2.9 and 2.10 ship oneDNN 3.10 and hand it weights in plain layout. Where the processor has AVX-512, oneDNN
then takes `jit_uni_ncsp:conv+ref:any`, a reference loop, for the forward pass and for the gradient of the input: 20 to
300 times slower than what it takes without AVX-512, `gemm:jit` (the gradient of the weight takes that everywhere).
ONEDNN_VERBOSE=1 prints the choice. MindSpore 2.7 and 2.8 ship oneDNN 2.2, which has no such loop.

The cap keeps MindSpore's own copy of oneDNN to AVX2, by oneDNN's own function; torch's is another copy. It must come
before oneDNN first looks at the processor, so it is called as soon as MindSpore and mscompat are both imported, or the
first name of mscompat's is used: see __init__.py.
"""

from __future__ import annotations

import ctypes
import enum
import logging
import os
import platform
import warnings
from pathlib import Path

import mindspore as ms

from .platforms import find_onednn, has_avx512, read_features
from .switch import VARIABLE, is_fast_cpu_enabled

# oneDNN reads them in this order.
_ISA_VARIABLES = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
_WITHOUT_AVX512 = ("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2")
# dnnl_cpu_isa_avx2 and the bit of AVX-512, of dnnl_types.h.
_ISA_AVX2, _ISA_AVX512_BIT = 0x7, 0x20
# MindSpore has shipped 2.2, without the loop, and 3.10, with it.
_FIRST_SLOW_VERSION = 3

_logger = logging.getLogger("mscompat")


class State(enum.Enum):
    """What is known of this process."""

    ABSENT = "not slow here"
    CAPPED = "oneDNN is capped at AVX2"
    LATE = "slow: MindSpore ran a oneDNN operator before mscompat was loaded; mscompat convolves by matrix products"
    ENVIRONMENT = "slow: ONEDNN_MAX_CPU_ISA allows AVX-512; mscompat convolves by matrix products"
    DISABLED = f"slow, and left so: {VARIABLE}=0"
    UNKNOWN = "not known here: the processor or MindSpore's oneDNN could not be looked at; nothing is done"


class _Version(ctypes.Structure):
    """The beginning of dnnl_version_t."""

    _fields_ = [("major", ctypes.c_int), ("minor", ctypes.c_int), ("patch", ctypes.c_int)]


_state: State | None = None
_warned = False


def cap() -> None:
    """Cap MindSpore's oneDNN at AVX2, where it would be slow without, and say so in the log.

    Only the first call counts. Where MindSpore computes on another device than the CPU, nothing is done: its oneDNN
    keeps AVX-512.
    """
    global _state
    if _state is None and ms.get_current_device()[0] == "CPU":
        _state = _cap()
        if _state is State.CAPPED:
            _logger.info(
                "MindSpore's oneDNN is capped at AVX2 in this process: with AVX-512, its convolutions are 20 to 300 "
                "times slower. %s=0 in the environment leaves it alone.", VARIABLE,
            )


def state() -> State:
    """What is known of this process. Before cap, and on another device, what would be found without a cap."""
    if _state is not None:
        return _state
    slow = _has_slow_convolutions()
    if slow is None:
        return State.UNKNOWN
    return State.LATE if slow and is_fast_cpu_enabled() else State.ABSENT


def is_slow() -> bool:
    """Whether convolutions should not be left to oneDNN."""
    global _warned
    found = state()
    if found is State.LATE and not _warned:
        _warned = True
        warnings.warn(
            "MindSpore ran a oneDNN operator (a matrix product, say) before mscompat was loaded, or had another "
            "device then, so oneDNN can no longer be kept from its slow convolutions: mscompat convolves by matrix "
            "products, which are slower than oneDNN's fast ones. Import mscompat.nn before the first operator, or set "
            "ONEDNN_MAX_CPU_ISA=AVX2 in the environment.",
            RuntimeWarning,
            stacklevel=2,
        )
    return found in (State.LATE, State.ENVIRONMENT)


def version() -> tuple[int, int, int] | None:
    """The version of MindSpore's oneDNN, or None where it is not found, or cannot be loaded."""
    try:
        library = _library()
    except OSError:
        return None
    library.dnnl_version.restype = ctypes.POINTER(_Version)
    found = library.dnnl_version().contents
    return (found.major, found.minor, found.patch)


def _cap() -> State:
    slow = _has_slow_convolutions()
    if slow is None:
        return State.UNKNOWN
    if not slow:
        return State.ABSENT
    if not is_fast_cpu_enabled():
        return State.DISABLED
    if _user_isa() is not None:
        return State.ENVIRONMENT
    library = _library()
    if library.dnnl_set_max_cpu_isa(_ISA_AVX2) == 0:
        return State.CAPPED
    # oneDNN has looked at the processor already, perhaps under somebody else's cap.
    return State.LATE if library.dnnl_get_effective_cpu_isa() & _ISA_AVX512_BIT else State.ABSENT


def _has_slow_convolutions() -> bool | None:
    """Whether this oneDNN, left alone, takes the reference loop on this processor; None where that is not known."""
    if _user_isa() in _WITHOUT_AVX512:
        return False
    avx512 = _has_avx512()
    if avx512 is False:
        return False
    found = version()
    if found is None:
        return None
    return avx512 if found[0] >= _FIRST_SLOW_VERSION else False


def _user_isa() -> str | None:
    return next((os.environ[name].upper() for name in _ISA_VARIABLES if os.environ.get(name)), None)


def _has_avx512() -> bool | None:
    return has_avx512(platform.machine(), read_features(platform.system()))


def _library() -> ctypes.CDLL:
    """MindSpore's own copy, by its whole path: where MindSpore has loaded it, every system gives that very copy."""
    path = find_onednn(platform.system(), Path(ms.__file__).parent)
    if path is None:
        raise FileNotFoundError("MindSpore's oneDNN")
    return ctypes.CDLL(str(path))
