"""What differs between the systems that MindSpore is published for: where its oneDNN lies, and how AVX-512 is found.

A system has the name that `platform.system` gives it, a machine that of `platform.machine`. The places are those in
MindSpore's packages 2.7.0 and 2.10.0. Of any other system nothing is known, and nothing is guessed: the answer is None.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from pathlib import Path

__all__ = ["find_onednn", "has_avx512", "linux_features", "macos_features", "read_features", "windows_features"]

_LIBRARIES = {"Linux": "lib/libdnnl.so.*", "Darwin": "lib/libdnnl.*.dylib", "Windows": "dnnl.dll"}
_X86_64 = ("x86_64", "amd64")
# What oneDNN calls avx512_core: it uses AVX-512 where the processor has all of them.
_AVX512 = frozenset({"avx512f", "avx512bw", "avx512dq", "avx512vl"})
_CPUINFO = Path("/proc/cpuinfo")
# PF_SSSE3_INSTRUCTIONS_AVAILABLE and PF_AVX512F_INSTRUCTIONS_AVAILABLE, of
# https://learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-isprocessorfeaturepresent
_WINDOWS_SSSE3, _WINDOWS_AVX512F = 36, 41


def find_onednn(system: str, package: Path) -> Path | None:
    """MindSpore's own oneDNN in MindSpore's folder, or None where it is not found."""
    pattern = _LIBRARIES.get(system)
    return None if pattern is None else max(package.glob(pattern), default=None)


def has_avx512(machine: str, features: frozenset[str] | None) -> bool | None:
    """Whether oneDNN finds AVX-512, by the features that the system tells; None where that is not known."""
    if machine.lower() not in _X86_64:
        return False
    return None if features is None else features >= _AVX512


def read_features(system: str) -> frozenset[str] | None:
    """What this system tells of its processor, in Linux's names; None where it tells nothing."""
    try:
        if system == "Linux":
            with _CPUINFO.open(encoding="utf-8") as lines:
                return linux_features(lines)
        if system == "Darwin":
            return macos_features(ctypes.CDLL(None))
        if system == "Windows":
            # Not WinDLL, which other systems' ctypes and type checkers do not have: on 64 bits they call alike.
            return windows_features(ctypes.CDLL("kernel32"))
    except OSError:  # there is no /proc in some sandboxes
        return None
    return None


def linux_features(cpuinfo: Iterable[str]) -> frozenset[str]:
    """The flags of the first processor in the lines of /proc/cpuinfo."""
    flags = next((line.partition(":")[2] for line in cpuinfo if line.startswith("flags")), "")
    return frozenset(flags.split())


def macos_features(libc: ctypes.CDLL) -> frozenset[str]:
    """Those parts of AVX-512 that the kernel has as hw.optional.avx512f, and so on.

    The names are in https://github.com/apple-oss-distributions/xnu/blob/main/bsd/kern/kern_mib.c. macOS turns AVX-512
    on when a program first uses it. oneDNN 3.10 does not wait for that: it takes what the processor has
    (third_party/xbyak/xbyak_util.h).
    """
    return frozenset(part for part in _AVX512 if _sysctl(libc, f"hw.optional.{part}") == 1)


def windows_features(kernel32: ctypes.CDLL) -> frozenset[str] | None:
    """All parts of AVX-512 or none: Windows tells of the first one only.

    Only Xeon Phi has the first without the others. oneDNN 3 uses AVX2 there, with the cap or without.

    Windows before 10, version 2004, answers no to every question about SSSE3 or later. Every processor that oneDNN runs
    on has SSSE3, so that such a no shows a Windows that does not tell.
    """
    if not kernel32.IsProcessorFeaturePresent(_WINDOWS_SSSE3):
        return None
    return _AVX512 if kernel32.IsProcessorFeaturePresent(_WINDOWS_AVX512F) else frozenset()


def _sysctl(libc: ctypes.CDLL, name: str) -> int:
    """A number that the kernel has under a name, 0 where it has none."""
    value = ctypes.c_int(0)
    size = ctypes.c_size_t(ctypes.sizeof(value))
    failed = libc.sysctlbyname(name.encode(), ctypes.byref(value), ctypes.byref(size), None, ctypes.c_size_t(0))
    return 0 if failed else value.value
