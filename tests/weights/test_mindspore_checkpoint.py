"""MindSpore's checkpoints: what save_checkpoint writes is read as load_checkpoint reads it, all else is refused."""

from __future__ import annotations

import binascii
import subprocess
import sys
import tracemalloc
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore.train import serialization
from mindspore.train.checkpoint_pb2 import Checkpoint

from mscompat import TorchFileError, load_torch_state_dict
from mscompat.weights.files import read_state_dict
from mscompat.weights.inert import InertObject
from mscompat.weights.mindspore_checkpoint import read_mindspore_checkpoint

DTYPES = [
    "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16",
    "uint8", "bool_",
]  # fmt: skip


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a.ckpt")


def check_equal(path):
    """The same names and values as MindSpore's own loader gives."""
    found, expected = read_mindspore_checkpoint(path), ms.load_checkpoint(path)
    assert list(found) == list(expected)
    for name, value in expected.items():
        if isinstance(value, str):
            assert found[name] == value
            continue
        array = value.asnumpy()
        assert found[name].shape == array.shape
        assert found[name].dtype == array.dtype.name
        values = found[name].numpy()
        assert (values.dtype, values.shape) == (array.dtype, array.shape)
        assert values.tobytes() == array.tobytes()
        assert values.flags.writeable
    return found


@pytest.mark.parametrize("crc_check", [False, True])
def test_every_dtype(path, crc_check):
    values = np.random.default_rng(0).integers(-100, 100, (2, 3)) / 8
    tensors = {dtype: ms.Tensor(values.astype(bool) if dtype == "bool_" else values).astype(getattr(ms, dtype))
               for dtype in DTYPES}
    tensors["scalar"] = ms.Tensor(2.5, ms.float32)
    tensors["one"] = ms.Tensor([2.5], ms.float32)
    tensors["many dims"] = ms.Tensor(np.ones((1, 2, 1, 2, 1, 2, 1, 1), np.float32))
    tensors[""] = tensors["a..b"] = tensors["名"] = ms.Tensor([1], ms.int32)
    beside = {"epoch": 3, "rate": 0.5, "flag": True, "text": "héllo", "nothing": ""}
    listed = [{"name": name, "data": tensor} for name, tensor in tensors.items()]
    ms.save_checkpoint(listed, path, append_dict=beside, crc_check=crc_check)
    assert list(check_equal(path)) == [*tensors, *beside]


@pytest.mark.parametrize("crc_check", [False, True])
def test_large_tensors_are_written_in_parts(path, monkeypatch, crc_check):
    monkeypatch.setattr(serialization, "SLICE_SIZE", 1)  # KiB
    values = np.random.default_rng(0).standard_normal((3, 500)).astype(np.float32)
    tensors = [{"name": name, "data": ms.Tensor(values)} for name in ("a", "b")]
    ms.save_checkpoint(tensors, path, crc_check=crc_check)
    assert Path(path).read_bytes().count(b"Float32") == 12
    check_equal(path)


def test_of_a_cell_and_its_optimizer(path):
    network = ms.nn.SequentialCell(ms.nn.Conv2d(1, 2, 3), ms.nn.BatchNorm2d(2))
    ms.save_checkpoint(ms.nn.Adam(network.trainable_params()), path)
    check_equal(path)
    ms.save_checkpoint(network, path)
    check_equal(path)


def write(path, *entries, end=b""):
    """A checkpoint of (name, dims, type, content)."""
    checkpoint = Checkpoint()
    for name, dims, kind, content in entries:
        value = checkpoint.value.add(tag=name)
        value.tensor.dims.extend(dims)
        value.tensor.tensor_type = kind
        value.tensor.tensor_content = content
    Path(path).write_bytes(checkpoint.SerializeToString() + end)


def test_older_files(path):
    """A scalar had the dims [0]; an empty tensor has them too."""
    write(path, ("scalar", [0], "Float32", np.float32(3).tobytes()), ("empty", [0], "Float32", b""),
          ("none", [2, 0], "Float32", b""), ("true", [2], "Bool", b"\0\x07"))
    found = read_mindspore_checkpoint(path)
    assert found["scalar"].numpy() == 3
    assert found["scalar"].shape == ()
    assert found["empty"].numpy().shape == (0,)
    assert found["none"].numpy().shape == (2, 0)
    assert found["true"].numpy().view(np.uint8).tolist() == [0, 1]


def test_listed_only(path):
    write(path, ("a", [4], "Int4", b"12"), ("b\x1b", [2], "HiFloat\x1b", b"12"), ("c", [1], "Complex64", bytes(8)))
    found = read_mindspore_checkpoint(path)
    assert [value.dtype for value in found.values()] == ["int4", "hifloat\x1b", "complex64"]
    assert found["c"].numpy().tolist() == [0]
    with pytest.raises(TorchFileError, match=r"a\.ckpt: NumPy has no type for int4, which a has"):
        found["a"].numpy()
    with pytest.raises(TorchFileError, match=r"'hifloat\\x1b', which 'b\\x1b' has"):
        found["b\x1b"].numpy()


def test_map_parameters(path):
    checkpoint = Checkpoint()
    for _ in range(2):
        part = checkpoint.value.add(tag="table").maptensor.tensor.add()
        part.dims.extend([1])
        part.tensor_type = "int32"
        part.tensor_content = bytes(4)
    checkpoint.value.add(tag="a").tensor.dims.extend([1])
    checkpoint.value[2].tensor.tensor_type = "Float32"
    checkpoint.value[2].tensor.tensor_content = bytes(4)
    Path(path).write_bytes(checkpoint.SerializeToString())
    found = read_mindspore_checkpoint(path)
    assert isinstance(found["table"], InertObject)
    assert found["a"].numpy().tolist() == [0]


HOSTILE = {
    "206 KB for 8 values": (("a", [8], "Float32", bytes(206_000)), "a has 206000 bytes, where [8] of Float32 needs 32"),
    "1,600 bytes for 8": (("a", [2], "Float32", bytes(1600)), "a has 1600 bytes, where [2] of Float32 needs 8"),
    "2^28 dims of nothing": (("a", [2**28], "Float32", bytes(16)), "needs 1073741824"),
    "a byte too few": (("a", [2], "Float32", bytes(7)), "needs 8"),
    "negative": (("a", [-1], "Float32", bytes(4)), "a has the shape [-1]"),
    "two negatives": (("a", [-2, -2], "Float32", bytes(16)), "a has the shape [-2, -2]"),
    "overflow": (("a", [2**32, 2**32], "Float32", b""), "a has the shape [4294967296, 4294967296]"),
    "overflow of an empty one": (("a", [0, 2**62, 8], "Float32", b""), "a has the shape [0, "),
    "overflow of a listed one": (("a", [2**40, 2**40], "Int4", b""), "a has the shape [1099511627776, "),
    "1,000 dims": (("a", [1] * 1000, "Float32", bytes(4)), "neither torch nor MindSpore wrote the file"),
    "33 dims": (("a", [1] * 33, "Float32", bytes(4)), "neither torch nor MindSpore wrote the file"),
    "a name of escapes": (("\x1b[2J", [2], "Float32", b""), "'\\x1b[2J' has 0 bytes"),
    "a string of no characters": (("a", [0], "str", b"\xff" * 4), "neither torch nor MindSpore wrote the file"),
    "a string's half": (("a", [0], "str", b"a\0\0"), "neither torch nor MindSpore wrote the file"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_sizes_that_do_not_agree(path, name):
    entry, message = HOSTILE[name]
    right = ("first", [1], "Float32", bytes(4))
    for entries in ([entry], [right, entry], [entry, right]):
        write(path, *entries)
        tracemalloc.start()
        with pytest.raises(TorchFileError) as error:
            read_mindspore_checkpoint(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert str(error.value).startswith(f"{path}: ")
        assert message in str(error.value)
        assert peak < 2**20
    cell = ms.nn.Cell()
    cell.a = ms.Parameter(ms.Tensor([7.0]))
    with pytest.raises(TorchFileError):
        load_torch_state_dict(cell, path)
    assert cell.a.asnumpy() == 7


def test_parts_that_do_not_agree(path):
    half = ("a", [4], "Float32", bytes(8))
    write(path, half, half)
    assert read_mindspore_checkpoint(path)["a"].numpy().shape == (4,)
    for other in (("a", [2], "Float32", bytes(8)), ("a", [4], "Int32", bytes(8))):
        write(path, half, other)
        with pytest.raises(TorchFileError, match="it has two tensors named a"):
            read_mindspore_checkpoint(path)
    write(path, half, ("b", [2], "Float32", bytes(8)), half)
    with pytest.raises(TorchFileError, match="it has two tensors named a"):
        read_mindspore_checkpoint(path)
    write(path, half, half, half)
    with pytest.raises(TorchFileError, match="a has 24 bytes"):
        read_mindspore_checkpoint(path)


def test_damaged_files(path):
    write(path, ("bias", [2], "Float32", bytes(8)))
    second = len(Path(path).read_bytes())
    write(path, ("weight", [2, 2], "Float32", bytes(16)), ("bias", [2], "Float32", bytes(8)))
    content = Path(path).read_bytes()
    for size in range(len(content)):
        Path(path).write_bytes(content[:size])
        if size == len(content) - second:  # cut between the two
            assert list(read_mindspore_checkpoint(path)) == ["weight"]
            continue
        with pytest.raises(TorchFileError, match=r"a\.ckpt: neither torch nor MindSpore wrote the file"):
            read_mindspore_checkpoint(path)
    for wrong in (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\xff" * 20, b"\x00" * 20, b"\x0b", b"\x0a\x00"):
        for damaged in (content + wrong, wrong + content):
            Path(path).write_bytes(damaged)
            with pytest.raises(TorchFileError, match="neither torch nor MindSpore wrote the file"):
                read_mindspore_checkpoint(path)


def test_fields_that_we_do_not_know(path):
    """Of a MindSpore to come: passed over, as Protocol Buffers has it."""
    write(path, ("weight", [1], "Float32", bytes(4)))
    content = Path(path).read_bytes()
    unknown = b"\x78\x05" + b"\x7a\x03abc" + b"\x7d1234" + b"\x7912345678"
    Path(path).write_bytes(unknown + content + unknown)
    assert list(read_mindspore_checkpoint(path)) == ["weight"]


def test_the_checksum(path):
    write(path, ("weight", [1], "Float32", bytes(4)))
    content = Path(path).read_bytes()
    right = b"crc_num" + binascii.crc32(content).to_bytes(10, "big")
    Path(path).write_bytes(content + right)
    check_equal(path)
    Path(path).write_bytes(content[:-1] + b"\1" + right)
    with pytest.raises(TorchFileError, match="its checksum is not that of its content"):
        read_mindspore_checkpoint(path)


def test_encrypted(path):
    ms.save_checkpoint([{"name": "a", "data": ms.Tensor([1.0])}], path, enc_key=b"0" * 16)
    with pytest.raises(TorchFileError, match=r"a\.ckpt: the file is encrypted"):
        read_mindspore_checkpoint(path)


def test_the_file_changes(path):
    write(path, ("weight", [4], "Float32", bytes(16)))
    weight = read_mindspore_checkpoint(path)["weight"]
    Path(path).write_bytes(Path(path).read_bytes()[:-1])
    with pytest.raises(TorchFileError, match="the file ends early"):
        weight.numpy()


def test_values_stay_in_the_file(path):
    write(path, ("large", [2**22], "Float32", bytes(2**24)), ("small", [1], "Float32", bytes(4)))
    tracemalloc.start()
    found = read_state_dict(path)
    found["small"].numpy()
    assert tracemalloc.get_traced_memory()[1] < 2**20
    assert found["large"].numpy().size == 2**22
    assert tracemalloc.get_traced_memory()[1] < 2**24 + 2**20
    tracemalloc.stop()


def test_hostile_files_in_the_command_line(path):
    """They ended the process, in MindSpore's loader."""
    entry, message = HOSTILE["206 KB for 8 values"]
    write(path, entry)
    result = subprocess.run(
        [sys.executable, "-m", "mscompat", "inspect", path], capture_output=True, text=True, check=False, timeout=120,
        cwd=Path(__file__).parents[2],
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
