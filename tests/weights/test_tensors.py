"""Values of a file's tensors: each is read when it is asked for, and no more of the file than it needs."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_files import FLOATS, long, tensor, traced, zipped

from mscompat import TorchFileError, load_torch_file
from mscompat.weights.tensor_file import File
from mscompat.weights.tensors import Storage, TorchTensor

COUNT = 10_000_000
STORAGE = FLOATS.replace(b"K\x04tQ", b"J" + struct.pack("<i", COUNT) + b"tQ")


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A file of 500 tensors, each of 2 elements: the first and the last of 40 MB, or near them."""
    path = tmp_path_factory.mktemp("large") / "a.pth"
    program = b"(" + b"".join(
        tensor(b"M" + struct.pack("<H", index), b"K\x02\x85", b"J" + struct.pack("<i", COUNT - 600) + b"\x85", STORAGE)
        for index in range(500)
    )  # fmt: skip
    path.write_bytes(zipped(program + b"t", np.arange(COUNT, dtype=np.float32).tobytes()))
    return path


def test_reads_what_it_needs(large, monkeypatch):
    tensors = load_torch_file(large)
    read = []
    monkeypatch.setattr(File, "read", lambda *arguments: read.append(arguments))  # whole spans: of none
    for index, value in enumerate(tensors):
        array = traced(value.numpy, limit=100_000)
        np.testing.assert_array_equal(array, [index, COUNT - 600 + index])
        assert array.flags.c_contiguous
        assert array.flags.writeable
    assert not read


STRIDED = {
    "column": ((1000,), (1000,), 7),
    "columns": ((1000, 2), (1000, 3), 0),
    "far rows": ((3, 50), (300_000, 1), 5),
    "backwards": ((2, 3, 4), (1, 100_000, 400_000), 0),
    "expanded": ((3, 2, 5), (0, 900_000, 0), 1),
    "size 1": ((2, 1), (900_000, 2**61), 0),
}


@pytest.mark.parametrize("byteorder", ["little", "big"])
@pytest.mark.parametrize("name", STRIDED)
def test_strided(tmp_path, name, byteorder):
    shape, strides, offset = STRIDED[name]
    values = np.arange(2_000_000, dtype=np.float32)
    dtype = np.dtype("<f4" if byteorder == "little" else ">f4")
    path = tmp_path / "a"
    path.write_bytes(b"123" + values.astype(dtype).tobytes())
    file = File(str(path), path.stat().st_size)
    file.byteorder = dtype.str[0]
    value = TorchTensor(file, Storage("float32", values.size, 3), offset, shape, strides, "float32")
    expected = np.lib.stride_tricks.as_strided(
        values[offset:], shape, [4 * stride if size > 1 else 0 for size, stride in zip(shape, strides, strict=True)]
    )
    array = value.numpy()
    np.testing.assert_array_equal(array, expected)
    assert (array.dtype, array.flags.c_contiguous) == (np.dtype(np.float32), True)


def test_file_that_became_shorter(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(bytes(4_000_000))
    file = File(str(path), 4_000_000)
    value = TorchTensor(file, Storage("float32", 1_000_000, 0), 0, (2,), (999_999,), "float32")
    np.testing.assert_array_equal(value.numpy(), [0, 0])
    for size in (3_999_999, 100_000, 1, 0):
        with open(path, "r+b") as stream:
            stream.truncate(size)
        with pytest.raises(TorchFileError, match="ends early"):
            value.numpy()


@pytest.mark.parametrize(
    ("shape", "strides", "values"),
    [
        ((1,), (2**61,), [0]),
        ((1, 2), (2**61, 1), [[0, 1]]),
        ((0, 3), (2**61, 2**61), np.empty((0, 3))),
        ((0,), (2**61,), []),
        ((1,) * 32, (1,) * 32, np.zeros((1,) * 32)),
        ((1,) * 40, (2**61,) * 40, None),
        ((0,) + (1,) * 40, (1,) * 41, None),
        ((0, 2**59), (1, 1), np.empty((0, 2**59))),
    ],
)  # fmt: skip
def test_odd_sizes_and_strides(tmp_path, shape, strides, values):
    """They are listed; those that NumPy cannot have raise an error of the file's when they are asked for."""
    def pack(numbers):
        return b"(" + b"".join(map(long, numbers)) + b"t"

    path = tmp_path / "a.pth"
    path.write_bytes(zipped(tensor(shape=pack(shape), strides=pack(strides))))
    value = load_torch_file(path)
    assert value.shape == shape
    if values is None:
        with pytest.raises(TorchFileError, match=r"a\.pth: NumPy has no arrays of"):
            value.numpy()
    else:
        np.testing.assert_array_equal(value.numpy(), values)


def test_settings_without_torch():
    """Reading settings beside weights needs nothing but this function, and imports no torch."""
    data = Path(__file__).parent / "data" / "objects_zip.pth"
    script = f"""
import sys, mscompat
saved = mscompat.load_torch_file({str(data)!r})
print(saved["params"], saved["weight"].numpy().mean(), "torch" in sys.modules)
"""
    root = Path(__file__).parents[2]
    result = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=300)
    assert result.stdout == "{'width': 64} 1.0 False\n", result.stderr
