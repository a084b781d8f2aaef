"""Files made by hand for the tests of the reader. Op codes: pickletools.py."""

from __future__ import annotations

import io
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np

from mscompat.weights.tensors import TorchTensor

FLOATS = b"((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ"


def tensor(offset=b"K\x00", shape=b"K\x04\x85", strides=b"K\x01\x85", storage=FLOATS, more=b"\x89)"):
    """The pickle of a tensor of a storage of four float32."""
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + storage + offset + shape + strides + more + b"tR"


STORAGE = np.arange(4, dtype="<f4").tobytes()


def zipped(program, storage=STORAGE, extra=(), compress=zipfile.ZIP_STORED):
    """A file in the zip format with a pickle and a storage '0'."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compress) as file:
        entries = {"data.pkl": b"\x80\x02" + program + b".", "version": b"3", "data/0": storage, **dict(extra)}
        for name, data in entries.items():
            if data is not None:
                file.writestr(f"archive/{name}", data)
    return content.getvalue()


def legacy(program, keys=("0",), storage=b"\x04" + bytes(7) + STORAGE):
    """The same in the format of torch before 1.6."""
    if b"ttQ" not in program:
        program = program.replace(b"tQ", b"NtQ")  # part of no other storage
    plain = [pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    return b"".join([*plain, b"\x80\x02" + program + b".", pickle.dumps(list(keys), 2), storage])


def long(value):
    data = value.to_bytes(10, "little", signed=True)
    return b"\x8a\x0a" + data


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value


class Shell:
    def __init__(self, function, *arguments):
        self.function = function
        self.arguments = arguments

    def __reduce__(self):
        return self.function, self.arguments


def program_of(value, protocol=2):
    """The pickle of a value, without its first and last instruction."""
    return pickle.dumps(value, protocol)[2:-1]


def traced(function, *arguments, limit):
    """What a function returns, within a limit on the memory that it held, in bytes."""
    tracemalloc.start()
    try:
        return function(*arguments)
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < limit


def check(value, expected):
    """Types and values; of a tensor, all that numpy() promises."""
    if isinstance(expected, np.ndarray):
        assert type(value) is TorchTensor
        array = value.numpy()
        assert value.shape == array.shape == expected.shape
        assert value.dtype == array.dtype.name == expected.dtype.name
        assert value.size == array.size
        assert value.nbytes == array.nbytes
        assert array.dtype.isnative
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert array.flags.aligned
        np.testing.assert_array_equal(array, expected)
    elif isinstance(expected, dict):
        assert isinstance(value, dict)
        assert list(value) == list(expected)
        for key in expected:
            check(value[key], expected[key])
    else:
        assert type(value) is type(expected)
        assert value == expected


def read(load, value, protocol=2):
    """A value through a pickle, beside a tensor that it must not hide."""
    program = pickle.dumps(value, protocol)
    end = -1
    start = 2 if protocol < 4 else 11
    program = (b"(" + tensor() + program[start:end] + b"t") if protocol > 1 else b"(" + tensor() + program[:end] + b"t"
    weight, found = load(zipped(program))
    check(weight, np.arange(4, dtype=np.float32))
    return found
