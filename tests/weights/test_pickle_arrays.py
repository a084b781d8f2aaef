"""NumPy's arrays and numbers in pickles: read where they are of numbers and whole, else records or refused."""

from __future__ import annotations

import pickle
import struct

import numpy as np
import pytest
from made_files import FLOATS, read, text, zipped

from mscompat import TorchFileError, load_torch_file
from mscompat.weights.inert import InertObject

try:
    import torch
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="compares with torch, which is not installed")


ARRAYS = {
    **{code: np.arange(6).reshape(2, 3).astype(code) for code in
       ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "c8", "c16")},
    "bool": np.array([[True, False]]),
    "big-endian": np.arange(6, dtype=">f4").reshape(2, 3),
    "Fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "big-endian Fortran": np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)),
    "0-d": np.array(3.5),
    "empty": np.empty((2, 0, 3), np.float32),
    "not contiguous": np.arange(12.0).reshape(3, 4)[:, ::2],
    "large": np.arange(5000.0),
    "32 dimensions": np.ones((1,) * 32),
}  # fmt: skip


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("module", ["numpy.core", "numpy._core"])
def test_arrays(load, name, protocol, module):
    expected = ARRAYS[name]
    other = "numpy.core" if module == "numpy._core" else "numpy._core"
    array, again = pickle.loads(pickle.dumps([expected, expected], protocol))
    assert array is again
    program = pickle.dumps([expected, expected], 2)
    if protocol > 2:
        found = read(load, [expected, expected], protocol)
    else:  # names as lines, of either version of NumPy
        program = pickle.dumps([expected, expected], protocol)[2 if protocol == 2 else 0 : -1]
        found = load(zipped(program.replace(b"c" + other.encode(), b"c" + module.encode())))
    assert type(found[0]) is np.ndarray
    assert found[0] is found[1]
    assert found[0].dtype == expected.dtype.newbyteorder("=")
    assert found[0].flags.writeable
    assert found[0].flags.f_contiguous == array.flags.f_contiguous
    np.testing.assert_array_equal(found[0], expected)


@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize(
    "array",
    [
        np.array([1, "a"], object), np.array(["a", "bc"]), np.array([b"a"]), np.array(["2024-01-02"], "M8[D]"),
        np.zeros(2, [("a", "f4"), ("b", "i2")]), np.ma.array([1, 2], mask=[True, False]), np.zeros(2, "g"),
        np.rec.array([1, 2]),
    ],
    ids=["object", "str", "bytes", "datetime64", "structured", "masked", "longdouble", "record"],
)  # fmt: skip
def test_other_arrays_are_records(load, array, protocol):
    assert isinstance(read(load, array, protocol), InertObject)


def test_random_states(load):
    for protocol in (2, 4):
        for state in (np.random.RandomState(0), np.random.default_rng(0)):
            record = read(load, state, protocol)
            assert record.name.startswith("numpy.random._pickle.")
        found = read(load, np.random.RandomState(0).get_state(), protocol)
        assert found[0] == "MT19937"
        np.testing.assert_array_equal(found[1], np.random.RandomState(0).get_state()[1])


DTYPE = b"cnumpy\ndtype\n" + text(b"f4") + b"\x85R(K\x03" + text(b"<") + b"NNN" + b"J\xff\xff\xff\xff" * 2 + b"K\x00tb"
RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR"


def array(shape=b"K\x02\x85", data=b"C\x08" + bytes(8), dtype=DTYPE, fortran=b"\x89"):
    return RECONSTRUCT + b"(K\x01" + shape + dtype + fortran + data + b"tb"


def test_array_by_hand(load):
    np.testing.assert_array_equal(load(zipped(array())), np.zeros(2, np.float32))
    text_of_python2 = array(data=b"U\x08" + bytes(4) + b"\x00\x00\x80\x3f")
    np.testing.assert_array_equal(load(zipped(text_of_python2)), np.array([0, 1], np.float32))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (array(b"K\x03\x85"), "the bytes of a NumPy array are not those"),
        (array(b"K\x01\x85"), "the bytes of a NumPy array are not those"),
        (array(b"J\xff\xff\xff\xffJ\xfe\xff\xff\xff\x86"), "the sizes of a NumPy array are no such"),
        (array(b"\x8a\x0a" + (2**70).to_bytes(10, "little") + b"\x85"), "the sizes of a NumPy array are no such"),
        (array(b"(" + b"J\x00\x00\x00\x40" * 4 + b"K\x00t", b"C\x00"), "the sizes of a NumPy array are no such"),
        (array(b"]"), "the sizes of a NumPy array are no such"),
        (array(b"\x88\x85", b"C\x04" + bytes(4)), "the sizes of a NumPy array are no such"),
    ],
)
def test_damaged_arrays(load, program, message):
    with pytest.raises(TorchFileError, match=message):
        load(zipped(program))


@pytest.mark.parametrize(
    "program",
    [
        array(data=b"K\x01"), array(fortran=b"K\x01"), array(dtype=b"N"), array(dtype=text(b"f4")),
        array(b"(" + b"K\x01" * 40 + b"t", b"C\x04" + bytes(4)), RECONSTRUCT + b"Nb", RECONSTRUCT + b"K\x01b",
        RECONSTRUCT,
        array(dtype=DTYPE.replace(b"<", b"?")), array(dtype=DTYPE.replace(b"<", b"\x00")),
    ],
)  # fmt: skip
def test_arrays_that_are_none(load, program):
    assert isinstance(load(zipped(program)), InertObject)


def test_arrays_where_other_things_belong(load):
    """An array is equal to nothing as a whole: comparing it raises ValueError."""
    for program in (
        b"(" + array() + FLOATS[2:], b"c_codecs\nencode\n" + text(b"a") + array() + b"\x86R",
        array(fortran=array()), b"(" + array() + b"K\x01tQ", b"ctorch\ndevice\n" + array() + b"\x85R",
        b"ctorch._utils\n_rebuild_device_tensor_from_numpy\n(" + array() * 4 + b"tR", b"(" + array() * 2 + b"d",
        b"cnumpy\ndtype\n" + array() + b"\x85R(K\x03" + array() + b"tb",
    ):  # fmt: skip
        try:
            value = load(zipped(program))
        except TorchFileError as error:
            assert "damaged" in str(error)  # noqa: PT017
        else:
            assert isinstance(value, InertObject)
    with pytest.raises(TorchFileError, match=r"not one that torch\.save wrote"):
        load(b"\x80\x02" + array() + b".")


def test_array_elsewhere_before_its_state(load):
    """In Python it would be the same array. Here, what has it already keeps the record."""
    first, second = load(zipped(b"(" + RECONSTRUCT + b"q\x00h\x00" + array()[len(RECONSTRUCT) :] + b"t"))
    assert isinstance(first, InertObject)
    np.testing.assert_array_equal(second, np.zeros(2, np.float32))


@needs_torch
@pytest.mark.parametrize("protocol", [2, 5])
def test_live(tmp_path, protocol):
    torch.save(ARRAYS, tmp_path / "a.pth", pickle, protocol)
    saved = load_torch_file(tmp_path / "a.pth")
    for name, expected in ARRAYS.items():
        np.testing.assert_array_equal(saved[name], expected)


def test_out_of_band(load):
    """A protocol 5 buffer that is in the file itself."""
    data = pickle.dumps(np.arange(3.0), 5)
    assert b"_frombuffer" in data
    np.testing.assert_array_equal(read(load, np.arange(3.0), 5), np.arange(3.0))
    size = struct.pack("<Q", 16)
    with pytest.raises(TorchFileError, match="not those of its sizes"):
        load(zipped(
            b"cnumpy.core.numeric\n_frombuffer\n(\x96" + size + bytes(16) + DTYPE + b"K\x03\x85" + text(b"C") + b"tR"
        ))  # fmt: skip
