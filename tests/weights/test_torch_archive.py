"""Files of torch.save, read without torch: what torch wrote, what is damaged, what is hostile."""

from __future__ import annotations

import doctest
import io
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from made_files import FLOATS, STORAGE, check, legacy, tensor, text, traced, zipped

from mscompat import TorchFileError, load_torch_file
from mscompat.weights import torch_archive

try:
    import torch
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="compares with torch, which is not installed")

DATA = Path(__file__).parent / "data"
BASE = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
DTYPES = (
    "float64", "float32", "float16", "complex64", "complex128", "int64", "int32", "int16", "int8", "uint64",
    "uint32", "uint16", "uint8", "bool",
)  # fmt: skip

# What record_torch_files.py saved.
EXPECTED = {
    **{dtype: np.array([0, 1, 2, 100]).astype(dtype) for dtype in DTYPES},
    "base": BASE,
    "view": BASE[1:, ::2, 1],
    "permuted": BASE.transpose(2, 0, 1),
    "scalar": np.array(3.5, np.float32),
    "empty": np.empty((0, 3), np.float32),
    "expanded": np.array([[1, 1, 1], [2, 2, 2]], np.float32),
    "conjugate": np.array([1 - 2j], np.complex64),
    "negative": np.array([-2], np.float32),
    "parameter": BASE,
    "tagged": np.ones(2, np.float32),
    "state_dict": {
        "weight": np.ones(2, np.float32),
        "bias": np.zeros(2, np.float32),
        "running_mean": np.zeros(2, np.float32),
        "running_var": np.ones(2, np.float32),
        "num_batches_tracked": np.array(0),
    },
    "torch": [(1, 2), "torch.float16", "cuda:1"],
    "numbers": [None, True, False, 7, -7, 300, 70000, 2**40, -(2**70), 0.5, 1 + 2j],
    "texts": ["ü", b"\x00\xff", bytearray(b"ab")],
    "containers": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {1, 2}, {}, []],
    "dicts": [{"a": 1}, {"a": 2, "b": 1}, {"a": [1]}],
    "options": {"lr": 0.5},
    "best": [0.5, -4],
}


@pytest.mark.parametrize("name", ["contents_zip.pth", "contents_legacy.pth"])
def test_recorded(name):
    saved = load_torch_file(DATA / name)
    assert saved.pop("optimizer")["param_groups"][0]["lr"] == 0.5
    bfloat16 = saved.pop("bfloat16")
    assert bfloat16.dtype == "bfloat16"
    assert repr(bfloat16) == "TorchTensor(shape=(4,), dtype=bfloat16)"
    array = bfloat16.numpy()
    assert array.dtype == ms.Tensor(0, ms.bfloat16).asnumpy().dtype
    np.testing.assert_array_equal(array.astype(np.float32), [0, 1, 2, 100])
    check(saved, EXPECTED)


@needs_torch
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_live(tmp_path, zipped, protocol):
    import record_torch_files

    path = tmp_path / "contents.pth"
    torch.save(record_torch_files.contents(), path, pickle, protocol, zipped)
    saved = load_torch_file(str(path))
    del saved["optimizer"], saved["bfloat16"]
    check(saved, EXPECTED)


def test_values_are_read_when_asked_for(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes((DATA / "contents_zip.pth").read_bytes())
    tensor = load_torch_file(path)["base"]
    np.testing.assert_array_equal(tensor.numpy(), tensor.numpy())
    path.write_bytes(b"")
    with pytest.raises(TorchFileError, match="ends early"):
        tensor.numpy()


def test_relative_path(tmp_path, monkeypatch):
    (tmp_path / "weights.pth").write_bytes((DATA / "contents_zip.pth").read_bytes())
    monkeypatch.chdir(tmp_path)
    tensor = load_torch_file("weights.pth")["base"]
    monkeypatch.chdir("/")
    np.testing.assert_array_equal(tensor.numpy(), BASE)


def test_docstring_example(tmp_path, monkeypatch):
    (tmp_path / "checkpoint.pth").write_bytes((DATA / "objects_zip.pth").read_bytes())
    monkeypatch.chdir(tmp_path)
    results = doctest.testmod(torch_archive)
    assert results.attempted > 0
    assert results.failed == 0


def test_missing_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_torch_file(DATA / "missing.pth")
    with pytest.raises(IsADirectoryError):
        load_torch_file(tmp_path)


def test_other_files(tmp_path):
    def error_of(content):
        path = tmp_path / "other.pth"
        path.write_bytes(content)
        with pytest.raises(TorchFileError) as error:
            load_torch_file(path)
        return str(error.value).removeprefix(f"{path}: ")

    for content in (b"", b"not a file", bytes(10_000)):
        assert error_of(content) == "the file is not one that torch.save wrote"
    assert error_of(pickle.dumps({"a": 1}, 2)) == "the file is a pickle, but not one that torch.save wrote"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.txt", "text")
    assert error_of(archive.getvalue()) == "the file is a zip archive, but not one that torch.save wrote"
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as file:
        file.addfile(tarfile.TarInfo("storages"))
    assert "format of torch 0.1, which is not supported" in error_of(archive.getvalue())


@pytest.mark.parametrize("make", [zipped, legacy])
def test_made_by_hand(load, make):
    check(load(make(tensor())), np.arange(4, dtype=np.float32))
    check(load(make(tensor(b"K\x01", b"K\x02\x85", b"K\x02\x85"))), np.array([1, 3], np.float32))
    check(load(make(tensor(b"K\x03", b"K\x05\x85", b"K\x00\x85"))), np.full(5, 3, np.float32))


def test_big_endian(load):
    for dtype, name in (("f4", "Float"), ("i8", "Long"), ("c8", "ComplexFloat"), ("u1", "Byte")):
        values = np.array([1, 2, 3, 100]).astype(dtype)
        program = tensor(storage=FLOATS.replace(b"Float", name.encode()))
        data = values.astype(values.dtype.newbyteorder(">")).tobytes()
        content = zipped(program, data, {"byteorder": b"big"})
        check(load(content), values)
        if torch is not None:
            np.testing.assert_array_equal(torch.load(io.BytesIO(content)).numpy(), values)
    program = tensor(storage=FLOATS.replace(b"Float", b"BFloat16"))
    content = zipped(program, bytes.fromhex("3f80 4000 4040 42c8"), {"byteorder": b"big"})
    np.testing.assert_array_equal(load(content).numpy().astype(np.float32), [1, 2, 3, 100])


def test_bool_of_any_byte(load):
    program = tensor(storage=FLOATS.replace(b"Float", b"Bool"))
    check(load(zipped(program, b"\x00\x01\x02\xff")), np.array([False, True, True, True]))


def test_view_of_a_legacy_storage(load):
    """As torch before 0.4 wrote a storage that is part of another."""
    program = tensor(shape=b"K\x02\x85").replace(b"K\x04tQ", b"K\x04(X\x01\x00\x00\x001K\x01K\x03ttQ")
    check(load(legacy(program)), np.array([1, 2], np.float32))
    for start, size in ((2, 3), (0, 5)):
        wrong = program.replace(b"K\x01K\x03ttQ", bytes([75, start, 75, size]) + b"ttQ")
        with pytest.raises(TorchFileError, match="a storage lies outside another"):
            load(legacy(wrong))


def test_negative_bfloat16(load):
    """As torch saves what torch._neg_view made."""
    storage = FLOATS.replace(b"Float", b"BFloat16")
    program = tensor(storage=storage, more=b"\x89)}" + text(b"neg") + b"\x88s")
    content = zipped(program, np.array([0x3F80, 0xC000, 0, 0x7F80], "<u2").tobytes())
    np.testing.assert_array_equal(load(content).numpy().astype(np.float32), [-1, 2, 0, -np.inf])
    if torch is not None:
        np.testing.assert_array_equal(torch.load(io.BytesIO(content)).float().numpy(), [-1, 2, 0, -np.inf])


def test_types_that_numpy_lacks(load):
    program = (
        b"ctorch._utils\n_rebuild_tensor_v3\n" + FLOATS.replace(b"torch\nFloat", b"torch.storage\nUntyped")
        + b"K\x00K\x04\x85K\x01\x85\x89)ctorch\nfloat8_e5m2\ntR"
    )
    value = load(zipped(program, b"1234"))
    assert (value.shape, value.dtype, value.nbytes) == ((4,), "float8_e5m2", 4)
    with pytest.raises(TorchFileError, match="NumPy has no type for float8_e5m2"):
        value.numpy()


DAMAGED = {
    "deflated": (zipped(tensor(), compress=zipfile.ZIP_DEFLATED), "compressed or encrypted"),
    "zip bomb": (zipped(tensor(), bytes(2**24), compress=zipfile.ZIP_DEFLATED), "compressed or encrypted"),
    "lzma": (zipped(tensor(), compress=zipfile.ZIP_LZMA), "compressed or encrypted"),
    "no storage": (zipped(tensor(), None), "lacks data/0"),
    "short storage": (zipped(tensor(), b"123"), "has 3 bytes, not 16"),
    "long storage": (zipped(tensor(), bytes(17)), "has 17 bytes, not 16"),
    "byte order": (zipped(tensor(), extra={"byteorder": b"middle"}), "unknown byte order"),
    "long byte order": (zipped(tensor(), extra={"byteorder": bytes(1000)}), "unknown byte order"),
    "no pickle": (zipped(tensor(), extra={"data.pkl": None}), "not one that torch.save wrote"),
    "no last byte": (zipped(tensor())[:-1], "damaged"),
    "first bytes only": (zipped(tensor())[:100], "damaged"),
    "legacy, no last byte": (legacy(tensor())[:-1], "ends early"),
    "legacy, no storage": (legacy(tensor())[:-17], "a storage's size"),
    "legacy, negative size": (legacy(tensor(), storage=struct.pack("<q", -4)), "a storage's size"),
    "legacy, oversized": (legacy(tensor(), storage=struct.pack("<q", 2**62)), "a storage's size"),
    "legacy, no keys": (legacy(tensor(), keys=()), "its list of storages"),
    "legacy, same key twice": (legacy(tensor(), keys=("0", "0")), "its list of storages"),
    "legacy, another key": (legacy(tensor(), keys=("1",)), "its list of storages"),
    "legacy, key no string": (legacy(tensor(), keys=([],)), "its list of storages"),
    "legacy, version": (legacy(b"N").replace(struct.pack("<H", 1001), struct.pack("<H", 1002)), "unknown version"),
}


@pytest.mark.parametrize(("content", "message"), DAMAGED.values(), ids=DAMAGED)
def test_damaged(load, content, message):
    def refuse():
        with pytest.raises(TorchFileError, match=message):
            load(content)

    traced(refuse, limit=2**20 + 100 * len(content))


def test_entries_elsewhere(load):
    content = zipped(tensor())
    entry = content.index(b"PK\x01\x02")  # of the central directory: data.pkl's
    for offset in (1, 40, len(content) - 10, 2**31):
        moved = bytearray(content)
        moved[entry + 42 : entry + 46] = struct.pack("<I", offset)
        with pytest.raises(TorchFileError, match=r"damaged|outside"):
            load(moved)
    longer = bytearray(content)
    longer[entry + 20 : entry + 28] = struct.pack("<II", 2**30, 2**30)
    with pytest.raises(TorchFileError, match="outside"):
        load(longer)


@pytest.mark.parametrize("name", ["data.pkl", "data/0"])
def test_two_entries_of_a_name(load, name):
    """torch would read one, other programs the other."""
    content = io.BytesIO(zipped(tensor()))
    with zipfile.ZipFile(content, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr(f"archive/{name}", STORAGE)
    with pytest.raises(TorchFileError, match="two entries of a name"):
        load(content.getvalue())


def test_entry_whose_name_goes_on(load):
    """zipfile cuts names at a NUL; torch, which does not, finds no such entry."""
    content = zipped(tensor(), None, {"data/0?": STORAGE}).replace(b"data/0?", b"data/0\0")
    with pytest.raises(TorchFileError, match="lacks data/0"):
        load(content)
