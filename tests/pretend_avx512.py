"""Make MindSpore's oneDNN believe that the processor has AVX-512, and see what convolutions it then takes.

Run as a script, in a process of its own: `pretend_avx512.py HOW`, with HOW one of

- native: MindSpore alone;
- capped: mscompat imported first, as usual;
- late: a matrix product first, then mscompat.

It sets the bits in the record that oneDNN (3.10, through Xbyak) keeps of CPUID's answer. Code with AVX-512 would end
the process, but the reference loop holds none, nor does what is chosen under the cap. Prints the state that mscompat
sees and the largest error of a convolution; oneDNN prints what it took (ONEDNN_VERBOSE=2).
"""

import ctypes
import pathlib
import struct
import sys

import mindspore as ms
import numpy as np
from mindspore import Tensor, ops

# Bits of Xbyak::util::Cpu::type_, xbyak_util.h of oneDNN 3.10: AVX512F, DQ, CD, BW, VL; and those that every processor
# with AVX2 has: MMX to AES-NI, OSXSAVE to FMA, AVX2, BMI1, BMI2; and that none has: 3DNow!.
AVX512 = sum(1 << bit for bit in (35, 36, 40, 41, 42))
EXPECTED = sum(1 << bit for bit in (*range(11), 12, 13, 14, 15, 20, 21, 22))
ABSENT = sum(1 << bit for bit in (16, 17))


def pretend() -> bool:
    """Set the bits; False where the record was not found."""
    library = ctypes.CDLL(str(next((pathlib.Path(ms.__file__).parent / "lib").glob("libdnnl.so.3"))))
    library.dnnl_get_effective_cpu_isa()  # makes the record
    found = []
    for begin, end in data_segments():
        words = struct.unpack(f"<{(end - begin) // 8}Q", ctypes.string_at(begin, end - begin))
        found += [(begin + 8 * i, word) for i, word in enumerate(words) if word & (EXPECTED | ABSENT) == EXPECTED]
    if len(found) != 1:
        return False
    address, word = found[0]
    ctypes.c_uint64.from_address(address).value = word | AVX512
    return True


def data_segments():
    """(begin, end) of the library's writable memory."""
    ours = False
    for line in pathlib.Path("/proc/self/maps").read_text().splitlines():
        fields = line.split()
        named = len(fields) > 5
        ours = fields[5].endswith("libdnnl.so.3") if named else ours
        if ours and fields[1].startswith("rw"):
            yield tuple(int(address, 16) for address in fields[0].split("-"))
        ours = ours and named  # the anonymous memory after a library's last segment is its own, once


def cap() -> None:
    """Cap oneDNN as on a processor with AVX-512: before it looks at the processor, so before it can be told tales."""
    from mscompat._mindspore import onednn

    onednn._has_avx512 = lambda: True
    onednn._state = None
    onednn.cap()


def main(how: str) -> None:
    if how == "late":
        ops.matmul(Tensor(np.ones((64, 64), np.float32)), Tensor(np.ones((64, 64), np.float32))).asnumpy()
    if how == "capped":
        cap()
    if not pretend():
        print("no record")
        return
    draw = np.random.default_rng(0).standard_normal
    input, weight = Tensor(draw((2, 16, 14, 14), np.float32)), Tensor(draw((16, 16, 3, 3), np.float32))
    native = ops.Conv2D(16, 3, pad_mode="pad", pad=1)(input, weight).asnumpy()
    if how == "native":
        return
    from mscompat import functional
    from mscompat._mindspore import onednn

    if how == "late":
        # Products take AVX-512 now, so that they could not be run here.
        onednn._has_avx512 = lambda: True
        onednn._state = None
        onednn.cap()
        print("slow", onednn.is_slow(), "state", onednn.state().name)
        return
    error = np.abs(functional.conv2d(input, weight, padding=1).asnumpy() - native).max()
    print("slow", onednn.is_slow(), "state", onednn.state().name, "error", error)


if __name__ == "__main__":
    main(sys.argv[1])
