"""Why MindSpore's convolutions are slow on processors with AVX-512, and the mend.

MindSpore 2.9 and 2.10 ship oneDNN 3.10 and hand it weights in plain layout. Where the processor has AVX-512, oneDNN
then takes `jit_uni_ncsp:conv+ref:any`, a reference loop, for the forward pass and for the gradient of the input: 20 to
300 times slower than what it takes without AVX-512, `gemm:jit` (the gradient of the weight takes that everywhere).
ONEDNN_VERBOSE=1 prints the choice. MindSpore 2.7 and 2.8 ship oneDNN 2.2, which has no such loop.

The mend caps the instruction set at AVX2, through oneDNN's own function, in MindSpore's own copy of oneDNN: torch's is
another one. It must come before oneDNN first looks at the processor, so `import mscompat` does it.
"""

from __future__ import annotations

import ctypes
import enum
import os
import platform
import warnings
from pathlib import Path

import mindspore as ms

VARIABLE = "MSCOMPAT_FAST_CPU"
# oneDNN reads them in this order.
_ISA_VARIABLES = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
_WITHOUT_AVX512 = ("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2")
# dnnl_cpu_isa_default, dnnl_cpu_isa_avx2 and the bit of AVX-512, of dnnl_types.h.
_ISA_DEFAULT, _ISA_AVX2, _ISA_AVX512_BIT = 0x0, 0x7, 0x20
# MindSpore has shipped 2.2, without the loop, and 3.10, with it.
_FIRST_SLOW_VERSION = 3
_CPUINFO = Path("/proc/cpuinfo")


class State(enum.Enum):
    """What is known of this process."""

    UNKNOWN = "not looked at yet"
    ABSENT = "not slow here"
    MENDED = "mended: oneDNN is capped at AVX2"
    LATE = "slow: MindSpore ran a oneDNN operator before mscompat was imported; mscompat convolves by matrix products"
    ENVIRONMENT = "slow: ONEDNN_MAX_CPU_ISA allows AVX-512; mscompat convolves by matrix products"
    OFF = "slow, and left so: the mend is turned off"


class _Version(ctypes.Structure):
    """The beginning of dnnl_version_t."""

    _fields_ = [("major", ctypes.c_int), ("minor", ctypes.c_int), ("patch", ctypes.c_int)]


_state = State.UNKNOWN
_warned = False


def state() -> State:
    """What is known of this process; the first call mends it."""
    if _state is State.UNKNOWN:
        if os.environ.get(VARIABLE) == "0":
            leave()
        else:
            _set_state(_look())
    return _state


def is_slow() -> bool:
    """Whether convolutions should not be left to oneDNN."""
    global _warned
    found = state()
    if found is State.LATE and not _warned:
        _warned = True
        warnings.warn(
            "MindSpore ran a oneDNN operator (a matrix product, say) before mscompat was imported, so oneDNN can no "
            "longer be kept from its slow convolutions: mscompat convolves by matrix products, which are slower than "
            "the mend. Import mscompat before the first operator, or set ONEDNN_MAX_CPU_ISA=AVX2 in the environment.",
            RuntimeWarning,
            stacklevel=2,
        )
    return found in (State.LATE, State.ENVIRONMENT)


def mend() -> None:
    """Mend it, after it was left alone or taken back."""
    if state() is not State.MENDED:
        _set_state(_look())


def leave() -> None:
    """Leave every convolution to MindSpore's operators as they are."""
    _set_state(State.OFF if _has_slow_convolutions() else State.ABSENT)


def take_back() -> bool:
    """Leave it alone again; False if oneDNN has run under the cap, which then stays."""
    if state() is State.MENDED and _library().dnnl_set_max_cpu_isa(_ISA_DEFAULT) != 0:
        return False
    leave()
    return True


def version() -> tuple[int, int, int] | None:
    """The version of MindSpore's oneDNN, or None where there is none."""
    if not _paths():
        return None
    library = _library()
    library.dnnl_version.restype = ctypes.POINTER(_Version)
    found = library.dnnl_version().contents
    return (found.major, found.minor, found.patch)


def _set_state(found: State) -> None:
    global _state
    _state = found


def _look() -> State:
    if not _has_slow_convolutions():
        return State.ABSENT
    if _user_isa() is not None:
        return State.ENVIRONMENT
    library = _library()
    if library.dnnl_set_max_cpu_isa(_ISA_AVX2) == 0:
        return State.MENDED
    # oneDNN has looked at the processor already, perhaps under somebody else's cap.
    return State.LATE if library.dnnl_get_effective_cpu_isa() & _ISA_AVX512_BIT else State.ABSENT


def _has_slow_convolutions() -> bool:
    """Whether this oneDNN, left alone, takes the reference loop on this processor."""
    if not _has_avx512() or _user_isa() in _WITHOUT_AVX512:
        return False
    found = version()
    return found is not None and found[0] >= _FIRST_SLOW_VERSION


def _user_isa() -> str | None:
    return next((os.environ[name].upper() for name in _ISA_VARIABLES if os.environ.get(name)), None)


def _has_avx512() -> bool:
    if platform.machine() != "x86_64":
        return False
    try:
        with _CPUINFO.open(encoding="utf-8") as lines:
            flags = next((line.split() for line in lines if line.startswith("flags")), [])
    except OSError:  # not Linux: MindSpore for Windows and macOS was not looked at
        return False
    return {"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= set(flags)


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(str(_paths()[-1]))


def _paths() -> list[Path]:
    return sorted((Path(ms.__file__).parent / "lib").glob("libdnnl.so.*"))
